//! The proof that every offset of a source partition is exactly one thing.
//!
//! In: the entries of one partition, and the offsets that rows and rejects really carry. Out: sums, and every offset
//! that is missing, doubled or not told of. Never: trusts a sum where an offset can be looked at.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Bound, Range};

use serde::Serialize;

use self::seen::{Seen, clipped, holds, listed, merged, rest, together};
use super::ledger::{Entry, Kind};
use crate::domain::account::{Account, Offsets};
use crate::domain::day::Day;
use crate::schema::contract::Table;

pub mod seen;

/// What was removed from a table by age: the rows before each of these days that a version before the one beside it
/// had brought.
#[derive(Debug, Clone, Default)]
pub struct Expired(BTreeMap<Day, i64>);

impl Expired {
    /// As the table's entries tell it.
    pub fn of(entries: &[Entry]) -> Self {
        let mut expired: BTreeMap<Day, i64> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.kind == Kind::Expired) {
            let Some(before) = entry.note.as_deref().and_then(|note| note.parse::<Day>().ok()) else { continue };
            // An older program does not tell which versions it looked at: those before its own commit.
            let told = Some(entry.account.until).filter(|until| *until > 0);
            let until = told.or(entry.table_version).unwrap_or(i64::MAX);
            let known = expired.entry(before).or_insert(until);
            *known = until.max(*known);
        }
        // Whatever removed the rows before a later day removed those before an earlier one too.
        let mut newest = i64::MIN;
        for until in expired.values_mut().rev() {
            newest = newest.max(*until);
            *until = newest;
        }
        Self(expired)
    }

    /// Whether what a version brought of a day is gone. A row may come after its day was removed, and then it stays
    /// until the next time.
    fn has(&self, day: Day, version: Option<i64>) -> bool {
        let later = self.0.range((Bound::Excluded(day), Bound::Unbounded)).next();
        later.is_some_and(|(_, until)| version.is_none_or(|version| version < *until))
    }
}

/// What the tables hold of one source partition, and what they have held until it was removed by age.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// Rows of the topic's table.
    pub rows: &'a Seen,
    /// Rows of `reject`.
    pub rejects: &'a Seen,
    /// What was removed from the topic's table.
    pub expired: &'a Expired,
    /// What was removed from `reject`.
    pub expired_rejects: &'a Expired,
}

impl Found<'_> {
    fn has(&self, offset: i64) -> bool {
        self.rows.has(offset) || self.rejects.has(offset)
    }
}

/// What is wrong with some offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// No commit tells of them.
    Hole,
    /// Two commits tell of them.
    ToldTwice,
    /// A commit tells of them, and they are neither row nor reject, tombstone or gap. Where rows of the same commit
    /// were removed by age, those stand here too: which of them they were is not known any more.
    Missing,
    /// They are rows or rejects more than once, or two things at once.
    Doubled,
    /// They are rows or rejects, and no commit tells of them.
    Untold,
    /// Each is one thing, but their sums differ from what their commit tells.
    OtherSums,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hole => "told of by no commit",
            Self::ToldTwice => "told of by two commits",
            Self::Missing => "neither row nor reject, tombstone or gap",
            Self::Doubled => "more than one row, or two things at once",
            Self::Untold => "rows or rejects that no commit tells of",
            Self::OtherSums => "their sums differ from what their commit tells",
        })
    }
}

/// Offsets with something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// Which.
    pub offsets: Offsets,
}

/// What became of the offsets of one source partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Where the offsets count.
    pub source: String,
    /// Partition of it.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// First offset after.
    pub until: i64,
    /// Messages that are rows, replayed rejects included.
    pub records: u64,
    /// Messages that are rejects and nothing else.
    pub rejects: u64,
    /// Messages without a body.
    pub tombstones: u64,
    /// Offsets that the broker never handed out.
    pub gaps: u64,
    /// Of the records, those that were rejects first.
    pub replayed: u64,
    /// Of the records, those that a worker refused after its successor had taken them: the rows supersede the rejects.
    pub superseded: u64,
    /// Of the records, those that were removed by age since.
    pub expired: u64,
    /// Offsets that were given up by a signed act.
    pub accepted: u64,
    /// What is wrong; empty when the ledger is closed.
    pub findings: Vec<Finding>,
}

/// Proves one partition; `entries` are all of its own, in the order of offsets. Of a window of offsets only the commits
/// that reach into it are looked at, and those whole.
pub fn prove(entries: &[&Entry], found: Found<'_>, within: Option<&Range<i64>>) -> Proof {
    let spans = Spans::of(entries, within);
    let mut proof = Proof { from: spans.extent.start, until: spans.extent.end, ..Proof::default() };
    if let Some(entry) = entries.first() {
        (proof.source, proof.partition) = (entry.account.source.clone(), entry.account.partition);
    }
    let mut wrong = Wrong::default();
    for entry in &spans.read {
        proof.add(entry, &spans.accepted, found, &mut wrong);
    }
    proof.add_accepted(&spans, found);
    let covered = spans.covered();
    let looked_at = if within.is_some() { spans.extent.clone() } else { i64::MIN..i64::MAX };
    for seen in [found.rows, found.rejects] {
        proof.find(Fault::Untold, seen.outside(&covered, &looked_at));
        proof.find(Fault::Doubled, seen.doubled(&looked_at));
    }
    proof.find(Fault::Hole, spans.holes());
    proof.find(Fault::ToldTwice, spans.told_twice());
    proof.find(Fault::Missing, together(wrong.missing));
    proof.find(Fault::Doubled, together(wrong.doubled));
    proof
}

/// Offsets of a source partition, from the first that a commit tells of to the last, that were neither read nor given
/// up; what was left for a back-fill is among them until it is read. `entries` are those of a topic's table.
pub fn holes(entries: &[Entry], source: &str, partition: i32) -> Offsets {
    let is_own = |entry: &&Entry| entry.account.source == source && entry.account.partition == partition;
    let entries: Vec<&Entry> = entries.iter().filter(is_own).collect();
    Spans::of(&entries, None).holes()
}

/// The offsets that the entries of one partition tell of.
struct Spans<'a> {
    read: Vec<&'a Entry>,
    accepted: Vec<Range<i64>>,
    /// From the first offset to the last.
    extent: Range<i64>,
}

impl<'a> Spans<'a> {
    fn of(entries: &[&'a Entry], within: Option<&Range<i64>>) -> Self {
        let of = |kind: Kind| entries.iter().copied().filter(move |entry| entry.kind == kind);
        let overlaps = |range: Range<i64>, other: &Range<i64>| range.start < other.end && other.start < range.end;
        let is_within = |entry: &&Entry| within.is_none_or(|within| overlaps(span(entry), within));
        let read: Vec<&Entry> = of(Kind::Read).filter(is_within).collect();
        let accepted = merged(of(Kind::Accepted).map(span));
        let told = merged(read.iter().copied().chain(of(Kind::Deferred)).map(span).chain(accepted.iter().cloned()));
        let extent = match within {
            Some(within) => read.iter().fold(within.clone(), |extent, entry| {
                extent.start.min(entry.account.from)..extent.end.max(entry.account.until)
            }),
            None => told.first().zip(told.last()).map_or(0..0, |(first, last)| first.start..last.end),
        };
        Self { read, accepted: clipped(&accepted, &extent), extent }
    }

    fn covered(&self) -> Vec<Range<i64>> {
        merged(self.read.iter().copied().map(span).chain(self.accepted.iter().cloned()))
    }

    /// What was neither read nor given up.
    fn holes(&self) -> Offsets {
        rest(&self.extent, &self.covered())
    }

    /// What was read by two commits. Whatever was given up may have been read before, and may come back.
    fn told_twice(&self) -> Offsets {
        let mut twice = Vec::new();
        let mut next = i64::MIN;
        for range in self.read.iter().copied().map(span) {
            twice.push(range.start..range.end.min(next));
            next = next.max(range.end);
        }
        together(twice)
    }
}

/// Offsets that the tables hold otherwise than their commit tells.
#[derive(Default)]
struct Wrong {
    missing: Vec<Range<i64>>,
    doubled: Vec<Range<i64>>,
}

/// The rows and rejects of one commit: as it tells of them, as they lie there, and as they were removed by age.
struct Sums {
    records: i64,
    rejects: i64,
    rows_found: i64,
    rejects_found: i64,
    both_found: i64,
    rows_expired: i64,
    rejects_expired: i64,
}

impl Sums {
    fn of(entry: &Entry, found: Found<'_>) -> Self {
        let account = &entry.account;
        let (rows, both) = found.rows.counts(&span(entry), found.rejects);
        let (rejects, _) = found.rejects.counts(&span(entry), found.rows);
        let is_expired = |day: Day| found.expired.has(day, entry.table_version);
        let expired: u64 = account.days.iter().filter(|(day, _)| is_expired(**day)).map(|(_, rows)| rows).sum();
        // All rejects of a commit were refused at its own instant, so they leave together.
        let are_rejects_expired = found.expired_rejects.has(Day::of(entry.committed_at), None);
        let expired_rejects = if are_rejects_expired { account.rejects.saturating_sub(rejects) } else { 0 };
        Self {
            records: account.records.cast_signed(),
            rejects: account.rejects.cast_signed(),
            rows_found: rows.cast_signed(),
            rejects_found: rejects.cast_signed(),
            both_found: both.cast_signed(),
            rows_expired: expired.cast_signed(),
            rejects_expired: expired_rejects.cast_signed(),
        }
    }

    /// Rows beyond those of the commit: its rejects that were replayed.
    fn replayed(&self) -> i64 {
        self.rows_found + self.rows_expired - self.records
    }

    /// Rejects beyond those of the commit: a worker that had lost its partition refused what its successor took.
    fn superseded(&self) -> i64 {
        self.rejects_found + self.rejects_expired - self.rejects
    }

    /// Both have a row and a reject at one place, unless one of the two was removed by age. How many stand alone;
    /// below zero, how many messages are gone.
    fn alone(&self) -> i64 {
        self.replayed() + self.superseded() - self.both_found
    }

    /// Whether nothing is left to explain when `given_up` messages are gone by a signed act.
    fn agree(&self, given_up: i64) -> bool {
        let is_enough = self.replayed() >= -given_up && self.superseded() >= -given_up;
        is_enough && (-given_up..=self.rows_expired + self.rejects_expired).contains(&self.alone())
    }
}

impl Proof {
    /// Whether nothing is wrong.
    pub fn is_closed(&self) -> bool {
        self.findings.is_empty()
    }

    /// Whether every offset of a range is lost: told of by no commit, or missing.
    pub fn has_lost(&self, range: &Range<i64>) -> bool {
        let lost = self.findings.iter().filter(|finding| matches!(finding.fault, Fault::Hole | Fault::Missing));
        rest(range, &merged(lost.flat_map(|finding| finding.offsets.runs()))).is_empty()
    }

    fn find(&mut self, fault: Fault, offsets: Offsets) {
        if !offsets.is_empty() {
            self.findings.push(Finding { fault, offsets });
        }
    }

    /// Adds what one commit has read. Where its sums are not what it tells, every offset of it is looked at.
    fn add(&mut self, entry: &Entry, accepted: &[Range<i64>], found: Found<'_>, wrong: &mut Wrong) {
        let account = &entry.account;
        let range = span(entry);
        if range.is_empty() {
            return;
        }
        let bodiless = merged(account.tombstones.runs().chain(account.gaps.runs()));
        let is_nothing = |offset: &i64| !found.has(*offset) && !holds(&bodiless, *offset);
        let given_up: i64 = clipped(accepted, &range).into_iter().flatten().filter(is_nothing).map(|_| 1_i64).sum();
        let sums = Sums::of(entry, found);
        self.count(account, &sums, given_up);
        let doubled = listed(bodiless.iter().cloned().flatten().filter(|offset| found.has(*offset)));
        if account.adds_up() && sums.agree(given_up) && doubled.is_empty() {
            return;
        }
        let is_missing = |offset: &i64| is_nothing(offset) && !holds(accepted, *offset);
        let missing = listed(range.clone().filter(is_missing));
        if missing.is_empty() && doubled.is_empty() {
            self.find(Fault::OtherSums, together(vec![range]));
        }
        wrong.missing.extend(missing.runs());
        wrong.doubled.extend(doubled.runs());
    }

    fn count(&mut self, account: &Account, sums: &Sums, given_up: i64) {
        let alone = sums.alone();
        let rejects = sums.rejects_found + sums.rejects_expired - sums.both_found - alone.max(0);
        self.records += (sums.rows_found + sums.rows_expired).unsigned_abs();
        self.rejects += rejects.max(0).unsigned_abs();
        self.tombstones += account.tombstones.count();
        self.gaps += account.gaps.count();
        self.replayed += sums.replayed().max(0).unsigned_abs();
        self.superseded += sums.superseded().max(0).unsigned_abs();
        self.expired += sums.rows_expired.unsigned_abs();
        self.accepted += (-alone).clamp(0, given_up).unsigned_abs();
    }

    /// Adds what was given up and never read; what did arrive of it counts as what it is.
    fn add_accepted(&mut self, spans: &Spans<'_>, found: Found<'_>) {
        let read = merged(spans.read.iter().copied().map(span));
        for range in &spans.accepted {
            for range in rest(range, &read).runs() {
                let (rows, both) = found.rows.counts(&range, found.rejects);
                let (rejects, _) = found.rejects.counts(&range, found.rows);
                self.records += rows;
                self.rejects += rejects - both;
                self.accepted += (range.end - range.start).unsigned_abs() + both - rows - rejects;
            }
        }
    }
}

/// Why a table's input is not complete up to an instant (UTC microseconds); empty when it is.
///
/// Only the source that was read last can be behind, and not once it was retired. A table that was never read from a
/// topic is not waited for.
pub fn open_reasons(table: Table, entries: &[Entry], until: i64) -> Vec<String> {
    let live = live(entries);
    let mut partitions: BTreeMap<(&str, i32), Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| is_of_topic(entry) && entry.kind != Kind::Retired) {
        partitions.entry((&entry.account.source, entry.account.partition)).or_default().push(entry);
    }
    let mut reasons = Vec::new();
    for ((source, partition), entries) in partitions {
        let spans = Spans::of(&entries, None);
        let holes = spans.holes();
        let unsound = spans.read.iter().copied().filter(|entry| !entry.account.adds_up()).map(span);
        let holes = together(holes.runs().chain(unsound).collect());
        if !holes.is_empty() {
            reasons.push(format!("{table} partition {partition} of {source} has holes: {holes}"));
        }
        let told = entries.iter().filter(|entry| entry.kind != Kind::Deferred);
        let watermark = told.filter_map(|entry| entry.account.watermark).max();
        if live == Some(source) && watermark.is_none_or(|at| at < until) {
            let at = watermark.and_then(chrono::DateTime::from_timestamp_micros);
            let at = at.map_or("nowhere".to_owned(), |at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            reasons.push(format!("{table} partition {partition} of {source} has been read up to {at}"));
        }
    }
    reasons
}

/// The topic that was read last, unless it was retired since. A signed act or a replay on an old topic does not put it
/// in the place of the one that is being read.
fn live(entries: &[Entry]) -> Option<&str> {
    let topics = || entries.iter().filter(|entry| is_of_topic(entry));
    let told = topics().filter(|entry| entry.kind != Kind::Retired);
    let last = told.max_by_key(|entry| (is_reading(entry), entry.committed_at))?;
    let source = last.account.source.as_str();
    let mut acts = topics().filter(|entry| entry.kind == Kind::Retired && entry.account.source == source);
    let is_retired = acts.any(|act| !is_reading(last) || act.committed_at >= last.committed_at);
    (!is_retired).then_some(source)
}

/// CLUSTER/TOPIC/EPOCH; a topic's name holds no slash.
const TOPIC_PARTS: usize = 3;

fn is_of_topic(entry: &Entry) -> bool {
    entry.account.source.split('/').count() == TOPIC_PARTS
}

/// Whether it tells how far its source was read.
fn is_reading(entry: &Entry) -> bool {
    matches!(entry.kind, Kind::Read | Kind::Idle | Kind::Deferred)
}

/// The offsets that an entry tells of.
fn span(entry: &Entry) -> Range<i64> {
    entry.account.from..entry.account.until
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: Kind, range: Range<i64>, records: u64, rejects: u64, gaps: &str) -> Entry {
        let mut account = Account::empty("k/t/0", 0, range.start);
        account.until = range.end;
        (account.records, account.rejects, account.gaps) = (records, rejects, gaps.parse().unwrap());
        account.watermark = Some(range.end * 10);
        Entry::new(kind, Table::CALL_RECORD, account, range.end)
    }

    fn seen(offsets: &[i64]) -> Seen {
        let mut seen = Seen::default();
        offsets.iter().for_each(|offset| seen.add(*offset));
        seen
    }

    /// Two commits: offsets 0 to 99 with a reject at 7 and a gap at 9, then 100 to 129.
    fn two() -> Vec<Entry> {
        vec![entry(Kind::Read, 0..100, 98, 1, "9"), entry(Kind::Read, 100..130, 30, 0, "")]
    }

    /// What the tables hold, and the entries of what was removed from them.
    #[derive(Default)]
    struct Lies<'a> {
        rows: &'a [i64],
        rejects: &'a [i64],
        expired: Vec<Entry>,
        expired_rejects: Vec<Entry>,
        within: Option<Range<i64>>,
    }

    #[track_caller]
    fn check_all(entries: &[Entry], lies: &Lies<'_>, findings: &[(Fault, &str)]) -> Proof {
        let entries: Vec<&Entry> = entries.iter().collect();
        let (rows, rejects) = (seen(lies.rows), seen(lies.rejects));
        let (expired, expired_rejects) = (Expired::of(&lies.expired), Expired::of(&lies.expired_rejects));
        let found = Found { rows: &rows, rejects: &rejects, expired: &expired, expired_rejects: &expired_rejects };
        let proof = prove(&entries, found, lies.within.as_ref());
        let found: Vec<_> = proof.findings.iter().map(|finding| (finding.fault, finding.offsets.to_string())).collect();
        let wanted: Vec<_> = findings.iter().map(|(fault, offsets)| (*fault, (*offsets).to_owned())).collect();
        assert_eq!(found, wanted);
        if wanted.is_empty() {
            let told = proof.records + proof.rejects + proof.tombstones + proof.gaps + proof.accepted;
            assert_eq!(told, (proof.until - proof.from).unsigned_abs(), "each offset is one thing");
        }
        proof
    }

    #[track_caller]
    fn check(entries: &[Entry], rows: &[i64], rejects: &[i64], findings: &[(Fault, &str)]) -> Proof {
        check_all(entries, &Lies { rows, rejects, ..Lies::default() }, findings)
    }

    /// Rows before a day are removed, as far as versions before `until` held them.
    fn removal(before: Day, until: i64) -> Entry {
        let account = Account { until, ..Account::empty("", 0, 0) };
        Entry { note: Some(before.to_string()), ..Entry::new(Kind::Expired, Table::CALL_RECORD, account, 0) }
    }

    fn day(days: i32) -> Day {
        Day::from_epoch_days(days)
    }

    fn whole() -> Vec<i64> {
        (0..130).filter(|offset| ![7, 9].contains(offset)).collect()
    }

    #[test]
    fn every_offset_is_one_thing() {
        let proof = check(&two(), &whole(), &[7], &[]);
        let Proof { from, until, records, rejects, gaps, .. } = proof;
        assert_eq!((from, until, records, rejects, gaps), (0, 130, 128, 1, 1));
    }

    #[test]
    fn a_lost_row_is_named() {
        let rows: Vec<i64> = whole().into_iter().filter(|offset| ![40, 63, 64].contains(offset)).collect();
        check(&two(), &rows, &[7], &[(Fault::Missing, "40,63-64")]);
    }

    #[test]
    fn a_doubled_row_is_named() {
        let mut rows = whole();
        rows.extend([64, 129]);
        check(&two(), &rows, &[7], &[(Fault::Doubled, "64,129")]);
    }

    #[test]
    fn a_commit_that_nobody_tells_of_is_a_hole_and_its_rows_are_untold() {
        let entries = [entry(Kind::Read, 0..10, 10, 0, ""), entry(Kind::Read, 20..30, 10, 0, "")];
        let rows: Vec<i64> = (0..30).collect();
        check(&entries, &rows, &[], &[(Fault::Untold, "10-19"), (Fault::Hole, "10-19")]);
    }

    #[test]
    fn offsets_of_two_commits_are_told_twice() {
        let entries = [entry(Kind::Read, 0..10, 10, 0, ""), entry(Kind::Read, 5..15, 10, 0, "")];
        let rows: Vec<i64> = (0..15).collect();
        check(&entries, &rows, &[], &[(Fault::ToldTwice, "5-9")]);
    }

    #[test]
    fn a_row_where_the_broker_had_nothing_is_two_things_at_once() {
        let mut rows = whole();
        rows.push(9);
        check(&two(), &rows, &[7], &[(Fault::Doubled, "9")]);
    }

    #[test]
    fn sums_that_differ_are_named_though_nothing_is_missing() {
        let rows: Vec<i64> = whole().into_iter().filter(|offset| *offset != 8).collect();
        check(&two(), &rows, &[7, 8], &[(Fault::OtherSums, "0-99")]);
    }

    #[test]
    fn a_replayed_reject_is_a_record() {
        let mut rows = whole();
        rows.push(7);
        let proof = check(&two(), &rows, &[7], &[]);
        assert_eq!((proof.records, proof.rejects, proof.replayed), (129, 0, 1));
    }

    #[test]
    fn what_was_given_up_is_no_hole() {
        let entries = [
            entry(Kind::Read, 0..10, 10, 0, ""),
            entry(Kind::Accepted, 10..20, 0, 0, ""),
            entry(Kind::Read, 20..30, 10, 0, ""),
        ];
        let rows: Vec<i64> = (0..10).chain(20..30).collect();
        assert_eq!(check(&entries, &rows, &[], &[]).accepted, 10);
        assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 300), Vec::<String>::new());
    }

    #[test]
    fn rows_removed_by_age_are_counted_and_not_missed() {
        let mut entry = entry(Kind::Read, 0..10, 10, 0, "");
        entry.account.days = BTreeMap::from([(day(5), 4), (day(6), 6)]);
        let lies = Lies { rows: &[4, 5, 6, 7, 8, 9], expired: vec![removal(day(6), 0)], ..Lies::default() };
        let proof = check_all(&[entry], &lies, &[]);
        assert_eq!((proof.records, proof.expired), (10, 4));
    }

    #[test]
    fn rows_that_came_after_their_day_was_removed_stay_until_the_next_time() {
        let at = |version: i64, range: Range<i64>, of: i32| {
            let mut entry = entry(Kind::Read, range, 1, 0, "");
            entry.account.days = BTreeMap::from([(day(of), 1)]);
            Entry { table_version: Some(version), ..entry }
        };
        let entries = [at(1, 0..1, 3), at(3, 1..2, 3), at(4, 2..3, 5), at(7, 3..4, 3), at(8, 4..5, 9)];
        // The second removal went less far back, and landed at version 6, though it had looked at version 4 alone.
        let expired = vec![removal(day(6), 2), removal(day(4), 5)];
        let proof = check_all(&entries, &Lies { rows: &[2, 3, 4], expired, ..Lies::default() }, &[]);
        assert_eq!((proof.records, proof.expired), (5, 2));
        let expired = vec![removal(day(6), 2), removal(day(4), 5), removal(day(6), 9)];
        let proof = check_all(&entries, &Lies { rows: &[4], expired, ..Lies::default() }, &[]);
        assert_eq!((proof.records, proof.expired), (5, 4));
        // A row that is lost is no removed one.
        let lies = Lies { rows: &[2, 3], expired: vec![removal(day(4), 5)], ..Lies::default() };
        check_all(&entries, &lies, &[(Fault::Missing, "4")]);
    }

    #[test]
    fn rejects_leave_with_the_day_on_which_they_were_refused() {
        let entries = two();
        let expired_rejects = vec![removal(day(9), 4)];
        let lies = Lies { rows: &whole(), expired_rejects, ..Lies::default() };
        assert_eq!(check_all(&entries, &lies, &[]).rejects, 1);
        check_all(&entries, &Lies { expired_rejects: vec![removal(day(0), 4)], ..lies }, &[(Fault::Missing, "7")]);
    }

    #[test]
    fn a_replayed_reject_may_outlive_its_row_and_the_row_its_reject() {
        let mut replayed = whole();
        replayed.push(7);
        let lies = Lies { rows: &replayed, expired_rejects: vec![removal(day(9), 4)], ..Lies::default() };
        let proof = check_all(&two(), &lies, &[]);
        assert_eq!((proof.records, proof.rejects, proof.replayed), (129, 0, 1));
        // The replayed row was of a day that its commit tells nothing of, and is gone.
        let lies = Lies { rows: &whole(), rejects: &[7], expired: vec![removal(day(9), 4)], ..Lies::default() };
        assert_eq!(check_all(&two(), &lies, &[]).rejects, 1);
        let lies = Lies { expired_rejects: vec![removal(day(9), 4)], rejects: &[], ..lies };
        assert_eq!(check_all(&two(), &lies, &[]).rejects, 1);
    }

    #[test]
    fn a_row_supersedes_what_a_paused_worker_refused() {
        let proof = check(&two(), &whole(), &[7, 40, 41], &[]);
        assert_eq!((proof.records, proof.rejects, proof.superseded, proof.replayed), (128, 1, 2, 0));
        // Beside a reject of its own that was replayed.
        let mut replayed = whole();
        replayed.push(7);
        let proof = check(&two(), &replayed, &[7, 40, 41], &[]);
        assert_eq!((proof.records, proof.rejects, proof.superseded, proof.replayed), (129, 0, 2, 1));
        // A row that is lost does not hide behind it.
        let lost: Vec<i64> = whole().into_iter().filter(|offset| *offset != 50).collect();
        check(&two(), &lost, &[7, 40, 41], &[(Fault::Missing, "50")]);
    }

    #[test]
    fn what_was_given_up_of_a_commit_is_not_missing_any_more() {
        let rows: Vec<i64> = whole().into_iter().filter(|offset| ![40, 63, 64].contains(offset)).collect();
        let entries = |accepted: Range<i64>| {
            let mut entries = two();
            entries.insert(1, entry(Kind::Accepted, accepted, 0, 0, ""));
            entries
        };
        check(&entries(63..65), &rows, &[7], &[(Fault::Missing, "40")]);
        // What lies there counts as what it is, though it was given up.
        let proof = check(&entries(40..65), &rows, &[7], &[]);
        assert_eq!((proof.records, proof.rejects, proof.accepted), (125, 1, 3));
        assert_eq!(check(&entries(90..140), &whole(), &[7], &[]).accepted, 10);
        assert!(check(&two(), &rows, &[7], &[(Fault::Missing, "40,63-64")]).has_lost(&(63..65)));
        assert!(!check(&two(), &rows, &[7], &[(Fault::Missing, "40,63-64")]).has_lost(&(62..65)));
    }

    #[test]
    fn what_was_left_for_a_back_fill_is_a_hole_until_it_is_read() {
        let mut entries = vec![entry(Kind::Deferred, 10..40, 0, 0, ""), entry(Kind::Read, 40..50, 10, 0, "")];
        let hole = |entries: &[Entry]| holes(entries, "k/t/0", 0).to_string();
        let rows: Vec<i64> = (40..50).collect();
        let proof = check(&entries, &rows, &[], &[(Fault::Hole, "10-39")]);
        assert_eq!((proof.from, proof.until, hole(&entries).as_str()), (10, 50, "10-39"));
        assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 500).len(), 1);
        entries.insert(1, entry(Kind::Read, 20..30, 10, 0, ""));
        let rows: Vec<i64> = (20..30).chain(40..50).collect();
        check(&entries, &rows, &[], &[(Fault::Hole, "10-19,30-39")]);
        entries.insert(1, entry(Kind::Accepted, 10..20, 0, 0, ""));
        entries.insert(3, entry(Kind::Read, 30..40, 10, 0, ""));
        let rows: Vec<i64> = (20..50).collect();
        check(&entries, &rows, &[], &[]);
        assert_eq!((hole(&entries).as_str(), holes(&entries, "k/t/0", 1).count()), ("", 0));
        assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 500), Vec::<String>::new());
    }

    #[test]
    fn a_window_has_the_holes_between_its_first_and_last_offset() {
        let read = |(from, until): (i64, i64)| entry(Kind::Read, from..until, (until - from).unsigned_abs(), 0, "");
        let entries = [(0, 10), (10, 20), (25, 30), (35, 40), (40, 50)].map(read);
        let rows: Vec<i64> = (0..20).chain(25..30).chain(31..32).chain(35..50).collect();
        let lies = Lies { rows: &rows, within: Some(12..38), ..Lies::default() };
        let proof = check_all(&entries, &lies, &[(Fault::Untold, "31"), (Fault::Hole, "20-24,30-34")]);
        assert_eq!((proof.from, proof.until, proof.records), (10, 40, 20));
    }

    #[test]
    fn nobody_waits_for_a_retired_topic_unless_it_is_read_again() {
        let retired = |at: i64| Entry::new(Kind::Retired, Table::CALL_RECORD, Account::empty("k/t/0", 0, 0), at);
        let reasons = |more: Vec<Entry>| open_reasons(Table::CALL_RECORD, &[two(), more].concat(), 2_000).len();
        assert_eq!(reasons(vec![]), 1);
        assert_eq!(reasons(vec![retired(200)]), 0);
        assert_eq!(reasons(vec![retired(200), entry(Kind::Read, 140..150, 10, 0, "")]), 1, "its hole still counts");
        assert_eq!(reasons(vec![retired(140), entry(Kind::Read, 130..150, 20, 0, "")]), 1, "it is read again");
        // Its successor is waited for, whoever signs or replays on the old one.
        let mut successor = entry(Kind::Read, 0..5, 5, 0, "");
        successor.account.source = "k/t/1".to_owned();
        successor.committed_at = 300;
        let mut replayed = entry(Kind::Replayed, 7..8, 1, 0, "");
        replayed.committed_at = 400;
        assert_eq!(reasons(vec![retired(200), replayed, successor]), 1);
    }

    #[test]
    fn a_window_is_open_while_a_partition_is_behind_it_or_has_a_hole() {
        let entries = two();
        assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 1_300), Vec::<String>::new());
        assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 1_301).len(), 1);
        let idle = entry(Kind::Idle, 130..130, 0, 0, "");
        let mut later = idle.clone();
        later.account.watermark = Some(2_000);
        let entries = [entries, vec![later]].concat();
        assert_eq!(open_reasons(Table::CALL_RECORD, &entries, 2_000), Vec::<String>::new());
        assert_eq!(
            open_reasons(Table::CALL_RECORD, &[entries, vec![entry(Kind::Read, 140..150, 10, 0, "")]].concat(), 0)
                .len(),
            1
        );
    }

    #[test]
    fn a_partition_that_nobody_has_read_is_missed() {
        let mut entries = two();
        for partition in [0, 1] {
            let mut seen = entry(Kind::Seen, 0..0, 0, 0, "");
            (seen.account.partition, seen.account.watermark) = (partition, None);
            entries.push(seen);
        }
        let reasons = open_reasons(Table::CALL_RECORD, &entries, 1_300);
        assert_eq!(reasons, ["call_record partition 1 of k/t/0 has been read up to nowhere"]);
    }
}
