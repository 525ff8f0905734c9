//! One run at a time over a lake, and one that writes files anew.
//!
//! In: work that must not be done twice at a time. Out: what it did, or the news that another is at it. Never: waits;
//! the scheduler comes again. Trusts a clock but the store's own.

use std::fs::{File, TryLockError};

use anyhow::{Context, bail};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use self::lease::Lease;
use super::Lake;

mod lease;

/// Another run holds the lock: exit code 7.
#[derive(Debug, thiserror::Error)]
#[error("another run holds {0}; wait for it to end")]
pub struct Held(String);

/// Held by what computes tables.
const RUN: &str = ".run.lock";
/// Held by what writes rows that stay into other files.
const MAINTAIN: &str = ".maintain.lock";

impl Lake {
    /// Does what must not be done twice at a time over this lake.
    pub async fn alone<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        self.holding(RUN, work).await
    }

    /// Does what writes rows that stay into other files. Delta takes the joining of files for no change of data and lets
    /// whoever replaces the same files commit behind it, and the rows would be there twice. It is a lock of its own, so
    /// that the day's run need not wait until all files are joined.
    pub async fn rewriting<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        self.holding(MAINTAIN, work).await
    }

    async fn holding<T>(&self, name: &str, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let Some(store) = &self.store else {
            let _file = self.lock_file(name)?;
            return work.await;
        };
        let lease = Lease::take(store, self.root.path().trim_matches('/'), name).await?;
        let (done, is_done) = oneshot::channel();
        // On a task of its own: work that computes for long must not let the lock go.
        let mut keeping = JoinSet::new();
        keeping.spawn(lease.keep(is_done));
        tokio::select! {
            lost = keeping.join_next() => {
                lost.context("the lock has a keeper")?.context("the lock's keeper has ended")??;
                bail!("the lock was given back before the work was done");
            }
            result = work => {
                // The keeper has gone only when the lock is lost, and that ended us above.
                let _told = done.send(());
                if let Some(Ok(Err(error))) = keeping.join_next().await {
                    tracing::warn!(error = format!("{error:#}"), "lock not given back, it is free in a minute");
                }
                result
            }
        }
    }

    /// The lock goes with the file, and with the process.
    fn lock_file(&self, name: &str) -> anyhow::Result<File> {
        let folder = self.root.to_file_path().ok().context("a lake without a store is a folder")?;
        let path = folder.join(name);
        let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Held(path.display().to_string()).into()),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests;
