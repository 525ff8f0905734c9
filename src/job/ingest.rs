//! `ingest`: topics into their tables, exactly once.
//!
//! In: a broker and the offsets that the tables remember. Out: rows and rejects, each in a commit with its offsets.
//! Never: commits a batch whose partition has been taken away; trusts Kafka's own idea of progress.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use tokio::sync::watch;

use crate::clock::{Clock, Stopwatch};
use crate::decode::{self, Decoded, Decoder};
use crate::domain::message::{Messages, OffsetRange};
use crate::lake::append::{AppendError, Span};
use crate::lake::{Handle, Lake};
use crate::schema::contract::Table;
use crate::schema::topic::Topic;
use crate::source::kafka::{self, Consumer, Event, Received};
use crate::source::registry::Registry;
use crate::telemetry::metrics::{Metrics, seconds};
use crate::text;

/// When a batch is committed: at the first of three bounds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Messages in a commit. Larger commits mean fewer and larger files, and more memory.
    pub flush_rows: usize,
    /// Bytes of messages held, for each topic.
    pub flush_bytes: usize,
    /// Seconds that a message may wait. Lower it to see data sooner, at the price of small files.
    pub flush_secs: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { flush_rows: 250_000, flush_bytes: 64 << 20, flush_secs: 10 }
    }
}

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, is_zero) in [
            ("flush_rows", self.flush_rows == 0),
            ("flush_bytes", self.flush_bytes == 0),
            ("flush_secs", self.flush_secs == 0),
        ] {
            if is_zero {
                problems.push(format!("ingest.{name} must be at least 1"));
            }
        }
        problems
    }
}

/// Everything that ingest of one topic needs.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// What the messages are.
    pub topic: Topic,
    /// The broker.
    pub kafka: kafka::Options,
    /// When to commit.
    pub options: Options,
    /// Which times are believed.
    pub decode: decode::Options,
    /// Where the tables are.
    pub lake: Lake,
    /// Where schemas are.
    pub registry: Arc<Registry>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What time it is.
    pub clock: Clock,
    /// End when everything has been read.
    pub until_caught_up: bool,
    /// How far the topic has been received, for a producer that must not run ahead.
    pub received: Arc<Received>,
}

/// How a consumer's life ended.
enum End {
    /// As asked.
    Done,
    /// Another consumer has our partitions: begin anew.
    Fenced,
}

/// Pause before a consumer begins anew, and between questions to a registry that does not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// How often the age of waiting messages is looked at.
const TICK: Duration = Duration::from_millis(200);

/// Runs until `stop` turns true, or until everything has been read when so asked.
pub async fn ingest(ingest: Ingest, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let source_topic = ingest.kafka.topics.get(ingest.topic.name()).cloned();
    let source_topic = source_topic.unwrap_or_else(|| ingest.topic.name().to_owned());
    loop {
        let mut intake = Intake::open(&ingest, &source_topic).await?;
        let consumer = tokio::task::spawn_blocking({
            let (kafka, topic, received) = (ingest.kafka.clone(), source_topic.clone(), Arc::clone(&ingest.received));
            move || Consumer::start(&kafka, &topic, ingest.until_caught_up, received)
        });
        let mut consumer = consumer.await.context("starting the consumer")??;
        let end = intake.run(&mut consumer, &mut stop).await;
        consumer.close().await;
        match end? {
            End::Done => return Ok(()),
            End::Fenced => {
                ingest.metrics.ingest_fenced.with_label_values(&[ingest.topic.name()]).inc();
                tracing::warn!(topic = %ingest.topic, "fenced off by another consumer, beginning anew");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Resolves when we are asked to stop, or when nobody is left to ask.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _asked = stop.wait_for(|stop| *stop).await.is_ok();
}

/// The state between two commits of one topic.
struct Intake<'a> {
    ingest: &'a Ingest,
    source_topic: &'a str,
    decoder: Decoder,
    rows: Handle,
    rejects: Handle,
    pending: Messages,
    since: Stopwatch,
    /// Offsets beyond the rows' own that a crashed run has already put into `reject`.
    honoured: BTreeMap<i32, BTreeSet<i64>>,
    held: BTreeSet<i32>,
}

impl<'a> Intake<'a> {
    async fn open(ingest: &'a Ingest, source_topic: &'a str) -> anyhow::Result<Self> {
        let table: Table = ingest.topic.name().parse().map_err(anyhow::Error::msg)?;
        Ok(Self {
            ingest,
            source_topic,
            decoder: Decoder::new(ingest.topic, source_topic, ingest.decode, text::report::read),
            rows: ingest.lake.open(table).await?,
            rejects: ingest.lake.open(Table::REJECT).await?,
            pending: Messages::default(),
            since: Stopwatch::start(),
            honoured: BTreeMap::new(),
            held: BTreeSet::new(),
        })
    }

    async fn run(&mut self, consumer: &mut Consumer, stop: &mut watch::Receiver<bool>) -> anyhow::Result<End> {
        let mut tick = tokio::time::interval(TICK);
        loop {
            let done = tokio::select! {
                () = stopped(stop) => return self.flush(consumer).await,
                event = consumer.next() => self.take(event, consumer).await?,
                _ = tick.tick() => self.flush_if_due(consumer).await?,
            };
            if let Some(end) = done {
                return Ok(end);
            }
        }
    }

    async fn take(&mut self, event: Option<Event>, consumer: &Consumer) -> anyhow::Result<Option<End>> {
        match event {
            Some(Event::Assigned { partitions, begin }) => {
                let offsets = self.assigned(&partitions, consumer).await?;
                // An error means that the consumer has gone, which the next event says too.
                begin.send(offsets).ok();
                Ok(None)
            }
            Some(Event::Messages(messages)) => {
                if self.pending.is_empty() {
                    self.since = Stopwatch::start();
                }
                self.pending.append(&messages);
                self.flush_if_due(consumer).await
            }
            Some(Event::Revoked { partitions, drained }) => {
                let end = self.flush(consumer).await?;
                self.held.retain(|partition| !partitions.contains(partition));
                self.note_held();
                drained.send(()).ok();
                Ok(matches!(end, End::Fenced).then_some(end))
            }
            Some(Event::CaughtUp) => self.flush(consumer).await.map(Some),
            Some(Event::Failed(problem)) => {
                self.flush(consumer).await?;
                Err(problem)
            }
            None => anyhow::bail!("the consumer of {} has ended by itself", self.source_topic),
        }
    }

    /// Where each partition begins: the tables know.
    async fn assigned(&mut self, partitions: &[i32], consumer: &Consumer) -> anyhow::Result<Vec<(i32, Option<i64>)>> {
        self.rows.refresh().await?;
        self.rejects.refresh().await?;
        let mut offsets = Vec::new();
        for partition in partitions {
            let app_id = consumer.app_id(*partition);
            let rows_at = self.rows.offset(&app_id).await?;
            let rejects_at = self.rejects.offset(&app_id).await?;
            self.honoured.remove(partition);
            if rejects_at > rows_at {
                let from = rows_at.unwrap_or_default();
                let until = rejects_at.unwrap_or_default();
                let rejected = self.rejects.rejected(self.source_topic, *partition, from, until).await?;
                self.honoured.insert(*partition, rejected);
            }
            offsets.push((*partition, rows_at));
            self.held.insert(*partition);
        }
        self.note_held();
        tracing::info!(topic = %self.ingest.topic, ?offsets, "partitions assigned");
        Ok(offsets)
    }

    fn note_held(&self) {
        let gauge = self.ingest.metrics.ingest_partitions.with_label_values(&[self.ingest.topic.name()]);
        gauge.set(i64::try_from(self.held.len()).unwrap_or(i64::MAX));
    }

    async fn flush_if_due(&mut self, consumer: &Consumer) -> anyhow::Result<Option<End>> {
        let options = &self.ingest.options;
        let full = self.pending.len() >= options.flush_rows || self.pending.size_bytes() >= options.flush_bytes;
        let late = self.since.elapsed() >= Duration::from_secs(options.flush_secs);
        if full || (late && !self.pending.is_empty()) {
            let end = self.flush(consumer).await?;
            return Ok(matches!(end, End::Fenced).then_some(end));
        }
        Ok(None)
    }

    /// Commits what waits: rejects first. Each table remembers its own offsets, so after a crash between the two
    /// commits the rejects already written are honoured and the rows are written where they are missing.
    async fn flush(&mut self, consumer: &Consumer) -> anyhow::Result<End> {
        let mut messages = std::mem::take(&mut self.pending);
        if messages.is_empty() {
            return Ok(End::Done);
        }
        let ranges = messages.ranges();
        let came = messages.len();
        let honoured = &self.honoured;
        messages.retain(|partition, offset| !honoured.get(&partition).is_some_and(|known| known.contains(&offset)));
        self.teach(&messages).await?;
        let decoded = self.decoder.decode(&messages, self.ingest.clock.now())?;
        match self.commit(&decoded, &ranges, consumer).await {
            Ok(bytes) => {
                consumer.note_committed(&ranges);
                for range in &ranges {
                    // Past the last of them the two tables agree again.
                    let is_past = |known: &BTreeSet<i64>| known.last().is_none_or(|last| *last < range.until);
                    if self.honoured.get(&range.partition).is_some_and(is_past) {
                        self.honoured.remove(&range.partition);
                    }
                }
                self.count(came, came - messages.len(), &decoded, bytes);
                Ok(End::Done)
            }
            Err(AppendError::Behind { .. } | AppendError::Fenced) => Ok(End::Fenced),
            Err(AppendError::Other(error)) => Err(error.context(format!("committing {came} messages"))),
        }
    }

    async fn commit(
        &mut self,
        decoded: &Decoded,
        ranges: &[OffsetRange],
        consumer: &Consumer,
    ) -> Result<u64, AppendError> {
        let mut bytes = 0;
        if decoded.rejects.num_rows() > 0 {
            let spans = self.reject_spans(ranges, consumer).await?;
            bytes += self.rejects.append(std::slice::from_ref(&decoded.rejects), &spans).await?.added.bytes;
        }
        let span = |range: &OffsetRange| Span {
            app_id: consumer.app_id(range.partition),
            from: range.from,
            until: range.until,
        };
        let spans: Vec<Span> = ranges.iter().map(span).collect();
        bytes += self.rows.append(std::slice::from_ref(&decoded.rows), &spans).await?.added.bytes;
        Ok(bytes)
    }

    /// The rejects of a crashed run reach further than its rows: what they hold was honoured above.
    async fn reject_spans(&self, ranges: &[OffsetRange], consumer: &Consumer) -> anyhow::Result<Vec<Span>> {
        let mut spans = Vec::new();
        for range in ranges {
            let app_id = consumer.app_id(range.partition);
            let rejects_at = self.rejects.offset(&app_id).await?.unwrap_or_default();
            let ours = self.honoured.contains_key(&range.partition);
            let from = if ours { range.from.max(rejects_at) } else { range.from };
            spans.push(Span { app_id, from, until: range.until.max(from) });
        }
        Ok(spans)
    }

    /// Asks the registry for every schema id that is new, for as long as the registry does not answer.
    async fn teach(&mut self, messages: &Messages) -> anyhow::Result<()> {
        for id in self.decoder.unknown_schemas(messages) {
            loop {
                match self.ingest.registry.schema(id).await {
                    Ok(schema) => {
                        self.decoder.teach(id, schema.as_deref());
                        break;
                    }
                    Err(error) => {
                        let error = format!("{error:#}");
                        tracing::warn!(topic = %self.ingest.topic, id, error, "registry does not answer, asking again");
                        self.ingest
                            .metrics
                            .ingest_registry_retries
                            .with_label_values(&[self.ingest.topic.name()])
                            .inc();
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
        Ok(())
    }

    fn count(&self, came: usize, honoured: usize, decoded: &Decoded, bytes: u64) {
        let metrics = &self.ingest.metrics;
        let topic = [self.ingest.topic.name()];
        metrics.ingest_messages.with_label_values(&topic).inc_by(came as u64);
        metrics.ingest_honoured.with_label_values(&topic).inc_by(honoured as u64);
        metrics.ingest_rows.with_label_values(&topic).inc_by(decoded.rows.num_rows() as u64);
        metrics.ingest_tombstones.with_label_values(&topic).inc_by(decoded.tombstones);
        metrics.ingest_written_bytes.with_label_values(&topic).inc_by(bytes);
        metrics.ingest_commit_seconds.with_label_values(&topic).observe(seconds(self.since.elapsed()));
        metrics.ingest_last_commit.with_label_values(&topic).set(self.ingest.clock.now().div_euclid(1_000_000));
        for (reason, count) in &decoded.reasons {
            metrics.ingest_rejects.with_label_values(&[topic[0], reason.as_str()]).inc_by(*count);
        }
        let (rows, rejects) = (decoded.rows.num_rows(), decoded.rejects.num_rows());
        tracing::info!(topic = %self.ingest.topic, version = self.rows.version(), rows, rejects, "committed");
    }
}
