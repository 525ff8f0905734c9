//! `backfill`: what ingest has left out, read beside the traffic that it reads.
//!
//! In: the holes in a topic's ledger, all of them or those within bounds. Out: rows and rejects of their offsets, each
//! with an account. Never: an offset that the tables have; one beyond where ingest stands, which reads it itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use tokio::sync::{mpsc, watch};

use super::ingest::{self, Site};
use super::writer::{Batch, Writer, Written};
use crate::decode::Format;
use crate::domain::account::Offsets;
use crate::domain::message::Messages;
use crate::lake::proof;
use crate::schema::topic::Topic;
use crate::source::kafka::{self, Bounds, RangeReader};

/// Everything that a back-fill needs.
#[derive(Debug, Clone)]
pub struct Backfill {
    /// Whose holes.
    pub topic: Topic,
    /// The broker.
    pub kafka: kafka::Options,
    /// How large a commit may be.
    pub options: ingest::Options,
    /// How its messages are written.
    pub format: Format,
    /// What it shares with ingest.
    pub site: Site,
    /// Which holes.
    pub wanted: Wanted,
    /// Only say what would be done.
    pub is_dry_run: bool,
}

/// Which holes are to be filled; all, where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this partition alone.
    pub partition: Option<i32>,
    /// Offsets.
    pub offsets: Option<Range<i64>>,
    /// What the broker stamped between two instants, UTC microseconds.
    pub instants: Option<Range<i64>>,
}

/// What was filled, or would be.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Filled {
    /// By partition.
    pub partitions: BTreeMap<i32, Partition>,
}

/// The same of one partition.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Partition {
    /// The holes that were looked for.
    pub holes: Offsets,
    /// Of these, what the broker has thrown away: `callsieve ledger accept` closes it.
    pub gone: Offsets,
    /// Messages that became rows.
    pub records: u64,
    /// Messages that became rejects, or had become so before.
    pub rejects: u64,
    /// Messages without a body.
    pub tombstones: u64,
    /// Offsets that the broker never handed out.
    pub gaps: u64,
}

/// Fills holes until none is left that can be filled, or `stop` turns true.
pub async fn backfill(job: Backfill, stop: watch::Receiver<bool>) -> anyhow::Result<Filled> {
    let source_topic = job.kafka.source_topic(job.topic).to_owned();
    let reader = blocking({
        let (kafka, bytes) = (job.kafka.clone(), job.options.source().bytes);
        let topic = source_topic.clone();
        move || RangeReader::connect(&kafka, &topic, bytes)
    })
    .await?;
    let origin = reader.origin().clone();
    let writer = Writer::open(job.topic, &job.site, &source_topic, origin, stop.clone()).await?;
    let mut writer = writer.with_format(job.format.clone())?.in_rounds().await?;
    let (reader, mut filled) = plan(reader, &mut writer, &job.wanted).await?;
    if job.is_dry_run {
        return Ok(filled);
    }
    let reader = Arc::new(reader);
    for (partition, found) in &mut filled.partitions {
        writer.honour(*partition, &found.holes).await?;
        let gone = found.gone.clone();
        for run in found.holes.without(&gone).runs() {
            ensure!(
                !*stop.borrow(),
                "stopped before partition {partition} offset {}; what is missing is a hole, which the same command fills",
                run.start
            );
            fill(&job, &reader, &mut writer, *partition, run, found).await?;
        }
    }
    writer.settle(&[], job.site.clock.now()).await?;
    Ok(filled)
}

/// The holes of every partition within bounds, and what of them the broker still has, if it is still the same topic.
async fn plan(reader: RangeReader, writer: &mut Writer, wanted: &Wanted) -> anyhow::Result<(RangeReader, Filled)> {
    let instants = wanted.instants.clone();
    let (reader, ends, topic_id, within) = blocking(move || {
        let (ends, topic_id) = (reader.ends()?, reader.topic_id()?);
        let within = match instants {
            Some(range) => Some((reader.first_since(range.start)?, reader.first_since(range.end)?)),
            None => None,
        };
        anyhow::Ok((reader, ends, topic_id, within))
    })
    .await?;
    writer.know(i32::try_from(ends.len())?, topic_id.as_deref()).await?;
    let entries = writer.entries().await?;
    let mut filled = Filled::default();
    for (partition, end) in ends {
        if wanted.partition.is_some_and(|wanted| wanted != partition) {
            continue;
        }
        let mut holes = proof::holes(&entries, &reader.origin().to_string(), partition);
        if let Some(offsets) = &wanted.offsets {
            holes = holes.within(offsets.clone());
        }
        if let Some((since, before)) = &within {
            // No message at or after an instant: the range begins, or ends, behind all there is.
            let from = since.get(&partition).copied().unwrap_or(end.end);
            holes = holes.within(from..before.get(&partition).copied().unwrap_or(end.end).max(from));
        }
        if !holes.is_empty() {
            let gone = holes.within(i64::MIN..end.start);
            filled.partitions.insert(partition, Partition { holes, gone, ..Partition::default() });
        }
    }
    Ok((reader, filled))
}

/// Fills one run of offsets.
async fn fill(
    job: &Backfill,
    reader: &Arc<RangeReader>,
    writer: &mut Writer,
    partition: i32,
    run: Range<i64>,
    found: &mut Partition,
) -> anyhow::Result<()> {
    let (sender, mut batches) = mpsc::channel::<Messages>(1);
    let reading = tokio::task::spawn_blocking({
        let (reader, run) = (Arc::clone(reader), run.clone());
        let bounds = Bounds { rows: job.options.flush_rows, bytes: job.options.batch_bytes() };
        move || {
            reader.read(partition, run, bounds, |batch| {
                sender.blocking_send(batch).map_err(|_| anyhow::anyhow!("filling has ended"))
            })
        }
    });
    let mut next = run.start;
    while let Some(messages) = batches.recv().await {
        // How far ingest has read is not for us to say: more always lies behind.
        let ends = BTreeMap::from([(partition, i64::MAX)]);
        let batch = Batch { messages, began: BTreeMap::from([(partition, next)]), ends };
        match writer.write(batch).await? {
            Written::Committed(committed) => {
                committed.count(job.topic, &job.site.metrics);
                for account in &committed.accounts {
                    found.records += account.records;
                    found.rejects += account.rejects;
                    found.tombstones += account.tombstones.count();
                    found.gaps += account.gaps.count();
                    next = account.until;
                }
            }
            Written::Fenced => bail!("another back-fill of {} is under way; come again when it has ended", job.topic),
            Written::Stopped => {}
        }
        ensure!(
            !writer.is_stopped(),
            "stopped at partition {partition} offset {next}; what is missing is a hole, which the same command fills"
        );
    }
    reading.await.context("the reader has ended")?
}

/// Runs what blocks where that holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<T> {
    tokio::task::spawn_blocking(work).await?
}

impl Filled {
    /// For people.
    pub fn text(&self, topic: Topic) -> String {
        let mut lines = Vec::new();
        for (partition, found) in &self.partitions {
            let Partition { holes, gone, records, rejects, tombstones, gaps } = found;
            lines.push(format!(
                "{topic} partition {partition}: {} offsets in holes ({holes}): {records} records, {rejects} rejects, \
                 {tombstones} tombstones, {gaps} gaps, {} gone from the broker",
                holes.count(),
                gone.count()
            ));
        }
        if lines.is_empty() {
            lines.push(format!("{topic}: no holes"));
        }
        lines.join("\n")
    }
}
