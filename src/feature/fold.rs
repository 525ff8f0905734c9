//! `FROM fold_call('part', $day, pair_window_s)`: the records of each call as one row.
//!
//! In: a `WITH` part with the columns of `call_record`, in any order; the day that is folded, and how many seconds
//! apart two records of one call may start. Out: each call whose leading record is of that day: that record's columns
//! and what all of its records say together, in the order in which `call_event` lies. Never: drops a record, or folds
//! what differs.
//!
//! Grouping and joining say the same in SQL at several times the cost, and so does a window over sorted records, which
//! carries every column through the sort. Here only two numbers and a place are sorted; the columns of the leading
//! records are fetched once, at the end.

mod call;
mod event;

use std::panic::resume_unwind;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue, plan_err};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::col;

use self::call::Place;
use self::event::{Columns, Event, Rows};
use super::lookup::Parts;
use crate::schema::contract::Table;

/// The function's name.
pub const NAME: &str = "fold_call";

/// The function of a session, with the parts that its queries have.
#[derive(Debug)]
pub(super) struct FoldCall(pub(super) Arc<Parts>);

impl TableFunctionImpl for FoldCall {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        use ScalarValue::{Date32, Int64, Utf8};
        let [
            Expr::Literal(Utf8(Some(part)), _),
            Expr::Literal(Date32(Some(day)), _),
            Expr::Literal(Int64(Some(seconds)), _),
        ] = args.exprs()
        else {
            return plan_err!("{NAME} takes the name of a part, a day and a number of seconds");
        };
        let window_us = seconds.saturating_mul(1_000_000);
        Ok(Arc::new(Calls { parts: Arc::clone(&self.0), part: part.clone(), day: *day, window_us }))
    }
}

/// The calls of a part, which are folded when they are scanned.
#[derive(Debug)]
struct Calls {
    parts: Arc<Parts>,
    part: String,
    day: i32,
    window_us: i64,
}

#[async_trait]
impl TableProvider for Calls {
    fn schema(&self) -> SchemaRef {
        event::schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let records = self.parts.find(&self.part)?;
        let (day, window_us) = (self.day, self.window_us);
        let shares = state.config().target_partitions();
        let folding = tokio::task::spawn_blocking(move || fold(records.rows(), day, window_us, shares));
        let calls = folding.await.map_err(|problem| DataFusionError::External(problem.into()))??;
        // A partition for each share: of one that DataFusion cuts itself it forgets the order.
        let order = Table::CALL_EVENT.contract().cluster.iter().map(|column| col(column.as_str()).sort(true, false));
        let table = MemTable::try_new(self.schema(), calls)?.with_sort_order(vec![order.collect()]);
        table.scan(state, projection, filters, limit).await
    }
}

/// A record as far as it has to be sorted. Nobody's number is the greatest: who has none comes last.
#[derive(Debug, Clone, Copy)]
struct Entry {
    caller: i64,
    callee: i64,
    at: Place,
}

/// The calls of these records, each share in its order. Callers are dealt out in shares that follow upon each other, so
/// that every core has some.
fn fold(batches: &[RecordBatch], day: i32, window_us: i64, shares: usize) -> Result<Vec<Vec<RecordBatch>>> {
    let columns = batches.iter().map(Columns::of).collect::<Result<Vec<_>>>()?;
    let entries = columns.iter().zip(0..).flat_map(|(columns, batch)| columns.entries(batch));
    let shares = shared(entries.collect(), shares);
    let columns = columns.as_slice();
    std::thread::scope(|scope| {
        let start = |entries| scope.spawn(move || fold_share(columns, entries, day, window_us));
        let threads: Vec<_> = shares.into_iter().map(start).collect();
        let folded = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        folded.collect()
    })
}

/// How many callers are asked where to cut.
const SAMPLE: usize = 1_024;

/// The entries of so many ranges of callers that hold about as many each.
fn shared(entries: Vec<Entry>, shares: usize) -> Vec<Vec<Entry>> {
    let mut sample: Vec<i64> =
        entries.iter().step_by(entries.len().div_ceil(SAMPLE).max(1)).map(|entry| entry.caller).collect();
    sample.sort_unstable();
    let cuts: Vec<i64> = (1..shares).filter_map(|share| sample.get(share * sample.len() / shares).copied()).collect();
    let mut shared = vec![Vec::with_capacity(entries.len() / shares.max(1) + SAMPLE); cuts.len() + 1];
    for entry in entries {
        shared[cuts.partition_point(|cut| *cut <= entry.caller)].push(entry);
    }
    shared
}

/// The calls of some callers, all of whose records are here.
fn fold_share(columns: &[Columns], mut entries: Vec<Entry>, day: i32, window_us: i64) -> Result<Vec<RecordBatch>> {
    entries.sort_unstable_by_key(|entry| (entry.caller, entry.callee, entry.at));
    let (mut run, mut events, mut rows) = (Vec::new(), Vec::new(), Rows::of(columns));
    for of_caller in entries.chunk_by(|one, next| one.caller == next.caller) {
        for of_pair in of_caller.chunk_by(|one, next| one.callee == next.callee) {
            run.clear();
            run.extend(of_pair.iter().map(|entry| columns[entry.at.batch].record(entry.at, day)));
            call::fold(&mut run, window_us, |call| events.extend(Event::of(&call)));
        }
        events.retain(|event| columns[event.leader.batch].day(event.leader) == day);
        events.sort_unstable_by_key(|event| columns[event.leader.batch].order(event.leader));
        rows.append(&mut events)?;
    }
    rows.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(caller: i64) -> Entry {
        Entry { caller, callee: 1, at: Place { batch: 0, row: 0 } }
    }

    #[test]
    fn shares_follow_upon_each_other_and_part_no_caller() {
        let callers = [7, 3, 3, 3, 3, 9, 1, 3, 8, 2];
        for shares in 1..6 {
            let shared = shared(callers.map(entry).to_vec(), shares);
            assert_eq!(shared.iter().map(Vec::len).sum::<usize>(), callers.len());
            let callers = |share: &[Entry]| share.iter().map(|entry| entry.caller).collect::<Vec<_>>();
            let filled: Vec<_> = shared.iter().map(|share| callers(share)).filter(|share| !share.is_empty()).collect();
            assert!(filled.windows(2).all(|pair| pair[0].iter().max() < pair[1].iter().min()), "{filled:?}");
        }
    }

    #[test]
    fn no_records_are_no_calls() {
        assert!(fold(&[], 0, 0, 2).unwrap().concat().is_empty());
    }
}
