//! The kernel of `call_segment` and `join_segments`: what other days need of a caller's day, and what lies between days.
//!
//! In: the calls of a day; segments of a caller's days, as they are written; both in any order. Out: a [`Segment`];
//! what the days are [`Joined`] to.
//! Never: knows of columns; holds a threshold.

use std::ops::Range;

use datafusion::common::Result;

use crate::domain::day::local_hour;
use crate::feature::call_sequence::kernel::{SEQUENCE, US_PER_S, WINDOWS_S, count, peak};
use crate::feature::frames::{get_all, get_bytes, get_option, get_signed, put_all, put_signed};

const FIRST_HOUR: i32 = 0;
const LAST_HOUR: i32 = 23;

/// One call, in the order of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    /// Null is no number.
    pub(super) callee: Option<i64>,
}

/// A day as far as other days are concerned, as it is written.
#[derive(Debug)]
pub(super) struct Segment {
    first_start_us: i64,
    last_end_us: i64,
    first_callee: Option<i64>,
    last_callee: Option<i64>,
    /// Starts in the first hour.
    head: Vec<i64>,
    /// Starts in the last hour.
    tail: Vec<i64>,
    cells: Vec<i64>,
    imeis: Vec<i64>,
}

/// Where a day that is read joins others; its starts lie among those of all days.
#[derive(Debug)]
struct Edges {
    first_start_us: i64,
    last_end_us: i64,
    first_callee: Option<i64>,
    last_callee: Option<i64>,
    head: Range<usize>,
    tail: Range<usize>,
}

/// The days of a caller; the room is used again for the next caller.
#[derive(Debug, Default)]
pub(super) struct Days {
    edges: Vec<Edges>,
    starts: Vec<i64>,
    cells: Vec<i64>,
    imeis: Vec<i64>,
}

/// What the segments of a caller say beyond the days' own numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Joined {
    /// Pauses between a day's last call and the first call of the next day with one.
    pub(super) gaps: i64,
    /// Short ones among them.
    pub(super) short_gaps: i64,
    /// Days whose first call starts before the last one of the day before has ended.
    pub(super) overlapping_calls: i64,
    /// Most calls across a midnight in any minute, ten minutes, hour.
    pub(super) peaks: [i64; 3],
    /// Days whose first call is to a neighbour of the number called before.
    pub(super) sequential_calls: i64,
    /// Distinct cells of all days.
    pub(super) cells: i64,
    /// Distinct handsets of all days.
    pub(super) imeis: i64,
}

impl Segment {
    /// The segment of a day; none without a call.
    pub(super) fn of(mut calls: Vec<Call>, mut cells: Vec<i64>, mut imeis: Vec<i64>) -> Option<Self> {
        calls.sort_unstable();
        distinct(&mut cells);
        distinct(&mut imeis);
        let (first, last) = (calls.first()?, calls.last()?);
        let starts = |hour: i32| -> Vec<i64> {
            calls.iter().map(|call| call.start_us).filter(|start_us| local_hour(*start_us) == hour).collect()
        };
        Some(Self {
            first_start_us: first.start_us,
            last_end_us: last.end_us,
            first_callee: first.callee,
            last_callee: last.callee,
            head: starts(FIRST_HOUR),
            tail: starts(LAST_HOUR),
            cells,
            imeis,
        })
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put_signed(bytes, self.first_start_us);
        put_signed(bytes, self.last_end_us);
        put_all(bytes, self.first_callee.as_slice());
        put_all(bytes, self.last_callee.as_slice());
        for values in [&self.head, &self.tail, &self.cells, &self.imeis] {
            put_all(bytes, values);
        }
    }
}

impl Days {
    /// What the segments say that rows have written.
    pub(super) fn join(&mut self, mut rows: &[u8]) -> Result<Joined> {
        for values in [&mut self.starts, &mut self.cells, &mut self.imeis] {
            values.clear();
        }
        self.edges.clear();
        let mut short_gap_s = 0_i64;
        while !rows.is_empty() {
            short_gap_s = get_signed(&mut rows)?;
            self.add(get_bytes(&mut rows)?)?;
        }
        self.edges.sort_unstable_by_key(|day| day.first_start_us);
        let mut joined = Joined::default();
        for pair in self.edges.windows(2) {
            let [before, day] = pair else { continue };
            joined.add(before, day, &self.starts, short_gap_s.saturating_mul(US_PER_S));
        }
        joined.cells = distinct(&mut self.cells);
        joined.imeis = distinct(&mut self.imeis);
        Ok(joined)
    }

    /// Takes in a segment.
    fn add(&mut self, mut segment: &[u8]) -> Result<()> {
        let edges = Edges {
            first_start_us: get_signed(&mut segment)?,
            last_end_us: get_signed(&mut segment)?,
            first_callee: get_option(&mut segment)?,
            last_callee: get_option(&mut segment)?,
            head: self.hour(&mut segment)?,
            tail: self.hour(&mut segment)?,
        };
        self.edges.push(edges);
        get_all(&mut segment, &mut self.cells)?;
        get_all(&mut segment, &mut self.imeis)
    }

    /// Takes in the starts in an hour.
    fn hour(&mut self, segment: &mut &[u8]) -> Result<Range<usize>> {
        let from = self.starts.len();
        get_all(segment, &mut self.starts)?;
        Ok(from..self.starts.len())
    }
}

impl Joined {
    /// Takes in what lies between two days.
    fn add(&mut self, before: &Edges, day: &Edges, starts: &[i64], short_gap_us: i64) {
        let gap_us = day.first_start_us.saturating_sub(before.last_end_us);
        if gap_us < 0 {
            self.overlapping_calls += 1;
        } else {
            self.gaps += 1;
            self.short_gaps += i64::from(gap_us < short_gap_us);
        }
        let callees = (before.last_callee, day.first_callee);
        let is_next = matches!(callees, (Some(a), Some(b)) if SEQUENCE.contains(&a.abs_diff(b)));
        self.sequential_calls += i64::from(is_next);
        if !before.tail.is_empty() && !day.head.is_empty() {
            let starts = [&starts[before.tail.clone()], &starts[day.head.clone()]].concat();
            for (most, window_s) in self.peaks.iter_mut().zip(WINDOWS_S) {
                *most = peak(&starts, |start_us| *start_us, window_s * US_PER_S).max(*most);
            }
        }
    }

    /// In the order of `JOINED`.
    pub(super) fn values(self) -> [i64; 9] {
        let [minute, ten_minutes, hour] = self.peaks;
        [
            self.gaps,
            self.short_gaps,
            self.overlapping_calls,
            minute,
            ten_minutes,
            hour,
            self.sequential_calls,
            self.cells,
            self.imeis,
        ]
    }
}

pub(super) const JOINED: [&str; 9] = [
    "gaps",
    "short_gaps",
    "overlapping_calls",
    "peak_calls_60s",
    "peak_calls_600s",
    "peak_calls_3600s",
    "sequential_calls",
    "cells",
    "imeis",
];

/// Puts values in order, each once, and says how many are left.
pub(super) fn distinct(values: &mut Vec<i64>) -> i64 {
    values.sort_unstable();
    values.dedup();
    count(values.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_starts_are_ordered_by_end_and_then_by_callee() {
        let call = |busy_us: i64, callee: Option<i64>| Call { start_us: 5, end_us: 5 + busy_us, callee };
        let calls = vec![call(9, Some(3)), call(0, Some(8)), call(9, None)];
        let segment = Segment::of(calls, vec![], vec![]).unwrap();
        let callees = (segment.first_callee, segment.last_callee);
        assert_eq!(callees, (Some(8), Some(3)), "no number comes before numbers");
    }
}
