//! Numbers that the desk allows: never flagged while they are on the list.
//!
//! In: a number with its reason, later its end. Out: rows in time. Never: a row that holds while another does.

use anyhow::Context;
use serde_json::json;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::wish::Wish;
use super::{Act, Store, cell, number, word, word_or_null};
use crate::domain::day::Day;
use crate::domain::number::Number;

/// A number on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Its id.
    pub id: i64,
    /// The number.
    pub number: Number,
    /// Reason code.
    pub reason: String,
    /// First day on which it holds.
    pub from: Day,
    /// First day on which it no longer does.
    pub until: Option<Day>,
    /// Who put it there.
    pub by: String,
}

impl Allowed {
    /// Whether it holds on a day.
    pub fn holds(&self, day: Day) -> bool {
        self.from <= day && self.until.is_none_or(|until| until > day)
    }

    /// Whether it holds on any day: what began and ended on the same day never held.
    pub fn ever_holds(&self) -> bool {
        self.until.is_none_or(|until| until > self.from)
    }

    fn read(row: &AnyRow) -> anyhow::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            number: number(row, "number")?,
            reason: row.try_get("reason")?,
            from: word(row, "from_day")?,
            until: word_or_null(row, "until_day")?,
            by: row.try_get("by_user")?,
        })
    }
}

const EVER: &str = "SELECT id, number, reason, from_day, until_day, by_user FROM allowed ORDER BY number, from_day, id";

impl Store {
    /// Every number that ever was on the list, with its days.
    pub async fn allowed(&self) -> anyhow::Result<Vec<Allowed>> {
        let mut allowed = self.ever_allowed().await?;
        allowed.retain(Allowed::ever_holds);
        Ok(allowed)
    }

    /// The same, and each that was taken off on the day on which it was put there.
    pub async fn ever_allowed(&self) -> anyhow::Result<Vec<Allowed>> {
        sqlx::query(EVER).fetch_all(&self.pool).await?.iter().map(Allowed::read).collect()
    }
}

impl Act {
    pub(super) async fn write_allowed(
        &mut self,
        id: i64,
        wish: &Wish,
        by: String,
        approved_by: Option<String>,
    ) -> anyhow::Result<()> {
        let from = self.day();
        // What has lapsed makes room.
        let lapsed = "UPDATE allowed SET removed_at = $3 WHERE number = $1 AND removed_at IS NULL AND until_day <= $2";
        let lapsed = sqlx::query(lapsed).bind(cell(wish.number)).bind(from.to_string()).bind(self.at);
        lapsed.execute(&mut *self.tx).await?;
        if let Some(held) = self.held(wish.number).await? {
            anyhow::bail!("the number is on the list since {} ({})", held.from, held.reason);
        }
        anyhow::ensure!(wish.until.is_none_or(|until| until > from), "it would end before it begins, on {from}");
        let insert = "INSERT INTO allowed (id, number, reason, note, from_day, until_day, by_user, approved_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        sqlx::query(insert)
            .bind(id)
            .bind(cell(wish.number))
            .bind(&wish.reason)
            .bind(&wish.note)
            .bind(from.to_string())
            .bind(wish.until.map(|day| day.to_string()))
            .bind(by)
            .bind(approved_by)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Takes a number from the list, from today on.
    pub async fn disallow(&mut self, number: Number, reason: &str, note: &str) -> anyhow::Result<i64> {
        let held = self.held(number).await?.context("the number is not on the desk's list")?;
        let detail = json!({ "allowed": held.id, "reason": reason, "note": note });
        let id = self.note("disallow", Some(number), &detail).await?;
        let today = self.day();
        let until = held.until.map_or(today, |until| until.min(today));
        let update = sqlx::query("UPDATE allowed SET until_day = $2, removed_at = $3 WHERE id = $1");
        update.bind(held.id).bind(until.to_string()).bind(self.at).execute(&mut *self.tx).await?;
        Ok(id)
    }

    async fn held(&mut self, number: Number) -> anyhow::Result<Option<Allowed>> {
        let held = "SELECT id, number, reason, from_day, until_day, by_user FROM allowed \
             WHERE number = $1 AND removed_at IS NULL";
        let held = sqlx::query(held).bind(cell(number)).fetch_optional(&mut *self.tx).await?;
        held.map(|row| Allowed::read(&row)).transpose()
    }
}
