//! The verbs on files, as a user runs them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use expect_test::expect_file;

use super::about::about;
use super::apply::apply;
use super::evaluate::{self, evaluate};
use super::train::{self, train};
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::folder;
use crate::score::chance::Chance;
use crate::score::file;
use crate::score::fit::Trend;
use crate::score::method::Method;
use crate::score::number::{logistic, real};

/// Rows of which every tenth lacks a value; positives call more parties.
fn features(folder: &Path, rows: usize) -> PathBuf {
    let mut chance = Chance::new(9, 0);
    let mut text = String::from("id,callees,handsets,region,note,is_spam\n");
    for row in 0..rows {
        let callees = chance.below(100);
        let handsets = chance.below(6);
        let logit = 0.1 * (real(callees) - 50.0) + 0.3 * real(handsets);
        let is_spam = u8::from(real(chance.below(1_000_000)) / 1e6 < logistic(logit));
        let handsets = if row % 10 == 0 { String::new() } else { handsets.to_string() };
        writeln!(text, "r{row},{callees},{handsets},{},free text,{is_spam}", row % 3).unwrap();
    }
    let path = folder.join("rows.csv");
    std::fs::write(&path, text).unwrap();
    path
}

fn options(folder: &Path, out: &str) -> train::Options {
    train::Options {
        features: folder.join("rows.csv"),
        label: "is_spam".to_owned(),
        id: None,
        condition: None,
        columns: vec!["callees".to_owned(), "handsets".to_owned()],
        trends: BTreeMap::from([("callees".to_owned(), Trend::Rising)]),
        criteria: BTreeMap::from([("callees".to_owned(), "stranger".to_owned())]),
        method: Method::default(),
        prevalence: None,
        positive_weight: 1.0,
        seed: 1,
        source: None,
        reference: Some(folder.join("rows.csv")),
        segment: Some("region".to_owned()),
        group: None,
        weight: None,
        out: folder.join(out),
    }
}

fn evaluation(folder: &Path, condition: Option<&str>) -> evaluate::Options {
    evaluate::Options {
        scores: folder.join("scores.csv"),
        labels: folder.join("rows.csv"),
        label: "is_spam".to_owned(),
        id: "id".to_owned(),
        condition: condition.map(|condition| condition.parse().unwrap()),
        draws: 50,
        seed: 0,
    }
}

#[test]
fn a_card_is_trained_applied_and_measured() {
    let folder = tempfile::tempdir().unwrap();
    let rows = features(folder.path(), 1500);
    let trained = train(&options(folder.path(), "m.toml")).unwrap();
    assert_eq!(trained.rows, 1500);
    let card = file::read(&folder.path().join("m.toml")).unwrap();
    assert_eq!(card.name.as_ref(), Some(&trained.card));
    assert_eq!(card.characteristic["callees"].criterion, "stranger");
    assert!(card.characteristic["callees"].points.is_sorted());

    let scored = apply(&folder.path().join("m.toml"), &rows, "id", &folder.path().join("scores.csv")).unwrap();
    assert_eq!((scored.rows, &scored.card), (1500, &trained.card));
    let evaluated = evaluate(&evaluation(folder.path(), None)).unwrap();
    let (seen, unseen) = (evaluated.measured.roc_auc.value, trained.held_out.roc_auc);
    assert!(seen >= unseen.value && seen > 0.9, "{seen} on rows that it has seen, {unseen:?} on others");
    assert_eq!((evaluated.left_out, evaluated.unscored), (0, 0));
    let few = evaluate(&evaluation(folder.path(), Some("region = 2"))).unwrap();
    assert_eq!((few.measured.rows, few.left_out), (500, 1000));
}

#[test]
fn a_line_of_scores_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    let rows = features(folder.path(), 600);
    train(&options(folder.path(), "m.toml")).unwrap();
    let card = file::read(&folder.path().join("m.toml")).unwrap();
    apply(&folder.path().join("m.toml"), &rows, "id", &folder.path().join("scores.csv")).unwrap();
    let mut given = csv::Reader::from_path(&rows).unwrap();
    let mut scores = csv::Reader::from_path(folder.path().join("scores.csv")).unwrap();
    assert_eq!(scores.headers().unwrap(), vec!["id", "score", "points", "low", "high", "reasons"]);
    let base = card.characteristic["base"].missing;
    for (given, line) in given.records().zip(scores.records()) {
        let (given, line) = (given.unwrap(), line.unwrap());
        assert_eq!(given[0], line[0]);
        let reasons = line[5].split("; ").filter(|reason| !reason.is_empty());
        let told: i64 = reasons.map(|reason| reason.rsplit(' ').next().unwrap().parse::<i64>().unwrap()).sum();
        assert_eq!(told + base, line[2].parse::<i64>().unwrap(), "two columns are all told: {line:?}");
        let probability = card.calibration.as_ref().unwrap().at(told + base);
        assert_eq!(line[1].parse::<f64>().unwrap(), probability.value());
        let [score, low, high] = [1, 3, 4].map(|cell| line[cell].parse::<f64>().unwrap());
        assert!(low <= score && score <= high);
        if given[2].is_empty() && card.characteristic["handsets"].missing != 0 {
            assert!(line[5].contains("handsets missing"), "{line:?}");
        }
    }
}

#[test]
fn rows_of_a_group_and_their_weights_come_from_columns_that_are_not_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let rows = features(folder.path(), 600);
    let text = std::fs::read_to_string(&rows).unwrap();
    let lines = text.lines().enumerate().map(|(row, line)| match row {
        0 => format!("{line},person,weight"),
        _ => format!("{line},{},{}", row / 3, if row % 2 == 0 { "1" } else { "0.5" }),
    });
    std::fs::write(&rows, lines.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    let plain = options(folder.path(), "plain.toml");
    let grouped = train::Options { group: Some("person".to_owned()), ..options(folder.path(), "grouped.toml") };
    let weighed = train::Options { weight: Some("weight".to_owned()), ..options(folder.path(), "weighed.toml") };
    let trained = [plain, grouped, weighed].map(|options| train(&options).unwrap());
    assert_ne!(trained[0].held_out, trained[1].held_out, "others are held out together");
    assert_ne!(trained[0].card, trained[2].card);
    let odd = train::Options { weight: Some("handsets".to_owned()), ..options(folder.path(), "odd.toml") };
    let problem = train(&odd).unwrap_err().to_string();
    assert!(problem.contains("line ") && problem.contains("column handsets: a weight is above 0"), "{problem}");
}

#[test]
fn a_condition_leaves_rows_and_card_as_a_file_of_these_rows_would() {
    let folder = tempfile::tempdir().unwrap();
    let rows = features(folder.path(), 1200);
    let text = std::fs::read_to_string(&rows).unwrap();
    let of_region = |line: &&str| line.starts_with("id,") || line.split(',').nth(3) == Some("1");
    let few = folder.path().join("few.csv");
    std::fs::write(&few, text.lines().filter(of_region).collect::<Vec<_>>().join("\n") + "\n").unwrap();
    let plain = train::Options { features: few.clone(), reference: Some(few), ..options(folder.path(), "few.toml") };
    let condition = Some("region = 1".parse().unwrap());
    let only = train::Options { condition, ..options(folder.path(), "only.toml") };
    let [few, only] = [plain, only].map(|options| train(&options).unwrap());
    assert_eq!((few.rows, &few.held_out), (400, &only.held_out));
    let card = |name: &str| file::read(&folder.path().join(name)).unwrap();
    assert_eq!(card("few.toml").characteristic, card("only.toml").characteristic);
    assert!(card("only.toml").doc.starts_with("Trained on 400 rows where region == 1 of a file "), "{only:?}");
    let [few, only] = ["few.md", "only.md"].map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap());
    assert!(few.contains("| rows | 400 |") && only.contains("| rows | 400, where `region == 1` |"), "{only}");
    assert!(only.contains("| `callees` | 0.0000 |"), "the reference is of the same rows: {only}");
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    features(folder.path(), 600);
    for out in ["a.toml", "b.toml"] {
        train(&options(folder.path(), out)).unwrap();
    }
    for extension in ["toml", "json", "svg"] {
        let [a, b] = ["a", "b"].map(|name| std::fs::read(folder.path().join(format!("{name}.{extension}"))).unwrap());
        assert!(a == b, "{extension}");
    }
    let other = train::Options { seed: 2, ..options(folder.path(), "a.toml") };
    let problem = train(&other).unwrap_err().to_string();
    assert!(problem.ends_with("a card is never changed, name another file"), "{problem}");
}

#[test]
fn the_model_card_tells_data_segments_drift_and_limits() {
    let folder = tempfile::tempdir().unwrap();
    features(folder.path(), 600);
    train(&train::Options { prevalence: Some(0.001), ..options(folder.path(), "m.toml") }).unwrap();
    let text = std::fs::read_to_string(folder.path().join("m.md")).unwrap();
    for part in [
        "| rows | 600 |",
        "`rows.csv`, SHA-256 `",
        "| probabilities for a share of | 0.1000 % |",
        "| ROC-AUC | ",
        "![said and seen, by tenths](m.svg)",
        "| region 2 | 200 | ",
        "| `callees` | 0.0000 |",
        "Probabilities are for a share of positives of 0.1000 %",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("m.json")).unwrap()).unwrap();
    assert_eq!(json["data"]["columns"], serde_json::json!(["callees", "handsets"]));
    assert_eq!(json["segments"].as_array().unwrap().len(), 3);
    let svg = std::fs::read_to_string(folder.path().join("m.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), 10);
}

#[track_caller]
fn refuses(change: impl FnOnce(&mut train::Options), expect: &str) {
    let folder = tempfile::tempdir().unwrap();
    features(folder.path(), 60);
    let mut options = options(folder.path(), "m.toml");
    change(&mut options);
    let problem = format!("{:#}", train(&options).unwrap_err());
    assert_eq!(problem.replace(&format!("{}/", folder.path().display()), ""), expect);
    assert!(!folder.path().join("m.toml").exists());
}

#[test]
fn what_cannot_be_trained_says_why() {
    refuses(|options| options.columns.clear(), "rows.csv: line 2, column note: \"free text\" is no number");
    refuses(
        |options| options.columns.push("is_spam".to_owned()),
        "column is_spam cannot be trained on: it is the label or the id",
    );
    refuses(|options| options.columns.push("callees".to_owned()), "column callees is named twice");
    refuses(
        |options| options.label = "flagged".to_owned(),
        "rows.csv: no column flagged; it has id, callees, handsets, region, note, is_spam",
    );
    refuses(|options| options.label = "region".to_owned(), "rows.csv line 4, column region: a label is 0 or 1, not 2");
    refuses(|options| options.prevalence = Some(1.0), "a prevalence lies between 0 and 1, and 1 does not");
    refuses(
        |options| options.trends = BTreeMap::from([("age".to_owned(), Trend::Rising)]),
        "column age is not trained on",
    );
    refuses(
        |options| options.criteria = BTreeMap::from([("callees".to_owned(), "colour".to_owned())]),
        "\"colour\" is no criterion; there are frequency, behaviour, short_call, short_gap, stranger, complaint, support",
    );
    let only = |options: &mut train::Options| {
        let text = std::fs::read_to_string(&options.features).unwrap().replace(",1\n", ",0\n");
        std::fs::write(&options.features, text).unwrap();
    };
    refuses(only, "rows.csv, column is_spam: 0 of 60 rows are positive: there must be both kinds");
    refuses(
        |options| options.condition = Some("region > 2".parse().unwrap()),
        "rows.csv, column is_spam where region > 2: 0 of 0 rows are positive: there must be both kinds",
    );
}

#[test]
fn scores_without_labels_and_other_bad_scores_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    features(folder.path(), 30);
    let refuses = |text: &str, expect: &str| {
        std::fs::write(folder.path().join("scores.csv"), text).unwrap();
        let problem = format!("{:#}", evaluate(&evaluation(folder.path(), None)).unwrap_err());
        assert_eq!(problem.replace(&format!("{}/", folder.path().display()), ""), expect);
    };
    refuses("id,score\nr1,0.5\nstranger,0.5\n", "scores.csv line 3: no row of rows.csv has its id, so it has no label");
    refuses("id,score\nr1,1.5\n", "scores.csv line 2, column score: a probability is no more than 1 and not missing");
    refuses("id,score\nr1,\n", "scores.csv line 2, column score: a probability is no more than 1 and not missing");
    refuses("id,score\nr1,0.5\nr1,0.5\n", "scores.csv line 3, column id: line 2 has the same");
    refuses("id,p\nr1,0.5\n", "scores.csv: no column score; it has id, p");
}

#[test]
fn nothing_is_left_of_scores_that_were_not_finished() {
    let folder = tempfile::tempdir().unwrap();
    let rows = features(folder.path(), 100);
    train(&options(folder.path(), "m.toml")).unwrap();
    let text = std::fs::read_to_string(&rows).unwrap();
    std::fs::write(&rows, format!("{text}r100,many,1,0,,0\n")).unwrap();
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    let problem =
        format!("{:#}", apply(&folder.path().join("m.toml"), &rows, "id", &folder.path().join("s.csv")).unwrap_err());
    assert!(problem.ends_with("line 102, column callees: \"many\" is no number"), "{problem}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
}

#[test]
fn every_card_of_ours_has_a_model_card() {
    let definitions = Definitions::read(&folder(None)).unwrap();
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines/score/card"));
    let mut written = 0;
    for (name, card) in definitions.cards() {
        match card.name {
            Some(trained) => {
                let told = std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap();
                assert!(told.contains(&trained), "{name}.md is of another card");
                let problem = about(&definitions, &name).unwrap_err().to_string();
                assert!(problem.ends_with(&format!("score/card/{name}.md")), "{problem}");
            }
            None => {
                written += 1;
                expect_file![folder.join(format!("{name}.md"))]
                    .assert_eq(&about(&definitions, &name).unwrap().markdown());
            }
        }
    }
    assert_eq!(written, 10);
    let problem = about(&definitions, "offnet").unwrap_err().to_string();
    assert!(problem.starts_with("there is no card offnet; there are bulk_registration, "), "{problem}");
}
