//! Subscriptions and their changes.
//!
//! In: `wire::Subscriber`. Out: rows of `subscriber`. Never: a name or an identity number; the sender hashes them
//! with its own key.

use arrow::array::RecordBatch;

use super::avro::Fields;
use super::reject::{Reason, Refusal};
use super::row::{Place, Topical, number, one_of};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::Subscriber;

const SEGMENTS: [&str; 3] = ["prepaid", "postpaid", "enterprise"];

pub(super) struct Rows(Sheet);

impl Rows {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self(Sheet::with_capacity(Table::SUBSCRIBER.contract(), rows))
    }
}

impl Topical for Rows {
    type Wire<'a> = Subscriber<'a>;

    fn wire<'a>(fields: &Fields<'a>, row: usize) -> Subscriber<'a> {
        Subscriber {
            number: fields.text(0, row),
            activated_at: fields.instant(1, row),
            deactivated_at: fields.instant_or_null(2, row),
            segment: fields.text(3, row),
            identity_hash: fields.text_or_null(4, row),
            key_epoch: fields.int_or_null(5, row),
            dealer: fields.text_or_null(6, row),
            changed_at: fields.instant(7, row),
        }
    }

    fn push(&mut self, wire: Subscriber<'_>, place: &Place<'_>) -> Result<(), Refusal> {
        let number = number("number", &wire.number)?;
        one_of("segment", &wire.segment, &SEGMENTS)?;
        let day = place.day_of_state("changed_at", wire.changed_at)?;
        if wire.deactivated_at.is_some_and(|end| end < wire.activated_at) {
            return Err(Refusal::new(Reason::EndsBeforeStart, "deactivated_at"));
        }

        let row = self.0.row().day(day).int64(number).instant(wire.activated_at);
        let row = row.instant_or_null(wire.deactivated_at).text(&wire.segment);
        let row = row.text_or_null(wire.identity_hash.as_deref()).int32_or_null(wire.key_epoch);
        place.end(row.text_or_null(wire.dealer.as_deref()).instant(wire.changed_at));
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.0.finish()
    }
}
