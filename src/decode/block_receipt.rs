//! Receipts of the network.
//!
//! In: `wire::BlockReceipt`. Out: rows of `block_receipt`. Never: checks that it was asked: what the network does
//! unasked has to be seen.

use arrow::array::RecordBatch;

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, filled, number, one_of};
use crate::domain::bar::Action;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::BlockReceipt;

const STATES: [&str; 3] = ["done", "failed", "unknown"];

pub(super) struct Rows(Sheet);

impl Rows {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self(Sheet::with_capacity(Table::BLOCK_RECEIPT.contract(), rows))
    }
}

impl Topical for Rows {
    type Wire<'a> = BlockReceipt<'a>;

    fn wire<'a>(cells: &mut impl Cells<'a>) -> Result<BlockReceipt<'a>, Reason> {
        Ok(BlockReceipt {
            number: cells.text()?,
            action: cells.text()?,
            sequence: cells.long_or_null()?,
            case_id: cells.text_or_null()?,
            state: cells.text()?,
            reported_at: cells.long()?,
            code: cells.text_or_null()?,
        })
    }

    fn push(&mut self, wire: BlockReceipt<'_>, place: &Place<'_>) -> Result<(), Refusal> {
        let number = number("number", &wire.number)?;
        one_of("action", &wire.action, &Action::ALL.map(Action::as_str))?;
        one_of("state", &wire.state, &STATES)?;
        let day = place.day("reported_at", wire.reported_at)?;

        let row = self.0.row().day(day).int64(number).text(&wire.action).int64_or_null(wire.sequence);
        let row =
            row.text_or_null(wire.case_id.as_deref().and_then(filled)).text(&wire.state).instant(wire.reported_at);
        place.end(row.text_or_null(wire.code.as_deref().and_then(filled)));
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.0.finish()
    }
}
