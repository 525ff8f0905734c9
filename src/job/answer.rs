//! `report answer`: citizens' reports to answers, each under one id.
//!
//! In: reports, verdicts, lists that have left, a look-up and the carrier's templates. Out: messages to the topic of
//! answers, and `report_answer`, which remembers them. Never: makes two answers to a report at one stage; says that a
//! number is barred which no list bars; tells the next holder of a number what the last one has reported; answers a
//! look-up while the registry is silent, before its days are over; names more than one number of a list.
//!
//! An answer is written down as intended, with its text; then it is sent; then it is written down as sent. Killed behind
//! the first step, the next run sends what was intended, word for word, unless its days are over or the reporter's
//! number is another's by then. Killed behind the second, it sends the same once more under the same id, and whoever
//! reads the topic drops it. Of two runs at once only one intends; the other ends.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use arrow::array::{Array, RecordBatch};
use serde::{Deserialize, Serialize};

use self::outbox::{Answer, Known, digits, intend, mark, send};
use super::blocklist::publication::published;
use super::decide::number;
use super::domain;
use super::holder::Holders;
use crate::answer::{Stage, Templates, Worded};
use crate::clock::Clock;
use crate::decode::citizen_report::place;
use crate::domain::day::Day;
use crate::domain::host::Link;
use crate::domain::number::Number;
use crate::domain::report::Kind;
use crate::domain::seal::Seal;
use crate::domain::verdict::Verdict;
use crate::export::blocklist::latest;
use crate::lake::Lake;
use crate::lookup::Lookup;
use crate::lookup::registry::Outcome;
use crate::lookup::reported::Tally;
use crate::schema::column::{citizen_report, decision};
use crate::schema::contract::Table;
use crate::source::kafka;
use crate::source::producer::Producer;

mod outbox;

/// Where answers go, and how long reports wait for them, as `[answer]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// What the topic of answers is called at the broker.
    pub topic: String,
    /// Days, with today, within which a report is answered at once. Raise it after a long standstill, and those who wrote
    /// meanwhile are answered late; what is older never is.
    pub received_days: i32,
    /// Days, with today, within which a citizen is told what has become of a report.
    pub result_days: i32,
}

impl Default for Options {
    fn default() -> Self {
        Self { topic: "report_answer".to_owned(), received_days: 3, result_days: 30 }
    }
}

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.topic.is_empty() {
            problems.push("answer.topic is empty".to_owned());
        }
        for (name, days) in [("received_days", self.received_days), ("result_days", self.result_days)] {
            if days < 1 {
                problems.push(format!("answer.{name} must be at least 1"));
            }
        }
        problems
    }
}

/// What it takes to answer.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The tables.
    pub lake: &'a Lake,
    /// What citizens' words are sealed with.
    pub seal: &'a Seal,
    /// The carrier's words.
    pub templates: &'a Templates,
    /// What look-ups are answered from.
    pub lookup: &'a Lookup,
    /// Which reports.
    pub options: &'a Options,
    /// What time it is.
    pub clock: Clock,
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// Reports answered at once.
    pub received: usize,
    /// Citizens who are told what has become of a report.
    pub results: usize,
    /// Answers of an earlier run that was cut off before it had written them down as sent.
    pub again: usize,
    /// Look-ups that wait for a registry.
    pub waiting: usize,
    /// Texts that do not open, since their key is not configured.
    pub closed: usize,
    /// Answers that an earlier run did not send, and that are not sent any more; every run finds them again.
    pub dropped: Dropped,
    /// Nothing was written or sent.
    pub is_dry_run: bool,
}

/// Why an answer that was intended is not sent any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Its days are over.
    pub late: usize,
    /// The reporter's number is another's by now, or may be.
    pub next_holder: usize,
    /// Who has reported was erased.
    pub erased: usize,
}

impl Answered {
    /// For people.
    pub fn text(&self) -> String {
        let Self { received, results, again, waiting, closed, dropped, is_dry_run } = self;
        let unsent = if *is_dry_run { " (dry run, nothing is sent)" } else { "" };
        format!(
            "{received} reports answered, {results} results told, {again} sent again, {waiting} look-ups wait for a \
             registry, {closed} texts do not open, {}{unsent}",
            dropped.text()
        )
    }
}

impl Dropped {
    fn text(&self) -> String {
        let Self { late, next_holder, erased } = self;
        let reasons = [(late, "too late"), (next_holder, "a number that is another's"), (erased, "erased")];
        let told = reasons.into_iter().filter(|(count, _)| **count > 0);
        let told: Vec<String> = told.map(|(count, reason)| format!("{count} {reason}")).collect();
        let all = late + next_holder + erased;
        if told.is_empty() { format!("{all} dropped") } else { format!("{all} dropped ({})", told.join(", ")) }
    }
}

/// Reports by their channel and the id that it gave them.
type Reports = BTreeMap<(String, String), Report>;

fn keep_first(reports: &mut Reports, report: Report) {
    let key = (report.channel.clone(), report.id.clone());
    if reports.get(&key).is_none_or(|known| report.at < known.at) {
        reports.insert(key, report);
    }
}

/// One report, as far as an answer looks at it.
struct Report {
    id: String,
    day: Day,
    at: i64,
    channel: String,
    reporter: Number,
    kind: String,
    form: Option<String>,
    /// Whom it accuses, in the order of the message.
    sources: Vec<Number>,
    /// As it lies in the table.
    content: String,
    needs_human: bool,
}

/// Why a report is not answered yet.
enum Held {
    /// The registry was silent.
    Registry,
    /// The text does not open.
    Key,
}

/// Answers all that has no answer yet.
pub async fn answer(desk: &Desk<'_>, kafka: &kafka::Options, is_dry_run: bool) -> anyhow::Result<Answered> {
    let mut done = Answered { is_dry_run, ..Answered::default() };
    let known = Known::read(desk.lake).await?;
    let mut answers = desk.left(&known, &mut done).await?;
    let new = desk.plan(&known, &mut done).await?;
    if is_dry_run || (answers.is_empty() && new.is_empty()) {
        return Ok(done);
    }
    let mut table = desk.lake.open(Table::REPORT_ANSWER).await?;
    intend(&mut table, &known, &new, desk).await?;
    answers.extend(new);
    let (kafka, topic, at) = (kafka.clone(), desk.options.topic.clone(), desk.clock.now());
    let to = format!("sending answers to the topic \"{topic}\"; what was not sent goes out again by the next run");
    let sending = move || {
        send(&answers, &topic, &mut Producer::to(&kafka)?, at)?;
        anyhow::Ok(answers)
    };
    let sent = tokio::task::spawn_blocking(sending).await?.context(to)?;
    mark(&mut table, &sent, desk).await?;
    Ok(done)
}

fn dialled(number: Number) -> String {
    let digits = digits(number).to_string();
    match digits.strip_prefix("84").filter(|_| number.is_vietnamese()) {
        Some(national) => format!("0{national}"),
        None => format!("+{digits}"),
    }
}

impl Desk<'_> {
    /// Answers that nobody has intended yet.
    async fn plan(&self, known: &Known, done: &mut Answered) -> anyhow::Result<Vec<Answer>> {
        let today = Day::of(self.clock.now());
        let reports = self.reports(today).await?;
        let first = today.plus(1 - self.options.received_days);
        // A look-up that the registry kept waiting has a day more.
        let since = |report: &Report| if report.is_lookup() { first.plus(-1) } else { first };
        let is_fresh = |report: &&Report| report.day >= since(report) && !known.has(&report.answer_id(Stage::Received));
        let fresh = self.still_theirs(reports.values().filter(is_fresh).collect()).await?;
        let tally = match fresh.iter().any(|report| report.is_lookup()) {
            true => domain::tally(self.lookup, self.lake, self.seal).await?,
            false => Tally::default(),
        };
        let mut answers = Vec::new();
        for report in fresh {
            match self.received(report, &tally, report.day < first).await {
                Ok(worded) => answers.extend(report.answered(Stage::Received, worded)),
                Err(Held::Registry) => done.waiting += 1,
                Err(Held::Key) => done.closed += 1,
            }
        }
        done.received = answers.len();
        let barred = self.barred().await?;
        let first = today.plus(1 - self.options.result_days);
        let is_untold = |report: &&Report| report.day >= first && !known.has(&report.answer_id(Stage::Result));
        let is_about_barred =
            |report: &&Report| report.is_accusation() && report.about_barred(&barred).next().is_some();
        let untold = reports.values().filter(is_untold).filter(is_about_barred).collect();
        let untold = self.still_theirs(untold).await?;
        let listed = if untold.is_empty() { BTreeSet::new() } else { self.listed().await? };
        for report in untold {
            let Some(number) = report.about_barred(&barred).find(|number| listed.contains(number)) else { continue };
            let worded = self.templates.barred(&dialled(number), report.form.as_deref());
            answers.extend(report.answered(Stage::Result, worded));
        }
        done.results = answers.len() - done.received;
        Ok(answers)
    }

    async fn received(&self, report: &Report, tally: &Tally, is_overdue: bool) -> Result<Worded, Held> {
        if !report.is_lookup() {
            return Ok(self.templates.received(report.about(), report.form.as_deref()));
        }
        let place = place(citizen_report::CONTENT.name, &report.id);
        let asked = self.seal.reveal_text(&place, &report.content).ok_or(Held::Key)?;
        let template = format!("{}/{}", Stage::Received.as_str(), Kind::DomainLookup.as_str());
        let Some(link) = Link::read(&asked) else {
            return Ok(Worded { template, text: self.lookup.reply(&asked, tally).await });
        };
        let answer = self.lookup.answer(&link, self.lookup.reported(&link, tally)).await;
        match answer.registry.outcome {
            // Tomorrow nobody would look at it any more: what we know ourselves is better than silence.
            Outcome::Unavailable { .. } if !is_overdue => Err(Held::Registry),
            _ => Ok(Worded { template, text: self.lookup.sms(&answer) }),
        }
    }

    /// Reports that may be answered, each once and as it came first; who was erased is told nothing more.
    async fn reports(&self, today: Day) -> anyhow::Result<Reports> {
        let mut reports = Reports::new();
        let Some(table) = self.lake.find(Table::CITIZEN_REPORT).await? else { return Ok(reports) };
        let days = self.options.received_days.saturating_add(1).max(self.options.result_days);
        for day in table.days().await?.range(today.plus(1 - days)..=today) {
            for batch in table.day(*day).await? {
                for row in 0..batch.num_rows() {
                    keep_first(&mut reports, Report::read(&batch, row)?);
                }
            }
        }
        reports.retain(|_, report| !report.reporter.is_erased());
        Ok(reports)
    }

    /// Those of some reports whose reporter has the number still: who has it by now has reported nothing.
    async fn still_theirs<'a>(&self, mut reports: Vec<&'a Report>) -> anyhow::Result<Vec<&'a Report>> {
        let reporters = reports.iter().map(|report| digits(report.reporter)).collect();
        let holders = Holders::read(self.lake.find(Table::SUBSCRIBER).await?.as_ref(), &reporters).await?;
        let today = Day::of(self.clock.now());
        let mut gone = BTreeSet::new();
        for report in &reports {
            let holder = holders.within(digits(report.reporter), (report.day, today))?;
            // Of another operator's numbers nobody tells us whose they are.
            if holder.own.is_some() && !holder.holds(report.at) {
                gone.insert((&report.channel, &report.id));
            }
        }
        reports.retain(|report| !gone.contains(&(&report.channel, &report.id)));
        Ok(reports)
    }

    /// The subscriptions that are barred on the newest day that was decided, each with its activation.
    async fn barred(&self) -> anyhow::Result<BTreeMap<Number, Option<i64>>> {
        let mut barred = BTreeMap::new();
        let Some(table) = self.lake.find(Table::DECISION).await? else { return Ok(barred) };
        let Some(newest) = table.days().await?.pop_last() else { return Ok(barred) };
        for batch in table.day(newest).await? {
            let (numbers, verdicts) = (decision::NUMBER.of(&batch)?, decision::VERDICT.of(&batch)?);
            let activated = decision::ACTIVATED_AT.of(&batch)?;
            for row in 0..batch.num_rows() {
                let verdict: Verdict = verdicts.value(row).parse().map_err(anyhow::Error::msg)?;
                if verdict.is_bar() {
                    barred.insert(number(numbers.value(row))?, activated.is_valid(row).then(|| activated.value(row)));
                }
            }
        }
        Ok(barred)
    }

    /// Whom the lists that have left bar by now: a verdict bars nobody whom a list leaves out.
    async fn listed(&self) -> anyhow::Result<BTreeSet<Number>> {
        let publications = published(self.lake).await?;
        let barred = latest(&publications).into_iter().filter(|(_, (_, change))| change.entry.action.is_bar());
        Ok(barred.map(|(number, _)| number).collect())
    }
}

impl Report {
    fn read(batch: &RecordBatch, row: usize) -> anyhow::Result<Self> {
        use citizen_report as report;
        let form = report::SCAM_FORM.of(batch)?;
        Ok(Self {
            id: report::REPORT_ID.of(batch)?.value(row).to_owned(),
            day: Day::from_epoch_days(report::DAY.of(batch)?.value(row)),
            at: report::REPORTED_AT.of(batch)?.value(row),
            channel: report::CHANNEL.of(batch)?.value(row).to_owned(),
            reporter: number(report::REPORTER.of(batch)?.value(row))?,
            kind: report::KIND.of(batch)?.value(row).to_owned(),
            form: form.is_valid(row).then(|| form.value(row).to_owned()),
            sources: accused(batch, row)?,
            content: report::CONTENT.of(batch)?.value(row).to_owned(),
            needs_human: report::NEEDS_HUMAN.of(batch)?.value(row),
        })
    }

    fn is(&self, kind: Kind) -> bool {
        self.kind == kind.as_str()
    }

    fn is_lookup(&self) -> bool {
        self.is(Kind::DomainLookup)
    }

    fn is_accusation(&self) -> bool {
        [Kind::SpamCall, Kind::SpamSms, Kind::ScamCall].into_iter().any(|kind| self.is(kind))
    }

    /// The numbers whose subscription it was made about and that is barred: who had the number before was another.
    fn about_barred(&self, barred: &BTreeMap<Number, Option<i64>>) -> impl Iterator<Item = Number> {
        let is_about = move |activated: &Option<i64>| activated.is_none_or(|activated| self.at >= activated);
        self.sources.iter().copied().filter(move |number| barred.get(number).is_some_and(is_about))
    }

    /// What its answer is about: an order that a person has to read first has not been followed yet.
    fn about(&self) -> &str {
        let is_order = self.is(Kind::DncRegister) || self.is(Kind::DncCancel);
        if is_order && self.needs_human { Kind::Unparsed.as_str() } else { &self.kind }
    }

    /// An id belongs to its channel, so both are part of the answer's.
    fn answer_id(&self, stage: Stage) -> String {
        format!("{}/{}/{}", self.channel, self.id, stage.as_str())
    }

    /// The answer, unless the carrier says nothing.
    fn answered(&self, stage: Stage, Worded { template, text }: Worded) -> Option<Answer> {
        (!text.is_empty()).then(|| Answer {
            day: self.day,
            id: self.answer_id(stage),
            report_id: self.id.clone(),
            stage: stage.as_str().to_owned(),
            channel: self.channel.clone(),
            recipient: self.reporter,
            template,
            text,
        })
    }
}

/// The numbers that a report accuses: the one in a column of its own, unless it names others.
fn accused(batch: &RecordBatch, row: usize) -> anyhow::Result<Vec<Number>> {
    let (source, sources) = (citizen_report::SOURCE.of(batch)?, citizen_report::SOURCES.of(batch)?);
    if !sources.is_valid(row) {
        return source.is_valid(row).then(|| number(source.value(row))).into_iter().collect();
    }
    let digits = |listed: &str| listed.parse::<i64>().context("reading the sources of a report");
    sources.value(row).split('|').map(|listed| number(digits(listed)?)).collect()
}

#[cfg(test)]
mod tests;
