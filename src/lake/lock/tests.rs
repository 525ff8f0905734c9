//! The locks of a lake, on a disk and in a store whose clock passes as the test says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use deltalake::logstore::ObjectStoreRef;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

use super::lease::PACE;
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

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path, Error>>) -> BoxStream<'static, Result<Path, Error>> {
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
