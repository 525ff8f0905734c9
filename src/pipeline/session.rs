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

/// A session with every function of the house.
pub fn session(cards: BTreeMap<String, Card>) -> anyhow::Result<SessionContext> {
    bounded(cards, MEMORY_BYTES)
}

/// One with a bound of its own.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub(super) fn bounded(cards: BTreeMap<String, Card>, memory_bytes: usize) -> anyhow::Result<SessionContext> {
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
    let runtime = RuntimeEnvBuilder::new()
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
mod tests {
    use arrow::array::{ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, TimestampMicrosecondArray};
    use arrow::datatypes::Int64Type;
    use arrow::util::pretty::pretty_format_batches;
    use proptest::prelude::*;

    use super::*;
    use crate::lake::Lake;
    use crate::schema::sheet::Sheet;

    const DAY: &str = "2025-01-06";
    /// Enough for three files.
    const ROWS: i64 = 400_000;

    /// A day of contacts of callers who called ten numbers each.
    fn contacts() -> RecordBatch {
        let mut sheet = Sheet::new(Table::CONTACT_DAY.contract());
        for row in 0..ROWS {
            let line = sheet.row().day(DAY.parse().unwrap());
            let line = line.text("e164").int64(84_900_000_000 + row / 10).text_or_null(None);
            let line = line.text("e164").int64(row).text_or_null(None);
            let line = line.int64(row % 7).int64(0).int64(0).int64(0).int64(28);
            line.boolean(row % 3 == 0).boolean(false).instant_or_null(None).instant_or_null(None).end();
        }
        sheet.finish()
    }

    async fn said(session: &SessionContext, sql: &str) -> String {
        let frame = session.sql(sql).await.unwrap();
        pretty_format_batches(&frame.collect().await.unwrap()).unwrap().to_string()
    }

    #[test]
    fn what_a_session_writes_out_has_no_name_that_a_killed_run_could_leave() {
        let session = session(BTreeMap::new()).unwrap();
        let file = session.runtime_env().disk_manager.create_tmp_file("a test").unwrap();
        assert_eq!(file.path(), None);
    }

    #[tokio::test]
    async fn so_far_has_the_computed_day_and_before_has_not() {
        let session = session(BTreeMap::new()).unwrap();
        let table = Table::SURVEY_REQUEST;
        register(&session, table, empty(table.contract()).unwrap(), DAY.parse().unwrap()).unwrap();
        let asked = "INSERT INTO survey_request (day, request_id) VALUES
            (DATE '2025-01-05', 'past'), (DATE '2025-01-06', 'today'), (DATE '2025-01-07', 'tomorrow')";
        session.sql(asked).await.unwrap().collect().await.unwrap();
        let ids =
            |view: &str| format!("SELECT STRING_AGG(request_id, ' ' ORDER BY day) AS ids FROM survey_request{view}");
        let said = [said(&session, &ids(BEFORE)).await, said(&session, &ids(SO_FAR)).await];
        assert!(said[0].contains("| past |") && said[1].contains("| past today |"), "{said:?}");
    }

    #[tokio::test]
    async fn a_column_that_a_table_was_made_without_is_null() {
        let session = session(BTreeMap::new()).unwrap();
        let table = Table::REPORT_DAY;
        let whole = empty(table.contract()).unwrap().schema();
        let before = whole.index_of("remaining_reporters").unwrap();
        let places: Vec<usize> = (0..whole.fields().len()).filter(|place| *place != before).collect();
        let made = Arc::new(whole.project(&places).unwrap());
        let made = MemTable::try_new(Arc::clone(&made), vec![vec![RecordBatch::new_empty(made)]]).unwrap();
        register(&session, table, Arc::new(made), DAY.parse().unwrap()).unwrap();
        for view in ["", BEFORE, SO_FAR] {
            let sql = format!("SELECT COUNT(remaining_reporters) AS told, COUNT(source) AS made FROM report_day{view}");
            assert!(said(&session, &sql).await.contains("| 0 "), "{view}");
        }
    }

    #[tokio::test]
    async fn points_are_a_probability_by_what_the_card_of_their_row_says() {
        let trained = r#"
            doc = "Calibrated."
            characteristic = {}
            calibration = { points = [0, 100], probability_ppb = [400_000_000, 900_000_000], low_ppb = [0, 0], high_ppb = [900_000_000, 950_000_000] }"#;
        let written = "doc = \"By hand.\"\ncharacteristic = {}\npoints_per_logit = 10";
        let cards = [("trained", trained), ("written", written)];
        let cards = cards.map(|(name, card)| (name.to_owned(), toml::from_str(card).unwrap()));
        let session = session(cards.into()).unwrap();
        let rows = "(VALUES ('trained', CAST(50 AS BIGINT)), ('trained', 700), ('trained', NULL), ('written', 0)) AS total(card, points)";
        let sql = format!("SELECT COALESCE(probability(card, points), 0.125) AS p FROM {rows} ORDER BY p");
        let shown = said(&session, &sql).await;
        let cells: Vec<&str> = shown.split('|').map(str::trim).filter(|cell| cell.starts_with("0.")).collect();
        assert_eq!(cells, ["0.125", "0.5", "0.65", "0.9"], "{shown}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_clustered_day_is_grouped_without_sorting_or_shuffling_it() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let mut handle = lake.open(Table::CONTACT_DAY).await.unwrap();
        handle.replace(DAY.parse().unwrap(), &[contacts()]).await.unwrap();
        let session = session(BTreeMap::new()).unwrap();
        handle.prepare(&session).unwrap();
        register(&session, Table::CONTACT_DAY, handle.provider().await.unwrap(), DAY.parse().unwrap()).unwrap();

        let by_caller = "SELECT caller, COUNT(*) AS callees, SUM(calls) AS calls FROM contact_day
            WHERE day = DATE '2025-01-06' AND is_new GROUP BY caller";
        let plan = said(&session, &format!("EXPLAIN {by_caller}")).await;
        assert!(plan.contains("mode=SinglePartitioned") && plan.contains("ordering_mode=Sorted"), "{plan}");
        assert!(!plan.contains("SortExec") && !plan.contains("RepartitionExec"), "{plan}");
        let by_pair =
            "SELECT caller, callee, COUNT(*) FROM contact_day WHERE day = DATE '2025-01-06' GROUP BY caller, callee";
        let plan = said(&session, &format!("EXPLAIN {by_pair}")).await;
        assert!(plan.contains("mode=SinglePartitioned") && !plan.contains("RepartitionExec"), "{plan}");

        let summed = format!("SELECT COUNT(*), SUM(callees), SUM(calls) FROM ({by_caller}) AS by_caller");
        let rows = session.sql(&summed).await.unwrap().collect().await.unwrap();
        let value = |column: usize| rows[0].column(column).as_primitive::<Int64Type>().value(0);
        let new = |row: &i64| row % 3 == 0;
        let calls: i64 = (0..ROWS).filter(new).map(|row| row % 7).sum();
        let callers =
            i64::try_from((0..ROWS).filter(new).map(|row| row / 10).collect::<std::collections::BTreeSet<_>>().len());
        assert_eq!((value(0), value(1), value(2)), (callers.unwrap(), (0..ROWS).filter(new).count() as i64, calls));

        // A join meets both sides' keys, whichever way each of them lies.
        let joined = "SELECT COUNT(*) FROM contact_day AS one JOIN contact_day AS other ON one.caller = other.caller
            AND one.callee = other.callee WHERE one.day = DATE '2025-01-06' AND other.day <= DATE '2025-01-06'";
        let rows = session.sql(joined).await.unwrap().collect().await.unwrap();
        assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), ROWS);
    }

    /// A call as (day, second of the day, busy seconds, callee).
    type Plain = (i32, i64, i64, i64);

    /// Of a caller's calls: what the days say, joined, and what the calls say at once.
    async fn joined_and_at_once(calls: &[Plain]) -> [String; 2] {
        let monday: Day = DAY.parse().unwrap();
        let start_us = |call: &Plain| monday.plus(call.0).starts_at() + call.1 * 1_000_000;
        let starts: TimestampMicrosecondArray = calls.iter().map(|call| Some(start_us(call))).collect();
        let int = |value: fn(&Plain) -> i64| Arc::new(calls.iter().map(value).collect::<Int64Array>()) as ArrayRef;
        let columns: [(&str, ArrayRef); 6] = [
            ("day", Arc::new(calls.iter().map(|call| Some(call.0)).collect::<Date32Array>())),
            ("start_at", Arc::new(starts.with_timezone("UTC"))),
            ("busy_s", int(|call| call.2)),
            ("callee", int(|call| call.3)),
            ("cell", int(|call| call.3 % 5)),
            ("imei", int(|call| call.3 % 3)),
        ];
        let session = session(BTreeMap::new()).unwrap();
        session.register_batch("calls", RecordBatch::try_from_iter(columns).unwrap()).unwrap();
        let sequence = "call_sequence(start_at, busy_s, callee, cell, imei, 60) AS sequence";
        let sums = ["gaps", "short_gaps", "overlapping_calls", "sequential_calls"];
        let peaks = ["peak_calls_60s", "peak_calls_600s", "peak_calls_3600s"];
        let kinds = ["cells", "imeis"];
        let added = sums.map(|name| format!("SUM(sequence['{name}']) + MAX(joined['{name}']) AS {name}"));
        let greatest = peaks.map(|name| format!("GREATEST(MAX(sequence['{name}']), MAX(joined['{name}'])) AS {name}"));
        let distinct = kinds.map(|name| format!("MAX(joined['{name}']) AS {name}"));
        let joined = [&added[..], &greatest, &distinct].concat().join(", ");
        let names = [&sums[..], &peaks, &kinds].concat();
        let at_once = names.iter().map(|name| format!("sequence['{name}'] AS {name}")).collect::<Vec<_>>().join(", ");
        let joined = format!(
            "WITH days AS (
                SELECT {sequence}, call_segment(start_at, busy_s, callee, cell, imei) AS segment FROM calls GROUP BY day
            ),
            week AS (SELECT join_segments(segment, 60) AS joined FROM days)
            SELECT {joined} FROM days CROSS JOIN week"
        );
        let at_once = format!("SELECT {at_once} FROM (SELECT {sequence} FROM calls) AS whole");
        [said(&session, &joined).await, said(&session, &at_once).await]
    }

    /// What is followed of calls (caller, start, callee) that lie in so many streams.
    async fn followed(calls: &[(i64, i64, i64)], streams: usize) -> [String; 2] {
        let int = |value: fn(&(i64, i64, i64)) -> i64, calls: &[(i64, i64, i64)]| {
            Arc::new(calls.iter().map(value).collect::<Int64Array>()) as ArrayRef
        };
        let batch = |calls: &[(i64, i64, i64)]| {
            let starts: TimestampMicrosecondArray = calls.iter().map(|call| Some(call.1 * 1_000_000)).collect();
            let columns: [(&str, ArrayRef); 8] = [
                ("caller", int(|call| call.0, calls)),
                ("callee", int(|call| call.2, calls)),
                ("start_at", Arc::new(starts.with_timezone("UTC"))),
                ("busy_s", int(|call| call.1 % 90, calls)),
                ("cell", int(|call| call.2 % 5, calls)),
                ("imei", int(|call| call.2 % 3, calls)),
                ("is_odd", Arc::new(calls.iter().map(|call| Some(call.1 % 2 == 1)).collect::<BooleanArray>())),
                ("seconds", int(|call| call.1, calls)),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let session = session(BTreeMap::new()).unwrap();
        let size = calls.len().div_ceil(streams).max(1);
        let parts: Vec<Vec<RecordBatch>> = calls.chunks(size).map(|calls| vec![batch(calls)]).collect();
        let table = MemTable::try_new(batch(&[]).schema(), parts).unwrap();
        session.register_table("called", Arc::new(table)).unwrap();
        session.register_batch("before", batch(&[]).project(&[0, 1, 2]).unwrap()).unwrap();
        let columns =
            ["gaps", "short_gaps", "overlapping_calls", "peak_calls_600s", "sequential_calls", "callees", "cells"];
        let with = |column: fn(&str) -> String| columns.map(|name| format!("{} AS {name}", column(name))).join(", ");
        let at_once = with(|name| format!("sequence['{name}']"));
        let one_by_one = with(str::to_owned);
        let grouped = "SELECT caller AS party, call_sequence(start_at, busy_s, callee, cell, imei, 60) AS sequence,
            BOOL_OR(is_odd) AS is_odd, SUM(seconds) AS seconds FROM called GROUP BY caller";
        [
            said(&session, &format!("SELECT party, {at_once}, is_odd, seconds FROM ({grouped}) AS one ORDER BY party"))
                .await,
            said(
                &session,
                &format!("SELECT party, {one_by_one}, is_odd, seconds FROM follow_callers('called', 60, 'before')"),
            )
            .await,
        ]
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn callers_are_followed_in_whatever_order_their_calls_come() {
        // Who is beyond all numbers comes in no order in a clustered table either.
        let caller = |call: i64| if call % 11 == 0 { (1 << 50) + call % 3 } else { 84_900_000_000 + call % 7 };
        let mut calls: Vec<_> =
            (0..400).map(|call| (caller(call), call * 7_919 % 86_400, 84 + call * 31 % 40)).collect();
        let [grouped, scattered] = followed(&calls, 3).await;
        assert_eq!(scattered, grouped);
        calls.sort_by_key(|call| (call.0.min(1 << 50), call.1));
        assert_eq!(followed(&calls, 1).await, [grouped.clone(), grouped.clone()]);
        let mut streams = followed(&calls, 2).await;
        streams.sort_unstable();
        assert_eq!(streams, [grouped.clone(), grouped], "a caller lies in both streams");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn days_that_are_joined_say_what_their_calls_say_at_once(
            calls in prop::collection::vec(
                (0_i32..5, prop_oneof![0_i64..4_000, 82_000_i64..86_400], 0_i64..400, 0_i64..60), 1..60,
            ),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let [joined, at_once] = runtime.block_on(joined_and_at_once(&calls));
            prop_assert_eq!(joined, at_once);
        }
    }
}
