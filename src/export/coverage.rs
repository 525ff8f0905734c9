//! The certificate that every input offset of a week was counted, once.
//!
//! In: what commits told of the offsets of each source partition. Out: runs of offsets whose parts add up, and everything
//! that is wrong with them. Never: a run for each commit of a week; neighbours are one.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde::{Deserialize, Serialize};

use crate::domain::account::Account;
use crate::domain::day::{Day, Week};
use crate::domain::origin::Origin;

/// What was told of some offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// They were read.
    Read,
    /// They were given up by a signed act.
    Accepted,
    /// Rejects among them became rows later; the offsets themselves are counted where they were read.
    Replayed,
}

/// One commit's word.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The topic's table.
    pub topic: &'a str,
    /// What it tells.
    pub act: Act,
    /// Of which offsets.
    pub account: &'a Account,
    /// Since when the dropped file is missed of which these offsets were given up: of which days its records were, nobody
    /// knows.
    pub missed: Option<Day>,
}

/// Neighbouring offsets of one source partition: a line of `coverage.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The topic's table.
    pub topic: String,
    /// Where the offsets count.
    pub source: String,
    /// Partition of it.
    pub partition: i32,
    /// What was told.
    pub act: Act,
    /// First offset.
    pub from: i64,
    /// First offset after.
    pub until: i64,
    /// Messages that became rows.
    pub records: u64,
    /// Messages that became rejects.
    pub rejects: u64,
    /// Messages without a body.
    pub tombstones: u64,
    /// Offsets that the broker never handed out.
    pub gaps: u64,
    /// Rows of the week among the records.
    pub rows_of_week: u64,
}

/// What a week's runs come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// Offsets that were read.
    pub offsets: u64,
    /// Those that became rows.
    pub records: u64,
    /// Those that became rejects.
    pub rejects: u64,
    /// Those without a body.
    pub tombstones: u64,
    /// Those that the broker never handed out.
    pub gaps: u64,
    /// Offsets that were given up by a signed act: beside those, or lost of them since.
    pub accepted: u64,
    /// Rows of the week, those of replayed rejects included.
    pub rows_of_week: u64,
}

/// The runs of a week: of each source partition all from the first commit that brought rows of it to the last, and what was
/// given up that may have been of it.
pub fn runs(told: &[Told<'_>], week: Week) -> Vec<Run> {
    let mut windows: BTreeMap<(&str, &str, i32), (i64, i64)> = BTreeMap::new();
    for told in told.iter().filter(|told| told.is_of(week)) {
        let Account { from, until, .. } = *told.account;
        let window = windows.entry(told.place()).or_insert((from, until));
        *window = (window.0.min(from), window.1.max(until));
    }
    widen(&mut windows, told);
    let is_within = |told: &&Told<'_>| {
        let window = windows.get(&told.place());
        let is_empty = told.account.from == told.account.until;
        !is_empty && window.is_some_and(|(from, until)| told.account.from < *until && told.account.until > *from)
    };
    let mut within: Vec<&Told<'_>> = told.iter().filter(is_within).collect();
    within.sort_by_key(|told| (told.place(), told.act, told.account.from, told.account.until));
    let mut runs: Vec<Run> = Vec::new();
    for told in within {
        let run = Run::of(told, week);
        match runs.last_mut() {
            Some(last) if last.is_before(&run) => last.join(&run),
            _ => runs.push(run),
        }
    }
    runs
}

/// Takes in what was given up right before a week's first commit, since the week before ends with its last. Of a dropped
/// file, of which nothing follows, it takes in what was given up behind it as well.
fn widen<'t>(windows: &mut BTreeMap<(&'t str, &'t str, i32), (i64, i64)>, told: &'t [Told<'_>]) {
    let mut given_up: Vec<&'t Told<'_>> = told.iter().filter(|told| told.act == Act::Accepted).collect();
    given_up.sort_by_key(|told| told.account.from);
    for told in given_up.iter().copied().rev() {
        if let Some((from, _)) = windows.get_mut(&told.place())
            && *from == told.account.until
        {
            *from = told.account.from;
        }
    }
    let is_of_file = |told: &&Told<'_>| matches!(told.account.source.parse(), Ok(Origin::File { .. }));
    for told in given_up.into_iter().filter(is_of_file) {
        if let Some((_, until)) = windows.get_mut(&told.place())
            && *until == told.account.from
        {
            *until = told.account.until;
        }
    }
}

fn rows_of(account: &Account, week: Week) -> u64 {
    week.days().filter_map(|day| account.days.get(&day)).sum()
}

impl Told<'_> {
    fn place(&self) -> (&str, &str, i32) {
        (self.topic, &self.account.source, self.account.partition)
    }

    /// Whether it brought rows of a week, or stands for a file that may have held some: one that was missed in it, or on
    /// the morning behind it, when the last of it are brought.
    fn is_of(&self, week: Week) -> bool {
        let monday = week.monday();
        let is_missed = self.missed.is_some_and(|day| (monday..=monday.plus(7)).contains(&day));
        rows_of(self.account, week) > 0 || is_missed
    }
}

impl Run {
    fn of(told: &Told<'_>, week: Week) -> Self {
        let account = told.account;
        Self {
            topic: told.topic.to_owned(),
            source: account.source.clone(),
            partition: account.partition,
            act: told.act,
            from: account.from,
            until: account.until,
            records: account.records,
            rejects: account.rejects,
            tombstones: account.tombstones.count(),
            gaps: account.gaps.count(),
            rows_of_week: rows_of(account, week),
        }
    }

    fn place(&self) -> (&str, &str, i32) {
        (&self.topic, &self.source, self.partition)
    }

    fn is_before(&self, next: &Self) -> bool {
        self.place() == next.place() && self.act == next.act && self.until == next.from
    }

    fn join(&mut self, next: &Self) {
        self.until = next.until;
        self.records += next.records;
        self.rejects += next.rejects;
        self.tombstones += next.tombstones;
        self.gaps += next.gaps;
        self.rows_of_week += next.rows_of_week;
    }

    fn offsets(&self) -> u64 {
        u64::try_from(self.until - self.from).unwrap_or_default()
    }

    /// For people.
    fn name(&self) -> String {
        let Self { topic, source, partition, from, until, .. } = self;
        format!("{topic} {source} partition {partition}, offsets {from} to {until}")
    }
}

/// What the runs of each topic come to.
pub fn sums(runs: &[Run]) -> BTreeMap<String, Sum> {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for run in runs {
        let sum = sums.entry(run.topic.clone()).or_default();
        sum.rows_of_week += run.rows_of_week;
        match run.act {
            Act::Read => {
                sum.offsets += run.offsets();
                sum.records += run.records;
                sum.rejects += run.rejects;
                sum.tombstones += run.tombstones;
                sum.gaps += run.gaps;
            }
            Act::Accepted => sum.accepted += run.offsets(),
            Act::Replayed => {}
        }
    }
    sums
}

/// Everything that contradicts "each offset of the week was counted once".
pub fn problems(runs: &[Run]) -> Vec<String> {
    let mut problems = Vec::new();
    for run in runs.iter().filter(|run| run.act == Act::Read) {
        let told = run.records + run.rejects + run.tombstones + run.gaps;
        if told != run.offsets() {
            problems.push(format!("{}: {} offsets, but {told} are told of", run.name(), run.offsets()));
        }
    }
    let mut counted: Vec<&Run> = runs.iter().filter(|run| run.act != Act::Replayed).collect();
    counted.sort_by_key(|run| (run.place(), run.from, run.until));
    for of_place in counted.chunk_by(|one, next| one.place() == next.place()) {
        // What reaches farthest until now, and what of it was read.
        let (mut last, mut read): (Option<&Run>, Option<&Run>) = (None, None);
        for run in of_place.iter().copied() {
            if let Some(last) = last.filter(|last| last.until < run.from) {
                problems.push(format!("{}: what follows up to {} was not counted", last.name(), run.from));
            }
            // What was given up may have been read before, and is lost of it since.
            if run.act == Act::Read {
                if let Some(read) = read.filter(|read| read.until > run.from) {
                    problems.push(format!("{}: counted again from {} on", read.name(), run.from));
                }
                read = farther(read, run);
            }
            last = farther(last, run);
        }
    }
    problems
}

fn farther<'r>(one: Option<&'r Run>, other: &'r Run) -> Option<&'r Run> {
    one.filter(|one| one.until >= other.until).or(Some(other))
}

/// The runs as CSV with a header.
pub fn csv(runs: &[Run], out: &mut impl Write) -> anyhow::Result<()> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(out);
    writer.write_record([
        "topic",
        "source",
        "partition",
        "act",
        "from",
        "until",
        "records",
        "rejects",
        "tombstones",
        "gaps",
        "rows_of_week",
    ])?;
    for run in runs {
        writer.serialize(run)?;
    }
    Ok(writer.flush()?)
}

/// Reads them back.
pub fn read(from: impl Read) -> anyhow::Result<Vec<Run>> {
    Ok(csv::Reader::from_reader(from).deserialize().collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week() -> Week {
        Day::from_epoch_days(20_094).week()
    }

    /// Offsets that are all rows, of a day of the week or of none.
    fn account(partition: i32, from: i64, until: i64, day: Option<i32>) -> Account {
        let mut account = Account { until, ..Account::empty("k/call_record/0", partition, from) };
        account.records = (until - from).unsigned_abs();
        account.days.extend(day.map(|day| (Day::from_epoch_days(20_094 + day), account.records)));
        account
    }

    #[track_caller]
    fn check(told: &[(Act, Account)], expected: &[(i32, Act, i64, i64, u64)], problems_expected: &[&str]) {
        let told: Vec<Told<'_>> =
            told.iter().map(|(act, account)| Told { topic: "call_record", act: *act, account, missed: None }).collect();
        let runs = runs(&told, week());
        let found: Vec<_> =
            runs.iter().map(|run| (run.partition, run.act, run.from, run.until, run.rows_of_week)).collect();
        assert_eq!(found, expected);
        let found = problems(&runs);
        assert_eq!(found.len(), problems_expected.len(), "{found:?}");
        for (found, expected) in found.iter().zip(problems_expected) {
            assert!(found.contains(expected), "{found}");
        }
        let mut text = Vec::new();
        csv(&runs, &mut text).unwrap();
        assert_eq!(read(&text[..]).unwrap(), runs);
    }

    #[test]
    fn neighbours_are_one_run_from_the_weeks_first_commit_to_its_last() {
        let told = [
            (Act::Read, account(0, 0, 10, Some(-1))),
            (Act::Read, account(0, 20, 30, Some(6))),
            (Act::Read, account(0, 10, 20, Some(0))),
            (Act::Read, account(0, 30, 40, Some(7))),
            (Act::Read, account(1, 0, 5, Some(3))),
            (Act::Read, account(2, 0, 5, Some(9))),
        ];
        check(&told, &[(0, Act::Read, 10, 30, 20), (1, Act::Read, 0, 5, 5)], &[]);
    }

    #[test]
    fn a_commit_between_that_brought_no_row_of_the_week_counts_too() {
        let told = [
            (Act::Read, account(0, 0, 10, Some(0))),
            (Act::Read, account(0, 10, 20, None)),
            (Act::Read, account(0, 20, 30, Some(1))),
        ];
        check(&told, &[(0, Act::Read, 0, 30, 20)], &[]);
    }

    #[test]
    fn offsets_that_were_given_up_close_a_hole_and_replays_count_nothing_twice() {
        let read = |from, until| (Act::Read, account(0, from, until, Some(0)));
        let lost = (Act::Accepted, Account { until: 20, ..Account::empty("k/call_record/0", 0, 10) });
        let replayed = (Act::Replayed, account(0, 5, 7, Some(0)));
        let expected = [
            (0, Act::Read, 0, 10, 10),
            (0, Act::Read, 20, 30, 10),
            (0, Act::Accepted, 10, 20, 0),
            (0, Act::Replayed, 5, 7, 2),
        ];
        check(&[read(0, 10), lost, read(20, 30), replayed], &expected, &[]);
    }

    #[test]
    fn what_was_given_up_between_two_weeks_is_of_the_second() {
        let lost = |from, until| (Act::Accepted, Account { until, ..Account::empty("k/call_record/0", 0, from) });
        let told = [
            (Act::Read, account(0, 0, 10, Some(-1))),
            lost(10, 15),
            lost(15, 20),
            (Act::Read, account(0, 20, 30, Some(0))),
            lost(30, 35),
        ];
        check(&told, &[(0, Act::Read, 20, 30, 10), (0, Act::Accepted, 10, 20, 0)], &[]);
    }

    #[test]
    fn what_was_given_up_of_a_file_is_of_its_week() {
        let of_file = |account: Account| Account { source: format!("file/{}", "ab".repeat(32)), ..account };
        let lost = Account { until: 20, ..Account::empty("", 0, 16) };
        let told = [(Act::Read, of_file(account(0, 0, 16, Some(0)))), (Act::Accepted, of_file(lost))];
        check(&told, &[(0, Act::Read, 0, 16, 16), (0, Act::Accepted, 16, 20, 0)], &[]);
    }

    #[test]
    fn a_file_of_which_nothing_was_loaded_is_told_of_in_the_weeks_that_it_may_have_been_of() {
        let lost = Account { until: 1, ..Account::empty("file/unread-ab-cd", 0, 0) };
        for (day, is_told) in [(-1, false), (0, true), (6, true), (7, true), (8, false)] {
            let missed = Some(Day::from_epoch_days(20_094 + day));
            let told = Told { topic: "call_record", act: Act::Accepted, account: &lost, missed };
            let runs = runs(&[told], week());
            let accepted = sums(&runs).remove("call_record").unwrap_or_default().accepted;
            assert_eq!(accepted, u64::from(is_told), "{day}");
        }
    }

    #[test]
    fn what_is_lost_of_a_commit_and_given_up_holds_no_week_back() {
        let read = |from, until| (Act::Read, account(0, from, until, Some(0)));
        let lost = (Act::Accepted, Account { until: 5, ..Account::empty("k/call_record/0", 0, 3) });
        let expected = [(0, Act::Read, 0, 20, 20), (0, Act::Accepted, 3, 5, 0)];
        check(&[read(0, 10), lost, read(10, 20)], &expected, &[]);
    }

    #[test]
    fn what_is_not_counted_once_is_named() {
        let read = |from, until| (Act::Read, account(0, from, until, Some(0)));
        check(
            &[read(0, 10), read(12, 20)],
            &[(0, Act::Read, 0, 10, 10), (0, Act::Read, 12, 20, 8)],
            &["what follows up to 12 was not counted"],
        );
        check(
            &[read(0, 10), read(8, 20)],
            &[(0, Act::Read, 0, 10, 10), (0, Act::Read, 8, 20, 12)],
            &["counted again from 8 on"],
        );
        let short = (Act::Read, Account { records: 9, ..account(0, 0, 10, Some(0)) });
        check(&[short], &[(0, Act::Read, 0, 10, 10)], &["10 offsets, but 9 are told of"]);
    }

    #[test]
    fn sums_are_by_topic() {
        let (one, lost) =
            (account(0, 0, 10, Some(0)), Account { until: 12, ..Account::empty("k/call_record/0", 0, 10) });
        let told = [
            Told { topic: "call_record", act: Act::Read, account: &one, missed: None },
            Told { topic: "call_record", act: Act::Accepted, account: &lost, missed: None },
            Told { topic: "sms_record", act: Act::Read, account: &one, missed: None },
        ];
        // Offsets behind the week's last commit are the next week's.
        let sums = sums(&runs(&told, week()));
        let sum = Sum { offsets: 10, records: 10, rows_of_week: 10, ..Sum::default() };
        assert_eq!(sums, BTreeMap::from([("call_record".to_owned(), sum.clone()), ("sms_record".to_owned(), sum)]));
    }
}
