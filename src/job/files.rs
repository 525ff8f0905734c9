//! Dropped files into their tables, each once, whatever it is called.
//!
//! In: a watched folder. Out: rows and rejects under the source `file/SHA256`, offsets counting the file's records.
//! Never: loads a file's content twice; moves or deletes a file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use tokio::sync::{mpsc, watch};

use super::ingest::Site;
use super::ingest::accounts::accounts;
use crate::decode::Decoder;
use crate::domain::message::{Message, Messages};
use crate::lake::Handle;
use crate::lake::append::{AppendError, Span};
use crate::lake::ledger::{Books, Kind, Told};
use crate::schema::contract::Table;
use crate::schema::topic::Topic;
use crate::source::folder::{self, Options};
use crate::text;

/// Everything that loading from one folder needs.
#[derive(Debug, Clone)]
pub struct Files {
    /// What the files hold.
    pub topic: Topic,
    /// The folder.
    pub options: Options,
    /// What it shares with the others.
    pub site: Site,
}

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Records of a file in one commit.
const BATCH_ROWS: usize = 100_000;
const BATCH_BYTES: usize = 16 << 20;
const PARTITION: i32 = 0;

/// Loads files until `stop` turns true, or until every settled one is loaded when so asked.
///
/// A file that cannot be read does not hold up the others: it is told of, counted, and tried again at each look.
pub async fn files(files: Files, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let mut known: HashMap<PathBuf, (u64, SystemTime)> = HashMap::new();
    loop {
        let mut failed = Vec::new();
        for path in folder::settled(&files.options, files.site.clock)? {
            let metadata = std::fs::metadata(&path)?;
            let looks = (metadata.len(), metadata.modified()?);
            if known.get(&path) == Some(&looks) {
                continue;
            }
            if *stop.borrow() {
                return Ok(());
            }
            let outcome = match load(&files, &path).await {
                Ok(true) => "loaded",
                Ok(false) => "known",
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(topic = %files.topic, file = %path.display(), error, "file not loaded");
                    failed.push(format!("{}: {error}", path.display()));
                    "failed"
                }
            };
            files.site.metrics.ingest_files.with_label_values(&[files.topic.name(), outcome]).inc();
            if outcome != "failed" {
                known.insert(path, looks);
            }
        }
        if files.site.until_caught_up {
            anyhow::ensure!(failed.is_empty(), "{} files were not loaded: {}", failed.len(), failed.join("; "));
            return Ok(());
        }
        tokio::select! {
            asked = stop.wait_for(|stop| *stop) => return asked.map(drop).or(Ok(())),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Loads one file; false when its content is in the table already.
async fn load(files: &Files, path: &Path) -> anyhow::Result<bool> {
    let hash = tokio::task::spawn_blocking({
        let path = path.to_owned();
        move || folder::sha256(&path)
    });
    let source = format!("file/{}", hash.await??);
    let table: Table = files.topic.name().parse().map_err(anyhow::Error::msg)?;
    let mut load = Load {
        files,
        name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        done_id: format!("{source}/done"),
        decoder: Decoder::new(files.topic, &source, files.site.decode, text::report::read),
        rows: files.site.lake.open(table).await?,
        rejects: files.site.lake.open(Table::REJECT).await?,
        source,
    };
    if load.rows.offset(&load.done_id).await?.is_some() {
        return Ok(false);
    }
    let (sender, mut batches) = mpsc::channel::<Messages>(1);
    let reading = tokio::task::spawn_blocking({
        let (path, options, at) = (path.to_owned(), files.options.clone(), files.site.clock.now());
        move || read(&path, &options, at, &sender)
    });
    let begin = load.rows.offset(&load.source).await?.unwrap_or_default();
    let mut until = 0;
    while let Some(mut batch) = batches.recv().await {
        until = batch.ranges().last().map_or(until, |range| range.until);
        batch.retain(|_, offset| offset >= begin);
        if !batch.is_empty() {
            load.commit(batch).await?;
        }
    }
    reading.await??;
    load.finish(until).await?;
    tracing::info!(topic = %files.topic, file = load.name, records = until, "file loaded");
    Ok(true)
}

/// Reads a file on a thread of its own, batch after batch.
fn read(path: &Path, options: &Options, at: i64, sender: &mpsc::Sender<Messages>) -> anyhow::Result<()> {
    let mut batch = Messages::default();
    let mut offset = 0;
    let gone = || anyhow::anyhow!("loading has ended");
    folder::read(path, options, |body| {
        let (key, headers) = (None, None);
        let message = Message { partition: PARTITION, offset, kafka_at: Some(at), key, payload: Some(body), headers };
        batch.push(message);
        offset += 1;
        if batch.len() >= BATCH_ROWS || batch.size_bytes() >= BATCH_BYTES {
            sender.blocking_send(std::mem::take(&mut batch)).map_err(|_| gone())?;
        }
        Ok(())
    })?;
    if batch.is_empty() { Ok(()) } else { sender.blocking_send(batch).map_err(|_| gone()) }
}

/// A file being loaded.
struct Load<'a> {
    files: &'a Files,
    name: String,
    source: String,
    done_id: String,
    decoder: Decoder,
    rows: Handle,
    rejects: Handle,
}

impl Load<'_> {
    /// Rejects first, then rows, as for Kafka: what a crash left between the two is honoured.
    async fn commit(&mut self, mut batch: Messages) -> anyhow::Result<()> {
        let places = batch.places();
        let (from, until) = (places[0].offset, places[places.len() - 1].offset + 1);
        let rejects_at = self.rejects.offset(&self.source).await?.unwrap_or_default();
        let mut honoured: BTreeMap<i32, BTreeSet<i64>> = BTreeMap::new();
        if rejects_at > from {
            let rejected = self.rejects.rejected(&self.source, PARTITION, from, until).await?;
            batch.retain(|_, offset| !rejected.contains(&offset));
            honoured.insert(PARTITION, rejected);
        }
        for id in self.decoder.unknown_schemas(&batch) {
            self.decoder.teach(id, self.files.site.registry.schema(id).await?.as_deref());
        }
        let now = self.files.site.clock.now();
        let decoded = self.decoder.decode(&batch, &self.source, now)?;
        let accounts = accounts(&self.source, &places, batch.gaps(), &BTreeMap::new(), &honoured, &decoded)?;
        let span = |from: i64| [Span { app_id: self.source.clone(), from, until: until.max(from) }];
        if decoded.rejects.num_rows() > 0 {
            fenced(self.rejects.append(std::slice::from_ref(&decoded.rejects), &span(from.max(rejects_at))).await)?;
        }
        let told = Told { kind: Kind::Read, accounts: &accounts, at: now, note: Some(&self.name) };
        fenced(self.rows.append_told(&decoded.rows, &span(from), told).await)?;
        let topic = self.files.topic.name();
        self.files.site.metrics.ingest_rows.with_label_values(&[topic]).inc_by(decoded.records());
        for (reason, count) in &decoded.reasons {
            self.files.site.metrics.ingest_rejects.with_label_values(&[topic, reason.as_str()]).inc_by(*count);
        }
        Ok(())
    }

    /// Remembers that the whole file is in the table.
    async fn finish(&mut self, records: i64) -> anyhow::Result<()> {
        let span = Span { app_id: self.done_id.clone(), from: 0, until: records.max(1) };
        fenced(self.rows.append(&[], &[span]).await)?;
        Books::open(&self.files.site.lake).await?.settle(&self.rows).await?;
        Ok(())
    }
}

/// Another process loads the same content at the same moment: the next look finds it done.
fn fenced<T>(done: Result<T, AppendError>) -> anyhow::Result<T> {
    match done {
        Ok(done) => Ok(done),
        Err(AppendError::Other(error)) => Err(error),
        Err(other) => Err(other).context("another process loads the same file"),
    }
}
