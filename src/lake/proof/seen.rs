//! Sets of offsets: those that lie in a table as bits, those that commits tell of as ranges.
//!
//! In: offsets and ranges. Out: how many there are, what lies outside, what is left. Never: knows what they mean.
//!
//! `merged` is the name of ranges that lie apart, lowest first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::domain::account::Offsets;

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

    pub(super) fn has(&self, offset: i64) -> bool {
        self.words.get(&offset.div_euclid(BITS)).is_some_and(|word| word & (1 << offset.rem_euclid(BITS)) != 0)
    }

    /// How many of a range are here, and how many are here and in `other` as well.
    pub(super) fn counts(&self, range: &Range<i64>, other: &Self) -> (u64, u64) {
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

    /// The ones of `within` that no range holds.
    pub(super) fn outside(&self, merged: &[Range<i64>], within: &Range<i64>) -> Offsets {
        if within.is_empty() {
            return Offsets::default();
        }
        let words = within.start.div_euclid(BITS)..=(within.end - 1).div_euclid(BITS);
        let bits = self.words.range(words).flat_map(|(index, word)| {
            (0..BITS).filter(move |bit| word & (1 << bit) != 0).map(move |bit| index * BITS + bit)
        });
        listed(bits.filter(|offset| within.contains(offset) && !holds(merged, *offset)))
    }

    /// The ones of `within` that were noted more than once.
    pub(super) fn doubled(&self, within: &Range<i64>) -> Offsets {
        listed(self.twice.iter().copied().filter(|offset| within.contains(offset)))
    }
}

/// The same offsets in as few ranges as can be, lowest first.
pub(super) fn merged(ranges: impl Iterator<Item = Range<i64>>) -> Vec<Range<i64>> {
    let mut ranges: Vec<Range<i64>> = ranges.filter(|range| !range.is_empty()).collect();
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<i64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The offsets of ranges in whatever order.
pub(super) fn together(ranges: Vec<Range<i64>>) -> Offsets {
    let mut offsets = Offsets::default();
    merged(ranges.into_iter()).into_iter().for_each(|range| offsets.push(range));
    offsets
}

/// Single offsets, lowest first.
pub(super) fn listed(single: impl Iterator<Item = i64>) -> Offsets {
    let mut offsets = Offsets::default();
    single.for_each(|offset| offsets.push(offset..offset + 1));
    offsets
}

/// Whether one of them has it.
pub(super) fn holds(merged: &[Range<i64>], offset: i64) -> bool {
    let place = merged.partition_point(|range| range.end <= offset);
    merged.get(place).is_some_and(|range| range.contains(&offset))
}

/// What of ranges lies in another.
pub(super) fn clipped(merged: &[Range<i64>], within: &Range<i64>) -> Vec<Range<i64>> {
    let clip = |range: &Range<i64>| range.start.max(within.start)..range.end.min(within.end);
    merged.iter().map(clip).filter(|range| !range.is_empty()).collect()
}

/// What of a range no other holds.
pub(super) fn rest(range: &Range<i64>, merged: &[Range<i64>]) -> Offsets {
    let mut rest = Offsets::default();
    let mut next = range.start;
    for other in merged {
        rest.push(next..other.start.min(range.end));
        next = next.max(other.end);
    }
    rest.push(next..range.end);
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(offsets: impl IntoIterator<Item = i64>) -> Seen {
        let mut seen = Seen::default();
        offsets.into_iter().for_each(|offset| seen.add(offset));
        seen
    }

    #[track_caller]
    fn check_outside(ranges: &[Range<i64>], within: Range<i64>, outside: &str) {
        let merged = merged(ranges.iter().cloned());
        assert_eq!(seen(0..130).outside(&merged, &within).to_string(), outside);
    }

    #[test]
    fn what_lies_outside_nested_ranges_is_found() {
        check_outside(&[0..100, 10..20, 15..18], 0..130, "100-129");
        check_outside(&[40..100, 0..20, 10..64], 0..130, "100-129");
        check_outside(&[0..5, 70..80, 70..71], i64::MIN..i64::MAX, "5-69,80-129");
        check_outside(&[], 64..65, "64");
        check_outside(&[], 0..0, "");
    }

    #[track_caller]
    fn check_rest(ranges: &[Range<i64>], left: &str) {
        let merged = merged(ranges.iter().cloned());
        assert_eq!(rest(&(10..30), &merged).to_string(), left);
        let inside = together(clipped(&merged, &(10..30)));
        assert_eq!(inside.count() + rest(&(10..30), &merged).count(), 20, "either in a range or left");
    }

    #[test]
    fn what_is_left_of_a_range_lies_between_the_others() {
        check_rest(&[], "10-29");
        check_rest(&[0..5, 40..50], "10-29");
        check_rest(&[0..12, 20..25, 22..23, 29..40], "12-19,25-28");
        check_rest(&[0..20, 20..40], "");
        check_rest(&[15..15, 3..4], "10-29");
    }

    #[test]
    fn offsets_seen_twice_are_named_where_one_looks() {
        let seen = seen([3, 64, 3, 64]);
        assert_eq!((seen.count(), seen.doubled(&(0..64)).to_string().as_str()), (2, "3"));
    }
}
