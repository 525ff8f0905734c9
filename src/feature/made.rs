//! Tables that a function makes of `WITH` parts.
//!
//! In: names of parts that the session has, what the function makes of their rows, and the order in which it promises
//! them. Out: a table of one partition. Never: reads a part before somebody asks for the table's first row.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableFunctionArgs, TableProvider};
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::prelude::col;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

/// Rows of a batch that is handed on.
const BATCH_ROWS: usize = 8_192;

/// An instant in a part; which zone it is shown in makes no difference here.
pub(super) const INSTANT: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// What a function makes of its parts.
#[async_trait]
pub(super) trait Make: Debug + Clone + Send + Sync + 'static {
    /// The rows, in the order that was promised.
    async fn make(
        self,
        parts: Vec<Arc<dyn ExecutionPlan>>,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>>;
}

/// The part that an argument of a function names.
pub(super) fn part(function: &str, args: &TableFunctionArgs, argument: usize) -> Result<Arc<dyn TableProvider>> {
    let session = args.session().as_any().downcast_ref::<SessionState>();
    let session = session.ok_or_else(|| exec_datafusion_err!("{function} needs a session of its own"))?;
    let Some(Expr::Literal(ScalarValue::Utf8(Some(name)), _)) = args.exprs().get(argument) else {
        return plan_err!("{function} takes the name of a part as argument {}", argument + 1);
    };
    // What is in memory is there at once.
    match session.schema_for_ref(name.as_str())?.table(name).now_or_never() {
        Some(Ok(Some(part))) => Ok(part),
        _ => plan_err!("{function}: the query has no part \"{name}\""),
    }
}

/// Whether a part has the columns in front that it should have.
pub(super) fn begins_with(function: &str, part: &Schema, wanted: &[DataType]) -> Result<()> {
    let bare = |kind: &DataType| match kind {
        DataType::Timestamp(unit, _) => DataType::Timestamp(*unit, None),
        kind => kind.clone(),
    };
    let found: Vec<DataType> = part.fields().iter().map(|field| bare(field.data_type())).collect();
    if found.starts_with(wanted) {
        Ok(())
    } else {
        plan_err!("{function}: a part has {found:?}, and should have {wanted:?} in front")
    }
}

/// Takes in the rows of a part, each of its partitions on its own thread; what each has made of them, in their order.
pub(super) async fn each<T: Send + 'static>(
    part: &Arc<dyn ExecutionPlan>,
    context: &Arc<TaskContext>,
    begin: impl Fn() -> T,
    take: impl Fn(&mut T, &RecordBatch) -> Result<()> + Copy + Send + 'static,
) -> Result<Vec<T>> {
    let mut tasks = Vec::new();
    for partition in 0..part.output_partitioning().partition_count() {
        let (mut rows, mut taken) = (part.execute(partition, Arc::clone(context))?, begin());
        tasks.push(async move {
            let task = SpawnedTask::spawn(async move {
                while let Some(batch) = rows.try_next().await? {
                    take(&mut taken, &batch)?;
                }
                Ok(taken)
            });
            task.await.map_err(|problem| DataFusionError::External(problem.into()))?
        });
    }
    let at_once = context.session_config().target_partitions();
    stream::iter(tasks).buffered(at_once).try_collect().await
}

/// Work that takes its time, on a thread of its own.
pub(super) async fn worked<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    SpawnedTask::spawn_blocking(work).await.map_err(|problem| DataFusionError::External(problem.into()))
}

/// So many rows, as the rows of batches.
pub(super) fn batches(rows: usize) -> impl Iterator<Item = Range<usize>> + Send + 'static {
    (0..rows).step_by(BATCH_ROWS).map(move |from| from..rows.min(from + BATCH_ROWS))
}

/// Batches in their order; the next ones are made while one is being read.
pub(super) fn handed_on<R: Send + 'static>(
    batches: impl Iterator<Item = R> + Send + 'static,
    context: &TaskContext,
    batch: impl Fn(R) -> Result<RecordBatch> + Send + Sync + 'static,
) -> BoxStream<'static, Result<RecordBatch>> {
    let batch = Arc::new(batch);
    let batches = batches.map(move |rows| {
        let batch = Arc::clone(&batch);
        async move { worked(move || batch(rows)).await? }
    });
    stream::iter(batches).buffered(2 * context.session_config().target_partitions()).boxed()
}

/// A table to be made.
#[derive(Debug)]
pub(super) struct Made<M> {
    pub(super) parts: Vec<Arc<dyn TableProvider>>,
    pub(super) schema: SchemaRef,
    /// The columns by which its rows come, nulls last.
    pub(super) order: Vec<String>,
    pub(super) make: M,
}

#[async_trait]
impl<M: Make> TableProvider for Made<M> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
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
        let mut parts = Vec::new();
        for part in &self.parts {
            parts.push(part.scan(state, None, &[], None).await?);
        }
        let rows = Rows { parts, schema: self.schema(), make: self.make.clone() };
        let order = self.order.iter().map(|column| col(column.as_str()).sort(true, false)).collect();
        let table = StreamingTable::try_new(self.schema(), vec![Arc::new(rows)])?.with_sort_order(order);
        table.scan(state, projection, filters, limit).await
    }
}

/// Its rows.
#[derive(Debug)]
struct Rows<M> {
    parts: Vec<Arc<dyn ExecutionPlan>>,
    schema: SchemaRef,
    make: M,
}

impl<M: Make> PartitionStream for Rows<M> {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.make.clone().make(self.parts.clone(), context);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), stream::once(rows).try_flatten()))
    }
}
