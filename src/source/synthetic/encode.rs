//! Records as bytes: Avro in Confluent framing for calls and messages, JSON for the rest.
//!
//! In: the wire structs. Out: the payload of a message, fields in the order of `schemas/topic/*.avsc`.
//! Never: reads bytes back, or checks what it is given.

use serde::Serialize;

use crate::schema::avro::Avro;
use crate::schema::topic::Topic;
use crate::schema::wire::{CallRecord, SmsRecord};

/// The schema id of a topic: its position, counted from 1.
pub(super) fn schema_id(topic: Topic) -> u32 {
    let position = Topic::ALL.iter().position(|other| *other == topic);
    u32::try_from(position.expect("every topic is listed")).expect("few topics") + 1
}

/// A call record: byte 0, schema id, Avro.
pub(super) fn call(record: &CallRecord<'_>) -> Vec<u8> {
    let mut avro = Avro::framed(schema_id(Topic::CallRecord));
    avro.text(&record.record_id);
    avro.text(&record.record_type);
    avro.optional_text(record.call_ref.as_ref());
    avro.optional_long(record.partial_seq.map(i64::from));
    avro.optional_text(record.caller.as_ref());
    avro.text(&record.caller_nature);
    avro.optional_text(record.callee.as_ref());
    avro.text(&record.callee_nature);
    avro.long(record.start_at);
    avro.optional_long(record.ring_s.map(i64::from));
    avro.long(i64::from(record.duration_s));
    avro.boolean(record.is_answered);
    avro.optional_long(record.release_cause.map(i64::from));
    avro.optional_text(record.trunk.as_ref());
    avro.optional_long(record.cell);
    avro.optional_long(record.imei);
    avro.optional_long(record.imsi);
    avro.finish()
}

/// A message record, likewise.
pub(super) fn sms(record: &SmsRecord<'_>) -> Vec<u8> {
    let mut avro = Avro::framed(schema_id(Topic::SmsRecord));
    avro.text(&record.record_id);
    avro.text(&record.record_type);
    avro.optional_text(record.message_ref.as_ref());
    avro.optional_text(record.sender.as_ref());
    avro.text(&record.sender_nature);
    avro.optional_text(record.recipient.as_ref());
    avro.text(&record.recipient_nature);
    avro.long(record.sent_at);
    avro.long(i64::from(record.parts));
    avro.optional_text(record.trunk.as_ref());
    avro.optional_long(record.cell);
    avro.optional_long(record.imei);
    avro.optional_long(record.imsi);
    avro.finish()
}

/// Anything else, as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("wire structs hold only text and integers")
}

/// Reads calls back, for the tests of the generator.
#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::schema::wire::Text;

    /// A cursor over Avro's binary form; every step is none on broken bytes.
    struct Cursor<'a>(&'a [u8]);

    impl<'a> Cursor<'a> {
        fn byte(&mut self) -> Option<u8> {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            Some(*first)
        }

        fn long(&mut self) -> Option<i64> {
            let (mut value, mut shift) = (0_u64, 0);
            let mut byte = 0x80;
            while byte & 0x80 != 0 {
                byte = self.byte()?;
                value |= u64::from(byte & 0x7f).checked_shl(shift)?;
                shift += 7;
            }
            Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
        }

        fn int(&mut self) -> Option<i32> {
            i32::try_from(self.long()?).ok()
        }

        fn text(&mut self) -> Option<Text<'a>> {
            let length = usize::try_from(self.long()?).ok()?;
            let (text, rest) = self.0.split_at_checked(length)?;
            self.0 = rest;
            Some(std::str::from_utf8(text).ok()?.into())
        }

        fn optional<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Option<T>> {
            if self.long()? == 1 { read(self).map(Some) } else { Some(None) }
        }
    }

    /// A call record; none of a payload that does not hold one.
    pub(in super::super) fn read_call(payload: &[u8]) -> Option<CallRecord<'_>> {
        let mut at = Cursor(payload.strip_prefix(&[0, 0, 0, 0, 1])?);
        let record = CallRecord {
            record_id: at.text()?,
            record_type: at.text()?,
            call_ref: at.optional(Cursor::text)?,
            partial_seq: at.optional(Cursor::int)?,
            caller: at.optional(Cursor::text)?,
            caller_nature: at.text()?,
            callee: at.optional(Cursor::text)?,
            callee_nature: at.text()?,
            start_at: at.long()?,
            ring_s: at.optional(Cursor::int)?,
            duration_s: at.int()?,
            is_answered: at.byte()? == 1,
            release_cause: at.optional(Cursor::int)?,
            trunk: at.optional(Cursor::text)?,
            cell: at.optional(Cursor::long)?,
            imei: at.optional(Cursor::long)?,
            imsi: at.optional(Cursor::long)?,
        };
        at.0.is_empty().then_some(record)
    }

    #[test]
    fn a_call_record_reads_back() {
        let record = CallRecord {
            record_id: "MSC01-7".into(),
            record_type: "originating".into(),
            call_ref: None,
            partial_seq: Some(2),
            caller: Some("84962000001".into()),
            caller_nature: "international".into(),
            callee: Some("113".into()),
            callee_nature: "short".into(),
            start_at: -1,
            ring_s: Some(0),
            duration_s: 1_800,
            is_answered: true,
            release_cause: Some(16),
            trunk: None,
            cell: Some(10_000_001),
            imei: Some(i64::MAX),
            imsi: Some(i64::MIN),
        };
        assert_eq!(read_call(&call(&record)), Some(record));
    }

    #[test]
    fn schema_ids_follow_the_list_of_topics() {
        assert_eq!((schema_id(Topic::CallRecord), schema_id(Topic::SmsRecord)), (1, 2));
    }
}
