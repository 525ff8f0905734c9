//! The proof that every offset of a source partition is exactly one thing.
//!
//! In: the entries of one partition, and the offsets that rows and rejects really carry. Out: sums, and every offset
//! that is missing, doubled or not told of. Never: trusts a sum where an offset can be looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use serde::Serialize;

use super::ledger::{Entry, Kind};
use crate::domain::account::Offsets;
use crate::domain::day::Day;
use crate::schema::contract::Table;

/// Offsets that lie in a table.
#[derive(Debug, Default)]
pub struct Seen {
    words: BTreeMap<i64, u64>,
    twice: BTreeSet<i64>,
}

const BITS: i64 = 64;

impl Seen {
    /// Notes an offset.
    pub fn add(&mut self, offset: i64) {
        let word = self.words.entry(offset.div_euclid(BITS)).or_default();
        let bit = 1 << offset.rem_euclid(BITS);
        if *word & bit != 0 {
            self.twice.insert(offset);
        }
        *word |= bit;
    }

    /// How many different ones there are.
    pub fn count(&self) -> u64 {
        self.words.values().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Forgets what no range holds.
    pub fn keep(&mut self, ranges: &[Range<i64>]) {
        for run in self.outside(ranges).runs() {
            for offset in run {
                if let Some(word) = self.words.get_mut(&offset.div_euclid(BITS)) {
                    *word &= !(1 << offset.rem_euclid(BITS));
                }
                self.twice.remove(&offset);
            }
        }
    }

    fn has(&self, offset: i64) -> bool {
        self.words.get(&offset.div_euclid(BITS)).is_some_and(|word| word & (1 << offset.rem_euclid(BITS)) != 0)
    }

    /// How many of a range are here, and how many are here and in `other` as well.
    fn counts(&self, range: &Range<i64>, other: &Self) -> (u64, u64) {
        let (mut here, mut both) = (0, 0);
        let words = range.start.div_euclid(BITS)..=(range.end - 1).div_euclid(BITS);
        for (index, word) in self.words.range(words) {
            let first = (range.start - index * BITS).clamp(0, BITS - 1);
            let last = (range.end - 1 - index * BITS).clamp(0, BITS - 1);
            let mask = (u64::MAX << first) & (u64::MAX >> (BITS - 1 - last));
            let word = word & mask;
            here += u64::from(word.count_ones());
            both += u64::from((word & other.words.get(index).copied().unwrap_or(0)).count_ones());
        }
        (here, both)
    }

    /// The ones that no range holds.
    fn outside(&self, ranges: &[Range<i64>]) -> Offsets {
        let mut outside = Offsets::default();
        for (index, word) in &self.words {
            for bit in (0..BITS).filter(|bit| word & (1 << bit) != 0) {
                let offset = index * BITS + bit;
                let place = ranges.partition_point(|range| range.end <= offset);
                if ranges.get(place).is_none_or(|range| !range.contains(&offset)) {
                    outside.push(offset..offset + 1);
                }
            }
        }
        outside
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
    /// A commit tells of them, and they are neither row nor reject, tombstone or gap.
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
    /// Of the records, those that were removed by age since.
    pub expired: u64,
    /// Offsets that were given up by a signed act.
    pub accepted: u64,
    /// What is wrong; empty when the ledger is closed.
    pub findings: Vec<Finding>,
}

/// Proves one partition; `entries` are its own, in the order of offsets. They are all of them when `is_whole`;
/// otherwise nothing is said of what lies between them.
pub fn prove(entries: &[&Entry], rows: &Seen, rejects: &Seen, expired_before: Option<Day>, is_whole: bool) -> Proof {
    let spans: Vec<&Entry> =
        entries.iter().copied().filter(|entry| matches!(entry.kind, Kind::Read | Kind::Accepted)).collect();
    let mut proof = Proof::default();
    if let Some(entry) = entries.first() {
        (proof.source, proof.partition) = (entry.account.source.clone(), entry.account.partition);
    }
    if let (Some(first), Some(last)) = (spans.first(), spans.iter().map(|entry| entry.account.until).max()) {
        (proof.from, proof.until) = (first.account.from, last);
    }
    let (mut holes, mut told_twice) = (Offsets::default(), Offsets::default());
    let mut next = proof.from;
    for entry in &spans {
        let account = &entry.account;
        holes.push(next..account.from.max(next));
        told_twice.push(account.from..account.until.min(next).max(account.from));
        next = next.max(account.until);
    }
    let (mut missing, mut doubled) = (Offsets::default(), Offsets::default());
    for entry in &spans {
        proof.add(entry, Found { rows, rejects, expired_before }, &mut missing, &mut doubled);
    }
    let ranges: Vec<Range<i64>> = spans.iter().map(|entry| entry.account.from..entry.account.until).collect();
    for seen in [rows, rejects] {
        proof.find(Fault::Untold, seen.outside(&ranges));
        let mut twice = Offsets::default();
        seen.twice.iter().for_each(|offset| twice.push(*offset..offset + 1));
        proof.find(Fault::Doubled, twice);
    }
    if is_whole {
        proof.find(Fault::Hole, holes);
    }
    proof.find(Fault::ToldTwice, told_twice);
    proof.find(Fault::Missing, missing);
    proof.find(Fault::Doubled, doubled);
    proof
}

/// What really lies in the tables.
#[derive(Clone, Copy)]
struct Found<'a> {
    rows: &'a Seen,
    rejects: &'a Seen,
    expired_before: Option<Day>,
}

impl Proof {
    /// Whether nothing is wrong.
    pub fn is_closed(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, fault: Fault, offsets: Offsets) {
        if !offsets.is_empty() {
            self.findings.push(Finding { fault, offsets });
        }
    }

    fn add(&mut self, entry: &Entry, found: Found<'_>, missing: &mut Offsets, doubled: &mut Offsets) {
        let Found { rows, rejects, expired_before } = found;
        let account = &entry.account;
        let range = account.from..account.until;
        if range.is_empty() {
            return;
        }
        let (row_count, both) = rows.counts(&range, rejects);
        let (reject_count, _) = rejects.counts(&range, rows);
        if entry.kind == Kind::Accepted {
            // What did arrive of an accepted range counts as what it is.
            self.records += row_count;
            self.rejects += reject_count - both;
            self.accepted += (range.end - range.start).unsigned_abs() - row_count - reject_count + both;
            return;
        }
        let is_expired = |day: &Day| expired_before.is_some_and(|before| *day < before);
        let expired: u64 = account.days.iter().filter(|(day, _)| is_expired(day)).map(|(_, rows)| rows).sum();
        let old_rejects =
            if is_expired(&Day::of(entry.committed_at)) { account.rejects.saturating_sub(reject_count) } else { 0 };
        self.records += row_count + expired;
        self.rejects += reject_count - both + old_rejects;
        self.tombstones += account.tombstones.count();
        self.gaps += account.gaps.count();
        self.replayed += both;
        self.expired += expired;
        let sums = row_count - both + expired == account.records
            && reject_count + old_rejects == account.rejects
            && account.adds_up();
        let bodiless = || account.tombstones.runs().chain(account.gaps.runs()).flatten();
        let apart = bodiless().all(|offset| !rows.has(offset) && !rejects.has(offset));
        if sums && apart {
            return;
        }
        let bodiless: BTreeSet<i64> = bodiless().collect();
        let mut is_found = false;
        for offset in range.clone() {
            let place = match (rows.has(offset) || rejects.has(offset), bodiless.contains(&offset)) {
                (false, false) => &mut *missing,
                (true, true) => &mut *doubled,
                _ => continue,
            };
            place.push(offset..offset + 1);
            is_found = true;
        }
        if !is_found {
            let mut whole = Offsets::default();
            whole.push(range);
            self.find(Fault::OtherSums, whole);
        }
    }
}

/// Why a table's input is not complete up to an instant (UTC microseconds); empty when it is.
///
/// Only the source that was read last can be behind. A table that was never read from a topic is not waited for.
pub fn open_reasons(table: Table, entries: &[Entry], until: i64) -> Vec<String> {
    let is_topic = |entry: &&Entry| entry.account.source.split('/').count() == TOPIC_PARTS;
    let live = entries.iter().filter(is_topic).max_by_key(|entry| entry.committed_at);
    let mut partitions: BTreeMap<(&str, i32), Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(is_topic) {
        partitions.entry((&entry.account.source, entry.account.partition)).or_default().push(entry);
    }
    let mut reasons = Vec::new();
    for ((source, partition), entries) in partitions {
        let mut holes = Offsets::default();
        let mut next = None;
        for entry in entries.iter().filter(|entry| matches!(entry.kind, Kind::Read | Kind::Accepted)) {
            let account = &entry.account;
            holes.push(next.unwrap_or(account.from)..account.from);
            next = next.max(Some(account.until));
            if entry.kind == Kind::Read && !account.adds_up() {
                holes.push(account.from..account.until);
            }
        }
        if !holes.is_empty() {
            reasons.push(format!("{table} partition {partition} of {source} has holes: {holes}"));
        }
        let watermark = entries.iter().filter_map(|entry| entry.account.watermark).max();
        if live.is_some_and(|live| live.account.source == source) && watermark.is_none_or(|at| at < until) {
            let at = watermark.and_then(chrono::DateTime::from_timestamp_micros);
            let at = at.map_or("nowhere".to_owned(), |at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
            reasons.push(format!("{table} partition {partition} of {source} has been read up to {at}"));
        }
    }
    reasons
}

/// CLUSTER/TOPIC/EPOCH; a topic's name holds no slash.
const TOPIC_PARTS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Account;

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

    #[track_caller]
    fn check(entries: &[Entry], rows: &[i64], rejects: &[i64], findings: &[(Fault, &str)]) -> Proof {
        let entries: Vec<&Entry> = entries.iter().collect();
        let proof = prove(&entries, &seen(rows), &seen(rejects), None, true);
        let found: Vec<_> = proof.findings.iter().map(|finding| (finding.fault, finding.offsets.to_string())).collect();
        let wanted: Vec<_> = findings.iter().map(|(fault, offsets)| (*fault, (*offsets).to_owned())).collect();
        assert_eq!(found, wanted);
        proof
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
        entry.account.days = BTreeMap::from([(Day::from_epoch_days(5), 4), (Day::from_epoch_days(6), 6)]);
        let proof = prove(&[&entry], &seen(&[4, 5, 6, 7, 8, 9]), &seen(&[]), Some(Day::from_epoch_days(6)), true);
        assert_eq!((proof.records, proof.expired, proof.findings), (10, 4, vec![]));
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
}
