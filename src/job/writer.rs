//! A batch of one topic, from bytes to commits.
//!
//! In: the messages between two commits. Out: rejects, then rows with an account of every offset. Never: commits an
//! offset that it cannot account for; takes a silent registry for one that does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::ensure;
use tokio::sync::watch;

use super::accounts::{accounts, reached};
use super::ingest::Site;
use crate::clock::Stopwatch;
use crate::decode::reject::Reason;
use crate::decode::{Decoded, Decoder, Format};
use crate::domain::account::{Account, Offsets};
use crate::domain::message::{Messages, OffsetRange};
use crate::domain::origin::Origin;
use crate::lake::Handle;
use crate::lake::append::{AppendError, Span};
use crate::lake::ledger::{Books, Kind, Told};
use crate::schema::contract::Table;
use crate::schema::topic::Topic;
use crate::telemetry::metrics::Metrics;
use crate::text;

mod books;
mod known;
mod schema;

/// The tables of one topic, and what it takes to write them.
pub(super) struct Writer {
    topic: Topic,
    site: Site,
    origin: Origin,
    source: String,
    fence: Fence,
    note: Option<String>,
    stop: watch::Receiver<bool>,
    decoder: Decoder,
    rows: Handle,
    rejects: Handle,
    books: Books,
    /// Ids that the registry did not know, and since when.
    refused: BTreeMap<u32, Stopwatch>,
    /// Offsets beyond the rows' own that a crashed run has already put into `reject`.
    honoured: BTreeMap<i32, BTreeSet<i64>>,
}

/// How two writers of the same offsets are kept apart.
#[derive(Debug)]
pub(super) enum Fence {
    /// Each table remembers the first offset that it does not have of a partition.
    Offsets,
    /// What fills a hole lies behind those, so whoever fills counts, in each table.
    Rounds {
        /// The name under which the tables remember the count.
        app_id: String,
        /// The count in the table of rows.
        rows: i64,
        /// The count in the table of rejects.
        rejects: i64,
    },
}

/// What is to be written.
pub(super) struct Batch {
    /// In the order in which they came.
    pub messages: Messages,
    /// Where each partition's batch begins, where that is known.
    pub began: BTreeMap<i32, i64>,
    /// Where each partition ended when last heard of, where messages may lie behind the batch.
    pub ends: BTreeMap<i32, i64>,
}

/// What became of a batch.
#[derive(Debug)]
pub(super) enum Written {
    /// It is in the tables.
    Committed(Committed),
    /// Somebody else has written the same partitions.
    Fenced,
    /// We were asked to stop while the registry did not answer; nothing was committed.
    Stopped,
}

/// A batch that is in the tables.
#[derive(Debug)]
pub(super) struct Committed {
    /// What became of its offsets.
    pub accounts: Vec<Account>,
    /// Version of the rows' table.
    pub version: i64,
    /// Messages.
    pub messages: u64,
    /// Of these, the ones that an earlier run had put into `reject`.
    pub honoured: u64,
    /// Rows.
    pub rows: u64,
    /// Messages without a body.
    pub tombstones: u64,
    /// Rejects, by reason.
    pub reasons: Vec<(Reason, u64)>,
    /// Rows of lines that are locked for a reason that is not known.
    pub unknown_locks: u64,
    /// Rows of a segment that is not known.
    pub unknown_segments: u64,
    /// Bytes of the files.
    pub bytes: u64,
}

impl Committed {
    /// Counts it.
    pub(super) fn count(&self, topic: Topic, metrics: &Metrics) {
        let topic = [topic.name()];
        metrics.ingest_messages.with_label_values(&topic).inc_by(self.messages);
        metrics.ingest_honoured.with_label_values(&topic).inc_by(self.honoured);
        metrics.ingest_rows.with_label_values(&topic).inc_by(self.rows);
        metrics.ingest_tombstones.with_label_values(&topic).inc_by(self.tombstones);
        metrics.ingest_written_bytes.with_label_values(&topic).inc_by(self.bytes);
        for (reason, count) in &self.reasons {
            metrics.ingest_rejects.with_label_values(&[topic[0], reason.as_str()]).inc_by(*count);
        }
        metrics.ingest_unknown_locks.with_label_values(&topic).inc_by(self.unknown_locks);
        if self.unknown_locks > 0 {
            let rows = self.unknown_locks;
            tracing::warn!(topic = topic[0], rows, "lock reason is no word of the contract, the line counts as locked");
        }
        metrics.ingest_unknown_segments.with_label_values(&topic).inc_by(self.unknown_segments);
        if self.unknown_segments > 0 {
            let rows = self.unknown_segments;
            tracing::warn!(topic = topic[0], rows, "segment is no word of the contract, no bar begins on the line");
        }
    }

    /// Rejects, whatever their reason.
    pub(super) fn rejects(&self) -> u64 {
        self.reasons.iter().map(|(_, count)| count).sum()
    }
}

impl Writer {
    /// Opens the tables of a topic for messages out of one origin, which the broker calls `source_topic`.
    pub(super) async fn open(
        topic: Topic,
        site: &Site,
        source_topic: &str,
        origin: Origin,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let table = topic.table();
        Ok(Self {
            topic,
            site: site.clone(),
            source: origin.to_string(),
            origin,
            fence: Fence::Offsets,
            note: None,
            stop,
            decoder: Decoder::new(topic, source_topic, site.decode, text::report::read)
                .with_names(text::entity::line)
                .with_seal(site.seal.clone()),
            rows: site.lake.open(table).await?,
            rejects: site.lake.open(Table::REJECT).await?,
            books: Books::open(&site.lake).await?,
            refused: BTreeMap::new(),
            honoured: BTreeMap::new(),
        })
    }

    /// The same with words beside every account.
    #[must_use]
    pub(super) fn with_note(self, note: &str) -> Self {
        Self { note: Some(note.to_owned()), ..self }
    }

    /// The same for messages that do not show how they are written.
    pub(super) fn with_format(self, format: Format) -> anyhow::Result<Self> {
        Ok(Self { decoder: self.decoder.with_format(format)?, ..self })
    }

    /// The same for holes behind the tables' offsets, kept apart from whoever else fills some.
    pub(super) async fn in_rounds(self) -> anyhow::Result<Self> {
        let app_id = format!("backfill/{}", self.source);
        let rows = self.rows.offset(&app_id).await?.unwrap_or_default();
        let rejects = self.rejects.offset(&app_id).await?.unwrap_or_default();
        Ok(Self { fence: Fence::Rounds { app_id, rows, rejects }, ..self })
    }

    /// Whether we were asked to stop.
    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Looks up which offsets of holes are rejects already, of a run that was killed in between.
    pub(super) async fn honour(&mut self, partition: i32, holes: &Offsets) -> anyhow::Result<()> {
        let mut known = BTreeSet::new();
        for run in holes.runs() {
            known.extend(self.refused_in(partition, run.clone()).await?);
            let untold = self.rows.offsets_in(None, &self.source, partition, run).await?;
            ensure!(
                untold.is_empty(),
                "partition {partition}: {} rows lie in a hole, from offset {} on: see callsieve ledger",
                untold.len(),
                untold.first().copied().unwrap_or_default()
            );
        }
        self.honoured.insert(partition, known);
        Ok(())
    }

    /// Where each partition begins: the tables know.
    pub(super) async fn begin(&mut self, partitions: &[i32]) -> anyhow::Result<Vec<(i32, Option<i64>)>> {
        self.rows.refresh().await?;
        self.rejects.refresh().await?;
        let mut offsets = Vec::new();
        for partition in partitions {
            let app_id = self.origin.app_id(*partition);
            let rows_at = self.rows.offset(&app_id).await?;
            // An older program remembers those for every table under one name.
            let before = self.rejects.offset(&app_id).await?;
            let rejects_at = self.rejects.offset(&self.reject_app_id(*partition)).await?.max(before);
            self.honoured.remove(partition);
            if rejects_at > rows_at {
                let from = rows_at.unwrap_or_default();
                let until = rejects_at.unwrap_or_default();
                let refused = self.refused_in(*partition, from..until).await?;
                self.honoured.insert(*partition, refused);
            }
            offsets.push((*partition, rows_at));
        }
        Ok(offsets)
    }

    /// Offsets that are rejects of our table. The same messages may have been refused for another before.
    async fn refused_in(&self, partition: i32, range: Range<i64>) -> anyhow::Result<BTreeSet<i64>> {
        self.rejects.offsets_in(Some(self.rows.table()), &self.source, partition, range).await
    }

    /// The name under which `reject` remembers how far a partition was read for our table.
    fn reject_app_id(&self, partition: i32) -> String {
        format!("{}/{}", self.origin.app_id(partition), self.rows.table())
    }

    /// Whether the table stands at the end of every partition, whoever has read it.
    pub(super) async fn has_all(&mut self, ranges: &[OffsetRange]) -> anyhow::Result<bool> {
        self.rows.refresh().await?;
        for range in ranges {
            let at = self.rows.offset(&self.origin.app_id(range.partition)).await?;
            if at.unwrap_or(range.from) < range.until {
                return Ok(false);
            }
        }
        Ok(!ranges.is_empty())
    }

    /// Commits a batch: rejects first. Each table remembers its own offsets, so after a crash between the two commits
    /// the rejects already written are honoured and the rows are written where they are missing.
    pub(super) async fn write(&mut self, batch: Batch) -> anyhow::Result<Written> {
        let Batch { mut messages, began, ends } = batch;
        if !self.teach(&messages).await? {
            return Ok(Written::Stopped);
        }
        let places = messages.places();
        let gaps = messages.gaps().clone();
        let known = &self.honoured;
        messages.retain(|partition, offset| !known.get(&partition).is_some_and(|known| known.contains(&offset)));
        let honoured = (places.len() - messages.len()) as u64;
        let now = self.site.clock.now();
        let decoded = self.decoder.decode(&messages, &self.source, now)?;
        // Their bytes are rows or rejects now, and make room for what is being encoded.
        drop(messages);
        let mut accounts = accounts(&self.source, &places, &gaps, &began, &self.honoured, &decoded)?;
        for account in &mut accounts {
            // While messages wait at the broker, now lies beyond what was read, and is no bound.
            if ends.get(&account.partition).is_some_and(|end| account.until < *end) {
                account.watermark = reached(&places, account.partition);
            }
            // A producer's clock that runs ahead closes no day.
            account.watermark = account.watermark.min(Some(now));
        }
        match self.commit(&decoded, &accounts, now).await {
            Ok(bytes) => {
                self.forget_honoured(&accounts);
                Ok(Written::Committed(Committed {
                    accounts,
                    version: self.rows.version(),
                    messages: places.len() as u64,
                    honoured,
                    rows: decoded.records(),
                    tombstones: decoded.tombstones,
                    unknown_locks: decoded.unknown_locks(),
                    unknown_segments: decoded.unknown_segments(),
                    reasons: decoded.reasons,
                    bytes,
                }))
            }
            Err(AppendError::Behind { .. } | AppendError::Fenced) => Ok(Written::Fenced),
            Err(AppendError::Other(error)) => Err(error.context(format!("committing {} messages", places.len()))),
        }
    }

    async fn commit(&mut self, decoded: &Decoded, accounts: &[Account], at: i64) -> Result<u64, AppendError> {
        let spans = self.row_spans(accounts);
        self.check_next(&spans).await?;
        let mut bytes = 0;
        if decoded.rejects.num_rows() > 0 {
            let spans = self.reject_spans(accounts).await?;
            bytes += self.rejects.append(std::slice::from_ref(&decoded.rejects), &spans).await?.added.bytes;
        }
        let told = Told { kind: Kind::Read, accounts, at, note: self.note.as_deref() };
        bytes += self.rows.append_told(&decoded.rows, &spans, told).await?.added.bytes;
        if let Fence::Rounds { rows, rejects, .. } = &mut self.fence {
            *rows += 1;
            *rejects += i64::from(decoded.rejects.num_rows() > 0);
        }
        Ok(bytes)
    }

    /// Rows that begin beyond the table's offset would leave a hole that nothing fills.
    async fn check_next(&self, spans: &[Span]) -> anyhow::Result<()> {
        for Span { app_id, from, .. } in spans {
            if let Some(at) = self.rows.offset(app_id).await? {
                ensure!(at >= *from, "{app_id}: the table stands at {at}, and a batch begins at {from}");
            }
        }
        Ok(())
    }

    fn row_spans(&self, accounts: &[Account]) -> Vec<Span> {
        let span = |account: &Account| Span {
            app_id: self.origin.app_id(account.partition),
            from: account.from,
            until: account.until,
        };
        match &self.fence {
            Fence::Offsets => accounts.iter().map(span).collect(),
            Fence::Rounds { app_id, rows, .. } => vec![round(app_id, *rows)],
        }
    }

    /// The rejects of a crashed run reach further than its rows: what they hold was honoured before.
    async fn reject_spans(&self, accounts: &[Account]) -> anyhow::Result<Vec<Span>> {
        if let Fence::Rounds { app_id, rejects, .. } = &self.fence {
            return Ok(vec![round(app_id, *rejects)]);
        }
        let mut spans = Vec::new();
        for account in accounts {
            let app_id = self.reject_app_id(account.partition);
            let rejects_at = self.rejects.offset(&app_id).await?.unwrap_or_default();
            let ours = self.honoured.contains_key(&account.partition);
            let from = if ours { account.from.max(rejects_at) } else { account.from };
            spans.push(Span { app_id, from, until: account.until.max(from) });
        }
        Ok(spans)
    }

    /// Past the last of them the two tables agree again.
    fn forget_honoured(&mut self, accounts: &[Account]) {
        for account in accounts {
            let is_past = |known: &BTreeSet<i64>| known.last().is_none_or(|last| *last < account.until);
            if self.honoured.get(&account.partition).is_some_and(is_past) {
                self.honoured.remove(&account.partition);
            }
        }
    }

    /// What the table of rows remembers under another name.
    pub(super) async fn mark(&self, app_id: &str) -> anyhow::Result<Option<i64>> {
        self.rows.offset(app_id).await
    }

    /// Makes it remember.
    pub(super) async fn set_mark(&mut self, app_id: &str, from: i64, until: i64) -> Result<(), AppendError> {
        let span = Span { app_id: app_id.to_owned(), from, until };
        self.rows.append(&[], &[span]).await.map(drop)
    }
}

fn round(app_id: &str, round: i64) -> Span {
    Span { app_id: app_id.to_owned(), from: round, until: round + 1 }
}

#[cfg(test)]
mod tests;
