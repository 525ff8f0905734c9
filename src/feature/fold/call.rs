//! Which records are one call, and what they say together.
//!
//! In: all records between two parties, in any order. Out: each call with the record that leads it. Never: folds what
//! differs: other parties, another reference, a start too far off.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

/// Where a record lies: its batch, and its row in there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) batch: usize,
    pub(super) row: usize,
}

/// What stands for caller and callee where they have no number: their kind, and how they were signalled.
pub(super) type Names<'a> = [Option<(&'a str, &'a str)>; 2];

/// Types of records; the first that a call has leads it.
pub(super) const TYPES: usize = 5;

/// Places of the types that say more than that they are there.
pub(super) const ORIGINATING: usize = 0;
pub(super) const INCOMING: usize = 1;
pub(super) const FORWARDED: usize = 2;
pub(super) const TERMINATING: usize = 3;
pub(super) const OUTGOING: usize = 4;

/// What the fold needs of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    /// By which its other columns are found.
    pub(super) at: Place,
    pub(super) names: Names<'a>,
    pub(super) record_id: &'a str,
    pub(super) call_ref: Option<&'a str>,
    pub(super) start_at: i64,
    pub(super) end_at: i64,
    pub(super) partial_seq: Option<i32>,
    /// Place of its type: below `TYPES`.
    pub(super) kind: usize,
    /// Days from the one that is folded to its own.
    pub(super) day: i32,
    pub(super) duration_s: i32,
    pub(super) is_answered: bool,
    pub(super) trunk: Option<&'a str>,
    pub(super) source: (i32, i64),
}

/// What the first copies of the parts of one type say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Side<'a> {
    /// The first and the last part.
    pub(super) first: Place,
    pub(super) last: Place,
    /// The lowest name of a trunk, and a record that has it.
    pub(super) trunk: Option<(&'a str, Place)>,
    pub(super) duration_s: i64,
    pub(super) is_answered: bool,
}

/// A call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Call<'a> {
    /// What each type of record says.
    pub(super) sides: [Option<Side<'a>>; TYPES],
    /// How many records it has, copies among them; of the day before, and of the day after.
    pub(super) records: i64,
    pub(super) before: i64,
    pub(super) after: i64,
}

impl<'a> Call<'a> {
    /// The side that leads: the first type that there is.
    pub(super) fn leading(&self) -> Option<&Side<'a>> {
        self.sides.iter().flatten().next()
    }

    fn add(&mut self, record: &Record<'a>, is_first_copy: bool) {
        self.records += 1;
        self.before += i64::from(record.day < 0);
        self.after += i64::from(record.day > 0);
        let new = Side { first: record.at, last: record.at, trunk: None, duration_s: 0, is_answered: false };
        let side = self.sides[record.kind].get_or_insert(new);
        side.trunk = side.trunk.into_iter().chain(record.trunk.map(|trunk| (trunk, record.at))).min();
        if is_first_copy {
            side.last = record.at;
            side.duration_s += i64::from(record.duration_s);
            side.is_answered |= record.is_answered;
        }
    }
}

/// The calls that these records are, in no order that means anything.
///
/// Records with one reference belong together, and so do those with one id, whatever their references: a record that
/// came more than once. Among those a record that starts more than `window_us` after the one before it begins another
/// call, unless it is a part of a long one and follows within as much of the latest end.
///
/// A call over midnight is one. What it goes on with on the third day and on each day behind that is a call of its own:
/// no fold reads a call of any length, and all of them have to cut at the same places, or a record would be in no call.
pub(super) fn fold<'a>(records: &mut [Record<'a>], window_us: i64, mut found: impl FnMut(Call<'a>)) {
    let references = references(records);
    let link = |record: &Record<'a>| {
        let known = references.get(&(record.names, record.record_id)).copied();
        match known.or(record.call_ref) {
            Some(reference) => (record.names, true, reference),
            None => (record.names, false, record.record_id),
        }
    };
    records.sort_by(|one, other| {
        let place = |record: &Record<'a>| (record.start_at, record.partial_seq, record.record_id, record.source);
        link(one).cmp(&link(other)).then_with(|| place(one).cmp(&place(other)))
    });
    for linked in records.chunk_by(|one, other| link(one) == link(other)) {
        follow(linked, window_us, &mut found);
    }
}

/// A record's own name.
type Id<'a> = (Names<'a>, &'a str);

/// The lowest reference of each record id that came with several.
fn references<'a>(records: &[Record<'a>]) -> BTreeMap<Id<'a>, &'a str> {
    let mut first: BTreeMap<Id<'_>, Option<&str>> = BTreeMap::new();
    let mut lowest = BTreeMap::new();
    // The two records of most calls, each with an id of its own, need no table.
    if let [] | [_] = records {
        return lowest;
    }
    if let [one, other] = records
        && one.record_id != other.record_id
    {
        return lowest;
    }
    for record in records {
        let key = (record.names, record.record_id);
        match first.entry(key) {
            Entry::Vacant(entry) => _ = entry.insert(record.call_ref),
            Entry::Occupied(entry) if *entry.get() == record.call_ref => {}
            Entry::Occupied(mut entry) => {
                let reference = [*entry.get(), record.call_ref].into_iter().flatten().min();
                entry.insert(reference);
                lowest.extend(reference.map(|reference| (key, reference)));
            }
        }
    }
    lowest
}

/// Cuts records of one link, in their order, into calls.
fn follow<'a>(linked: &[Record<'a>], window_us: i64, found: &mut impl FnMut(Call<'a>)) {
    let mut copies = Copies::default();
    let mut call = Call::default();
    let (mut start_before, mut end_before) = (None, None);
    let (mut first_day, mut day_before) = (0, 0);
    for record in linked {
        let follows = |before: Option<i64>| before.is_some_and(|before| record.start_at - before <= window_us);
        let goes_on = follows(start_before) || (record.partial_seq.is_some() && follows(end_before));
        if !goes_on {
            first_day = record.day;
        }
        let is_cut = record.day > day_before && record.day - first_day > 1;
        if !goes_on || is_cut {
            if call.records > 0 {
                found(std::mem::take(&mut call));
            }
            copies = Copies::default();
        }
        call.add(record, copies.is_first(record));
        day_before = record.day;
        start_before = Some(record.start_at);
        end_before = end_before.max(Some(record.end_at));
    }
    if call.records > 0 {
        found(call);
    }
}

/// What a call has had of each type: the whole record, and parts by their number.
#[derive(Default)]
struct Copies {
    whole: [bool; TYPES],
    parts: BTreeSet<(usize, i32)>,
}

impl Copies {
    /// Whether a record is the first of its kind.
    fn is_first(&mut self, record: &Record<'_>) -> bool {
        match record.partial_seq {
            Some(part) => self.parts.insert((record.kind, part)),
            None => !std::mem::replace(&mut self.whole[record.kind], true),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOW_US: i64 = 120_000_000;

    fn record(row: usize, kind: usize, start_s: i64) -> Record<'static> {
        Record {
            at: Place { batch: 0, row },
            names: [None; 2],
            record_id: ["R0", "R1", "R2", "R3", "R4", "R5", "R6", "R7"][row % 8],
            call_ref: Some("ref"),
            start_at: start_s * 1_000_000,
            end_at: (start_s + 60) * 1_000_000,
            partial_seq: None,
            kind,
            day: 0,
            duration_s: 60,
            is_answered: true,
            trunk: None,
            source: (0, i64::try_from(row).unwrap()),
        }
    }

    /// Each call as its leading row, its seconds and how many records it has.
    fn calls(records: &[Record<'_>]) -> Vec<(usize, i64, i64)> {
        let mut calls = Vec::new();
        fold(&mut records.to_vec(), WINDOW_US, |call| {
            let leading = call.leading().unwrap();
            calls.push((leading.first.row, leading.duration_s, call.records));
        });
        calls.sort_unstable();
        calls
    }

    #[test]
    fn both_ends_are_one_call_and_the_originating_one_leads() {
        assert_eq!(calls(&[record(0, TERMINATING, 2), record(1, ORIGINATING, 0)]), [(1, 60, 2)]);
    }

    #[test]
    fn another_reference_is_another_call_and_so_is_a_reference_that_comes_round() {
        let other = Record { call_ref: Some("other"), ..record(1, TERMINATING, 2) };
        assert_eq!(calls(&[record(0, ORIGINATING, 0), other]), [(0, 60, 1), (1, 60, 1)]);
        assert_eq!(calls(&[record(0, ORIGINATING, 0), record(1, ORIGINATING, 121)]), [(0, 60, 1), (1, 60, 1)]);
        assert_eq!(calls(&[record(0, ORIGINATING, 0), record(1, ORIGINATING, 120)]), [(0, 60, 2)]);
    }

    #[test]
    fn a_record_sent_again_under_another_reference_is_the_same_record() {
        let again = Record { record_id: "R0", call_ref: Some("zzz"), ..record(1, ORIGINATING, 0) };
        assert_eq!(calls(&[record(0, ORIGINATING, 0), again]), [(0, 60, 2)]);
        let mute = Record { record_id: "R0", call_ref: None, ..record(1, ORIGINATING, 0) };
        assert_eq!(calls(&[mute, record(0, ORIGINATING, 0)]), [(0, 60, 2)]);
    }

    #[test]
    fn parts_of_a_long_call_add_up_and_a_part_sent_twice_counts_once() {
        let part = |row, seq, start_s| Record { partial_seq: Some(seq), ..record(row, ORIGINATING, start_s) };
        let long = |row, seq, start_s| Record {
            end_at: (start_s + 1800) * 1_000_000,
            duration_s: 1800,
            ..part(row, seq, start_s)
        };
        assert_eq!(calls(&[long(0, 1, 0), long(1, 2, 1800), part(2, 3, 3600), part(3, 3, 3600)]), [(0, 3660, 4)]);
        assert_eq!(
            calls(&[long(0, 1, 0), record(1, ORIGINATING, 1800)]),
            [(0, 1800, 1), (1, 60, 1)],
            "no part, no chain"
        );
    }

    #[test]
    fn every_fold_cuts_a_call_of_many_days_at_the_same_midnights() {
        // One part a day, each as long as its day; the fold of a day reads two before it and one behind.
        let part = |day: i32, folded: i32| Record {
            day: day - folded,
            partial_seq: Some(day),
            end_at: i64::from(day + 1) * 86_400_000_000,
            ..record(usize::try_from(day).unwrap(), ORIGINATING, i64::from(day) * 86_400)
        };
        for first in 0_i32..4 {
            let mut owned = Vec::new();
            for folded in first..6 {
                let read = (folded - 2).max(first)..(folded + 2).min(6);
                let leads = calls(&read.map(|day| part(day, folded)).collect::<Vec<_>>());
                let own = leads.into_iter().filter(|(row, ..)| i32::try_from(*row).unwrap() == folded);
                owned.extend(own.map(|(row, _, records)| (i32::try_from(row).unwrap(), records)));
            }
            let wanted = std::iter::once((first, 2)).chain((first + 2..6).map(|day| (day, 1)));
            assert_eq!(owned, wanted.collect::<Vec<_>>(), "from day {first} on");
        }
    }

    #[test]
    fn parties_without_a_number_are_told_apart_by_name() {
        let named = Record { names: [Some(("sender_name", "BANK")), None], ..record(1, ORIGINATING, 0) };
        assert_eq!(calls(&[record(0, ORIGINATING, 0), named]), [(0, 60, 1), (1, 60, 1)]);
    }

    proptest! {
        #[test]
        fn every_record_is_in_one_call_and_the_order_of_arrival_says_nothing(
            drawn in prop::collection::vec((0_usize..5, 0_i64..600, 0_usize..3, prop::option::of(0_i32..3), 0_usize..8), 0..12),
            turn in 0_usize..12,
        ) {
            let records: Vec<_> = drawn.iter().enumerate().map(|(row, (kind, start, reference, partial_seq, id))| Record {
                record_id: ["a", "b", "c", "d", "e", "f", "g", "h"][*id],
                call_ref: [None, Some("x"), Some("y")][*reference],
                partial_seq: *partial_seq,
                ..record(row, *kind, *start)
            }).collect();
            let folded = calls(&records);
            prop_assert_eq!(folded.iter().map(|call| call.2).sum::<i64>(), i64::try_from(records.len()).unwrap());
            let mut turned = records.clone();
            turned.rotate_left(turn.min(records.len()));
            prop_assert_eq!(calls(&turned), folded);
        }
    }
}
