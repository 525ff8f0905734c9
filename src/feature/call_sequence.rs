//! `call_sequence(start_at, record_id, busy_s, callee, short_gap_s)`: what depends on the order of one caller's calls.
//!
//! In: the calls of one group, in any order; `busy_s` is ring and conversation, `callee` an E.164 number or null.
//! Out: a struct: `gaps`, `short_gaps`, `overlapping_calls`, `peak_calls_60s`, `peak_calls_600s`, `peak_calls_3600s`,
//! `sequential_calls`; all zero for an empty group. Calls are ordered by (`start_at`, `record_id`).
//! A gap runs from one call's end to the next call's start; a negative one is an overlap and no gap; it is short below
//! `short_gap_s`. A peak is the most calls with start in any half-open window `[t, t + w)`: such a window can always be
//! moved right to begin at a call. A sequential call's number differs from the previous call's by 1 to 10.
//! Merging is exact: a state is the calls themselves, so any split in any order gives the same answer; memory is
//! about 40 bytes and the record id for each call of a group.
//! Never: holds a threshold; the widths of the windows are the columns' definitions.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

const US_PER_S: i64 = 1_000_000;
/// Widths of the peak windows, seconds.
const WINDOWS_S: [i64; 3] = [60, 600, 3_600];
/// Neighbouring numbers in a dialled sequence.
const SEQUENCE: std::ops::RangeInclusive<u64> = 1..=10;

/// One call as far as order matters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Call {
    start_us: i64,
    record_id: Box<str>,
    end_us: i64,
    callee: Option<i64>,
}

/// The kernel: collects calls, then walks them once in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kernel {
    calls: Vec<Call>,
}

/// What the kernel finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sequence {
    /// Pauses between consecutive calls.
    pub gaps: i64,
    /// Short ones among them.
    pub short_gaps: i64,
    /// Calls that start before the one before has ended.
    pub overlapping_calls: i64,
    /// Most calls in any minute, ten minutes, hour.
    pub peaks: [i64; 3],
    /// Calls to a neighbour of the number called before.
    pub sequential_calls: i64,
}

impl Kernel {
    /// Takes a call in.
    pub fn add(&mut self, start_us: i64, record_id: &str, busy_s: i64, callee: Option<i64>) {
        let end_us = start_us.saturating_add(busy_s.saturating_mul(US_PER_S));
        self.calls.push(Call { start_us, record_id: record_id.into(), end_us, callee });
    }

    /// Takes another kernel's calls in.
    pub fn merge(&mut self, other: Self) {
        self.calls.extend(other.calls);
    }

    /// The answer; the calls are sorted in place.
    pub fn finish(&mut self, short_gap_s: i64) -> Sequence {
        self.calls.sort_unstable();
        let mut found = Sequence::default();
        for pair in self.calls.windows(2) {
            let [before, call] = pair else { continue };
            let gap_us = call.start_us - before.end_us;
            if gap_us < 0 {
                found.overlapping_calls += 1;
            } else {
                found.gaps += 1;
                found.short_gaps += i64::from(gap_us < short_gap_s * US_PER_S);
            }
            let is_next =
                matches!((before.callee, call.callee), (Some(a), Some(b)) if SEQUENCE.contains(&a.abs_diff(b)));
            found.sequential_calls += i64::from(is_next);
        }
        found.peaks = WINDOWS_S.map(|window_s| self.peak(window_s * US_PER_S));
        found
    }

    /// Most calls in any half-open window, by two pointers over the sorted starts.
    fn peak(&self, window_us: i64) -> i64 {
        let (mut peak, mut first) = (0, 0);
        for (last, call) in self.calls.iter().enumerate() {
            while call.start_us - self.calls[first].start_us >= window_us {
                first += 1;
            }
            peak = peak.max(last - first + 1);
        }
        i64::try_from(peak).unwrap_or(i64::MAX)
    }
}

/// The SQL function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CallSequence(Signature);

impl CallSequence {
    pub(super) fn new() -> Self {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let arguments = vec![instant, DataType::Utf8, DataType::Int64, DataType::Int64, DataType::Int64];
        Self(Signature::exact(arguments, Volatility::Immutable))
    }
}

fn result_fields() -> Fields {
    let names = [
        "gaps",
        "short_gaps",
        "overlapping_calls",
        "peak_calls_60s",
        "peak_calls_600s",
        "peak_calls_3600s",
        "sequential_calls",
    ];
    names.into_iter().map(|name| Field::new(name, DataType::Int64, false)).collect()
}

impl AggregateUDFImpl for CallSequence {
    fn name(&self) -> &'static str {
        "call_sequence"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(result_fields()))
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Adapter::default()))
    }

    fn state_fields(&self, _: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |name: &str, kind: DataType| {
            Arc::new(Field::new(name, DataType::List(Arc::new(Field::new_list_field(kind, true))), true))
        };
        Ok(vec![
            list("start_us", DataType::Int64),
            list("record_id", DataType::Utf8),
            list("end_us", DataType::Int64),
            list("callee", DataType::Int64),
            Arc::new(Field::new("short_gap_s", DataType::Int64, true)),
        ])
    }
}

/// The kernel behind DataFusion's columns.
#[derive(Debug, Default)]
struct Adapter {
    kernel: Kernel,
    short_gap_s: Option<i64>,
}

impl Accumulator for Adapter {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [starts, ids, busy, callees, short_gap] = values else {
            return exec_err!("call_sequence takes five arguments");
        };
        let starts = starts.as_primitive::<TimestampMicrosecondType>();
        let ids = ids.as_string::<i32>();
        let (busy, callees) = (busy.as_primitive::<Int64Type>(), callees.as_primitive::<Int64Type>());
        if let Some(seconds) = short_gap.as_primitive::<Int64Type>().iter().flatten().next() {
            self.short_gap_s = Some(seconds);
        }
        for row in (0..starts.len()).filter(|row| starts.is_valid(*row)) {
            let busy_s = if busy.is_valid(row) { busy.value(row) } else { 0 };
            let callee = callees.is_valid(row).then(|| callees.value(row));
            self.kernel.add(starts.value(row), ids.value(row), busy_s, callee);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [starts, ids, ends, callees, short_gap] = states else { return exec_err!("call_sequence: foreign state") };
        if let Some(seconds) = short_gap.as_primitive::<Int64Type>().iter().flatten().next() {
            self.short_gap_s = Some(seconds);
        }
        let lists = [starts, ids, ends, callees].map(|lists| lists.as_list::<i32>());
        for row in (0..lists[0].len()).filter(|row| lists[0].is_valid(*row)) {
            self.merge_row(lists.map(|list: &ListArray| list.value(row)));
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let calls = &self.kernel.calls;
        let list = |array: ArrayRef| SingleRowListArrayBuilder::new(array).build_list_scalar();
        Ok(vec![
            list(Arc::new(Int64Array::from_iter_values(calls.iter().map(|call| call.start_us)))),
            list(Arc::new(StringArray::from_iter_values(calls.iter().map(|call| &call.record_id)))),
            list(Arc::new(Int64Array::from_iter_values(calls.iter().map(|call| call.end_us)))),
            list(Arc::new(calls.iter().map(|call| call.callee).collect::<Int64Array>())),
            ScalarValue::Int64(self.short_gap_s),
        ])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let found = self.kernel.finish(self.short_gap_s.unwrap_or_default());
        let [minute, ten_minutes, hour] = found.peaks;
        let values =
            [found.gaps, found.short_gaps, found.overlapping_calls, minute, ten_minutes, hour, found.sequential_calls];
        let columns = values.into_iter().map(|value| Arc::new(Int64Array::from(vec![value])) as ArrayRef).collect();
        Ok(ScalarValue::Struct(Arc::new(StructArray::try_new(result_fields(), columns, None)?)))
    }

    fn size(&self) -> usize {
        let ids: usize = self.kernel.calls.iter().map(|call| call.record_id.len()).sum();
        size_of_val(self) + self.kernel.calls.capacity() * size_of::<Call>() + ids
    }
}

impl Adapter {
    fn merge_row(&mut self, [starts, ids, ends, callees]: [ArrayRef; 4]) {
        let (starts, ends) = (starts.as_primitive::<Int64Type>(), ends.as_primitive::<Int64Type>());
        let (ids, callees) = (ids.as_string::<i32>(), callees.as_primitive::<Int64Type>());
        let call = |row: usize| Call {
            start_us: starts.value(row),
            record_id: ids.value(row).into(),
            end_us: ends.value(row),
            callee: callees.is_valid(row).then(|| callees.value(row)),
        };
        self.kernel.calls.extend((0..starts.len()).map(call));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Calls as (start in seconds, busy seconds, callee).
    fn kernel(calls: &[(i64, i64, i64)]) -> Kernel {
        let mut kernel = Kernel::default();
        for (index, (start_s, busy_s, callee)) in calls.iter().enumerate() {
            kernel.add(start_s * US_PER_S, &format!("r{index:04}"), *busy_s, Some(*callee));
        }
        kernel
    }

    #[track_caller]
    fn check(calls: &[(i64, i64, i64)], expect: Sequence) {
        assert_eq!(kernel(calls).finish(60), expect);
    }

    #[test]
    fn nothing_comes_of_nothing() {
        check(&[], Sequence::default());
    }

    #[test]
    fn a_gap_runs_from_end_to_start() {
        check(
            &[(0, 10, 5), (69, 1, 5), (130, 1, 5)],
            Sequence { gaps: 2, short_gaps: 1, peaks: [1, 3, 3], ..Sequence::default() },
        );
    }

    #[test]
    fn an_overlap_is_no_gap() {
        check(&[(0, 100, 5), (50, 1, 5)], Sequence { overlapping_calls: 1, peaks: [2, 2, 2], ..Sequence::default() });
    }

    #[test]
    fn a_window_does_not_hold_its_end() {
        assert_eq!(kernel(&[(0, 0, 5), (60, 0, 5)]).finish(60).peaks, [1, 2, 2]);
        assert_eq!(kernel(&[(0, 0, 5), (59, 0, 5)]).finish(60).peaks, [2, 2, 2]);
    }

    #[test]
    fn neighbouring_numbers_are_a_sequence_either_way() {
        let calls = [(0, 0, 100), (1, 0, 110), (2, 0, 109), (3, 0, 109), (4, 0, 120)];
        assert_eq!(kernel(&calls).finish(60).sequential_calls, 2);
    }

    #[test]
    fn equal_starts_are_ordered_by_record_id() {
        let mut kernel = Kernel::default();
        kernel.add(0, "b", 0, Some(200));
        kernel.add(0, "a", 0, Some(100));
        kernel.add(0, "c", 0, Some(201));
        assert_eq!(kernel.finish(60).sequential_calls, 1);
    }

    proptest! {
        #[test]
        fn any_split_in_any_order_equals_the_whole(
            calls in prop::collection::vec((0i64..20_000, 0i64..400, 0i64..60), 0..80),
            at in 0usize..80,
        ) {
            let whole = kernel(&calls).finish(60);
            let at = at.min(calls.len());
            let all = kernel(&calls).calls;
            let mut right = Kernel { calls: all[at..].iter().rev().cloned().collect() };
            right.merge(Kernel { calls: all[..at].to_vec() });
            prop_assert_eq!(right.finish(60), whole);
        }

        #[test]
        fn results_stay_in_range(calls in prop::collection::vec((0i64..9_000, 0i64..400, 0i64..60), 1..80)) {
            let found = kernel(&calls).finish(60);
            let calls = i64::try_from(calls.len()).unwrap();
            prop_assert_eq!(found.gaps + found.overlapping_calls, calls - 1);
            prop_assert!(found.short_gaps <= found.gaps && found.sequential_calls < calls);
            prop_assert!(found.peaks[0] >= 1 && found.peaks.is_sorted() && found.peaks[2] <= calls);
        }
    }
}
