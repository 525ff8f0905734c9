//! What comes late, by the real program: it is taken in, what follows from it is built again, and nobody is barred
//! on less than is known.
//!
//! In: files that come in the wrong order. Out: failures. Never: a broker, or a clock: late is what comes behind a run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use callsieve::domain::account::Account;
use callsieve::domain::day::Day;
use callsieve::lake::Lake;
use callsieve::lake::ledger::{Books, Entry, Kind};
use callsieve::pipeline::definition::Definitions;
use callsieve::schema::contract::Table;
use callsieve::schema::sheet::Sheet;
use serde_json::{Value, json};

use crate::ingest::arrived;

const MONDAY: &str = "2025-01-06";
const TUESDAY: &str = "2025-01-07";
const WEDNESDAY: &str = "2025-01-08";
/// 10:00 in Vietnam.
const ON_MONDAY: &str = "2025-01-06T03:00:00Z";
const ON_TUESDAY: &str = "2025-01-07T03:00:00Z";

const CALLER: &str = "0962000001";
const CALLEE: &str = "0912345678";

/// A subscription that is in no test's way.
pub const SUBSCRIBER: &str = r#"{"number":"0912000099","activated_at":"2024-01-01T00:00:00Z","segment":"prepaid","changed_at":"2025-01-01T00:00:00Z"}"#;

/// A lake, and folders into which files are dropped.
struct Site(tempfile::TempDir);

impl Site {
    fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        let mut config = format!("lake = \"{}\"\n", site.lake());
        for topic in ["call_record", "citizen_report", "subscriber", "survey_answer"] {
            let folder = site.path(topic);
            std::fs::create_dir(&folder).unwrap();
            config += &format!("[[files]]\ntopic = \"{topic}\"\nfolder = \"{}\"\nsettle_secs = 0\n", folder.display());
        }
        std::fs::write(site.path("site.toml"), config).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn lake(&self) -> String {
        self.path("lake").to_str().unwrap().to_owned()
    }

    fn load(&self, topic: &str, file: &str, lines: &[String]) {
        std::fs::write(self.path(topic).join(file), lines.join("\n")).unwrap();
        let config = self.path("site.toml");
        done(&callsieve(&["ingest", "--until-caught-up", "--config", config.to_str().unwrap()]));
    }

    /// Makes the site one that knows its subscribers: of the numbers in these tests none is one.
    fn load_subscriber(&self) {
        self.load("subscriber", "subscriber.jsonl", &[SUBSCRIBER.to_owned()]);
    }

    /// Tables with the days that a run wrote, and what it logged.
    fn run(&self, day: &str, tables: &[&str]) -> (BTreeSet<(String, String)>, String) {
        let lake = self.lake();
        let arguments = [&["--json", "run", "--day", day, "--lake", lake.as_str()][..], tables].concat();
        let (ran, said) = done(&callsieve(&arguments));
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        let rows = ran.as_array().unwrap().iter();
        (rows.map(|row| (text(row, "table"), text(row, "day"))).collect(), said)
    }

    /// How many subscriptions got which verdict, and what was logged.
    fn decide(&self, day: &str) -> (Value, String) {
        done(&callsieve(&["--json", "decide", "--day", day, "--lake", &self.lake()]))
    }

    async fn rows(&self, table: Table, day: &str, columns: &[&str]) -> Vec<String> {
        let lake = Lake::local(&self.path("lake")).unwrap();
        match lake.find(table).await.unwrap() {
            Some(rows) => lines(&rows.day(day.parse().unwrap()).await.unwrap(), columns),
            None => vec![],
        }
    }

    /// The contacts of a day with `CALLEE`, and whether they were new.
    async fn met(&self, day: &str) -> Vec<String> {
        let mut met = self.rows(Table::CONTACT_DAY, day, &["callee", "caller", "is_new"]).await;
        met.retain(|contact| contact.starts_with("84912345678 "));
        met
    }

    /// What became of each report of a day.
    async fn checked(&self, day: &str) -> Vec<String> {
        self.rows(Table::REPORT_CHECK, day, &["report_id", "channel", "source", "state", "is_repeated"]).await
    }

    async fn reported(&self, day: &str) -> Vec<String> {
        self.rows(Table::REPORT_DAY, day, &["source", "reporters", "matched_reporters"]).await
    }

    async fn accuse(&self, day: &str) {
        accuse(&self.path("lake"), day).await;
    }

    /// A day that bars nobody does so once `run` was repeated.
    async fn bars_once_run_again(&self, day: &str) {
        self.run(day, &[]);
        self.accuse(day).await;
        let (verdicts, said) = self.decide(day);
        assert_eq!(verdicts, json!({ "limited": 1 }), "{said}");
    }
}

/// Puts a candidate in place of a day's own, whose evidence bears a bar.
pub async fn accuse(lake: &Path, day: &str) {
    let day: Day = day.parse().unwrap();
    let mut sheet = Sheet::new(Table::BLOCK_CANDIDATE.contract());
    let row = sheet.row().day(day).int64(84_962_000_001).instant_or_null(None).boolean(true).text("prepaid");
    let row = row.float64(0.9).int64(3).int64(4).int64(0).int64(0);
    let row = row.boolean(true).boolean(true).int64(2).boolean(false).boolean(false).boolean(true);
    let row = row.text("limited").boolean(false).text_or_null(None).int64_or_null(None);
    row.boolean(false).text_or_null(None).boolean(false).end();
    let lake = Lake::local(lake).unwrap();
    lake.open(Table::BLOCK_CANDIDATE).await.unwrap().replace(day, &[sheet.finish()]).await.unwrap();
}

pub fn callsieve(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_callsieve")).args(arguments).output().unwrap()
}

/// Its JSON, if it has any, and its log.
#[track_caller]
pub fn done(output: &Output) -> (Value, String) {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), said)
}

/// The rows as text, sorted; all columns when none is named.
pub fn lines(batches: &[RecordBatch], columns: &[&str]) -> Vec<String> {
    let options = FormatOptions::new().with_null("-");
    let mut lines = vec![];
    for batch in batches {
        let schema = batch.schema();
        let names: Vec<&str> = match columns {
            [] => schema.fields().iter().map(|field| field.name().as_str()).collect(),
            some => some.to_vec(),
        };
        let cell = |name: &&str| ArrayFormatter::try_new(batch.column_by_name(name).unwrap(), &options).unwrap();
        let cells: Vec<_> = names.iter().map(cell).collect();
        for row in 0..batch.num_rows() {
            lines.push(cells.iter().map(|cell| cell.value(row).to_string()).collect::<Vec<_>>().join(" "));
        }
    }
    lines.sort();
    lines
}

fn call(id: &str, caller: &str, callee: &str, at: &str) -> String {
    format!(
        r#"{{"record_id":"{id}","record_type":"originating","call_ref":"c-{id}","caller":"{caller}","caller_nature":"national","callee":"{callee}","callee_nature":"national","start_at":"{at}","ring_s":5,"duration_s":60,"is_answered":true}}"#
    )
}

fn report(id: &str, reporter: &str, source: &str, at: &str) -> String {
    format!(
        r#"{{"report_id":"{id}","channel":"sms_156","reporter":"{reporter}","text":"V [{source}][moi vay]","reported_at":"{at}"}}"#
    )
}

/// The same by a form, which has the source in a field of its own, and says nothing of it in its text.
fn form(id: &str, reporter: &str, source: &str, at: &str) -> String {
    format!(
        r#"{{"report_id":"{id}","channel":"vneid","reporter":"{reporter}","text":"","reported_at":"{at}","source":"{source}","kind":"scam_call","called_at":"{at}","evidence":"a.jpg"}}"#
    )
}

/// What an asked person says.
fn answer(respondent: &str, at: &str) -> String {
    format!(r#"{{"request_id":"r1","respondent":"{respondent}","answer":"no","answered_at":"{at}"}}"#)
}

/// A number that is given to somebody.
fn holder(number: &str, at: &str) -> String {
    format!(r#"{{"number":"{number}","activated_at":"{at}","segment":"prepaid","changed_at":"{at}"}}"#)
}

fn has(ran: &BTreeSet<(String, String)>, table: &str, day: &str) -> bool {
    ran.contains(&(table.to_owned(), day.to_owned()))
}

/// A Monday of others, decided; then a Tuesday on which `CALLER` calls `CALLEE` as a stranger.
fn two_days(site: &Site) -> String {
    site.load("call_record", "monday.jsonl", &[call("m1", "0962000003", "0962000004", ON_MONDAY)]);
    site.run(MONDAY, &[]);
    site.decide(MONDAY);
    site.load("call_record", "tuesday.jsonl", &[call("t1", CALLER, CALLEE, ON_TUESDAY)]);
    let (ran, said) = site.run(TUESDAY, &[]);
    assert!(has(&ran, "call_event", MONDAY), "a call across midnight may have been completed: {ran:?}");
    said
}

/// A call of Monday that comes on Wednesday: on Tuesday the two were no strangers.
fn bring_late(site: &Site) {
    site.load("call_record", "late.jsonl", &[call("m2", CALLER, CALLEE, ON_MONDAY)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_record_rebuilds_its_day_and_what_follows() {
    let site = Site::new();
    let said = two_days(&site);
    assert!(!said.contains("restated after export"), "the day after changes nothing that was told: {said}");
    assert_eq!(site.met(TUESDAY).await, ["84912345678 84962000001 true"]);

    bring_late(&site);
    let (ran, said) = site.run(WEDNESDAY, &[]);
    for table in ["call_event", "contact_day", "caller_day", "report_check", "report_day", "spam_score"] {
        assert!(has(&ran, table, MONDAY) && has(&ran, table, TUESDAY), "{table}: {ran:?}");
    }
    for table in ["block_candidate", "decision", "blocklist_day"] {
        assert!(!has(&ran, table, MONDAY) && !has(&ran, table, TUESDAY), "{table} stays as it was: {ran:?}");
    }
    assert_eq!(site.met(MONDAY).await, ["84912345678 84962000001 true"]);
    assert_eq!(site.met(TUESDAY).await, ["84912345678 84962000001 false"]);
    let exported = said.lines().find(|line| line.contains("restated after export"));
    let exported = exported.unwrap_or_else(|| panic!("a list of Monday had been made: {said}"));
    assert!(exported.contains(MONDAY) && !exported.contains(TUESDAY), "{exported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_restatement_is_finished_by_the_next_run() {
    for written in [&["call_event"][..], &["call_event", "contact_day"]] {
        let site = Site::new();
        two_days(&site);
        bring_late(&site);
        // As far as a restatement came before it was killed.
        site.run(MONDAY, written);
        assert_eq!(site.met(TUESDAY).await, ["84912345678 84962000001 true"]);
        let (_, said) = site.decide(TUESDAY);
        assert!(said.contains("older than what it is built from"), "{written:?}: {said}");

        let (ran, _) = site.run(WEDNESDAY, &[]);
        for table in ["contact_day", "caller_day", "report_day", "spam_score"] {
            assert!(has(&ran, table, TUESDAY), "{written:?} {table}: {ran:?}");
        }
        assert!(has(&ran, "caller_day", MONDAY), "{written:?}: {ran:?}");
        assert_eq!(site.met(TUESDAY).await, ["84912345678 84962000001 false"]);
        let (again, _) = site.run(WEDNESDAY, &[]);
        assert!(again.iter().all(|(_, day)| day == WEDNESDAY), "nothing is left to be done: {again:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_that_lacks_a_segment_loses_nobody_and_says_which_day() {
    let site = Site::new();
    let columns = ["caller", "calls_out", "missing_days", "gaps"];
    site.load("call_record", "monday.jsonl", &[call("m1", CALLER, CALLEE, ON_MONDAY)]);
    site.run(MONDAY, &["call_event", "contact_day", "caller_day"]);
    site.load("call_record", "tuesday.jsonl", &[call("t1", CALLER, CALLEE, ON_TUESDAY)]);
    let (_, said) = site.run(TUESDAY, &[]);
    let warning = said.lines().find(|line| line.contains("days of the window are missing"));
    assert!(warning.is_some_and(|line| line.contains("segment_day 2025-01-06")), "{said}");
    let week = site.rows(Table::CALLER_WEEK, TUESDAY, &columns).await;
    assert_eq!(week, ["84912345678 0 0 0", "84962000001 2 1 -"]);

    site.run(MONDAY, &["segment_day"]);
    let (_, said) = site.run(TUESDAY, &["caller_week"]);
    assert!(!said.contains("days of the window are missing"), "{said}");
    let week = site.rows(Table::CALLER_WEEK, TUESDAY, &columns).await;
    assert_eq!(week, ["84912345678 0 0 0", "84962000001 2 0 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_report_counts() {
    let site = Site::new();
    site.load("call_record", "calls.jsonl", &[call("m1", CALLER, CALLEE, ON_MONDAY)]);
    let other = report("p1", "0962000009", "0962000008", "2025-01-06T04:00:00Z");
    site.load("citizen_report", "monday.jsonl", &[other]);
    site.run(MONDAY, &[]);
    let again = report("p3", CALLEE, CALLER, "2025-01-07T04:00:00Z");
    site.load("citizen_report", "tuesday.jsonl", &[again]);
    site.run(TUESDAY, &[]);
    assert_eq!(site.reported(MONDAY).await, ["84962000008 1 0"]);
    assert_eq!(site.reported(TUESDAY).await, ["84962000001 1 1"]);

    // Sent at 23:58 on Monday.
    let late = report("p2", CALLEE, CALLER, "2025-01-06T16:58:00Z");
    site.load("citizen_report", "late.jsonl", &[late]);
    let (ran, _) = site.run(WEDNESDAY, &[]);
    assert!(has(&ran, "report_day", MONDAY) && has(&ran, "report_day", TUESDAY), "{ran:?}");
    assert!(!has(&ran, "call_event", MONDAY) && !has(&ran, "contact_day", MONDAY), "{ran:?}");
    assert_eq!(site.reported(MONDAY).await, ["84962000001 1 1", "84962000008 1 0"]);
    assert_eq!(site.reported(TUESDAY).await, Vec::<String>::new(), "one person counts once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_which_another_operator_would_be_told_something_else_is_named() {
    let site = Site::new();
    // Ours are the ranges that its number is in, and `CALLEE`; `CALLER` is another operator's.
    site.load_subscriber();
    site.load("call_record", "calls.jsonl", &[call("m1", CALLER, CALLEE, ON_MONDAY)]);
    site.load("citizen_report", "monday.jsonl", &[report("p1", CALLEE, CALLER, "2025-01-06T04:00:00Z")]);
    site.run(MONDAY, &[]);
    let columns = ["report_id", "state", "route_to"];
    assert_eq!(site.rows(Table::REPORT_CHECK, MONDAY, &columns).await, ["p1 matched Viettel"]);
    let named = |day: &str| {
        let (ran, said) = site.run(day, &[]);
        assert!(has(&ran, "report_check", MONDAY), "{ran:?}");
        let line = said.lines().find(|line| line.contains("routes restated"));
        line.map(|line| [MONDAY, TUESDAY].map(|day| line.contains(day)))
    };

    let ours = report("p2", CALLEE, "0912000098", "2025-01-06T16:57:00Z");
    site.load("citizen_report", "ours.jsonl", &[ours]);
    assert_eq!(named(TUESDAY), None, "it is told to nobody");

    let theirs = report("p3", CALLEE, "0962000002", "2025-01-06T16:58:00Z");
    site.load("citizen_report", "theirs.jsonl", &[theirs]);
    assert_eq!(named(WEDNESDAY), Some([true, false]));

    site.load("call_record", "late.jsonl", &[call("m2", "0962000002", CALLEE, ON_MONDAY)]);
    assert_eq!(named("2025-01-09"), Some([true, false]), "what became of it is told as well");
    let (again, said) = site.run("2025-01-10", &[]);
    assert!(!has(&again, "report_check", MONDAY) && !said.contains("routes restated"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_waits_for_the_records_that_it_is_about_and_is_asked_again() {
    let site = Site::new();
    let reports = [
        report("p1", CALLEE, CALLER, "2025-01-06T04:00:00Z"),
        form("p2", "0962000009", CALLER, "2025-01-06T05:00:00Z"),
        form("p3", CALLEE, CALLER, "2025-01-06T06:00:00Z"),
    ];
    site.load("citizen_report", "monday.jsonl", &reports);
    site.run(MONDAY, &[]);
    let waiting = [
        "p1 sms_156 84962000001 not_here_yet false",
        "p2 vneid 84962000001 not_here_yet false",
        "p3 vneid 84962000001 not_here_yet true",
    ];
    assert_eq!(site.checked(MONDAY).await, waiting);
    assert_eq!(site.reported(MONDAY).await, ["84962000001 2 0"]);

    // Records of Tuesday say nothing of Monday.
    site.load("call_record", "tuesday.jsonl", &[call("t1", "0962000003", "0962000004", ON_TUESDAY)]);
    site.load("citizen_report", "tuesday.jsonl", &[report("p4", CALLEE, CALLER, "2025-01-07T04:00:00Z")]);
    site.run(TUESDAY, &[]);
    assert_eq!(site.checked(MONDAY).await, waiting);
    assert_eq!(site.checked(TUESDAY).await, ["p4 sms_156 84962000001 not_here_yet true"]);

    bring_late(&site);
    let (ran, _) = site.run(WEDNESDAY, &[]);
    for day in [MONDAY, TUESDAY] {
        assert!(has(&ran, "report_check", day) && has(&ran, "report_day", day), "{day}: {ran:?}");
    }
    let matched = [
        "p1 sms_156 84962000001 matched false",
        "p2 vneid 84962000001 not_here_yet false",
        "p3 vneid 84962000001 matched true",
    ];
    assert_eq!(site.checked(MONDAY).await, matched);
    assert_eq!(site.checked(TUESDAY).await, ["p4 sms_156 84962000001 matched true"]);
    assert_eq!(site.reported(MONDAY).await, ["84962000001 2 1"]);
    assert_eq!(site.reported(TUESDAY).await, Vec::<String>::new(), "one person counts once over channels and days");
    let (again, _) = site.run(WEDNESDAY, &[]);
    assert!(again.iter().all(|(_, day)| day == WEDNESDAY), "nothing is left to be done: {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_number_of_a_list_is_one_row_before_and_after_its_records_come() {
    let site = Site::new();
    let list = report("p1", CALLEE, "0962000009, 0962000001", "2025-01-06T04:00:00Z");
    site.load("citizen_report", "monday.jsonl", &[list]);
    site.run(MONDAY, &[]);
    let waiting = ["p1 sms_156 84962000001 not_here_yet false", "p1 sms_156 84962000009 not_here_yet false"];
    assert_eq!(site.checked(MONDAY).await, waiting);

    site.load("call_record", "tuesday.jsonl", &[call("t1", "0962000003", "0962000004", ON_TUESDAY)]);
    site.run(TUESDAY, &[]);
    bring_late(&site);
    site.run(WEDNESDAY, &[]);
    let matched = ["p1 sms_156 84962000001 matched false", "p1 sms_156 84962000009 not_here_yet false"];
    assert_eq!(site.checked(MONDAY).await, matched);
    assert_eq!(site.reported(MONDAY).await, ["84962000001 1 1", "84962000009 1 0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_too_far_back_gets_its_events_alone_until_it_is_named() {
    const LATER: &str = "2025-02-10";
    let site = Site::new();
    site.load("call_record", "monday.jsonl", &[call("m1", "0962000003", "0962000004", ON_MONDAY)]);
    site.run(MONDAY, &[]);
    bring_late(&site);
    let (ran, said) = site.run(LATER, &[]);
    assert!(has(&ran, "call_event", MONDAY) && !has(&ran, "contact_day", MONDAY), "{ran:?}");
    let left = said.lines().find(|line| line.contains("too far back"));
    assert!(left.is_some_and(|line| line.contains(MONDAY)), "{said}");
    assert_eq!(site.met(MONDAY).await, Vec::<String>::new());

    site.run(MONDAY, &[]);
    assert_eq!(site.met(MONDAY).await, ["84912345678 84962000001 true"]);
    let (ran, said) = site.run("2025-02-11", &[]);
    assert!(has(&ran, "contact_day", LATER), "whom one knows from Monday is known later: {ran:?}");
    assert!(!said.contains("too far back"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_older_than_their_records_bar_nobody() {
    let site = Site::new();
    let calls: Vec<String> = (0..3).map(|id| call(&format!("m{id}"), CALLER, CALLEE, ON_MONDAY)).collect();
    site.load_subscriber();
    site.load("call_record", "monday.jsonl", &calls);
    site.run(MONDAY, &[]);
    site.accuse(MONDAY).await;
    // What goes on the day after keeps no day open.
    site.load("call_record", "tuesday.jsonl", &[call("t1", CALLER, CALLEE, ON_TUESDAY)]);
    let (verdicts, said) = site.decide(MONDAY);
    assert_eq!(verdicts, json!({ "limited": 1 }), "{said}");

    site.load("call_record", "late.jsonl", &[call("m9", CALLER, CALLEE, ON_MONDAY)]);
    let (verdicts, said) = site.decide(MONDAY);
    assert_eq!(verdicts, json!({ "survey": 1 }), "{said}");
    let reason = "records of 2025-01-06 came after its events were built: 1 of 4 of call_record; \
                  callsieve run --day 2025-01-06";
    assert!(said.contains(reason), "{said}");

    site.bars_once_run_again(MONDAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_was_computed_by_other_definitions_bars_nobody() {
    let site = Site::new();
    site.load_subscriber();
    site.load("call_record", "monday.jsonl", &[call("m1", CALLER, CALLEE, ON_MONDAY)]);
    let changed = site.path("changed");
    crate::backtest::copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines")), &changed);
    let lake = site.lake();
    let run_with_another = |definition: &str| {
        let facts = changed.join(definition);
        let text = std::fs::read_to_string(&facts).unwrap();
        std::fs::write(&facts, text + "\n# Of a rule that is only tried.\n").unwrap();
        done(&callsieve(&["run", "--day", MONDAY, "--lake", &lake, "--pipelines", changed.to_str().unwrap()]));
    };
    run_with_another("feature/ad_breach.toml");
    site.accuse(MONDAY).await;
    let (verdicts, said) = site.decide(MONDAY);
    assert_eq!(verdicts, json!({ "limited": 1 }), "no verdict follows from it: {said}");

    run_with_another("decide/block_candidate.toml");
    site.accuse(MONDAY).await;
    // What goes on the day after keeps no day open.
    site.load("call_record", "tuesday.jsonl", &[call("t1", CALLER, CALLEE, ON_TUESDAY)]);
    let (verdicts, said) = site.decide(MONDAY);
    assert_eq!(verdicts, json!({ "survey": 1 }), "{said}");
    let reason = "block_candidate of 2025-01-06: computed by other definitions than these; \
                  callsieve run --day 2025-01-06";
    assert!(said.contains(reason), "{said}");

    site.bars_once_run_again(MONDAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_has_not_read_its_subscribers_bars_nobody() {
    let site = Site::new();
    site.load("call_record", "monday.jsonl", &[call("m1", CALLER, CALLEE, ON_MONDAY)]);
    let decided = async || {
        site.run(MONDAY, &[]);
        site.accuse(MONDAY).await;
        site.decide(MONDAY)
    };
    let (verdicts, said) = decided().await;
    assert_eq!(verdicts, json!({ "survey": 1 }), "whose number it is nobody knows: {said}");
    assert!(said.contains("subscriber has never been read"), "{said}");

    site.load("subscriber", "poison.jsonl", &["poison".to_owned()]);
    let (verdicts, said) = decided().await;
    assert_eq!(verdicts, json!({ "survey": 1 }), "{said}");
    assert!(said.contains("subscriber has been read, and no row came of it"), "{said}");

    site.load_subscriber();
    let (verdicts, said) = decided().await;
    assert_eq!(verdicts, json!({ "limited": 1 }), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_older_than_an_answer_or_a_new_holder_are_computed_again_and_not_waited_for() {
    for (topic, of_monday, of_tuesday) in [
        ("survey_answer", answer(CALLEE, ON_MONDAY), answer(CALLEE, ON_TUESDAY)),
        ("subscriber", holder(CALLER, ON_MONDAY), holder(CALLER, ON_TUESDAY)),
    ] {
        let site = Site::new();
        site.load_subscriber();
        site.load("call_record", "monday.jsonl", &[call("m1", CALLER, CALLEE, ON_MONDAY)]);
        site.run(MONDAY, &[]);
        // What the day's own rows bear is nothing, so that only candidates which were left as they are bar.
        site.accuse(MONDAY).await;
        site.load(topic, "tuesday.jsonl", &[of_tuesday]);
        let (verdicts, said) = site.decide(MONDAY);
        assert_eq!(verdicts, json!({ "limited": 1 }), "{topic} of a day later counts on that day: {said}");

        site.load(topic, "monday.jsonl", &[of_monday]);
        let (verdicts, said) = site.decide(MONDAY);
        assert_eq!(verdicts["limited"], Value::Null, "{topic}: {verdicts} {said}");
        assert!(!said.contains("input is not complete"), "{topic}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_decided_anew_names_the_later_days_that_follow_from_it() {
    let site = Site::new();
    two_days(&site);
    for (day, is_warned) in [(TUESDAY, false), (MONDAY, true), (TUESDAY, false)] {
        let (_, said) = site.decide(day);
        let warning = said.lines().find(|line| line.contains("decide each again in this order"));
        assert_eq!(warning.is_some_and(|line| line.contains(TUESDAY)), is_warned, "{day}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_straggler_among_thousands_holds_up_no_decision() {
    let site = Site::new();
    let calls: Vec<String> =
        (0..2_000).map(|id| call(&format!("m{id}"), &format!("0962{id:06}"), CALLEE, ON_MONDAY)).collect();
    site.load_subscriber();
    site.load("call_record", "monday.jsonl", &calls);
    site.run(MONDAY, &[]);
    site.accuse(MONDAY).await;
    site.load("call_record", "late.jsonl", &[call("late", CALLER, CALLEE, ON_MONDAY)]);
    let (verdicts, said) = site.decide(MONDAY);
    assert_eq!(verdicts, json!({ "limited": 1 }), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_sent_again_hours_later_folds_into_the_same_events() {
    let site = Site::new();
    let mut calls: Vec<String> =
        (1..=5).map(|id| call(&format!("r{id}"), &format!("096200000{id}"), CALLEE, ON_MONDAY)).collect();
    // Two calls in the same second, and one call recorded at both ends.
    calls.extend(["s1", "s2"].map(|id| call(id, CALLER, "0962000007", ON_MONDAY)));
    let pair = call("p1", CALLER, "0962000008", ON_MONDAY);
    calls.push(pair.replace("c-p1", "pair"));
    calls.push(pair.replace("\"p1\"", "\"p2\"").replace("c-p1", "pair").replace("originating", "terminating"));
    site.load("call_record", "a.jsonl", &calls);
    site.run(MONDAY, &[]);
    let columns = ["record_id", "call_ref", "caller", "callee", "start_at", "duration_s", "is_answered"];
    let before = site.rows(Table::CALL_EVENT, MONDAY, &columns).await;
    assert_eq!(before.len(), 8, "{before:?}");
    assert_eq!(before.iter().filter(|event| event.contains("84962000001 84962000007")).count(), 2, "{before:?}");

    // The same records in other bytes, under another name.
    calls[0].insert(0, ' ');
    site.load("call_record", "b.jsonl", &calls);
    let (ran, _) = site.run(TUESDAY, &[]);
    assert!(has(&ran, "call_event", MONDAY), "{ran:?}");
    let arrived = arrived(site.0.path()).await;
    assert!(arrived.len() == 9 && arrived.values().all(|times| *times == 2), "{arrived:?}");
    assert_eq!(site.rows(Table::CALL_EVENT, MONDAY, &columns).await, before);
    let records = site.rows(Table::CALL_EVENT, MONDAY, &["records"]).await;
    assert_eq!(records, ["2", "2", "2", "2", "2", "2", "2", "4"]);
    let ledger = callsieve(&["ledger", "--lake", &site.lake()]);
    assert!(ledger.status.success(), "{}", String::from_utf8_lossy(&ledger.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn rebuilding_a_day_twice_changes_nothing() {
    const TABLES: [Table; 8] = [
        Table::CALL_EVENT,
        Table::SMS_EVENT,
        Table::CONTACT_DAY,
        Table::CALLER_DAY,
        Table::REPORT_CHECK,
        Table::REPORT_DAY,
        Table::SPAM_SCORE,
        Table::BLOCK_CANDIDATE,
    ];
    let site = Site::new();
    let mut calls: Vec<String> =
        (0..40).map(|id| call(&format!("m{id}"), CALLER, &format!("09123456{id:02}"), ON_MONDAY)).collect();
    calls.push(call("s1", CALLER, CALLEE, "2025-01-05T03:00:00Z"));
    site.load("call_record", "calls.jsonl", &calls);
    let report = report("p1", "0912345601", CALLER, "2025-01-06T04:00:00Z");
    site.load("citizen_report", "reports.jsonl", &[report]);
    site.run("2025-01-05", &[]);
    let mut built: Vec<Vec<Vec<String>>> = vec![];
    for _ in 0..3 {
        site.run(MONDAY, &[]);
        let mut tables = vec![];
        for table in TABLES {
            let rows = site.rows(table, MONDAY, &[]).await;
            assert!(!rows.is_empty() || table == Table::SMS_EVENT, "{table} is empty");
            tables.push(rows);
        }
        built.push(tables);
    }
    assert_eq!(built[0], built[1]);
    assert_eq!(built[0], built[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_waits_for_what_is_late_as_its_days_do() {
    let site = Site::new();
    let [lake, out] = [site.lake(), site.path("out").to_str().unwrap().to_owned()];
    Lake::local(&site.path("lake")).unwrap().open(Table::REJECT).await.unwrap();
    done(&callsieve(&["run", "--week", "2025-W02", "--lake", &lake]));
    let sunday: Day = "2025-01-12".parse().unwrap();
    let export = || callsieve(&["export", "regulator", "--week", "2025-W02", "--out", &out, "--lake", &lake]);
    site.load_subscriber();
    let mut books = Books::open(&Lake::local(&site.path("lake")).unwrap()).await.unwrap();
    for (hours, code) in [(5, 4), (6, 0)] {
        let at = sunday.ends_at() + hours * 3_600 * 1_000_000;
        let mut account = Account::empty("cluster/call_record/0", 0, 0);
        account.watermark = Some(at);
        books.note(&[Entry::new(Kind::Idle, Table::CALL_RECORD, account, at)]).await.unwrap();
        let exported = export();
        let said = String::from_utf8_lossy(&exported.stderr).into_owned();
        assert_eq!(exported.status.code(), Some(code), "{hours} hours behind its end: {said}");
    }
}

#[test]
fn nothing_is_scheduled_before_its_day_is_complete() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/pipelines"));
    let definitions = Definitions::read(folder).unwrap();
    let lateness = definitions.get(Table::DECISION).unwrap().integer("lateness_hours").unwrap();
    for definition in definitions.all.values() {
        // "daily 06:15, …" or "Monday 08:00, …"
        let schedule = &definition.facts.schedule;
        let time = schedule.split([' ', ',']).nth(1).and_then(|time| time.split_once(':'));
        let (hour, minute) = time.unwrap_or_else(|| panic!("{}: no time in \"{schedule}\"", definition.table));
        let minutes = hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap();
        assert!(minutes > lateness * 60, "{} is scheduled \"{schedule}\"", definition.table);
    }
}
