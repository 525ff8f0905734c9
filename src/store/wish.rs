//! What takes something from the rules, or from a person: a release, a number that is allowed, a dossier in clear, or
//! what is erased. Where four eyes are asked for, it is a wish first, and a second person makes it so.
//!
//! In: what is wanted, and who approves. Out: the deed with both names, or the wish. Never: the same person twice.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::audit::Wanted;
use super::{Act, Refused, Store, cell, number, word, word_or_null};
use crate::domain::day::Day;
use crate::domain::number::Number;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Whatever is held of a number ends.
    Release,
    /// A number is never flagged from now on.
    Allow,
    /// A dossier of a number shows whom it called in clear.
    Reveal,
    /// What the holder of a number may have erased goes.
    Erase,
}

impl Deed {
    /// The word used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Allow => "allow",
            Self::Reveal => "reveal",
            Self::Erase => "erase",
        }
    }

    /// Whether it takes two people, whatever a site asks for.
    pub fn takes_two(self) -> bool {
        matches!(self, Self::Reveal)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Deed {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found =
            [Self::Release, Self::Allow, Self::Reveal, Self::Erase].into_iter().find(|deed| deed.as_str() == word);
        found.ok_or_else(|| format!("\"{word}\" is no deed"))
    }
}

/// What is wanted, of which number, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What.
    pub deed: Deed,
    /// The number.
    pub number: Number,
    /// Reason code.
    pub reason: String,
    /// Free text, which may be empty.
    pub note: String,
    /// First day on which it no longer holds; a release has none.
    pub until: Option<Day>,
}

/// A wish that waits for a second person.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its id.
    pub id: i64,
    /// What is wanted.
    pub wish: Wish,
    /// By whom.
    pub by: String,
    /// Since when, UTC microseconds.
    pub at: i64,
}

impl Waiting {
    fn read(row: &AnyRow) -> anyhow::Result<Self> {
        let wish = Wish {
            deed: word(row, "deed")?,
            number: number(row, "number")?,
            reason: row.try_get("reason")?,
            note: row.try_get("note")?,
            until: word_or_null(row, "until_day")?,
        };
        Ok(Self { id: row.try_get("id")?, wish, by: row.try_get("by_user")?, at: row.try_get("at")? })
    }
}

const WAITING: &str = "SELECT id, deed, number, reason, note, until_day, by_user, at FROM wishes \
    WHERE answer IS NULL ORDER BY id";
const ONE: &str = "SELECT id, deed, number, reason, note, until_day, by_user, at FROM wishes \
    WHERE answer IS NULL AND id = $1";

impl Store {
    /// Wishes that wait, oldest first.
    pub async fn wishes(&self) -> anyhow::Result<Vec<Waiting>> {
        sqlx::query(WAITING).fetch_all(&self.pool).await?.iter().map(Waiting::read).collect()
    }
}

/// Leave of two people to do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// Its place in the audit trail.
    pub id: i64,
    /// Who asked.
    pub by: String,
    /// Who approved.
    pub approved_by: String,
}

impl Store {
    /// The newest leave to do exactly this, by the audit trail.
    pub async fn leave(&self, wish: &Wish) -> anyhow::Result<Option<Leave>> {
        let wanted = Wanted { number: Some(wish.number), limit: i64::MAX, ..Wanted::default() };
        for entry in self.trail(&wanted).await?.into_iter().filter(|entry| entry.act == wish.deed.as_str()) {
            let mut said: Value = serde_json::from_str(&entry.detail).context("reading the audit trail")?;
            let asked = said.as_object_mut().and_then(|said| said.remove("wish")).unwrap_or_default();
            let by = asked.get("by").and_then(Value::as_str);
            if let Some(by) = by.filter(|by| *by != entry.actor && said == wish.detail()) {
                return Ok(Some(Leave { id: entry.seq, by: by.to_owned(), approved_by: entry.actor }));
            }
        }
        Ok(None)
    }
}

impl Act {
    /// Writes down what is wanted, for a second person; its id.
    pub async fn ask(&mut self, wish: &Wish) -> anyhow::Result<i64> {
        let detail = wish.detail();
        let id = self.note("ask", Some(wish.number), &detail).await?;
        let insert = "INSERT INTO wishes (id, deed, number, reason, note, until_day, by_user, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        sqlx::query(insert)
            .bind(id)
            .bind(wish.deed.as_str())
            .bind(cell(wish.number))
            .bind(&wish.reason)
            .bind(&wish.note)
            .bind(wish.until.map(|day| day.to_string()))
            .bind(&self.by)
            .bind(self.at)
            .execute(&mut *self.tx)
            .await?;
        Ok(id)
    }

    /// Makes a wish so; the wish, and the id of the deed.
    pub async fn approve(&mut self, id: i64) -> anyhow::Result<(Wish, i64)> {
        let waiting = self.waiting(id).await?;
        if waiting.by == self.by {
            return Err(Refused(format!("\"{}\" asked for it: a second person has to approve", self.by)).into());
        }
        self.answer(id, "approved").await?;
        let deed = self.perform(&waiting.wish, Some(&waiting)).await?;
        Ok((waiting.wish, deed))
    }

    /// Turns a wish down, or takes it back.
    pub async fn decline(&mut self, id: i64) -> anyhow::Result<Wish> {
        let wish = self.waiting(id).await?.wish;
        self.note("decline", Some(wish.number), &json!({ "wish": id })).await?;
        self.answer(id, "declined").await?;
        Ok(wish)
    }

    /// Does what is wanted at once; the id of the deed.
    pub async fn grant(&mut self, wish: &Wish) -> anyhow::Result<i64> {
        self.perform(wish, None).await
    }

    async fn waiting(&mut self, id: i64) -> anyhow::Result<Waiting> {
        let row = sqlx::query(ONE).bind(id).fetch_optional(&mut *self.tx).await?;
        Waiting::read(&row.with_context(|| format!("no wish {id} waits"))?)
    }

    async fn answer(&mut self, id: i64, answer: &str) -> anyhow::Result<()> {
        let update = "UPDATE wishes SET answer = $2, answered_by = $3, answered_at = $4 WHERE id = $1";
        let update = sqlx::query(update).bind(id).bind(answer).bind(&self.by).bind(self.at);
        update.execute(&mut *self.tx).await?;
        Ok(())
    }

    /// The deed, in the name of who wanted it and of who approved it.
    async fn perform(&mut self, wish: &Wish, asked: Option<&Waiting>) -> anyhow::Result<i64> {
        if asked.is_none() && wish.deed.takes_two() {
            return Err(Refused(format!("to {} takes two people", wish.deed)).into());
        }
        let mut detail = wish.detail();
        if let Some(Waiting { id, by, .. }) = asked {
            detail["wish"] = json!({ "id": id, "by": by });
        }
        let id = self.note(wish.deed.as_str(), Some(wish.number), &detail).await?;
        let by = asked.map_or_else(|| self.by.clone(), |waiting| waiting.by.clone());
        let approved_by = asked.map(|_| self.by.clone());
        match wish.deed {
            Deed::Release => self.write_release(id, wish, by, approved_by).await?,
            Deed::Allow => self.write_allowed(id, wish, by, approved_by).await?,
            // Its row of the trail is all there is: whoever wants to do it looks there.
            Deed::Reveal | Deed::Erase => {}
        }
        Ok(id)
    }

    async fn write_release(
        &mut self,
        id: i64,
        wish: &Wish,
        by: String,
        approved: Option<String>,
    ) -> anyhow::Result<()> {
        ensure!(wish.until.is_none(), "a release has no end");
        let insert = "INSERT INTO releases (id, number, reason, note, by_user, approved_by, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)";
        sqlx::query(insert)
            .bind(id)
            .bind(cell(wish.number))
            .bind(&wish.reason)
            .bind(&wish.note)
            .bind(by)
            .bind(approved)
            .bind(self.at)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}

impl Wish {
    fn detail(&self) -> serde_json::Value {
        json!({ "deed": self.deed.as_str(), "reason": self.reason, "note": self.note, "until": self.until })
    }
}
