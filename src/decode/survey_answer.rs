//! Answers of surveyed people.
//!
//! In: `wire::SurveyAnswer`. Out: rows of `survey_answer`. Never: checks that the request exists; the answer may
//! come before it.

use arrow::array::RecordBatch;

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, not_empty, number, one_of};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::SurveyAnswer;

const ANSWERS: [&str; 3] = ["yes", "no", "other"];

pub(super) struct Rows(Sheet);

impl Rows {
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self(Sheet::with_capacity(Table::SURVEY_ANSWER.contract(), rows))
    }
}

impl Topical for Rows {
    type Wire<'a> = SurveyAnswer<'a>;

    fn wire<'a>(cells: &mut impl Cells<'a>) -> Result<SurveyAnswer<'a>, Reason> {
        Ok(SurveyAnswer {
            request_id: cells.text()?,
            respondent: cells.text()?,
            answer: cells.text()?,
            answered_at: cells.long()?,
        })
    }

    fn push(&mut self, wire: SurveyAnswer<'_>, place: &Place<'_>) -> Result<(), Refusal> {
        not_empty("request_id", &wire.request_id)?;
        let respondent = number("respondent", &wire.respondent)?;
        one_of("answer", &wire.answer, &ANSWERS)?;
        let day = place.day("answered_at", wire.answered_at)?;

        let row = self.0.row().day(day).text(&wire.request_id).int64(respondent);
        place.end(row.text(&wire.answer).instant(wire.answered_at));
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.0.finish()
    }
}
