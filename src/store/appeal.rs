//! Appeals: who objects is heard, and is told within a day how it stands.
//!
//! In: an objection, later an answer. Out: rows with a clock. Never: two open appeals of one number.

use anyhow::{Context, ensure};
use serde_json::json;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{Act, Store, cell, number, word_or_null};
use crate::domain::case::{ANSWER_WITHIN, Word};
use crate::domain::number::Number;

/// An appeal.
#[derive(Debug, Clone)]
pub struct Appeal {
    /// Its id.
    pub id: i64,
    /// The number.
    pub number: Number,
    /// Reason code.
    pub reason: String,
    /// When it was opened, UTC microseconds.
    pub opened_at: i64,
    /// When an answer is due, likewise.
    pub due_at: i64,
    /// When it was closed, likewise.
    pub closed_at: Option<i64>,
    /// How: rejected or overturned.
    pub word: Option<Word>,
}

impl Appeal {
    /// Whether an answer came too late, or is late now.
    pub fn is_overdue(&self, now: i64) -> bool {
        self.closed_at.unwrap_or(now) > self.due_at
    }

    fn read(row: &AnyRow) -> anyhow::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            number: number(row, "number")?,
            reason: row.try_get("reason")?,
            opened_at: row.try_get("opened_at")?,
            due_at: row.try_get("due_at")?,
            closed_at: row.try_get("closed_at")?,
            word: word_or_null(row, "word")?,
        })
    }
}

const OPEN: &str = "SELECT id, number, reason, opened_at, due_at, closed_at, word FROM appeals \
    WHERE closed_at IS NULL ORDER BY due_at, id";
const ALL: &str = "SELECT id, number, reason, opened_at, due_at, closed_at, word FROM appeals ORDER BY due_at, id";

impl Store {
    /// Appeals by when their answer is due: those that wait for it, or all.
    pub async fn appeals(&self, closed_too: bool) -> anyhow::Result<Vec<Appeal>> {
        let rows = sqlx::query(if closed_too { ALL } else { OPEN }).fetch_all(&self.pool).await?;
        rows.iter().map(Appeal::read).collect()
    }
}

impl Act {
    /// Opens an appeal; its id.
    pub async fn open_appeal(&mut self, number: Number, reason: &str, note: &str) -> anyhow::Result<i64> {
        let open = sqlx::query("SELECT id FROM appeals WHERE number = $1 AND closed_at IS NULL").bind(cell(number));
        if let Some(open) = open.fetch_optional(&mut *self.tx).await? {
            anyhow::bail!("appeal {} of this number is open", open.try_get::<i64, _>("id")?);
        }
        let due_at = self.at.saturating_add(i64::try_from(ANSWER_WITHIN.as_micros())?);
        let detail = json!({ "reason": reason, "note": note, "due_at": due_at });
        let id = self.note("appeal_open", Some(number), &detail).await?;
        let insert = "INSERT INTO appeals (id, number, reason, note, opened_by, opened_at, due_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)";
        sqlx::query(insert)
            .bind(id)
            .bind(cell(number))
            .bind(reason)
            .bind(note)
            .bind(&self.by)
            .bind(self.at)
            .bind(due_at)
            .execute(&mut *self.tx)
            .await?;
        Ok(id)
    }

    /// Closes an appeal: the verdict falls or stands. Whose number it is.
    pub async fn close_appeal(
        &mut self,
        id: i64,
        is_overturned: bool,
        reason: &str,
        note: &str,
    ) -> anyhow::Result<Number> {
        let known = sqlx::query("SELECT number, closed_at FROM appeals WHERE id = $1").bind(id);
        let known = known.fetch_optional(&mut *self.tx).await?.with_context(|| format!("there is no appeal {id}"))?;
        ensure!(known.try_get::<Option<i64>, _>("closed_at")?.is_none(), "appeal {id} is closed already");
        let number = number(&known, "number")?;
        let word = if is_overturned { Word::Overturned } else { Word::Rejected };
        let detail = json!({ "appeal": id, "word": word.as_str(), "reason": reason, "note": note });
        let closing = self.note("appeal_close", Some(number), &detail).await?;
        let update = "UPDATE appeals SET closing = $2, word = $3, close_reason = $4, close_note = $5, closed_by = $6, \
             closed_at = $7 WHERE id = $1";
        sqlx::query(update)
            .bind(id)
            .bind(closing)
            .bind(word.as_str())
            .bind(reason)
            .bind(note)
            .bind(&self.by)
            .bind(self.at)
            .execute(&mut *self.tx)
            .await?;
        Ok(number)
    }
}
