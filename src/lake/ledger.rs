//! The ledger: what became of every offset, kept apart from the rows and longer.
//!
//! In: the accounts that commits of a topic's table carry in their log entry. Out: rows of `ingest_range`, each
//! account once. Never: tells of an offset that the table does not hold: an account is written in the commit of its
//! rows, and only copied from there.

use std::borrow::Cow;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::books::Books;
use super::{Handle, log_store};
use crate::domain::account::Account;
use crate::schema::contract::Table;

mod books;
pub mod file;
mod row;

/// Key of a commit's accounts in its log entry.
pub(super) const KEY: &str = "callsieve.accounts";

/// What a row of `ingest_range` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Offsets were consumed.
    Read,
    /// Nothing lay behind `until` when the watermark was taken.
    Idle,
    /// Rejects became rows.
    Replayed,
    /// Offsets were given up by a signed act.
    Accepted,
    /// Rows before a day were removed by age; its account counts versions of the table instead of offsets.
    Expired,
    /// A source was given up by a signed act: nobody waits for it.
    Retired,
    /// Offsets were left for a back-fill, are those of a file that takes several commits, or stand for a file that could
    /// not be read: a hole until they are read.
    Deferred,
    /// The partition is there, and nobody may have read it yet.
    Seen,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Read,
        Self::Idle,
        Self::Replayed,
        Self::Accepted,
        Self::Expired,
        Self::Retired,
        Self::Deferred,
        Self::Seen,
    ];

    fn read(word: &str) -> anyhow::Result<Self> {
        let kind = Self::ALL.into_iter().find(|kind| kind.as_str() == word);
        kind.with_context(|| format!("ingest_range knows no kind \"{word}\""))
    }

    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Idle => "idle",
            Self::Replayed => "replayed",
            Self::Accepted => "accepted",
            Self::Expired => "expired",
            Self::Retired => "retired",
            Self::Deferred => "deferred",
            Self::Seen => "seen",
        }
    }
}

/// One row of `ingest_range`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it says.
    pub kind: Kind,
    /// The topic's table; `reject` where rejects were removed by age.
    pub table: Table,
    /// The offsets and what became of them.
    pub account: Account,
    /// Version of the table that holds the rows.
    pub table_version: Option<i64>,
    /// Words beside it.
    pub note: Option<String>,
    /// UTC microseconds.
    pub committed_at: i64,
    /// Version of callsieve.
    pub code_version: String,
}

impl Entry {
    /// An entry of this program.
    pub fn new(kind: Kind, table: Table, account: Account, committed_at: i64) -> Self {
        let code_version = env!("CARGO_PKG_VERSION").to_owned();
        Self { kind, table, account, table_version: None, note: None, committed_at, code_version }
    }
}

/// What a commit tells of its offsets.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// What kind of act it was.
    pub kind: Kind,
    /// One account for each source partition.
    pub accounts: &'a [Account],
    /// When, UTC microseconds.
    pub at: i64,
    /// Words beside it.
    pub note: Option<&'a str>,
}

/// The same as it stands in a log entry.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    kind: Cow<'a, str>,
    at: i64,
    code_version: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
    accounts: Cow<'a, [Account]>,
}

pub(super) fn metadata(told: Told<'_>) -> anyhow::Result<Value> {
    let written = Written {
        kind: told.kind.as_str().into(),
        at: told.at,
        code_version: env!("CARGO_PKG_VERSION").into(),
        note: told.note.map(Cow::from),
        accounts: told.accounts.into(),
    };
    Ok(serde_json::to_value(written)?)
}

impl Handle {
    /// The accounts of the commits after a version, up to the one that is held.
    async fn entries_after(&self, version: i64) -> anyhow::Result<Vec<Entry>> {
        let store = log_store(&self.delta);
        let mut entries = Vec::new();
        for version in version + 1..=self.version() {
            let commit = store.read_commit_entry(u64::try_from(version)?).await?;
            let Some(commit) = commit else {
                // The ledger will show the hole; the log is kept for weeks, and copied within a minute.
                tracing::error!(table = %self.table, version, "log entry is gone, its accounts are lost");
                continue;
            };
            for line in commit.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let action: Value = serde_json::from_slice(line)
                    .with_context(|| format!("reading log entry {version} of table {}", self.table))?;
                let Some(told) = action.get("commitInfo").and_then(|info| info.get(KEY)) else { continue };
                let told: Written<'_> = serde_json::from_value(told.clone())
                    .with_context(|| format!("reading the accounts of version {version} of table {}", self.table))?;
                let kind = Kind::read(&told.kind)?;
                entries.extend(told.accounts.iter().map(|account| Entry {
                    kind,
                    table: self.table,
                    account: account.clone(),
                    table_version: Some(version),
                    note: told.note.as_deref().map(str::to_owned),
                    committed_at: told.at,
                    code_version: told.code_version.to_string(),
                }));
            }
        }
        Ok(entries)
    }
}
