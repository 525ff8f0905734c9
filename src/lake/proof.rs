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

pub mod seen;
pub mod window;

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

/// The offsets that an entry tells of.
fn span(entry: &Entry) -> Range<i64> {
    entry.account.from..entry.account.until
}

#[cfg(test)]
mod tests;
