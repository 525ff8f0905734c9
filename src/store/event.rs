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
    /// Who approved it, where a second person had to.
    pub approved_by: Option<String>,
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
            approved_by: row.try_get("approved_by")?,
        })
    }
}

const EVENTS: &str = "\
    SELECT id, number, 'released' AS word, reason, by_user, at, approved_by FROM releases \
    UNION ALL SELECT id, number, word, reason, by_user, at, NULL FROM reviews \
    UNION ALL SELECT id, number, 'appealed', reason, opened_by, opened_at, NULL FROM appeals \
    UNION ALL SELECT closing, number, word, close_reason, closed_by, closed_at, NULL FROM appeals \
        WHERE closed_at IS NOT NULL \
    ORDER BY id";

impl Store {
    /// Every word, in the order in which it was said.
    pub async fn events(&self) -> anyhow::Result<Vec<Event>> {
        sqlx::query(EVENTS).fetch_all(&self.pool).await?.iter().map(Event::read).collect()
    }
}
