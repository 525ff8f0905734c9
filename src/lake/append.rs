//! Rows and source offsets, in one commit.
//!
//! In: a batch for one table, and the offsets it came from. Out: the new table version. Never: writes a batch whose
//! offsets the table already has; refreshes between the check of the offsets and the commit: Delta itself would
//! accept an older offset over a newer one.

use arrow::array::RecordBatch;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::{CommitBuilder, CommitConflictError, TransactionError};
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::SaveMode;

use super::ledger::Told;
use super::{Added, Handle, adds, commit_properties, finished, ledger, log_store};

/// Offsets `[from, until)` of one source partition, under the name by which the table remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Application id: cluster, topic, partition and epoch.
    pub app_id: String,
    /// First offset.
    pub from: i64,
    /// First offset after; what the table remembers.
    pub until: i64,
}

/// What an append did.
#[derive(Debug, Clone, Copy)]
pub struct Appended {
    /// Table version that holds the rows.
    pub version: i64,
    /// Rows written.
    pub rows: u64,
    /// Files written.
    pub added: Added,
}

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Another consumer wrote this partition meanwhile: seek again.
    #[error("{app_id}: the table is at offset {table_at}, this batch starts at {batch_from}")]
    Behind {
        /// The source partition.
        app_id: String,
        /// Where the table is.
        table_at: i64,
        /// Where the batch starts.
        batch_from: i64,
    },
    /// Another consumer of the same partition committed at the same moment: seek again.
    #[error("another consumer of the same partition committed at the same moment")]
    Fenced,
    /// Anything else: stop.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

impl Handle {
    /// First offset that the table does not have of a source partition.
    pub async fn offset(&self, app_id: &str) -> anyhow::Result<Option<i64>> {
        let store = log_store(&self.delta);
        Ok(self.delta.snapshot()?.transaction_version(store.as_ref(), app_id).await?)
    }

    /// Appends rows and moves the offsets on, in one commit; each batch becomes files of its own.
    pub async fn append(&mut self, batches: &[RecordBatch], spans: &[Span]) -> Result<Appended, AppendError> {
        self.commit(batches, spans, None).await
    }

    /// The same, and the commit tells what became of its offsets.
    pub async fn append_told(
        &mut self,
        batches: &[RecordBatch],
        spans: &[Span],
        told: Told<'_>,
    ) -> Result<Appended, AppendError> {
        self.commit(batches, spans, Some(ledger::metadata(told)?)).await
    }

    /// Writes the files once, and commits them as often as it takes: what others do to the table meanwhile does not change
    /// them.
    async fn commit(
        &mut self,
        batches: &[RecordBatch],
        spans: &[Span],
        told: Option<serde_json::Value>,
    ) -> Result<Appended, AppendError> {
        let mut transactions = self.checked(spans).await?;
        let writing: Vec<_> = batches.iter().map(|batch| self.write_part(vec![batch.clone()], false)).collect();
        let mut files = Vec::new();
        for written in writing {
            files.extend(finished(written).await?);
        }
        self.sync_files(&files).await?;
        let (actions, added) = adds(files);
        let told: Vec<_> = told.into_iter().map(|told| (ledger::KEY.to_owned(), told)).collect();
        for last in 1.. {
            match self.try_commit(&actions, &told, transactions).await {
                Ok(()) => break,
                Err(error) if is_fenced(&error) => return Err(AppendError::Fenced),
                // Old days were removed, or a column was added: what we add does not depend on either.
                Err(error) if last < TRIES && is_passing(&error) => {
                    tracing::info!(table = %self.table, %error, "table has changed meanwhile, committing again");
                    self.refresh().await?;
                    transactions = self.checked(spans).await?;
                }
                Err(error) => return Err(AppendError::Other(error.into())),
            }
        }
        self.sync_log().await?;
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        Ok(Appended { version: self.version(), rows, added })
    }

    async fn try_commit(
        &mut self,
        actions: &[Action],
        told: &[(String, serde_json::Value)],
        transactions: Vec<Transaction>,
    ) -> Result<(), DeltaTableError> {
        let properties =
            commit_properties().with_application_transactions(transactions).with_metadata(told.iter().cloned());
        let commit = CommitBuilder::from(properties).with_actions(actions.to_vec()).build(
            Some(self.delta.snapshot()?.snapshot()),
            log_store(&self.delta),
            self.write_operation(SaveMode::Append, None),
        );
        self.delta.state = Some(commit.await?.snapshot());
        Ok(())
    }

    async fn checked(&self, spans: &[Span]) -> Result<Vec<Transaction>, AppendError> {
        let mut transactions = Vec::with_capacity(spans.len());
        for span in spans {
            match self.offset(&span.app_id).await? {
                Some(table_at) if table_at > span.from => {
                    return Err(AppendError::Behind { app_id: span.app_id.clone(), table_at, batch_from: span.from });
                }
                _ => transactions.push(Transaction::new(span.app_id.clone(), span.until)),
            }
        }
        Ok(transactions)
    }
}

/// Others change a table this often at most before an append gives up.
const TRIES: usize = 10;

fn conflict(error: &DeltaTableError) -> Option<&CommitConflictError> {
    match error {
        DeltaTableError::Transaction { source: TransactionError::CommitConflict(conflict) } => Some(conflict),
        _ => None,
    }
}

fn is_fenced(error: &DeltaTableError) -> bool {
    matches!(conflict(error), Some(CommitConflictError::ConcurrentTransaction))
}

/// Whether the same commit may hold upon a newer version.
fn is_passing(error: &DeltaTableError) -> bool {
    use CommitConflictError::{ConcurrentAppend, ConcurrentDeleteRead, MetadataChanged};
    let is_crowded = matches!(error, DeltaTableError::Transaction { source: TransactionError::MaxCommitAttempts(_) });
    is_crowded || matches!(conflict(error), Some(ConcurrentAppend | ConcurrentDeleteRead | MetadataChanged))
}
