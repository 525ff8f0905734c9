//! Messages that decode refused, whole, with the reason.
//!
//! In: a message and a refusal. Out: rows of the table `reject`, a citizen's message sealed where there is a key. Never: a
//! value of the message outside the columns that hold its bytes.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use serde_json::error::Category;

use crate::domain::day::Day;
use crate::domain::message::Message;
use crate::domain::seal::Seal;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::topic::Topic;

/// Why a message is no row. The words are a contract: alarms and replays are keyed by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The body ends before its schema does.
    Truncated,
    /// The body goes on after its schema has ended.
    TrailingBytes,
    /// The body contradicts its Avro schema: a union branch, an enum symbol or a length out of range.
    MalformedAvro,
    /// Neither Avro in Confluent framing nor JSON.
    MalformedJson,
    /// Not one CSV line.
    MalformedCsv,
    /// Text that is no UTF-8.
    InvalidUtf8,
    /// The registry has no schema of this id.
    UnknownSchema,
    /// The schema of this id does not lead to the topic's contract.
    IncompatibleSchema,
    /// A field is missing, or of the wrong type.
    WrongType,
    /// An address that cannot be dialled.
    NotANumber,
    /// A nature of address that the contract does not know.
    UnknownNature,
    /// A word outside its closed list.
    UnknownWord,
    /// A count below zero.
    Negative,
    /// A text that must not be empty.
    Empty,
    /// Older than is believed.
    TooOld,
    /// Later than is believed.
    TooFarAhead,
    /// An end before its beginning.
    EndsBeforeStart,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 17] = [
        Self::Truncated,
        Self::TrailingBytes,
        Self::MalformedAvro,
        Self::MalformedJson,
        Self::MalformedCsv,
        Self::InvalidUtf8,
        Self::UnknownSchema,
        Self::IncompatibleSchema,
        Self::WrongType,
        Self::NotANumber,
        Self::UnknownNature,
        Self::UnknownWord,
        Self::Negative,
        Self::Empty,
        Self::TooOld,
        Self::TooFarAhead,
        Self::EndsBeforeStart,
    ];

    /// The word used in tables, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing_bytes",
            Self::MalformedAvro => "malformed_avro",
            Self::MalformedJson => "malformed_json",
            Self::MalformedCsv => "malformed_csv",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::UnknownSchema => "unknown_schema",
            Self::IncompatibleSchema => "incompatible_schema",
            Self::WrongType => "wrong_type",
            Self::NotANumber => "not_a_number",
            Self::UnknownNature => "unknown_nature",
            Self::UnknownWord => "unknown_word",
            Self::Negative => "negative",
            Self::Empty => "empty",
            Self::TooOld => "too_old",
            Self::TooFarAhead => "too_far_ahead",
            Self::EndsBeforeStart => "ends_before_start",
        }
    }
}

/// The place to which what is sealed of a reject belongs.
pub fn place(source: &str, partition: i32, offset: i64) -> String {
    format!("reject/{source}/{partition}/{offset}")
}

/// A reason and where in the message it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    reason: Reason,
    detail: String,
}

impl Refusal {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// serde's own words may quote the message, so only the place is kept.
    pub(super) fn json(error: &serde_json::Error) -> Self {
        let reason = match error.classify() {
            Category::Data => Reason::WrongType,
            Category::Io | Category::Syntax | Category::Eof => Reason::MalformedJson,
        };
        Self::new(reason, format!("line {} column {}", error.line(), error.column()))
    }
}

/// Rows of the table `reject` under construction.
#[derive(Debug)]
pub(super) struct Rejects<'a> {
    sheet: Sheet,
    topic: &'a str,
    source: &'a str,
    meant_for: Topic,
    now: i64,
    /// Stands in for the headers of messages that have none.
    headers: Option<String>,
    seal: Seal,
    reasons: BTreeMap<Reason, u64>,
}

impl<'a> Rejects<'a> {
    pub(super) fn new(meant_for: Topic, topic: &'a str, source: &'a str, now: i64) -> Self {
        let sheet = Sheet::new(Table::REJECT.contract());
        let (headers, seal, reasons) = (None, Seal::default(), BTreeMap::new());
        Self { sheet, topic, source, meant_for, now, headers, seal, reasons }
    }

    /// The same with headers for messages that have none.
    pub(super) fn with_headers(self, headers: Option<String>) -> Self {
        Self { headers, ..self }
    }

    /// The same where what came lies sealed.
    pub(super) fn with_seal(self, seal: Seal) -> Self {
        Self { seal, ..self }
    }

    pub(super) fn push(&mut self, message: &Message<'_>, refusal: &Refusal) {
        let place = place(self.source, message.partition, message.offset);
        let sealed = |bytes| self.seal.close(&place, bytes);
        let headers = message.headers.or(self.headers.as_deref());
        let headers = headers.map(|headers| self.seal.close_text(&place, headers));
        *self.reasons.entry(refusal.reason).or_default() += 1;
        self.sheet
            .row()
            // By the instant at which the ledger tells of it, so that both say alike when its time is past.
            .day(Day::of(self.now))
            .text(self.topic)
            .int32(message.partition)
            .int64(message.offset)
            .instant_or_null(message.kafka_at)
            .int32_or_null(message.payload.and_then(super::avro::schema_id).map(u32::cast_signed))
            .text(refusal.reason.as_str())
            .text(&refusal.detail)
            .bytes_or_null(message.key.map(sealed).as_deref())
            .bytes_or_null(message.payload.map(sealed).as_deref())
            .text_or_null(headers.as_deref())
            .text(env!("CARGO_PKG_VERSION"))
            .instant(self.now)
            .text(self.source)
            .text(self.meant_for.name())
            .end();
    }

    pub(super) fn reasons(&self) -> Vec<(Reason, u64)> {
        self.reasons.iter().map(|(reason, count)| (*reason, *count)).collect()
    }

    pub(super) fn finish(mut self) -> RecordBatch {
        self.sheet.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::column::reject;

    #[test]
    fn a_reject_lies_on_the_day_on_which_it_was_refused() {
        let (sent, refused): (Day, Day) = ("2025-01-06".parse().unwrap(), "2025-03-01".parse().unwrap());
        let mut rejects = Rejects::new(Topic::CallRecord, "call_record", "k/t/0", refused.starts_at());
        let kafka_at = Some(sent.starts_at());
        let message = Message { partition: 0, offset: 7, kafka_at, key: None, payload: Some(b"poison"), headers: None };
        rejects.push(&message, &Refusal::new(Reason::MalformedJson, ""));
        let batch = rejects.finish();
        assert_eq!(Day::from_epoch_days(reject::DAY.of(&batch).unwrap().value(0)), refused);
        assert_eq!(reject::KAFKA_AT.of(&batch).unwrap().value(0), sent.starts_at());
    }

    #[test]
    fn a_sealed_reject_opens_at_its_own_place() {
        let seal = Seal::new(&["07".repeat(32)]).unwrap();
        let mut rejects = Rejects::new(Topic::CitizenReport, "t", "k/t/0", 0).with_seal(seal.clone());
        let headers = Some(r#"[["by","30393132"]]"#);
        let (key, payload) = (Some(&b"0912345678"[..]), Some(&b"poison \xff"[..]));
        rejects.push(
            &Message { partition: 0, offset: 7, kafka_at: None, key, payload, headers },
            &Refusal::new(Reason::MalformedJson, ""),
        );
        let batch = rejects.finish();
        let place = place("k/t/0", 0, 7);
        for (column, came) in [(reject::KEY, key), (reject::PAYLOAD, payload)] {
            let sealed = column.of(&batch).unwrap().value(0);
            assert_ne!(Some(sealed), came);
            assert_eq!(seal.reveal(&place, sealed).as_deref(), came);
        }
        let sealed = reject::HEADERS.of(&batch).unwrap().value(0);
        assert_ne!(Some(sealed), headers);
        assert_eq!(seal.reveal_text(&place, sealed).as_deref(), headers);
    }
}
