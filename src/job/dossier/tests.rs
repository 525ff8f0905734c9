//! Dossiers out of small lakes: what is told, what is masked, and who has to agree.

use serde_json::Value;

use super::*;
use crate::decode::citizen_report::place;
use crate::export::sign::SecretKey;
use crate::export::verify::verify;
use crate::job::desk::{Hand, Look};
use crate::job::tests::{inserted, open_desk};
use crate::store::Refused;
use crate::store::audit::Wanted;

/// Monday 2025-01-06, 09:00 in Vietnam.
const AT: i64 = 1_736_128_800_000_000;
const NUMBER: i64 = 84_962_000_001;
const LEGAL: &str = "Art. 1";
const AN: Hand<'_> = Hand { by: "an", at: AT, is_dry_run: false, in_clear: false };

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn order() -> Order {
    let number = Number::from_e164(NUMBER).unwrap();
    let (from, until) = (day("2025-01-06"), day("2025-01-10"));
    Order { number, from, until, case_ref: "123/CV".to_owned(), lang: Lang::Vi }
}

async fn put(lake: &Lake, table: Table, on: Option<&str>, columns: &str, rows: &[&str]) {
    let rows = inserted(table, columns, &rows.join(", ")).await;
    let mut handle = lake.open(table).await.unwrap();
    match on {
        Some(on) => handle.replace(day(on), &rows).await.unwrap(),
        None => handle.replace_all(&rows).await.unwrap(),
    };
}

/// A number that was somebody else's until Wednesday noon.
async fn lake(folder: &Path) -> Lake {
    let lake = Lake::local(folder).unwrap();
    let columns = "number, activated_at, deactivated_at, changed_at, source_offset";
    put(
        &lake,
        Table::SUBSCRIBER,
        None,
        columns,
        &[
            &format!("({NUMBER}, '2024-01-01T00:00:00Z', '2025-01-08T04:00:00Z', '2025-01-08T04:00:00Z', 1)"),
            &format!("({NUMBER}, '2024-01-01T00:00:00Z', NULL, '2024-01-01T00:00:00Z', 0)"),
            &format!("({NUMBER}, '2025-01-08T05:00:00Z', NULL, '2025-01-08T05:00:00Z', 2)"),
        ],
    )
    .await;
    let columns = "day, record_id, caller, callee, callee_raw, start_at, is_spoof_suspect, is_forwarded_leg";
    for (on, hour, id) in [("2025-01-06", 3, "a"), ("2025-01-08", 6, "b"), ("2025-01-09", 3, "c")] {
        put(
            &lake,
            Table::CALL_EVENT,
            Some(on),
            columns,
            &[
                &format!("('{on}', '{id}', {NUMBER}, 84912345678, '84912345678', '{on}T0{hour}:00:00Z', false, false)"),
                &format!("('{on}', '{id}2', {NUMBER}, 84912345679, '84912345679', '{on}T0{hour}:01:00Z', true, false)"),
                &format!("('{on}', '{id}3', {NUMBER}, 84912345680, '84912345680', '{on}T0{hour}:02:00Z', false, true)"),
                &format!(
                    "('{on}', '{id}4', 84962000002, {NUMBER}, '84962000001', '{on}T0{hour}:03:00Z', false, false)"
                ),
            ],
        )
        .await;
    }
    let columns = "day, number, activated_at, verdict, previous, cause, lock_reason";
    put(
        &lake,
        Table::DECISION,
        Some("2025-01-09"),
        columns,
        &[
            &format!("('2025-01-09', {NUMBER}, '2025-01-08T05:00:00Z', 'watched', 'clear', 'evidence', 'debt')"),
            &format!(
                "('2025-01-09', {NUMBER}, '2024-01-01T00:00:00Z', 'released', 'blocked', 'subscription_ended', NULL)"
            ),
        ],
    )
    .await;
    let columns = "report_id, day, reporter, source, content, reported_at, source_offset";
    put(
        &lake,
        Table::CITIZEN_REPORT,
        Some("2025-01-09"),
        columns,
        &[
            &format!("('r1', '2025-01-09', 84912345678, {NUMBER}, 'vay tiền', '2025-01-09T04:00:00Z', 0)"),
            &format!("('r1', '2025-01-09', 84912345678, {NUMBER}, 'vay tiền', '2025-01-09T04:00:00Z', 1)"),
        ],
    )
    .await;
    put(&lake, Table::REPORT_DAY, Some("2025-01-08"), "day, source", &[&format!("('2025-01-08', {NUMBER})")]).await;
    put(&lake, Table::REPORT_DAY, Some("2025-01-09"), "day, source", &[&format!("('2025-01-09', {NUMBER})")]).await;
    lake
}

fn rules() -> Definitions {
    Definitions::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines"))).unwrap()
}

struct Site {
    folder: tempfile::TempDir,
    lake: Lake,
    rules: Definitions,
    key: SecretKey,
    desk: Desk,
}

impl Site {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lake = lake(&folder.path().join("lake")).await;
        let desk = open_desk(folder.path(), false, AT, &["an", "binh"]).await;
        Self { folder, lake, rules: rules(), key: SecretKey::new().unwrap(), desk }
    }

    /// Leave of two people to show numbers in clear.
    async fn cleared(&self) -> Cleared {
        let Self { desk, .. } = self;
        order().clear(desk, "an", AT, LEGAL).await.unwrap_err();
        desk.approve(Hand { by: "binh", ..AN }, 3).await.unwrap();
        order().clear(desk, "an", AT, LEGAL).await.unwrap()
    }

    async fn file(&self, order: &Order, out: &str, cleared: Option<&Cleared>) -> (Filed, Value) {
        let out = self.folder.path().join(out);
        let to = (out.as_path(), Some(&self.key));
        let giver = Giver { desk: &self.desk, by: "an", at: AT };
        let filed = publish(&self.lake, &self.rules, order, to, cleared, giver).await.unwrap();
        let verdict = verify(&filed.folder, &self.key.public(), None).unwrap();
        assert!(verdict.is_sound, "{}", verdict.text());
        let facts = std::fs::read_to_string(filed.folder.join("dossier.json")).unwrap();
        (filed, serde_json::from_str(&facts).unwrap())
    }
}

fn column<'a>(facts: &'a Value, section: &str, name: &str) -> Vec<&'a Value> {
    facts["sections"][section].as_array().unwrap().iter().map(|row| &row[name]).collect()
}

#[tokio::test]
async fn a_number_that_changed_hands_is_told_of_its_last_holder_alone() {
    let site = Site::new().await;
    let (filed, facts) = site.file(&order(), "out", None).await;
    assert_eq!(facts["subscription"]["activated_at"], "2025-01-08T05:00:00Z");
    assert_eq!((&facts["other_subscriptions"], &facts["first_day"]), (&1.into(), &"2025-01-09".into()));
    let expected = ["2025-01-08T06:00:00Z", "2025-01-08T06:01:00Z", "2025-01-09T03:00:00Z", "2025-01-09T03:01:00Z"];
    assert_eq!(column(&facts, "calls", "start_at"), expected, "neither forwarded legs nor calls of the earlier holder");
    assert_eq!(column(&facts, "calls", "is_spoof_suspect"), [false, true, false, true]);
    assert_eq!(column(&facts, "decisions", "verdict"), ["watched"]);
    assert_eq!(column(&facts, "decisions", "lock_reason"), ["debt"]);
    assert_eq!(column(&facts, "reported", "day"), ["2025-01-09"], "the day of the handover is nobody's own");
    let page = std::fs::read_to_string(filed.folder.join("dossier.html")).unwrap();
    assert!(page.contains("Số đã đổi chủ") && page.contains("theo dõi (watched)"));
}

#[tokio::test]
async fn other_parties_are_masked_and_a_report_sent_twice_is_one() {
    let site = Site::new().await;
    let (filed, facts) = site.file(&order(), "out", None).await;
    assert_eq!(column(&facts, "calls", "called")[0], "84912•••678");
    assert_eq!(column(&facts, "reports", "reporter"), ["84912•••678"]);
    assert_eq!(column(&facts, "reports", "content"), [&Value::Null]);
    for file in ["dossier.json", "dossier.html", "manifest.json", "SHA256SUMS.minisig"] {
        let text = std::fs::read_to_string(filed.folder.join(file)).unwrap();
        assert!(!text.contains("84912345"), "{file} names another party");
    }
}

#[tokio::test]
async fn what_it_was_found_at_is_told_in_the_language_of_the_page_and_alike_to_programs() {
    let site = Site::new().await;
    let words = "380 of 400 calls rang once; 4 answered, 31 of 399 parties called back";
    let row = format!("('2025-01-09', 'one_ring', {NUMBER}, 380.0, 100.0, '{words}')");
    let columns = "day, type, number, measure, threshold, reason";
    put(&site.lake, Table::DETECTION_DAY, Some("2025-01-09"), columns, &[&row]).await;
    for (lang, expected) in [(Lang::Vi, "380 trên 400 cuộc gọi chỉ đổ chuông một lần"), (Lang::En, words)]
    {
        let (filed, facts) = site.file(&Order { lang, ..order() }, &lang.to_string(), None).await;
        assert_eq!(column(&facts, "detections", "type"), ["one_ring"]);
        assert_eq!(column(&facts, "detections", "reason"), [words]);
        let page = std::fs::read_to_string(filed.folder.join("dossier.html")).unwrap();
        assert!(page.contains(expected), "{page}");
        assert_eq!(page.contains("nháy máy (one_ring)"), lang == Lang::Vi);
    }
}

#[tokio::test]
async fn an_answer_is_told_of_whoever_was_asked_and_as_verdicts_count_it() {
    let site = Site::new().await;
    let columns = "day, request_id, subject, activated_at, respondent, called_at";
    for (on, hour, asked) in [("08", 6, 1), ("09", 3, 2), ("10", 3, 3)] {
        let called_at = format!("'2025-01-{on}T0{hour}:00:00Z'");
        let row =
            format!("('2025-01-{on}', 'Q-{asked}', {NUMBER}, '2025-01-08T05:00:00Z', 8491234567{asked}, {called_at})");
        put(&site.lake, Table::SURVEY_REQUEST, Some(&format!("2025-01-{on}")), columns, &[&row]).await;
    }
    let columns = "day, request_id, respondent, answer, answered_at";
    let said = |on: &str, hour: &str, request: i64, by: i64, answer: &str| {
        format!("('2025-01-{on}', 'Q-{request}', 8491234567{by}, '{answer}', '2025-01-{on}T{hour}:00:00Z')")
    };
    for (on, rows) in [
        // Somebody else, then who was asked, and once more.
        ("09", vec![said("09", "04", 2, 9, "no"), said("09", "05", 2, 2, "yes"), said("09", "06", 2, 2, "no")]),
        // Ahead of the call.
        ("10", vec![said("10", "02", 3, 3, "no")]),
        ("11", vec![said("11", "03", 3, 3, "yes")]),
        // Ten days and an hour behind it.
        ("18", vec![said("18", "07", 1, 1, "yes")]),
    ] {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        put(&site.lake, Table::SURVEY_ANSWER, Some(&format!("2025-01-{on}")), columns, &rows).await;
    }
    let (_, facts) = site.file(&order(), "out", None).await;
    assert_eq!(column(&facts, "surveys", "answer"), [&Value::Null, &"yes".into(), &"yes".into()]);
    let at = column(&facts, "surveys", "answered_at");
    assert_eq!(at, [&Value::Null, &"2025-01-09T05:00:00Z".into(), &"2025-01-11T03:00:00Z".into()]);
}

#[tokio::test]
async fn the_same_versions_give_the_same_bytes() {
    let site = Site::new().await;
    let (one, _) = site.file(&order(), "one", None).await;
    let (two, _) = site.file(&order(), "two", None).await;
    let (again, _) = site.file(&order(), "one", None).await;
    assert_eq!((one.manifest_sha256.as_str(), again.is_changed), (two.manifest_sha256.as_str(), false));
    for name in crate::export::folder::files(&one.folder).unwrap().into_keys() {
        let read = |folder: &Path| std::fs::read(folder.join(&name)).unwrap();
        assert!(read(&one.folder) == read(&two.folder), "{name} differs");
    }
}

#[tokio::test]
async fn what_a_killed_run_has_left_goes_with_the_next_of_any_request() {
    let site = Site::new().await;
    let left = site.folder.path().join("out/dossier/another-CV/.84962000009_2025-01-06_2025-01-19_revealed.1");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("dossier.json"), "{}").unwrap();
    site.file(&order(), "out", None).await;
    assert!(!left.exists());
}

#[tokio::test]
async fn a_number_that_nobody_has_seen_has_a_dossier_that_says_so() {
    let site = Site::new().await;
    let unseen = Order { number: Number::from_e164(84_962_000_009).unwrap(), ..order() };
    let (filed, facts) = site.file(&unseen, "out", None).await;
    assert!(!filed.is_known && facts["is_known"] == false);
    let page = std::fs::read_to_string(filed.folder.join("dossier.html")).unwrap();
    assert!(page.contains("Không có dữ liệu nào về số này"));

    let empty = tempfile::tempdir().unwrap();
    let lake = Lake::local(empty.path()).unwrap();
    let to = (site.folder.path(), None);
    let giver = Giver { desk: &site.desk, by: "an", at: AT };
    assert!(!publish(&lake, &site.rules, &order(), to, None, giver).await.unwrap().is_known);
}

#[tokio::test]
async fn sealed_words_open_with_the_sites_key_and_an_id_belongs_to_its_channel() {
    let site = Site::new().await;
    let seal = Seal::new(&["07".repeat(32)]).unwrap();
    let sealed = seal.close_text(&place("content", "r1"), "vay tiền");
    let report = |channel: &str, minute: i64| {
        format!("('{channel}', 'r1', '2025-01-09', {NUMBER}, '{sealed}', '2025-01-09T04:0{minute}:00Z', {minute})")
    };
    let columns = "channel, report_id, day, source, content, reported_at, source_offset";
    let rows = [report("web", 0), report("app", 1), report("web", 2)];
    put(&site.lake, Table::CITIZEN_REPORT, Some("2025-01-09"), columns, &rows.each_ref().map(String::as_str)).await;
    let leave = Leave { id: 1, by: "an".to_owned(), approved_by: "binh".to_owned() };
    let closed = Cleared { leave, legal_ref: LEGAL.to_owned(), seal: Seal::default() };
    let (_, facts) = site.file(&order(), "closed", Some(&closed)).await;
    assert_eq!(column(&facts, "reports", "content"), [&Value::Null, &Value::Null], "nobody is handed a cipher");
    let (_, facts) = site.file(&order(), "open", Some(&closed.with_keys(seal))).await;
    assert_eq!(column(&facts, "reports", "content"), ["vay tiền", "vay tiền"]);
}

#[tokio::test]
async fn a_report_that_names_the_number_behind_others_is_told_of_once() {
    let site = Site::new().await;
    let columns = "report_id, day, reporter, source, sources, reported_at";
    let rows = [
        format!("('r1', '2025-01-09', 84912345678, {NUMBER}, NULL, '2025-01-09T04:00:00Z')"),
        format!("('r2', '2025-01-09', 84912345679, 84962000009, '84962000009|{NUMBER}', '2025-01-09T04:01:00Z')"),
        format!("('r2', '2025-01-09', 84912345679, 84962000009, '84962000009|{NUMBER}', '2025-01-09T04:02:00Z')"),
        "('r3', '2025-01-09', 84912345680, 84962000009, NULL, '2025-01-09T04:03:00Z')".to_owned(),
    ];
    put(&site.lake, Table::CITIZEN_REPORT, Some("2025-01-09"), columns, &rows.each_ref().map(String::as_str)).await;
    let (matched, unfounded) = ("matched", "no_such_call");
    let checks = [
        ("r1", NUMBER, 0, unfounded),
        ("r2", 84_962_000_009, 0, unfounded),
        ("r2", NUMBER, 1, matched),
        ("r3", 84_962_000_009, 0, matched),
    ];
    let checks =
        checks.map(|(id, source, place, state)| format!("('{id}', '2025-01-09', {source}, {place}, '{state}')"));
    let columns = "report_id, day, source, place, state";
    put(&site.lake, Table::REPORT_CHECK, Some("2025-01-09"), columns, &checks.each_ref().map(String::as_str)).await;
    let (filed, facts) = site.file(&order(), "out", None).await;
    assert_eq!(column(&facts, "reports", "reporter"), ["84912•••678", "84912•••679"]);
    assert_eq!(column(&facts, "reports", "state"), [unfounded, matched], "of this number, whatever of the others");
    let page = std::fs::read_to_string(filed.folder.join("dossier.html")).unwrap();
    assert!(
        page.contains("<td>khớp</td>") && page.contains("<td>không có cuộc gọi hoặc tin nhắn như vậy</td>"),
        "{page}"
    );
}

#[tokio::test]
async fn what_stands_for_an_erased_reporter_is_nobodys_number() {
    let site = Site::new().await;
    let row = format!("('r1', '2025-01-09', {}, {NUMBER}, '2025-01-09T04:00:00Z')", Number::erased(17));
    let columns = "report_id, day, reporter, source, reported_at";
    put(&site.lake, Table::CITIZEN_REPORT, Some("2025-01-09"), columns, &[&row]).await;
    let leave = Leave { id: 1, by: "an".to_owned(), approved_by: "binh".to_owned() };
    let cleared = Cleared { leave, legal_ref: LEGAL.to_owned(), seal: Seal::default() };
    for cleared in [None, Some(&cleared)] {
        let (_, facts) = site.file(&order(), "out", cleared).await;
        assert_eq!(column(&facts, "reports", "reporter"), [&Value::Null], "the report is told of, by nobody");
    }
}

#[tokio::test]
async fn numbers_are_in_clear_by_leave_of_two_people_alone_and_the_trail_says_so() {
    let site = Site::new().await;
    let desk = &site.desk;

    // Asked for once, however often.
    for _ in 0..2 {
        let error = order().clear(desk, "an", AT, LEGAL).await.unwrap_err();
        assert!(error.is::<Refused>() && error.to_string().contains("callsieve approve 3"), "{error}");
    }
    assert!(desk.approve(AN, 3).await.unwrap_err().is::<Refused>(), "a second person has to approve");
    desk.approve(Hand { by: "binh", ..AN }, 3).await.unwrap();
    let cleared = order().clear(desk, "an", AT, LEGAL).await.unwrap();
    let longer = Order { until: day("2025-01-11"), ..order() };
    assert!(longer.clear(desk, "an", AT, LEGAL).await.unwrap_err().is::<Refused>(), "leave is for these days alone");

    let (filed, facts) = site.file(&order(), "out", Some(&cleared)).await;
    assert!(filed.is_revealed && filed.folder.ends_with("84962000001_2025-01-06_2025-01-10_revealed"));
    assert_eq!(column(&facts, "calls", "called")[0], "84912345678");
    assert_eq!(column(&facts, "reports", "content"), ["vay tiền"]);
    assert_eq!((&facts["disclosure"]["asked_by"], &facts["disclosure"]["approved_by"]), (&"an".into(), &"binh".into()));

    let to = (site.folder.path(), None);
    let giver = Giver { desk, by: "binh", at: AT };
    publish(&site.lake, &site.rules, &order(), to, Some(&cleared), giver).await.unwrap();
    let nobody = Look { by: None, at: AT };
    let trail = desk.trail(nobody, &Wanted { limit: 1, ..Wanted::default() }).await.unwrap();
    assert_eq!((&trail[0].facts["act"], &trail[0].facts["actor"]), (&"dossier".into(), &"binh".into()));
    assert_eq!(trail[0].facts["detail"]["is_revealed"], true);
    let (no, stranger) = (site.folder.path().join("no"), Giver { by: "em", ..giver });
    let stranger = publish(&site.lake, &site.rules, &order(), (&no, None), None, stranger).await;
    assert!(stranger.unwrap_err().is::<Refused>());
    assert!(
        std::fs::read_dir(site.folder.path().join("no/dossier/123_2FCV")).unwrap().next().is_none(),
        "nothing left"
    );
}

#[tokio::test]
async fn sealed_words_are_shown_opened_or_not_at_all() {
    let site = Site::new().await;
    let seal = |byte: &str| Seal::new(&[byte.repeat(32)]).unwrap();
    let words = seal("07").close_text("citizen_report.content/r1", "vay tiền").into_owned();
    let columns = "report_id, day, reporter, source, content, reported_at";
    let row = format!("('r1', '2025-01-09', 84912345678, {NUMBER}, '{words}', '2025-01-09T04:00:00Z')");
    put(&site.lake, Table::CITIZEN_REPORT, Some("2025-01-09"), columns, &[&row]).await;
    let cleared = site.cleared().await;

    let (_, facts) = site.file(&order(), "open", Some(&cleared.clone().with_keys(seal("07")))).await;
    assert_eq!((column(&facts, "reports", "content"), &facts["closed"]), (vec![&"vay tiền".into()], &Value::Null));
    let (filed, facts) = site.file(&order(), "closed", Some(&cleared.with_keys(seal("08")))).await;
    assert_eq!(column(&facts, "reports", "content"), [&Value::Null]);
    let missing = facts["closed"].as_str().unwrap();
    assert!(missing.contains("6ba2f6ff"), "{missing} names the key");
    let page = std::fs::read_to_string(filed.folder.join("dossier.html")).unwrap();
    assert!(page.contains(missing) && !page.contains("sealed:"));
}
