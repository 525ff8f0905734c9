//! Columns of records, and the rows of the calls that they are.
//!
//! In: batches of records; calls by where their records lie. Out: batches of calls. Never: decides which records are
//! one call.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::{cast, interleave};
use arrow::datatypes::{
    DataType, Date32Type, Field, Int32Type, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_datafusion_err};

use super::call::{Call, FORWARDED, INCOMING, ORIGINATING, OUTGOING, Place, Record, TERMINATING};
use crate::schema::column::call_record as of;
use crate::schema::contract::Table;

/// Types of records in the order in which they lead; what is none of the first four is the last.
const LEADS: [&str; 4] = ["originating", "incoming_gateway", "forwarded", "terminating"];

/// Rows of a batch that is handed on.
const BATCH_ROWS: usize = 8_192;

/// Columns that a call has of the record that leads it.
const LEADING: [&str; 14] = [
    of::RECORD_TYPE.name,
    of::RECORD_ID.name,
    of::CALL_REF.name,
    of::CALLER.name,
    of::CALLER_KIND.name,
    of::CALLER_RAW.name,
    of::CALLEE.name,
    of::CALLEE_KIND.name,
    of::CALLEE_RAW.name,
    of::START_AT.name,
    of::RING_S.name,
    of::CELL.name,
    of::IMEI.name,
    of::IMSI.name,
];

/// What a call says beside the columns of the record that leads it.
pub(super) fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let records = Table::CALL_RECORD.contract().schema();
        let leading = records.fields().iter().filter(|field| LEADING.contains(&field.name().as_str()));
        let leading = leading.map(|field| Field::new(field.name(), viewed(field.data_type()), field.is_nullable()));
        let said = [
            ("duration_s", DataType::Int32, false),
            ("is_answered", DataType::Boolean, false),
            ("release_cause", DataType::Int32, true),
            ("trunk_in", DataType::Utf8View, true),
            ("trunk_out", DataType::Utf8View, true),
            ("callee_cell", DataType::Int64, true),
            ("callee_imei", DataType::Int64, true),
            ("callee_imsi", DataType::Int64, true),
            ("is_originated", DataType::Boolean, false),
            ("is_incoming", DataType::Boolean, false),
            ("is_forwarded", DataType::Boolean, false),
            ("is_terminated", DataType::Boolean, false),
            ("records", DataType::Int64, false),
            ("records_before", DataType::Int64, false),
            ("records_after", DataType::Int64, false),
        ];
        let said = said.into_iter().map(|(name, kind, is_nullable)| Field::new(name, kind, is_nullable));
        Arc::new(Schema::new(leading.chain(said).collect::<Vec<_>>()))
    });
    Arc::clone(&SCHEMA)
}

/// Text that is fetched from many batches is not copied.
fn viewed(kind: &DataType) -> DataType {
    if *kind == DataType::Utf8 { DataType::Utf8View } else { kind.clone() }
}

/// A batch's columns.
pub(super) struct Columns {
    day: Date32Array,
    record_type: StringViewArray,
    record_id: StringViewArray,
    call_ref: StringViewArray,
    partial_seq: Int32Array,
    caller: Int64Array,
    caller_kind: StringViewArray,
    caller_raw: StringViewArray,
    callee: Int64Array,
    callee_kind: StringViewArray,
    callee_raw: StringViewArray,
    start_at: TimestampMicrosecondArray,
    ring_s: Int32Array,
    duration_s: Int32Array,
    is_answered: BooleanArray,
    release_cause: ArrayRef,
    trunk: StringViewArray,
    cell: ArrayRef,
    imei: ArrayRef,
    imsi: ArrayRef,
    source_partition: Int32Array,
    source_offset: Int64Array,
    /// Those of [`LEADING`], in the order of the schema.
    leading: Vec<ArrayRef>,
}

/// A column of a batch, in a type.
fn column(batch: &RecordBatch, name: &str, kind: &DataType) -> Result<ArrayRef> {
    let column = batch.column_by_name(name).ok_or_else(|| exec_datafusion_err!("fold_call: no {name}"))?;
    Ok(cast(column, kind)?)
}

/// The numbers of the caller and the callee of each record.
pub(super) fn parties(batch: &RecordBatch) -> Result<[Int64Array; 2]> {
    let number = |name| column(batch, name, &DataType::Int64).map(|column| column.as_primitive::<Int64Type>().clone());
    Ok([number(of::CALLER.name)?, number(of::CALLEE.name)?])
}

impl Columns {
    pub(super) fn of(batch: &RecordBatch) -> Result<Self> {
        let column = |name, kind| column(batch, name, &kind);
        let text = |name| column(name, DataType::Utf8View).map(|column| column.as_string_view().clone());
        let long = |name| column(name, DataType::Int64).map(|column| column.as_primitive::<Int64Type>().clone());
        let int = |name| column(name, DataType::Int32).map(|column| column.as_primitive::<Int32Type>().clone());
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let leading = schema().fields().iter().take(LEADING.len()).cloned().collect::<Vec<_>>();
        Ok(Self {
            day: column(of::DAY.name, DataType::Date32)?.as_primitive::<Date32Type>().clone(),
            record_type: text(of::RECORD_TYPE.name)?,
            record_id: text(of::RECORD_ID.name)?,
            call_ref: text(of::CALL_REF.name)?,
            partial_seq: int(of::PARTIAL_SEQ.name)?,
            caller: long(of::CALLER.name)?,
            caller_kind: text(of::CALLER_KIND.name)?,
            caller_raw: text(of::CALLER_RAW.name)?,
            callee: long(of::CALLEE.name)?,
            callee_kind: text(of::CALLEE_KIND.name)?,
            callee_raw: text(of::CALLEE_RAW.name)?,
            start_at: column(of::START_AT.name, instant)?.as_primitive::<TimestampMicrosecondType>().clone(),
            ring_s: int(of::RING_S.name)?,
            duration_s: int(of::DURATION_S.name)?,
            is_answered: column(of::IS_ANSWERED.name, DataType::Boolean)?.as_boolean().clone(),
            release_cause: column(of::RELEASE_CAUSE.name, DataType::Int32)?,
            trunk: text(of::TRUNK.name)?,
            cell: column(of::CELL.name, DataType::Int64)?,
            imei: column(of::IMEI.name, DataType::Int64)?,
            imsi: column(of::IMSI.name, DataType::Int64)?,
            source_partition: int(of::SOURCE_PARTITION.name)?,
            source_offset: long(of::SOURCE_OFFSET.name)?,
            leading: leading
                .iter()
                .map(|field| column(field.name(), field.data_type().clone()))
                .collect::<Result<Vec<_>>>()?,
        })
    }

    /// The record of a row, when `today` is folded.
    pub(super) fn record(&self, at: Place, today: i32) -> Record<'_> {
        let row = at.row;
        let record_type = self.record_type.value(row);
        let (start_at, duration_s) = (self.start_at.value(row), self.duration_s.value(row));
        let ring_s = if self.ring_s.is_valid(row) { self.ring_s.value(row) } else { 0 };
        let busy_s = i64::from(ring_s) + i64::from(duration_s);
        Record {
            at,
            names: [
                self.caller.is_null(row).then(|| (self.caller_kind.value(row), self.caller_raw.value(row))),
                self.callee.is_null(row).then(|| (self.callee_kind.value(row), self.callee_raw.value(row))),
            ],
            record_id: self.record_id.value(row),
            call_ref: text_at(&self.call_ref, row),
            start_at,
            end_at: start_at.saturating_add(busy_s.saturating_mul(1_000_000)),
            partial_seq: self.partial_seq.is_valid(row).then(|| self.partial_seq.value(row)),
            kind: LEADS.iter().position(|lead| *lead == record_type).unwrap_or(OUTGOING),
            day: self.day.value(row) - today,
            duration_s,
            is_answered: self.is_answered.value(row),
            trunk: text_at(&self.trunk, row),
            source: self.source(row),
        }
    }

    fn source(&self, row: usize) -> (i32, i64) {
        (self.source_partition.value(row), self.source_offset.value(row))
    }

    pub(super) fn day(&self, at: Place) -> i32 {
        self.day.value(at.row)
    }

    /// By which the calls of one caller lie: as the contract says, and what is the same in all of that by its source.
    pub(super) fn order(&self, at: Place) -> (i64, &str, (i32, i64)) {
        (self.start_at.value(at.row), self.record_id.value(at.row), self.source(at.row))
    }
}

fn text_at(column: &StringViewArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

/// What is said of a call, and where the rest of it lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub(super) leader: Place,
    /// The last part of the leading type.
    last: Place,
    trunk_in: Option<Place>,
    trunk_out: Option<Place>,
    /// The record that the called end wrote.
    callee: Option<Place>,
    duration_s: i32,
    is_answered: bool,
    /// Whether it was originated, came in, was forwarded, was terminated.
    has: [bool; 4],
    /// Records in all, of the day before, of the day after.
    records: [i64; 3],
}

impl Event {
    pub(super) fn of(call: &Call<'_>) -> Option<Self> {
        let leading = call.leading()?;
        let trunk = |side: usize| call.sides[side].and_then(|side| side.trunk).map(|(_, at)| at);
        Some(Self {
            leader: leading.first,
            last: leading.last,
            trunk_in: trunk(INCOMING),
            trunk_out: trunk(OUTGOING),
            callee: call.sides[TERMINATING].map(|side| side.first),
            duration_s: i32::try_from(leading.duration_s).unwrap_or(i32::MAX),
            is_answered: leading.is_answered,
            has: [ORIGINATING, INCOMING, FORWARDED, TERMINATING].map(|side| call.sides[side].is_some()),
            records: [call.records, call.before, call.after],
        })
    }
}

/// Rows of calls, batch by batch.
pub(super) struct Rows<'a> {
    columns: &'a [Columns],
    waiting: Vec<Event>,
    batches: Vec<RecordBatch>,
}

impl<'a> Rows<'a> {
    pub(super) fn of(columns: &'a [Columns]) -> Self {
        Self { columns, waiting: Vec::new(), batches: Vec::new() }
    }

    /// Takes in the next calls, and leaves none.
    pub(super) fn append(&mut self, events: &mut Vec<Event>) -> Result<()> {
        self.waiting.append(events);
        while self.waiting.len() >= BATCH_ROWS {
            let rest = self.waiting.split_off(BATCH_ROWS);
            let full = std::mem::replace(&mut self.waiting, rest);
            self.batches.push(self.batch(&full)?);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<RecordBatch>> {
        if !self.waiting.is_empty() {
            self.batches.push(self.batch(&self.waiting)?);
        }
        Ok(self.batches)
    }

    fn batch(&self, events: &[Event]) -> Result<RecordBatch> {
        let mut values = Vec::new();
        for column in 0..LEADING.len() {
            values.push(self.fetch(events, |event| Some(event.leader), |columns| &columns.leading[column])?);
        }
        values.push(Arc::new(events.iter().map(|event| event.duration_s).collect::<Int32Array>()) as ArrayRef);
        values.push(flags(events, |event| event.is_answered));
        values.push(self.fetch(events, |event| Some(event.last), |columns| &columns.release_cause)?);
        values.push(self.fetch(events, |event| event.trunk_in, |columns| &columns.trunk)?);
        values.push(self.fetch(events, |event| event.trunk_out, |columns| &columns.trunk)?);
        values.push(self.fetch(events, |event| event.callee, |columns| &columns.cell)?);
        values.push(self.fetch(events, |event| event.callee, |columns| &columns.imei)?);
        values.push(self.fetch(events, |event| event.callee, |columns| &columns.imsi)?);
        values.extend((0..4).map(|side: usize| flags(events, |event| event.has[side])));
        let counts = |count: usize| events.iter().map(|event| event.records[count]).collect::<Int64Array>();
        values.extend((0..3).map(|count| Arc::new(counts(count)) as ArrayRef));
        Ok(RecordBatch::try_new(schema(), values)?)
    }

    /// The values of a column at one place of each call; null where it has none.
    fn fetch(
        &self,
        events: &[Event],
        place: impl Fn(&Event) -> Option<Place>,
        column: impl Fn(&Columns) -> &dyn Array,
    ) -> Result<ArrayRef> {
        let mut arrays: Vec<&dyn Array> = self.columns.iter().map(column).collect();
        let places = || events.iter().map(&place);
        let none = arrays.first().map(|array| new_null_array(array.data_type(), 1));
        let beyond = arrays.len();
        if places().any(|place| place.is_none()) {
            arrays.extend(none.as_deref());
        }
        let indices: Vec<_> = places().map(|place| place.map_or((beyond, 0), |at| (at.batch, at.row))).collect();
        Ok(interleave(&arrays, &indices)?)
    }
}

fn flags(events: &[Event], flag: impl Fn(&Event) -> bool) -> ArrayRef {
    Arc::new(BooleanArray::from(events.iter().map(flag).collect::<Vec<_>>()))
}
