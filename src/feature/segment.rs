//! `call_segment(start_at, busy_s, callee, cell, imei)`: what joins a caller's day to its other days; and
//! `join_segments(segment, short_gap_s)`: what lies between such days, and what is counted once over all of them.
//!
//! In: the calls of a caller and local day; segments of a caller's days; both in any order. Out: a segment, null
//! without a call; a struct with the columns of [`Joined`]. The days' own sums and peaks are in `caller_day`: added to
//! these, or the greater of both, they are what [`super::call_sequence`] says of all the calls at once.
//! Days are joined at consecutive ones with a call, however far apart, and calls are ordered by (start, end, callee).
//! No peak window is wider than an hour, so only starts in the last hour of a day and the first of the next can share
//! one across midnight.
//! A segment is the start of the first call and the end of the last one, UTC microseconds, then lists: number called
//! first and number called last (none where there was no number), starts in the first hour, starts in the last hour,
//! cells, handsets; each as `frames` writes numbers and lists.
//! Never: holds a threshold; the widths of the windows are the columns' definitions.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, Int64Array};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};

use super::call_sequence::kernel::{SEQUENCE, US_PER_S, WINDOWS_S, peak};
use super::frames::{
    Fold, Writer, fields, get_all, get_bytes, get_option, get_signed, put_all, put_bytes, put_signed, structs,
};
use crate::domain::day::local_hour;

const FIRST_HOUR: i32 = 0;
const LAST_HOUR: i32 = 23;

/// One call, in the order of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    start_us: i64,
    end_us: i64,
    /// Null is no number.
    callee: Option<i64>,
}

/// A day as far as other days are concerned, as it is written.
#[derive(Debug)]
struct Segment {
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
struct Days {
    edges: Vec<Edges>,
    starts: Vec<i64>,
    cells: Vec<i64>,
    imeis: Vec<i64>,
}

/// What the segments of a caller say beyond the days' own numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Joined {
    /// Pauses between a day's last call and the first call of the next day with one.
    gaps: i64,
    /// Short ones among them.
    short_gaps: i64,
    /// Days whose first call starts before the last one of the day before has ended.
    overlapping_calls: i64,
    /// Most calls across a midnight in any minute, ten minutes, hour.
    peaks: [i64; 3],
    /// Days whose first call is to a neighbour of the number called before.
    sequential_calls: i64,
    /// Distinct cells of all days.
    cells: i64,
    /// Distinct handsets of all days.
    imeis: i64,
}

impl Segment {
    /// The segment of a day; none without a call.
    fn of(mut calls: Vec<Call>, mut cells: Vec<i64>, mut imeis: Vec<i64>) -> Option<Self> {
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

    fn put(&self, bytes: &mut Vec<u8>) {
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
    fn join(&mut self, mut rows: &[u8]) -> Result<Joined> {
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
    fn values(self) -> [i64; 9] {
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

const JOINED: [&str; 9] = [
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
fn distinct(values: &mut Vec<i64>) -> i64 {
    values.sort_unstable();
    values.dedup();
    count(values.len())
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn value(column: &Int64Array, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

/// `call_segment`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CallSegment;

impl Fold for CallSegment {
    const NAME: &'static str = "call_segment";

    fn arguments() -> Vec<DataType> {
        let mut arguments = vec![DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))];
        arguments.extend(vec![DataType::Int64; 4]);
        arguments
    }

    fn returns() -> DataType {
        DataType::Binary
    }

    fn writer(columns: &[ArrayRef]) -> Result<Writer<'_>> {
        let [starts, busy, callees, cells, imeis] = columns else {
            return exec_err!("call_segment takes five arguments");
        };
        let starts = starts.as_primitive::<TimestampMicrosecondType>();
        let [busy, callees, cells, imeis] =
            [busy, callees, cells, imeis].map(|column| column.as_primitive::<Int64Type>());
        Ok(Box::new(move |row: usize, bytes: &mut Vec<u8>| {
            if starts.is_null(row) {
                return;
            }
            let busy_us = value(busy, row).unwrap_or_default().saturating_mul(US_PER_S);
            put_signed(bytes, starts.value(row));
            put_signed(bytes, starts.value(row).saturating_add(busy_us));
            for column in [callees, cells, imeis] {
                put_all(bytes, value(column, row).as_slice());
            }
        }))
    }

    fn read(groups: &BinaryArray) -> Result<ArrayRef> {
        let (mut segments, mut bytes) = (BinaryBuilder::new(), Vec::new());
        for group in groups.iter().flatten() {
            bytes.clear();
            match day(group)? {
                Some(segment) => {
                    segment.put(&mut bytes);
                    segments.append_value(&bytes);
                }
                None => segments.append_null(),
            }
        }
        Ok(Arc::new(segments.finish()))
    }
}

/// The segment of the calls that rows have written.
fn day(mut rows: &[u8]) -> Result<Option<Segment>> {
    let (mut calls, mut cells, mut imeis) = (Vec::new(), Vec::new(), Vec::new());
    while !rows.is_empty() {
        let (start_us, end_us) = (get_signed(&mut rows)?, get_signed(&mut rows)?);
        calls.push(Call { start_us, end_us, callee: get_option(&mut rows)? });
        cells.extend(get_option(&mut rows)?);
        imeis.extend(get_option(&mut rows)?);
    }
    Ok(Segment::of(calls, cells, imeis))
}

/// `join_segments`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct JoinSegments;

impl Fold for JoinSegments {
    const NAME: &'static str = "join_segments";

    fn arguments() -> Vec<DataType> {
        vec![DataType::BinaryView, DataType::Int64]
    }

    fn returns() -> DataType {
        DataType::Struct(fields(JOINED))
    }

    fn writer(columns: &[ArrayRef]) -> Result<Writer<'_>> {
        let [segments, short_gaps] = columns else { return exec_err!("join_segments takes two arguments") };
        let (segments, short_gaps) = (segments.as_binary_view(), short_gaps.as_primitive::<Int64Type>());
        Ok(Box::new(move |row: usize, bytes: &mut Vec<u8>| {
            if segments.is_valid(row) {
                put_signed(bytes, value(short_gaps, row).unwrap_or_default());
                put_bytes(bytes, segments.value(row));
            }
        }))
    }

    fn read(groups: &BinaryArray) -> Result<ArrayRef> {
        let mut days = Days::default();
        let joined = groups.iter().flatten().map(|rows| days.join(rows).map(Joined::values));
        structs(JOINED, &joined.collect::<Result<Vec<_>>>()?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::TimestampMicrosecondArray;
    use proptest::prelude::*;

    use super::super::frames::tests::folded;
    use super::*;
    use crate::domain::day::Day;

    /// A call as (day, second of the day, busy seconds, callee).
    type Plain = (i32, i64, i64, i64);

    const SHORT_GAP_S: i64 = 60;

    fn call((day, second, busy_s, callee): Plain) -> Call {
        let start_us = Day::from_epoch_days(20_094 + day).starts_at() + second * US_PER_S;
        // One callee in seven is no number.
        Call { start_us, end_us: start_us + busy_s * US_PER_S, callee: (callee % 7 > 0).then_some(callee) }
    }

    /// The bytes of a day's segment, by the fold; calls are split in two at `at`.
    fn segment(calls: &[Plain], at: usize) -> Option<Vec<u8>> {
        let ints = |value: fn(&Plain) -> Option<i64>| -> ArrayRef {
            Arc::new(calls.iter().map(value).collect::<Int64Array>())
        };
        let starts: TimestampMicrosecondArray = calls.iter().map(|plain| Some(call(*plain).start_us)).collect();
        let columns = [
            Arc::new(starts.with_timezone("UTC")) as ArrayRef,
            ints(|plain| Some(plain.2)),
            ints(|plain| call(*plain).callee),
            ints(|plain| Some(plain.3 % 5)),
            ints(|plain| (plain.3 % 3 > 0).then_some(plain.3 % 4)),
        ];
        let segment = folded::<CallSegment>(&columns, at);
        let segment = segment.as_binary::<i32>();
        segment.is_valid(0).then(|| segment.value(0).to_vec())
    }

    fn joined(calls: &[Plain]) -> Joined {
        let days: std::collections::BTreeSet<i32> = calls.iter().map(|call| call.0).collect();
        let of = |day: i32| -> Vec<Plain> { calls.iter().filter(|call| call.0 == day).copied().collect() };
        let mut rows = Vec::new();
        for segment in days.into_iter().filter_map(|day| segment(&of(day), 0)) {
            put_signed(&mut rows, SHORT_GAP_S);
            put_bytes(&mut rows, &segment);
        }
        Days::default().join(&rows).unwrap()
    }

    /// The same of all calls at once, and of no day's segment: gaps, short gaps, overlaps, peaks, sequential calls.
    fn whole(calls: &[Plain]) -> [i64; 7] {
        let mut calls: Vec<Call> = calls.iter().map(|plain| call(*plain)).collect();
        calls.sort_unstable();
        let pairs = || calls.iter().zip(calls.iter().skip(1));
        let gaps = |within: std::ops::Range<i64>| -> i64 {
            count(pairs().filter(|(before, call)| within.contains(&(call.start_us - before.end_us))).count())
        };
        let is_next = |(before, call): &(&Call, &Call)| match (before.callee, call.callee) {
            (Some(a), Some(b)) => a != b && (a - b).abs() <= 10,
            _ => false,
        };
        let peak = |window_s: i64| -> i64 {
            let from = |call: &Call| call.start_us..call.start_us + window_s * US_PER_S;
            let within = |call: &Call| calls.iter().filter(|other| from(call).contains(&other.start_us)).count();
            count(calls.iter().map(within).max().unwrap_or_default())
        };
        [
            gaps(0..i64::MAX),
            gaps(0..SHORT_GAP_S * US_PER_S),
            gaps(i64::MIN..0),
            peak(60),
            peak(600),
            peak(3_600),
            count(pairs().filter(is_next).count()),
        ]
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(segment(&[], 0), None);
        assert_eq!(joined(&[]), Joined::default());
    }

    #[test]
    fn a_gap_runs_over_midnight_and_over_days_without_a_call() {
        let gaps = |calls: &[Plain]| {
            let joined = joined(calls);
            (joined.gaps, joined.short_gaps, joined.overlapping_calls)
        };
        assert_eq!(gaps(&[(0, 86_370, 10, 1), (1, 9, 10, 1)]), (1, 1, 0));
        assert_eq!(gaps(&[(0, 86_370, 10, 1), (1, 40, 10, 1)]), (1, 0, 0), "exactly a minute is not short");
        assert_eq!(gaps(&[(0, 86_370, 40, 1), (1, 9, 10, 1)]), (0, 0, 1));
        assert_eq!(gaps(&[(0, 86_370, 10, 1), (2, 9, 10, 1)]), (1, 0, 0));
        assert_eq!(gaps(&[(0, 100, 10, 1), (0, 200, 10, 1)]), (0, 0, 0), "the day itself tells of its own");
    }

    #[test]
    fn a_peak_holds_both_sides_of_midnight() {
        let peaks = |calls: &[Plain]| joined(calls).peaks;
        assert_eq!(peaks(&[(0, 86_399, 0, 1), (1, 0, 0, 1), (1, 58, 0, 1), (1, 59, 0, 1)]), [3, 4, 4]);
        assert_eq!(peaks(&[(0, 82_800, 0, 1), (1, 0, 0, 1)]), [1, 1, 1], "an hour does not hold its end");
        assert_eq!(peaks(&[(0, 82_801, 0, 1), (1, 0, 0, 1)]), [1, 1, 2]);
        assert_eq!(peaks(&[(0, 86_399, 0, 1), (2, 0, 0, 1)]), [1, 1, 1], "a day lies between");
    }

    #[test]
    fn a_sequence_goes_on_over_midnight_and_distinct_ones_count_once() {
        let calls = [(0, 10, 0, 15), (0, 86_000, 0, 20), (1, 10, 0, 30), (2, 5, 0, 41)];
        let Joined { sequential_calls, cells, imeis, .. } = joined(&calls);
        // 20 and 30 are neighbours, 30 and 41 are not; cells are 0 0 0 1, handsets - 0 - 1.
        assert_eq!((sequential_calls, cells, imeis), (1, 2, 2));
    }

    #[test]
    fn equal_starts_are_ordered_by_end_and_then_by_callee() {
        let calls = [(0, 5, 9, 3), (0, 5, 0, 8), (0, 5, 9, 14)];
        let mut days = Days::default();
        days.add(&segment(&calls, 1).unwrap()).unwrap();
        let callees = (days.edges[0].first_callee, days.edges[0].last_callee);
        assert_eq!(callees, (Some(8), Some(3)), "no number comes before numbers");
    }

    fn calls() -> impl Strategy<Value = Vec<Plain>> {
        // Around midnight, on the hours that matter and beside them.
        let second = prop_oneof![0_i64..4_000, 82_000_i64..86_400];
        prop::collection::vec((0..4, second, 0_i64..400, 0_i64..60), 0..40)
    }

    proptest! {
        #[test]
        fn joined_days_say_what_all_calls_say(calls in calls()) {
            let of = |day: i32| -> Vec<Plain> { calls.iter().filter(|call| call.0 == day).copied().collect() };
            let days = [0, 1, 2, 3].map(|day| whole(&of(day)));
            let joined = joined(&calls);
            let [minute, ten_minutes, hour] = joined.peaks;
            let (gaps, short_gaps, overlaps) = (joined.gaps, joined.short_gaps, joined.overlapping_calls);
            let across = [gaps, short_gaps, overlaps, minute, ten_minutes, hour, joined.sequential_calls];
            let sum = |at: usize| across[at] + days.iter().map(|day| day[at]).sum::<i64>();
            let most = |at: usize| days.iter().map(|day| day[at]).max().unwrap_or_default().max(across[at]);
            prop_assert_eq!([sum(0), sum(1), sum(2), most(3), most(4), most(5), sum(6)], whole(&calls));
            let kinds = |kind: fn(&Plain) -> Option<i64>| {
                distinct(&mut calls.iter().filter_map(kind).collect())
            };
            prop_assert_eq!(joined.cells, kinds(|plain| Some(plain.3 % 5)));
            prop_assert_eq!(joined.imeis, kinds(|plain| (plain.3 % 3 > 0).then_some(plain.3 % 4)));
        }

        #[test]
        fn any_split_in_any_order_says_the_same(calls in calls(), at in 0_usize..40) {
            let of = |day: i32| -> Vec<Plain> { calls.iter().filter(|call| call.0 == day).copied().collect() };
            // `folded` compares what split calls say, and split days.
            let days: Vec<Option<Vec<u8>>> = (0..4).map(|day| segment(&of(day), at)).collect();
            let segments: arrow::array::BinaryViewArray = days.iter().map(Option::as_deref).collect();
            let short_gaps = Int64Array::from_value(SHORT_GAP_S, days.len());
            let columns = [Arc::new(segments) as ArrayRef, Arc::new(short_gaps)];
            let found = folded::<JoinSegments>(&columns, at % 5);
            let columns = found.as_struct().columns().iter();
            let found: Vec<i64> = columns.map(|column| column.as_primitive::<Int64Type>().value(0)).collect();
            prop_assert_eq!(found, joined(&calls).values().to_vec());
        }
    }
}
