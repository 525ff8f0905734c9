//! The demo by the real program, checked against its own summary and by DuckDB.
//!
//! In: a small synthetic operator. Out: failures. Never: trusts the program's own arithmetic: DuckDB recomputes
//! `call_event`, `sms_event`, `contact_day`, `caller_day` and the states of `relation` with SQL of its own, where
//! `CALLSIEVE_PYTHON` has it.

use std::process::Command;

#[test]
fn the_demo_accounts_for_everything_and_duckdb_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("demo");
    let done = Command::new(env!("CARGO_BIN_EXE_callsieve"))
        .args(["demo", "--json", "--seed", "3", "--subscribers", "1500", "--days", "5", "--dir"])
        .arg(&dir)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    let number = |key: &str| summary[key].as_u64().unwrap_or_else(|| panic!("summary has no {key}: {summary}"));
    assert_eq!(number("messages"), number("records") + number("rejects"));
    assert_eq!(number("call_records"), number("call_events") + number("duplicates"));
    assert!(number("rejects") > 0 && number("duplicates") > 0 && number("messages") > 10_000);
    assert_eq!(summary["protected_blocked_share"].as_f64(), Some(0.0));
    let detections = summary["detections"].as_object().unwrap();
    assert_eq!(detections.len(), 9, "{detections:?}");
    assert!(detections["spoofed_number"]["recall"].is_number(), "{detections:?}");
    let truths = ["truth.parquet", "spoofed.parquet", "breaches.parquet"];
    for file in ["summary.json", "export/regulator/2025-W02/numbers.csv"].into_iter().chain(truths) {
        assert!(dir.join(file).exists(), "{file} is missing");
    }

    let Some(python) = std::env::var_os("CALLSIEVE_PYTHON") else {
        eprintln!("skipped: DuckDB's part of the check; CALLSIEVE_PYTHON names no Python that has it");
        return;
    };
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/duckdb/check.py");
    let checked = Command::new(python).arg(check).arg(dir.join("lake")).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
    for table in ["call_event", "sms_event", "contact_day", "caller_day", "relation"] {
        let compared = said.lines().find(|line| line.starts_with(&format!("ok {table}.rows")));
        assert!(compared.is_some_and(|line| !line.contains(" rows=0 ")), "{table}: {said}");
    }
}
