//! The audit trail: who did what, in a chain in which no row can be changed, taken out or put in unseen.
//!
//! In: acts. Out: rows that each hold a hash over themselves and the row before. Never: a row without its act in the
//! same transaction. The last rows can be cut off unseen by whoever owns the database, so a hash that was noted
//! elsewhere is looked for.

use anyhow::Context;
use futures::TryStreamExt;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::any::{Any, AnyRow};
use sqlx::{Row, Transaction};

use super::{Store, cell};
use crate::domain::number::Number;

/// What the first row is chained to.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const CHAIN: &str = "SELECT seq, at, actor, act, number, detail, hash FROM audit ORDER BY seq";
const NEWEST: &str = "SELECT seq, at, actor, act, number, detail FROM audit \
    WHERE ($1 IS NULL OR number = $1) AND ($2 IS NULL OR actor = $2) ORDER BY seq DESC LIMIT $3";

/// One row, without its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Place in the chain, from 1 on.
    pub seq: i64,
    /// UTC microseconds.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// Did what: review, release …
    pub act: String,
    /// With which number; masked wherever it is printed.
    pub number: Option<Number>,
    /// The rest, one line of JSON.
    pub detail: String,
}

/// The newest row of the chain.
#[derive(Debug, Clone)]
pub(super) struct Tail {
    pub(super) seq: i64,
    hash: String,
}

impl Tail {
    pub(super) async fn read(tx: &mut Transaction<'static, Any>) -> anyhow::Result<Self> {
        let newest = sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
        Ok(match newest.fetch_optional(&mut **tx).await? {
            Some(row) => Self { seq: row.try_get("seq")?, hash: row.try_get("hash")? },
            None => Self { seq: 0, hash: BEGINNING.to_owned() },
        })
    }
}

impl Entry {
    /// SHA-256 over the hash before and the row's cells, one a line: no cell but the last can hold a line's end, and
    /// what is not there is an empty line.
    fn seal(&self, before: &str) -> String {
        let number = self.number.map(|number| cell(number).to_string()).unwrap_or_default();
        let Self { seq, at, actor, act, detail, .. } = self;
        hex::encode(Sha256::digest(format!("{before}\n{seq}\n{at}\n{actor}\n{act}\n{number}\n{detail}")))
    }

    pub(super) async fn write(&self, before: &Tail, tx: &mut Transaction<'static, Any>) -> anyhow::Result<Tail> {
        let hash = self.seal(&before.hash);
        sqlx::query(
            "INSERT INTO audit (seq, at, actor, act, number, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(self.seq)
        .bind(self.at)
        .bind(&self.actor)
        .bind(&self.act)
        .bind(self.number.map(cell))
        .bind(&self.detail)
        .bind(&hash)
        .execute(&mut **tx)
        .await
        .context("writing the audit trail")?;
        Ok(Tail { seq: self.seq, hash })
    }

    fn read(row: &AnyRow) -> anyhow::Result<Self> {
        let number: Option<i64> = row.try_get("number")?;
        Ok(Self {
            seq: row.try_get("seq")?,
            at: row.try_get("at")?,
            actor: row.try_get("actor")?,
            act: row.try_get("act")?,
            number: number.map(|digits| Number::from_e164(digits).context("not a number")).transpose()?,
            detail: row.try_get("detail")?,
        })
    }
}

/// What a walk along the chain has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Rows that hold, from the first on.
    pub rows: i64,
    /// Hash of the last of them; noted elsewhere, it proves later that nothing was cut off.
    pub head: String,
    /// The first row that does not hold, and why.
    pub broken: Option<Broken>,
    /// Whether the hash that was asked for is one of theirs; null when none was.
    pub has_noted: Option<bool>,
}

/// Where a chain breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Place that the row should have.
    pub seq: i64,
    /// What is wrong.
    pub why: String,
}

impl Verified {
    /// For people.
    pub fn text(&self) -> String {
        let mut text = format!("{} rows hold, up to {}", self.rows, self.head);
        if let Some(Broken { seq, why }) = &self.broken {
            text += &format!("\nrow {seq}: {why}");
        }
        if self.has_noted == Some(false) {
            text += "\nthe noted hash is not among them: rows were cut off, or are of another trail";
        }
        text
    }

    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.broken.is_none() && self.has_noted != Some(false)
    }
}

/// Which rows are listed.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only about this number.
    pub number: Option<Number>,
    /// Only of this actor.
    pub actor: Option<String>,
    /// So many of the newest.
    pub limit: i64,
}

impl Store {
    /// Walks the chain from its first row on.
    pub async fn verify(&self, noted: Option<&str>) -> anyhow::Result<Verified> {
        let mut verified = Verified {
            rows: 0,
            head: BEGINNING.to_owned(),
            broken: None,
            has_noted: noted.map(|noted| noted == BEGINNING),
        };
        let mut rows = sqlx::query(CHAIN).fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            if let Some(why) = problem(&row, &verified) {
                verified.broken = Some(Broken { seq: verified.rows + 1, why });
                break;
            }
            verified.rows += 1;
            verified.head = row.try_get("hash")?;
            if noted == Some(verified.head.as_str()) {
                verified.has_noted = Some(true);
            }
        }
        Ok(verified)
    }

    /// The newest rows, newest first.
    pub async fn trail(&self, wanted: &Wanted) -> anyhow::Result<Vec<Entry>> {
        let rows = sqlx::query(NEWEST)
            .bind(wanted.number.map(cell))
            .bind(wanted.actor.clone())
            .bind(wanted.limit)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(Entry::read).collect()
    }
}

/// Why a row does not follow what was verified before it.
fn problem(row: &AnyRow, verified: &Verified) -> Option<String> {
    let entry = match Entry::read(row) {
        Ok(entry) => entry,
        Err(error) => return Some(format!("it cannot be read: {error:#}")),
    };
    if entry.seq != verified.rows + 1 {
        return Some(format!("it is missing: row {} follows row {}", entry.seq, verified.rows));
    }
    let is_sealed = row.try_get::<String, _>("hash").is_ok_and(|hash| hash == entry.seal(&verified.head));
    (!is_sealed).then(|| "its hash is not that of its content and the row before".to_owned())
}

#[cfg(test)]
mod tests;
