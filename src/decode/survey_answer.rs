//! Answers of surveyed people.
//!
//! In: `wire::SurveyAnswer`. Out: rows of `survey_answer`. Never: checks that the request exists; the answer may
//! come before it.

use arrow::array::RecordBatch;

use super::reject::{Reason, Refusal};
use super::row::{Cells, Place, Topical, not_empty, number};
use crate::domain::sms;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::SurveyAnswer;

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
        let answer = word(&wire.answer).ok_or_else(|| Refusal::new(Reason::UnknownWord, "answer"))?;
        let day = place.day("answered_at", wire.answered_at)?;

        let row = self.0.row().day(day).text(&wire.request_id).int64(respondent);
        place.end(row.text(answer).instant(wire.answered_at));
        Ok(())
    }

    fn finish(&mut self) -> RecordBatch {
        self.0.finish()
    }
}

/// The contract's word for an answer, which may come as the citizen wrote it: `Dạ có ạ.`
fn word(answer: &str) -> Option<&'static str> {
    let said = sms::plain(answer).to_lowercase();
    let said = said.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
    // Whoever is polite begins with `dạ` and ends with `ạ`.
    let said = said.strip_prefix("da ").or_else(|| said.strip_prefix("da, ")).unwrap_or(said);
    match said.strip_suffix(" a").unwrap_or(said).trim() {
        "yes" | "co" => Some("yes"),
        "no" | "khong" | "ko" => Some("no"),
        "other" => Some("other"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_come_as_the_citizen_wrote_it_and_other_words_are_refused() {
        for (answer, expected) in [
            ("yes", Some("yes")),
            ("Có", Some("yes")),
            (" CO. ", Some("yes")),
            ("Co\u{301}", Some("yes")),
            ("KHÔNG", Some("no")),
            ("khong", Some("no")),
            ("Có ạ", Some("yes")),
            ("Dạ, có", Some("yes")),
            ("co!", Some("yes")),
            ("Da\u{323} kho\u{302}ng a\u{323}", Some("no")),
            ("Ko", Some("no")),
            ("other", Some("other")),
            ("Không biết", None),
            ("Có lẽ", None),
            ("có không", None),
            ("cho", None),
            ("1", None),
            ("", None),
        ] {
            assert_eq!(word(answer), expected, "{answer}");
        }
    }
}
