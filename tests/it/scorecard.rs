//! Scorecards on numbers of real subscribers, which are no part of the project.
//!
//! In: the rows named by `CALLSIEVE_SICHUAN` (`benches/scorecard/README.md` says what they are). Out: failures.
//! Never: a row that the card is measured on and was fitted to.

use std::path::Path;
use std::process::Command;

/// Runs a verb and returns what it says.
fn said(arguments: &[&str]) -> serde_json::Value {
    let done = Command::new(env!("CARGO_BIN_EXE_callsieve")).args(arguments).arg("--json").output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn real_numbers_are_told_apart_as_well_as_by_boosted_trees() {
    let Some(rows) = std::env::var_os("CALLSIEVE_SICHUAN") else {
        eprintln!("skipped: CALLSIEVE_SICHUAN names no rows of real subscribers");
        return;
    };
    let rows = Path::new(&rows).to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let [model, scores] = ["m.toml", "s.csv"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    let columns = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/scorecard/sichuan.txt");
    let train =
        ["scorecard", "train", "--features", rows, "--label", "label", "--columns-file", columns, "--out", &model];
    let trained = said(&train);
    let held_out = |figure: &str| trained["held_out"][figure]["value"].as_f64().unwrap();
    // 0.9579, and boosted trees have 0.956 on five folds of these rows; another way of parting them moves that by 0.001.
    assert!(held_out("roc_auc") > 0.956, "{trained}");
    assert!(held_out("average_precision") > 0.943, "{trained}");
    assert!(held_out("macro_f1") > 0.9, "{trained}");
    assert!(held_out("brier") < 0.062, "{trained}");

    let applied = said(&["scorecard", "apply", "--model", &model, "--features", rows, "--out", &scores]);
    assert_eq!(applied["rows"], trained["rows"]);
    let busy = ["--where", "voc_day_nunique >= 29", "--draws", "10"];
    let evaluated = said(
        &[&["scorecard", "evaluate", "--scores", &scores, "--labels", rows, "--label", "label"], &busy[..]].concat(),
    );
    assert!(evaluated["roc_auc"]["value"].as_f64().unwrap() > 0.84, "{evaluated}");
}
