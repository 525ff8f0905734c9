//! What arrives broken.
//!
//! In: a record that was sent well. Out: the bytes of a spoilt copy, under another record id.
//! Never: spoils the record itself; every fault here must become a reject, none a wrong row.

use rand::Rng as _;

use super::draw::{Rng, one};
use super::encode;
use crate::schema::wire::{CallRecord, SmsRecord};

/// 1970-01-02 and 2099-01-01, UTC microseconds: instants that no live exchange writes.
const WRONG_INSTANTS: [i64; 2] = [86_400_000_000, 4_070_908_800_000_000];

/// A spoilt copy of a call record.
pub(super) fn call(record: &CallRecord<'_>, record_id: String, rng: &mut Rng) -> Vec<u8> {
    let mut copy = CallRecord { record_id: record_id.into(), ..record.clone() };
    match rng.random_range(0..6) {
        0 => copy.caller = Some("NGUYENVANA".into()),
        1 => copy.start_at = *one(rng, &WRONG_INSTANTS),
        2 => copy.duration_s = -rng.random_range(1..600),
        kind => return spoilt(encode::call(&copy), kind - 3, rng),
    }
    encode::call(&copy)
}

/// A spoilt copy of a message record.
pub(super) fn sms(record: &SmsRecord<'_>, record_id: String, rng: &mut Rng) -> Vec<u8> {
    let mut copy = SmsRecord { record_id: record_id.into(), ..record.clone() };
    match rng.random_range(0..4) {
        0 => copy.sent_at = *one(rng, &WRONG_INSTANTS),
        kind => return spoilt(encode::sms(&copy), kind - 1, rng),
    }
    encode::sms(&copy)
}

/// JSON that is cut off, of the wrong type, or no JSON at all.
pub(super) fn json(payload: &[u8], rng: &mut Rng) -> Vec<u8> {
    match rng.random_range(0..4) {
        0 => payload[..payload.len() * 2 / 3].to_vec(),
        1 => b"[1,2,3]".to_vec(),
        2 => b"{\"number\":{\"is\":1},\"report_id\":7,\"reported_at\":true}".to_vec(),
        _ => b"<xml>loi</xml>".to_vec(),
    }
}

fn spoilt(mut bytes: Vec<u8>, kind: i32, rng: &mut Rng) -> Vec<u8> {
    match kind {
        0 => bytes.truncate(rng.random_range(6..bytes.len() - 8)),
        // Inside the record id, the first text: no UTF-8 has this byte.
        1 => bytes[8] = 0xff,
        _ => bytes[1..5].copy_from_slice(&rng.random_range(900_u32..1_000).to_be_bytes()),
    }
    bytes
}
