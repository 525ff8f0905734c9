//! Upkeep of a table: small files joined, rows past their time removed, files that nothing refers to deleted.
//!
//! In: a table and bounds. Out: what was done. Never: changes a row that stays, or the order of a table that is
//! written whole; deletes a file that a version within the bound refers to.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use anyhow::Context;
use deltalake::DeltaTable;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::CommitBuilder;
use deltalake::operations::optimize::OptimizeType;
use deltalake::protocol::DeltaOperation;
use deltalake::protocol::checkpoints::cleanup_metadata;
use futures::TryStreamExt;

use super::ledger::{self, Kind, Told};
use super::{Handle, commit_properties, log_store, snapshot, writer_properties};
use crate::domain::account::Account;
use crate::domain::day::Day;

/// Files are joined up to this size: large enough to scan fast, small enough to rewrite in seconds.
const TARGET_BYTES: NonZeroU64 = NonZeroU64::new(256 << 20).expect("a size");

/// Files of a table before and after joining.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Joined {
    /// Small files that were replaced.
    pub removed: u64,
    /// Files that took their place.
    pub added: u64,
}

impl Handle {
    /// Files in partitions that hold more than one: what joining would look at.
    pub async fn joinable_files(&self) -> anyhow::Result<u64> {
        let store = log_store(&self.delta);
        let mut files = self.delta.snapshot()?.snapshot().file_views(store.as_ref(), None);
        let mut partitions: BTreeMap<Vec<(String, Option<String>)>, u64> = BTreeMap::new();
        while let Some(file) = files.try_next().await? {
            if u64::try_from(file.size())? < TARGET_BYTES.get() {
                let mut partition: Vec<_> = file.partition_values_map().into_iter().collect();
                partition.sort();
                *partitions.entry(partition).or_default() += 1;
            }
        }
        Ok(partitions.into_values().filter(|files| *files > 1).sum())
    }

    /// Joins small files; appends may go on meanwhile.
    pub async fn join_files(&mut self) -> anyhow::Result<Joined> {
        let optimize = self.delta.clone().optimize().with_type(OptimizeType::Compact).with_target_size(TARGET_BYTES);
        let optimize = optimize.with_writer_properties(writer_properties(&self.table.contract().schema())?.build());
        let (table, metrics) = optimize.await.with_context(|| format!("joining files of table {}", self.table))?;
        let before = std::mem::replace(&mut self.delta, table);
        self.sync_new(&before).await?;
        Ok(Joined { removed: metrics.num_files_removed, added: metrics.num_files_added })
    }

    /// Makes sure that files which have come since a version outlive a power cut; so long, vacuum keeps those that they
    /// replace.
    async fn sync_new(&self, before: &DeltaTable) -> anyhow::Result<()> {
        let kept = snapshot::paths(before).await?;
        let found = snapshot::paths(&self.delta).await?;
        let new: Vec<&str> = found.keys().filter(|path| !kept.contains_key(*path)).map(String::as_str).collect();
        self.sync(&new).await?;
        self.sync_log().await
    }

    /// Days before `before` that the table has rows of.
    pub async fn expired(&self, before: Day) -> anyhow::Result<Vec<Day>> {
        if self.table.contract().partition.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.days().await?.into_iter().filter(|day| *day < before).collect())
    }

    /// Removes the partitions before a day; the commit tells of it, so that the ledger misses nothing.
    pub async fn expire(&mut self, before: Day, at: i64) -> anyhow::Result<()> {
        let mut removals: Vec<Action> = Vec::new();
        for day in self.expired(before).await? {
            let column = self.table.contract().partition.first().context("a day is a partition")?;
            removals.extend(self.removals(Some((column.as_str(), day))).await?);
        }
        let note = before.to_string();
        // Which versions it has looked at: what others add meanwhile stays, though the commit lands behind it.
        let account = Account { until: self.version() + 1, ..Account::empty("", 0, 0) };
        let told = ledger::metadata(Told { kind: Kind::Expired, accounts: &[account], at, note: Some(&note) })?;
        let properties = commit_properties().with_metadata([(ledger::KEY.to_owned(), told)]);
        let snapshot = self.delta.snapshot()?;
        let commit = CommitBuilder::from(properties).with_actions(removals).build(
            Some(snapshot.snapshot()),
            log_store(&self.delta),
            DeltaOperation::Delete { predicate: Some(format!("day < '{before}'")) },
        );
        let done = commit.await.with_context(|| format!("removing old days of table {}", self.table))?;
        self.delta.state = Some(done.snapshot());
        self.sync_log().await
    }

    /// Deletes files that no version of the last `keep_days` days refers to; says how many.
    pub async fn vacuum(&mut self, keep_days: u32, dry_run: bool) -> anyhow::Result<u64> {
        let vacuum = self.delta.clone().vacuum().with_retention_period(chrono::Duration::days(i64::from(keep_days)));
        let (table, metrics) = vacuum
            .with_dry_run(dry_run)
            .await
            .with_context(|| format!("deleting old files of table {}", self.table))?;
        self.delta = table;
        Ok(metrics.files_deleted.len() as u64)
    }

    /// Deletes entries of the log that are past their time and behind a checkpoint; says how many.
    ///
    /// The handle knows the log of before and is of no more use.
    pub async fn clean_log(self) -> anyhow::Result<usize> {
        let cleaned = cleanup_metadata(&self.delta, None).await;
        cleaned.with_context(|| format!("deleting old entries of the log of table {}", self.table))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::SystemTime;

    use super::*;
    use crate::lake::Lake;
    use crate::schema::contract::Table;

    async fn commits(handle: &mut Handle, until: i64) {
        while handle.version() < until {
            handle.expire(Day::of(0), 0).await.unwrap();
        }
    }

    /// A table of call records of 205 versions; up to the 120th the entries of its log are past their time.
    pub(crate) async fn old_log(lake: &Lake, folder: &Path) -> Handle {
        let mut handle = lake.open(Table::CALL_RECORD).await.unwrap();
        commits(&mut handle, 120).await;
        for entry in fs::read_dir(folder.join("call_record/_delta_log")).unwrap() {
            let file = fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        commits(&mut handle, 205).await;
        handle
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn old_entries_of_a_log_go_by_upkeep_alone_and_no_further_than_an_old_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let log = folder.path().join("call_record/_delta_log");
        let least = || {
            let names = fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.ends_with(".json")).min().unwrap()
        };
        let handle = old_log(&lake, folder.path()).await;
        assert_eq!(least(), "00000000000000000000.json", "no commit looks for old entries, a checkpoint either");
        assert_eq!(handle.clean_log().await.unwrap(), 99);
        // Version 99 is the checkpoint; what came after the entries of then has to be read from there.
        assert_eq!(least(), "00000000000000000099.json");
        assert_eq!(lake.require(Table::CALL_RECORD).await.unwrap().version(), 205);
    }
}
