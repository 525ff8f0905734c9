//! Reviews: what a person found who looked at a number's day.
//!
//! In: a number, a day, and whether the evidence is right. Out: a row. Never: a verdict; `decide` reads the row.

use serde_json::json;

use super::{Act, cell};
use crate::domain::case::Word;
use crate::domain::day::Day;
use crate::domain::number::Number;

/// A review.
#[derive(Debug, Clone, Copy)]
pub struct Review<'a> {
    /// The number.
    pub number: Number,
    /// The day whose verdict was looked at.
    pub day: Day,
    /// Whether the evidence says what it seems to say.
    pub is_confirmed: bool,
    /// Reason code.
    pub reason: &'a str,
    /// Free text, which may be empty.
    pub note: &'a str,
}

impl Act {
    /// Writes a review; its id.
    pub async fn review(&mut self, review: &Review<'_>) -> anyhow::Result<i64> {
        let Review { number, day, is_confirmed, reason, note } = *review;
        let word = if is_confirmed { Word::Confirmed } else { Word::Dismissed };
        let detail = json!({ "day": day, "word": word.as_str(), "reason": reason, "note": note });
        let id = self.note("review", Some(number), &detail).await?;
        let insert = "INSERT INTO reviews (id, number, day, word, reason, note, by_user, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        sqlx::query(insert)
            .bind(id)
            .bind(cell(number))
            .bind(day.to_string())
            .bind(word.as_str())
            .bind(reason)
            .bind(note)
            .bind(&self.by)
            .bind(self.at)
            .execute(&mut *self.tx)
            .await?;
        Ok(id)
    }
}
