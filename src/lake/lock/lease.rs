//! The lock of a bucket: an object that its holder writes again and again.
//!
//! In: a store, and what the lock is called there. Out: a lock that is held until it is given back, or the news that
//! another holds it. Never: keeps one of which the store has said nothing for so long that another may have it.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use deltalake::logstore::ObjectStoreRef;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStoreExt as _, PutMode, UpdateVersion};
use tokio::sync::oneshot;

use super::Held;

/// In tests time passes so many times as fast.
pub(super) const PACE: u64 = if cfg!(test) { 50 } else { 1 };
/// Whoever holds the lock of a bucket writes it anew this often, and waits no longer for an answer.
const RENEW: Duration = Duration::from_millis(10_000 / PACE);
/// Without an answer for so long, its holder is not sure of it any more.
const SURE: Duration = Duration::from_millis(40_000 / PACE);
/// A lock that was not written for so long belongs to nobody.
const DEAD: TimeDelta = TimeDelta::seconds(60);

/// The lock of a bucket: an object that its holder writes again and again.
pub(super) struct Lease {
    store: ObjectStoreRef,
    path: Path,
    holder: u64,
    turn: u64,
    written: UpdateVersion,
}

impl Lease {
    pub(super) async fn take(store: &ObjectStoreRef, prefix: &str, name: &str) -> anyhow::Result<Self> {
        let path = Path::from(format!("{prefix}/{name}"));
        let holder = RandomState::new().hash_one(std::process::id());
        let written = UpdateVersion { e_tag: None, version: None };
        let mut lease = Self { store: Arc::clone(store), path, holder, turn: 0, written };
        let mut mode = PutMode::Create;
        if let Some(other) = lease.look().await? {
            if lease.store_now().await? - other.last_modified < DEAD {
                return Err(lease.held());
            }
            mode = PutMode::Update(UpdateVersion { e_tag: other.e_tag, version: other.version });
        }
        match lease.write(mode).await {
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
    async fn store_now(&self) -> anyhow::Result<chrono::DateTime<chrono::Utc>> {
        let path = Path::parse(format!("{}.{:016x}", self.path, self.holder))?;
        let asking = || format!("asking the time by {path}");
        self.store.put(&path, self.holder.to_string().into()).await.with_context(asking)?;
        let written = self.store.head(&path).await.with_context(asking)?;
        self.store.delete(&path).await.with_context(asking)?;
        Ok(written.last_modified)
    }

    /// No two bodies are alike, so that no two have the same tag.
    async fn write(&mut self, mode: PutMode) -> Result<(), Error> {
        self.turn += 1;
        let body = format!("{:016x} {}", self.holder, self.turn);
        self.written = self.store.put_opts(&self.path, body.into(), mode.into()).await?.into();
        Ok(())
    }

    /// Writes it anew when we were the last to write it, be it in a write whose answer was lost.
    async fn rewrite(&mut self) -> Result<(), Error> {
        let refused = match self.write(PutMode::Update(self.written.clone())).await {
            Err(refused @ Error::Precondition { .. }) => refused,
            answer => return answer,
        };
        let found = self.store.get(&self.path).await?;
        let last = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        if !found.bytes().await?.starts_with(format!("{:016x} ", self.holder).as_bytes()) {
            return Err(refused);
        }
        self.write(PutMode::Update(last)).await
    }

    /// Holds the lock until the work is done and gives it back; ends earlier only when it is lost.
    pub(super) async fn keep(mut self, mut is_done: oneshot::Receiver<()>) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                _ = &mut is_done => return self.give_back().await,
                renewed = tokio::time::timeout(SURE, self.renew()) => {
                    renewed.with_context(|| format!("the lock {} was not renewed in time", self.path))??;
                }
            }
        }
    }

    /// Waits until it is time, and then as long as it takes.
    async fn renew(&mut self) -> anyhow::Result<()> {
        loop {
            tokio::time::sleep(RENEW).await;
            match tokio::time::timeout(RENEW, self.rewrite()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error @ (Error::Precondition { .. } | Error::NotFound { .. }))) => {
                    return Err(error).with_context(|| format!("the lock {} is not ours any more", self.path));
                }
                // The store may be away for a moment, and the lock is ours until it is dead.
                Ok(Err(error)) => tracing::warn!(%error, "lock not renewed, trying again"),
                Err(error) => tracing::warn!(%error, "lock not renewed, trying again"),
            }
        }
    }

    async fn give_back(mut self) -> anyhow::Result<()> {
        let giving = async {
            // Once more, or it may be another's that is deleted.
            self.rewrite().await?;
            self.store.delete(&self.path).await
        };
        Ok(tokio::time::timeout(RENEW, giving).await??)
    }
}
