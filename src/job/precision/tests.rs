//! What the figures say, and that a week is drawn once.

use super::*;
use crate::domain::day::Day;
use crate::job::tests::note_run;
use crate::pipeline::run::folder;
use crate::schema::sheet::Sheet;

fn band(rules: &str, segment: &str, band: &str, numbers: i64, share: Option<f64>) -> Band {
    let bounds = |by: f64| share.map(|share| share + by);
    let (rules, segment, band) = (rules.to_owned(), segment.to_owned(), band.to_owned());
    let (low, high) = (bounds(-0.25), bounds(0.125));
    Band { rules, segment, band, numbers, sampled: 10, reviewed: 8, confirmed: 6, share, low, high }
}

fn week() -> Precision {
    let bands = vec![
        band("r1", "all", "flagged", 10, Some(0.5)),
        band("r2", "all", "flagged", 40, Some(0.75)),
        band("r2", "all", "low", 30, None),
        band("r2", "prepaid", "flagged", 35, Some(0.625)),
    ];
    Precision { week: "2025-W02".to_owned(), bands }
}

#[test]
fn a_band_without_reviews_says_that_it_knows_nothing() {
    let text = week().text();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].ends_with("0.750 (0.500 to 0.875)"), "{text}");
    assert!(lines[3].ends_with("not yet measured"), "{text}");
}

#[test]
fn the_metric_is_of_the_rules_that_flagged_most_and_of_all_segments() {
    let metrics = Metrics::of_verb("precision");
    week().note(&metrics);
    let text = metrics.text().unwrap();
    let line = |band: &str, bound: &str, value: &str| {
        format!("callsieve_precision_ratio{{band=\"{band}\",bound=\"{bound}\",verb=\"precision\"}} {value}\n")
    };
    assert!(
        text.contains(&line("flagged", "low", "0.5")) && text.contains(&line("flagged", "share", "0.75")),
        "{text}"
    );
    assert!(!text.contains("callsieve_precision_ratio{band=\"low\""), "what is not known has no value: {text}");
    assert!(text.contains("callsieve_precision_reviewed{band=\"low\",verb=\"precision\"} 8\n"), "{text}");
}

fn monday() -> Day {
    "2025-01-06".parse().unwrap()
}

/// Puts numbers at survey on Monday into a lake, and says that Sunday is decided.
async fn decided(lake: &Lake, numbers: std::ops::Range<i64>, is_finished: bool) {
    let mut sheet = Sheet::new(Table::DECISION.contract());
    for number in numbers {
        let row = sheet.row().day(monday()).text("C-1").int64(84_970_000_000 + number).instant_or_null(None);
        let row = row.boolean(false).text("offnet").text("survey").text("clear").text("evidence").day(monday());
        let row = row.day(monday()).date_or_null(Some(monday().epoch_days())).float64_or_null(Some(0.9)).int64(1);
        let row = row.int64(0).int64(0).int64(0).text("r1").boolean_or_null(None).text_or_null(None);
        row.instant_or_null(None).text_or_null(None).end();
    }
    lake.open(Table::DECISION).await.unwrap().replace(monday(), &[sheet.finish()]).await.unwrap();
    let last = monday().plus(if is_finished { 6 } else { 5 });
    note_run(lake, last, Table::DECISION, ("{}", 1), last.ends_at()).await;
}

async fn measured(lake: &Lake) -> anyhow::Result<Band> {
    let ours = Definitions::read(&folder(None)).unwrap();
    let all = precision(lake, ours, monday().week(), None).await?;
    Ok(all.bands.into_iter().find(|band| band.segment == ALL && band.band == "high").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_is_drawn_when_it_is_over_and_only_once() {
    let place = tempfile::tempdir().unwrap();
    let lake = Lake::local(place.path()).unwrap();
    decided(&lake, 0..40, false).await;
    let early = measured(&lake).await.unwrap_err();
    assert!(early.is::<Unfinished>(), "{early:#}");
    assert_eq!(early.to_string(), "2025-W02 is not decided to its end; callsieve decide --day 2025-01-12");
    decided(&lake, 0..40, true).await;
    let band = measured(&lake).await.unwrap();
    assert_eq!((band.numbers, band.sampled, band.reviewed, band.share), (40, 30, 0, None));

    // Whatever is said of the week later, who was drawn stays drawn, and reviews of them count.
    decided(&lake, 0..5, true).await;
    let ours = Definitions::read(&folder(None)).unwrap();
    crate::job::run::week(&lake, ours, &[], monday().week()).await.unwrap();
    let mut said = Sheet::new(Table::CASE_EVENT.contract());
    for number in 0..40 {
        let row = said.row().int64(number).int64(84_970_000_000 + number).text("confirmed").text("pattern").text("an");
        row.instant(monday().plus(8).starts_at()).text_or_null(None).end();
    }
    lake.open(Table::CASE_EVENT).await.unwrap().replace_all(&[said.finish()]).await.unwrap();
    let band = measured(&lake).await.unwrap();
    assert_eq!((band.numbers, band.sampled, band.reviewed, band.confirmed, band.share), (40, 30, 30, 30, Some(1.0)));
}
