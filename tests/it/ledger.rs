//! The ledger by the real program: it closes, it names what is wrong, and what is done to close it shows.
//!
//! In: messages at a broker, or commits made by hand. Out: failures. Never: a ledger that cannot be open: every test
//! opens one or counts.

use std::path::Path;
use std::process::{Command, Output};

use arrow::array::RecordBatch;
use callsieve::decode::{self, Decoder};
use callsieve::domain::account::Account;
use callsieve::domain::day::Day;
use callsieve::domain::message::{Message, Messages};
use callsieve::job::ledger::open_reasons;
use callsieve::lake::Lake;
use callsieve::lake::append::Span;
use callsieve::lake::ledger::{Books, Entry, Kind, Told};
use callsieve::schema::column::call_record;
use callsieve::schema::contract::Table;
use callsieve::schema::topic::Topic;
use callsieve::text::report;
use serde_json::Value;

use crate::broker::Broker;
use crate::ingest::{AT, arrived, ends_well, record, refused, site, start, start_with};
use crate::late::SUBSCRIBER;

fn callsieve(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callsieve")).args(arguments).output().unwrap()
}

/// Exit code and JSON of `callsieve ledger`.
pub fn ledger(folder: &Path) -> (i32, Value) {
    let lake = folder.join("lake");
    let done = callsieve(&["--json", "ledger", "--topic", "call_record", "--lake", lake.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&done.stderr);
    let shown = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    (done.status.code().unwrap(), shown)
}

/// The sum of a key over all partitions.
pub fn sum(shown: &Value, key: &str) -> u64 {
    shown["partitions"].as_array().unwrap().iter().map(|partition| partition[key].as_u64().unwrap()).sum()
}

/// Good, bad and empty messages in turn, round three partitions.
fn mixed(count: usize) -> Vec<(i32, Vec<u8>)> {
    let body = |id: usize| match id % 10 {
        3 => b"poison".to_vec(),
        7 => Vec::new(),
        _ => record(id).into_bytes(),
    };
    (0..count).map(|id| (i32::try_from(id % 3).unwrap(), body(id))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_offset_is_a_record_a_reject_or_a_tombstone() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("ledger", 3).await;
    broker.send(&mixed(3_000));
    ends_well(start(&broker, folder.path(), 200, &["--until-caught-up"]));
    let (code, shown) = ledger(folder.path());
    assert_eq!((code, &shown["is_closed"]), (0, &Value::Bool(true)), "{shown}");
    let sums = ["records", "rejects", "tombstones", "gaps"].map(|key| sum(&shown, key));
    assert_eq!(sums, [2_400, 300, 300, 0]);

    // A row that is taken away is named with its offset, and so is one that stands twice.
    let lake = Lake::local(&folder.path().join("lake")).unwrap();
    let mut table = lake.find(Table::CALL_RECORD).await.unwrap().unwrap();
    let day: Day = "2025-01-06".parse().unwrap();
    let schema = Table::CALL_RECORD.contract().schema();
    let as_written = |batch: &RecordBatch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).unwrap();
    let rows: Vec<RecordBatch> = table.day(day).await.unwrap().iter().map(as_written).collect();
    let partition = call_record::SOURCE_PARTITION.of(&rows[0]).unwrap().value(0);
    let offset = call_record::SOURCE_OFFSET.of(&rows[0]).unwrap().value(0);
    let mut short = rows.clone();
    short[0] = short[0].slice(1, short[0].num_rows() - 1);
    table.replace(day, &short).await.unwrap();
    let (code, shown) = ledger(folder.path());
    assert_eq!(code, 4);
    let finding = &shown["partitions"][usize::try_from(partition).unwrap()]["findings"];
    assert_eq!(finding, &serde_json::json!([{ "fault": "missing", "offsets": offset.to_string() }]));
    let doubled = [rows.clone(), vec![rows[0].slice(0, 1)]].concat();
    table.replace(day, &doubled).await.unwrap();
    let (code, shown) = ledger(folder.path());
    let finding = &shown["partitions"][usize::try_from(partition).unwrap()]["findings"];
    assert_eq!(finding, &serde_json::json!([{ "fault": "doubled", "offsets": offset.to_string() }]));
    assert_eq!(code, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_nothing_was_read_into_is_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let [lake, out] = ["lake", "out"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    Lake::local(Path::new(&lake)).unwrap().open(Table::REJECT).await.unwrap();
    let ran = callsieve(&["run", "--week", "2025-W02", "--lake", &lake]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let refused = callsieve(&["export", "regulator", "--week", "2025-W02", "--out", &out, "--lake", &lake]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(4), "{said}");
    for topic in ["call_record", "subscriber"] {
        assert!(said.contains(&format!("{topic} has never been read")), "{said}");
    }
}

#[test]
fn nothing_but_ingest_begins_a_lake_in_a_folder_that_is_missing_or_empty() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("mistyped");
    let [at, out, config] = [&lake, &folder.path().join("out"), &folder.path().join("site.toml")]
        .map(|path| path.to_str().unwrap().to_owned());
    let more = "[kafka]\nbrokers = \"127.0.0.1:1\"\n[delivery.there]\nkind = \"folder\"\npath = \"there\"\n";
    std::fs::write(&config, format!("lake = \"{at}\"\n{more}")).unwrap();
    let (day, week) = (["--day", "2025-01-06"], ["--week", "2025-W02"]);
    let verbs: [&[&str]; 11] = [
        &[&["run"][..], &day].concat(),
        &[&["run"][..], &week].concat(),
        &[&["decide"][..], &day].concat(),
        &["reference", "load", "allow_list", "hospitals.csv", "--from", "2025-01-06"],
        &["ledger"],
        &["maintain"],
        &["domain", "lookup", "example.vn"],
        &[&["explain", "0962123456"][..], &day].concat(),
        &[&["receipts"][..], &day].concat(),
        &[&["export", "blocklist", "--out", &out][..], &day].concat(),
        &[&["export", "regulator", "--out", &out][..], &week].concat(),
    ];
    let of_a_site: [&[&str]; 5] = [
        &["backfill", "--topic", "call_record"],
        &["replay"],
        &["report", "answer"],
        &["deliver", &out, "--to", "there"],
        &[&["publish", "flags"][..], &day].concat(),
    ];
    let by_lake = verbs.map(|verb| [verb, &["--lake", &at]].concat());
    let by_config = of_a_site.map(|verb| [verb, &["--config", &config]].concat());
    let ways: Vec<_> = by_lake.into_iter().chain(by_config).collect();
    let check_refused = || {
        for arguments in &ways {
            let done = callsieve(arguments);
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            assert_eq!(done.status.code(), Some(3), "{arguments:?}: {said}");
            assert!(said.contains(&format!("there is no lake at {at};")), "{arguments:?}: {said}");
        }
    };
    check_refused();
    assert!(!lake.exists());
    // A disk that is not mounted leaves its folder behind, with nothing in it.
    std::fs::create_dir(&lake).unwrap();
    check_refused();
    assert_eq!(std::fs::read_dir(&lake).unwrap().count(), 0);
    assert!(!Path::new(&out).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_read_is_not_closed() {
    let hand = Hand::new();
    hand.lake.open(Table::REJECT).await.unwrap();
    let (code, shown) = hand.ledger(&[]);
    let never = |shown: &Value| shown["unread"].as_array().unwrap().len();
    assert_eq!((code, &shown["is_closed"], never(&shown)), (4, &Value::Bool(false), Topic::ALL.len()), "{shown}");
    let said = String::from_utf8(hand.run(&["ledger"]).stdout).unwrap();
    assert!(said.contains("call_record has never been read") && said.contains("NOT CLOSED"), "{said}");
    assert!(hand.lake.find(Table::INGEST_RANGE).await.unwrap().is_none(), "looking makes no books");

    hand.commit(Topic::CallRecord, 0, &[record(0)], morning("2025-01-06")).await;
    let (code, shown) = hand.ledger(&[]);
    assert_eq!((code, never(&shown)), (0, 0), "a site may have no messages: {shown}");
    // A table that somebody has made is not one that was read.
    hand.lake.open(Table::SMS_RECORD).await.unwrap();
    for topic in ["sms_record", "citizen_report"] {
        let (code, shown) = hand.ledger(&["--topic", topic, "--topic", "call_record"]);
        assert_eq!((code, &shown["unread"]), (4, &serde_json::json!([topic])), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_leaves_its_accounts_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("ledger-kill", 3).await;
    broker.send(&mixed(9_000));
    for _ in 0..2 {
        let mut run = start(&broker, folder.path(), 300, &[]);
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        run.kill().unwrap();
        run.wait().unwrap();
    }
    ends_well(start(&broker, folder.path(), 300, &["--until-caught-up"]));
    let (code, shown) = ledger(folder.path());
    assert_eq!(code, 0, "{shown}");
    assert_eq!(["records", "rejects", "tombstones"].map(|key| sum(&shown, key)), [7_200, 900, 900]);
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_rejects_become_rows_once() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("replay", 2).await;
    let late = |id: usize| record(id).replace(AT, "2025-02-06T03:00:00Z").into_bytes();
    let bodies: Vec<(i32, Vec<u8>)> = (0..20)
        .map(|id| (i32::try_from(id % 2).unwrap(), if id < 5 { late(id) } else { record(id).into_bytes() }))
        .chain([(0, b"poison".to_vec())])
        .collect();
    broker.send(&bodies);
    ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    assert_eq!(refused(folder.path()).await.len(), 6);
    // The fix: a sender whose clock is a month ahead is believed.
    let config = site(&broker, folder.path(), 100, "[decode]\nmax_ahead_hours = 1000");
    let replay = || callsieve(&["--json", "replay", "--topic", "call_record", "--config", config.to_str().unwrap()]);
    let done: Value = serde_json::from_slice(&replay().stdout).unwrap();
    assert_eq!(done["call_record"], serde_json::json!({ "records": 5, "refused": 1 }));
    let again: Value = serde_json::from_slice(&replay().stdout).unwrap();
    assert_eq!(again["call_record"], serde_json::json!({ "records": 0, "refused": 1 }));
    let arrived = arrived(folder.path()).await;
    assert!(arrived.len() == 20 && arrived.values().all(|times| *times == 1), "{arrived:?}");
    let (code, shown) = ledger(folder.path());
    assert_eq!((code, ["records", "rejects", "replayed"].map(|key| sum(&shown, key))), (0, [20, 1, 5]), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn joining_files_beside_ingest_changes_no_row_and_no_account() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("maintain", 3).await;
    broker.send(&mixed(3_000));
    ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    let lake = Lake::local(&folder.path().join("lake")).unwrap();
    let files = || async { lake.find(Table::CALL_RECORD).await.unwrap().unwrap().joinable_files().await.unwrap() };
    let before = files().await;
    assert!(before > 3, "{before} small files");
    let running = start(&broker, folder.path(), 100, &[]);
    broker.send(&mixed(3_000));
    for _ in 0..2 {
        let folder = folder.path().join("lake");
        let done = callsieve(&["maintain", "--lake", folder.to_str().unwrap()]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let stopped = Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    ends_well(running);
    ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    let done = callsieve(&["maintain", "--lake", folder.path().join("lake").to_str().unwrap()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(files().await, 0, "one file a day is left");
    let arrived = arrived(folder.path()).await;
    assert!(arrived.len() == 2_400 && arrived.values().all(|times| *times == 2), "the ids were sent twice");
    let (code, shown) = ledger(folder.path());
    assert_eq!(code, 0, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_join_files_at_once_the_second_is_turned_away() {
    let hand = Hand::new();
    for from in 0..3 {
        let id = usize::try_from(from).unwrap();
        hand.commit(Topic::CallRecord, from, &[record(id)], morning("2025-01-06")).await;
    }
    let files = || async { hand.lake.find(Table::CALL_RECORD).await.unwrap().unwrap().joinable_files().await.unwrap() };
    let second = hand.lake.rewriting(async { Ok((hand.run(&["maintain"]), files().await)) }).await.unwrap();
    let said = String::from_utf8_lossy(&second.0.stderr).into_owned();
    assert_eq!((second.0.status.code(), second.1), (Some(7), 3), "{said}");
    assert!(said.contains("another run holds") && said.contains(".maintain.lock"), "{said}");
    // Whoever only looks waits for nobody, and the day's run does not wait for files.
    let beside = async {
        hand.does(&["maintain", "--dry-run"]);
        hand.does(&["run", "call_event", "--day", "2025-01-06"]);
        Ok(())
    };
    hand.lake.rewriting(beside).await.unwrap();
    hand.does(&["maintain"]);
    let (code, shown) = hand.ledger(&["--topic", "call_record"]);
    assert_eq!((code, sum(&shown, "records"), files().await), (0, 3, 0), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fell_out_of_retention_stops_ingest_until_somebody_signs_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::mock_with_topic("retention", 1);
    broker.send(&[(0, record(0).into_bytes()), (0, record(1).into_bytes())]);
    ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    // The mock keeps 5 MiB of a partition.
    let bulk: Vec<(i32, Vec<u8>)> = (2..30_000).map(|id| (0, record(id).into_bytes())).collect();
    broker.send(&bulk);
    let config = site(&broker, folder.path(), 5_000, "");
    let failed =
        callsieve(&["ingest", "--topic", "call_record", "--until-caught-up", "--config", config.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{said}");
    let advice = said.split("callsieve ledger accept").nth(1).unwrap_or_else(|| panic!("no way out is named: {said}"));
    let advice: Vec<&str> = advice.lines().next().unwrap().split_whitespace().take(8).collect();
    assert_eq!(advice[0], "--source");

    let key = folder.path().join("accept.key");
    std::fs::write(&key, "07".repeat(32)).unwrap();
    let lake = folder.path().join("lake");
    let mut accept = vec!["ledger", "accept", "--topic", "call_record", "--by", "N. V. An", "--why", "retention"];
    accept.extend(&advice);
    accept.extend(["--key", key.to_str().unwrap(), "--lake", lake.to_str().unwrap()]);
    let accepted = callsieve(&accept);
    assert!(accepted.status.success(), "{}", String::from_utf8_lossy(&accepted.stderr));
    ends_well(start_with(&config, &["--until-caught-up"]));
    let (code, shown) = ledger(folder.path());
    assert_eq!(code, 0, "{shown}");
    let lost = sum(&shown, "accepted");
    assert_eq!(sum(&shown, "records") + lost, 30_000);
    assert!(lost > 0);
    assert_eq!(shown["accepted"][0]["is_signed"], Value::Bool(true));
    assert_eq!(shown["accepted"][0]["note"]["by"], "N. V. An");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_idle_is_read_up_to_now() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("idle", 3).await;
    broker.send(&[(0, record(0).into_bytes())]);
    ends_well(start(&broker, folder.path(), 100, &["--until-caught-up"]));
    let lake = Lake::local(&folder.path().join("lake")).unwrap();
    let entries = Books::open(&lake).await.unwrap().entries(Table::CALL_RECORD).await.unwrap();
    let day: Day = "2025-01-06".parse().unwrap();
    for partition in 0..3 {
        let watermark = entries
            .iter()
            .filter(|entry| entry.account.partition == partition)
            .filter_map(|entry| entry.account.watermark)
            .max();
        assert!(watermark > Some(day.plus(300).ends_at()), "partition {partition} is known up to {watermark:?}");
    }
}

// --- lakes without a broker: commits are made by hand, as ingest makes them ---

const SOURCE: &str = "k/call_record/0";
const APP_ID: &str = "k/call_record/0/0";

struct Hand {
    folder: tempfile::TempDir,
    lake: Lake,
}

impl Hand {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(&folder.path().join("lake")).unwrap();
        Self { folder, lake }
    }

    /// Commits messages from an offset on: rejects first, then rows with their account.
    async fn commit(&self, topic: Topic, from: i64, bodies: &[String], at: i64) {
        let (source, app_id) = (format!("k/{topic}/0"), format!("k/{topic}/0/0"));
        let until = from + i64::try_from(bodies.len()).unwrap();
        let mut messages = Messages::default();
        for (offset, body) in (from..until).zip(bodies) {
            let (key, payload, headers) = (None, Some(body.as_bytes()), None);
            messages.push(Message { partition: 0, offset, kafka_at: Some(at), key, payload, headers });
        }
        let decoder = Decoder::new(topic, topic.name(), decode::Options::default(), report::read);
        let decoded = decoder.decode(&messages, &source, at).unwrap();
        let mut account = Account { until, watermark: Some(at), ..Account::empty(&source, 0, from) };
        (account.records, account.rejects) = (decoded.records(), decoded.rejects.num_rows() as u64);
        for day in decoded.rows.iter().flat_map(|rows| call_record::DAY.of(rows).unwrap().values()) {
            *account.days.entry(Day::from_epoch_days(*day)).or_default() += 1;
        }
        let spans = [Span { app_id, from, until }];
        if account.rejects > 0 {
            let mut rejects = self.lake.open(Table::REJECT).await.unwrap();
            rejects.append(std::slice::from_ref(&decoded.rejects), &spans).await.unwrap();
        }
        let mut rows = self.lake.open(topic.name().parse().unwrap()).await.unwrap();
        let told = Told { kind: Kind::Read, accounts: &[account], at, note: None };
        rows.append_told(&decoded.rows, &spans, told).await.unwrap();
    }

    /// What a command does to the lake.
    fn run(&self, arguments: &[&str]) -> Output {
        let lake = self.folder.path().join("lake");
        callsieve(&[arguments, &["--lake", lake.to_str().unwrap()][..]].concat())
    }

    #[track_caller]
    fn does(&self, arguments: &[&str]) {
        let done = self.run(arguments);
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Exit code and JSON of `callsieve ledger` with more arguments.
    fn ledger(&self, more: &[&str]) -> (i32, Value) {
        let done = self.run(&[&["--json", "ledger"][..], more].concat());
        let said = String::from_utf8_lossy(&done.stderr);
        let shown = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        (done.status.code().unwrap(), shown)
    }

    /// Gives up offsets of call records by the key in a file.
    fn accept(&self, key: &str, from: &str, until: &str) -> Output {
        let place = ["ledger", "accept", "--topic", "call_record", "--source", SOURCE, "--partition", "0"];
        let words = ["--from", from, "--until", until, "--by", "N. V. An", "--why", "disk", "--key", key];
        self.run(&[&place[..], &words[..]].concat())
    }

    /// A file beside the lake.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// 10:00 in Vietnam.
fn morning(text: &str) -> i64 {
    day(text).starts_at() + 10 * 3_600 * 1_000_000
}

/// A call record that starts at an instant of UTC.
fn starting(id: usize, start_at: &str) -> String {
    record(id).replace(AT, start_at)
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_past_their_time_are_not_missed_of_any_topic() {
    let hand = Hand::new();
    // Nothing is ever removed from the table of subscriptions itself.
    hand.commit(Topic::Subscriber, 0, &["poison".to_owned(), "poison".to_owned()], morning("2020-01-06")).await;
    hand.commit(Topic::CallRecord, 0, &["poison".to_owned()], morning("2020-01-06")).await;
    hand.does(&["maintain"]);
    let rejects = hand.lake.find(Table::REJECT).await.unwrap().unwrap();
    assert!(rejects.days().await.unwrap().is_empty(), "they are years old");
    let entries = Books::open(&hand.lake).await.unwrap().entries(Table::REJECT).await.unwrap();
    assert!(matches!(entries[..], [Entry { kind: Kind::Expired, .. }]), "the removal is in the books: {entries:?}");
    let (code, shown) = hand.ledger(&["--topic", "subscriber"]);
    assert_eq!((code, sum(&shown, "rejects")), (0, 2), "{shown}");
    let (code, shown) = hand.ledger(&["--topic", "call_record"]);
    assert_eq!((code, sum(&shown, "rejects")), (0, 1), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_day_that_was_removed_is_a_row_until_it_is_removed_itself() {
    let hand = Hand::new();
    let old = |id: usize| [starting(id, "2020-01-06T03:00:00Z")];
    for (round, expired) in [(0, 1), (1, 2)] {
        hand.commit(Topic::CallRecord, round, &old(usize::try_from(round).unwrap()), morning("2020-01-06")).await;
        let (code, shown) = hand.ledger(&[]);
        assert_eq!((code, sum(&shown, "expired")), (0, expired - 1), "{shown}");
        hand.does(&["maintain"]);
        let (code, shown) = hand.ledger(&[]);
        assert_eq!((code, ["records", "expired"].map(|key| sum(&shown, key))), (0, [expired, expired]), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_shows_its_holes_and_what_is_lost_is_given_up_where_it_lies() {
    let hand = Hand::new();
    let at = morning("2025-01-06");
    let next_day = starting(5, "2025-01-07T03:00:00Z");
    for (from, body) in [(0, record(0)), (2, "poison".to_owned()), (4, record(4)), (5, next_day)] {
        hand.commit(Topic::CallRecord, from, &[body], at).await;
    }
    let window = ["--from", "2025-01-06", "--until", "2025-01-07"];
    let (code, shown) = hand.ledger(&window);
    let holes = serde_json::json!([{ "fault": "hole", "offsets": "1,3" }]);
    assert_eq!((code, &shown["partitions"][0]["findings"]), (4, &holes), "{shown}");
    assert_eq!(["records", "rejects"].map(|key| sum(&shown, key)), [2, 1], "a commit of a reject alone lies between");

    // A row that is lost behind the table's offset.
    let mut rows = hand.lake.find(Table::CALL_RECORD).await.unwrap().unwrap();
    rows.replace(day("2025-01-07"), &[]).await.unwrap();
    let key = hand.file("accept.key", &"07".repeat(32));
    for (from, until) in [("0", "1"), ("1", "3"), ("5", "7")] {
        assert_eq!(hand.accept(&key, from, until).status.code(), Some(1), "{from} to {until} are not all lost");
    }
    for (from, until) in [("1", "2"), ("3", "4"), ("5", "6")] {
        let done = hand.accept(&key, from, until);
        assert!(done.status.success(), "{from}: {}", String::from_utf8_lossy(&done.stderr));
    }
    rows.refresh().await.unwrap();
    assert_eq!(rows.offset(APP_ID).await.unwrap(), Some(6), "ingest goes on where it was");
    let (code, shown) = hand.ledger(&[]);
    let sums = ["records", "rejects", "accepted"].map(|key| sum(&shown, key));
    assert_eq!((code, sums), (0, [2, 1, 3]), "{shown}");
    assert_eq!(hand.ledger(&window).0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_by_a_key_that_is_not_trusted_is_none() {
    let hand = Hand::new();
    hand.commit(Topic::CallRecord, 0, &[record(0)], morning("2025-01-06")).await;
    hand.commit(Topic::CallRecord, 2, &[record(2)], morning("2025-01-06")).await;
    let key = hand.file("accept.key", &"07".repeat(32));
    assert!(hand.accept(&key, "1", "2").status.success());
    let (code, shown) = hand.ledger(&[]);
    let public = shown["accepted"][0]["note"]["public_key"].as_str().unwrap();
    assert_eq!((code, public.len()), (0, 64), "{shown}");
    let said = String::from_utf8(hand.run(&["ledger"]).stdout).unwrap();
    assert!(said.contains(public), "a person can compare the key: {said}");

    let ours = hand.file("ours.keys", &format!("{}\n\n{public}\n", "00".repeat(32)));
    assert_eq!(hand.ledger(&["--trust", &ours]).0, 0);
    let others = hand.file("others.keys", &"00".repeat(32));
    let (code, shown) = hand.ledger(&["--trust", &others]);
    assert_eq!((code, &shown["accepted"][0]["is_signed"]), (4, &Value::Bool(false)), "{shown}");
    let torn = hand.file("torn.keys", "00");
    assert_eq!(hand.run(&["ledger", "--trust", &torn]).status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_partition_that_nobody_knows_nothing_is_given_up() {
    let hand = Hand::new();
    let at = morning("2025-01-06");
    hand.commit(Topic::CallRecord, 0, &[record(0)], at).await;
    let key = hand.file("accept.key", &"07".repeat(32));
    for (topic, source, partition) in
        [("call_record", SOURCE, "1"), ("call_record", "k/cal_record/0", "0"), ("sms_record", SOURCE, "0")]
    {
        let place = ["ledger", "accept", "--topic", topic, "--source", source, "--partition", partition];
        let words = ["--from", "0", "--until", "1", "--by", "N. V. An", "--why", "disk", "--key", key.as_str()];
        let done = hand.run(&[&place[..], &words[..]].concat());
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(1), "{topic} {source} {partition}: {said}");
        assert!(said.contains("nobody knows of a partition") || said.contains("has never been read"), "{said}");
    }
    let (code, shown) = hand.ledger(&[]);
    assert_eq!((code, &shown["accepted"]), (0, &serde_json::json!([])), "{shown}");
    let waits = open_reasons(&hand.lake, at).await.unwrap();
    assert!(waits.iter().all(|reason| !reason.contains("partition 1")), "no day waits for it: {waits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_topic_that_was_given_up() {
    let hand = Hand::new();
    let at = morning("2025-01-06");
    hand.commit(Topic::CallRecord, 0, &[record(0)], at).await;
    hand.commit(Topic::Subscriber, 0, &[SUBSCRIBER.to_owned()], at + 1).await;
    let waits = || async { open_reasons(&hand.lake, at + 1).await.unwrap() };
    assert!(waits().await[0].contains("has been read up to"), "{:?}", waits().await);
    let key = hand.file("retire.key", &"07".repeat(32));
    let retire = |source: &str| {
        let words = ["--by", "N. V. An", "--why", "comes as files now", "--key", key.as_str()];
        let act = ["ledger", "retire", "--topic", "call_record", "--source", source];
        hand.run(&[&act[..], &words[..]].concat())
    };
    assert_eq!(retire("k/call_record/1").status.code(), Some(1), "it was never read");
    let retired = retire(SOURCE);
    assert!(retired.status.success(), "{}", String::from_utf8_lossy(&retired.stderr));
    assert_eq!(waits().await, Vec::<String>::new());
    let (code, shown) = hand.ledger(&[]);
    assert_eq!((code, &shown["retired"][0]["source"]), (0, &Value::from(SOURCE)), "{shown}");
    assert_eq!(shown["retired"][0]["is_signed"], Value::Bool(true));

    // A hole in it still counts.
    hand.commit(Topic::CallRecord, 3, &[record(3)], at).await;
    assert_eq!(waits().await, ["call_record partition 0 of k/call_record/0 has holes: 1-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_nobody_signed_closes_nothing() {
    let hand = Hand::new();
    let at = morning("2025-01-06");
    hand.commit(Topic::CallRecord, 0, &[record(0)], at).await;
    hand.commit(Topic::Subscriber, 0, &[SUBSCRIBER.to_owned()], at + 1).await;
    let mut rows = hand.lake.find(Table::CALL_RECORD).await.unwrap().unwrap();
    let account = Account::empty(SOURCE, 0, 0);
    let told = Told { kind: Kind::Retired, accounts: &[account], at: at + 1, note: Some("{\"by\":\"\",\"why\":\"\"}") };
    rows.append_told(&[], &[], told).await.unwrap();
    assert_eq!(open_reasons(&hand.lake, at + 1).await.unwrap().len(), 1);
    let (code, shown) = hand.ledger(&[]);
    assert_eq!((code, &shown["retired"][0]["is_signed"]), (4, &Value::Bool(false)), "{shown}");
}

/// At the edge and waiting, of each day of call records.
fn day_sums(shown: &Value) -> Vec<(String, i64, i64)> {
    let number = |sum: &Value, key: &str| sum[key].as_i64().unwrap();
    let sum = |sum: &Value| (sum["day"].as_str().unwrap().to_owned(), number(sum, "at_edge"), number(sum, "waiting"));
    shown["days"].as_array().unwrap().iter().map(sum).collect()
}

#[track_caller]
fn check_days(hand: &Hand, code: i32, days: &[(&str, i64, i64)]) {
    let (ended, shown) = hand.ledger(&[]);
    let wanted: Vec<_> = days.iter().map(|(day, at_edge, waiting)| ((*day).to_owned(), *at_edge, *waiting)).collect();
    assert_eq!((ended, day_sums(&shown)), (code, wanted), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_closes_at_the_edges_of_what_is_built_and_a_late_record_opens_it() {
    let hand = Hand::new();
    // A call across the midnight before the first day that is built: its second record lies within that day.
    let first = starting(1, "2025-01-05T16:59:58Z");
    let second = starting(1, "2025-01-05T17:00:02Z").replace("\"r1\"", "\"r1d\"").replace("originating", "terminating");
    let bodies = [first, second, record(2), starting(3, "2025-01-07T03:00:00Z"), starting(4, "2025-01-08T03:00:00Z")];
    hand.commit(Topic::CallRecord, 0, &bodies, morning("2025-01-08")).await;
    let build = |day: &str| hand.does(&["run", "call_event", "--day", day]);
    build("2025-01-06");
    build("2025-01-07");
    check_days(&hand, 0, &[("2025-01-06", 1, 0), ("2025-01-07", 0, 0)]);

    // A late record of the newest day is in no event until the day is built again.
    hand.commit(Topic::CallRecord, 5, &[starting(5, "2025-01-07T04:00:00Z")], morning("2025-01-08")).await;
    check_days(&hand, 4, &[("2025-01-06", 1, 0), ("2025-01-07", 0, 1)]);
    build("2025-01-07");
    check_days(&hand, 0, &[("2025-01-06", 1, 0), ("2025-01-07", 0, 0)]);

    // A day between two that are built was left out.
    hand.commit(Topic::CallRecord, 6, &[starting(6, "2025-01-09T03:00:00Z")], morning("2025-01-09")).await;
    build("2025-01-09");
    let left_out = [("2025-01-06", 1, 0), ("2025-01-07", 0, 0), ("2025-01-08", 0, 1), ("2025-01-09", 0, 0)];
    check_days(&hand, 4, &left_out);
    build("2025-01-08");
    check_days(&hand, 0, &left_out.map(|(day, edge, _)| (day, edge, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_old_days_beside_ingest_ends_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::with_topic("expire", 1).await;
    let config = site(&broker, folder.path(), 10, "[decode]\nmax_age_days = 9000");
    let old = |id: usize| (0, record(id).replace(AT, "2023-01-06T03:00:00Z").into_bytes());
    let sound = |id: usize| (0, record(id).into_bytes());
    let running = start_with(&config, &[]);
    let wait_for = async |count: usize| {
        for _ in 0..150 {
            if arrived(folder.path()).await.len() == count {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        panic!("{} of {count} rows", arrived(folder.path()).await.len());
    };
    broker.send(&(0..5).map(old).chain((5..10).map(sound)).collect::<Vec<_>>());
    wait_for(10).await;
    // Ingest still holds the version of before when it commits next.
    let lake = Lake::local(&folder.path().join("lake")).unwrap();
    let mut table = lake.find(Table::CALL_RECORD).await.unwrap().unwrap();
    table.expire("2024-01-01".parse().unwrap(), 1).await.unwrap();
    broker.send(&(10..20).map(sound).collect::<Vec<_>>());
    wait_for(15).await;
    assert!(Command::new("kill").args(["-TERM", &running.id().to_string()]).status().unwrap().success());
    ends_well(running);
    let (code, shown) = ledger(folder.path());
    assert_eq!((code, sum(&shown, "records"), sum(&shown, "expired")), (0, 20, 5), "{shown}");
}
