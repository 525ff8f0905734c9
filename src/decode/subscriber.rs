//! Subscriptions and their changes.
//!
//! In: `wire::Subscriber`. Out: rows of `subscriber`. Never: a name or an identity number; the sender hashes them
//! with its own key.

use arrow::array::RecordBatch;

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, number, one_of};
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
        })
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
