//! Call detail records.
//!
//! In: `wire::CallRecord`. Out: rows of `call_record`. Never: folds or pairs records; that is `pipelines/event`.

use arrow::array::RecordBatch;

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, digits, not_empty, not_negative, one_of, party, present};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::CallRecord;

const TYPES: [&str; 5] = ["originating", "terminating", "forwarded", "incoming_gateway", "outgoing_gateway"];

pub(super) struct Rows(Sheet);

impl Rows {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self(Sheet::with_capacity(Table::CALL_RECORD.contract(), rows))
    }
}

impl Topical for Rows {
    type Wire<'a> = CallRecord<'a>;

    fn wire<'a>(cells: &mut impl Cells<'a>) -> Result<CallRecord<'a>, Reason> {
        Ok(CallRecord {
            record_id: cells.text()?,
            record_type: cells.text()?,
            call_ref: cells.text_or_null()?,
            partial_seq: cells.int_or_null()?,
            caller: cells.text_or_null()?,
            caller_nature: cells.text()?,
            callee: cells.text_or_null()?,
            callee_nature: cells.text()?,
            start_at: cells.long()?,
            ring_s: cells.int_or_null()?,
            duration_s: cells.int()?,
            is_answered: cells.boolean()?,
            release_cause: cells.int_or_null()?,
            trunk: cells.text_or_null()?,
            cell: cells.long_or_null()?,
            imei: cells.long_or_null()?,
            imsi: cells.long_or_null()?,
        })
    }

    fn push(&mut self, wire: CallRecord<'_>, place: &Place<'_>) -> Result<(), Refusal> {
        not_empty("record_id", &wire.record_id)?;
        one_of("record_type", &wire.record_type, &TYPES)?;
        let caller = party("caller", wire.caller.as_deref(), &wire.caller_nature)?;
        let callee = present("callee", party("callee", wire.callee.as_deref(), &wire.callee_nature)?)?;
        not_negative("ring_s", wire.ring_s)?;
        not_negative("duration_s", Some(wire.duration_s))?;
        let day = place.day("start_at", wire.start_at)?;

        let row = self.0.row().day(day).text(&wire.record_type).text(&wire.record_id);
        let row = row.text_or_null(wire.call_ref.as_deref()).int32_or_null(wire.partial_seq);
        let row = row.int64_or_null(digits(&caller)).text(caller.kind.as_str());
        let row = row.text(wire.caller.as_deref().unwrap_or_default());
        let row = row.int64_or_null(digits(&callee)).text(callee.kind.as_str());
        let row = row.text(wire.callee.as_deref().unwrap_or_default());
        let row = row.instant(wire.start_at).int32_or_null(wire.ring_s).int32(wire.duration_s);
        let row = row.boolean(wire.is_answered).int32_or_null(wire.release_cause);
        let row = row.text_or_null(wire.trunk.as_deref());
        place.end(row.int64_or_null(wire.cell).int64_or_null(wire.imei).int64_or_null(wire.imsi));
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.0.finish()
    }
}
