//! What a session says of tables and functions.

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Float64Type, Int64Type};
use arrow::util::pretty::pretty_format_batches;
use proptest::prelude::*;

use super::*;
use crate::lake::Lake;
use crate::schema::sheet::Sheet;
use crate::score::chance::Chance;

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
    let ids = |view: &str| format!("SELECT STRING_AGG(request_id, ' ' ORDER BY day) AS ids FROM survey_request{view}");
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

/// A row to score: its number, its card, a share, handsets, and whether it has an answer at all.
type Scored = (i64, &'static str, Option<f64>, Option<i64>, Option<bool>);

fn scored_cards() -> BTreeMap<String, Card> {
    let trained = r#"
        doc = "Calibrated."
        calibration = { points = [-40, 0, 60], probability_ppb = [1_234_567, 333_333_333, 987_654_321], low_ppb = [0, 0, 0], high_ppb = [987_654_321, 987_654_321, 987_654_321] }
        [characteristic]
        base = { criterion = "stranger", below = [], points = [-7], missing = -7, why = "Where every sum begins." }
        share = { criterion = "stranger", below = [0.3, 0.7], points = [-30, 0, 25], missing = 4, why = "A test needs one." }
        handsets = { criterion = "stranger", below = [2, 3], points = [0, 9, 31], missing = -2, why = "A test needs one." }
        answer = { criterion = "stranger", below = [], points = [11], missing = -13, why = "Known of some, and one value." }"#;
    let written = r#"
        doc = "By hand."
        points_per_logit = 10
        [characteristic]
        base = { criterion = "stranger", below = [], points = [-20], why = "Where every sum begins." }
        share = { criterion = "stranger", below = [0.5], points = [-3, 17], missing = 1, why = "A test needs one." }"#;
    [("trained", trained), ("written", written)]
        .map(|(name, card)| (name.to_owned(), toml::from_str::<Card>(card).unwrap()))
        .into()
}

/// What a card gives for a row, without SQL.
fn scored_alone(cards: &BTreeMap<String, Card>, row: &Scored) -> (i64, i64, f64) {
    let (number, card, share, handsets, answer) = *row;
    let card = &cards[card];
    let value = |name: &str| match name {
        "share" => share,
        "handsets" => handsets.map(|handsets| f64::from(i32::try_from(handsets).unwrap())),
        "answer" => answer.map(f64::from),
        _ => Some(0.0),
    };
    let points = card.characteristic.iter().map(|(name, found)| found.points(value(name))).sum();
    (number, points, card.probability(points))
}

/// What SQL gives for rows that lie in so many streams, in batches of so many.
async fn scored(rows: &[Scored], streams: usize, size: usize) -> Vec<(i64, i64, f64)> {
    let batch = |rows: &[Scored]| {
        let columns: [(&str, ArrayRef); 5] = [
            ("number", Arc::new(rows.iter().map(|row| Some(row.0)).collect::<Int64Array>())),
            ("card", Arc::new(rows.iter().map(|row| Some(row.1)).collect::<StringArray>())),
            ("share", Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>())),
            ("handsets", Arc::new(rows.iter().map(|row| row.3).collect::<Int64Array>())),
            ("answer", Arc::new(rows.iter().map(|row| row.4).collect::<BooleanArray>())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    };
    let session = session(scored_cards()).unwrap();
    for (option, value) in [("target_partitions", streams), ("batch_size", size)] {
        said(&session, &format!("SET datafusion.execution.{option} = {value}")).await;
    }
    let parts = rows.chunks(rows.len().div_ceil(streams));
    let parts: Vec<Vec<RecordBatch>> = parts.map(|rows| rows.chunks(size).map(batch).collect()).collect();
    let table = MemTable::try_new(batch(&[]).schema(), parts).unwrap();
    session.register_table("scored", Arc::new(table)).unwrap();
    // Rows that are made one are dealt anew, each to the stream of its key.
    let sql = "SELECT number, points, probability(card, points) AS probability FROM (
        SELECT number, card, points(card, 'stranger', named_struct('share', share, 'handsets', handsets, 'answer', answer))
            AS points FROM (SELECT DISTINCT * FROM scored) AS one
    ) AS pointed ORDER BY number";
    let mut found = Vec::new();
    for batch in session.sql(sql).await.unwrap().collect().await.unwrap() {
        let whole = |column: usize| batch.column(column).as_primitive::<Int64Type>().values().iter().copied();
        let probabilities = batch.column(2).as_primitive::<Float64Type>().values().iter().copied();
        found.extend(whole(0).zip(whole(1)).zip(probabilities).map(|((number, points), p)| (number, points, p)));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_score_is_the_same_however_the_rows_are_parted_and_in_whatever_order_they_come() {
    const SHARES: [Option<f64>; 7] = [Some(0.0), Some(0.3), Some(0.5), Some(0.7), Some(1e300), Some(f64::NAN), None];
    let mut chance = Chance::new(5, 0);
    let rows = (0..300).map(|number| {
        let card = if chance.below(2) == 0 { "trained" } else { "written" };
        let handsets = [Some(1), Some(2), Some(3), None][chance.below(4)];
        (number, card, SHARES[chance.below(7)], handsets, [Some(true), Some(false), None][chance.below(3)])
    });
    let mut rows: Vec<Scored> = rows.collect();
    let cards = scored_cards();
    let alone: Vec<_> = rows.iter().map(|row| scored_alone(&cards, row)).collect();
    for (streams, size) in [(1, 8192), (1, 1), (2, 7), (3, 8192), (4, 1), (7, 7)] {
        assert_eq!(scored(&rows, streams, size).await, alone, "{streams} streams, batches of {size}");
        rows = chance.order(rows.len()).into_iter().map(|place| rows[place]).collect();
    }
}

#[tokio::test]
async fn text_is_no_value_of_a_characteristic() {
    let session = session(scored_cards()).unwrap();
    let sql = "SELECT points('written', 'stranger', named_struct('share', 'abc')) AS points";
    let problem = session.sql(sql).await.unwrap_err().to_string();
    assert!(problem.contains("points: characteristic share is Utf8 and no number"), "{problem}");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_second_session_reads_no_footer_that_the_first_has_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut handle = Lake::local(folder.path()).unwrap().open(Table::CONTACT_DAY).await.unwrap();
    handle.replace(DAY.parse().unwrap(), &[contacts()]).await.unwrap();
    let footers = Footers::default();
    let calls = async || {
        let session = sharing(BTreeMap::new(), &footers).unwrap();
        handle.prepare(&session).unwrap();
        register(&session, Table::CONTACT_DAY, handle.provider().await.unwrap(), DAY.parse().unwrap()).unwrap();
        said(&session, "SELECT SUM(calls) FROM contact_day WHERE day = DATE '2025-01-06'").await
    };
    // How often each was found; of one that is read anew it begins at nothing.
    let found = || -> BTreeMap<String, usize> {
        footers.0.list_entries().into_iter().map(|(path, footer)| (path.to_string(), footer.hits)).collect()
    };
    let first = calls().await;
    let before = found();
    assert!(before.len() > 1, "{before:?}");
    assert_eq!(calls().await, first);
    let after = found();
    assert!(after.keys().eq(before.keys()), "{before:?} to {after:?}");
    assert!(before.iter().all(|(path, hits)| after[path] > *hits), "{before:?} to {after:?}");
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
    let mut calls: Vec<_> = (0..400).map(|call| (caller(call), call * 7_919 % 86_400, 84 + call * 31 % 40)).collect();
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
