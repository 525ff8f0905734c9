//! The ledger by the real program: it closes, it names what is wrong, and what is done to close it shows.
//!
//! In: messages at a broker. Out: failures. Never: a ledger that cannot be open: every test opens one or counts.

use std::path::Path;
use std::process::{Command, Output};

use arrow::array::RecordBatch;
use callsieve::domain::day::Day;
use callsieve::lake::Lake;
use callsieve::lake::ledger::Books;
use callsieve::schema::column::call_record;
use callsieve::schema::contract::Table;
use serde_json::Value;

use crate::broker::Broker;
use crate::ingest::{AT, arrived, ends_well, record, refused, site, start, start_with};

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

#[test]
fn a_lake_that_nothing_was_read_into_is_not_complete() {
    let folder = tempfile::tempdir().unwrap();
    let [lake, out] = ["lake", "out"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let ran = callsieve(&["run", "--week", "2025-W02", "--lake", &lake]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let refused = callsieve(&["export", "regulator", "--week", "2025-W02", "--out", &out, "--lake", &lake]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(4), "{said}");
    assert!(said.contains("call_record has never been read"), "{said}");
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
