//! What became of a run of offsets.
//!
//! In: offsets that a batch spans and what each of them was. Out: one account for each partition, whose parts add up.
//! Never: an offset that is nothing, or two things at once.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::day::Day;

/// What became of the offsets `[from, until)` of one partition, as one commit tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Where the offsets count: `CLUSTER/TOPIC/EPOCH`, or `file/SHA256`.
    pub source: String,
    /// Partition of it.
    pub partition: i32,
    /// First offset.
    pub from: i64,
    /// First offset after.
    pub until: i64,
    /// Messages that became rows.
    pub records: u64,
    /// Messages that became rejects.
    pub rejects: u64,
    /// Messages without a body.
    pub tombstones: Offsets,
    /// Offsets that the broker never handed out: compacted away, or control records of transactions.
    pub gaps: Offsets,
    /// Everything that the broker took before this instant (UTC microseconds) lies before `until`, by its timestamps.
    pub watermark: Option<i64>,
    /// Rows for each local day.
    pub days: BTreeMap<Day, u64>,
}

impl Account {
    /// Nothing yet, from an offset on.
    pub fn empty(source: &str, partition: i32, from: i64) -> Self {
        Self {
            source: source.to_owned(),
            partition,
            from,
            until: from,
            records: 0,
            rejects: 0,
            tombstones: Offsets::default(),
            gaps: Offsets::default(),
            watermark: None,
            days: BTreeMap::new(),
        }
    }

    /// Whether every offset is exactly one thing.
    pub fn adds_up(&self) -> bool {
        let told = self.records + self.rejects + self.tombstones.count() + self.gaps.count();
        u64::try_from(self.until - self.from) == Ok(told)
    }
}

/// A set of offsets, written as `7,9-12`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offsets(Vec<Range<i64>>);

impl Offsets {
    /// Adds offsets that lie behind all that are there.
    pub fn push(&mut self, range: Range<i64>) {
        match self.0.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ => self.0.push(range),
        }
    }

    /// The ones that lie within a range.
    #[must_use]
    pub fn within(&self, range: Range<i64>) -> Self {
        let mut within = Self::default();
        self.runs().for_each(|run| within.push(run.start.max(range.start)..run.end.min(range.end)));
        within
    }

    /// The ones that are not in another set.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut without = Self::default();
        for run in self.runs() {
            let mut next = run.start;
            for taken in other.runs().filter(|taken| taken.end > run.start && taken.start < run.end) {
                without.push(next..taken.start);
                next = taken.end;
            }
            without.push(next..run.end);
        }
        without
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|range| (range.end - range.start).unsigned_abs()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The runs of neighbouring offsets, lowest first.
    pub fn runs(&self) -> impl Iterator<Item = Range<i64>> {
        self.0.iter().cloned()
    }
}

impl fmt::Display for Offsets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, run) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match run.end - run.start {
                1 => write!(f, "{comma}{}", run.start)?,
                _ => write!(f, "{comma}{}-{}", run.start, run.end - 1)?,
            }
        }
        Ok(())
    }
}

impl FromStr for Offsets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut offsets = Self::default();
        for run in text.split(',').filter(|run| !run.is_empty()) {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            let read = |text: &str| text.parse::<i64>().map_err(|_| format!("\"{run}\" is no run of offsets"));
            offsets.push(read(first)?..read(last)?.saturating_add(1));
        }
        Ok(offsets)
    }
}

impl Serialize for Offsets {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Offsets {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pushed: &[Range<i64>], text: &str, count: u64) {
        let mut offsets = Offsets::default();
        pushed.iter().cloned().for_each(|range| offsets.push(range));
        assert_eq!((offsets.to_string().as_str(), offsets.count()), (text, count));
        assert_eq!(text.parse(), Ok(offsets));
    }

    #[test]
    fn neighbours_are_one_run() {
        check(&[], "", 0);
        check(&[4..4, 4..5], "4", 1);
        check(&[4..5, 5..6, 9..12, 20..20], "4-5,9-11", 5);
    }

    #[test]
    fn a_set_is_cut_by_a_range_and_by_another_set() {
        let set: Offsets = "3-9,12,20-29".parse().unwrap();
        assert_eq!(set.within(5..21).to_string(), "5-9,12,20");
        assert_eq!(set.within(10..12).to_string(), "");
        assert_eq!(set.without(&"0-3,6,9-12,25-40".parse().unwrap()).to_string(), "4-5,7-8,20-24");
        assert_eq!(set.without(&Offsets::default()), set);
    }

    #[test]
    fn text_that_is_no_run_is_refused() {
        assert!("4-x".parse::<Offsets>().is_err());
    }
}
