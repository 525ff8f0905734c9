//! The demo by the real program, checked against its own summary and by DuckDB.
//!
//! In: a small synthetic operator. Out: failures. Never: trusts the program's own arithmetic: DuckDB recomputes
//! `call_event`, `sms_event`, `contact_day`, `caller_day`, the states of `relation` and what reports are about, where
//! `CALLSIEVE_PYTHON` has it.

use std::path::Path;
use std::process::{Command, Output};

#[test]
fn the_demo_accounts_for_everything_and_duckdb_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("demo");
    let done = Command::new(env!("CARGO_BIN_EXE_callsieve"))
        .args(["demo", "--seed", "3", "--subscribers", "1500", "--days", "5", "--dir"])
        .arg(&dir)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let printed = String::from_utf8(done.stdout).unwrap();
    let last = printed.trim_end().lines().last().unwrap_or_default();
    let advised: Vec<&str> = last.split_whitespace().collect();
    assert_eq!(advised[..2], ["callsieve", "verify"], "{printed}");
    check(&advised[1..], 0, "sound: package 1 for regulator, week 2025-W02");
    let summary = std::fs::read(dir.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&summary).unwrap();
    let number = |key: &str| summary[key].as_u64().unwrap_or_else(|| panic!("summary has no {key}: {summary}"));
    assert_eq!(number("messages"), number("records") + number("rejects"));
    assert_eq!(number("call_records"), number("call_events") + number("duplicates"));
    assert!(number("rejects") > 0 && number("duplicates") > 0 && number("messages") > 10_000);
    assert_eq!(summary["protected_blocked_share"].as_f64(), Some(0.0));
    let detections = summary["detections"].as_object().unwrap();
    assert_eq!(detections.len(), 9, "{detections:?}");
    assert!(detections["spoofed_number"]["recall"].is_number(), "{detections:?}");
    let reports = &summary["reports"];
    assert!(reports["verified_right_share"].as_f64().is_none_or(|share| share >= 0.99), "{reports}");
    assert_eq!((&reports["wrongly_held"], &reports["brigaded_seen"]), (&0.into(), &reports["brigaded"]), "{reports}");
    let truths = ["truth.parquet", "spoofed.parquet", "breaches.parquet", "reports.parquet"];
    for file in ["summary.json", "export/regulator/2025-W02/numbers.csv"].into_iter().chain(truths) {
        assert!(dir.join(file).exists(), "{file} is missing");
    }

    signed_package_holds(&dir, folder.path());

    let Some(python) = std::env::var_os("CALLSIEVE_PYTHON") else {
        eprintln!("skipped: DuckDB's part of the check; CALLSIEVE_PYTHON names no Python that has it");
        return;
    };
    let check = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/duckdb/check.py");
    let checked = Command::new(python).arg(check).arg(dir.join("lake")).output().unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
    assert!(said.contains("ok report_check.matched"), "{said}");
    for table in ["call_event", "sms_event", "contact_day", "caller_day", "relation"] {
        let compared = said.lines().find(|line| line.starts_with(&format!("ok {table}.rows")));
        assert!(compared.is_some_and(|line| !line.contains(" rows=0 ")), "{table}: {said}");
    }
}

fn callsieve(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callsieve"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

#[track_caller]
fn check(args: &[&str], code: i32, says: &str) {
    let done = callsieve(args);
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.status.code(), Some(code), "{args:?}: {said}");
    assert!(said.contains(says), "{args:?} does not say {says}: {said}");
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut files: Vec<_> = entries.map(|path| (name(&path), std::fs::read(&path).unwrap())).collect();
    files.sort();
    files
}

/// The demo's package verifies, is made again to the last byte elsewhere, and one changed byte is found.
fn signed_package_holds(demo: &Path, scratch: &Path) {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let package = demo.join("export/regulator/2025-W02");
    let (folder, lake, key) = (text(&package), text(&demo.join("lake")), text(&demo.join("package.key")));
    let public = format!("{key}.pub");
    check(&["verify", &folder, "--key", &public], 0, "sound: package 1 for regulator, week 2025-W02");
    check(&["verify", &folder, "--key", &public, "--recompute", &lake], 0, "sound");

    let again = text(&scratch.join("again"));
    let export = ["export", "regulator", "--week", "2025-W02", "--lake", &lake, "--key", &key, "--out"];
    check(&[&export[..], &[&again]].concat(), 0, "package 1 for regulator");
    assert_eq!(files(&scratch.join("again/regulator/2025-W02")), files(&package));
    check(&[&export[..], &[&again]].concat(), 0, "(unchanged)");
    // Another recipient has numbers of its own, and fewer columns.
    check(&[&export[..], &[&again, "--recipient", "security"]].concat(), 0, "package 1 for security");
    let numbers = std::fs::read_to_string(scratch.join("again/security/2025-W02/numbers.csv")).unwrap();
    assert!(numbers.starts_with("week,number,range_holder,flagged_day,verdict,evidence,matched_reporters,case_id,"));
    check(&[&export[..], &[&again, "--recipient", "nobody"]].concat(), 1, "there are regulator, security");

    let path = package.join("report.html");
    let mut page = std::fs::read(&path).unwrap();
    page[100] ^= 1;
    std::fs::write(&path, page).unwrap();
    check(&["verify", &folder, "--key", &public], 1, "report.html: its bytes differ");
}
