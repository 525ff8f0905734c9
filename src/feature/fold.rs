//! `FROM fold_call('record', $day, pair_window_s)`: the records of each call as one row.
//!
//! In: a `WITH` part with the columns of `call_record`, in any order; the day that is folded, and how many seconds
//! apart two records of one call may start. Out: each call whose leading record is of that day: that record's columns
//! and what all of its records say together, in the order in which `call_event` lies. Never: drops a record, folds
//! what differs, or holds more records than [`share`] allows, however large the day.
//!
//! Grouping and joining say the same in SQL at several times the cost, and so does a window over sorted records, which
//! carries every column through the sort. Here only two numbers and a place are sorted; the columns of the leading
//! records are fetched once, at the end.

mod call;
mod event;
mod share;

use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use self::call::Place;
use self::event::{Columns, Event, Rows};
use self::share::Share;
use super::made::{Made, Make, part};
use crate::schema::contract::Table;

/// The function's name.
pub const NAME: &str = "fold_call";

/// The function.
#[derive(Debug)]
pub(super) struct FoldCall;

impl TableFunctionImpl for FoldCall {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        use ScalarValue::{Date32, Int64};
        let [_, Expr::Literal(Date32(Some(day)), _), Expr::Literal(Int64(Some(seconds)), _)] = args.exprs() else {
            return plan_err!("{NAME} takes the name of a part, a day and a number of seconds");
        };
        let parts = vec![part(NAME, &args, 0)?];
        let order = Table::CALL_EVENT.contract().cluster.clone();
        let make = Fold { day: *day, window_us: seconds.saturating_mul(1_000_000) };
        Ok(Arc::new(Made { parts, schema: event::schema(), order, make }))
    }
}

/// A record as far as it has to be sorted. Nobody's number is the greatest: who has none comes last.
#[derive(Debug, Clone, Copy)]
struct Entry {
    caller: i64,
    callee: i64,
    at: Place,
}

/// What is folded, and how.
#[derive(Debug, Clone, Copy)]
struct Fold {
    day: i32,
    window_us: i64,
}

#[async_trait]
impl Make for Fold {
    async fn make(
        self,
        parts: Vec<Arc<dyn ExecutionPlan>>,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let [records] = <[_; 1]>::try_from(parts).or_else(|_| exec_err!("{NAME}: one part"))?;
        let at_once = context.session_config().target_partitions();
        let records = execute_stream(records, Arc::clone(&context))?;
        let shares = share::deal(records, &context, share::AT_ONCE).await?;
        let folded = stream::iter(shares).map(move |share| self.share(share)).buffered(at_once);
        Ok(folded.map_ok(|calls| stream::iter(calls.into_iter().map(Ok))).try_flatten().boxed())
    }
}

impl Fold {
    /// The calls of a share in their order, on a thread that may take its time.
    async fn share(self, share: Share) -> Result<Vec<RecordBatch>> {
        let held = share.held().await?;
        let folding = tokio::task::spawn_blocking(move || self.calls(&held.columns, held.entries));
        folding.await.map_err(|problem| DataFusionError::External(problem.into()))?
    }

    /// The calls of some callers, all of whose records are here.
    fn calls(self, columns: &[Columns], mut entries: Vec<Entry>) -> Result<Vec<RecordBatch>> {
        entries.sort_unstable_by_key(|entry| (entry.caller, entry.callee, entry.at));
        let (mut run, mut events, mut rows) = (Vec::new(), Vec::new(), Rows::of(columns));
        for of_caller in entries.chunk_by(|one, next| one.caller == next.caller) {
            for of_pair in of_caller.chunk_by(|one, next| one.callee == next.callee) {
                run.clear();
                run.extend(of_pair.iter().map(|entry| columns[entry.at.batch].record(entry.at, self.day)));
                call::fold(&mut run, self.window_us, |call| events.extend(Event::of(&call)));
            }
            events.retain(|event| columns[event.leader.batch].day(event.leader) == self.day);
            events.sort_unstable_by_key(|event| columns[event.leader.batch].order(event.leader));
            rows.append(&mut events)?;
        }
        rows.finish()
    }
}
