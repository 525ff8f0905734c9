//! The state of a number as a message: what consumers of the compacted topic `sim_flag` keep.
//!
//! In: an entry of a publication. Out: key and value. Never: frames by a schema that is not the contract.

use super::{Entry, digits};
use crate::domain::number::Number;
use crate::schema::avro::Avro;

/// The contract of the value.
pub const CONTRACT: &str = include_str!("../../../schemas/topic/sim_flag.avsc");

/// The key: E.164 digits.
pub fn key(number: Number) -> String {
    digits(number).to_string()
}

/// The value, as `schemas/topic/sim_flag.avsc` has it, framed by its schema id.
pub fn value(entry: &Entry, sequence: i64, schema: u32) -> Vec<u8> {
    let mut avro = Avro::framed(schema);
    avro.text(entry.action.as_str());
    avro.text(&entry.reason);
    avro.long(i64::from(entry.from.epoch_days()));
    avro.long(i64::from(entry.until.epoch_days()));
    avro.text(&entry.case_id);
    avro.long(sequence);
    avro.finish()
}
