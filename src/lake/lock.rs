//! One run at a time over a lake, and one that writes files anew.
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

/// Another run holds the lock: exit code 7.
#[derive(Debug, thiserror::Error)]
#[error("another run holds {0}; wait for it to end")]
pub struct Held(String);

/// Held by what computes tables.
const RUN: &str = ".run.lock";
/// Held by what writes rows that stay into other files.
const MAINTAIN: &str = ".maintain.lock";
/// In tests time passes so many times as fast.
const PACE: u64 = if cfg!(test) { 50 } else { 1 };
/// Whoever holds the lock of a bucket writes it anew this often, and waits no longer for an answer.
const RENEW: Duration = Duration::from_millis(10_000 / PACE);
/// Without an answer for so long, its holder is not sure of it any more.
const SURE: Duration = Duration::from_millis(40_000 / PACE);
/// A lock that was not written for so long belongs to nobody.
const DEAD: TimeDelta = TimeDelta::seconds(60);

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

/// The lock of a bucket: an object that its holder writes again and again.
struct Lease {
    store: ObjectStoreRef,
    path: Path,
    holder: u64,
    turn: u64,
    written: UpdateVersion,
}

impl Lease {
    async fn take(store: &ObjectStoreRef, prefix: &str, name: &str) -> anyhow::Result<Self> {
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
    async fn keep(mut self, mut is_done: oneshot::Receiver<()>) -> anyhow::Result<()> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fmt;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicI64, Ordering};

    use async_trait::async_trait;
    use chrono::DateTime;
    use futures::stream::BoxStream;
    use object_store::memory::InMemory;
    use object_store::{
        CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions,
        PutPayload, PutResult,
    };

    use super::*;

    /// A store in memory with a clock of its own, whose puts can be told to fail.
    #[derive(Debug, Default)]
    struct Store {
        objects: InMemory,
        seconds: AtomicI64,
        written: Mutex<BTreeMap<Path, i64>>,
        trouble: Mutex<Option<Trouble>>,
    }

    #[derive(Debug, Clone, Copy)]
    enum Trouble {
        Away,
        Silent,
        AnswerLost,
    }

    impl Store {
        /// Lets time pass there as here.
        async fn pass(&self, seconds: i64) {
            for _ in 0..seconds {
                tokio::time::sleep(Duration::from_millis(1_000 / PACE)).await;
                self.seconds.fetch_add(1, Ordering::Relaxed);
            }
        }

        fn suffer(&self, trouble: Option<Trouble>) {
            *self.trouble.lock().unwrap() = trouble;
        }

        async fn is_free(&self) -> bool {
            matches!(self.head(&lock()).await, Err(Error::NotFound { .. }))
        }
    }

    impl fmt::Display for Store {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a store for tests")
        }
    }

    #[async_trait]
    impl ObjectStore for Store {
        async fn put_opts(&self, path: &Path, body: PutPayload, options: PutOptions) -> Result<PutResult, Error> {
            let away = || Error::Generic { store: "test", source: "away".into() };
            let trouble = *self.trouble.lock().unwrap();
            match trouble {
                Some(Trouble::Away) => return Err(away()),
                Some(Trouble::Silent) => std::future::pending().await,
                Some(Trouble::AnswerLost) | None => {}
            }
            let put = self.objects.put_opts(path, body, options).await?;
            self.written.lock().unwrap().insert(path.clone(), self.seconds.load(Ordering::Relaxed));
            if trouble.is_some() { Err(away()) } else { Ok(put) }
        }

        async fn put_multipart_opts(
            &self,
            path: &Path,
            options: PutMultipartOptions,
        ) -> Result<Box<dyn MultipartUpload>, Error> {
            self.objects.put_multipart_opts(path, options).await
        }

        async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult, Error> {
            let mut found = self.objects.get_opts(path, options).await?;
            let seconds = self.written.lock().unwrap()[path];
            found.meta.last_modified = DateTime::from_timestamp(seconds, 0).unwrap();
            Ok(found)
        }

        fn delete_stream(
            &self,
            paths: BoxStream<'static, Result<Path, Error>>,
        ) -> BoxStream<'static, Result<Path, Error>> {
            self.objects.delete_stream(paths)
        }

        fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta, Error>> {
            self.objects.list(prefix)
        }

        async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult, Error> {
            self.objects.list_with_delimiter(prefix).await
        }

        async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<(), Error> {
            self.objects.copy_opts(from, to, options).await
        }
    }

    fn lock() -> Path {
        Path::from("lake/.run.lock")
    }

    fn lake(store: &Arc<Store>) -> Lake {
        Lake { root: "s3://bucket/lake/".parse().unwrap(), store: Some(Arc::clone(store) as ObjectStoreRef) }
    }

    /// Whether another run is turned away.
    async fn is_held(store: &Arc<Store>) -> bool {
        let done = lake(store).alone(async { Ok(()) }).await;
        done.is_err_and(|error| error.is::<Held>())
    }

    #[tokio::test]
    async fn a_dead_holders_lock_is_taken_over_after_a_minute() {
        let store = Arc::new(Store::default());
        // Nobody keeps it.
        Lease::take(&(Arc::clone(&store) as ObjectStoreRef), "lake", RUN).await.unwrap();
        store.pass(59).await;
        assert!(is_held(&store).await);
        store.pass(1).await;
        let work = async {
            assert!(is_held(&store).await);
            Ok(())
        };
        lake(&store).alone(work).await.unwrap();
        assert!(store.is_free().await);
    }

    #[tokio::test]
    async fn a_living_holders_lock_is_taken_over_by_nobody() {
        let store = Arc::new(Store::default());
        let work = async {
            for _ in 0..4 {
                store.pass(30).await;
                assert!(is_held(&store).await);
            }
            Ok(())
        };
        lake(&store).alone(work).await.unwrap();
        assert!(store.is_free().await);
    }

    #[tokio::test]
    async fn a_lock_that_another_has_written_ends_the_work() {
        let store = Arc::new(Store::default());
        let work = async {
            store.put(&lock(), "another's".into()).await?;
            std::future::pending::<anyhow::Result<()>>().await
        };
        let error = format!("{:#}", lake(&store).alone(work).await.unwrap_err());
        assert!(error.starts_with("the lock lake/.run.lock is not ours any more: "), "{error}");
        let left = store.get(&lock()).await.unwrap().bytes().await.unwrap();
        assert_eq!(left.as_ref(), b"another's");
    }

    #[tokio::test]
    async fn a_lock_that_was_deleted_ends_the_work() {
        let store = Arc::new(Store::default());
        let work = async {
            store.delete(&lock()).await?;
            std::future::pending::<anyhow::Result<()>>().await
        };
        let error = format!("{:#}", lake(&store).alone(work).await.unwrap_err());
        assert!(error.starts_with("the lock lake/.run.lock is not ours any more: "), "{error}");
        assert!(store.is_free().await);
    }

    #[tokio::test]
    async fn a_store_that_is_away_for_a_moment_costs_no_lock() {
        for trouble in [Trouble::Away, Trouble::Silent, Trouble::AnswerLost] {
            let store = Arc::new(Store::default());
            let work = async {
                store.suffer(Some(trouble));
                store.pass(25).await;
                store.suffer(None);
                store.pass(75).await;
                assert!(is_held(&store).await, "{trouble:?}");
                Ok(())
            };
            lake(&store).alone(work).await.unwrap();
            assert!(store.is_free().await, "{trouble:?}");
        }
    }

    #[tokio::test]
    async fn a_store_that_stays_away_ends_the_work_before_the_lock_is_dead() {
        let store = Arc::new(Store::default());
        let work = async {
            store.suffer(Some(Trouble::Away));
            store.pass(59).await;
            Ok(())
        };
        let error = format!("{:#}", lake(&store).alone(work).await.unwrap_err());
        assert!(error.starts_with("the lock lake/.run.lock was not renewed in time"), "{error}");
    }

    async fn nothing() -> anyhow::Result<()> {
        Ok(())
    }

    #[tokio::test]
    async fn joining_files_keeps_out_who_replaces_them_and_no_run() {
        let folder = tempfile::tempdir().unwrap();
        for lake in [Lake::local(folder.path()).unwrap(), lake(&Arc::new(Store::default()))] {
            let joining = async {
                let second = lake.rewriting(nothing()).await.unwrap_err();
                assert!(second.is::<Held>() && second.to_string().contains(MAINTAIN), "{second}");
                let erasing = lake.alone(lake.rewriting(nothing())).await;
                assert!(erasing.unwrap_err().is::<Held>());
                lake.alone(nothing()).await
            };
            lake.rewriting(joining).await.unwrap();
            lake.rewriting(nothing()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn the_lock_is_given_back_when_the_work_fails() {
        let store = Arc::new(Store::default());
        let failed = lake(&store).alone(async { Err::<(), _>(anyhow::anyhow!("no such day")) }).await;
        assert_eq!(failed.unwrap_err().to_string(), "no such day");
        assert!(store.is_free().await);
    }
}
