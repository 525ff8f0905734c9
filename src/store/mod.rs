//! The case store: what the desk says and does, in SQLite or PostgreSQL.
//!
//! In: a database's URL, and acts in somebody's name. Out: rows, each with its row of the audit trail, in one
//! transaction. Never: asks what time it is, changes what was said, or lets anybody act whom it does not
//! know: in nobody's name it is only written down that a list leaves.

pub mod allow;
pub mod appeal;
pub mod audit;
pub mod event;
pub mod promotion;
pub mod reason;
pub mod review;
pub mod user;
pub mod wish;

use std::path::Path;

use anyhow::Context;
use serde_json::Value;
use sqlx::any::{Any, AnyPoolOptions, AnyRow, install_default_drivers};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyPool, Row, SqlSafeStr, Transaction};

use self::audit::{Entry, Tail};
use self::user::Role;
use crate::domain::day::Day;
use crate::domain::number::Number;

/// A migration of one database, or of both.
const DESK: &str = include_str!("migrations/0001_desk.sql");
const PROMOTION: &str = include_str!("migrations/0003_promotion.sql");
const NO_DELIVERIES: &str = include_str!("migrations/0004_no_deliveries.sql");
const SQLITE_APPEND_ONLY: &str = include_str!("migrations/0002_append_only.sqlite.sql");
const POSTGRES_APPEND_ONLY: &str = include_str!("migrations/0002_append_only.postgres.sql");

/// People at a desk and a few jobs: more connections would only wait for one another.
const CONNECTIONS: u32 = 4;

/// In whose name a list leaves that no user has asked for: this program's, which a scheduler has started.
const NOBODY: &str = "callsieve";

/// The store does not do this for this person: exit code 6.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub(crate) String);

/// There is no case store where one is named, or nobody has begun it: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no case store at {0}, or it has no user yet; is that its path? only `callsieve user add` of its first \
     supervisor begins one"
)]
pub struct Absent(String);

/// An open case store.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    database: Database,
}

/// The databases that speak our SQL; where they differ is in this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    fn of(url: &str) -> anyhow::Result<Self> {
        match url.split(':').next() {
            Some("sqlite") => Ok(Self::Sqlite),
            Some("postgres" | "postgresql") => Ok(Self::Postgres),
            _ => anyhow::bail!("a case store is sqlite:FILE or postgres://USER@HOST/DATABASE"),
        }
    }

    fn migrations(self) -> Migrator {
        let append_only = match self {
            Self::Sqlite => SQLITE_APPEND_ONLY,
            Self::Postgres => POSTGRES_APPEND_ONLY,
        };
        let migration = |version, name: &'static str, sql: &'static str| {
            Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        };
        Migrator::with_migrations(vec![
            migration(1, "desk", DESK),
            migration(2, "append only", append_only),
            migration(3, "promotion", PROMOTION),
            migration(4, "no deliveries", NO_DELIVERIES),
        ])
    }
}

impl Store {
    /// Opens a store that is there. One that a misspelt path or database began would know of nobody whom the desk has
    /// cleared, and the next list would bar them again.
    pub async fn existing(url: &str) -> anyhow::Result<Self> {
        if file_of(url).is_some_and(|file| !Path::new(file).exists()) {
            return Err(Absent(place(url).to_owned()).into());
        }
        let store = Self::connect(url).await?;
        if !store.is_begun().await? {
            return Err(Absent(place(url).to_owned()).into());
        }
        store.up_to_date().await
    }

    /// Opens a store, and makes it or brings it up to date.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        Self::connect(url).await?.up_to_date().await
    }

    async fn connect(url: &str) -> anyhow::Result<Self> {
        let database = Database::of(url)?;
        install_default_drivers();
        let is_file_to_make = database == Database::Sqlite && !url.contains("mode=");
        let mode = if url.contains('?') { "&mode=rwc" } else { "?mode=rwc" };
        let url = if is_file_to_make { format!("{url}{mode}") } else { url.to_owned() };
        let pool = AnyPoolOptions::new().max_connections(CONNECTIONS).connect(&url).await;
        Ok(Self { pool: pool.context("opening the case store")?, database })
    }

    async fn up_to_date(self) -> anyhow::Result<Self> {
        self.database.migrations().run(&self.pool).await.context("bringing the case store up to date")?;
        Ok(self)
    }

    /// Whether anybody was ever taken in, without whom nobody can have said anything.
    async fn is_begun(&self) -> anyhow::Result<bool> {
        let table = match self.database {
            Database::Sqlite => "SELECT COUNT(*) AS found FROM sqlite_master WHERE type = 'table' AND name = 'users'",
            // In the schema that all else is asked of.
            Database::Postgres => "SELECT COUNT(*) AS found FROM pg_class WHERE oid = to_regclass('users')",
        };
        for asked in [table, "SELECT COUNT(*) AS found FROM users"] {
            let row = sqlx::query(asked).fetch_one(&self.pool).await.context("looking who works at the desk")?;
            if row.try_get::<i64, _>("found")? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Begins to act in somebody's name, who must be of a role. One acts at a time: the others wait.
    pub async fn act(&self, by: &str, needs: Role, at: i64) -> anyhow::Result<Act> {
        let mut act = self.begin(by, at).await?;
        let role = act.role_of(by).await?;
        let role = role.ok_or_else(|| Refused(format!("the desk knows no user \"{by}\"; see `callsieve user add`")))?;
        if role < needs {
            return Err(Refused(format!("\"{by}\" is {role}; this is for {needs}")).into());
        }
        act.role = role;
        Ok(act)
    }

    /// Writes down that a list of numbers is about to leave the house, and which; its id.
    pub async fn hand_out_list(
        &self,
        what: &str,
        (by, at): (Option<&str>, i64),
        detail: &Value,
    ) -> anyhow::Result<i64> {
        let mut act = match by {
            Some(by) => self.act(by, Role::Analyst, at).await?,
            None => self.begin(NOBODY, at).await?,
        };
        let id = act.note(what, None, detail).await?;
        act.commit().await?;
        Ok(id)
    }

    async fn begin(&self, by: &str, at: i64) -> anyhow::Result<Act> {
        let mut tx = match self.database {
            // A transaction that begins by reading could not write any more once another one has.
            Database::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Database::Postgres => self.pool.begin().await?,
        };
        if self.database == Database::Postgres {
            sqlx::query("LOCK TABLE audit IN EXCLUSIVE MODE").execute(&mut *tx).await?;
        }
        let tail = Tail::read(&mut tx).await?;
        Ok(Act { tx, tail, by: by.to_owned(), role: Role::Auditor, at })
    }
}

/// The file of a store in SQLite; none of a server's, of one in memory, and where the path is not written as it is.
fn file_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("sqlite:")?;
    let file = rest.strip_prefix("//").unwrap_or(rest).split('?').next()?;
    let is_plain = !file.is_empty() && file != ":memory:" && !url.contains("mode=memory") && !file.contains('%');
    is_plain.then_some(file)
}

/// What people know a store by: its file, or a server's host and database, without who logs in there.
fn place(url: &str) -> &str {
    let plain = url.split_once('?').map_or(url, |(plain, _)| plain);
    let server = plain.split_once("://").map_or(plain, |(_, server)| server);
    file_of(url).unwrap_or_else(|| server.rsplit_once('@').map_or(server, |(_, server)| server))
}

/// A transaction in somebody's name: all that it writes is there with its audit rows, or not at all.
#[derive(Debug)]
pub struct Act {
    tx: Transaction<'static, Any>,
    tail: Tail,
    by: String,
    role: Role,
    at: i64,
}

impl Act {
    /// Makes it so.
    pub async fn commit(self) -> anyhow::Result<()> {
        self.tx.commit().await.context("writing to the case store")
    }

    /// Leaves everything as it was: a dry run.
    pub async fn undo(self) -> anyhow::Result<()> {
        Ok(self.tx.rollback().await?)
    }

    /// Writes down that somebody reads a number in clear.
    pub async fn show(&mut self, number: Number, where_: &str) -> anyhow::Result<()> {
        self.note("show", Some(number), &serde_json::json!({ "in": where_ })).await.map(drop)
    }

    /// Writes down that facts about a number leave the house, and which.
    pub async fn hand_out(&mut self, what: &str, number: Number, detail: &Value) -> anyhow::Result<i64> {
        self.note(what, Some(number), detail).await
    }

    /// Writes down that facts about a number are about to be erased, or have been.
    pub async fn erase(&mut self, step: &str, number: Number, detail: &Value) -> anyhow::Result<i64> {
        self.note(step, Some(number), detail).await
    }

    /// Writes a row of the audit trail; what is written with it is known by its place there.
    async fn note(&mut self, act: &str, number: Option<Number>, detail: &Value) -> anyhow::Result<i64> {
        let entry = Entry {
            seq: self.tail.seq + 1,
            at: self.at,
            actor: self.by.clone(),
            act: act.to_owned(),
            number,
            detail: detail.to_string(),
        };
        self.tail = entry.write(&self.tail, &mut self.tx).await?;
        Ok(self.tail.seq)
    }

    fn day(&self) -> Day {
        Day::of(self.at)
    }
}

/// A number as a cell of the database, which its permissions guard.
fn cell(number: Number) -> i64 {
    number.reveal()
}

fn number(row: &AnyRow, column: &str) -> anyhow::Result<Number> {
    Number::from_e164(row.try_get(column)?).with_context(|| format!("column \"{column}\" holds no number"))
}

/// What a column says that holds words of ours: days, verdicts, roles.
fn word<T>(row: &AnyRow, column: &str) -> anyhow::Result<T>
where
    T: std::str::FromStr<Err = String>,
{
    row.try_get::<String, _>(column)?.parse().map_err(anyhow::Error::msg)
}

fn word_or_null<T>(row: &AnyRow, column: &str) -> anyhow::Result<Option<T>>
where
    T: std::str::FromStr<Err = String>,
{
    let text: Option<String> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(anyhow::Error::msg)).transpose()
}

#[cfg(test)]
mod tests;
