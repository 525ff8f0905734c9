//! What every topic's decoder shares: where a row came from, and the checks that all apply.
//!
//! In: wire structs. Out: cells, or a refusal with its reason. Never: writes half a row.

use arrow::array::RecordBatch;
use serde::Deserialize;

use super::Options;
use super::reject::{Reason, Refusal};
use crate::domain::day::Day;
use crate::domain::message::Message;
use crate::domain::number::Number;
use crate::domain::party::{self, Nature, Party, PartyKind};
use crate::schema::sheet::Row;
use crate::schema::wire::Text;

/// One topic: its wire struct and how that becomes a row.
pub(super) trait Topical {
    /// The struct of `schema::wire`.
    type Wire<'a>: Deserialize<'a>;

    /// Reads the wire struct, field by field in the order of the contract.
    fn wire<'a>(cells: &mut impl Cells<'a>) -> Result<Self::Wire<'a>, Reason>;

    /// Appends a row, or says why not; a refusal leaves no trace.
    fn push(&mut self, wire: Self::Wire<'_>, place: &Place<'_>) -> Result<(), Refusal>;

    /// The rows.
    fn finish(&mut self) -> RecordBatch;
}

/// The fields of one record, one after the other in the order of the topic's contract.
pub(super) trait Cells<'a> {
    /// Text.
    fn text(&mut self) -> Result<Text<'a>, Reason>;
    /// Text, or nothing.
    fn text_or_null(&mut self) -> Result<Option<Text<'a>>, Reason>;
    /// Text that came to the end of the contract, or nothing: who writes by the contract of before ends without it.
    fn added_text(&mut self) -> Result<Option<Text<'a>>, Reason> {
        self.text_or_null()
    }
    /// A 32-bit integer.
    fn int(&mut self) -> Result<i32, Reason>;
    /// A 32-bit integer, or nothing.
    fn int_or_null(&mut self) -> Result<Option<i32>, Reason>;
    /// A 64-bit integer, or an instant in UTC microseconds.
    fn long(&mut self) -> Result<i64, Reason>;
    /// The same, or nothing.
    fn long_or_null(&mut self) -> Result<Option<i64>, Reason>;
    /// A truth value.
    fn boolean(&mut self) -> Result<bool, Reason>;
}

/// Where a message stood and which times are believed of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    source: &'a str,
    partition: i32,
    offset: i64,
    loaded_at: i64,
    earliest: i64,
    latest: i64,
}

const HOUR_US: i64 = 3_600 * 1_000_000;
/// 1993-04-16: the first mobile network of Vietnam opens, and nobody subscribed before.
const FIRST_SUBSCRIPTION_US: i64 = 734_918_400 * 1_000_000;

impl<'a> Place<'a> {
    pub(super) fn new(message: &Message<'_>, source: &'a str, options: Options, now: i64) -> Self {
        // A producer's clock that runs ahead makes nothing believable that is not.
        let sent_at = message.kafka_at.unwrap_or(now).min(now);
        Self {
            source,
            partition: message.partition,
            offset: message.offset,
            loaded_at: now,
            earliest: sent_at.saturating_sub(i64::from(options.max_age_days) * 24 * HOUR_US),
            latest: sent_at.saturating_add(i64::from(options.max_ahead_hours) * HOUR_US),
        }
    }

    /// The local day of an instant, if it lies within the stated bounds around the Kafka timestamp.
    pub(super) fn day(&self, field: &'static str, at: i64) -> Result<Day, Refusal> {
        if at < self.earliest {
            return Err(Refusal::new(Reason::TooOld, field));
        }
        if at > self.latest {
            return Err(Refusal::new(Reason::TooFarAhead, field));
        }
        Ok(Day::of(at))
    }

    /// The same for a state that may have begun long ago: a subscription of many years is no stale record.
    pub(super) fn day_of_state(&self, field: &'static str, at: i64) -> Result<Day, Refusal> {
        let place = Self { earliest: FIRST_SUBSCRIPTION_US, ..*self };
        place.day(field, at)
    }

    /// Fills the last four columns of an ingested table; those that it got later come behind.
    pub(super) fn cells<'r>(&self, row: Row<'r>) -> Row<'r> {
        row.int32(self.partition).int64(self.offset).instant(self.loaded_at).text(self.source)
    }

    /// The same where none come behind.
    pub(super) fn end(&self, row: Row<'_>) {
        self.cells(row).end();
    }
}

/// An address of a record with its nature.
pub(super) fn party(field: &'static str, address: Option<&str>, nature: &str) -> Result<Party, Refusal> {
    let nature = Nature::parse(nature).ok_or_else(|| Refusal::new(Reason::UnknownNature, field))?;
    match address {
        None | Some("") => Ok(Party { kind: PartyKind::Anonymous, number: None }),
        Some(address) => party::read(address, nature).map_err(|_| Refusal::new(Reason::NotANumber, field)),
    }
}

/// The address of somebody who must be there: the called party of a call.
pub(super) fn present(field: &'static str, party: Party) -> Result<Party, Refusal> {
    match party.kind {
        PartyKind::Anonymous => Err(Refusal::new(Reason::NotANumber, field)),
        _ => Ok(party),
    }
}

/// A number that must be one, in national or international digits.
pub(super) fn number(field: &'static str, text: &str) -> Result<i64, Refusal> {
    let number = Number::parse_given(text);
    number.map(cell).ok_or_else(|| Refusal::new(Reason::NotANumber, field))
}

/// The number of a party as a cell.
pub(super) fn digits(party: &Party) -> Option<i64> {
    party.number.map(cell)
}

/// A number as a cell.
pub(super) fn cell(number: Number) -> i64 {
    number.reveal()
}

/// A word out of a closed list.
pub(super) fn one_of(field: &'static str, word: &str, list: &[&str]) -> Result<(), Refusal> {
    if list.contains(&word) { Ok(()) } else { Err(Refusal::new(Reason::UnknownWord, field)) }
}

/// A count that cannot be below zero.
pub(super) fn not_negative(field: &'static str, value: Option<i32>) -> Result<(), Refusal> {
    match value {
        Some(..=-1) => Err(Refusal::new(Reason::Negative, field)),
        _ => Ok(()),
    }
}

/// A field that is not left blank: blank is what a sender writes of what it does not know, and not a name that many share.
pub(super) fn filled(field: &str) -> Option<&str> {
    (!field.trim().is_empty()).then_some(field)
}

/// Text that must say something.
pub(super) fn not_empty(field: &'static str, text: &str) -> Result<(), Refusal> {
    if text.is_empty() { Err(Refusal::new(Reason::Empty, field)) } else { Ok(()) }
}
