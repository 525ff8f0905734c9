//! The books: the accounts of commits, copied into the table `ingest_range`.
//!
//! In: tables whose commits carry accounts, and what else is to be noted of a source. Out: entries, each once. Never:
//! doubles what another has copied at the same moment; forgets which topic a source is.

use std::collections::BTreeMap;

use anyhow::Context;

use super::row::{order, read, sheet};
use super::{Entry, Kind};
use crate::domain::account::Account;
use crate::lake::append::{AppendError, Span};
use crate::lake::{Handle, Lake};
use crate::schema::column::ingest_range as column;
use crate::schema::contract::Table;

/// Writers that copy the same accounts at the same moment try again this often.
pub(super) const TRIES: usize = 8;

/// The table `ingest_range`, to read and to write.
#[derive(Debug)]
pub struct Books {
    pub(super) ranges: Handle,
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
