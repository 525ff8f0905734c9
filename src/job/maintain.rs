//! `maintain`: every table of the lake kept small and within its time.
//!
//! In: the contracts' `keep_days`. Out: fewer files. Never: waits for ingest, or makes it wait: both commit to one
//! log, and neither touches what the other adds; keeps a day longer than `keep_days`: what is accepted of an older day
//! is removed the next night, so `decode.max_age_days` is no longer than that either.

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::domain::day::Day;
use crate::lake::Lake;
use crate::lake::ledger::Books;
use crate::schema::contract::{Table, Writer};
use crate::schema::topic::Topic;

/// Delta itself deletes nothing younger: somebody may still read or write it.
const LEAST_DAYS: u32 = 7;
/// The logs of tables tell of what was removed for sixty days, and until a checkpoint is that old; a file that no log
/// tells of is of no use.
const MOST_DAYS: u32 = 56;

/// How long what was replaced stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Days for which versions of before can be read: by them a package is made anew and compared, and until then what
    /// was erased is in them. Lower it to have that gone sooner.
    pub keep_files_days: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { keep_files_days: MOST_DAYS }
    }
}

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        let is_kept = (LEAST_DAYS..=MOST_DAYS).contains(&self.keep_files_days);
        let problem = || format!("maintain.keep_files_days must be from {LEAST_DAYS} to {MOST_DAYS}");
        (!is_kept).then(problem).into_iter().collect()
    }
}

/// What was done to a table, or would be.
#[derive(Debug, Serialize)]
pub struct Maintained {
    /// Which.
    pub table: &'static str,
    /// Small files that were joined.
    pub joined_files: u64,
    /// Files that took their place; null in a dry run, which cannot know.
    pub into_files: Option<u64>,
    /// Days whose rows are past their time.
    pub expired_days: Vec<String>,
    /// Files that nothing refers to.
    pub deleted_files: u64,
    /// Entries of the log past their time, and checkpoints among them; null in a dry run, which does not look for them.
    pub deleted_entries: Option<u64>,
}

/// Maintains every table that exists.
pub async fn maintain(lake: &Lake, options: Options, clock: Clock, dry_run: bool) -> anyhow::Result<Vec<Maintained>> {
    let now = clock.now();
    let mut done = Vec::new();
    for table in Table::all() {
        let Some(mut handle) = lake.find(table).await? else { continue };
        let contract = table.contract();
        let mut maintained = Maintained {
            table: table.name(),
            joined_files: 0,
            into_files: None,
            expired_days: Vec::new(),
            deleted_files: 0,
            deleted_entries: None,
        };
        let before = Day::of(now).plus(-i32::try_from(contract.keep_days)?);
        let expired = handle.expired(before).await?;
        maintained.expired_days = expired.iter().map(Day::to_string).collect();
        if !expired.is_empty() && !dry_run {
            handle.expire(before, now).await?;
        }
        // The log forgets after weeks what was removed; the ledger must not.
        if is_accounted(table) && !dry_run {
            Books::open(lake).await?.settle(&handle).await?;
        }
        // Tables that are written whole by partition are in the order of their contract, and have few files.
        if matches!(contract.writer, Writer::Ingest | Writer::Run | Writer::Export) {
            if dry_run {
                maintained.joined_files = handle.joinable_files().await?;
            } else {
                let joined = handle.join_files().await?;
                (maintained.joined_files, maintained.into_files) = (joined.removed, Some(joined.added));
            }
        }
        if !dry_run {
            maintained.into_files.get_or_insert(0);
        }
        maintained.deleted_files = handle.vacuum(options.keep_files_days, dry_run).await?;
        if !dry_run {
            maintained.deleted_entries = Some(handle.clean_log().await? as u64);
        }
        let Maintained { joined_files: joined, deleted_files: deleted, deleted_entries: entries, .. } = maintained;
        tracing::info!(table = %table, joined, deleted, entries, "maintained");
        done.push(maintained);
    }
    Ok(done)
}

/// Whether the ledger accounts for its rows.
fn is_accounted(table: Table) -> bool {
    table == Table::REJECT || Topic::ALL.iter().any(|topic| topic.name() == table.name())
}

impl Maintained {
    /// For people.
    pub fn text(&self) -> String {
        let Self { table, joined_files, into_files, expired_days, deleted_files, deleted_entries } = self;
        let (expired, entries) = (expired_days.len(), deleted_entries.unwrap_or_default());
        match into_files {
            Some(into) => format!(
                "{table}: {joined_files} files joined into {into}, {expired} days removed, {deleted_files} files and \
                 {entries} entries of the log deleted"
            ),
            None => format!(
                "{table}: would look at {joined_files} small files, remove {expired} days, delete {deleted_files} files"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::maintain::tests::old_log;

    #[tokio::test(flavor = "multi_thread")]
    async fn entries_that_go_from_a_log_are_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        old_log(&lake, folder.path()).await;
        let records = async |is_dry_run| {
            let done = maintain(&lake, Options::default(), Clock::System, is_dry_run).await.unwrap();
            done.into_iter().find(|done| done.table == Table::CALL_RECORD.name()).unwrap()
        };
        let counted = async |is_dry_run| records(is_dry_run).await.deleted_entries;
        assert_eq!(counted(true).await, None);
        let done = records(false).await;
        assert_eq!(done.deleted_entries, Some(99));
        let text = "call_record: 0 files joined into 0, 0 days removed, 0 files and 99 entries of the log deleted";
        assert_eq!(done.text(), text);
        assert_eq!(counted(false).await, Some(0));
    }

    #[test]
    fn versions_are_kept_for_a_week_at_least_and_no_longer_than_logs_tell_of_them() {
        assert_eq!(Options::default().keep_files_days, 56);
        for (keep_files_days, holds) in [(6, false), (7, true), (56, true), (57, false)] {
            assert_eq!(Options { keep_files_days }.problems().is_empty(), holds, "{keep_files_days} days");
        }
    }
}
