//! Messages that decode refused, whole, with the reason.
//!
//! In: a message and a refusal. Out: rows of the table `reject`. Never: a value of the message outside the columns
//! that hold its bytes.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use serde_json::error::Category;

use crate::domain::day::Day;
use crate::domain::message::Message;
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
    /// The word used in tables, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing_bytes",
            Self::MalformedAvro => "malformed_avro",
            Self::MalformedJson => "malformed_json",
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
    reasons: BTreeMap<Reason, u64>,
}

impl<'a> Rejects<'a> {
    pub(super) fn new(meant_for: Topic, topic: &'a str, source: &'a str, now: i64) -> Self {
        Self { sheet: Sheet::new(Table::REJECT.contract()), topic, source, meant_for, now, reasons: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, message: &Message<'_>, refusal: &Refusal) {
        *self.reasons.entry(refusal.reason).or_default() += 1;
        self.sheet
            .row()
            .day(Day::of(message.kafka_at.unwrap_or(self.now)))
            .text(self.topic)
            .int32(message.partition)
            .int64(message.offset)
            .instant_or_null(message.kafka_at)
            .int32_or_null(message.payload.and_then(super::avro::schema_id).map(u32::cast_signed))
            .text(refusal.reason.as_str())
            .text(&refusal.detail)
            .bytes_or_null(message.key)
            .bytes_or_null(message.payload)
            .text_or_null(message.headers)
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
