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
    let is_mark = |letter: char| !letter.is_alphanumeric();
    // Whoever asks back says neither: `có à?`.
    if answer.contains(['?', '？']) {
        return None;
    }
    // With its marks, which make another word of it: `dạ cô` says neither.
    let said = sms::composed(answer).to_lowercase();
    let said = said.trim_matches(is_mark);
    // Whoever is polite begins with `dạ` and ends with `ạ`.
    let behind =
        said.strip_prefix("dạ").or_else(|| said.strip_prefix("da")).filter(|behind| behind.starts_with(is_mark));
    let said = behind.unwrap_or(said).trim_start_matches(is_mark);
    let before = said.strip_suffix('ạ').or_else(|| said.strip_suffix('a')).filter(|before| before.ends_with(is_mark));
    match before.unwrap_or(said).trim_end_matches(is_mark) {
        "yes" | "có" | "co" => Some("yes"),
        "no" | "không" | "khong" | "ko" | "không có" | "khong co" | "ko có" | "ko co" => Some("no"),
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
            ("Dạ không có ạ.", Some("no")),
            ("Có à?", None),
            ("co a?", None),
            ("Có à", None),
            ("Dạ cô", None),
            ("Cô ạ", None),
            ("dạ", None),
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
