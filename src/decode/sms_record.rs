//! Short message records.
//!
//! In: `wire::SmsRecord`. Out: rows of `sms_record`. Never: the text of a message; it does not even arrive.

use arrow::array::RecordBatch;

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, digits, filled, not_empty, not_negative, one_of, party, present};
use crate::domain::party::PartyKind;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::SmsRecord;

const TYPES: [&str; 4] = ["originating", "terminating", "incoming_gateway", "outgoing_gateway"];

pub(super) struct Rows(Sheet);

impl Rows {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self(Sheet::with_capacity(Table::SMS_RECORD.contract(), rows))
    }
}

impl Topical for Rows {
    type Wire<'a> = SmsRecord<'a>;

    fn wire<'a>(cells: &mut impl Cells<'a>) -> Result<SmsRecord<'a>, Reason> {
        Ok(SmsRecord {
            record_id: cells.text()?,
            record_type: cells.text()?,
            message_ref: cells.text_or_null()?,
            sender: cells.text_or_null()?,
            sender_nature: cells.text()?,
            recipient: cells.text_or_null()?,
            recipient_nature: cells.text()?,
            sent_at: cells.long()?,
            parts: cells.int()?,
            trunk: cells.text_or_null()?,
            cell: cells.long_or_null()?,
            imei: cells.long_or_null()?,
            imsi: cells.long_or_null()?,
        })
    }

    fn push(&mut self, wire: SmsRecord<'_>, place: &Place<'_>) -> Result<(), Refusal> {
        not_empty("record_id", &wire.record_id)?;
        one_of("record_type", &wire.record_type, &TYPES)?;
        let sender = party("sender", wire.sender.as_deref(), &wire.sender_nature)?;
        let recipient = present("recipient", party("recipient", wire.recipient.as_deref(), &wire.recipient_nature)?)?;
        not_negative("parts", Some(wire.parts))?;
        let day = place.day("sent_at", wire.sent_at)?;
        let name = match sender.kind {
            PartyKind::SenderName => wire.sender.as_deref().map(str::to_uppercase),
            _ => None,
        };

        let row = self.0.row().day(day).text(&wire.record_type).text(&wire.record_id);
        let row = row.text_or_null(wire.message_ref.as_deref().and_then(filled));
        let row = row.int64_or_null(digits(&sender)).text(sender.kind.as_str());
        let row = row.text(wire.sender.as_deref().unwrap_or_default()).text_or_null(name.as_deref());
        let row = row.int64_or_null(digits(&recipient)).text(recipient.kind.as_str());
        let row = row.text(wire.recipient.as_deref().unwrap_or_default());
        let row = row.instant(wire.sent_at).int32(wire.parts).text_or_null(wire.trunk.as_deref().and_then(filled));
        place.end(row.int64_or_null(wire.cell).int64_or_null(wire.imei).int64_or_null(wire.imsi));
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.0.finish()
    }
}
