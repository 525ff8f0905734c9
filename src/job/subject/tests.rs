//! What a subscriber gets of small tables, and what is somebody else's.

use serde_json::Value;

use super::row::HIDDEN;
use super::*;
use crate::decode::citizen_report::place;
use crate::job::desk::{Desk, Look};
use crate::job::tests::{inserted, open_desk};
use crate::schema::sheet::Sheet;
use crate::store::audit::Wanted;

const AT: i64 = 1_736_128_800_000_000;
const OWN: i64 = 84_962_000_001;
const OTHER: i64 = 84_912_345_678;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

async fn lake(folder: &Path, seal: &Seal) -> Lake {
    let lake = Lake::local(folder).unwrap();
    let day = day("2025-01-06");
    let mut calls = Sheet::new(Table::CALL_RECORD.contract());
    for (record_type, caller, callee) in
        [("originating", OWN, OTHER), ("terminating", OWN, OTHER), ("forwarded", OWN, OTHER), ("originating", OWN, OWN)]
    {
        let row = calls.row().day(day).text(record_type).text("r").text_or_null(None).int32_or_null(None);
        let row = row.int64(caller).text("e164").text(&caller.to_string()).int64(callee).text("e164");
        let row = row.text(&callee.to_string()).instant(AT).int32_or_null(None).int32(30).boolean(true);
        let row = row.int32_or_null(None).text_or_null(None).int64(77).int64(88).int64(99);
        row.int32(0).int64(1).instant(AT).text_or_null(None).end();
    }
    lake.open(Table::CALL_RECORD).await.unwrap().append(&[calls.finish()], &[]).await.unwrap();
    let mut reports = Sheet::new(Table::CITIZEN_REPORT.contract());
    for (reporter, source, said) in [(OTHER, OWN, "their"), (OWN, OTHER, "own")] {
        let content = seal.close_text(&place("content", "r"), &format!("{said} words")).into_owned();
        let row = reports.row().day(day).text("r").text("app").int64(reporter).text("spam_call").text("e164");
        let row = row.int64(source).text(&source.to_string()).text(&content).boolean(false).instant(AT);
        let row = row.int32(0).int64(1).instant(AT).text_or_null(None).text_or_null(None).int32(1);
        let row = row.instant_or_null(None).text_or_null(Some(&format!("{said}.jpg")));
        let row = row.text_or_null(None).text_or_null(None).text_or_null(Some(&format!("{said} province")));
        row.text_or_null(Some(&format!("{source}|84962000009"))).end();
    }
    lake.open(Table::CITIZEN_REPORT).await.unwrap().append(&[reports.finish()], &[]).await.unwrap();
    let since = format!("({OWN}, '2024-01-01T00:00:00Z')");
    put(&lake, Table::SUBSCRIBER, "number, activated_at", &[&since]).await;
    lake
}

async fn put(lake: &Lake, table: Table, columns: &str, rows: &[&str]) {
    let rows = inserted(table, columns, &rows.join(", ")).await;
    lake.open(table).await.unwrap().append(&rows, &[]).await.unwrap();
}

/// A number that was somebody else's until Wednesday at eleven in Vietnam, and nobody's for the hour behind it.
async fn handed_over(folder: &Path) -> Lake {
    let lake = Lake::local(folder).unwrap();
    let (last, next) = ("2024-01-01T00:00:00Z", "2025-01-08T05:00:00Z");
    let columns = "number, activated_at, deactivated_at, changed_at, identity_hash, source_offset";
    let ends = format!("({OWN}, '{last}', '2025-01-08T04:00:00Z', '2025-01-08T04:00:00Z', 'last', 1)");
    let begins = format!("({OWN}, '{next}', NULL, '{next}', 'next', 2)");
    put(&lake, Table::SUBSCRIBER, columns, &[&ends, &begins]).await;
    let call =
        |at: &str, cell: i64| format!("('2025-01-08', 'c{cell}', {OWN}, {OTHER}, {cell}, '2025-01-08T0{at}:00Z')");
    let calls = [call("3:00", 1), call("4:30", 2), call("6:00", 3)];
    let columns = "day, record_id, caller, callee, caller_cell, start_at";
    put(&lake, Table::CALL_EVENT, columns, &calls.each_ref().map(String::as_str)).await;
    let days = ["07", "08", "09"].map(|day| format!("('2025-01-{day}', {OWN})"));
    put(&lake, Table::CALLER_DAY, "day, caller", &days.each_ref().map(String::as_str)).await;
    let week = format!("('2025-01-09', {OWN})");
    put(&lake, Table::CALLER_WEEK, "day, caller", &[&week]).await;
    let bars = [("C-1", last), ("C-2", next)].map(|(case, at)| format!("('2025-01-09', '{case}', {OWN}, '{at}')"));
    put(&lake, Table::DECISION, "day, case_id, number, activated_at", &bars.each_ref().map(String::as_str)).await;
    // The bar of the last holder ends in the time of the next.
    let ended = format!("('2025-01-09', 'C-1', {OWN}, 'unblock', 'subscription_ended')");
    put(&lake, Table::BLOCKLIST_DAY, "day, case_id, number, action, reason", &[&ended]).await;
    let said = ["7", "9"].map(|day| {
        format!("('2025-01-0{day}', 'r{day}', {OWN}, {OTHER}, 'words of the {day}', '2025-01-0{day}T04:00:00Z')")
    });
    let columns = "day, report_id, reporter, source, content, reported_at";
    put(&lake, Table::CITIZEN_REPORT, columns, &said.each_ref().map(String::as_str)).await;
    lake
}

async fn desk(folder: &Path) -> Desk {
    open_desk(folder, false, AT, &["an"]).await
}

fn rows(handed: &Handed, table: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(handed.folder.join(format!("{table}.jsonl"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_subscriber_gets_the_own_half_of_every_row_and_the_trail_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Seal::default();
    let (lake, desk) = (lake(&folder.path().join("lake"), &keys).await, desk(folder.path()).await);

    let number = Number::from_e164(OWN).unwrap();
    // Of another number, by a run that was killed.
    let left = folder.path().join(format!("subject/.{OTHER}.1"));
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("call_record.jsonl"), "{}").unwrap();
    let handed =
        export(&lake, (number, None), folder.path(), &keys, Giver { desk: &desk, by: "an", at: AT }).await.unwrap();
    assert!(!left.exists());
    assert_eq!(
        handed.rows,
        BTreeMap::from([("call_record", 4), ("citizen_report", 2), ("subscriber", 1)]),
        "a call to oneself is one row"
    );
    let calls = rows(&handed, "call_record");
    let made = |kind: &str| {
        let is_made = |call: &&Value| call["record_type"] == kind && call["callee"] != OWN;
        calls.iter().find(is_made).unwrap().clone()
    };
    let (own, theirs, onward) = (made("originating"), made("terminating"), made("forwarded"));
    assert_eq!(
        (&own["caller"], &own["callee"], &own["callee_raw"]),
        (&OWN.into(), &"84912•••678".into(), &HIDDEN.into())
    );
    assert_eq!((&own["cell"], &own["imei"]), (&77.into(), &88.into()), "the caller's own place and handset");
    assert_eq!((&onward["cell"], &onward["imsi"]), (&77.into(), &99.into()), "those of who forwards a call");
    assert_eq!((&theirs["cell"], &theirs["imsi"]), (&HIDDEN.into(), &HIDDEN.into()), "those of the called party");
    let reports = rows(&handed, "citizen_report");
    for (column, own) in [("content", "own words"), ("evidence", "own.jpg"), ("province", "own province")] {
        let said: Vec<&Value> = reports.iter().map(|report| &report[column]).collect();
        assert!(said.contains(&&own.into()) && said.contains(&&HIDDEN.into()) && said.len() == 2, "{column} {said:?}");
    }
    for file in crate::export::folder::files(&handed.folder).unwrap().into_keys() {
        let text = std::fs::read_to_string(handed.folder.join(&file)).unwrap();
        let others = ["84912345678", "their words", "their.jpg", "their province"];
        assert!(!others.iter().any(|other| text.contains(other)), "{file} tells of somebody else");
    }
    let trail = desk.trail(Look { by: None, at: AT }, &Wanted { limit: 1, ..Wanted::default() }).await.unwrap();
    assert_eq!((trail[0].id, &trail[0].facts["act"]), (handed.audit, &"subject_export".into()));
    assert!(
        !export(&lake, (number, None), folder.path(), &keys, Giver { desk: &desk, by: "an", at: AT })
            .await
            .unwrap()
            .is_changed
    );
    let nobody = export(&lake, (number, None), folder.path(), &keys, Giver { desk: &desk, by: "em", at: AT }).await;
    assert!(nobody.is_err(), "nobody gets it without a name");
}

#[tokio::test]
async fn own_words_are_opened_by_the_sites_key_and_nobody_is_handed_a_cipher() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Seal::new(&["07".repeat(32)]).unwrap();
    let (lake, desk) = (lake(&folder.path().join("lake"), &keys).await, desk(folder.path()).await);
    let number = Number::from_e164(OWN).unwrap();
    for (keys, own) in [(&keys, "own words"), (&Seal::default(), HIDDEN)] {
        let handed =
            export(&lake, (number, None), folder.path(), keys, Giver { desk: &desk, by: "an", at: AT }).await.unwrap();
        let mut said: Vec<Value> = rows(&handed, "citizen_report").iter().map(|row| row["content"].clone()).collect();
        said.sort_by_key(|said| said == HIDDEN);
        assert_eq!(said, [own, HIDDEN]);
    }
}

#[tokio::test]
async fn who_holds_a_number_gets_nothing_of_who_held_it_before() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (handed_over(&folder.path().join("lake")).await, desk(folder.path()).await);
    let now = day("2025-01-12").starts_at();
    let asked = async |number: i64, held_on: Option<&str>| {
        let whose = (Number::from_e164(number).unwrap(), held_on.map(day));
        export(&lake, whose, folder.path(), &Seal::default(), Giver { desk: &desk, by: "an", at: now }).await
    };
    let next = asked(OWN, None).await.unwrap();
    let expected = [("call_event", 1), ("caller_day", 1), ("citizen_report", 1), ("decision", 1), ("subscriber", 1)];
    assert_eq!(next.rows, BTreeMap::from(expected));
    assert_eq!(
        (&rows(&next, "call_event")[0]["caller_cell"], &rows(&next, "decision")[0]["case_id"]),
        (&3.into(), &"C-2".into())
    );
    assert_eq!(rows(&next, "caller_day")[0]["day"], "2025-01-09", "the day of the handover sums up two");
    assert_eq!(rows(&next, "citizen_report")[0]["content"], "words of the 9");
    assert_eq!(rows(&next, "subscriber")[0]["identity_hash"], "next");

    let last = asked(OWN, Some("2025-01-07")).await.unwrap();
    assert!(last.folder.ends_with(format!("{OWN}_2025-01-07")) && last.folder != next.folder);
    let mut told = next.rows.clone();
    told.insert("blocklist_day", 1);
    assert_eq!(last.rows, told, "what ended the own bar is the own");
    assert_eq!(
        (&rows(&last, "call_event")[0]["caller_cell"], &rows(&last, "caller_day")[0]["day"]),
        (&1.into(), &"2025-01-07".into())
    );
    assert_eq!(rows(&last, "citizen_report")[0]["content"], "words of the 7");

    for (held_on, why) in [("2025-01-08", "two have held"), ("2023-01-01", "nobody holds")] {
        let error = format!("{:#}", asked(OWN, Some(held_on)).await.unwrap_err());
        assert!(error.contains(why) && error.contains("--held-on") && !error.contains("84962000001"), "{error}");
    }
    let unknown = asked(OTHER, None).await.unwrap();
    assert!(unknown.rows.is_empty() && unknown.activated_at.is_none(), "whose the calls were is not known");
    assert!(unknown.text().contains("no subscription of the number is known"));
    // Who asks is told why, and not whether anything names the number.
    let kept = format!("call_event {} days", Table::CALL_EVENT.contract().keep_days);
    assert!(unknown.text().contains("NOTHING IS TOLD") && unknown.text().contains(&kept), "{}", unknown.text());
    let index: Value =
        serde_json::from_str(&std::fs::read_to_string(unknown.folder.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["untold"], serde_json::to_value(&unknown).unwrap()["untold"]);
    assert_eq!(index["untold"]["why"], NOT_OURS);
    assert!(next.untold.is_none() && !next.text().contains("NOTHING"));
}

#[tokio::test]
async fn an_answer_of_the_day_of_the_handover_is_of_whoever_has_reported() {
    let folder = tempfile::tempdir().unwrap();
    let (lake, desk) = (handed_over(&folder.path().join("lake")).await, desk(folder.path()).await);
    let reports = [("last", 3), ("nobody", 4), ("next", 6)];
    let said = reports.map(|(id, hour)| format!("('2025-01-08', '{id}', 'app', {OWN}, '2025-01-08T0{hour}:30:00Z')"));
    let columns = "day, report_id, channel, reporter, reported_at";
    put(&lake, Table::CITIZEN_REPORT, columns, &said.each_ref().map(String::as_str)).await;
    let answers = reports.map(|(id, _)| format!("('2025-01-08', 'app/{id}/received', '{id}', 'app', {OWN})"));
    let columns = "day, answer_id, report_id, channel, recipient";
    put(&lake, Table::REPORT_ANSWER, columns, &answers.each_ref().map(String::as_str)).await;
    for (held_on, own) in [(None, "next"), (Some("2025-01-07"), "last")] {
        let whose = (Number::from_e164(OWN).unwrap(), held_on.map(day));
        let giver = Giver { desk: &desk, by: "an", at: day("2025-01-12").starts_at() };
        let handed = export(&lake, whose, folder.path(), &Seal::default(), giver).await.unwrap();
        let answered: Vec<Value> = rows(&handed, "report_answer").iter().map(|row| row["report_id"].clone()).collect();
        assert_eq!(answered, [own]);
    }
}

#[tokio::test]
async fn whoever_is_accused_is_not_told_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let keys = Seal::default();
    let (lake, desk) = (lake(&folder.path().join("lake"), &keys).await, desk(folder.path()).await);
    let check = |reporter: i64, source: i64| {
        format!("('2025-01-06', 'r', {reporter}, {source}, 'matched', '2025-01-06T01:59:00Z', 17)")
    };
    let columns = "day, report_id, reporter, source, state, first_call_at, calls";
    put(&lake, Table::REPORT_CHECK, columns, &[&check(OTHER, OWN), &check(OWN, OTHER)]).await;
    let ask = |id: &str, subject: i64, respondent: i64| {
        format!("('2025-01-06', '{id}', {subject}, '2024-01-01T00:00:00Z', {respondent}, '2025-01-06T01:59:00Z')")
    };
    let columns = "day, request_id, subject, activated_at, respondent, called_at";
    put(&lake, Table::SURVEY_REQUEST, columns, &[&ask("Q-1", OWN, OTHER), &ask("Q-2", OTHER, OWN)]).await;
    let named = format!("('2025-01-06', 'example.vn', {OWN}, 'app/r1|web/r2')");
    put(&lake, Table::REPORT_ENTITY, "week, value, source, report_ids", &[&named]).await;

    let number = Number::from_e164(OWN).unwrap();
    let handed =
        export(&lake, (number, None), folder.path(), &keys, Giver { desk: &desk, by: "an", at: AT }).await.unwrap();
    for (table, accused, by) in [
        ("citizen_report", "source", "reporter"),
        ("report_check", "source", "reporter"),
        ("survey_request", "subject", "respondent"),
    ] {
        let (of, own): (Vec<Value>, Vec<Value>) = rows(&handed, table).into_iter().partition(|row| row[accused] == OWN);
        assert_eq!((of.len(), own.len()), (1, 1), "{table}");
        let left_out = [by, "report_id", "called_at", "first_call_at", "calls", "weight", "record_matched"];
        assert!(left_out.iter().all(|column| of[0].get(column).is_none()), "{table}: {}", of[0]);
        let text = of[0].to_string();
        assert!(!text.contains("84912") && !text.contains("T01:59") && !text.contains("T02:00"), "{table}: {text}");
        assert_eq!(own[0][by], OWN, "what the subscriber said of others is told with all that it holds");
        assert!(own[0].to_string().contains("T0"), "{table}: {}", own[0]);
    }
    let named = rows(&handed, "report_entity");
    assert_eq!((named.len(), named[0].get("report_ids")), (1, None), "which reports it were tells whose");
    let report = rows(&handed, "citizen_report").into_iter().find(|row| row["source"] == OWN).unwrap();
    assert_eq!((&report["reported_at"], &report["channel"]), (&"2025-01-06".into(), &"app".into()));
    assert_eq!(report["sources"], HIDDEN, "whom they have reported as well");
    let report = rows(&handed, "citizen_report").into_iter().find(|row| row["reporter"] == OWN).unwrap();
    assert_eq!(report["sources"], "84912•••678|84962•••009", "all whom one has reported, masked");
}
