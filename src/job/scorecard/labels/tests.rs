//! Labels and groups, and a lake that gives rows to train on.

use super::*;
use crate::pipeline::run::folder;
use crate::schema::sheet::Sheet;

fn day() -> Day {
    "2025-01-06".parse().unwrap()
}

/// A week's row: a label by somebody, and what ties the subscription to others.
struct Given<'a>(i64, i64, &'a str, f64, Option<&'a str>, Option<&'a str>);

fn rows(given: &[Given<'_>]) -> RecordBatch {
    let mut sheet = Sheet::new(Table::TRAINING_ROW.contract());
    for Given(number, label, source, weight, identity, handsets) in given {
        let row = sheet.row().day(day()).int64(*number).instant_or_null(None).int64(*label).text(source);
        let row = row.float64(*weight).instant(1).day(day()).day(day().plus(-1));
        let row = row.text_or_null(*identity).text_or_null(*handsets).float64(20.0).int64_or_null(None);
        let shares = (0..10).fold(row, |row, _| row.float64_or_null(None));
        shares.int64(1).boolean(true).end();
    }
    sheet.finish()
}

fn said(given: &[Given<'_>]) -> Vec<Said> {
    let mut known = BTreeMap::new();
    read(&rows(given), &mut known).unwrap();
    known.into_values().collect()
}

#[test]
fn one_persons_sims_and_one_handsets_are_one_group() {
    let said = said(&[
        Given(1, 1, "review", 1.0, Some("1:a"), None),
        Given(2, 1, "review", 1.0, Some("1:b"), Some("35")),
        Given(3, 1, "review", 1.0, None, Some("36")),
        Given(4, 1, "review", 1.0, Some("1:a"), Some("35+37")),
        Given(5, 1, "review", 1.0, None, None),
        // A hash that reads like a handset ties nobody to it.
        Given(6, 1, "review", 1.0, Some("36"), None),
    ]);
    assert_eq!(groups(&said), [0, 0, 1, 0, 2, 3], "the fourth ties the first to the second");
}

#[test]
fn a_handset_of_the_week_whose_word_gives_way_still_ties() {
    let early = rows(&[Given(1, 1, "report", 0.5, None, Some("35"))]);
    let late = rows(&[Given(1, 1, "review", 1.0, None, Some("36")), Given(2, 0, "review", 1.0, None, Some("35"))]);
    for weeks in [[&early, &late], [&late, &early]] {
        let mut known = BTreeMap::new();
        weeks.into_iter().for_each(|week| read(week, &mut known).unwrap());
        assert_eq!(groups(&known.into_values().collect::<Vec<_>>()), [0, 0], "one person's two SIMs");
    }
}

#[test]
fn of_two_words_about_a_subscription_the_heavier_counts_in_any_order() {
    let (report, review) = (Given(1, 1, "report", 0.5, None, None), Given(1, 0, "review", 1.0, None, None));
    for given in [[&report, &review], [&review, &report]] {
        let mut known = BTreeMap::new();
        for Given(number, label, source, weight, ..) in given {
            read(&rows(&[Given(*number, *label, source, *weight, None, None)]), &mut known).unwrap();
        }
        let said: Vec<_> = known.into_values().map(|said| (said.is_spam, said.source)).collect();
        assert_eq!(said, [(false, "review".to_owned())]);
    }
}

#[test]
fn a_file_has_labels_groups_and_values_and_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let said = said(&[
        Given(84_900_000_001, 1, "review", 1.0, None, None),
        Given(84_900_000_002, 0, "survey", 0.8, None, None),
    ]);
    let batch = batch(&said, &groups(&said)).unwrap();
    for name in ["rows.csv", "rows.parquet"] {
        let path = folder.path().join(name);
        write(&path, &batch).unwrap();
        let names = crate::score::frame::names(&path).unwrap();
        assert_eq!(names[..6], ["id", "group", "label", "label_source", "weight", "is_onnet"]);
        assert_eq!(names[6..], VALUES);
        let columns = ["label".to_owned(), "imeis".to_owned(), "is_onnet".to_owned()];
        let ask = crate::score::frame::Ask { path: &path, id: Some("id"), columns: &columns };
        let frame = crate::score::frame::Frame::read(ask).unwrap();
        assert_eq!(frame.columns, [[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]);
        let bytes = std::fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("8490000000"));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside them");
}

#[test]
fn every_value_that_a_card_scores_can_be_trained_on() {
    let definitions = Definitions::read(&folder(None)).unwrap();
    let score = definitions.get(Table::SPAM_SCORE).unwrap();
    for (card, facts) in &score.facts.card {
        for (name, _) in facts.characteristic.iter().filter(|(_, found)| !found.below.is_empty()) {
            assert!(VALUES.contains(&name.as_str()), "card {card} scores {name}, of which no row tells");
        }
    }
}

/// Puts words about numbers into a lake, and scores of the week before.
async fn speak(lake: &Lake, words: &[(i64, &str)]) {
    let mut said = Sheet::new(Table::CASE_EVENT.contract());
    let mut scores = Sheet::new(Table::SPAM_SCORE.contract());
    for (number, word) in words {
        let row = said.row().int64(*number).int64(*number).text(word).text("pattern").text("an");
        row.instant(day().plus(2).starts_at()).text_or_null(None).end();
        let row =
            scores.row().day(day().plus(-2)).int64(*number).instant_or_null(None).text("offnet_v1").boolean(false);
        let row = row.int64(1).int64(100).float64(100.0);
        let shares = (0..8).fold(row, |row, _| row.float64_or_null(None)).int64_or_null(Some(7));
        let row = shares.float64_or_null(None).float64_or_null(None).int64_or_null(None).int64(0);
        (0..8).fold(row, |row, _| row.int64(0)).float64(0.5).end();
    }
    lake.open(Table::CASE_EVENT).await.unwrap().replace_all(&[said.finish()]).await.unwrap();
    lake.open(Table::SPAM_SCORE).await.unwrap().replace(day().plus(-2), &[scores.finish()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_gives_rows_of_both_classes_and_says_whose_word_they_are() {
    let place = tempfile::tempdir().unwrap();
    let (lake, out) = (Lake::local(&place.path().join("lake")).unwrap(), place.path().join("rows.csv"));
    let ours = || Definitions::read(&folder(None)).unwrap();
    let write = async || labels(&lake, ours(), (day(), day().plus(8)), &out).await;

    let nobody = write().await.unwrap_err().to_string();
    assert!(nobody.starts_with("0 rows") && nobody.contains("nobody has said anything"), "{nobody}");
    speak(&lake, &[(84_970_000_001, "confirmed"), (84_970_000_002, "confirmed")]).await;
    let refused = write().await.unwrap_err().to_string();
    assert!(refused.contains("all rows are spam, and a card needs both classes"), "{refused}");
    assert!(!out.exists());

    speak(&lake, &[(84_970_000_001, "confirmed"), (84_970_000_002, "dismissed")]).await;
    let written = write().await.unwrap();
    let counts = (written.rows, written.positives, written.groups, written.not_judged);
    assert_eq!(counts, (2, 1, 2, 0));
    assert_eq!(written.sources, BTreeMap::from([("review".to_owned(), Classes { positives: 1, negatives: 1 })]));
    let text = std::fs::read_to_string(&out).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "1,0,1,review,1.0,0,100.0,7.0,,,,,,,,,,,", "scored by the card for numbers of others");
    assert!(lines[2].starts_with("2,1,0,review,1.0,0,"), "{text}");
    assert_eq!(std::fs::read_to_string(&written.columns).unwrap().lines().count(), VALUES.len());
}
