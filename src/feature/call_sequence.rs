//! `call_sequence(start_at, busy_s, callee, cell, imei, back_at, before_at, short_gap_s)`: what depends on the order of
//! one caller's calls, and on whom it called.
//!
//! In: the calls of each group, in any order; `busy_s` is ring and conversation, `callee` an E.164 number or null.
//! `back_at` and `before_at` are facts of the pair, the same for all its calls: when the callee last called the caller
//! on the day, and when the caller had last called it on the day before; null is never.
//! Out: a struct with the columns of [`Sequence`]; all zero for an empty group. Calls are ordered by (start, end,
//! callee), so that no id of a record has a say.
//! A gap runs from one call's end to the next call's start; a negative one is an overlap and no gap; it is short below
//! `short_gap_s`. A peak is the most calls with start in any half-open window `[t, t + w)`: such a window can always be
//! moved right to begin at a call. A sequential call's number differs from the previous call's by 1 to 10. A call
//! repeats when its pair had one within the 24 hours before: on a day, all but the first of a pair do.
//! Merging is exact: a state is the calls themselves, so any split in any order gives the same answer. Calls that come
//! in order, as from a clustered file, are not sorted again, and a group's calls are let go of when it is complete.
//! Never: holds a threshold; the widths of the windows are the columns' definitions.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, Int64Builder, ListArray, ListBuilder, PrimitiveArray,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, FieldRef, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use super::frames::{fields, structs};
use crate::domain::day::local_hour;

pub(super) const US_PER_S: i64 = 1_000_000;
const US_PER_HOUR: i64 = 3_600 * US_PER_S;
const US_PER_DAY: i64 = 86_400 * US_PER_S;
/// Widths of the peak windows, seconds.
pub(super) const WINDOWS_S: [i64; 3] = [60, 600, 3_600];
/// Neighbouring numbers in a dialled sequence.
pub(super) const SEQUENCE: std::ops::RangeInclusive<u64> = 1..=10;

/// What is null: less than every number, cell, handset and instant that there is.
const NONE: i64 = i64::MIN;

/// One call as far as order and pairs matter.
#[derive(Debug, Clone, Copy)]
struct Call {
    group: usize,
    start_us: i64,
    end_us: i64,
    callee: i64,
    cell: i64,
    imei: i64,
    back_us: i64,
    before_us: i64,
}

/// Whole numbers of a call in a state, each a list by group.
const STATE: [&str; 7] = ["start_us", "end_us", "callee", "cell", "imei", "back_us", "before_us"];

impl Call {
    /// The call of a group with the numbers of a state, in their order.
    fn new(group: usize, numbers: [i64; STATE.len()]) -> Self {
        let [start_us, end_us, callee, cell, imei, back_us, before_us] = numbers;
        Self { group, start_us, end_us, callee, cell, imei, back_us, before_us }
    }

    fn numbers(&self) -> [i64; STATE.len()] {
        [self.start_us, self.end_us, self.callee, self.cell, self.imei, self.back_us, self.before_us]
    }

    fn place(&self) -> (usize, i64) {
        (self.group, self.start_us)
    }

    fn order(&self) -> (usize, i64, i64, i64) {
        (self.group, self.start_us, self.end_us, self.callee)
    }
}

/// The kernel: collects the calls of many groups, then walks each group's once in order.
#[derive(Debug, Default)]
pub struct Kernel {
    calls: Vec<Call>,
    short_gap_s: Option<i64>,
    scratch: Scratch,
}

/// Room that is used again for each group.
#[derive(Debug, Default)]
struct Scratch {
    values: Vec<i64>,
    callees: Vec<(i64, usize)>,
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
    /// Distinct cells and handsets.
    pub cells: i64,
    /// Distinct handsets.
    pub imeis: i64,
    /// Local clock hours with a call.
    pub active_hours: i64,
    /// Most calls in one of them.
    pub peak_hour_calls: i64,
    /// Distinct numbers called.
    pub callees: i64,
    /// Most calls to one of them.
    pub top_callee_calls: i64,
    /// Those called more than once.
    pub repeat_callees: i64,
    /// Those that called back after they were first called.
    pub called_back: i64,
    /// Calls whose pair had one within the 24 hours before.
    pub repeat_within_24h: i64,
}

impl Kernel {
    /// Takes in a call.
    fn add(&mut self, call: Call) {
        self.calls.push(call);
    }

    /// Takes in another kernel's calls.
    #[cfg(test)]
    fn merge(&mut self, other: Self) {
        self.calls.extend(other.calls);
    }

    /// Puts the calls in order; of those of a clustered file only equal starts are not.
    fn sort(&mut self) {
        let (mut is_sorted, mut has_equals) = (true, false);
        for pair in self.calls.windows(2) {
            is_sorted &= pair[0].place() <= pair[1].place();
            has_equals |= pair[0].place() == pair[1].place();
        }
        if !is_sorted {
            self.calls.sort_unstable_by_key(Call::order);
        } else if has_equals {
            for calls in self.calls.chunk_by_mut(|one, next| one.place() == next.place()) {
                calls.sort_unstable_by_key(Call::order);
            }
        }
    }

    /// What the calls of the first groups say, in order of the groups; those calls are let go of, and the other groups
    /// count from 0 again.
    fn finish(&mut self, groups: usize) -> Vec<Sequence> {
        self.sort();
        let short_gap_us = self.short_gap_s.unwrap_or_default().saturating_mul(US_PER_S);
        let mut found = vec![Sequence::default(); groups];
        let done = self.calls.partition_point(|call| call.group < groups);
        for calls in self.calls[..done].chunk_by(|one, next| one.group == next.group) {
            found[calls[0].group] = sequence(calls, short_gap_us, &mut self.scratch);
        }
        self.forget(done, groups);
        found
    }

    /// Lets go of the first calls, of the groups before.
    fn forget(&mut self, calls: usize, groups: usize) {
        self.calls.drain(..calls);
        self.calls.iter_mut().for_each(|call| call.group -= groups);
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.calls.capacity() * size_of::<Call>()
    }
}

/// What the calls of one caller say, in their order.
fn sequence(calls: &[Call], short_gap_us: i64, scratch: &mut Scratch) -> Sequence {
    let mut found = Sequence::default();
    for pair in calls.windows(2) {
        let [before, call] = pair else { continue };
        let gap_us = call.start_us - before.end_us;
        if gap_us < 0 {
            found.overlapping_calls += 1;
        } else {
            found.gaps += 1;
            found.short_gaps += i64::from(gap_us < short_gap_us);
        }
        // From NONE every number is far away.
        found.sequential_calls += i64::from(SEQUENCE.contains(&before.callee.abs_diff(call.callee)));
    }
    found.peaks = WINDOWS_S.map(|window_s| peak(calls, |call| call.start_us, window_s * US_PER_S));
    let (mut by_hour, mut hour, mut hour_ends_us) = ([0_i64; 24], 0, i64::MIN);
    for call in calls {
        if call.start_us >= hour_ends_us {
            hour = usize::try_from(local_hour(call.start_us)).unwrap_or_default();
            hour_ends_us = (call.start_us.div_euclid(US_PER_HOUR) + 1) * US_PER_HOUR;
        }
        by_hour[hour] += 1;
    }
    found.active_hours = by_hour.iter().map(|calls| i64::from(*calls > 0)).sum();
    found.peak_hour_calls = by_hour.into_iter().max().unwrap_or_default();
    found.cells = distinct(calls.iter().map(|call| call.cell), &mut scratch.values);
    found.imeis = distinct(calls.iter().map(|call| call.imei), &mut scratch.values);
    meet(calls, &mut found, &mut scratch.callees);
    found
}

/// Counts the pairs: of each callee how many calls it got, when the first one was, and what is known of the two.
fn meet(calls: &[Call], found: &mut Sequence, callees: &mut Vec<(i64, usize)>) {
    callees.clear();
    callees
        .extend(calls.iter().enumerate().filter(|(_, call)| call.callee != NONE).map(|(at, call)| (call.callee, at)));
    callees.sort_unstable();
    for pair in callees.chunk_by(|one, next| one.0 == next.0) {
        let (first, calls) = (&calls[pair[0].1], count(pair.len()));
        let is_repeated = first.before_us != NONE && first.start_us - first.before_us < US_PER_DAY;
        found.callees += 1;
        found.top_callee_calls = found.top_callee_calls.max(calls);
        found.repeat_callees += i64::from(calls > 1);
        found.called_back += i64::from(first.back_us > first.start_us);
        found.repeat_within_24h += calls - 1 + i64::from(is_repeated);
    }
}

/// Most calls in any half-open window, of calls sorted by start: a window that takes in one call more at each step, and
/// lets the first one go when it has become too wide, never gets smaller, and grows whenever there is a larger one.
pub(super) fn peak<T>(calls: &[T], start_us: impl Fn(&T) -> i64, window_us: i64) -> i64 {
    let mut first = 0;
    for call in calls {
        first += usize::from(start_us(call) - start_us(&calls[first]) >= window_us);
    }
    count(calls.len() - first)
}

/// How many different values there are; the same one many times in a row is the usual case.
fn distinct(values: impl Iterator<Item = i64>, scratch: &mut Vec<i64>) -> i64 {
    scratch.clear();
    for value in values {
        if value != NONE && scratch.last() != Some(&value) {
            scratch.push(value);
        }
    }
    scratch.sort_unstable();
    scratch.dedup();
    count(scratch.len())
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The SQL function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CallSequence(Signature);

impl CallSequence {
    pub(super) fn new() -> Self {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let mut arguments = vec![instant.clone()];
        arguments.extend(vec![DataType::Int64; 4]);
        arguments.extend([instant.clone(), instant, DataType::Int64]);
        Self(Signature::exact(arguments, Volatility::Immutable))
    }
}

/// Columns of the struct.
const COLUMNS: [&str; 16] = [
    "gaps",
    "short_gaps",
    "overlapping_calls",
    "peak_calls_60s",
    "peak_calls_600s",
    "peak_calls_3600s",
    "sequential_calls",
    "cells",
    "imeis",
    "active_hours",
    "peak_hour_calls",
    "callees",
    "top_callee_calls",
    "repeat_callees",
    "called_back",
    "repeat_within_24h",
];

impl Sequence {
    /// In the order of `COLUMNS`.
    fn values(self) -> [i64; COLUMNS.len()] {
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
            self.active_hours,
            self.peak_hour_calls,
            self.callees,
            self.top_callee_calls,
            self.repeat_callees,
            self.called_back,
            self.repeat_within_24h,
        ]
    }
}

impl AggregateUDFImpl for CallSequence {
    fn name(&self) -> &'static str {
        "call_sequence"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(fields(COLUMNS)))
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Groups::default()))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::default()))
    }

    fn state_fields(&self, _: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let item = Arc::new(Field::new_list_field(DataType::Int64, true));
        let list = |name: &str| Arc::new(Field::new(name, DataType::List(Arc::clone(&item)), true));
        let mut fields: Vec<FieldRef> = STATE.into_iter().map(list).collect();
        fields.push(Arc::new(Field::new("short_gap_s", DataType::Int64, true)));
        Ok(fields)
    }
}

/// The kernel behind DataFusion's columns.
#[derive(Debug, Default)]
struct Groups {
    kernel: Kernel,
    groups: usize,
}

impl Groups {
    /// How many groups are asked for; the others stay.
    fn take(&mut self, emit_to: EmitTo) -> usize {
        let taken = match emit_to {
            EmitTo::All => self.groups,
            EmitTo::First(groups) => groups.min(self.groups),
        };
        self.groups -= taken;
        taken
    }

    fn note(&mut self, short_gap: &ArrayRef, groups: usize) {
        self.groups = self.groups.max(groups);
        if self.kernel.short_gap_s.is_none() {
            self.kernel.short_gap_s = short_gap.as_primitive::<Int64Type>().iter().flatten().next();
        }
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let [starts, busy, callees, cells, imeis, backs, befores, short_gap] = values else {
            return exec_err!("call_sequence takes eight arguments");
        };
        self.note(short_gap, total_num_groups);
        let [starts, backs, befores] =
            [starts, backs, befores].map(|column| column.as_primitive::<TimestampMicrosecondType>());
        let [busy, callees, cells, imeis] =
            [busy, callees, cells, imeis].map(|column| column.as_primitive::<Int64Type>());
        let counts = |row| opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        for (row, group) in group_indices.iter().enumerate() {
            if starts.is_null(row) || !counts(row) {
                continue;
            }
            let start_us = starts.value(row);
            let busy_s = if busy.is_valid(row) { busy.value(row) } else { 0 };
            let end_us = start_us.saturating_add(busy_s.saturating_mul(US_PER_S));
            self.kernel.add(Call {
                group: *group,
                start_us,
                end_us,
                callee: value(callees, row),
                cell: value(cells, row),
                imei: value(imeis, row),
                back_us: value(backs, row),
                before_us: value(befores, row),
            });
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.take(emit_to);
        let found: Vec<_> = self.kernel.finish(groups).into_iter().map(Sequence::values).collect();
        structs(COLUMNS, &found)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.take(emit_to);
        self.kernel.sort();
        let mut numbers = STATE.map(|_| ListBuilder::new(Int64Builder::new()));
        let done = self.kernel.calls.partition_point(|call| call.group < groups);
        let mut rest = &self.kernel.calls[..done];
        for group in 0..groups {
            let (calls, others) = rest.split_at(rest.partition_point(|call| call.group == group));
            rest = others;
            for (list, place) in numbers.iter_mut().zip(0..) {
                calls.iter().for_each(|call| list.values().append_value(call.numbers()[place]));
                list.append(true);
            }
        }
        self.kernel.forget(done, groups);
        let mut state: Vec<ArrayRef> = numbers.iter_mut().map(|list| Arc::new(list.finish()) as ArrayRef).collect();
        state.push(Arc::new(std::iter::repeat_n(self.kernel.short_gap_s, groups).collect::<Int64Array>()));
        Ok(state)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        let [lists @ .., short_gap] = values else { return exec_err!("call_sequence: foreign state") };
        let Ok(lists) = <[&ArrayRef; STATE.len()]>::try_from(lists.iter().collect::<Vec<_>>()) else {
            return exec_err!("call_sequence: foreign state");
        };
        self.note(short_gap, total_num_groups);
        let lists = lists.map(|lists| lists.as_list::<i32>());
        let numbers = lists.map(|lists: &ListArray| lists.values().as_primitive::<Int64Type>());
        let offsets = lists[0].value_offsets();
        for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| lists[0].is_valid(*row)) {
            for at in offsets[row]..offsets[row + 1] {
                let place = usize::try_from(at).unwrap_or_default();
                self.kernel.add(Call::new(*group, numbers.map(|column| column.value(place))));
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |column| column.len());
        let each: Vec<usize> = (0..rows).collect();
        let mut alone = Self::default();
        GroupsAccumulator::update_batch(&mut alone, values, &each, opt_filter, rows)?;
        GroupsAccumulator::state(&mut alone, EmitTo::All)
    }

    fn size(&self) -> usize {
        self.kernel.size()
    }
}

/// The value of a row as a call holds it.
fn value<T: ArrowPrimitiveType<Native = i64>>(column: &PrimitiveArray<T>, row: usize) -> i64 {
    if column.is_valid(row) { column.value(row) } else { NONE }
}

/// The same of a single group, for a query without `GROUP BY`.
impl Accumulator for Groups {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |column| column.len());
        GroupsAccumulator::update_batch(self, values, &vec![0; rows], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.groups = 1;
        ScalarValue::try_from_array(&GroupsAccumulator::evaluate(self, EmitTo::All)?, 0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.groups = 1;
        let state = GroupsAccumulator::state(self, EmitTo::All)?;
        state.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |column| column.len());
        GroupsAccumulator::merge_batch(self, states, &vec![0; rows], 1)
    }

    fn size(&self) -> usize {
        self.kernel.size()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::TimestampMicrosecondArray;
    use proptest::prelude::*;

    use super::*;

    /// A call as (start in seconds, busy seconds, callee).
    type Plain = (i64, i64, i64);

    /// The kernel of one group.
    fn kernel(calls: &[Plain]) -> Kernel {
        let mut kernel = Kernel { short_gap_s: Some(60), ..Kernel::default() };
        for (start_s, busy_s, callee) in calls {
            let (start_us, end_us) = (start_s * US_PER_S, (start_s + busy_s) * US_PER_S);
            kernel.add(Call::new(0, [start_us, end_us, *callee, callee % 3, NONE, NONE, NONE]));
        }
        kernel
    }

    fn found(calls: &[Plain]) -> Sequence {
        kernel(calls).finish(1)[0]
    }

    #[track_caller]
    fn check(calls: &[Plain], expect: Sequence) {
        let found = found(calls);
        // What does not depend on order has tests of its own.
        let order = |of: Sequence| (of.gaps, of.short_gaps, of.overlapping_calls, of.peaks, of.sequential_calls);
        assert_eq!(order(found), order(expect));
    }

    #[test]
    fn nothing_comes_of_nothing() {
        assert_eq!(found(&[]), Sequence::default());
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
        assert_eq!(found(&[(0, 0, 5), (60, 0, 5)]).peaks, [1, 2, 2]);
        assert_eq!(found(&[(0, 0, 5), (59, 0, 5)]).peaks, [2, 2, 2]);
    }

    #[test]
    fn neighbouring_numbers_are_a_sequence_either_way() {
        let calls = [(0, 0, 100), (1, 0, 110), (2, 0, 109), (3, 0, 109), (4, 0, 120)];
        assert_eq!(found(&calls).sequential_calls, 2);
    }

    #[test]
    fn equal_starts_are_ordered_by_what_the_calls_are() {
        // The shorter one comes first; of equally long ones the lower number.
        assert_eq!(found(&[(0, 9, 200), (0, 0, 100), (0, 9, 201)]).sequential_calls, 1);
        assert_eq!(found(&[(0, 0, 300), (0, 0, 200), (0, 0, 100), (0, 0, 201)]).sequential_calls, 1);
        // In order but for equal starts, as a clustered file has them.
        assert_eq!(found(&[(0, 0, 1), (5, 9, 200), (5, 0, 100), (5, 9, 201), (8, 0, 1)]).sequential_calls, 1);
    }

    #[test]
    fn pairs_are_counted_with_what_is_known_of_them() {
        let call = |start_s: i64, callee: i64, back_s: Option<i64>, before_s: Option<i64>| {
            let [back_us, before_us] = [back_s, before_s].map(|at| at.map_or(NONE, |at| at * US_PER_S));
            Call::new(0, [start_s * US_PER_S, start_s * US_PER_S, callee, NONE, NONE, back_us, before_us])
        };
        let day = US_PER_DAY / US_PER_S;
        let mut kernel = Kernel::default();
        let calls = [
            // Called three times, and back after the first; the day before, less than a day before.
            call(day + 50, 7, Some(day + 11), Some(11)),
            call(day + 10, 7, Some(day + 11), Some(11)),
            call(day + 90, 7, Some(day + 11), Some(11)),
            // Back before the first, and a whole day after the last of the day before.
            call(day + 20, 8, Some(day + 20), Some(20)),
            call(day + 30, NONE, None, None),
            call(day + 30, NONE, None, None),
            call(day + 40, 9, None, None),
        ];
        calls.into_iter().for_each(|call| kernel.add(call));
        let Sequence { callees, top_callee_calls, repeat_callees, called_back, repeat_within_24h, .. } =
            kernel.finish(1)[0];
        assert_eq!((callees, top_callee_calls, repeat_callees, called_back, repeat_within_24h), (3, 3, 1, 1, 3));
    }

    #[test]
    fn hours_are_local_and_cells_are_distinct() {
        // 00:59:59 and 01:00:00 in Ho Chi Minh City, and an hour later.
        let calls = [(17 * 3_600 + 3_599, 0, 1), (18 * 3_600, 0, 2), (18 * 3_600 + 9, 0, 4), (19 * 3_600, 0, 1)];
        let Sequence { active_hours, peak_hour_calls, cells, imeis, .. } = found(&calls);
        assert_eq!((active_hours, peak_hour_calls, cells, imeis), (3, 2, 2, 0));
    }

    #[test]
    fn groups_are_let_go_of_as_they_are_complete() {
        let mut all = Kernel { short_gap_s: Some(60), ..Kernel::default() };
        let sizes = [3, 0, 2, 4];
        for (group, size) in sizes.iter().enumerate() {
            let mut one = kernel(&(0..*size).map(|at| (at, 0, 5)).collect::<Vec<_>>());
            one.calls.iter_mut().for_each(|call| call.group = group);
            all.merge(one);
        }
        let gaps = |found: Vec<Sequence>| found.iter().map(|found| found.gaps).collect::<Vec<_>>();
        assert_eq!(gaps(all.finish(3)), [2, 0, 1]);
        assert_eq!(all.calls.len(), 4, "what is left is the last group's");
        assert_eq!(gaps(all.finish(1)), [3]);
        assert!(all.calls.is_empty());
    }

    proptest! {
        #[test]
        fn any_split_in_any_order_equals_the_whole(
            calls in prop::collection::vec((0i64..20_000, 0i64..400, 0i64..60), 0..80),
            at in 0usize..80,
        ) {
            let whole = kernel(&calls).finish(1);
            let (left, right) = calls.split_at(at.min(calls.len()));
            let mut joined = kernel(&right.iter().rev().copied().collect::<Vec<_>>());
            joined.merge(kernel(left));
            prop_assert_eq!(joined.finish(1), whole);
        }

        #[test]
        fn a_state_is_as_good_as_the_calls(
            calls in prop::collection::vec((0usize..4, 0i64..9_000, 0i64..400, 0i64..60), 1..60),
            at in 0usize..60,
        ) {
            let columns = |calls: &[(usize, i64, i64, i64)]| -> Vec<ArrayRef> {
                let instants = |value: fn(&(usize, i64, i64, i64)) -> Option<i64>| -> ArrayRef {
                    let instants: TimestampMicrosecondArray = calls.iter().map(value).collect();
                    Arc::new(instants.with_timezone("UTC"))
                };
                let int = |value: fn(&(usize, i64, i64, i64)) -> Option<i64>| -> ArrayRef {
                    Arc::new(calls.iter().map(value).collect::<Int64Array>())
                };
                vec![
                    instants(|call| Some(call.1 * US_PER_S)), int(|call| Some(call.2)), int(|call| Some(call.3)),
                    int(|call| Some(call.3 % 5)), int(|_| None), instants(|call| Some(call.3 * 150 * US_PER_S)),
                    instants(|call| (call.3 % 2 == 0).then_some(0)), int(|_| Some(60)),
                ]
            };
            let of = |calls: &[(usize, i64, i64, i64)]| {
                let mut groups = Groups::default();
                let indices: Vec<usize> = calls.iter().map(|call| call.0).collect();
                GroupsAccumulator::update_batch(&mut groups, &columns(calls), &indices, None, 4).unwrap();
                groups
            };
            let whole = GroupsAccumulator::evaluate(&mut of(&calls), EmitTo::All).unwrap();
            let at = at.min(calls.len());
            let mut joined = Groups::default();
            for mut half in [of(&calls[at..]), of(&calls[..at])] {
                let state = GroupsAccumulator::state(&mut half, EmitTo::All).unwrap();
                GroupsAccumulator::merge_batch(&mut joined, &state, &[0, 1, 2, 3], 4).unwrap();
            }
            prop_assert_eq!(&GroupsAccumulator::evaluate(&mut joined, EmitTo::All).unwrap(), &whole);

            let indices: Vec<usize> = calls.iter().map(|call| call.0).collect();
            let rows = Groups::default().convert_to_state(&columns(&calls), None).unwrap();
            let mut by_row = Groups::default();
            GroupsAccumulator::merge_batch(&mut by_row, &rows, &indices, 4).unwrap();
            prop_assert_eq!(&GroupsAccumulator::evaluate(&mut by_row, EmitTo::All).unwrap(), &whole);
        }

        #[test]
        fn results_stay_in_range(calls in prop::collection::vec((0i64..9_000, 0i64..400, 0i64..60), 1..80)) {
            let found = found(&calls);
            let calls = i64::try_from(calls.len()).unwrap();
            prop_assert_eq!(found.gaps + found.overlapping_calls, calls - 1);
            prop_assert!(found.short_gaps <= found.gaps && found.sequential_calls < calls);
            prop_assert!(found.peaks[0] >= 1 && found.peaks.is_sorted() && found.peaks[2] <= calls);
            prop_assert!(found.peak_hour_calls <= found.peaks[2] && found.cells <= 3);
            prop_assert_eq!(found.callees + found.repeat_within_24h, calls);
            prop_assert!(found.repeat_callees <= found.callees && found.top_callee_calls <= calls);
        }
    }
}
