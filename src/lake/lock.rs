//! One run at a time over a lake.
//!
//! In: work that must not be done twice at a time. Out: what it did, or the news that another is at it. Never: waits;
//! the scheduler comes again. Trusts a clock but the store's own.

use std::fs::{File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::TimeDelta;
use deltalake::logstore::ObjectStoreRef;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStoreExt as _, PutMode, UpdateVersion};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::Lake;
use crate::clock::Stopwatch;

/// Another run holds the lock: exit code 7.
#[derive(Debug, thiserror::Error)]
#[error("another run holds {0}; wait for it to end")]
pub struct Held(String);

const NAME: &str = ".run.lock";
/// Whoever holds the lock of a bucket writes it anew this often.
const RENEW: Duration = Duration::from_secs(15);
/// Without a word for so long, its holder is not sure of it any more.
const SURE: Duration = Duration::from_secs(40);
/// A lock that was not written for so long belongs to nobody.
const DEAD: TimeDelta = TimeDelta::seconds(60);

impl Lake {
    /// Does what must not be done twice at a time over this lake.
    pub async fn alone<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let Some(store) = &self.store else {
            let _file = self.lock_file()?;
            return work.await;
        };
        let lease = Lease::take(store, self.root.path().trim_matches('/')).await?;
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
    fn lock_file(&self) -> anyhow::Result<File> {
        let folder = self.root.to_file_path().ok().context("a lake without a store is a folder")?;
        let path = folder.join(NAME);
        let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Held(path.display().to_string()).into()),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
        }
    }
}

/// The lock of a bucket: an object that its holder writes again and again.
struct Lease {
    store: ObjectStoreRef,
    path: Path,
    holder: u64,
    written: UpdateVersion,
}

impl Lease {
    async fn take(store: &ObjectStoreRef, prefix: &str) -> anyhow::Result<Self> {
        let path = Path::from(format!("{prefix}/{NAME}"));
        let holder = RandomState::new().hash_one(std::process::id());
        let mut lease =
            Self { store: Arc::clone(store), path, holder, written: UpdateVersion { e_tag: None, version: None } };
        let mut mode = PutMode::Create;
        if let Some(other) = lease.look().await? {
            if lease.store_now(prefix).await? - other.last_modified < DEAD {
                return Err(lease.held());
            }
            mode = PutMode::Update(UpdateVersion { e_tag: other.e_tag, version: other.version });
        }
        match lease.write(mode, 0).await {
            Ok(()) => Ok(lease),
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Err(lease.held()),
            Err(error) => Err(error).with_context(|| format!("taking the lock {}", lease.path)),
        }
    }

    fn held(&self) -> anyhow::Error {
        Held(self.path.to_string()).into()
    }

    async fn look(&self) -> anyhow::Result<Option<ObjectMeta>> {
        match self.store.head(&self.path).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("looking at the lock {}", self.path)),
        }
    }

    /// What time it is where the lock is: machines differ, and none of them is asked.
    async fn store_now(&self, prefix: &str) -> anyhow::Result<chrono::DateTime<chrono::Utc>> {
        let path = Path::from(format!("{prefix}/{NAME}.{:016x}", self.holder));
        let asking = || format!("asking the time by {path}");
        self.store.put(&path, self.holder.to_string().into()).await.with_context(asking)?;
        let written = self.store.head(&path).await.with_context(asking)?;
        self.store.delete(&path).await.with_context(asking)?;
        Ok(written.last_modified)
    }

    /// No two bodies are alike, so that no two have the same tag.
    async fn write(&mut self, mode: PutMode, turn: u64) -> Result<(), Error> {
        let body = format!("{:016x} {turn}", self.holder);
        self.written = self.store.put_opts(&self.path, body.into(), mode.into()).await?.into();
        Ok(())
    }

    /// Holds the lock until the work is done and gives it back; ends earlier only when it is lost.
    async fn keep(mut self, mut is_done: oneshot::Receiver<()>) -> anyhow::Result<()> {
        let (mut turn, mut written) = (1, Stopwatch::start());
        loop {
            let is_last = tokio::select! {
                _ = &mut is_done => true,
                () = tokio::time::sleep(RENEW) => false,
            };
            let mode = PutMode::Update(self.written.clone());
            match tokio::time::timeout(RENEW, self.write(mode, turn)).await {
                Ok(Ok(())) if is_last => return Ok(self.store.delete(&self.path).await?),
                Ok(Ok(())) => written = Stopwatch::start(),
                Ok(Err(Error::Precondition { .. } | Error::NotFound { .. })) => {
                    bail!("the lock {} is another's", self.path)
                }
                // The store may be away for a moment, and the lock is ours until it is dead.
                Ok(Err(_)) | Err(_) if !is_last && written.elapsed() < SURE => {}
                Ok(Err(error)) => return Err(error).with_context(|| format!("the lock {} was not renewed", self.path)),
                Err(_) => bail!("the lock {} was not renewed in time", self.path),
            }
            turn += 1;
        }
    }
}
