//! Answers without a broker: what is planned, what a kill leaves behind, and who is told what.

use super::super::{blocklist, reference};
use super::*;
use crate::job::tests::note_run;
use crate::lookup;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::folder;
use crate::schema::column::report_answer as column;
use crate::schema::sheet::Sheet;

/// 2025-01-06 10:00 in Vietnam.
const AT: i64 = 1_736_132_400_000_000;
const DAY: i64 = 86_400 * 1_000_000;

const REPORTER: i64 = 84_912_345_678;
const SOURCE: i64 = 84_962_000_001;
const OTHER: i64 = 84_962_000_002;

struct Site {
    _folder: tempfile::TempDir,
    lake: Lake,
    seal: Seal,
    templates: Templates,
    lookup: Lookup,
    options: Options,
    reporter: i64,
    /// Whom reports accuse, where it is not `SOURCE` alone.
    sources: Option<String>,
    barred: Vec<i64>,
}

impl Site {
    fn new() -> Self {
        Self::with(&lookup::Options::default(), Seal::new(&["07".repeat(32)]).unwrap())
    }

    fn with(lookup: &lookup::Options, seal: Seal) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            lake: Lake::local(folder.path()).unwrap(),
            _folder: folder,
            seal,
            templates: Templates::embedded().unwrap(),
            lookup: Lookup::open(lookup, Clock::Fixed(AT)).unwrap(),
            options: Options::default(),
            reporter: REPORTER,
            sources: None,
            barred: vec![SOURCE],
        }
    }

    /// The desk so many days later.
    fn desk(&self, days: i64) -> Desk<'_> {
        let Self { lake, seal, templates, lookup, options, .. } = self;
        Desk { lake, seal, templates, lookup, options, clock: Clock::Fixed(AT + days * DAY) }
    }

    /// A report of so many days ago, that accuses `SOURCE` where its kind accuses.
    async fn report(&self, id: &str, kind: Kind, days_ago: i64, content: &str) {
        self.report_by("sms_156", id, kind, (days_ago, content)).await;
    }

    async fn report_by(&self, channel: &str, id: &str, kind: Kind, (days_ago, content): (i64, &str)) {
        let mut sheet = Sheet::new(Table::CITIZEN_REPORT.contract());
        let at = AT - days_ago * DAY;
        let content = self.seal.close_text(&place(citizen_report::CONTENT.name, id), content);
        let source = kind.is_report().then_some(SOURCE);
        let row = sheet.row().day(Day::of(at)).text(id).text(channel).int64(self.reporter).text(kind.as_str());
        let row = row.text("e164").int64_or_null(source).text_or_null(None).text(&content).boolean(false).instant(at);
        let row = row.int32(0).int64(0).instant(at).text("test/0");
        let row = row.text_or_null(None).int32(1).instant_or_null(None).text_or_null(None);
        let row = row.text_or_null(None).text_or_null(None).text_or_null(None);
        row.text_or_null(self.sources.as_deref()).end();
        self.lake.open(Table::CITIZEN_REPORT).await.unwrap().append(&[sheet.finish()], &[]).await.unwrap();
    }

    /// A verdict on whoever is barred, so many days after the first.
    async fn verdict(&self, verdict: Verdict, days: i64, activated_at: i64) {
        let day = Day::of(AT + days * DAY);
        let mut sheet = Sheet::new(Table::DECISION.contract());
        for number in &self.barred {
            let row = sheet.row().day(day).text(&format!("C-{number}")).int64(*number).instant(activated_at);
            let row = row.boolean(true).text("prepaid").text(verdict.as_str()).text("clear").text("evidence");
            let row = row.day(day).day(day.plus(30)).day(day).float64_or_null(None).int64(2).int64(1).int64(0).int64(0);
            let row = row.text("").boolean_or_null(None).text_or_null(None).instant_or_null(None);
            row.text_or_null(None).end();
        }
        self.lake.open(Table::DECISION).await.unwrap().replace(day, &[sheet.finish()]).await.unwrap();
    }

    /// Gives a number to somebody.
    async fn activate(&self, number: i64, at: i64) {
        let mut sheet = Sheet::new(Table::SUBSCRIBER.contract());
        let row = sheet.row().day(Day::of(at)).int64(number).instant(at).instant_or_null(None).text("prepaid");
        let row = row.text_or_null(None).int32_or_null(None).text_or_null(None).instant(at).int32(0).int64(0);
        row.instant(at).text_or_null(None).text_or_null(None).end();
        self.lake.open(Table::SUBSCRIBER).await.unwrap().append(&[sheet.finish()], &[]).await.unwrap();
    }

    /// The list of a day with whoever is barred, as it leaves.
    async fn export(&self, days: i64) {
        let day = Day::of(AT + days * DAY);
        let mut list = Sheet::new(Table::BLOCKLIST_DAY.contract());
        for number in &self.barred {
            let row = list.row().day(day).int64(*number).text("bar_outgoing").text("behaviour+report").day(day);
            row.day(day.plus(30)).text(&format!("C-{number}")).text_or_null(None).end();
        }
        self.lake.open(Table::BLOCKLIST_DAY).await.unwrap().replace(day, &[list.finish()]).await.unwrap();
        note_run(&self.lake, day, Table::BLOCKLIST_DAY, ("{}", 1), day.ends_at()).await;
        let (out, definitions) = (tempfile::tempdir().unwrap(), Definitions::read(&folder(None)).unwrap());
        let (order, clock) = (blocklist::Order::new(day, out.path()), Clock::Fixed(day.ends_at()));
        blocklist::publish(&self.lake, &definitions, &order, None, clock).await.unwrap();
    }

    /// What a run would send: what was left, then what is new.
    async fn planned(&self, days: i64) -> (Vec<Answer>, Vec<Answer>, Answered) {
        let (desk, mut done) = (self.desk(days), Answered::default());
        let known = Known::read(&self.lake).await.unwrap();
        let left = desk.left(&known, &mut done).await.unwrap();
        let new = desk.plan(&known, &mut done).await.unwrap();
        (left, new, done)
    }

    async fn intend(&self, answers: &[Answer]) {
        let known = Known::read(&self.lake).await.unwrap();
        let mut table = self.lake.open(Table::REPORT_ANSWER).await.unwrap();
        intend(&mut table, &known, answers, &self.desk(0)).await.unwrap();
    }

    async fn mark(&self, answers: &[Answer]) {
        let mut table = self.lake.open(Table::REPORT_ANSWER).await.unwrap();
        mark(&mut table, answers, &self.desk(0)).await.unwrap();
    }
}

fn texts(answers: &[Answer]) -> Vec<(&str, &str)> {
    ids(answers).into_iter().zip(answers.iter().map(|answer| answer.text.as_str())).collect()
}

/// Without the channel that is everybody's here.
fn ids(answers: &[Answer]) -> Vec<&str> {
    answers.iter().map(|answer| answer.id.strip_prefix("sms_156/").unwrap_or(&answer.id)).collect()
}

#[tokio::test]
async fn a_report_is_answered_once_however_often_it_is_sent_and_looked_at() {
    let site = Site::new();
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    site.report("r2", Kind::DncRegister, 1, "V").await;
    let (left, new, _) = site.planned(0).await;
    assert!(left.is_empty());
    assert_eq!(ids(&new), ["r1/received", "r2/received"]);
    assert!(new.iter().all(|answer| digits(answer.recipient) == REPORTER));
    site.intend(&new).await;
    site.mark(&new).await;
    site.report("r1", Kind::SpamCall, -1, "moi vay").await;
    let (left, new, _) = site.planned(1).await;
    assert!(left.is_empty() && new.is_empty(), "{:?}", ids(&new));
}

#[tokio::test]
async fn what_a_kill_leaves_goes_out_word_for_word_under_the_same_id() {
    let mut site = Site::new();
    site.report("r1", Kind::ScamCall, 0, "gia danh").await;
    let (_, new, _) = site.planned(0).await;
    let intended: Vec<(String, String)> =
        texts(&new).into_iter().map(|(id, text)| (id.to_owned(), text.to_owned())).collect();
    site.intend(&new).await;

    // Killed before it was sent, or sent and killed before that was written down: nobody can know which.
    let folder = tempfile::tempdir().unwrap();
    let changed = include_str!("../../../pipelines/answer/template.csv").replace("5 KHONG", "NAM KHONG");
    std::fs::write(folder.path().join("template.csv"), changed).unwrap();
    site.templates = Templates::read(folder.path()).unwrap();
    let (left, new, done) = site.planned(0).await;
    assert!(new.is_empty());
    assert_eq!(done.again, 1);
    let again: Vec<(String, String)> =
        texts(&left).into_iter().map(|(id, text)| (id.to_owned(), text.to_owned())).collect();
    assert_eq!(again, intended);

    site.mark(&left).await;
    site.mark(&left).await;
    let (left, new, _) = site.planned(0).await;
    assert!(left.is_empty() && new.is_empty());
}

#[tokio::test]
async fn what_a_kill_leaves_comes_in_time_and_to_who_has_reported_or_not_at_all() {
    let site = Site::new();
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    site.verdict(Verdict::Limited, 0, AT - 100 * DAY).await;
    site.export(0).await;
    let (_, new, _) = site.planned(0).await;
    site.intend(&new).await;
    // What goes out, and how many do not, since they are late and since the number is another's.
    let left = async |days| {
        let (left, _, Answered { again, dropped, .. }) = site.planned(days).await;
        assert_eq!((again, again + dropped.late + dropped.next_holder), (left.len(), 2));
        (ids(&left).join(" "), (dropped.late, dropped.next_holder))
    };
    let both = ("r1/received r1/result".to_owned(), (0, 0));
    assert_eq!(left(3).await, both);
    assert_eq!(left(4).await, ("r1/result".to_owned(), (1, 0)));
    assert_eq!(left(29).await, ("r1/result".to_owned(), (1, 0)));
    assert_eq!(left(30).await, (String::new(), (2, 0)));

    site.activate(REPORTER, AT - 100 * DAY).await;
    assert_eq!(left(2).await, both);
    site.activate(REPORTER, AT + DAY).await;
    assert_eq!(left(0).await, both, "not yet");
    assert_eq!(left(2).await, (String::new(), (0, 2)));
    assert_eq!(left(4).await, (String::new(), (1, 1)), "each has one reason");
}

#[test]
fn what_is_dropped_is_told_with_its_reasons() {
    let text = |late, next_holder, erased| {
        let dropped = Dropped { late, next_holder, erased };
        let text = Answered { dropped, ..Answered::default() }.text();
        text.strip_prefix("0 reports answered, 0 results told, 0 sent again, 0 look-ups wait for a registry, ")
            .unwrap()
            .to_owned()
    };
    assert_eq!(text(0, 0, 0), "0 texts do not open, 0 dropped");
    assert_eq!(text(2, 0, 0), "0 texts do not open, 2 dropped (2 too late)");
    let all = "0 texts do not open, 6 dropped (1 too late, 2 a number that is another's, 3 erased)";
    assert_eq!(text(1, 2, 3), all);
    let json = serde_json::to_value(Answered::default()).unwrap();
    assert_eq!(json["dropped"], serde_json::json!({ "late": 0, "next_holder": 0, "erased": 0 }));
}

#[tokio::test]
async fn what_a_kill_leaves_of_a_day_on_which_the_number_changed_hands_goes_to_nobody() {
    let site = Site::new();
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    let (_, new, _) = site.planned(0).await;
    site.intend(&new).await;
    site.activate(REPORTER, AT - 3_600 * 1_000_000).await;
    assert_eq!(ids(&site.planned(1).await.0), ["r1/received"], "whoever has reported is new");
    site.activate(REPORTER, AT + 3_600 * 1_000_000).await;
    assert!(site.planned(1).await.0.is_empty(), "and had it for two hours");
}

#[tokio::test]
async fn of_two_runs_at_once_one_gives_way() {
    let site = Site::new();
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    let known = Known::read(&site.lake).await.unwrap();
    let (_, new, _) = site.planned(0).await;
    site.intend(&new).await;
    let mut table = site.lake.open(Table::REPORT_ANSWER).await.unwrap();
    let problem = intend(&mut table, &known, &new, &site.desk(0)).await.unwrap_err();
    assert!(problem.to_string().starts_with("another run answers"), "{problem:#}");
    assert_eq!(ids(&site.planned(0).await.0), ["r1/received"]);
}

#[tokio::test]
async fn an_answer_comes_in_time_or_not_at_all() {
    let site = Site::new();
    site.report("old", Kind::SpamCall, 3, "moi vay").await;
    site.report("last", Kind::SpamCall, 2, "moi vay").await;
    assert_eq!(ids(&site.planned(0).await.1), ["last/received"]);
}

#[tokio::test]
async fn who_was_erased_gets_no_answer_neither_a_new_one_nor_one_that_was_left() {
    let mut site = Site::new();
    site.reporter = Number::erased(17);
    site.report("r1", Kind::SpamCall, 0, "").await;
    site.verdict(Verdict::Limited, 0, AT - 100 * DAY).await;
    assert!(site.planned(0).await.1.is_empty());

    site.reporter = REPORTER;
    site.report("r2", Kind::AdCopy, 0, "ban nha").await;
    let mut left = site.planned(0).await.1;
    left.iter_mut().for_each(|answer| answer.recipient = Number::from_e164(Number::erased(17)).unwrap());
    site.intend(&left).await;
    let (left, new, done) = site.planned(0).await;
    assert!(left.is_empty() && new.is_empty(), "{:?} {:?}", ids(&left), ids(&new));
    assert_eq!((done.again, done.dropped), (0, Dropped { erased: 1, ..Dropped::default() }));
}

#[tokio::test]
async fn an_id_belongs_to_its_channel() {
    let site = Site::new();
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    let (_, new, _) = site.planned(0).await;
    site.intend(&new).await;
    site.report_by("web", "r1", Kind::SpamCall, (0, "moi vay")).await;
    let (_, new, _) = site.planned(0).await;
    assert_eq!(ids(&new), ["web/r1/received"], "another citizen's report");
}

#[tokio::test]
async fn a_result_is_told_within_its_own_days() {
    let mut site = Site::new();
    site.options = Options { received_days: 9, result_days: 3, ..Options::default() };
    site.report("old", Kind::SpamCall, 3, "moi vay").await;
    site.report("last", Kind::SpamCall, 2, "moi vay").await;
    site.verdict(Verdict::Limited, 0, AT - 100 * DAY).await;
    site.export(0).await;
    assert_eq!(ids(&site.planned(0).await.1), ["last/received", "old/received", "last/result"]);
}

#[tokio::test]
async fn whose_report_is_about_a_barred_number_is_told_so_once() {
    let site = Site::new();
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    site.report("r2", Kind::AdCopy, 0, "ban nha").await;
    site.verdict(Verdict::Survey, 0, AT - 100 * DAY).await;
    let (_, new, _) = site.planned(0).await;
    assert_eq!(ids(&new), ["r1/received", "r2/received"], "asked is not barred");
    site.intend(&new).await;
    site.mark(&new).await;

    site.verdict(Verdict::Limited, 1, AT - 100 * DAY).await;
    site.export(1).await;
    let (_, new, done) = site.planned(2).await;
    assert_eq!(ids(&new), ["r1/result"]);
    assert_eq!((done.received, done.results), (0, 1));
    assert!(new[0].text.contains("so 0962000001 hien"), "{}", new[0].text);
    site.intend(&new).await;
    assert!(site.planned(3).await.1.is_empty());
}

#[tokio::test]
async fn who_has_the_number_of_a_reporter_by_now_is_told_nothing() {
    let site = Site::new();
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    site.verdict(Verdict::Limited, 1, AT - 100 * DAY).await;
    site.export(1).await;
    site.activate(REPORTER, AT - 100 * DAY).await;
    assert_eq!(ids(&site.planned(2).await.1), ["r1/received", "r1/result"]);
    site.activate(REPORTER, AT + DAY).await;
    assert!(site.planned(2).await.1.is_empty());
}

#[tokio::test]
async fn a_number_that_no_list_bars_is_no_result_whatever_was_decided() {
    let site = Site::new();
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    site.verdict(Verdict::Limited, 0, AT - 100 * DAY).await;
    assert_eq!(ids(&site.planned(1).await.1), ["r1/received"], "no list has left yet");
    site.export(0).await;
    assert_eq!(ids(&site.planned(1).await.1), ["r1/received", "r1/result"]);
    let text = "number,reason\n0962000001,hospital\n";
    reference::load_text(&site.lake, Table::ALLOW_LIST, text, Day::of(AT)).await.unwrap();
    site.export(0).await;
    assert_eq!(ids(&site.planned(1).await.1), ["r1/received"], "the next list gives it back");
}

#[tokio::test]
async fn a_number_that_was_released_or_is_anothers_now_is_no_result() {
    for (verdict, activated_at) in [(Verdict::Released, AT - 100 * DAY), (Verdict::Limited, AT + DAY)] {
        let site = Site::new();
        site.report("r1", Kind::SpamCall, 0, "moi vay").await;
        site.verdict(Verdict::Limited, 1, AT - 100 * DAY).await;
        site.export(1).await;
        assert_eq!(ids(&site.planned(2).await.1), ["r1/received", "r1/result"]);
        site.verdict(verdict, 2, activated_at).await;
        assert_eq!(ids(&site.planned(2).await.1), ["r1/received"], "{verdict:?}");
    }
}

#[tokio::test]
async fn of_a_list_the_first_number_that_is_barred_is_told_and_no_other() {
    let mut site = Site::new();
    site.sources = Some(format!("84962000003|{OTHER}|{SOURCE}"));
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    for (barred, told) in [(vec![SOURCE], "so 0962000001 hien"), (vec![SOURCE, OTHER], "so 0962000002 hien")] {
        site.barred = barred;
        site.verdict(Verdict::Limited, 1, AT - 100 * DAY).await;
        site.export(1).await;
        let (_, new, done) = site.planned(2).await;
        assert_eq!((ids(&new), done.results), (vec!["r1/received", "r1/result"], 1));
        assert!(new[1].text.contains(told), "{}", new[1].text);
    }
    let text = "number,reason\n0962000002,hospital\n";
    reference::load_text(&site.lake, Table::ALLOW_LIST, text, Day::of(AT)).await.unwrap();
    site.export(1).await;
    let (_, new, _) = site.planned(2).await;
    assert!(new[1].text.contains("so 0962000001 hien"), "the list leaves the other one out: {}", new[1].text);
}

#[tokio::test]
async fn a_look_up_gets_the_reply_of_domain_lookup() {
    let site = Site::new();
    for _ in 0..2 {
        site.report("r1", Kind::SpamCall, 0, "vao vay-nhanh.xyz").await;
    }
    site.report("t1", Kind::DomainLookup, 0, "hxxp://vay-nhanh[.]xyz").await;
    site.report("t2", Kind::DomainLookup, 0, "xin chao").await;
    let (_, new, _) = site.planned(0).await;
    let lookups: Vec<_> = texts(&new).into_iter().filter(|(id, _)| id.starts_with('t')).collect();
    assert_eq!(
        lookups,
        [
            ("t1/received", "vay-nhanh.xyz: ten mien quoc te. 1 phan anh tu 06/01/2025."),
            ("t2/received", "Khong doc duoc ten mien. Soan TCTM ten-mien hoac duong link gui 156."),
        ]
    );
    assert_eq!(new[1].template, "received/domain_lookup");
}

#[tokio::test]
async fn a_look_up_waits_while_the_registry_is_silent() {
    // Nothing listens on this port, which only the machine's owner may take.
    let silent =
        "[[registry]]\nname = \"vnnic\"\nkind = \"json\"\nurl = \"http://127.0.0.1:9/{domain}\"\nsuffixes = [\"vn\"]";
    let site = Site::with(&toml::from_str(silent).unwrap(), Seal::default());
    site.report("t1", Kind::DomainLookup, 0, "example.vn").await;
    site.report("t2", Kind::DomainLookup, 0, "example.com").await;
    let (_, new, done) = site.planned(0).await;
    assert_eq!(ids(&new), ["t2/received"], "no registry is asked for it");
    assert_eq!(done.waiting, 1);
    assert_eq!(site.planned(0).await.2.waiting, 1, "and it is asked again");
    assert_eq!(site.planned(2).await.2.waiting, 1, "all its days, the last one included");
    let (_, new, done) = site.planned(3).await;
    let last = "example.vn: ten mien quoc gia .vn. Chua hoi duoc noi quan ly luc nay.";
    assert_eq!((texts(&new)[0], done.waiting), (("t1/received", last), 0), "then it is told what is known");
    assert!(site.planned(4).await.1.is_empty());
}

#[tokio::test]
async fn a_text_that_does_not_open_is_counted_and_not_answered() {
    let mut site = Site::new();
    site.report("t1", Kind::DomainLookup, 0, "example.com").await;
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    site.seal = Seal::default();
    let (_, new, done) = site.planned(0).await;
    assert_eq!(ids(&new), ["r1/received"], "for this one nobody has to read");
    assert_eq!(done.closed, 1);
}

#[tokio::test]
async fn no_answer_lies_in_clear_where_there_is_a_key() {
    let site = Site::new();
    site.report("r1", Kind::SpamCall, 0, "moi vay").await;
    let (_, new, _) = site.planned(0).await;
    site.intend(&new).await;
    let table = site.lake.find(Table::REPORT_ANSWER).await.unwrap().unwrap();
    let batch = table.rows(vec![], &[]).await.unwrap().remove(0);
    assert!(column::TEXT.of(&batch).unwrap().value(0).starts_with("sealed:"));
}

#[test]
fn every_form_with_words_of_its_own_is_a_form() {
    let forms: toml::Value = toml::from_str(include_str!("../../../pipelines/scam_form.toml")).unwrap();
    let known: BTreeSet<&str> =
        forms["form"].as_array().unwrap().iter().filter_map(|form| form["name"].as_str()).collect();
    assert!(known.len() > 24);
    let templates = Templates::embedded().unwrap();
    assert_eq!(templates.forms().find(|form| !known.contains(form)), None);
}

#[test]
fn numbers_are_named_as_people_dial_them() {
    let dialled = |digits| dialled(Number::from_e164(digits).unwrap());
    assert_eq!(dialled(84_962_000_001), "0962000001");
    assert_eq!(dialled(85_298_765_432), "+85298765432");
}
