//! The list that dashboards rely on, and what is left in a file.

use expect_test::expect_file;

use super::*;

/// Ingest of one topic as it is served, and a verb as it leaves its file.
fn everything() -> String {
    let ingest = Metrics::new();
    ingest.begin_topic("call_record", KAFKA, &["truncated", "wrong_type"]);
    for gauge in [&ingest.ingest_lag, &ingest.ingest_waiting_bytes] {
        gauge.with_label_values(&["call_record"]).set(0);
    }
    ingest.ingest_files.with_label_values(&["call_record", "loaded"]).inc();
    ingest.ingest_rejects.with_label_values(&["call_record", "truncated"]).inc();
    ingest.ingest_commit_seconds.with_label_values(&["call_record"]).observe(0.5);
    ingest.ingest_partitions.with_label_values(&["call_record"]).set(4);
    ingest.ingest_last_commit.with_label_values(&["call_record"]).set(1);
    ingest.memory_budget.with_label_values(&NONE).set(536_870_912);
    let verb = Metrics::of_verb("run_day");
    verb.run_rows.with_label_values(&["caller_day"]).inc();
    verb.run_seconds.with_label_values(&["caller_day"]).observe(0.5);
    verb.decide_verdicts.with_label_values(&["survey"]).set(3);
    verb.precision_ratio.with_label_values(&["flagged", "share"]).set(0.75);
    verb.precision_reviewed.with_label_values(&["flagged"]).set(120);
    verb.duplicates.with_label_values(&["call_record"]).set(7);
    verb.replay_rejects.with_label_values(&["call_record", "rows"]).set(2);
    verb.maintain_files.with_label_values(&["call_record", "joined"]).set(9);
    verb.ledger_reports.with_label_values(&["voice", "ahead"]).set(5);
    for gauge in [&verb.ledger_open, &verb.ledger_findings, &verb.last_run, &verb.last_run_exit_code] {
        gauge.with_label_values(&NONE).set(1);
    }
    let text = ingest.text().unwrap();
    let resident = text.lines().find(|line| line.starts_with("callsieve_process_resident_bytes ")).unwrap();
    text.replace(resident, "callsieve_process_resident_bytes 1") + &verb.encode().unwrap()
}

#[test]
fn dashboards_can_rely_on_the_list() {
    expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/metrics.txt")].assert_eq(&everything());
}

#[test]
fn what_has_not_moved_is_named_with_its_source() {
    let metrics = Metrics::new();
    metrics.begin_topic("call_record", KAFKA, &[]);
    metrics.begin_topic("call_record", FILES, &[]);
    metrics.ingest_progress.with_label_values(&["call_record", FILES]).set(1_000);
    assert_eq!(metrics.stale_topics(900), ["call_record from kafka"], "files do not stand in for a broker");
    assert_eq!(metrics.stale_topics(1_001).len(), 2);
}

#[test]
fn a_burst_of_rejects_has_a_zero_to_rise_from() {
    let metrics = Metrics::new();
    metrics.begin_topic("call_record", KAFKA, &["truncated"]);
    let text = metrics.text().unwrap();
    let zero = "callsieve_ingest_rejects_total{reason=\"truncated\",topic=\"call_record\"} 0\n";
    assert!(text.contains(zero), "{text}");
}

#[test]
fn a_file_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let file = folder.path().join("run.prom");
    let metrics = Metrics::of_verb("run_day");
    for code in [0, 1] {
        metrics.last_run_exit_code.with_label_values(&NONE).set(code);
        metrics.write(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let line = format!("callsieve_last_run_exit_code{{verb=\"run_day\"}} {code}\n");
        assert!(text.ends_with(&line) && !text.contains("resident"), "{text}");
    }
    // A folder cannot be written over: nothing is left beside it.
    std::fs::create_dir(folder.path().join("taken.prom")).unwrap();
    let error = metrics.write(&folder.path().join("taken.prom")).unwrap_err();
    assert!(error.to_string().contains("taken.prom"), "{error}");
    assert_eq!(names(), ["run.prom", "taken.prom"]);
}
