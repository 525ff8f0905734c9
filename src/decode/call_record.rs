//! Call detail records.
//!
//! In: `wire::CallRecord`. Out: rows of `call_record`. Never: folds or pairs records; that is `pipelines/event`.

use arrow::array::RecordBatch;

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, digits, filled, not_empty, not_negative, one_of, party, present};
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
        let row = row.text_or_null(wire.call_ref.as_deref().and_then(filled)).int32_or_null(wire.partial_seq);
        let row = row.int64_or_null(digits(&caller)).text(caller.kind.as_str());
        let row = row.text(wire.caller.as_deref().unwrap_or_default());
        let row = row.int64_or_null(digits(&callee)).text(callee.kind.as_str());
        let row = row.text(wire.callee.as_deref().unwrap_or_default());
        let row = row.instant(wire.start_at).int32_or_null(wire.ring_s).int32(wire.duration_s);
        let row = row.boolean(wire.is_answered).int32_or_null(wire.release_cause);
        let row = row.text_or_null(wire.trunk.as_deref().and_then(filled));
        place.end(row.int64_or_null(wire.cell).int64_or_null(wire.imei).int64_or_null(wire.imsi));
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::decode::Options;
    use crate::domain::message::Message;
    use crate::schema::column::call_record as column;

    /// 2025-01-06 10:00 in Vietnam.
    const AT: i64 = 1_736_132_400_000_000;

    #[test]
    fn calls_whose_reference_and_trunk_are_left_blank_have_none_in_common() {
        let body = format!(
            r#"{{"record_id":"r1","record_type":"originating","call_ref":"","caller":"0962000001","caller_nature":"national",
            "callee":"0912345678","callee_nature":"national","start_at":{AT},"duration_s":60,"is_answered":true,"trunk":" "}}"#
        );
        let message = Message { partition: 0, offset: 0, kafka_at: None, key: None, payload: None, headers: None };
        let mut rows = Rows::with_capacity(1);
        let place = Place::new(&message, "test/0", Options::default(), AT);
        rows.push(serde_json::from_str(&body).unwrap(), &place).unwrap();
        let rows = rows.finish();
        assert!(column::CALL_REF.of(&rows).unwrap().is_null(0));
        assert!(column::TRUNK.of(&rows).unwrap().is_null(0));
    }
}
