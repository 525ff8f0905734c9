//! Whether the numbers that reports name had really bothered their reporters.
//!
//! In: calls and messages as they were made, and reports as they are sent. Out: the truth of each report, once all that
//! came before it has happened. Never: reaches the pipeline, or knows which records were made of a call.

use std::collections::{BTreeMap, BTreeSet};

use super::Operator;
use super::party::Party;
use super::population::{Population, SECOND_US};
use super::report::{Motive, Report};
use super::traffic::{Call, Sender, Text};
use crate::domain::day::Day;

/// Days before the day of a report: what lies further back is not what it is about.
const NEAR_DAYS: i32 = 3;

/// The same before and after the time that a report names, microseconds: whole days that this reaches into count.
const AROUND_US: i64 = 12 * 3_600 * SECOND_US;

/// A number that a report names, as the one who looks into both telephones would know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accusation {
    /// As in the message; a report that lists several numbers has one of these for each.
    pub report_id: String,
    /// Who reports, E.164 digits.
    pub reporter: i64,
    /// The number that is named, E.164 digits.
    pub source: i64,
    /// Receipt, UTC microseconds.
    pub reported_at: i64,
    /// When the call was, as a form says, UTC microseconds.
    pub called_at: Option<i64>,
    /// Why: bothered, mistaken, malicious or brigade.
    pub motive: &'static str,
    /// Whether it is about a message.
    pub is_sms: bool,
    /// Whether the number had called, or for a message written to, the reporter within three days or around the time that
    /// the report names, and the reporter had not called it first.
    pub is_due: bool,
}

/// From whom to whom, and when.
type Contact = (Party, Party, i64);

/// One day as it was.
#[derive(Debug, Default)]
struct Seen {
    calls: Vec<Contact>,
    texts: Vec<Contact>,
}

/// Who has seen the last days, and the reports about them.
#[derive(Debug, Default)]
pub(super) struct Witness {
    days: BTreeMap<Day, Seen>,
    /// Reports of days that are not over.
    open: Vec<Accusation>,
    known: Vec<Accusation>,
}

impl Witness {
    pub(super) fn see(&mut self, calls: &[Call], texts: &[Text]) {
        // Whose number is only shown has called nobody.
        for call in calls.iter().filter(|call| !call.is_spoofed) {
            self.days.entry(Day::of(call.at)).or_default().calls.push((call.caller, call.callee, call.at));
        }
        for text in texts {
            let Sender::Party(sender) = text.sender else { continue };
            self.days.entry(Day::of(text.at)).or_default().texts.push((sender, text.recipient, text.at));
        }
    }

    pub(super) fn hear(&mut self, report_id: &str, report: &Report) {
        let accusation = |source: &i64| Accusation {
            report_id: report_id.to_owned(),
            reporter: report.reporter,
            source: *source,
            reported_at: report.reported_at,
            called_at: report.fields.as_ref().map(|fields| fields.called_at),
            motive: report.motive.name(),
            is_sms: report.is_sms(),
            is_due: false,
        };
        self.open.extend(std::iter::once(&report.source).chain(&report.others).map(accusation));
    }

    /// Settles the reports of a day that is over.
    pub(super) fn settle(&mut self, population: &Population, day: Day) {
        let (mut due, open) = std::mem::take(&mut self.open)
            .into_iter()
            .partition::<Vec<_>, _>(|accusation| Day::of(accusation.reported_at) <= day);
        self.open = open;
        let pairs: BTreeSet<(i64, i64)> =
            due.iter().flat_map(|one| [(one.source, one.reporter), (one.reporter, one.source)]).collect();
        let near = |of: fn(&Seen) -> &Vec<Contact>| {
            let mut met: BTreeMap<(i64, i64), Vec<i64>> = BTreeMap::new();
            for (from, to, at) in self.days.range(day.plus(-NEAR_DAYS)..).flat_map(|(_, seen)| of(seen)) {
                let pair = population.number(*from).zip(population.number(*to));
                if let Some(pair) = pair.filter(|pair| pairs.contains(pair)) {
                    met.entry(pair).or_default().push(*at);
                }
            }
            met
        };
        let (calls, texts) = (near(|seen| &seen.calls), near(|seen| &seen.texts));
        for accusation in &mut due {
            let (made, back) = ((accusation.source, accusation.reporter), (accusation.reporter, accusation.source));
            let first = |met: &BTreeMap<(i64, i64), Vec<i64>>, pair| {
                let meant = met.get(&pair).into_iter().flatten().filter(|at| accusation.is_about(**at));
                meant.min().copied()
            };
            accusation.is_due = if accusation.is_sms {
                first(&texts, made).is_some()
            } else {
                first(&calls, made).is_some_and(|made| first(&calls, back).is_none_or(|back| made <= back))
            };
        }
        self.known.extend(due);
        self.days = self.days.split_off(&day.plus(1 - NEAR_DAYS));
    }
}

impl Accusation {
    /// Whether what happened then may be what it is about.
    fn is_about(&self, at: i64) -> bool {
        let is_named = |named| (Day::of(named - AROUND_US)..=Day::of(named + AROUND_US)).contains(&Day::of(at));
        at <= self.reported_at && self.called_at.is_none_or(is_named)
    }
}

impl Motive {
    fn name(self) -> &'static str {
        match self {
            Self::Bothered => "bothered",
            Self::Mistaken => "mistaken",
            Self::Malicious => "malicious",
            Self::Brigade => "brigade",
        }
    }
}

impl Operator {
    /// The truth of every number of the reports that were received up to the last day that is over.
    pub fn accusations(&self) -> &[Accusation] {
        &self.witness.known
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{clean, run};
    use super::super::{BeyondOptions, Message, Options, ReportOptions};
    use super::*;
    use crate::schema::topic::Topic;
    use crate::schema::wire::CitizenReport;

    /// An operator whose subscribers report a lot, and on whose every day a gang does.
    pub(in super::super) fn reported() -> (Operator, Vec<Message>) {
        let report = ReportOptions { least_share: 0.05, most_share: 0.15, malicious_share: 0.05, ..Default::default() };
        let beyond = BeyondOptions { brigade_day_share: 1.0, ..BeyondOptions::NOTHING };
        run(Options { days: 6, report, beyond, ..clean(1_500) })
    }

    #[test]
    fn the_truth_of_a_report_is_whether_its_number_had_called() {
        let (operator, messages) = reported();
        let mut due: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
        for accusation in operator.accusations() {
            due.entry(accusation.motive).or_default().push(accusation.is_due);
        }
        let share = |motive: &str| {
            let all = &due[motive];
            assert!(all.len() > 5, "{} reports are {motive}", all.len());
            all.iter().filter(|due| **due).count() * 100 / all.len()
        };
        // A call that is told as a message, or days later, is none that was near.
        assert!(share("bothered") > 60, "{} %", share("bothered"));
        assert!(share("mistaken") < 60 && share("malicious") < 30, "{} % {} %", share("mistaken"), share("malicious"));
        assert!(share("brigade") < 10, "{} %", share("brigade"));
        let sent: BTreeSet<String> = messages
            .iter()
            .filter(|message| message.topic == Topic::CitizenReport)
            .map(|message| {
                serde_json::from_slice::<CitizenReport<'_>>(&message.payload).unwrap().report_id.into_owned()
            })
            .collect();
        assert!(operator.accusations().iter().all(|accusation| sent.contains(&accusation.report_id)));
    }
}
