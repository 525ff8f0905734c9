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

mod kernel;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, Int64Array};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};

use self::kernel::{Call, Days, JOINED, Joined, Segment};
use super::call_sequence::kernel::US_PER_S;
use super::frames::{Fold, Writer, fields, get_option, get_signed, put_all, put_bytes, put_signed, structs};
use super::time::instant;

fn value(column: &Int64Array, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

/// `call_segment`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CallSegment;

impl Fold for CallSegment {
    const NAME: &'static str = "call_segment";

    fn arguments() -> Vec<DataType> {
        let mut arguments = vec![instant()];
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

    use super::super::call_sequence::kernel::count;
    use super::super::frames::tests::folded;
    use super::kernel::distinct;
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
