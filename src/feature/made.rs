//! Tables that a function makes of `WITH` parts.
//!
//! In: names of parts that the session has, what the function makes of their rows, and the order in which it promises
//! them. Out: a table of one partition. Never: reads a part before somebody asks for the table's first row.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableFunctionArgs, TableProvider};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, plan_err};
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::col;
use futures::stream::BoxStream;
use futures::{FutureExt, TryStreamExt, stream};

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
