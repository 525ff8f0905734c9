//! Subscriptions and their changes.
//!
//! In: `wire::Subscriber`. Out: rows of `subscriber`. Never: a name or an identity number; the sender hashes them
//! with its own key. Refuses a state for the word of its lock or its segment: whose number it is by now would not be
//! known.

use arrow::array::{RecordBatch, StringArray};

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, filled, number};
use crate::schema::column::Column;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::Subscriber;

const SEGMENTS: [&str; 3] = ["prepaid", "postpaid", "enterprise"];

/// Why an operator locks a line of its own accord: a changed device and an identity that is not verified by Thông tư
/// 08/2026/TT-BKHCN, and what it did before.
const LOCKS: [&str; 6] = ["device", "identity", "spam", "owner", "debt", "other"];

/// What stands for any other word of either: a lock all the same, and a segment that no budget is for, so that no bar
/// begins until the sender keeps to what was agreed on.
pub const UNKNOWN: &str = "unknown";

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
        let lock_reason = wire.lock_reason.as_deref().and_then(filled).map(|word| known(word, &LOCKS));
        let day = place.day_of_state("changed_at", wire.changed_at)?;
        if wire.deactivated_at.is_some_and(|end| end < wire.activated_at) {
            return Err(Refusal::new(Reason::EndsBeforeStart, "deactivated_at"));
        }

        let row = self.0.row().day(day).int64(number).instant(wire.activated_at);
        let row = row.instant_or_null(wire.deactivated_at).text(known(&wire.segment, &SEGMENTS));
        let row = row.text_or_null(wire.identity_hash.as_deref().and_then(filled)).int32_or_null(wire.key_epoch);
        let row = place.cells(row.text_or_null(wire.dealer.as_deref().and_then(filled)).instant(wire.changed_at));
        row.text_or_null(lock_reason).end();
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.0.finish()
    }
}

/// A word as far as it is of the contract.
fn known<'a>(word: &'a str, list: &[&str]) -> &'a str {
    if list.contains(&word) { word } else { UNKNOWN }
}

/// How many rows have a word in a column that is none of the contract; none of another table's.
pub(super) fn unknown(column: Column<StringArray>, rows: &RecordBatch) -> u64 {
    let Ok(words) = column.of(rows) else { return 0 };
    words.iter().filter(|word| *word == Some(UNKNOWN)).count() as u64
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::decode::Options;
    use crate::domain::message::Message;
    use crate::schema::column::subscriber as column;

    /// 2025-01-06 10:00 in Vietnam.
    const AT: i64 = 1_736_132_400_000_000;

    /// The row of a subscription in JSON with some more fields.
    fn pushed(more: &str) -> Result<RecordBatch, Refusal> {
        pushed_as("prepaid", more)
    }

    /// The same of a segment.
    fn pushed_as(segment: &str, more: &str) -> Result<RecordBatch, Refusal> {
        let body =
            format!(r#"{{"number":"0912345678","activated_at":{AT},"segment":"{segment}","changed_at":{AT}{more}}}"#);
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
            assert_eq!(column::LOCK_REASON.of(&rows).unwrap().value(0), UNKNOWN);
            assert_eq!(column::DEACTIVATED_AT.of(&rows).unwrap().value(0), AT, "its holder is known all the same");
            assert_eq!(unknown(column::LOCK_REASON, &rows), 1, "{word}");
        }
        assert_eq!(unknown(column::LOCK_REASON, &pushed(r#","lock_reason":"other""#).unwrap()), 0);
        assert_eq!(unknown(column::LOCK_REASON, &pushed("").unwrap()), 0);
    }

    #[test]
    fn a_segment_that_nobody_has_agreed_on_costs_no_state() {
        for word in ["corporate", "PREPAID", ""] {
            let rows = pushed_as(word, &format!(r#","deactivated_at":{AT},"lock_reason":"debt""#)).unwrap();
            assert_eq!(column::SEGMENT.of(&rows).unwrap().value(0), UNKNOWN);
            assert_eq!(column::DEACTIVATED_AT.of(&rows).unwrap().value(0), AT, "its holder is known all the same");
            assert_eq!(column::LOCK_REASON.of(&rows).unwrap().value(0), "debt");
            let counts = [column::SEGMENT, column::LOCK_REASON].map(|column| unknown(column, &rows));
            assert_eq!(counts, [1, 0], "{word}");
        }
        for word in SEGMENTS {
            let rows = pushed_as(word, "").unwrap();
            assert_eq!(column::SEGMENT.of(&rows).unwrap().value(0), word);
            assert_eq!(unknown(column::SEGMENT, &rows), 0);
        }
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
