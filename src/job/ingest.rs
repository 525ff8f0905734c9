//! `ingest`: topics into their tables, exactly once.
//!
//! In: a broker and the offsets that the tables remember. Out: rows and rejects, each in a commit with its offsets
//! and an account of them. Never: commits a batch whose partition has been taken away; trusts Kafka's own idea of
//! progress.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use tokio::sync::watch;

use self::intake::Intake;
use crate::clock::Clock;
use crate::decode::reject::Reason;
use crate::decode::{self, Format};
use crate::domain::seal::Seal;
use crate::lake::Lake;
use crate::schema::topic::Topic;
use crate::source::kafka::{self, Bounds, Consumer, Purpose, Received};
use crate::source::registry::Registry;
use crate::telemetry::metrics::{KAFKA, Metrics};

mod held;
mod intake;

/// When a batch is committed, and what ingest may hold until then.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Messages in a commit. Larger commits mean fewer and larger files, and more memory.
    pub flush_rows: usize,
    /// Bytes of messages in a commit; never more than a twelfth of a topic's share of `memory_bytes`.
    pub flush_bytes: usize,
    /// Seconds that a message may wait. Lower it to see data sooner, at the price of small files.
    pub flush_secs: u64,
    /// Bytes that the process may hold, librdkafka's queues included; the topics share them equally.
    /// Raise it for larger commits.
    pub memory_bytes: usize,
    /// Seconds between entries in the books. Lower it to let a day close sooner, at the price of small files.
    pub settle_secs: u64,
    /// Seconds without movement, with messages waiting, after which a consumer is made anew.
    /// Raise it when a broker is known to pause for longer.
    pub stall_secs: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            flush_rows: 250_000,
            flush_bytes: 64 << 20,
            flush_secs: 10,
            memory_bytes: 512 << 20,
            settle_secs: 30,
            stall_secs: 60,
        }
    }
}

/// What a process takes before it holds a message: code, runtime, and the files of its tables.
const BASE_BYTES: usize = 128 << 20;

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, is_zero) in [
            ("flush_rows", self.flush_rows == 0),
            ("flush_bytes", self.flush_bytes == 0),
            ("flush_secs", self.flush_secs == 0),
            ("stall_secs", self.stall_secs == 0),
        ] {
            if is_zero {
                problems.push(format!("ingest.{name} must be at least 1"));
            }
        }
        if self.memory_bytes < 2 * BASE_BYTES {
            problems.push(format!("ingest.memory_bytes must be at least {}", 2 * BASE_BYTES));
        }
        problems
    }

    /// The same for one of several topics that share the memory.
    #[must_use]
    pub fn share(self, topics: usize) -> Self {
        Self { memory_bytes: (self.memory_bytes - BASE_BYTES) / topics.max(1), ..self }
    }

    /// What the source may hold: a quarter, since a message takes most room while it is decoded and written.
    pub(super) fn source(&self) -> Bounds {
        Bounds { rows: self.flush_rows, bytes: self.memory_bytes / 4 }
    }

    /// Bytes of messages in a commit: one is being written, decoded and encoded, while the next is received.
    pub(super) fn batch_bytes(&self) -> usize {
        self.flush_bytes.min(self.memory_bytes / 12)
    }
}

/// What everything that a process takes in has in common.
#[derive(Debug, Clone)]
pub struct Site {
    /// Which times are believed.
    pub decode: decode::Options,
    /// What citizens' words are sealed with.
    pub seal: Seal,
    /// Where the tables are.
    pub lake: Lake,
    /// Where schemas are.
    pub registry: Arc<Registry>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What time it is.
    pub clock: Clock,
    /// Whether it ends once everything has been read, and whether it leaves what lies before to a back-fill.
    pub purpose: Purpose,
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
    /// How its messages are written.
    pub format: Format,
    /// What it shares with the others.
    pub site: Site,
    /// How far the topic has been received, for a producer that must not run ahead.
    pub received: Arc<Received>,
}

/// How a consumer's life ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// As asked.
    Done,
    /// As asked, with messages thrown away that wait for the registry.
    Stopped,
    /// Another consumer has our partitions: begin anew.
    Fenced,
    /// Messages wait at the broker and none came: begin anew.
    Stalled,
}

/// Pause before a consumer begins anew, and between questions to a registry that does not answer.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Runs until `stop` turns true, or until everything has been read when so asked.
pub async fn ingest(ingest: Ingest, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let source_topic = ingest.kafka.source_topic(ingest.topic).to_owned();
    ingest.site.metrics.begin_topic(ingest.topic.name(), KAFKA, &Reason::ALL.map(Reason::as_str));
    loop {
        let consumer = tokio::task::spawn_blocking({
            let (ingest, topic) = (ingest.clone(), source_topic.clone());
            move || {
                let Site { purpose, clock, .. } = ingest.site;
                Consumer::start(&ingest.kafka, &topic, purpose, ingest.options.source(), clock, ingest.received)
            }
        });
        let mut consumer = tokio::select! {
            () = stopped(&mut stop) => return Ok(()),
            started = consumer => started.context("starting the consumer")??,
        };
        let end = match Intake::open(&ingest, &source_topic, &consumer, stop.clone()).await {
            Ok(mut intake) => intake.run(&mut consumer).await,
            Err(error) => Err(error),
        };
        consumer.close().await;
        let topic = [ingest.topic.name()];
        match end? {
            End::Done | End::Stopped => return Ok(()),
            End::Fenced => {
                ingest.site.metrics.ingest_fenced.with_label_values(&topic).inc();
                tracing::warn!(topic = %ingest.topic, "fenced off by another consumer, beginning anew");
            }
            End::Stalled => {
                ingest.site.metrics.ingest_stalls.with_label_values(&topic).inc();
                tracing::warn!(topic = %ingest.topic, "messages wait and none come, beginning anew");
            }
        }
        tokio::select! {
            () = stopped(&mut stop) => return Ok(()),
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

/// Resolves when we are asked to stop, or when nobody is left to ask.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _asked = stop.wait_for(|stop| *stop).await.is_ok();
}
