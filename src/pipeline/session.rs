//! Sessions in which definitions are planned: tables by their contract's name, our functions, bound parameters.
//!
//! In: tables, either of the lake at one version or in memory. Out: plans and their rows. Never: a session without
//! a bound on its memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::task::Poll;

use anyhow::Context;
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::datasource::{MemTable, ViewTable, provider_as_source};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::cache::cache_manager::{CacheManagerConfig, FileMetadataCache};
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::{ExecutionPlan, collect_partitioned, execute_stream};
use datafusion::prelude::{DataFrame, Expr, SessionConfig, SessionContext, cast, col, lit};
use datafusion::scalar::ScalarValue;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use super::definition::Window;
use super::graph::{BEFORE, SO_FAR};
use super::memory::{CompactBelowSorts, Pool};
use super::spill::Unnamed;
use crate::clock::Stopwatch;
use crate::domain::day::Day;
use crate::feature::lookup::Parts;
use crate::lake::Handle;
use crate::schema::contract::{Column, Contract, Table, Type};
use crate::score::card::Card;
use crate::{feature, score};

/// Memory that a run may take before it spills to disk.
const MEMORY_BYTES: usize = 1 << 30;

/// Memory for footers beside it; those that were asked for last are kept.
const FOOTER_BYTES: usize = 50 << 20;

/// Footers of files, for several sessions to read each once.
///
/// They are known by a file's path alone, whichever table or lake it is of. That is enough: Delta names every file anew,
/// and a footer counts only for a file of the same size and time.
#[derive(Debug)]
pub(super) struct Footers(Arc<FileMetadataCache>);

impl Default for Footers {
    fn default() -> Self {
        Self(Arc::new(DefaultCache::new(FOOTER_BYTES)))
    }
}

/// A session with every function of the house.
pub fn session(cards: BTreeMap<String, Card>) -> anyhow::Result<SessionContext> {
    sharing(cards, &Footers::default())
}

/// One that knows the footers that others have read, and they those that it reads.
pub(super) fn sharing(cards: BTreeMap<String, Card>, footers: &Footers) -> anyhow::Result<SessionContext> {
    bounded(cards, footers, MEMORY_BYTES)
}

/// One with a bound of its own.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn bounded(
    cards: BTreeMap<String, Card>,
    footers: &Footers,
    memory_bytes: usize,
) -> anyhow::Result<SessionContext> {
    let parts = Arc::new(Parts::default());
    let config = SessionConfig::new()
        .with_extension(Arc::clone(&parts))
        .with_target_partitions(std::thread::available_parallelism().map_or(1, usize::from))
        .with_information_schema(false)
        // What comes in order from one stream would be dealt to many and merged again, at the price of a sort.
        .with_round_robin_repartition(false)
        // A caller that is whole in one stream is whole there with any further key.
        .set_usize("datafusion.optimizer.subset_repartition_threshold", 1)
        // It gives the fields of a struct names that clash above a join.
        .set_bool("datafusion.optimizer.enable_leaf_expression_pushdown", false)
        // A union keeps the column comments of its first input only, and the check takes that for a fault.
        .set_bool("datafusion.execution.skip_physical_aggregate_schema_check", true);
    let caches = CacheManagerConfig::default()
        .with_file_metadata_cache(Some(Arc::clone(&footers.0)))
        .with_metadata_cache_limit(FOOTER_BYTES);
    let runtime = RuntimeEnvBuilder::new()
        .with_cache_manager(caches)
        .with_memory_pool(Arc::new(Pool::new(memory_bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_temp_file_factory(Arc::new(Unnamed)))
        .build_arc()?;
    let state = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features();
    let state = state.with_physical_optimizer_rule(Arc::new(CompactBelowSorts)).build();
    let session = SessionContext::new_with_state(state);
    feature::register(&session, &parts);
    score::register(&session, cards);
    Ok(session)
}

/// Registers a table, and its days before the computed one under `TABLE_before`; of a weekly table, the weeks before
/// the one that the computed day lies in, which may not be over. Under `TABLE_so_far` the computed one is among them.
pub fn register(
    session: &SessionContext,
    table: Table,
    provider: Arc<dyn TableProvider>,
    day: Day,
) -> anyhow::Result<()> {
    let provider = padded(table, provider)?;
    session.register_table(table.name(), Arc::clone(&provider))?;
    if let Some(partition) = table.contract().partition.first() {
        let source = provider_as_source(provider);
        let (computed, next) = Window::of(table, day).bounds();
        for (suffix, end) in [(BEFORE, computed), (SO_FAR, next)] {
            let scan = LogicalPlanBuilder::scan(table.name(), Arc::clone(&source), None)?;
            let earlier = col(partition.as_str()).lt(lit(ScalarValue::Date32(Some(end.epoch_days()))));
            let view = ViewTable::new(scan.filter(earlier)?.build()?, None);
            session.register_table(format!("{table}{suffix}"), Arc::new(view))?;
        }
    }
    Ok(())
}

/// The table with all columns of its contract that may be null: one that was made before the column was has nulls there,
/// whoever opens it first.
fn padded(table: Table, provider: Arc<dyn TableProvider>) -> anyhow::Result<Arc<dyn TableProvider>> {
    let (columns, made) = (&table.contract().columns, provider.schema());
    let is_there = |column: &Column| made.field_with_name(&column.name).is_ok();
    if columns.iter().all(is_there) {
        return Ok(provider);
    }
    let scan = LogicalPlanBuilder::scan(table.name(), provider_as_source(provider), None)?;
    let columns = columns.iter().filter(|column| is_there(column) || column.null).map(|column| {
        let null = || cast(lit(ScalarValue::Null), column.kind.arrow()).alias(column.name.as_str());
        if is_there(column) { col(column.name.as_str()) } else { null() }
    });
    Ok(Arc::new(ViewTable::new(scan.project(columns)?.build()?, None)))
}

/// An empty table of a contract; cells that an INSERT does not name take the contract's example.
pub fn empty(contract: &Contract) -> anyhow::Result<Arc<dyn TableProvider>> {
    let schema = contract.schema();
    let table = MemTable::try_new(Arc::clone(&schema), vec![vec![RecordBatch::new_empty(schema)]])?;
    let mut defaults: HashMap<String, Expr> = HashMap::new();
    for column in &contract.columns {
        if let Some(example) = example(column)? {
            defaults.insert(column.name.clone(), example);
        }
    }
    Ok(Arc::new(table.with_column_defaults(defaults)))
}

fn example(column: &Column) -> anyhow::Result<Option<Expr>> {
    let Some(value) = &column.example else { return Ok(None) };
    let text = value.as_str().map(str::to_owned);
    let literal = match (column.kind, value) {
        (Type::Int32 | Type::Int64, toml::Value::Integer(value)) => lit(*value),
        (Type::Float64, toml::Value::Float(value)) => lit(*value),
        (Type::Bool, toml::Value::Boolean(value)) => lit(*value),
        (Type::Utf8 | Type::Date | Type::Timestamp | Type::Binary, _) => {
            lit(text.with_context(|| format!("example of column {} is no text", column.name))?)
        }
        _ => anyhow::bail!("example of column {} has the wrong type", column.name),
    };
    Ok(Some(cast(literal, column.kind.arrow())))
}

/// The rows of a frame by partition; says in the log where the time went.
pub(super) async fn collect(part: &str, frame: DataFrame) -> anyhow::Result<Vec<Vec<RecordBatch>>> {
    let watch = Stopwatch::start();
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await?;
    let planned_ms = watch.elapsed().as_millis();
    let batches = collect_partitioned(Arc::clone(&plan), context).await?;
    told(part, planned_ms, watch, plan.as_ref());
    Ok(batches)
}

fn told(part: &str, planned_ms: u128, watch: Stopwatch, plan: &dyn ExecutionPlan) {
    tracing::debug!(part, planned_ms, took_ms = watch.elapsed().as_millis(), "part computed");
    tracing::trace!(part, plan = %DisplayableExecutionPlan::with_metrics(plan).indent(true), "what each step cost");
}

/// Runs a plan; the rows come in the contract's types and in the order of its cluster columns.
pub async fn rows(
    session: &SessionContext,
    plan: LogicalPlan,
    contract: &'static Contract,
) -> anyhow::Result<Vec<RecordBatch>> {
    stream(session, plan, contract).await?.try_collect().await
}

/// The same, batch by batch while it is computed; says in the log where the time went.
pub async fn stream(
    session: &SessionContext,
    plan: LogicalPlan,
    contract: &'static Contract,
) -> anyhow::Result<BoxStream<'static, anyhow::Result<RecordBatch>>> {
    let watch = Stopwatch::start();
    let mut frame = DataFrame::new(session.state(), plan);
    if !contract.cluster.is_empty() {
        frame = frame.sort(contract.cluster.iter().map(|column| col(column.as_str()).sort(true, false)).collect())?;
    }
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await?;
    let planned_ms = watch.elapsed().as_millis();
    let computed = execute_stream(Arc::clone(&plan), context)?;
    let tell = stream::poll_fn(move |_| {
        told(&contract.name, planned_ms, watch, plan.as_ref());
        Poll::Ready(None)
    });
    Ok(computed.map(|batch| conform(&batch?, contract)).chain(tell).boxed())
}

/// The rows of a day of a table, batch by batch while they are read, in the contract's types and in the order of its
/// cluster columns: what does not lie so is sorted within the bound on memory.
pub async fn day(handle: &Handle, day: Day) -> anyhow::Result<BoxStream<'static, anyhow::Result<RecordBatch>>> {
    let contract = handle.table().contract();
    let partition = contract.partition.first().with_context(|| format!("{} has no days", contract.name))?;
    let session = session(BTreeMap::new())?;
    handle.prepare(&session)?;
    let is_wanted = col(partition.as_str()).eq(lit(ScalarValue::Date32(Some(day.epoch_days()))));
    let columns: Vec<&str> = contract.columns.iter().map(|column| column.name.as_str()).collect();
    let frame = session.read_table(handle.provider().await?)?.filter(is_wanted)?.select_columns(&columns)?;
    stream(&session, frame.into_unoptimized_plan(), contract).await
}

/// The rows of a plan as they come.
pub async fn computed(session: &SessionContext, plan: LogicalPlan) -> anyhow::Result<Vec<RecordBatch>> {
    let partitions = collect("query", DataFrame::new(session.state(), plan)).await?;
    Ok(partitions.into_iter().flatten().collect())
}

/// The batch in exactly the contract's schema: text views become text, nullability is checked.
fn conform(batch: &RecordBatch, contract: &Contract) -> anyhow::Result<RecordBatch> {
    let mut columns = Vec::new();
    for (field, array) in contract.schema().fields().iter().zip(batch.columns()) {
        let array = arrow::compute::cast(array, field.data_type())
            .with_context(|| format!("column {} of {}", field.name(), contract.name))?;
        columns.push(array);
    }
    RecordBatch::try_new(contract.schema(), columns).with_context(|| format!("rows for table {}", contract.name))
}

/// Whether a planned type holds what the contract's type says: text and text views are the same to a reader.
pub fn same_type(planned: &DataType, contract: &DataType) -> bool {
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8);
    planned == contract || (is_text(planned) && is_text(contract))
}

#[cfg(test)]
mod tests;
