//! The ledger: what became of every offset, kept apart from the rows and longer.
//!
//! In: the accounts that commits of a topic's table carry in their log entry. Out: rows of `ingest_range`, each
//! account once. Never: tells of an offset that the table does not hold: an account is written in the commit of its
//! rows, and only copied from there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::{Array, RecordBatch};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::append::{AppendError, Span};
use super::{Handle, Lake, log_store};
use crate::domain::account::{Account, Offsets};
use crate::domain::day::Day;
use crate::schema::column::ingest_range as column;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;

pub mod file;

/// Key of a commit's accounts in its log entry.
pub(super) const KEY: &str = "callsieve.accounts";
/// Writers that copy the same accounts at the same moment try again this often.
const TRIES: usize = 8;

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

/// The table `ingest_range`, to read and to write.
#[derive(Debug)]
pub struct Books {
    ranges: Handle,
}

impl Books {
    /// Opens the table, which is made when absent.
    pub async fn open(lake: &Lake) -> anyhow::Result<Self> {
        Ok(Self::of(lake.open(Table::INGEST_RANGE).await?))
    }

    /// The table, which somebody has opened.
    pub fn of(ranges: Handle) -> Self {
        Self { ranges }
    }

    /// Copies the accounts of a table's commits that are not in the books yet; safe beside others who do the same.
    pub async fn settle(&mut self, table: &Handle) -> anyhow::Result<usize> {
        let app_id = format!("ledger/{}", table.table());
        for _ in 0..TRIES {
            self.ranges.refresh().await?;
            let settled = self.ranges.offset(&app_id).await?;
            // Version 0 made the table and carries nothing.
            let from = settled.unwrap_or(0);
            if from >= table.version() {
                return Ok(0);
            }
            let entries = table.entries_after(from).await?;
            let spans = [Span { app_id: app_id.clone(), from, until: table.version() }];
            match self.ranges.append(&[sheet(&entries)?], &spans).await {
                Ok(_) => return Ok(entries.len()),
                Err(AppendError::Behind { .. } | AppendError::Fenced) => {}
                Err(AppendError::Other(error)) => return Err(error),
            }
        }
        anyhow::bail!("ingest_range is written by others all the time; the accounts of {} wait", table.table())
    }

    /// Notes the partitions of a source, so that one which nobody reads is missed, and which topic it is, where that is
    /// known. When it was another, nothing is noted and the id of that one comes back.
    pub async fn know(
        &mut self,
        table: Table,
        source: &str,
        partitions: i32,
        topic_id: Option<&str>,
        at: i64,
    ) -> anyhow::Result<Option<String>> {
        let app_id = format!("partitions/{source}");
        let entry = |partition: i32| Entry {
            note: topic_id.map(str::to_owned),
            ..Entry::new(Kind::Seen, table, Account::empty(source, partition, 0), at)
        };
        for _ in 0..TRIES {
            self.ranges.refresh().await?;
            let mut known = self.ranges.offset(&app_id).await?.unwrap_or_default();
            let mut spans = Vec::new();
            if partitions > i32::try_from(known)? {
                spans.push(Span { app_id: app_id.clone(), from: known, until: partitions.into() });
            }
            if let Some(id) = topic_id {
                // One mark says that the source has an id, the other which: no row has to be read to compare.
                let [any, this] = [format!("topic/{source}"), format!("topic/{source}/{id}")];
                let has_one = self.ranges.offset(&any).await?.is_some();
                if has_one && self.ranges.offset(&this).await?.is_none() {
                    return self.topic_id(table, source).await.map(Some);
                }
                if !has_one {
                    spans.extend([any, this].map(|app_id| Span { app_id, from: 0, until: 1 }));
                    // It is noted of every partition, those of before included.
                    known = 0;
                }
            }
            if spans.is_empty() {
                return Ok(None);
            }
            let new: Vec<Entry> = (i32::try_from(known)?..partitions).map(entry).collect();
            match self.ranges.append(&[sheet(&new)?], &spans).await {
                Ok(_) => return Ok(None),
                // Another was first; what it saw may not be the same.
                Err(AppendError::Behind { .. } | AppendError::Fenced) => {}
                Err(AppendError::Other(error)) => return Err(error),
            }
        }
        anyhow::bail!("ingest_range is written by others all the time; the partitions of {source} wait")
    }

    /// The id of the topic that a source is.
    async fn topic_id(&self, table: Table, source: &str) -> anyhow::Result<String> {
        let mut entries = Vec::new();
        for batch in self.ranges.rows_with(column::KIND.name, Kind::Seen.as_str(), &[]).await? {
            read(&batch, table, &mut entries)?;
        }
        let id = entries.into_iter().filter(|entry| entry.account.source == source).find_map(|entry| entry.note);
        id.with_context(|| format!("ingest_range does not say which topic {source} is"))
    }

    /// Writes entries that stand for themselves.
    pub async fn note(&mut self, entries: &[Entry]) -> anyhow::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        self.ranges.refresh().await?;
        self.ranges.append(&[sheet(entries)?], &[]).await?;
        Ok(())
    }

    /// The entries of every topic's table, and of `reject` what was removed from it.
    pub async fn all_entries(&mut self) -> anyhow::Result<BTreeMap<Table, Vec<Entry>>> {
        self.ranges.refresh().await?;
        self.ranges.entries_by_table().await
    }

    /// Every entry of a table, in the order of source, partition and offset.
    pub async fn entries(&mut self, table: Table) -> anyhow::Result<Vec<Entry>> {
        self.ranges.refresh().await?;
        let mut entries = Vec::new();
        for batch in self.ranges.rows_with(column::TOPIC.name, table.name(), &[]).await? {
            read(&batch, table, &mut entries)?;
        }
        order(&mut entries);
        Ok(entries)
    }
}

impl Handle {
    /// Of `ingest_range`, the entries of every topic's table, and of `reject` what was removed from it.
    pub async fn entries_by_table(&self) -> anyhow::Result<BTreeMap<Table, Vec<Entry>>> {
        let mut entries: BTreeMap<Table, Vec<Entry>> = BTreeMap::new();
        for batch in self.rows(vec![], &[]).await? {
            let topics = column::TOPIC.of(&batch)?;
            for row in 0..batch.num_rows() {
                let table: Table = topics.value(row).parse().map_err(anyhow::Error::msg)?;
                read(&batch.slice(row, 1), table, entries.entry(table).or_default())?;
            }
        }
        entries.values_mut().for_each(order);
        Ok(entries)
    }

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

fn order(entries: &mut Vec<Entry>) {
    file::keep_last_counts(entries);
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| (entry.account.partition, entry.account.from, entry.account.until);
        (&a.account.source, key(a), a.kind).cmp(&(&b.account.source, key(b), b.kind))
    });
}

fn sheet(entries: &[Entry]) -> anyhow::Result<RecordBatch> {
    let mut sheet = Sheet::new(Table::INGEST_RANGE.contract());
    for entry in entries {
        let account = &entry.account;
        let offsets = |offsets: &Offsets| (!offsets.is_empty()).then(|| offsets.to_string());
        let row = sheet.row().day(Day::of(entry.committed_at)).text(entry.table.name()).int32(account.partition);
        let row = row.int64(account.from).int64(account.until);
        let row = row.int64(i64::try_from(account.records)?).int64(i64::try_from(account.rejects)?);
        let row = row.int64(i64::try_from(account.tombstones.count())?).int64(i64::try_from(account.gaps.count())?);
        let row = row.text(&entry.code_version).instant(entry.committed_at);
        let row = row.text(entry.kind.as_str()).text(&account.source);
        let row = row.text_or_null(offsets(&account.tombstones).as_deref());
        let row = row.text_or_null(offsets(&account.gaps).as_deref()).instant_or_null(account.watermark);
        let row = row.text(&serde_json::to_string(&account.days)?).int64_or_null(entry.table_version);
        row.text_or_null(entry.note.as_deref()).end();
    }
    Ok(sheet.finish())
}

fn read(batch: &RecordBatch, table: Table, entries: &mut Vec<Entry>) -> anyhow::Result<()> {
    let count = |array: &arrow::array::Int64Array, row: usize| u64::try_from(array.value(row));
    let text = |array: &arrow::array::StringArray, row: usize| array.is_valid(row).then(|| array.value(row).to_owned());
    for row in 0..batch.num_rows() {
        let kind = Kind::read(&text(column::KIND.of(batch)?, row).unwrap_or_default())?;
        let offsets = |array, row| -> anyhow::Result<Offsets> {
            text(array, row).unwrap_or_default().parse().map_err(anyhow::Error::msg)
        };
        let days: BTreeMap<Day, u64> = match text(column::DAYS.of(batch)?, row) {
            Some(days) => serde_json::from_str(&days).context("reading the days of an ingest_range row")?,
            None => BTreeMap::new(),
        };
        let watermark = column::WATERMARK_AT.of(batch)?;
        let version = column::TABLE_VERSION.of(batch)?;
        entries.push(Entry {
            kind,
            table,
            account: Account {
                source: text(column::SOURCE_ID.of(batch)?, row).unwrap_or_default(),
                partition: column::SOURCE_PARTITION.of(batch)?.value(row),
                from: column::FROM_OFFSET.of(batch)?.value(row),
                until: column::UNTIL_OFFSET.of(batch)?.value(row),
                records: count(column::RECORDS.of(batch)?, row)?,
                rejects: count(column::REJECTS.of(batch)?, row)?,
                tombstones: offsets(column::TOMBSTONE_OFFSETS.of(batch)?, row)?,
                gaps: offsets(column::GAP_OFFSETS.of(batch)?, row)?,
                watermark: watermark.is_valid(row).then(|| watermark.value(row)),
                days,
            },
            table_version: version.is_valid(row).then(|| version.value(row)),
            note: text(column::NOTE.of(batch)?, row),
            committed_at: column::COMMITTED_AT.of(batch)?.value(row),
            code_version: text(column::CODE_VERSION.of(batch)?, row).unwrap_or_default(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table::CALL_RECORD;

    /// Partition and topic id of every entry of a source.
    async fn seen(books: &mut Books, source: &str) -> Vec<(i32, Option<String>)> {
        let mut entries = books.entries(TABLE).await.unwrap();
        entries.retain(|entry| entry.kind == Kind::Seen && entry.account.source == source);
        let mut seen: Vec<_> = entries.into_iter().map(|entry| (entry.account.partition, entry.note)).collect();
        seen.sort();
        seen
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_source_is_one_topic_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let mut books = Books::open(&lake).await.unwrap();
        // A lake of before ids were remembered, and a partition that is added later.
        assert_eq!(books.know(TABLE, "k/t/0", 1, None, 1).await.unwrap(), None);
        for (partitions, at) in [(1, 2), (2, 3), (2, 4)] {
            assert_eq!(books.know(TABLE, "k/t/0", partitions, Some("one"), at).await.unwrap(), None);
        }
        let one = || Some("one".to_owned());
        assert_eq!(seen(&mut books, "k/t/0").await, [(0, None), (0, one()), (1, one())]);

        assert_eq!(books.know(TABLE, "k/t/0", 3, Some("two"), 5).await.unwrap(), one());
        assert_eq!(books.know(TABLE, "k/t/0", 3, Some("two"), 6).await.unwrap(), one(), "it stays so");
        assert_eq!(seen(&mut books, "k/t/0").await.len(), 3, "nothing of the other is noted");
        assert_eq!(books.know(TABLE, "k/t/0", 2, None, 7).await.unwrap(), None, "a broker without ids");
        assert_eq!(books.know(TABLE, "k/t/1", 1, Some("two"), 8).await.unwrap(), None, "its epoch was raised");
        assert_eq!(books.know(TABLE, "k/t/0", 2, Some("one"), 9).await.unwrap(), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn two_that_meet_a_topic_at_once_note_it_once() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let (mut books, mut others) = (Books::open(&lake).await.unwrap(), Books::open(&lake).await.unwrap());
        let (ours, theirs) =
            tokio::join!(books.know(TABLE, "k/t/0", 2, Some("one"), 1), others.know(TABLE, "k/t/0", 2, Some("one"), 2));
        assert_eq!((ours.unwrap(), theirs.unwrap()), (None, None));
        assert_eq!(seen(&mut books, "k/t/0").await.len(), 2);
    }
}
