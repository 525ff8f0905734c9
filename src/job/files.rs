//! Dropped files into their tables, each once, whatever it is called.
//!
//! In: a watched folder. Out: rows and rejects under the source `file/SHA256`, offsets counting the file's records; of one
//! that cannot be read, a hole in the books. Never: loads a file's content twice; moves or deletes a file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::sync::{mpsc, watch};

use super::ingest::{Site, stopped};
use super::writer::{Batch, Writer, Written};
use crate::decode::reject::Reason;
use crate::decode::{Format, avro};
use crate::domain::message::{Message, Messages};
use crate::domain::origin::Origin;
use crate::lake::append::AppendError;
use crate::lake::ledger::Books;
use crate::lake::ledger::file::Unread;
use crate::schema::topic::Topic;
use crate::source::folder::rest::{Ahead, Looks, looks, settled};
use crate::source::folder::{self, Opened, Options};
use crate::telemetry::metrics::FILES;

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

impl Files {
    /// The folder has been looked at, or a part of a file is in the tables.
    fn note_progress(&self) {
        let now = self.site.clock.now().div_euclid(1_000_000);
        self.site.metrics.ingest_progress.with_label_values(&[self.topic.name(), FILES]).set(now);
    }
}

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Records of a file in one commit.
const BATCH_ROWS: usize = 100_000;
const BATCH_BYTES: usize = 16 << 20;
const PARTITION: i32 = 0;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Its records are in the tables.
    Loaded,
    /// They were before.
    Known,
    /// Another process is at it.
    Elsewhere,
    /// We were asked to stop in the middle; what is missing comes with the next run.
    Stopped,
    /// It cannot be read.
    Failed,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Known => "known",
            Self::Elsewhere => "elsewhere",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
        }
    }
}

/// A file does not lead to records; whatever else keeps one out of the tables is no fault of the file.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be read")]
struct Unreadable;

/// Loads files until `stop` turns true, or until every settled one is loaded when so asked.
///
/// A file that cannot be read does not hold up the others: it is told of, counted, missed by the ledger, and tried again at
/// each look.
pub async fn files(files: Files, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let (mut known, mut ahead) = (HashMap::<PathBuf, Looks>::new(), Ahead::default());
    let mut missed = BTreeSet::new();
    files.site.metrics.begin_topic(files.topic.name(), FILES, &Reason::ALL.map(Reason::as_str));
    loop {
        let mut failed = Vec::new();
        let settled = settled(&files.options, files.site.clock, &mut ahead)?;
        files.note_progress();
        let mut is_left = false;
        for path in settled {
            if *stop.borrow() {
                return Ok(());
            }
            files.note_progress();
            let outcome = match load_new(&files, &path, &mut known, &stop).await {
                Ok(None) => continue,
                Ok(Some(outcome)) => outcome,
                Err(error) => {
                    failed.push(not_loaded(&files, &path, &error, &mut missed).await);
                    Outcome::Failed
                }
            };
            files.site.metrics.ingest_files.with_label_values(&[files.topic.name(), outcome.as_str()]).inc();
            match outcome {
                Outcome::Stopped => return Ok(()),
                Outcome::Elsewhere => is_left = true,
                Outcome::Loaded | Outcome::Known | Outcome::Failed => {}
            }
        }
        // What another process is loading may be left to us yet.
        if files.site.purpose.until_caught_up && !is_left {
            ensure!(
                failed.is_empty(),
                "{} files were not loaded; every look tries them again, and the ledger misses those that cannot be read: {}",
                failed.len(),
                failed.join("; ")
            );
            return Ok(());
        }
        tokio::select! {
            () = stopped(&mut stop) => return Ok(()),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Tells why a file was not loaded, and has the ledger miss one that cannot be read: without what lies in it no day is
/// complete. `missed` are those that it misses already as they look.
async fn not_loaded(
    files: &Files,
    path: &Path,
    error: &anyhow::Error,
    missed: &mut BTreeSet<(PathBuf, Option<Looks>)>,
) -> String {
    let mut told = format!("{}: {error:#}", path.display());
    tracing::error!(topic = %files.topic, file = %path.display(), error = format!("{error:#}"), "file not loaded");
    let looks = std::fs::metadata(path).and_then(|metadata| looks(&metadata)).ok();
    let key = (path.to_owned(), looks);
    // A sender may have taken it away again.
    let is_there = path.symlink_metadata().is_ok();
    if error.is::<Unreadable>() && is_there && !missed.contains(&key) {
        match miss(files, path, looks).await {
            Ok(()) => {
                missed.insert(key);
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(topic = %files.topic, file = %path.display(), error, "ledger does not miss the file yet");
                told += &format!(" (and the ledger does not miss it yet: {error})");
            }
        }
    }
    told
}

async fn miss(files: &Files, path: &Path, looks: Option<Looks>) -> anyhow::Result<()> {
    let (site, table) = (&files.site, files.topic.table());
    // Of a table that is not there the ledger tells nothing.
    site.lake.open(table).await?;
    let mut books = Books::open(&site.lake).await?;
    books.miss(table, Unread { path: &place(path), looks }, site.clock.now()).await
}

/// Where a file lies, however its folder was named.
fn place(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    folder.zip(path.file_name()).map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name))
}

/// Loads a file unless it is gone, or known as it looks.
async fn load_new(
    files: &Files,
    path: &Path,
    known: &mut HashMap<PathBuf, Looks>,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<Option<Outcome>> {
    let Some(looks) = still_there(path).context(Unreadable)? else { return Ok(None) };
    if known.get(path) == Some(&looks) {
        return Ok(None);
    }
    let outcome = load(files, path, looks, stop).await?;
    if matches!(outcome, Outcome::Loaded | Outcome::Known) {
        known.insert(path.to_owned(), looks);
    }
    Ok(Some(outcome))
}

/// How a file looks; nothing when it was renamed or removed since it was listed.
fn still_there(path: &Path) -> anyhow::Result<Option<Looks>> {
    match std::fs::metadata(path).and_then(|metadata| looks(&metadata)) {
        Ok(looks) => Ok(Some(looks)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("looking at {}", path.display())),
    }
}

/// Loads one file.
async fn load(files: &Files, path: &Path, looks: Looks, stop: &watch::Receiver<bool>) -> anyhow::Result<Outcome> {
    let opened = Opened::open(path).context(Unreadable)?;
    let origin = Origin::File { sha256: sha256(&opened).await.context(Unreadable)? };
    let (source, done_id) = (origin.to_string(), format!("{origin}/done"));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut writer = Writer::open(files.topic, &files.site, &source, origin, stop.clone()).await?;
    if writer.mark(&done_id).await?.is_some() {
        writer.come(&place(path)).await?;
        return Ok(Outcome::Known);
    }
    let layout = folder::csv_layout(&opened, &files.options).context(Unreadable)?;
    let format = layout.map_or(Format::Shown, |layout| Format::Csv(Arc::new(layout)));
    let torn = format.torn_headers();
    let mut writer = writer.with_note(&name).with_format(format)?;
    // Nothing is committed of a file that breaks off: it comes again whole, and would be another file then.
    let records = read_whole(files, &opened).await.context(Unreadable)?;
    opened.check(looks)?;
    let begin = writer.begin(&[PARTITION]).await?.first().and_then(|(_, at)| *at).unwrap_or_default();
    writer.recount(PARTITION, begin, records).await?;
    let (sender, mut batches) = mpsc::channel::<Messages>(1);
    let reading = tokio::task::spawn_blocking({
        let (opened, options, at) = (opened.clone(), files.options.clone(), files.site.clock.now());
        move || read(&opened, &options, at, torn.as_deref(), &sender)
    });
    let mut next = begin;
    while let Some(mut messages) = batches.recv().await {
        messages.retain(|_, offset| offset >= begin);
        if messages.is_empty() {
            continue;
        }
        opened.check(looks)?;
        // A file of several commits may stay half loaded, and gone from the folder nobody would miss the rest.
        if next == begin && messages.ranges().iter().all(|range| range.until < records) {
            writer.expect(PARTITION, records).await?;
        }
        let batch = Batch { messages, began: BTreeMap::from([(PARTITION, next)]), ends: BTreeMap::new() };
        match writer.write(batch).await? {
            Written::Committed(committed) => {
                committed.count(files.topic, &files.site.metrics);
                files.note_progress();
                next = committed.accounts.iter().map(|account| account.until).max().unwrap_or(next);
            }
            Written::Fenced => return Ok(Outcome::Elsewhere),
            Written::Stopped => return Ok(Outcome::Stopped),
        }
        if writer.is_stopped() {
            return Ok(Outcome::Stopped);
        }
    }
    reading.await??;
    ensure!(next == records, "{} has changed while it was loaded: {next} of {records} records", path.display());
    match writer.set_mark(&done_id, 0, records.max(1)).await {
        Ok(()) => {}
        Err(AppendError::Other(error)) => return Err(error),
        Err(AppendError::Behind { .. } | AppendError::Fenced) => return Ok(Outcome::Elsewhere),
    }
    writer.settle(&[], files.site.clock.now()).await?;
    writer.come(&place(path)).await?;
    tracing::info!(topic = %files.topic, file = name, records, "file loaded");
    Ok(Outcome::Loaded)
}

/// The file's SHA-256, worked out where that holds nobody up.
async fn sha256(opened: &Opened) -> anyhow::Result<String> {
    let opened = opened.clone();
    tokio::task::spawn_blocking(move || opened.sha256()).await?
}

/// Reads a file to its end and says how many records it holds.
async fn read_whole(files: &Files, opened: &Opened) -> anyhow::Result<i64> {
    let (opened, options) = (opened.clone(), files.options.clone());
    let counting = tokio::task::spawn_blocking(move || {
        let mut records = 0;
        folder::read(&opened, &options, avro::walk, |_| {
            records += 1;
            Ok(())
        })?;
        anyhow::Ok(records)
    });
    counting.await?
}

/// Reads a file on a thread of its own, batch after batch; a line that is torn out of a record has headers that say so.
fn read(
    opened: &Opened,
    options: &Options,
    at: i64,
    torn: Option<&str>,
    sender: &mpsc::Sender<Messages>,
) -> anyhow::Result<()> {
    let mut batch = Messages::default();
    let mut offset = 0;
    folder::read(opened, options, avro::walk, |body| {
        let (payload, headers) = (Some(body.bytes), torn.filter(|_| body.is_torn));
        let message = Message { partition: PARTITION, offset, kafka_at: Some(at), key: None, payload, headers };
        batch.push(message);
        offset += 1;
        if batch.len() >= BATCH_ROWS || batch.size_bytes() >= BATCH_BYTES {
            send(sender, std::mem::take(&mut batch))?;
        }
        Ok(())
    })?;
    if batch.is_empty() { Ok(()) } else { send(sender, batch) }
}

fn send(sender: &mpsc::Sender<Messages>, batch: Messages) -> anyhow::Result<()> {
    match sender.blocking_send(batch) {
        Ok(()) => Ok(()),
        Err(_) => bail!("loading has ended"),
    }
}

#[cfg(test)]
mod tests;
