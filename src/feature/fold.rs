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
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::col;
use futures::{StreamExt, TryStreamExt, stream};

use self::call::Place;
use self::event::{Columns, Event, Rows};
use self::share::Share;
use crate::schema::contract::Table;

/// The function's name.
pub const NAME: &str = "fold_call";

/// The function.
#[derive(Debug)]
pub(super) struct FoldCall;

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
        let fold = Fold { day: *day, window_us: seconds.saturating_mul(1_000_000) };
        Ok(Arc::new(Calls { part: part.clone(), fold }))
    }
}

/// The calls of a part.
#[derive(Debug)]
struct Calls {
    part: String,
    fold: Fold,
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
        let session = state.as_any().downcast_ref::<SessionState>();
        let session = session.ok_or_else(|| exec_datafusion_err!("{NAME} needs a session of its own"))?;
        let part = session.schema_for_ref(self.part.as_str())?.table(&self.part).await?;
        let Some(part) = part else { return plan_err!("the query has no part \"{}\" to fold", self.part) };
        let records = part.scan(state, None, &[], None).await?;
        let order = Table::CALL_EVENT.contract().cluster.iter().map(|column| col(column.as_str()).sort(true, false));
        let folded = Folded { records, fold: self.fold, schema: self.schema() };
        let table = StreamingTable::try_new(self.schema(), vec![Arc::new(folded)])?.with_sort_order(order.collect());
        table.scan(state, projection, filters, limit).await
    }
}

/// Records that are folded when somebody asks for the first call.
#[derive(Debug)]
struct Folded {
    records: Arc<dyn ExecutionPlan>,
    fold: Fold,
    schema: SchemaRef,
}

impl PartitionStream for Folded {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (records, fold) = (Arc::clone(&self.records), self.fold);
        let at_once = context.session_config().target_partitions();
        let shares = async move {
            let records = execute_stream(records, Arc::clone(&context))?;
            let shares = share::deal(records, &context, share::AT_ONCE).await?;
            let folded = stream::iter(shares).map(move |share| fold.share(share)).buffered(at_once);
            Ok::<_, DataFusionError>(folded.map_ok(|calls| stream::iter(calls.into_iter().map(Ok))).try_flatten())
        };
        Box::pin(RecordBatchStreamAdapter::new(event::schema(), stream::once(shares).try_flatten()))
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
