//! What goes of a small lake when a citizen asks, what stays, and what the ledger says behind it.

use std::path::Path;

use arrow::array::{Array as _, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::util::display::array_value_to_string;

use super::*;
use crate::domain::account::Account;
use crate::job::desk::{Hand, Look};
use crate::job::ledger::ledger;
use crate::job::tests::{inserted, open_desk};
use crate::lake::append::Span;
use crate::lake::ledger::{Kind, Told};
use crate::lake::lock::Held;
use crate::pipeline::run;
use crate::schema::topic::Topic;
use crate::store::Refused;
use crate::store::audit::Wanted;
use crate::store::user::Role;

const OWN: i64 = 84_912_000_009;
const OTHER: i64 = 84_912_345_678;
const ACCUSED: i64 = 84_962_000_001;
const MONDAY: &str = "2025-01-06";
/// The day before the request: its reports are evidence for a while.
const LATELY: &str = "2025-07-31";
const SOURCE: &str = "k/t/0";

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn at() -> Clock {
    Clock::Fixed(day("2025-08-01").starts_at())
}

fn definitions() -> Definitions {
    Definitions::read(&run::folder(None)).unwrap()
}

/// A subscription that has the number since before all rows.
async fn subscribe(lake: &Lake) {
    let since = format!("({OWN}, '2024-01-01T00:00:00Z')");
    put(lake, Table::SUBSCRIBER, "number, activated_at", &[since]).await;
}

async fn put(lake: &Lake, table: Table, columns: &str, rows: &[String]) {
    let rows = inserted(table, columns, &rows.join(", ")).await;
    lake.open(table).await.unwrap().append(&rows, &[]).await.unwrap();
}

/// Reports with the accounts of their offsets, so that the ledger can miss one.
async fn report(lake: &Lake) {
    let columns = "day, report_id, reporter, kind, source, source_raw, content, message, evidence, entities, \
        source_offset, source_id, province";
    let row = |on: &str, id: i64, reporter: i64, kind: &str, content: &str, entities: &str| {
        format!(
            "('{on}', 'r{id}', {reporter}, '{kind}', {ACCUSED}, 'sealed:6ba2f6ff:A{id}', '{content}', 'all of {content}', \
             'rec-{id}', {entities}, {id}, '{SOURCE}', 'Cà Mau')"
        )
    };
    let rows = [
        row(MONDAY, 0, OWN, "scam_call", "sealed:6ba2f6ff:own words", "'account:0123456789|domain:bad.vn'"),
        row(MONDAY, 1, OTHER, "scam_call", "sealed:6ba2f6ff:their words", "'domain:bad.vn'"),
        row(MONDAY, 2, OWN, "dnc_register", "V", "NULL"),
        row(LATELY, 3, OWN, "spam_call", "own words of late", "NULL"),
    ];
    let batches = inserted(Table::CITIZEN_REPORT, columns, &rows.join(", ")).await;
    let days = BTreeMap::from([(day(MONDAY), 3), (day(LATELY), 1)]);
    let account = Account { until: 4, records: 4, days, ..Account::empty(SOURCE, 0, 0) };
    let spans = [Span { app_id: format!("{SOURCE}/0"), from: 0, until: 4 }];
    let told = Told { kind: Kind::Read, accounts: &[account], at: 1, note: None };
    lake.open(Table::CITIZEN_REPORT).await.unwrap().append_told(&batches, &spans, told).await.unwrap();
}

/// Calls, reports with what became of them, an answer, and what reports name.
async fn lake(folder: &Path) -> Lake {
    let lake = Lake::local(folder).unwrap();
    report(&lake).await;
    subscribe(&lake).await;
    let call = |kind: &str, caller: i64, callee: i64, cell: i64| {
        format!("('{MONDAY}', '{kind}', {caller}, {callee}, {cell}, {cell}, {cell})")
    };
    let calls = [
        call("originating", OWN, OTHER, 1),
        call("terminating", OWN, OTHER, 2),
        call("terminating", OTHER, OWN, 3),
        call("originating", OTHER, ACCUSED, 4),
        call("forwarded", OWN, OTHER, 5),
    ];
    put(&lake, Table::CALL_RECORD, "day, record_type, caller, callee, cell, imei, imsi", &calls).await;
    let call = |caller: i64, callee: i64| format!("('{MONDAY}', {caller}, {callee}, 5, 6, 7, 8)");
    let events = [call(OTHER, OWN), call(OWN, OTHER), call(OTHER, ACCUSED)];
    put(&lake, Table::CALL_EVENT, "day, caller, callee, caller_cell, caller_imei, callee_cell, callee_imsi", &events)
        .await;
    let check = |id: i64, reporter: i64| format!("('{MONDAY}', 'r{id}', {reporter}, {ACCUSED}, 'matched')");
    put(&lake, Table::REPORT_CHECK, "day, report_id, reporter, source, state", &[check(0, OWN), check(1, OTHER)]).await;
    let answer = |id: i64, recipient: i64| format!("('{MONDAY}', 'r{id}/received', {recipient}, 'Thank you')");
    put(&lake, Table::REPORT_ANSWER, "day, answer_id, recipient, text", &[answer(0, OWN), answer(1, OTHER)]).await;
    let handsets =
        |number: i64| format!("('{MONDAY}', {number}, '2024-01-01T00:00:00Z', '350000000000001+350000000000002')");
    put(&lake, Table::TRAINING_ROW, "week, number, activated_at, handsets", &[handsets(OWN), handsets(OTHER)]).await;
    let mut runner = Runner::new(lake.clone(), definitions(), at());
    runner.run(&[Table::REPORT_ENTITY], day(MONDAY)).await.unwrap();
    lake
}

async fn desk(folder: &Path, four_eyes: bool) -> Desk {
    let desk = open_desk(folder, four_eyes, 1, &["an", "binh"]).await;
    let an = Hand { by: "an", at: 1, is_dry_run: false, in_clear: false };
    desk.add_user(an, "chi", Role::Analyst).await.unwrap();
    desk
}

fn asked(by: &str) -> Request<'_> {
    let number = Number::from_e164(OWN).unwrap();
    Request { number, held_on: None, case: "17/YC", by, is_dry_run: false, keep_files_days: 56 }
}

async fn erased(lake: &Lake, desk: &Desk, request: &Request<'_>) -> anyhow::Result<Erased> {
    erase(lake, definitions(), request, desk, at()).await
}

/// Rows of a table as texts, each with its columns by name.
async fn rows(lake: &Lake, table: Table) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    for batch in lake.find(table).await.unwrap().unwrap().rows(vec![], &[]).await.unwrap() {
        let schema = batch.schema();
        let cell = |row: usize, column: usize| {
            (schema.field(column).name().clone(), array_value_to_string(batch.column(column), row).unwrap())
        };
        rows.extend(
            (0..batch.num_rows()).map(|row| (0..batch.num_columns()).map(|column| cell(row, column)).collect()),
        );
    }
    rows.sort();
    rows
}

fn with(rows: &[BTreeMap<String, String>], column: &str, value: &str) -> BTreeMap<String, String> {
    rows.iter().find(|row| row[column] == value).unwrap_or_else(|| panic!("{column} {value}: {rows:?}")).clone()
}

/// Tables, so that a second look at them can be compared.
async fn all(lake: &Lake) -> BTreeMap<&'static str, Vec<BTreeMap<String, String>>> {
    let mut all = BTreeMap::new();
    for table in [
        Table::CITIZEN_REPORT,
        Table::CALL_RECORD,
        Table::CALL_EVENT,
        Table::REPORT_CHECK,
        Table::REPORT_ANSWER,
        Table::REPORT_ENTITY,
        Table::TRAINING_ROW,
    ] {
        all.insert(table.name(), rows(lake, table).await);
    }
    all
}

#[tokio::test]
async fn words_go_with_no_row_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake")).await, desk(folder.path(), false).await);
    let topics = [Topic::CitizenReport];
    assert!(ledger(&lake, &topics, None, None).await.unwrap().is_closed);
    let before = all(&lake).await;
    let done = erased(&lake, &desk, &asked("an")).await.unwrap();
    let after = all(&lake).await;

    for (table, rows) in before.iter().filter(|(table, _)| **table != "report_entity") {
        assert_eq!(after[table].len(), rows.len(), "{table}");
        let own = OWN.to_string();
        for theirs in rows.iter().filter(|row| row.values().all(|cell| *cell != own)) {
            assert!(after[table].contains(theirs), "{table} lost {theirs:?}");
        }
    }
    assert!(ledger(&lake, &topics, None, None).await.unwrap().is_closed, "every offset still has its row");

    let reports = &after["citizen_report"];
    let said = with(reports, "report_id", "r0");
    let pseudonym = Number::erased(done.audit.unwrap()).to_string();
    assert_eq!((said["content"].as_str(), &said["reporter"]), ("", &pseudonym), "sealed or not");
    assert!(
        ["source_raw", "message", "evidence", "entities", "province"].iter().all(|column| said[*column].is_empty())
    );
    assert_eq!(
        (said["source"].as_str(), said["kind"].as_str()),
        ("84962000001", "scam_call"),
        "what it is evidence of"
    );
    assert_eq!(with(reports, "report_id", "r2"), with(&before["citizen_report"], "report_id", "r2"), "an order");
    assert_eq!(with(&after["report_check"], "report_id", "r0")["reporter"], pseudonym, "one person is one person");
    let answer = with(&after["report_answer"], "answer_id", "r0/received");
    assert_eq!((&answer["recipient"], answer["text"].as_str()), (&pseudonym, ""));

    assert_eq!((done.tables["citizen_report"].rows, done.tables["citizen_report"].emptied), (3, 2));
    assert_eq!(done.readable_until, Some(day("2025-09-26")), "eight weeks, as maintain keeps them");
    assert!(done.tables.values().all(|found| !found.stays.is_empty() && found.keep_days > 0));
    assert!(!done.text().contains("84912000009") && !serde_json::to_string(&done).unwrap().contains("84912000009"));
}

#[tokio::test]
async fn who_reported_the_own_number_is_not_told_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (Lake::local(&folder.path().join("lake")).unwrap(), desk(folder.path(), false).await);
    subscribe(&lake).await;
    let said = [(0, OWN), (1, ACCUSED)];
    let said = said.map(|(id, source)| format!("('{MONDAY}', 'r{id}', {OWN}, 'spam_call', {source})"));
    put(&lake, Table::CITIZEN_REPORT, "day, report_id, reporter, kind, source", &said).await;
    put(&lake, Table::REPORT_CHECK, "day, report_id, reporter, kind, source", &said).await;
    erased(&lake, &desk, &asked("an")).await.unwrap();
    for table in [Table::CITIZEN_REPORT, Table::REPORT_CHECK] {
        let reports = rows(&lake, table).await;
        let source = |id: &str| with(&reports, "report_id", id)["source"].clone();
        assert_eq!((source("r0"), source("r1")), (String::new(), ACCUSED.to_string()), "{}", table.name());
    }
    assert!(!erased(&lake, &desk, &asked("an")).await.unwrap().is_changed);
}

#[tokio::test]
async fn place_and_handset_go_where_they_are_the_persons_own() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake")).await, desk(folder.path(), false).await);
    erased(&lake, &desk, &asked("an")).await.unwrap();
    let records = rows(&lake, Table::CALL_RECORD).await;
    let mut cells: Vec<_> = records.iter().map(|row| row["cell"].as_str()).collect();
    cells.sort_unstable();
    assert_eq!(cells, ["", "", "", "2", "4"], "served was the person in three of the records");
    assert!(records.iter().all(|row| row["cell"] == row["imei"] && row["cell"] == row["imsi"]));
    let (own, other) = (OWN.to_string(), OTHER.to_string());
    for event in rows(&lake, Table::CALL_EVENT).await {
        let of = |party: &String| if *party == own { ["", ""] } else { ["5", "6"] };
        assert_eq!([event["caller_cell"].as_str(), event["caller_imei"].as_str()], of(&event["caller"]));
        assert_eq!(event["callee_cell"].is_empty(), event["callee"] == own);
        assert!(event["caller"] == own || event["caller"] == other, "who called whom stays");
    }
    for row in rows(&lake, Table::TRAINING_ROW).await {
        assert_eq!(
            row["handsets"].is_empty(),
            row["number"] == own,
            "what was copied from there goes as well: {row:?}"
        );
    }
}

#[tokio::test]
async fn a_day_of_many_rows_is_written_file_by_file_and_loses_none() {
    const ROWS: u32 = 300_000;
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (Lake::local(&folder.path().join("lake")).unwrap(), desk(folder.path(), false).await);
    subscribe(&lake).await;
    let row = |caller: i64| format!("('{MONDAY}', {caller}, {ACCUSED}, 5)");
    let tables = [(Table::CALL_RECORD, "cell"), (Table::CALL_EVENT, "caller_cell")];
    for (table, cell) in tables {
        let two = [row(OWN), row(OTHER)].join(", ");
        let two = inserted(table, &format!("day, caller, callee, {cell}"), &two).await;
        let two = concat_batches(&table.contract().schema(), &two).unwrap();
        // One after the other, so that a table which is clustered lies out of its order.
        let turns = UInt32Array::from_iter_values((0..ROWS).map(|row| row % 2));
        let many = take_record_batch(&two, &turns).unwrap();
        lake.open(table).await.unwrap().append(&[many], &[]).await.unwrap();
    }
    erased(&lake, &desk, &asked("an")).await.unwrap();
    let own = asked("an").number;
    for (table, cell) in tables {
        let handle = lake.find(table).await.unwrap().unwrap();
        assert!(handle.joinable_files().await.unwrap() > 1, "{table} is one file of all rows that were held");
        let (mut rows, mut emptied) = (0, 0);
        for batch in handle.day(day(MONDAY)).await.unwrap() {
            let cells = batch.column_by_name(cell).unwrap();
            for (row, holder) in holders(&batch, "caller").unwrap().enumerate() {
                assert_eq!(cells.is_null(row), holder == Some(own), "{table}");
            }
            rows += batch.num_rows();
            emptied += cells.null_count();
        }
        assert_eq!((rows, emptied), (300_000, 150_000), "{table}");
    }
}

#[tokio::test]
async fn what_is_evidence_waits_for_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake")).await, desk(folder.path(), false).await);
    let done = erased(&lake, &desk, &asked("an")).await.unwrap();
    let late = with(&rows(&lake, Table::CITIZEN_REPORT).await, "report_id", "r3");
    assert_eq!(
        (late["content"].as_str(), &late["reporter"]),
        ("", &OWN.to_string()),
        "its words are nobody's evidence"
    );
    let found = &done.tables["citizen_report"];
    assert_eq!((found.waiting, found.waits_until), (1, Some(day("2025-10-29"))));

    let then = Clock::Fixed(day("2025-10-29").starts_at());
    erase(&lake, definitions(), &asked("an"), &desk, then).await.unwrap();
    let reports = rows(&lake, Table::CITIZEN_REPORT).await;
    let [first, late] = ["r0", "r3"].map(|id| with(&reports, "report_id", id)["reporter"].clone());
    assert_eq!(first, Number::erased(done.audit.unwrap()).to_string());
    assert_eq!(late, first, "one person is one person");
}

#[tokio::test]
async fn what_copies_words_follows_and_a_second_run_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake")).await, desk(folder.path(), false).await);
    assert_eq!(with(&rows(&lake, Table::REPORT_ENTITY).await, "value", "bad.vn")["reports"], "2");
    let done = erased(&lake, &desk, &asked("an")).await.unwrap();
    assert_eq!(done.rebuilt, BTreeMap::from([("report_entity".to_owned(), BTreeSet::from([day(MONDAY)]))]));
    let entities = rows(&lake, Table::REPORT_ENTITY).await;
    assert_eq!(entities.len(), 1, "the account that nobody else named is gone: {entities:?}");
    assert_eq!((entities[0]["value"].as_str(), entities[0]["reports"].as_str()), ("bad.vn", "1"));

    let version = async |table| lake.find(table).await.unwrap().unwrap().version();
    let (before, at) = (all(&lake).await, version(Table::CITIZEN_REPORT).await);
    let again = erased(&lake, &desk, &asked("an")).await.unwrap();
    assert_eq!((again.is_changed, again.audit, again.readable_until), (false, None, None));
    assert_eq!((all(&lake).await, version(Table::CITIZEN_REPORT).await), (before, at));
}

#[tokio::test]
async fn an_erasure_that_was_cut_off_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake")).await, desk(folder.path(), false).await);
    let batches = lake.find(Table::REPORT_ENTITY).await.unwrap().unwrap().rows(vec![], &[]).await.unwrap();
    let schema = Table::REPORT_ENTITY.contract().schema();
    let whole = |batch: &RecordBatch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).unwrap();
    let stale: Vec<RecordBatch> = batches.iter().map(whole).collect();
    let number = asked("an").number;
    erased(&lake, &desk, &asked("an")).await.unwrap();
    // Killed behind the words and before what copies them.
    lake.open(Table::REPORT_ENTITY).await.unwrap().replace(day(MONDAY), &stale).await.unwrap();
    let rebuilt = BTreeMap::from([("report_entity".to_owned(), BTreeSet::from([day(MONDAY)]))]);
    let begun = Begun { case: "17/YC".to_owned(), activated_at: None, leave: None, rows: BTreeMap::new(), rebuilt };
    desk.begin_erasure("an", at().now(), number, &begun).await.unwrap();

    assert!(erased(&lake, &desk, &asked("an")).await.unwrap().is_changed);
    assert_eq!(rows(&lake, Table::REPORT_ENTITY).await.len(), 1);
    assert_eq!(desk.unfinished_erasure(number).await.unwrap(), None);
    assert!(!erased(&lake, &desk, &asked("an")).await.unwrap().is_changed);
}

#[tokio::test]
async fn what_a_killed_erasure_and_the_next_have_emptied_is_one_persons() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake")).await, desk(folder.path(), false).await);
    let (case, activated_at) = ("17/YC".to_owned(), Some(1_704_067_200_000_000));
    let begun = Begun { case, activated_at, leave: None, rows: BTreeMap::new(), rebuilt: BTreeMap::new() };
    let killed = desk.begin_erasure("an", at().now(), asked("an").number, &begun).await.unwrap();
    let done = erased(&lake, &desk, &asked("an")).await.unwrap();
    assert_ne!(done.audit, Some(killed));
    let reporter = with(&rows(&lake, Table::CITIZEN_REPORT).await, "report_id", "r0")["reporter"].clone();
    assert_eq!(reporter, Number::erased(killed).to_string());
}

#[tokio::test]
async fn nothing_is_emptied_while_files_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake")).await, desk(folder.path(), false).await);
    let before = all(&lake).await;
    let refused = lake.rewriting(async { Ok(erased(&lake, &desk, &asked("an")).await.unwrap_err()) }).await.unwrap();
    assert!(refused.is::<Held>(), "{refused}");
    assert_eq!(all(&lake).await, before);
    assert!(erased(&lake, &desk, &asked("an")).await.unwrap().is_changed);
}

#[tokio::test]
async fn nothing_goes_that_the_trail_does_not_tell_of() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake")).await, desk(folder.path(), false).await);
    let before = all(&lake).await;
    assert!(erased(&lake, &desk, &asked("em")).await.unwrap_err().is::<Refused>(), "nobody knows em");
    assert!(erased(&lake, &desk, &asked("chi")).await.unwrap_err().is::<Refused>(), "it takes a supervisor");
    let dry = erased(&lake, &desk, &Request { is_dry_run: true, ..asked("an") }).await.unwrap();
    assert_eq!((dry.is_changed, dry.audit), (true, None));
    let sooner = Request { is_dry_run: true, keep_files_days: 7, ..asked("an") };
    let sooner = erased(&lake, &desk, &sooner).await.unwrap().readable_until;
    assert_eq!(sooner.map(|day| day.plus(49)), dry.readable_until, "as long as the site keeps files");
    assert_eq!(all(&lake).await, before);

    let done = erased(&lake, &desk, &asked("an")).await.unwrap();
    assert_eq!(serde_json::to_value(&dry.tables).unwrap(), serde_json::to_value(&done.tables).unwrap(), "as foretold");
    let newest = Wanted { limit: 2, ..Wanted::default() };
    let trail = desk.trail(Look { by: None, at: 1 }, &newest).await.unwrap();
    assert_eq!((&trail[0].facts["act"], trail[1].id), (&"subject_erased".into(), done.audit.unwrap()));
    assert_eq!(trail[1].facts["detail"]["rows"]["citizen_report"], 2);
    assert!(desk.verify(None).await.unwrap().holds());
}

#[tokio::test]
async fn where_four_eyes_are_asked_for_a_second_person_agrees_first() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake")).await, desk(folder.path(), true).await);
    let before = all(&lake).await;
    let refused = erased(&lake, &desk, &asked("chi")).await.unwrap_err();
    assert!(refused.is::<Refused>() && refused.to_string().contains("callsieve approve 4"), "{refused}");
    assert_eq!(all(&lake).await, before);
    let binh = Hand { by: "binh", at: 1, is_dry_run: false, in_clear: false };
    desk.approve(binh, 4).await.unwrap();
    assert!(erased(&lake, &desk, &asked("chi")).await.unwrap().audit.is_some());
    assert_ne!(all(&lake).await, before);
}

#[tokio::test]
async fn what_the_last_holder_of_a_number_said_stays_until_the_last_holder_asks() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (Lake::local(&folder.path().join("lake")).unwrap(), desk(folder.path(), false).await);
    let held = [("2024-01-01T00:00:00Z", "'2025-01-06T05:00:00Z'"), ("2025-01-06T06:00:00Z", "NULL")];
    let held = held.map(|(from, until)| format!("({OWN}, '{from}', {until})"));
    put(&lake, Table::SUBSCRIBER, "number, activated_at, deactivated_at", &held).await;
    let said =
        [4, 7].map(|hour| format!("('{MONDAY}', 'r{hour}', {OWN}, {ACCUSED}, 'words', '{MONDAY}T0{hour}:00:00Z')"));
    put(&lake, Table::CITIZEN_REPORT, "day, report_id, reporter, source, content, reported_at", &said).await;
    let told = async |id: &str| {
        let report = with(&rows(&lake, Table::CITIZEN_REPORT).await, "report_id", id);
        (report["reporter"].clone(), report["content"].clone())
    };
    let untouched = told("r4").await;
    let next = erased(&lake, &desk, &asked("an")).await.unwrap();
    assert_eq!((next.tables["citizen_report"].rows, next.tables["citizen_report"].emptied), (1, 1));
    let pseudonym = |done: &Erased| (Number::erased(done.audit.unwrap()).to_string(), String::new());
    assert_eq!((told("r4").await, told("r7").await), (untouched, pseudonym(&next)));

    let before = Request { held_on: Some(day("2025-01-05")), ..asked("an") };
    let last = erased(&lake, &desk, &before).await.unwrap();
    assert_eq!((told("r4").await, told("r7").await), (pseudonym(&last), pseudonym(&next)), "two people are two");
    assert!(!erased(&lake, &desk, &before).await.unwrap().is_changed);
}
