//! Back-fill by the real program: the newest first, what lies before beside it, each message once.
//!
//! In: messages at a broker. Out: failures. Never: a back-fill while nothing else happens.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::broker::Broker;
use crate::ingest::{arrived, ends_well, record, refused, site, start_with};
use crate::ledger::{ledger, sum};
use crate::real::is_real;

pub fn backfill(config: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callsieve"));
    command.args(["--json", "backfill", "--topic", "call_record", "--config"]).arg(config).args(more);
    command
}

#[track_caller]
fn filled(done: &Output) -> Value {
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Ids from a number on, round three partitions; every tenth is poison, every eleventh empty.
fn bodies(ids: std::ops::Range<usize>) -> Vec<(i32, Vec<u8>)> {
    let body = |id: usize| match (id % 10, id % 11) {
        (3, _) => b"poison".to_vec(),
        (_, 5) => Vec::new(),
        _ => record(id).into_bytes(),
    };
    ids.map(|id| (i32::try_from(id % 3).unwrap(), body(id))).collect()
}

/// Ingest that has begun at the end of a topic with 3,000 messages, and 300 more.
async fn begun_at_the_end(name: &str, folder: &Path) -> (Broker, std::path::PathBuf) {
    let broker = Broker::with_topic(name, 3).await;
    broker.send(&bodies(0..3_000));
    let config = site(&broker, folder, 200, "");
    ends_well(start_with(&config, &["--newest-first", "--until-caught-up"]));
    assert_eq!(arrived(folder).await.len(), 0, "nothing is new");
    broker.send(&bodies(3_000..3_300));
    (broker, config)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_for_later_is_filled_beside_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let (broker, config) = begun_at_the_end("backfill", folder.path()).await;
    // A restart that says nothing of the newest begins where the tables stand.
    ends_well(start_with(&config, &["--until-caught-up"]));
    let is_new = |id: &String| id[1..].parse::<usize>().unwrap() >= 3_000;
    assert!(arrived(folder.path()).await.keys().all(is_new));
    let (code, shown) = ledger(folder.path());
    assert_eq!(code, 4, "what was left is a hole: {shown}");
    let findings = &shown["partitions"][0]["findings"];
    assert_eq!(findings, &serde_json::json!([{ "fault": "hole", "offsets": "0-999" }]), "{shown}");

    // A part of it, and of one partition, first said and then done.
    let part = ["--partition", "1", "--from", "100", "--until", "300"];
    let said = filled(&backfill(&config, &[&part[..], &["--dry-run"]].concat()).output().unwrap());
    assert_eq!(said["partitions"]["1"]["holes"], "100-299");
    assert!(arrived(folder.path()).await.keys().all(is_new), "a dry run reads nothing");
    let done = filled(&backfill(&config, &part).output().unwrap());
    let counts = ["records", "rejects", "tombstones", "gaps"].map(|key| done["partitions"]["1"][key].as_u64().unwrap());
    assert_eq!(counts.iter().sum::<u64>(), 200, "{done}");

    // The rest, while new messages come and another works at the same holes.
    let live = start_with(&config, &[]);
    broker.send(&bodies(3_300..4_500));
    let other = backfill(&config, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mine = backfill(&config, &[]).output().unwrap();
    let other = other.wait_with_output().unwrap();
    for done in [&mine, &other] {
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() || said.contains("another back-fill"), "{said}");
    }
    // Whichever was turned away finds what is left.
    filled(&backfill(&config, &[]).output().unwrap());
    assert!(Command::new("kill").args(["-TERM", &live.id().to_string()]).status().unwrap().success());
    ends_well(live);
    ends_well(start_with(&config, &["--until-caught-up"]));

    let arrived = arrived(folder.path()).await;
    let expected = bodies(0..4_500);
    let count = |is: &dyn Fn(&[u8]) -> bool| expected.iter().filter(|(_, body)| is(body)).count();
    let records = count(&|body| body.starts_with(b"{"));
    assert!(arrived.len() == records && arrived.values().all(|times| *times == 1), "{} of {records}", arrived.len());
    assert_eq!(refused(folder.path()).await.len(), count(&|body| body == b"poison"));
    let (code, shown) = ledger(folder.path());
    assert_eq!((code, sum(&shown, "tombstones")), (0, count(&|body| body.is_empty()) as u64), "{shown}");
    assert_eq!(filled(&backfill(&config, &[]).output().unwrap()), serde_json::json!({ "partitions": {} }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_fill_that_is_killed_is_finished_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let (_broker, config) = begun_at_the_end("backfill-kill", folder.path()).await;
    ends_well(start_with(&config, &["--until-caught-up"]));
    for millis in [150, 400, 800] {
        let mut run = backfill(&config, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
        run.kill().unwrap();
        run.wait().unwrap();
    }
    filled(&backfill(&config, &[]).output().unwrap());
    let rows = arrived(folder.path()).await;
    assert!(rows.values().all(|times| *times == 1));
    let poison = bodies(0..3_300).iter().filter(|(_, body)| body == b"poison").count();
    assert_eq!(refused(folder.path()).await.len(), poison, "every poison is a reject, once");
    let (code, shown) = ledger(folder.path());
    assert_eq!(code, 0, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_of_time_is_a_range_of_offsets() {
    // The mock cluster knows no times.
    if !is_real() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_broker, config) = begun_at_the_end("backfill-time", folder.path()).await;
    // All were sent with one timestamp, 2025-01-06 10:00 in Vietnam.
    let before = ["--since", "2025-01-05T00:00:00+07:00", "--before", "2025-01-06T10:00:00+07:00"];
    assert_eq!(filled(&backfill(&config, &before).output().unwrap()), serde_json::json!({ "partitions": {} }));
    let within = ["--since", "2025-01-06T10:00:00+07:00", "--before", "2025-01-06T10:00:01+07:00"];
    let done = filled(&backfill(&config, &within).output().unwrap());
    assert_eq!(done["partitions"].as_object().unwrap().len(), 3, "{done}");
    ends_well(start_with(&config, &["--until-caught-up"]));
    let (code, shown) = ledger(folder.path());
    assert_eq!(code, 0, "{shown}");
}
