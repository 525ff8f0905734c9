//! `call_sequence(start_at, busy_s, callee, cell, imei, short_gap_s)`: what depends on the order of one caller's calls, and
//! on whom it called.
//!
//! In: the calls of each group, in any order; `busy_s` is ring and conversation, `callee` an E.164 number or null.
//! Out: a struct with the columns of [`kernel::Sequence`]; all zero for an empty group. Calls are ordered by (start,
//! end, callee), so that no id of a record has a say.
//! A gap runs from one call's end to the next call's start; a negative one is an overlap and no gap; it is short below
//! `short_gap_s`. A peak is the most calls with start in any half-open window `[t, t + w)`: such a window can always be
//! moved right to begin at a call. A sequential call's number differs from the previous call's by 1 to 10.
//! Merging is exact: a state is the calls themselves, so any split in any order gives the same answer. Calls that come
//! in order, as from a clustered file, are not sorted again, and a group's calls are let go of when it is complete.
//! Never: holds a threshold; the widths of the windows are the columns' definitions.

pub mod kernel;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, Int64Builder, ListArray, ListBuilder, PrimitiveArray,
};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, FieldRef, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use self::kernel::{Call, Kernel, NONE, STATE, Sequence, US_PER_S};
use super::frames::{fields, structs};
use super::time::instant;

/// The SQL function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CallSequence(Signature);

impl CallSequence {
    pub(super) fn new() -> Self {
        let mut arguments = vec![instant()];
        arguments.extend(vec![DataType::Int64; 5]);
        Self(Signature::exact(arguments, Volatility::Immutable))
    }
}

/// Columns of the struct.
pub(super) const COLUMNS: [&str; 14] = [
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
];

impl Sequence {
    /// In the order of `COLUMNS`.
    pub(super) fn values(self) -> [i64; COLUMNS.len()] {
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
        let [starts, busy, callees, cells, imeis, short_gap] = values else {
            return exec_err!("call_sequence takes six arguments");
        };
        self.note(short_gap, total_num_groups);
        let starts = starts.as_primitive::<TimestampMicrosecondType>();
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
            });
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.take(emit_to);
        let mut found = Vec::with_capacity(groups);
        self.kernel.finish(groups, |sequence, _| found.push(sequence.values()));
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
pub(super) fn value<T: ArrowPrimitiveType<Native = i64>>(column: &PrimitiveArray<T>, row: usize) -> i64 {
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

    proptest! {
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
                    int(|call| Some(call.3 % 5)), int(|_| None), int(|_| Some(60)),
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
    }
}
