//! A changed rule on days that were decided, tried afterwards or in the shadow, and what `explain` says of them.
//!
//! In: scores in a real lake, decided by our own rules. Out: failures. Never: a broker, or a truth about anybody.

use std::collections::BTreeSet;
use std::path::Path;

use callsieve::clock::Clock;
use callsieve::domain::day::Day;
use callsieve::domain::lang::Lang;
use callsieve::domain::number::Number;
use callsieve::job::backtest::{Undecided, backtest, shadow};
use callsieve::job::{blocklist, check, decide, explain, reference, run};
use callsieve::lake::Lake;
use callsieve::pipeline::definition::Definitions;
use callsieve::schema::contract::Table;
use callsieve::schema::sheet::Sheet;
use callsieve::store::Store;
use callsieve::store::review::Review;
use callsieve::store::user::Role;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines");
const MONDAY: &str = "2025-01-06";
const TUESDAY: &str = "2025-01-07";

/// 14 points by card `onnet_v1`: a score of 0.802.
const ANN: (i64, Option<f64>, i64) = (84_900_000_001, Some(0.01), 14);
/// 2 points: a score of 0.550.
const BEN: (i64, Option<f64>, i64) = (84_900_000_002, None, 2);

fn day(day: &str) -> Day {
    day.parse().unwrap()
}

/// Puts scores in place of a day's own: of each number the share of its top callee, and the points of all its values.
async fn score(lake: &Lake, day: Day, numbers: &[(i64, Option<f64>, i64)]) {
    let mut sheet = Sheet::new(Table::SPAM_SCORE.contract());
    for (number, top_callee_share, points) in numbers {
        let row = sheet.row().day(day).int64(*number).instant_or_null(None).text("onnet_v1").boolean(true);
        let row = row.int64(1).int64(100).float64(100.0).float64_or_null(Some(0.99));
        let row = row.float64_or_null(None).float64_or_null(None).float64_or_null(Some(0.9));
        let row = row.float64_or_null(Some(1.0)).float64_or_null(*top_callee_share).float64_or_null(None);
        let row = row.float64_or_null(None).int64_or_null(None).float64_or_null(None);
        let row = row.float64_or_null(None).int64_or_null(None).int64(0);
        let row = row.int64(10).int64(22).int64(0).int64(0).int64(points + 38).int64(-70).int64(3).int64(*points);
        let logit = f64::from(i32::try_from(*points).unwrap()) / 10.0;
        row.float64(1.0 / (1.0 + (-logit).exp())).end();
    }
    lake.open(Table::SPAM_SCORE).await.unwrap().replace(day, &[sheet.finish()]).await.unwrap();
}

/// A lake with two decided days; on the second only Ann is judged.
async fn decided(folder: &Path) -> Lake {
    let lake = Lake::local(folder).unwrap();
    for (on, numbers) in [(MONDAY, &[ANN, BEN][..]), (TUESDAY, &[ANN][..])] {
        score(&lake, day(on), numbers).await;
        run::day(&lake, ours().await, &[Table::BLOCK_CANDIDATE], day(on)).await.unwrap();
        decide::day(&lake, ours().await, day(on), None).await.unwrap();
    }
    lake
}

async fn ours() -> Definitions {
    check::load(Some(FOLDER.into())).await.unwrap()
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

/// Our own rules, but evidence begins at a score of 0.7.
async fn stricter(folder: &Path) -> Definitions {
    copy(Path::new(FOLDER), folder);
    let file = folder.join("decide/block_candidate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let changed = text.replace("[param.evidence_score]\nvalue = 0.5", "[param.evidence_score]\nvalue = 0.7");
    assert_ne!(text, changed);
    std::fs::write(&file, changed).unwrap();
    check::load(Some(folder.to_owned())).await.unwrap()
}

/// The versions of what a run of the live rules writes.
async fn versions(lake: &Lake) -> Vec<(Table, i64)> {
    let mut versions = vec![];
    for table in [Table::DECISION, Table::BLOCK_CANDIDATE, Table::PIPELINE_RUN] {
        versions.push((table, lake.find(table).await.unwrap().unwrap().version()));
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stricter_rule_flags_fewer_and_the_lake_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let lake = decided(&folder.path().join("lake")).await;
    let before = versions(&lake).await;
    let definitions = stricter(&folder.path().join("pipelines")).await;
    let dir = folder.path().join("backtest");
    let outcome = backtest(&lake, definitions, &dir, day(MONDAY), day(TUESDAY)).await.unwrap();

    assert_eq!(outcome.changes(), "block_candidate (evidence_score 0.5 -> 0.7)");
    for of in &outcome.comparison.days {
        let counts = of.flagged;
        assert_eq!((counts.live, counts.tried, counts.newly, counts.no_longer), (2, 1, 0, 1), "{}", of.day);
    }
    let [lost] = &outcome.comparison.no_longer_flagged[..] else { panic!("{:?}", outcome.comparison) };
    assert_eq!((lost.number.as_str(), lost.live.verdict, lost.tried.verdict), ("84900•••002", "survey", "watched"));
    assert_eq!(versions(&lake).await, before, "a table was written");
    let scratch = Lake::local(&dir.join("lake")).unwrap();
    assert!(scratch.find(Table::SPAM_SCORE).await.unwrap().is_none(), "scores are read from the lake");
    assert!(scratch.find(Table::DECISION).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_that_decided_change_nothing_however_often_they_are_tried() {
    let folder = tempfile::tempdir().unwrap();
    let lake = decided(&folder.path().join("lake")).await;
    for _ in 0..2 {
        let outcome =
            backtest(&lake, ours().await, &folder.path().join("dir"), day(TUESDAY), day(TUESDAY)).await.unwrap();
        assert!(outcome.changed.is_empty(), "{:?}", outcome.changed);
        let counts = outcome.comparison.all.flagged;
        assert_eq!((counts.live, counts.tried, counts.newly, counts.no_longer), (2, 2, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tried_day_hears_what_the_desk_had_said_when_it_was_decided_and_nothing_of_later() {
    let folder = tempfile::tempdir().unwrap();
    let lake = decided(&folder.path().join("lake")).await;
    let store = Store::open(&format!("sqlite://{}/desk.db", folder.path().display())).await.unwrap();
    let mut act = store.act_on_users("an", Some(("an", Role::Supervisor)), Clock::System.now()).await.unwrap();
    act.add_user("an", Role::Supervisor).await.unwrap();
    act.commit().await.unwrap();
    let number = Number::from_e164(ANN.0).unwrap();
    let mut act = store.act("an", Role::Supervisor, Clock::System.now()).await.unwrap();
    let dismissal = Review { number, day: day(MONDAY), is_confirmed: false, reason: "pattern", note: "" };
    act.review(&dismissal).await.unwrap();
    act.commit().await.unwrap();
    // Tuesday is decided once more and hears it; Monday was decided before anybody spoke.
    decide::day(&lake, ours().await, day(TUESDAY), Some(&store)).await.unwrap();

    let dir = folder.path().join("dir");
    let outcome = backtest(&lake, ours().await, &dir, day(MONDAY), day(TUESDAY)).await.unwrap();
    let flagged = outcome.comparison.days.iter().map(|of| (of.flagged.live, of.flagged.tried));
    assert_eq!(flagged.collect::<Vec<_>>(), [(2, 2), (1, 1)]);
    for on in [MONDAY, TUESDAY] {
        shadow::run(&lake, ours().await, day(on)).await.unwrap();
    }
    let seen = shadow::report(&lake, &ours().await, day(MONDAY), day(TUESDAY)).await.unwrap();
    assert_eq!(seen.comparison.days, outcome.comparison.days, "a shadow that comes late hears no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tried_day_reads_the_allow_list_as_the_live_rules_read_it_or_says_that_it_could_not() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("lake");
    let lake = Lake::local(&place).unwrap();
    let list = "number,reason\n0962000009,hospital\n";
    reference::load_text(&lake, Table::ALLOW_LIST, list, day(MONDAY)).await.unwrap();
    let files = std::fs::read_dir(place.join(Table::ALLOW_LIST.name())).unwrap().flatten().map(|file| file.path());
    let then: Vec<_> = files.filter(|file| file.extension().is_some_and(|kind| kind == "parquet")).collect();
    let lake = decided(&place).await;
    // Ann is found to be a hospital's as well, and is listed from the first of these days on.
    let list = format!("{list}{},hospital\n", ANN.0);
    reference::load_text(&lake, Table::ALLOW_LIST, &list, day(MONDAY)).await.unwrap();

    let dir = folder.path().join("dir");
    let outcome = backtest(&lake, ours().await, &dir, day(MONDAY), day(TUESDAY)).await.unwrap();
    let flagged = outcome.comparison.days.iter().map(|of| (of.flagged.live, of.flagged.tried));
    assert_eq!(flagged.collect::<Vec<_>>(), [(2, 2), (2, 2)], "nobody knew it then");
    assert!(outcome.as_of_now.is_empty(), "{:?}", outcome.as_of_now);
    for on in [MONDAY, TUESDAY] {
        shadow::run(&lake, ours().await, day(on)).await.unwrap();
    }
    let seen = shadow::report(&lake, &ours().await, day(MONDAY), day(TUESDAY)).await.unwrap();
    assert_eq!((seen.comparison.days, seen.as_of_now), (outcome.comparison.days, outcome.as_of_now));

    assert!(!then.is_empty());
    for file in then {
        std::fs::remove_file(file).unwrap();
    }
    let outcome = backtest(&lake, ours().await, &dir, day(MONDAY), day(TUESDAY)).await.unwrap();
    let flagged = outcome.comparison.days.iter().map(|of| (of.flagged.live, of.flagged.tried));
    assert_eq!(flagged.collect::<Vec<_>>(), [(2, 1), (2, 1)]);
    let days = BTreeSet::from([day(MONDAY), day(TUESDAY)]);
    assert_eq!(outcome.as_of_now.into_iter().collect::<Vec<_>>(), [("allow_list", days)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_was_not_decided_is_named_and_a_strange_folder_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let lake = decided(&folder.path().join("lake")).await;
    let wednesday = day(TUESDAY).plus(1);
    let dir = folder.path().join("dir");
    let refused = backtest(&lake, ours().await, &dir, day(MONDAY), wednesday).await.unwrap_err();
    assert!(refused.is::<Undecided>() && refused.to_string().contains("2025-01-08"), "{refused:#}");
    let refused = backtest(&lake, ours().await, &folder.path().join("lake"), day(MONDAY), day(MONDAY)).await;
    assert!(refused.unwrap_err().to_string().contains("holds something else"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_shows_peers_and_the_way_out_and_names_the_day_of_the_last_score() {
    let folder = tempfile::tempdir().unwrap();
    let lake = decided(folder.path()).await;
    let definitions = ours().await;
    let ben = Number::from_e164(BEN.0).unwrap();
    let explained = explain::explain(&lake, &definitions, ben, day(MONDAY)).await.unwrap();
    assert_eq!(explained.explanation.points, Some(2));
    let text = explained.text(Lang::En);
    let way_out = "by its score clear with calls made among made and received 0.9 to 0.97 (-8), which leaves -6 points";
    assert!(text.contains(&format!("flagged from 0 points (score 0.500) on; {way_out}")), "{text}");
    let vi = explained.text(Lang::Vi);
    assert!(vi.contains("5 tỷ lệ gọi cho thuê bao không có mối quan hệ"), "{vi}");
    let peers: Vec<_> = explained.explanation.components.iter().filter_map(|component| component.peers).collect();
    assert!(!peers.is_empty() && peers.iter().all(|peers| (peers.lower, peers.all) == (0, 1)), "{peers:?}");

    let explained = explain::explain(&lake, &definitions, ben, day(TUESDAY)).await.unwrap();
    assert_eq!((explained.explanation.points, explained.explanation.last_judged), (None, Some(day(MONDAY))));
    assert!(explained.text(Lang::En).contains("last judged on 2025-01-06"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_decides_in_the_shadow_and_nothing_follows_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let lake = decided(&folder.path().join("lake")).await;
    let before = versions(&lake).await;
    let definitions = stricter(&folder.path().join("pipelines")).await;
    let rules = definitions.rules().unwrap();
    for on in [MONDAY, TUESDAY] {
        let shadowed = shadow::run(&lake, definitions.clone(), day(on)).await.unwrap();
        assert_eq!((shadowed.definitions, shadowed.computed), (rules.clone(), 2), "a day costs that day");
    }
    assert_eq!(versions(&lake).await, before, "a table was written");
    let own = lake.shadow(&rules).unwrap();
    for nothing in [Table::SURVEY_REQUEST, Table::BLOCKLIST_DAY, Table::SPAM_SCORE] {
        assert!(own.find(nothing).await.unwrap().is_none(), "{nothing}");
    }
    let order = blocklist::Order::new(day(MONDAY), &folder.path().join("out"));
    let refused = blocklist::publish(&own, &definitions, &order, None, Clock::System).await.unwrap_err();
    assert!(refused.to_string().starts_with("this is the lake of a candidate"), "{refused:#}");

    let outcome = shadow::report(&lake, &definitions, day(MONDAY), day(TUESDAY)).await.unwrap();
    let tried = backtest(&lake, definitions, &folder.path().join("dir"), day(MONDAY), day(TUESDAY)).await.unwrap();
    let json = |outcome| serde_json::to_value(outcome).unwrap();
    assert_eq!(json(outcome), json(tried), "what was seen is what would have been");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_tells_of_days_that_it_has_seen_and_a_changed_folder_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let lake = decided(&folder.path().join("lake")).await;
    let definitions = stricter(&folder.path().join("pipelines")).await;
    let wednesday = day(TUESDAY).plus(1);
    assert!(shadow::run(&lake, definitions.clone(), wednesday).await.unwrap_err().is::<Undecided>());
    // A run was killed while it copied what was held: an old day is there, and Monday is not.
    let mut copied = lake.shadow(&definitions.rules().unwrap()).unwrap().open(Table::DECISION).await.unwrap();
    let old = day(MONDAY).plus(-3);
    let mut sheet = Sheet::new(Table::DECISION.contract());
    let row =
        sheet.row().day(old).text("C-0").int64(84_900_000_009).instant_or_null(None).boolean(true).text("prepaid");
    let row = row.text("clear").text("clear").text("no_new_evidence").day(old).day(old).date_or_null(None);
    let row = row.float64_or_null(None).int64(0).int64(0).int64(0).int64(0).text("").boolean_or_null(None);
    row.text_or_null(None).instant_or_null(None).text_or_null(None).end();
    copied.replace(old, &[sheet.finish()]).await.unwrap();
    shadow::run(&lake, definitions.clone(), day(TUESDAY)).await.unwrap();
    let unseen = shadow::report(&lake, &definitions, day(MONDAY), day(TUESDAY)).await.unwrap_err();
    assert!(unseen.is::<shadow::Unseen>() && unseen.to_string().contains("2025-01-06;"), "{unseen:#}");
    let outcome = shadow::report(&lake, &definitions, day(TUESDAY), day(TUESDAY)).await.unwrap();
    // What was held on Monday, before it began, was held by the live rules.
    assert_eq!(outcome.comparison.days[0].flagged.tried, 2);
    let other = shadow::report(&lake, &ours().await, day(TUESDAY), day(TUESDAY)).await.unwrap_err();
    assert!(other.is::<shadow::Unseen>(), "{other:#}");
}
