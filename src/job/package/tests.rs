//! A package tells what reviewers found, and made again it says the same whatever was reviewed since.

use std::collections::BTreeMap;

use super::*;
use crate::domain::day::Day;
use crate::export::delivery::parcel::Parcel;
use crate::export::rows::Rows;
use crate::export::verify::verify;
use crate::job::desk::Look;
use crate::job::ledger::act::{self, Loss, Note};
use crate::job::tests::{inserted, note_run, open_desk};
use crate::lake::ledger::Books;
use crate::lake::ledger::file::Unread;
use crate::pipeline::run::folder as pipelines;
use crate::schema::sheet::Sheet;
use crate::schema::topic::Topic;
use crate::store::audit::Wanted;
use crate::store::{Refused, Store};

fn week() -> Week {
    "2025-01-06".parse::<Day>().unwrap().week()
}

/// A lake in which the lists of two weeks were computed, of which nobody was flagged, and its definitions.
async fn site() -> (tempfile::TempDir, Lake, Definitions) {
    let place = tempfile::tempdir().unwrap();
    let lake = Lake::local(&place.path().join("lake")).unwrap();
    for monday in [week().monday(), week().monday().plus(7)] {
        note_run(&lake, monday, Table::REGULATOR_WEEK, ("{}", 1), 0).await;
    }
    (place, lake, Definitions::read(&pipelines(None)).unwrap())
}

/// Writes down what reviewers found of the first week: 6 of 8.
async fn reviewed(lake: &Lake) {
    let mut sheet = Sheet::new(Table::RULE_PRECISION.contract());
    let row = sheet.row().day(week().monday()).text("ab").text("all").text("flagged").int64(40).int64(10).int64(8);
    let row = row.int64(6).float64_or_null(Some(0.75)).float64_or_null(Some(0.5));
    row.float64_or_null(Some(0.875)).end();
    let mut table = lake.open(Table::RULE_PRECISION).await.unwrap();
    table.replace(week().monday(), &[sheet.finish()]).await.unwrap();
}

/// Counts the reports of the first week, once it is over: 40 of one form, of which 30 name a province.
async fn reported(lake: &Lake, provinces: [(&str, i64); 2]) {
    reported_at(lake, provinces, week().monday().plus(7).starts_at()).await;
}

async fn reported_at(lake: &Lake, provinces: [(&str, i64); 2], at: i64) {
    note_run(lake, week().monday(), Table::SCAM_TREND_WEEK, ("{}", 1), at).await;
    let mut sheet = Sheet::new(Table::SCAM_TREND_WEEK.contract());
    for (province, reports) in provinces {
        let row = sheet.row().day(week().monday()).text("sim_lock").text(province).text("web");
        row.int64(reports).int64(reports).int64(0).int64(12).int64(12).int64(0).end();
    }
    let mut table = lake.open(Table::SCAM_TREND_WEEK).await.unwrap();
    table.replace(week().monday(), &[sheet.finish()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_tells_reports_by_form_and_province_of_the_version_that_it_was_made_of() {
    let (place, lake, definitions) = site().await;
    reported(&lake, [("Cà Mau", 30), ("unknown", 10)]).await;
    let order = Order::new(&definitions, week(), "regulator").unwrap();
    let first =
        publish(&lake, &order, &place.path().join("one"), None, (Trail::default(), Clock::System)).await.unwrap();
    let trends = std::fs::read_to_string(first.folder.join("trends.csv")).unwrap();
    for line in [",Cà Mau,30,\n", ",total,40,24\n"] {
        assert!(trends.contains("sim_lock,") && trends.contains(line), "{line} is not in\n{trends}");
    }

    reported(&lake, [("Cà Mau", 31), ("unknown", 3)]).await;
    assert!(recompute(&lake, &first.folder).await.unwrap().is_empty(), "it was made of an earlier count");
    let order = Order { week: week().monday().plus(7).week(), ..order };
    let next =
        publish(&lake, &order, &place.path().join("one"), None, (Trail::default(), Clock::System)).await.unwrap();
    let trends = std::fs::read_to_string(next.folder.join("trends.csv")).unwrap();
    assert_eq!(trends, "form,title,province,reports,reports_before\n", "nothing was counted of that week");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_of_before_trends_is_told_from_one_that_was_changed() {
    let (place, lake, definitions) = site().await;
    let order = Order::new(&definitions, week(), "regulator").unwrap();
    let folder = publish(&lake, &order, place.path(), None, (Trail::default(), Clock::System)).await.unwrap().folder;
    let path = folder.join(manifest::FILE);
    let mut old = Manifest::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
    old.files.retain(|listed| listed.name != TRENDS);
    old.tables.remove(Table::SCAM_TREND_WEEK.name());
    old.least_reports = None;
    std::fs::write(&path, old.text().unwrap()).unwrap();
    std::fs::remove_file(folder.join(TRENDS)).unwrap();

    let older = recompute(&lake, &folder).await.unwrap_err();
    assert!(older.is::<OlderFormat>(), "{older:#}");
    let lacks = "it lacks trends.csv, in manifest.json the version of table scam_trend_week (";
    assert!(older.to_string().contains(lacks) && older.to_string().contains("no sign of a change"), "{older:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_of_another_build_is_told_from_one_that_the_lake_does_not_make() {
    let (place, lake, definitions) = site().await;
    let (order, key) = (Order::new(&definitions, week(), "regulator").unwrap(), SecretKey::new().unwrap());
    let made = publish(&lake, &order, place.path(), Some(&key), (Trail::default(), Clock::System)).await.unwrap();
    let mut verdict = verify(&made.folder, &key.public(), None).unwrap();
    verdict.made_anew(recompute(&lake, &made.folder).await.unwrap());
    assert!(verdict.is_sound && verdict.is_made_anew == Some(true), "{}", verdict.text());

    let page = made.folder.join(PAGE);
    let text = std::fs::read_to_string(&page).unwrap();
    let other = |from: &str, to: &str| {
        assert!(text.contains(from), "{from} is not in\n{text}");
        std::fs::write(&page, text.replace(from, to)).unwrap();
    };
    other("</h1>", "!</h1>");
    let problems = recompute(&lake, &made.folder).await.unwrap();
    assert_eq!(problems.iter().map(|problem| problem.file.as_str()).collect::<Vec<_>>(), [PAGE]);
    verdict.made_anew(problems);
    assert!(verdict.is_as_signed && !verdict.is_sound, "{}", verdict.text());
    let said = "THE LAKE MAKES ANOTHER PACKAGE\npackage 1, week 2025-W02, is itself as it was signed by key ";
    assert!(
        verdict.text().starts_with(said) && verdict.text().contains("report.html: made anew"),
        "{}",
        verdict.text()
    );
    assert!(verdict.ensure_sound().unwrap_err().to_string().starts_with("the package is what was signed, and not"));

    other("<tr><th>week</th><td>", "<tr><th>week</th><td>Tuần. ");
    let error = recompute(&lake, &made.folder).await.unwrap_err();
    assert!(error.is::<OtherBuild>(), "{error:#}");
    let said = error.to_string();
    assert!(said.contains("defines week in other words") && said.contains("cannot tell: report.html;"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_a_part_of_a_week_are_not_told_as_those_of_the_week() {
    let (place, lake, definitions) = site().await;
    reported_at(&lake, [("Cà Mau", 30), ("unknown", 10)], week().monday().plus(7).starts_at() - 1).await;
    let order = Order::new(&definitions, week(), "regulator").unwrap();
    let made = publish(&lake, &order, place.path(), None, (Trail::default(), Clock::System)).await.unwrap();
    let trends = std::fs::read_to_string(made.folder.join("trends.csv")).unwrap();
    assert_eq!(trends, "form,title,province,reports,reports_before\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_made_again_after_reviews_has_the_same_bytes_and_the_next_tells_of_them() {
    let (place, lake, definitions) = site().await;
    let made = async |week: Week, out: &str| {
        let order = Order::new(&definitions, week, "regulator").unwrap();
        let made =
            publish(&lake, &order, &place.path().join(out), None, (Trail::default(), Clock::System)).await.unwrap();
        let page = std::fs::read_to_string(made.folder.join("report.html")).unwrap();
        (made, page)
    };
    let (first, page) = made(week(), "one").await;
    for week in ["2025-W02", "2025-W01"] {
        let line = format!("<td>{week}</td><td class=\"count\" colspan=\"7\">chưa đo</td>");
        assert!(page.contains(&line), "{line} is not in\n{page}");
    }

    reviewed(&lake).await;
    let (again, _) = made(week(), "two").await;
    assert_eq!((again.sequence, &again.manifest_sha256), (first.sequence, &first.manifest_sha256));
    assert!(recompute(&lake, &first.folder).await.unwrap().is_empty(), "its manifest says of which versions it is");

    let (_, page) = made(week().monday().plus(7).week(), "one").await;
    assert!(page.contains("0,750 (0,500 đến 0,875)"), "{page}");
    assert!(page.contains("<td>2025-W03</td><td class=\"count\" colspan=\"7\">chưa đo</td>"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_in_its_recipients_language_and_is_made_again_in_that_in_which_it_left() {
    let (place, lake, definitions) = site().await;
    let order = Order::new(&definitions, week(), "regulator").unwrap();
    assert_eq!((order.lang, Order::new(&definitions, week(), "security").unwrap().lang), (Lang::Vi, Lang::Vi));
    let made = async |order: &Order| {
        let made = publish(&lake, order, place.path(), None, (Trail::default(), Clock::System)).await.unwrap();
        let read = |file: &str| std::fs::read_to_string(made.folder.join(file)).unwrap();
        (made.sequence, read("report.html"), read(manifest::FILE), read("numbers.csv"))
    };
    let (first, page, text, numbers) = made(&order).await;
    assert!(page.contains("<html lang=\"vi\">") && page.contains("Danh sách số bị gắn cờ, 2025-W02"), "{page}");
    assert_eq!((first, Manifest::read(&text).unwrap().lang), (1, Lang::Vi));
    let folder = place.path().join("regulator/2025-W02");
    assert!(recompute(&lake, &folder).await.unwrap().is_empty(), "its manifest says the language");

    // Another language is another package; what programs read is the same, and English needs no word in the manifest.
    let english = Order { lang: Lang::En, ..order };
    let (second, page, text, same) = made(&english).await;
    assert!(page.contains("<html lang=\"en\">") && page.contains("Flagged numbers, 2025-W02"), "{page}");
    assert!(!text.contains("\"lang\"") && Manifest::read(&text).unwrap().lang == Lang::En, "{text}");
    assert_eq!((second, same), (2, numbers));
    assert!(recompute(&lake, &folder).await.unwrap().is_empty(), "{text}");
}

/// Puts the one number of the first week in the place of what was listed before, and gives back the table's version.
async fn listed(lake: &Lake, verdict: &str, matched_reporters: i64) -> i64 {
    let columns = "week, number, verdict, matched_reporters";
    let values = format!("(DATE '2025-01-06', 84900000001, '{verdict}', {matched_reporters})");
    let mut table = lake.open(Table::REGULATOR_WEEK).await.unwrap();
    table.replace(week().monday(), &inserted(Table::REGULATOR_WEEK, columns, &values).await).await.unwrap();
    table.version()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_that_is_computed_again_is_corrected_where_it_differs_from_what_was_told_of_it() {
    let (place, lake, definitions) = site().await;
    for days in [14, 21] {
        note_run(&lake, week().monday().plus(days), Table::REGULATOR_WEEK, ("{}", 1), 0).await;
    }
    let order = Order::new(&definitions, week(), "regulator").unwrap();
    let made = async |weeks: i32, columns: &[&str]| {
        let week = week().monday().plus(7 * weeks).week();
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        let order = Order { week, columns, ..order.clone() };
        let made = publish(&lake, &order, place.path(), None, (Trail::default(), Clock::System)).await.unwrap();
        assert!(recompute(&lake, &made.folder).await.unwrap().is_empty(), "the same is said again");
        std::fs::read_to_string(made.folder.join("corrections.csv")).unwrap()
    };
    listed(&lake, "survey", 1).await;
    assert_eq!(made(0, &["week", "number", "verdict"]).await, "change,week,number,verdict\n");
    let more = ["week", "number", "verdict", "matched_reporters"];
    let head = "change,week,number,verdict,matched_reporters\n";
    listed(&lake, "survey", 5).await;
    assert_eq!(made(1, &more).await, head, "how many reported it was not told");
    listed(&lake, "limited", 5).await;
    assert_eq!(made(2, &more).await, format!("{head}changed,2025-01-06,84900000001,limited,5\n"));
    listed(&lake, "limited", 6).await;
    assert_eq!(made(3, &more).await, format!("{head}changed,2025-01-06,84900000001,limited,6\n"), "5 was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_week_leaves_the_package_that_others_follow_to_be_verified() {
    let (place, lake, definitions) = site().await;
    let key = SecretKey::new().unwrap();
    let made = async |week: Week| {
        let order = Order::new(&definitions, week, "regulator").unwrap();
        publish(&lake, &order, place.path(), Some(&key), (Trail::default(), Clock::System)).await.unwrap()
    };
    let folder = |name: &str| place.path().join("regulator").join(name);
    let is_chained = |name: &str, previous: &str| {
        let verdict = verify(&folder(name), &key.public(), Some(&folder(previous))).unwrap();
        assert!(verdict.is_as_signed, "{}", verdict.text());
        verdict.is_sound
    };
    listed(&lake, "survey", 1).await;
    let (first, next) = (made(week()).await, made(week().monday().plus(7).week()).await);
    assert_eq!((first.kept, next.kept), (None, None));
    let sent = Parcel::read(&folder("2025-W02")).unwrap();
    listed(&lake, "limited", 1).await;
    let corrected = made(week()).await;
    assert_eq!((corrected.sequence, corrected.kept), (3, Some(folder("2025-W02.1"))));
    assert!(is_chained("2025-W02", "2025-W03"), "the correction follows what left last");
    assert!(is_chained("2025-W03", "2025-W02.1"), "and what it corrects is still followed by what was sent then");
    assert!(!is_chained("2025-W03", "2025-W02"));
    let manifest_sha256 = folder::sha256(&folder("2025-W02.1").join(manifest::FILE)).unwrap();
    assert_eq!(manifest_sha256, first.manifest_sha256);
    let kept = Parcel::read(&folder("2025-W02.1")).unwrap();
    assert_eq!((kept.name.as_str(), kept.place()), ("regulator/2025-W02", sent.place()), "what has arrived is known");

    let again = made(week()).await;
    assert_eq!((again.sequence, again.is_changed, again.kept), (3, false, None));
    listed(&lake, "blocked", 1).await;
    assert_eq!(made(week()).await.kept, Some(folder("2025-W02.3")), "each has a place of its own");
    assert!(is_chained("2025-W02", "2025-W02.3") && is_chained("2025-W03", "2025-W02.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_a_restored_lake_gives_a_second_time_takes_no_package_away() {
    let (place, lake, definitions) = site().await;
    let (_backup, restored, _) = site().await;
    let order = Order::new(&definitions, week(), "regulator").unwrap();
    let made = async |lake: &Lake, verdict: &str| {
        listed(lake, verdict, 1).await;
        publish(lake, &order, place.path(), None, (Trail::default(), Clock::System)).await.unwrap()
    };
    let (first, second) = (made(&lake, "survey").await, made(&restored, "limited").await);
    assert_eq!((first.sequence, second.sequence), (1, 1));
    let kept = place.path().join("regulator/2025-W02.1");
    assert_eq!(second.kept.as_deref(), Some(kept.as_path()));
    assert_eq!(folder::sha256(&kept.join(manifest::FILE)).unwrap(), first.manifest_sha256);
    assert_eq!(folder::sha256(&second.folder.join(manifest::FILE)).unwrap(), second.manifest_sha256);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_packages_since_have_told_corrects_a_week_unless_it_was_not_computed_by_then() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let issued = |days: i32, columns: &[&str]| sources::Issued {
        week: week().monday().plus(days),
        sequence: 1,
        manifest_sha256: String::new(),
        numbers_sha256: String::new(),
        tables: BTreeMap::new(),
        columns: Some(names(columns)),
    };
    let issued = [issued(-7, &["score"]), issued(0, &["number"]), issued(7, &["number", "appeal"])];
    let told = async |appeal: &str| {
        let values = format!("(84900000001, CAST({appeal} AS VARCHAR), 0.5)");
        let list = inserted(Table::REGULATOR_WEEK, "number, appeal, score", &values).await;
        let list = Rows::of(Table::REGULATOR_WEEK.contract(), list).unwrap();
        sources::told_since(&issued, week().monday(), &names(&["number", "appeal", "score"]), &list)
    };
    assert_eq!(told("'open'").await, ["number", "appeal"]);
    assert_eq!(told("NULL").await, ["number"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_of_before_its_columns_were_written_down_had_those_of_its_version() {
    let (place, lake, definitions) = site().await;
    lake.open(Table::REGULATOR_WEEK).await.unwrap();
    // The table as it was made before there were appeals.
    let log = place.path().join("lake/regulator_week/_delta_log/00000000000000000000.json");
    let without = |line: &str| {
        let mut entry: serde_json::Value = serde_json::from_str(line).unwrap();
        if let Some(text) = entry["metaData"]["schemaString"].as_str() {
            let mut schema: serde_json::Value = serde_json::from_str(text).unwrap();
            schema["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "appeal");
            entry["metaData"]["schemaString"] = schema.to_string().into();
        }
        format!("{entry}\n")
    };
    let older: String = std::fs::read_to_string(&log).unwrap().lines().map(without).collect();
    std::fs::write(&log, older).unwrap();
    let newer = listed(&lake, "survey", 1).await;

    let columns = Order::new(&definitions, week(), "regulator").unwrap().columns;
    let told = async |version: i64, columns_said: Option<&[&str]>| {
        let issued = sources::Issued {
            week: week().monday(),
            sequence: 1,
            manifest_sha256: String::new(),
            numbers_sha256: String::new(),
            tables: [("regulator_week".to_owned(), version)].into(),
            columns: columns_said.map(|said| said.iter().map(|name| (*name).to_owned()).collect()),
        };
        sources::told_columns(&lake, &[issued], week().monday(), &columns).await.unwrap()
    };
    let without: Vec<String> = columns.iter().filter(|name| *name != "appeal").cloned().collect();
    assert_eq!(told(0, None).await, without);
    assert_eq!(told(newer, None).await, columns);
    assert_eq!(told(newer + 9, None).await, columns, "nobody knows what it had");
    assert_eq!(told(0, Some(["number", "appeal"].as_slice())).await, ["number", "appeal"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_leaves_only_once_the_desks_trail_says_so() {
    let (place, lake, definitions) = site().await;
    let order = Order::new(&definitions, week(), "regulator").unwrap();
    let desk = open_desk(place.path(), false, 1, &["an"]).await;
    let store = Store::open(&format!("sqlite://{}/desk.db", place.path().display())).await.unwrap();
    let leave = async |by: &str| {
        let trail = Trail { store: Some(&store), by: Some(by) };
        publish(&lake, &order, place.path(), None, (trail, Clock::System)).await
    };
    assert!(leave("em").await.unwrap_err().is::<Refused>(), "nobody knows em");
    assert!(!place.path().join("regulator").join(week().to_string()).exists());
    assert!(issued(&lake.open(Table::PACKAGE).await.unwrap(), "regulator").await.unwrap().is_empty());
    let (first, again) = (leave("an").await.unwrap(), leave("an").await.unwrap());
    assert_eq!((first.sequence, again.sequence), (1, 1));
    let wanted = Wanted { limit: 2, ..Wanted::default() };
    for row in desk.trail(Look { by: None, at: 1 }, &wanted).await.unwrap() {
        assert_eq!((&row.facts["act"], &row.facts["actor"]), (&"export_regulator".into(), &"an".into()));
        let detail = &row.facts["detail"];
        assert_eq!((&detail["sequence"], &detail["numbers"]), (&1.into(), &0.into()));
        assert_eq!(detail["manifest_sha256"], first.manifest_sha256.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_week_that_nobody_could_read_is_told_of_once_its_loss_is_signed() {
    let (place, lake, definitions) = site().await;
    lake.open(Table::CALL_RECORD).await.unwrap();
    let (mut books, at) = (Books::open(&lake).await.unwrap(), week().monday().starts_at());
    books.miss(Table::CALL_RECORD, Unread { path: Path::new("/drop/a.csv"), looks: None }, at).await.unwrap();
    let source = books.entries(Table::CALL_RECORD).await.unwrap().remove(0).account.source;
    let loss = Loss { topic: Topic::CallRecord, source: source.clone(), partition: 0, from: 0, until: 1 };
    let [by, why] = ["An", "lost at the sender"].map(str::to_owned);
    let note = Note { by, why, public_key: String::new(), signature: String::new() };
    act::accept(&lake, &loss, note, &[7; 32], Clock::Fixed(at)).await.unwrap();
    let order = Order::new(&definitions, week(), "regulator").unwrap();
    let made = publish(&lake, &order, place.path(), None, (Trail::default(), Clock::System)).await.unwrap();
    let coverage = std::fs::read_to_string(made.folder.join("coverage.csv")).unwrap();
    assert!(coverage.ends_with(&format!("call_record,{source},0,accepted,0,1,0,0,0,0,0\n")), "{coverage}");
}
