//! `fold_call({…}, pair_window_s) OVER (ORDER BY caller, callee)`: the records of each call as one.
//!
//! In: records, those between the same two parties side by side, and how many seconds apart two of one call may start.
//! Out: in the row of the record that leads a call what all of them say together; null in all other rows. Never: a
//! column that only the leading record has: it stands in that row already.
//!
//! Grouping and joining say the same in SQL, at several times the cost: once records lie side by side, one pass over
//! them is enough.

mod call;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, Int32Array, Int64Array, StringViewArray, StructArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err, plan_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{PartitionEvaluator, Signature, Volatility, WindowUDFImpl};

use self::call::{Call, FORWARDED, INCOMING, ORIGINATING, OUTGOING, Record, Side, TERMINATING};

/// Types of records in the order in which they lead; what is none of the first four is the last.
const LEADS: [&str; 4] = ["originating", "incoming_gateway", "forwarded", "terminating"];

/// `fold_call({'caller': …, 'callee': …, 'names': …, …}, pair_window_s)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct FoldCall(Signature);

impl FoldCall {
    pub(super) fn new() -> Self {
        Self(Signature::any(2, Volatility::Immutable))
    }
}

impl WindowUDFImpl for FoldCall {
    fn name(&self) -> &'static str {
        "fold_call"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn partition_evaluator(&self, _: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Folding))
    }

    fn field(&self, args: WindowUDFFieldArgs) -> Result<FieldRef> {
        let [records, _] = args.input_fields() else { return plan_err!("fold_call takes records and seconds") };
        if !matches!(records.data_type(), DataType::Struct(_)) {
            return plan_err!("fold_call: the records are a struct with a field for each column");
        }
        Ok(Arc::new(Field::new(args.name(), DataType::Struct(fields()), true)))
    }
}

fn fields() -> Fields {
    let count = ["records", "records_before", "records_after"].map(|name| (name, DataType::Int64));
    let leading =
        [("duration_s", DataType::Int32), ("is_answered", DataType::Boolean), ("release_cause", DataType::Int32)];
    let trunk = ["trunk_in", "trunk_out"].map(|name| (name, DataType::Utf8View));
    let callee = ["callee_cell", "callee_imei", "callee_imsi"].map(|name| (name, DataType::Int64));
    let is = ["is_originated", "is_incoming", "is_forwarded", "is_terminated"].map(|name| (name, DataType::Boolean));
    let all = count.into_iter().chain(leading).chain(trunk).chain(callee).chain(is);
    all.map(|(name, kind)| Field::new(name, kind, true)).collect()
}

#[derive(Debug)]
struct Folding;

impl PartitionEvaluator for Folding {
    fn evaluate_all(&mut self, arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [records, seconds] = arguments else { return exec_err!("fold_call takes records and seconds") };
        let columns = Columns::of(records.as_struct())?;
        let seconds = seconds.as_primitive_opt::<Int64Type>().filter(|seconds| !seconds.is_empty());
        let window_us = seconds.map_or(0, |seconds| seconds.value(0) * 1_000_000);
        let mut folded = Folded::new(rows);
        let mut run = Vec::new();
        for rows in columns.runs(rows) {
            run.clear();
            run.extend(rows.map(|row| columns.record(row)));
            call::fold(&mut run, window_us, |call| folded.add(&call));
        }
        folded.finish(&columns)
    }
}

/// The records' columns.
struct Columns {
    caller: Int64Array,
    callee: Int64Array,
    names: StringViewArray,
    record_id: StringViewArray,
    call_ref: StringViewArray,
    record_type: StringViewArray,
    start_at: TimestampMicrosecondArray,
    end_at: TimestampMicrosecondArray,
    partial_seq: Int32Array,
    is_before: BooleanArray,
    is_after: BooleanArray,
    duration_s: Int32Array,
    is_answered: BooleanArray,
    release_cause: Int32Array,
    trunk: StringViewArray,
    cell: Int64Array,
    imei: Int64Array,
    imsi: Int64Array,
    source_partition: Int32Array,
    source_offset: Int64Array,
}

impl Columns {
    fn of(records: &StructArray) -> Result<Self> {
        let column = |name: &str, kind: &DataType| -> Result<ArrayRef> {
            let column = records.column_by_name(name).ok_or_else(|| exec_datafusion_err!("fold_call: no {name}"))?;
            Ok(cast(column, kind)?)
        };
        let instant = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
        let text = |name| Ok::<_, DataFusionError>(column(name, &DataType::Utf8View)?.as_string_view().clone());
        let long = |name| Ok::<_, DataFusionError>(column(name, &DataType::Int64)?.as_primitive::<Int64Type>().clone());
        let int = |name| Ok::<_, DataFusionError>(column(name, &DataType::Int32)?.as_primitive::<Int32Type>().clone());
        let flag = |name| Ok::<_, DataFusionError>(column(name, &DataType::Boolean)?.as_boolean().clone());
        let at =
            |name| Ok::<_, DataFusionError>(column(name, &instant)?.as_primitive::<TimestampMicrosecondType>().clone());
        Ok(Self {
            caller: long("caller")?,
            callee: long("callee")?,
            names: text("names")?,
            record_id: text("record_id")?,
            call_ref: text("call_ref")?,
            record_type: text("record_type")?,
            start_at: at("start_at")?,
            end_at: at("end_at")?,
            partial_seq: int("partial_seq")?,
            is_before: flag("is_before")?,
            is_after: flag("is_after")?,
            duration_s: int("duration_s")?,
            is_answered: flag("is_answered")?,
            release_cause: int("release_cause")?,
            trunk: text("trunk")?,
            cell: long("cell")?,
            imei: long("imei")?,
            imsi: long("imsi")?,
            source_partition: int("source_partition")?,
            source_offset: long("source_offset")?,
        })
    }

    /// The runs of rows between the same two parties; nobody's number is zero, and so is that of who has none.
    fn runs(&self, rows: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let (callers, callees) = (self.caller.values(), self.callee.values());
        let mut from = 0;
        std::iter::from_fn(move || {
            let first = from;
            let pair = (callers.get(first).filter(|_| first < rows)?, callees.get(first)?);
            while from < rows && (&callers[from], &callees[from]) == pair {
                from += 1;
            }
            Some(first..from)
        })
    }

    fn record(&self, row: usize) -> Record<'_> {
        let record_type = self.record_type.value(row);
        Record {
            row,
            names: self.names.value(row),
            record_id: self.record_id.value(row),
            call_ref: text_at(&self.call_ref, row),
            start_at: self.start_at.value(row),
            end_at: self.end_at.value(row),
            partial_seq: self.partial_seq.is_valid(row).then(|| self.partial_seq.value(row)),
            kind: LEADS.iter().position(|lead| *lead == record_type).unwrap_or(OUTGOING),
            is_before: self.is_before.value(row),
            is_after: self.is_after.value(row),
            duration_s: self.duration_s.value(row),
            is_answered: self.is_answered.value(row),
            trunk: text_at(&self.trunk, row),
            source: (self.source_partition.value(row), self.source_offset.value(row)),
        }
    }
}

fn text_at(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// What is said in the row of each leading record.
struct Folded {
    is_leading: BooleanBufferBuilder,
    counts: [Vec<i64>; 3],
    duration_s: Vec<i32>,
    is_answered: BooleanBufferBuilder,
    /// Rows that have the rest: the last part of the leading type, those that name trunks, the callee's own.
    last: Vec<u64>,
    trunk_in: Vec<Option<u64>>,
    trunk_out: Vec<Option<u64>>,
    callee: Vec<Option<u64>>,
    has: [BooleanBufferBuilder; 4],
}

impl Folded {
    fn new(rows: usize) -> Self {
        let flags = || {
            let mut flags = BooleanBufferBuilder::new(rows);
            flags.append_n(rows, false);
            flags
        };
        Self {
            is_leading: flags(),
            counts: std::array::from_fn(|_| vec![0; rows]),
            duration_s: vec![0; rows],
            is_answered: flags(),
            last: vec![0; rows],
            trunk_in: vec![None; rows],
            trunk_out: vec![None; rows],
            callee: vec![None; rows],
            has: std::array::from_fn(|_| flags()),
        }
    }

    fn add(&mut self, call: &Call<'_>) {
        let Some(leading) = call.leading() else { return };
        let row = leading.first;
        self.is_leading.set_bit(row, true);
        for (counts, count) in self.counts.iter_mut().zip([call.records, call.before, call.after]) {
            counts[row] = count;
        }
        self.duration_s[row] = i32::try_from(leading.duration_s).unwrap_or(i32::MAX);
        self.is_answered.set_bit(row, leading.is_answered);
        self.last[row] = leading.last as u64;
        let trunk = |side: Option<Side<'_>>| side.and_then(|side| side.trunk).map(|(_, row)| row as u64);
        self.trunk_in[row] = trunk(call.sides[INCOMING]);
        self.trunk_out[row] = trunk(call.sides[OUTGOING]);
        self.callee[row] = call.sides[TERMINATING].map(|side| side.first as u64);
        for (has, kind) in self.has.iter_mut().zip([ORIGINATING, INCOMING, FORWARDED, TERMINATING]) {
            has.set_bit(row, call.sides[kind].is_some());
        }
    }

    fn finish(mut self, columns: &Columns) -> Result<ArrayRef> {
        let at = |column: &dyn Array, rows: Vec<Option<u64>>| take(column, &UInt64Array::from(rows), None);
        let callee = UInt64Array::from(self.callee);
        let mut values: Vec<ArrayRef> = Vec::new();
        values.extend(self.counts.map(|counts| Arc::new(Int64Array::from(counts)) as ArrayRef));
        values.push(Arc::new(Int32Array::from(self.duration_s)));
        values.push(Arc::new(BooleanArray::from(self.is_answered.finish())));
        values.push(take(&columns.release_cause, &UInt64Array::from(self.last), None)?);
        values.push(at(&columns.trunk, self.trunk_in)?);
        values.push(at(&columns.trunk, self.trunk_out)?);
        for column in [&columns.cell, &columns.imei, &columns.imsi] {
            values.push(take(column, &callee, None)?);
        }
        values.extend(self.has.map(|mut has| Arc::new(BooleanArray::from(has.finish())) as ArrayRef));
        let is_leading = NullBuffer::new(self.is_leading.finish());
        Ok(Arc::new(StructArray::try_new(fields(), values, Some(is_leading))?))
    }
}
