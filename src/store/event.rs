//! What a decision heeds of the store, as one list that only grows.
//!
//! In: reviews, appeals and releases. Out: words with their instants, oldest first. Never: what nobody has said yet;
//! a wish is no word.

use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Store, number, word};
use crate::domain::case::Word;
use crate::domain::number::Number;

/// A word about a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the audit trail.
    pub id: i64,
    /// The number.
    pub number: Number,
    /// What was said.
    pub word: Word,
    /// Reason code.
    pub reason: String,
    /// Who said it.
    pub by: String,
    /// When, UTC microseconds.
    pub at: i64,
}

impl Event {
    fn read(row: &AnyRow) -> anyhow::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            number: number(row, "number")?,
            word: word(row, "word")?,
            reason: row.try_get("reason")?,
            by: row.try_get("by_user")?,
            at: row.try_get("at")?,
        })
    }
}

const EVENTS: &str = "\
    SELECT id, number, word, reason, by_user, at FROM reviews \
    UNION ALL SELECT id, number, 'appealed', reason, opened_by, opened_at FROM appeals \
    UNION ALL SELECT closing, number, word, close_reason, closed_by, closed_at FROM appeals WHERE closed_at IS NOT NULL \
    UNION ALL SELECT id, number, 'released', reason, by_user, at FROM releases \
    ORDER BY id";

impl Store {
    /// Every word, in the order in which it was said.
    pub async fn events(&self) -> anyhow::Result<Vec<Event>> {
        sqlx::query(EVENTS).fetch_all(&self.pool).await?.iter().map(Event::read).collect()
    }
}
