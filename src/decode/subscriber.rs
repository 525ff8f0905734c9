//! Subscriptions and their changes.
//!
//! In: `wire::Subscriber`. Out: rows of `subscriber`. Never: a name or an identity number; the sender hashes them
//! with its own key. Refuses a state for the word of its lock: whose number it is by now would not be known.

use arrow::array::RecordBatch;

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, filled, number, one_of};
use crate::schema::column::subscriber as column;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::Subscriber;

const SEGMENTS: [&str; 3] = ["prepaid", "postpaid", "enterprise"];

/// Why an operator locks a line of its own accord: a changed device and an identity that is not verified by Thông tư
/// 08/2026/TT-BKHCN, and what it did before.
const LOCKS: [&str; 6] = ["device", "identity", "spam", "owner", "debt", "other"];

/// What stands for any other word: a lock all the same, for a reason that the sender has not agreed on.
pub const UNKNOWN_LOCK: &str = "unknown";

pub(super) struct Rows(Sheet);

impl Rows {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self(Sheet::with_capacity(Table::SUBSCRIBER.contract(), rows))
    }
}

impl Topical for Rows {
    type Wire<'a> = Subscriber<'a>;

    fn wire<'a>(cells: &mut impl Cells<'a>) -> Result<Subscriber<'a>, Reason> {
        Ok(Subscriber {
            number: cells.text()?,
            activated_at: cells.long()?,
            deactivated_at: cells.long_or_null()?,
            segment: cells.text()?,
            identity_hash: cells.text_or_null()?,
            key_epoch: cells.int_or_null()?,
            dealer: cells.text_or_null()?,
            changed_at: cells.long()?,
            lock_reason: cells.added_text()?,
        })
    }

    fn push(&mut self, wire: Subscriber<'_>, place: &Place<'_>) -> Result<(), Refusal> {
        let number = number("number", &wire.number)?;
        one_of("segment", &wire.segment, &SEGMENTS)?;
        let lock_reason = wire.lock_reason.as_deref().and_then(filled).map(lock);
        let day = place.day_of_state("changed_at", wire.changed_at)?;
        if wire.deactivated_at.is_some_and(|end| end < wire.activated_at) {
            return Err(Refusal::new(Reason::EndsBeforeStart, "deactivated_at"));
        }

        let row = self.0.row().day(day).int64(number).instant(wire.activated_at);
        let row = row.instant_or_null(wire.deactivated_at).text(&wire.segment);
        let row = row.text_or_null(wire.identity_hash.as_deref().and_then(filled)).int32_or_null(wire.key_epoch);
        let row = place.cells(row.text_or_null(wire.dealer.as_deref().and_then(filled)).instant(wire.changed_at));
        row.text_or_null(lock_reason).end();
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.0.finish()
    }
}

/// The reason of a lock, as far as it is known.
fn lock(word: &str) -> &str {
    if LOCKS.contains(&word) { word } else { UNKNOWN_LOCK }
}

/// How many rows tell of a lock whose reason is not known; none of another table's.
pub(super) fn unknown_locks(rows: &RecordBatch) -> u64 {
    let Ok(locks) = column::LOCK_REASON.of(rows) else { return 0 };
    locks.iter().filter(|lock| *lock == Some(UNKNOWN_LOCK)).count() as u64
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::decode::Options;
    use crate::domain::message::Message;

    /// 2025-01-06 10:00 in Vietnam.
    const AT: i64 = 1_736_132_400_000_000;

    /// The row of a subscription in JSON with some more fields.
    fn pushed(more: &str) -> Result<RecordBatch, Refusal> {
        let body =
            format!(r#"{{"number":"0912345678","activated_at":{AT},"segment":"prepaid","changed_at":{AT}{more}}}"#);
        let message = Message { partition: 0, offset: 0, kafka_at: None, key: None, payload: None, headers: None };
        let mut rows = Rows::with_capacity(1);
        rows.push(serde_json::from_str(&body).unwrap(), &Place::new(&message, "test/0", Options::default(), AT))?;
        Ok(rows.finish())
    }

    #[test]
    fn a_lock_has_its_reason_and_a_sender_of_before_says_none() {
        let locked = pushed(r#","lock_reason":"device""#).unwrap();
        assert_eq!(column::LOCK_REASON.of(&locked).unwrap().value(0), "device");
        for open in ["", r#","lock_reason":null"#, r#","lock_reason":"""#, r#","lock_reason":" ""#] {
            assert!(column::LOCK_REASON.of(&pushed(open).unwrap()).unwrap().is_null(0), "{open}");
        }
    }

    #[test]
    fn a_lock_for_a_reason_that_nobody_has_agreed_on_is_a_lock_and_costs_no_state() {
        for word in ["because", "DEBT", "unknown"] {
            let rows = pushed(&format!(r#","deactivated_at":{AT},"lock_reason":"{word}""#)).unwrap();
            assert_eq!(column::LOCK_REASON.of(&rows).unwrap().value(0), UNKNOWN_LOCK);
            assert_eq!(column::DEACTIVATED_AT.of(&rows).unwrap().value(0), AT, "its holder is known all the same");
            assert_eq!(unknown_locks(&rows), 1, "{word}");
        }
        assert_eq!(unknown_locks(&pushed(r#","lock_reason":"other""#).unwrap()), 0);
        assert_eq!(unknown_locks(&pushed("").unwrap()), 0);
    }

    #[test]
    fn whose_identity_is_left_blank_shares_it_with_nobody() {
        let named = pushed(r#","identity_hash":"h","dealer":"d""#).unwrap();
        assert_eq!(column::IDENTITY_HASH.of(&named).unwrap().value(0), "h");
        let blank = pushed(r#","identity_hash":"","dealer":" ""#).unwrap();
        assert!(column::IDENTITY_HASH.of(&blank).unwrap().is_null(0));
        assert!(column::DEALER.of(&blank).unwrap().is_null(0));
    }
}
