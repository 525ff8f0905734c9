//! The bound on the memory of a session.
//!
//! In: what the steps of a plan ask for. Out: yes to whoever asks first, until the bound; then to whoever has next to
//! nothing, and to a sort that merges what it holds, up to half as much again. Never: leaves a step without the little
//! that it needs to write its rows to disk; lets a sort count a row more than once.
//!
//! In equal shares for the many steps of a plan, the largest would not get along, though others leave their share alone.
//! Given away to whoever comes first, all of it is gone when the second of two sorts begins, and that one fails. So does
//! one that gives its rows back one by one, to take them again for the merge that writes them, while the other takes
//! what it gave. And a batch that is a slice of a large one, as aggregates hand them on, counts as the whole of it, each
//! time anew.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};
use futures::StreamExt;

/// What every step may have, however little is left: DataFusion's sort wants 10 MiB before it can spill.
const FLOOR_BYTES: usize = 16 << 20;

/// How DataFusion names the merge of the rows that a sort holds in memory.
const MERGE: &str = "ExternalSorterMerge";

/// Gives first come, first served, and to each at least a little.
#[derive(Debug)]
pub(super) struct Pool {
    all: GreedyMemoryPool,
    /// The bound, and half of it more where a merge asks, of all merges together. A sort counts each row twice, once for
    /// itself and once for what becomes of it, so what the largest one gave back is no more than that.
    with_merges: usize,
}

impl Pool {
    pub(super) fn new(bytes: usize) -> Self {
        Self { all: GreedyMemoryPool::new(bytes), with_merges: bytes + bytes / 2 }
    }

    /// Whether a step may have more although the bound is reached.
    fn is_excused(&self, reservation: &MemoryReservation, additional: usize) -> bool {
        let is_merge = reservation.consumer().name().starts_with(MERGE);
        reservation.size() + additional <= FLOOR_BYTES
            || (is_merge && self.all.reserved() + additional <= self.with_merges)
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)
    }
}

impl MemoryPool for Pool {
    fn name(&self) -> &'static str {
        "greedy with a floor"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.all.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.all.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let refused = self.all.try_grow(reservation, additional);
        if refused.is_err() && self.is_excused(reservation, additional) {
            self.all.grow(reservation, additional);
            return Ok(());
        }
        refused
    }

    fn reserved(&self) -> usize {
        self.all.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.all.memory_limit()
    }
}

const RECOMPUTE: ReplaceChildrenOptions = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);

/// Puts a [`Compact`] below every sort.
#[derive(Debug)]
pub(super) struct CompactBelowSorts;

impl PhysicalOptimizerRule for CompactBelowSorts {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let below = |plan: Arc<dyn ExecutionPlan>| {
            if !plan.is::<SortExec>() {
                return Ok(Transformed::no(plan));
            }
            let inputs = plan.children().into_iter();
            let inputs = inputs.map(|input| Arc::new(Compact(Arc::clone(input))) as Arc<dyn ExecutionPlan>).collect();
            Ok(Transformed::yes(plan.replace_children(inputs, RECOMPUTE)?))
        };
        plan.transform_up(below).data()
    }

    fn name(&self) -> &'static str {
        "compact_below_sorts"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same rows, of which no batch holds on to the memory of others.
#[derive(Debug)]
struct Compact(Arc<dyn ExecutionPlan>);

impl DisplayAs for Compact {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Compact")
    }
}

impl ExecutionPlan for Compact {
    fn name(&self) -> &'static str {
        "Compact"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, inputs: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match <[Arc<dyn ExecutionPlan>; 1]>::try_from(inputs) {
            Ok([input]) => Ok(Arc::new(Self(input))),
            Err(_) => internal_err!("Compact has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = self.0.execute(partition, context)?.map(|batch| compact(&batch?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }
}

fn compact(batch: &RecordBatch) -> Result<RecordBatch> {
    let columns = batch.columns().iter().map(own).collect::<Result<_>>()?;
    Ok(RecordBatch::try_new_with_options(
        batch.schema(),
        columns,
        &RecordBatchOptions::new().with_row_count(Some(batch.num_rows())),
    )?)
}

/// The column itself when it is most of what it holds, else a copy.
fn own(column: &ArrayRef) -> Result<ArrayRef> {
    match column.data_type() {
        DataType::Utf8View => return Ok(Arc::new(column.as_string_view().gc())),
        DataType::BinaryView => return Ok(Arc::new(column.as_binary_view().gc())),
        _ => {}
    }
    let wanted = column.to_data().get_slice_memory_size()?;
    if column.get_buffer_memory_size() <= 2 * wanted {
        return Ok(Arc::clone(column));
    }
    let rows: UInt32Array = (0..).take(column.len()).collect();
    Ok(take(column, &rows, None)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::{Int64Array, StringViewArray};
    use datafusion::execution::memory_pool::MemoryConsumer;
    use datafusion::physical_plan::display::DisplayableExecutionPlan;

    use super::*;
    use crate::pipeline::session;

    #[test]
    fn a_slice_becomes_its_own_and_says_the_same() {
        let numbers: Int64Array = (0..100_000).map(|row| (row % 3 > 0).then_some(row)).collect();
        let texts: StringViewArray =
            (0..100_000).map(|row| Some(format!("a text that is no inline one {row}"))).collect();
        let columns: [(&str, ArrayRef); 2] = [("number", Arc::new(numbers)), ("text", Arc::new(texts))];
        let slice = RecordBatch::try_from_iter(columns).unwrap().slice(500, 100);
        let own = compact(&slice).unwrap();
        assert_eq!(own, slice);
        assert!(own.get_array_memory_size() < 20_000 && slice.get_array_memory_size() > 1_000_000);
        let again = compact(&own).unwrap();
        assert!(again.column(0).to_data().ptr_eq(&own.column(0).to_data()), "there is nothing to copy");
    }

    #[tokio::test]
    async fn every_sort_of_a_session_is_compact_below() {
        let session = session::session(BTreeMap::new()).unwrap();
        let sorted = session.sql("SELECT number FROM (VALUES (2), (1)) AS t (number) ORDER BY number").await.unwrap();
        let plan = sorted.create_physical_plan().await.unwrap();
        let plan = DisplayableExecutionPlan::new(plan.as_ref()).indent(false).to_string();
        let sort = plan.lines().position(|line| line.trim_start().starts_with("SortExec")).unwrap();
        assert_eq!(plan.lines().nth(sort + 1).map(str::trim), Some("Compact"), "{plan}");
    }

    #[test]
    fn whoever_comes_last_still_has_the_floor_and_no_more() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Pool::new(4 * FLOOR_BYTES));
        let first = MemoryConsumer::new("first").register(&pool);
        first.try_grow(4 * FLOOR_BYTES).unwrap();
        assert!(first.try_grow(1).is_err(), "it has more than the floor");
        let last = MemoryConsumer::new("last").register(&pool);
        last.try_grow(FLOOR_BYTES).unwrap();
        assert!(last.try_grow(1).is_err());
        first.free();
        last.try_grow(FLOOR_BYTES).unwrap();
        assert_eq!(pool.reserved(), 2 * FLOOR_BYTES);
    }

    #[test]
    fn a_merge_takes_what_its_sort_gave_back_though_another_was_quicker() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Pool::new(8 * FLOOR_BYTES));
        let quicker = MemoryConsumer::new("ExternalSorter[0]").register(&pool);
        quicker.try_grow(8 * FLOOR_BYTES).unwrap();
        let merge = MemoryConsumer::new("ExternalSorterMerge[1]").register(&pool);
        merge.try_grow(4 * FLOOR_BYTES).unwrap();
        assert!(merge.try_grow(1).is_err());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn sorts_that_hold_many_times_the_bound_at_once_get_along() {
        let session = session::bounded(BTreeMap::new(), &session::Footers::default(), 64 << 20).unwrap();
        let rows = 1_500_000;
        let half = format!(
            "SELECT value * 7919 % {rows} AS low, value % 1000 AS high, CAST(value AS TEXT) AS low_name, \
             CONCAT('a name that is no inline one ', value) AS high_name FROM range(0, {rows})"
        );
        let all = format!("SELECT * FROM ({half} UNION ALL {half}) ORDER BY high_name, low_name, low, high");
        let sorted = session.sql(&all).await.unwrap().collect().await.unwrap();
        assert_eq!(sorted.iter().map(RecordBatch::num_rows).sum::<usize>(), 2 * rows);
    }
}
