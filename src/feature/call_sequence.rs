//! `call_sequence(start_at, record_id, busy_s, callee, cell, imei, short_gap_s)`: what depends on the order of one
//! caller's calls.
//!
//! In: the calls of each group, in any order; `busy_s` is ring and conversation, `callee` an E.164 number or null.
//! Out: a struct with the columns of [`Sequence`]; all zero for an empty group. Calls are ordered by (`start_at`,
//! `record_id`).
//! A gap runs from one call's end to the next call's start; a negative one is an overlap and no gap; it is short below
//! `short_gap_s`. A peak is the most calls with start in any half-open window `[t, t + w)`: such a window can always be
//! moved right to begin at a call. A sequential call's number differs from the previous call's by 1 to 10.
//! Merging is exact: a state is the calls themselves, so any split in any order gives the same answer. Calls that come
//! in order, as from a clustered file, are not sorted again, and a group's calls are let go of when it is complete.
//! Never: holds a threshold; the widths of the windows are the columns' definitions.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, Int64Builder, ListArray, ListBuilder, StringBuilder,
    StringViewArray, StructArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use crate::domain::day::local_hour;

const US_PER_S: i64 = 1_000_000;
/// Widths of the peak windows, seconds.
const WINDOWS_S: [i64; 3] = [60, 600, 3_600];
/// Neighbouring numbers in a dialled sequence.
const SEQUENCE: std::ops::RangeInclusive<u64> = 1..=10;

/// One call as far as order matters.
#[derive(Debug, Clone, Copy)]
struct Call {
    group: usize,
    start_us: i64,
    end_us: i64,
    /// Null is no number.
    callee: Option<i64>,
    cell: Option<i64>,
    imei: Option<i64>,
    /// Where its record id is: which array, and where in it.
    id: (u32, u32),
}

/// The kernel: collects the calls of many groups, then walks each group's once in order.
#[derive(Debug, Default)]
pub struct Kernel {
    calls: Vec<Call>,
    /// The arrays of record ids as they came; a call is told from another by its id only where their starts are equal.
    ids: Vec<StringViewArray>,
    short_gap_s: Option<i64>,
    scratch: Vec<i64>,
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
}

impl Kernel {
    /// Takes in the ids of calls that are added next; says which array they are.
    fn know(&mut self, ids: StringViewArray) -> u32 {
        self.ids.push(ids);
        u32::try_from(self.ids.len() - 1).unwrap_or(u32::MAX)
    }

    /// Takes in a call.
    fn add(&mut self, call: Call) {
        self.calls.push(call);
    }

    /// Takes in another kernel's calls.
    #[cfg(test)]
    fn merge(&mut self, other: Self) {
        let before = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.ids.extend(other.ids);
        self.calls.extend(other.calls.into_iter().map(|call| Call { id: (before + call.id.0, call.id.1), ..call }));
    }

    /// Puts the calls in order; those of a clustered file are.
    fn sort(&mut self) {
        let Self { calls, ids, .. } = self;
        let order = |one: &Call, other: &Call| {
            (one.group, one.start_us).cmp(&(other.group, other.start_us)).then_with(|| id(ids, one).cmp(id(ids, other)))
        };
        if !calls.is_sorted_by(|one, next| order(one, next) != Ordering::Greater) {
            calls.sort_unstable_by(order);
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

    /// Lets go of the first calls, of the groups before, and of ids that no other call has.
    fn forget(&mut self, calls: usize, groups: usize) {
        self.calls.drain(..calls);
        let used = self.calls.iter().map(|call| call.id.0).min().map_or(self.ids.len(), |first| first as usize);
        self.ids.drain(..used);
        for call in &mut self.calls {
            call.group -= groups;
            call.id.0 -= u32::try_from(used).unwrap_or_default();
        }
    }

    fn size(&self) -> usize {
        let ids: usize = self.ids.iter().map(Array::get_array_memory_size).sum();
        size_of_val(self) + self.calls.capacity() * size_of::<Call>() + ids
    }
}

fn id<'a>(ids: &'a [StringViewArray], call: &Call) -> &'a str {
    ids[call.id.0 as usize].value(call.id.1 as usize)
}

/// What the calls of one caller say, in their order.
fn sequence(calls: &[Call], short_gap_us: i64, scratch: &mut Vec<i64>) -> Sequence {
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
        let is_next = matches!((before.callee, call.callee), (Some(a), Some(b)) if SEQUENCE.contains(&a.abs_diff(b)));
        found.sequential_calls += i64::from(is_next);
    }
    found.peaks = WINDOWS_S.map(|window_s| peak(calls, window_s * US_PER_S));
    let mut by_hour = [0_i64; 24];
    for call in calls {
        by_hour[usize::try_from(local_hour(call.start_us)).unwrap_or_default()] += 1;
    }
    found.active_hours = by_hour.iter().map(|calls| i64::from(*calls > 0)).sum();
    found.peak_hour_calls = by_hour.into_iter().max().unwrap_or_default();
    found.cells = distinct(calls.iter().filter_map(|call| call.cell), scratch);
    found.imeis = distinct(calls.iter().filter_map(|call| call.imei), scratch);
    found
}

/// Most calls in any half-open window, by two pointers over the sorted starts.
fn peak(calls: &[Call], window_us: i64) -> i64 {
    let (mut peak, mut first) = (0, 0);
    for (last, call) in calls.iter().enumerate() {
        while call.start_us - calls[first].start_us >= window_us {
            first += 1;
        }
        peak = peak.max(last - first + 1);
    }
    count(peak)
}

/// How many different values there are; the same one many times in a row is the usual case.
fn distinct(values: impl Iterator<Item = i64>, scratch: &mut Vec<i64>) -> i64 {
    scratch.clear();
    for value in values {
        if scratch.last() != Some(&value) {
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
        let mut arguments = vec![instant, DataType::Utf8View];
        arguments.extend(vec![DataType::Int64; 5]);
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
        "cells",
        "imeis",
        "active_hours",
        "peak_hour_calls",
    ];
    names.into_iter().map(|name| Field::new(name, DataType::Int64, false)).collect()
}

impl Sequence {
    /// In the order of `result_fields`.
    fn values(self) -> [i64; 11] {
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
        ]
    }
}

/// Whole numbers of a call in a state, each a list by group.
const STATE: [&str; 5] = ["start_us", "end_us", "callee", "cell", "imei"];

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
        Ok(Box::new(Groups::default()))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::default()))
    }

    fn state_fields(&self, _: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |name: &str, kind: DataType| {
            Arc::new(Field::new(name, DataType::List(Arc::new(Field::new_list_field(kind, true))), true))
        };
        let mut fields: Vec<FieldRef> = STATE.iter().map(|name| list(name, DataType::Int64)).collect();
        fields.push(list("record_id", DataType::Utf8));
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
        let [starts, ids, busy, callees, cells, imeis, short_gap] = values else {
            return exec_err!("call_sequence takes seven arguments");
        };
        self.note(short_gap, total_num_groups);
        let starts = starts.as_primitive::<TimestampMicrosecondType>();
        let [busy, callees, cells, imeis] =
            [busy, callees, cells, imeis].map(|column| column.as_primitive::<Int64Type>());
        let array = self.kernel.know(ids.as_string_view().clone());
        let value = |column: &Int64Array, row| column.is_valid(row).then(|| column.value(row));
        let counts = |row| opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        for (row, group) in group_indices.iter().enumerate() {
            if starts.is_null(row) || !counts(row) {
                continue;
            }
            let start_us = starts.value(row);
            let busy_s = value(busy, row).unwrap_or_default();
            self.kernel.add(Call {
                group: *group,
                start_us,
                end_us: start_us.saturating_add(busy_s.saturating_mul(US_PER_S)),
                callee: value(callees, row),
                cell: value(cells, row),
                imei: value(imeis, row),
                id: (array, u32::try_from(row).unwrap_or(u32::MAX)),
            });
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.take(emit_to);
        let found: Vec<[i64; 11]> = self.kernel.finish(groups).into_iter().map(Sequence::values).collect();
        let column =
            |index: usize| Arc::new(found.iter().map(|values| values[index]).collect::<Int64Array>()) as ArrayRef;
        let fields = result_fields();
        let columns = (0..fields.len()).map(column).collect();
        Ok(Arc::new(StructArray::try_new_with_length(fields, columns, None, groups)?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.take(emit_to);
        self.kernel.sort();
        let mut numbers = STATE.map(|_| ListBuilder::new(Int64Builder::new()));
        let mut ids = ListBuilder::new(StringBuilder::new());
        let done = self.kernel.calls.partition_point(|call| call.group < groups);
        let mut rest = &self.kernel.calls[..done];
        for group in 0..groups {
            let (calls, others) = rest.split_at(rest.partition_point(|call| call.group == group));
            rest = others;
            for call in calls {
                let values = [Some(call.start_us), Some(call.end_us), call.callee, call.cell, call.imei];
                for (list, value) in numbers.iter_mut().zip(values) {
                    list.values().append_option(value);
                }
                ids.values().append_value(id(&self.kernel.ids, call));
            }
            numbers.iter_mut().for_each(|list| list.append(true));
            ids.append(true);
        }
        self.kernel.forget(done, groups);
        let mut state: Vec<ArrayRef> = numbers.iter_mut().map(|list| Arc::new(list.finish()) as ArrayRef).collect();
        state.push(Arc::new(ids.finish()));
        state.push(Arc::new(std::iter::repeat_n(self.kernel.short_gap_s, groups).collect::<Int64Array>()));
        Ok(state)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        let [starts, ends, callees, cells, imeis, ids, short_gap] = values else {
            return exec_err!("call_sequence: foreign state");
        };
        self.note(short_gap, total_num_groups);
        let lists = [starts, ends, callees, cells, imeis].map(|lists| lists.as_list::<i32>());
        let numbers = lists.map(|lists: &ListArray| lists.values().as_primitive::<Int64Type>());
        let (texts, offsets) = (ids.as_list::<i32>(), lists[0].value_offsets());
        let array = self.kernel.know(cast(texts.values(), &DataType::Utf8View)?.as_string_view().clone());
        for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| lists[0].is_valid(*row)) {
            for at in offsets[row]..offsets[row + 1] {
                let place = usize::try_from(at).unwrap_or_default();
                let [start_us, end_us, callee, cell, imei] =
                    numbers.map(|column| column.is_valid(place).then(|| column.value(place)));
                let (Some(start_us), Some(end_us)) = (start_us, end_us) else { continue };
                let id = (array, u32::try_from(at).unwrap_or(u32::MAX));
                self.kernel.add(Call { group: *group, start_us, end_us, callee, cell, imei, id });
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

    /// The kernel of one group; ids rise with the place in the list.
    fn kernel(calls: &[Plain]) -> Kernel {
        named(&calls.iter().enumerate().map(|(index, call)| (format!("r{index:04}"), *call)).collect::<Vec<_>>())
    }

    fn named(calls: &[(String, Plain)]) -> Kernel {
        let mut kernel = Kernel { short_gap_s: Some(60), ..Kernel::default() };
        let array = kernel.know(calls.iter().map(|(id, _)| Some(id)).collect());
        for (index, (_, (start_s, busy_s, callee))) in calls.iter().enumerate() {
            kernel.add(Call {
                group: 0,
                start_us: start_s * US_PER_S,
                end_us: (start_s + busy_s) * US_PER_S,
                callee: Some(*callee),
                cell: Some(callee % 3),
                imei: None,
                id: (array, u32::try_from(index).unwrap()),
            });
        }
        kernel
    }

    fn found(calls: &[Plain]) -> Sequence {
        kernel(calls).finish(1)[0]
    }

    #[track_caller]
    fn check(calls: &[Plain], expect: Sequence) {
        // What does not depend on order has tests of its own.
        let Sequence { cells, active_hours, peak_hour_calls, .. } = found(calls);
        assert_eq!(found(calls), Sequence { cells, active_hours, peak_hour_calls, ..expect });
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
    fn equal_starts_are_ordered_by_record_id() {
        let calls = [("b", 200), ("a", 100), ("c", 201)].map(|(id, callee)| (id.to_owned(), (0, 0, callee)));
        assert_eq!(named(&calls).finish(1)[0].sequential_calls, 1);
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
        assert_eq!((all.calls.len(), all.ids.len()), (4, 1), "what is left is the last group's");
        assert_eq!(gaps(all.finish(1)), [3]);
        assert_eq!((all.calls.len(), all.ids.len()), (0, 0));
    }

    proptest! {
        #[test]
        fn any_split_in_any_order_equals_the_whole(
            calls in prop::collection::vec((0i64..20_000, 0i64..400, 0i64..60), 0..80),
            at in 0usize..80,
        ) {
            let calls: Vec<_> = calls.into_iter().enumerate().map(|(index, call)| (format!("r{index:04}"), call)).collect();
            let whole = named(&calls).finish(1);
            let (left, right) = calls.split_at(at.min(calls.len()));
            let mut joined = named(&right.iter().rev().cloned().collect::<Vec<_>>());
            joined.merge(named(left));
            prop_assert_eq!(joined.finish(1), whole);
        }

        #[test]
        fn a_state_is_as_good_as_the_calls(
            calls in prop::collection::vec((0usize..4, 0i64..9_000, 0i64..400, 0i64..60), 1..60),
            at in 0usize..60,
        ) {
            let columns = |calls: &[(usize, i64, i64, i64)], first: usize| -> Vec<ArrayRef> {
                let starts: TimestampMicrosecondArray = calls.iter().map(|call| Some(call.1 * US_PER_S)).collect();
                let ids: StringViewArray = (first..).zip(calls).map(|(id, _)| Some(format!("r{id:04}"))).collect();
                let int = |value: fn(&(usize, i64, i64, i64)) -> Option<i64>| -> ArrayRef {
                    Arc::new(calls.iter().map(value).collect::<Int64Array>())
                };
                vec![
                    Arc::new(starts.with_timezone("UTC")), Arc::new(ids), int(|call| Some(call.2)), int(|call| Some(call.3)),
                    int(|call| Some(call.3 % 5)), int(|_| None), int(|_| Some(60)),
                ]
            };
            let of = |calls: &[(usize, i64, i64, i64)], first| {
                let mut groups = Groups::default();
                let indices: Vec<usize> = calls.iter().map(|call| call.0).collect();
                GroupsAccumulator::update_batch(&mut groups, &columns(calls, first), &indices, None, 4).unwrap();
                groups
            };
            let whole = GroupsAccumulator::evaluate(&mut of(&calls, 0), EmitTo::All).unwrap();
            let at = at.min(calls.len());
            let mut joined = Groups::default();
            for mut half in [of(&calls[at..], at), of(&calls[..at], 0)] {
                let state = GroupsAccumulator::state(&mut half, EmitTo::All).unwrap();
                GroupsAccumulator::merge_batch(&mut joined, &state, &[0, 1, 2, 3], 4).unwrap();
            }
            prop_assert_eq!(&GroupsAccumulator::evaluate(&mut joined, EmitTo::All).unwrap(), &whole);

            let indices: Vec<usize> = calls.iter().map(|call| call.0).collect();
            let rows = Groups::default().convert_to_state(&columns(&calls, 0), None).unwrap();
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
        }
    }
}
