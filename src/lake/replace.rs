//! One partition, written whole in place of what was there.
//!
//! In: all rows of a partition. Out: the new table version. Never: touches another partition; leaves half of the old
//! rows beside half of the new.

use anyhow::{Context, ensure};
use arrow::array::RecordBatch;
use deltalake::kernel::Action;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::protocol::SaveMode;
use futures::TryStreamExt;

use super::{Handle, adds, log_store};
use crate::domain::day::Day;

/// What a replacement did.
#[derive(Debug, Clone, Copy)]
pub struct Replaced {
    /// Table version that holds the rows.
    pub version: i64,
    /// Rows written.
    pub rows: u64,
}

impl Handle {
    /// Replaces the partition of a day (of a Monday, for a weekly table).
    pub async fn replace(&mut self, day: Day, batches: &[RecordBatch]) -> anyhow::Result<Replaced> {
        let partition = self.table.contract().partition.first();
        let column = partition.with_context(|| format!("table {} has no partition to replace", self.table))?;
        for batch in batches {
            ensure!(only(batch, column, day)?, "a row for {} lies outside partition {column} = {day}", self.table);
        }
        let predicate = format!("{column} = '{day}'");
        self.swap(batches, Some((column.as_str(), day)), Some(predicate)).await
    }

    /// Replaces a whole unpartitioned table.
    pub async fn replace_all(&mut self, batches: &[RecordBatch]) -> anyhow::Result<Replaced> {
        ensure!(self.table.contract().partition.is_empty(), "table {} is written by partition", self.table);
        self.swap(batches, None, None).await
    }

    async fn swap(
        &mut self,
        batches: &[RecordBatch],
        partition: Option<(&str, Day)>,
        predicate: Option<String>,
    ) -> anyhow::Result<Replaced> {
        let files = self.write_files(batches).await?;
        let (mut actions, _) = adds(files);
        actions.extend(self.removals(partition).await?);
        let snapshot = self.delta.snapshot()?;
        let commit = CommitBuilder::from(CommitProperties::default()).with_actions(actions).build(
            Some(snapshot.snapshot()),
            log_store(&self.delta),
            self.write_operation(SaveMode::Overwrite, predicate),
        );
        let done = commit.await.with_context(|| format!("replacing a partition of table {}", self.table))?;
        self.delta.state = Some(done.snapshot());
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        Ok(Replaced { version: self.version(), rows })
    }

    pub(super) async fn removals(&self, partition: Option<(&str, Day)>) -> anyhow::Result<Vec<Action>> {
        let store = log_store(&self.delta);
        let mut files = self.delta.snapshot()?.snapshot().file_views(store.as_ref(), None);
        let mut removals = Vec::new();
        while let Some(file) = files.try_next().await? {
            let within = match partition {
                None => true,
                Some((column, day)) => file
                    .partition_values_map()
                    .get(column)
                    .is_some_and(|value| value.as_deref() == Some(&day.to_string())),
            };
            if within {
                removals.push(Action::Remove(file.remove_action(true)));
            }
        }
        Ok(removals)
    }
}

fn only(batch: &RecordBatch, column: &str, day: Day) -> anyhow::Result<bool> {
    use arrow::array::{Array, Date32Array};
    let array = batch.column_by_name(column).and_then(|array| array.as_any().downcast_ref::<Date32Array>());
    let days = array.with_context(|| format!("no date column \"{column}\""))?;
    Ok(days.null_count() == 0 && days.values().iter().all(|value| *value == day.epoch_days()))
}
