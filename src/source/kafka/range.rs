//! Given offsets of a topic, read beside whoever reads the rest of it.
//!
//! In: a partition and a range of offsets, or of instants. Out: its messages, and what lies between them as gaps. Never:
//! joins a group, or reads past what the broker has decided.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, bail, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};

use super::{Bounds, Options, POLL, PROBE_AGAIN, TIMEOUT, put, topic_id};
use crate::clock::Stopwatch;
use crate::domain::message::Messages;
use crate::domain::origin::Origin;

/// A reader of ranges; it blocks.
pub struct RangeReader {
    kafka: BaseConsumer,
    topic: String,
    origin: Origin,
}

impl RangeReader {
    /// Connects to the broker.
    pub fn connect(options: &Options, topic: &str, queue_bytes: usize) -> anyhow::Result<Self> {
        let kafka: BaseConsumer = options.client(topic, queue_bytes)?.create()?;
        let cluster = kafka.client().fetch_cluster_id(TIMEOUT).context("the broker names no cluster")?;
        let origin = Origin::Topic { cluster, topic: topic.to_owned(), epoch: options.epoch(topic) };
        Ok(Self { kafka, topic: topic.to_owned(), origin })
    }

    /// Where its offsets count.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Which topic it is, where the broker tells one from the next of the same name.
    pub fn topic_id(&self) -> anyhow::Result<Option<String>> {
        topic_id::ask(self.kafka.client(), &self.topic, TIMEOUT)
    }

    /// What the broker has of every partition, up to the first open transaction.
    pub fn ends(&self) -> anyhow::Result<BTreeMap<i32, Range<i64>>> {
        let metadata = self.kafka.fetch_metadata(Some(&self.topic), TIMEOUT)?;
        let mut ends = BTreeMap::new();
        for found in metadata.topics().iter().flat_map(|topic| topic.partitions()) {
            let (low, high) = self.kafka.fetch_watermarks(&self.topic, found.id(), TIMEOUT)?;
            ends.insert(found.id(), low..high);
        }
        ensure!(!ends.is_empty(), "topic {} does not exist at the broker", self.topic);
        Ok(ends)
    }

    /// The first offset of every partition that the broker stamped at an instant (UTC microseconds) or later; a
    /// partition with none is not there.
    pub fn first_since(&self, instant: i64) -> anyhow::Result<BTreeMap<i32, i64>> {
        let mut wanted = TopicPartitionList::new();
        for partition in self.ends()?.into_keys() {
            wanted.add_partition_offset(&self.topic, partition, Offset::Offset(instant.div_euclid(1_000)))?;
        }
        let mut first = BTreeMap::new();
        for found in self.kafka.offsets_for_times(wanted, TIMEOUT)?.elements() {
            found.error().with_context(|| format!("asking partition {} for an instant", found.partition()))?;
            if let Offset::Offset(offset) = found.offset() {
                first.insert(found.partition(), offset);
            }
        }
        Ok(first)
    }

    /// Reads a range that the broker has whole, and hands it on in batches that follow one another without a hole.
    pub fn read(
        &self,
        partition: i32,
        range: Range<i64>,
        bounds: Bounds,
        mut each: impl FnMut(Messages) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(range.start))?;
        self.kafka.assign(&list)?;
        let (mut batch, mut next, mut heard) = (Messages::default(), range.start, Stopwatch::start());
        let mut ended_at = None;
        while next < range.end {
            match self.kafka.poll(POLL) {
                Some(Ok(message)) if message.offset() < range.end => {
                    batch.note_gap(partition, next..message.offset());
                    put(&mut batch, &message);
                    next = message.offset() + 1;
                    if batch.len() >= bounds.rows || batch.size_bytes() >= bounds.bytes {
                        each(std::mem::take(&mut batch))?;
                    }
                }
                // What comes first behind the range, or the end, says that nothing more lies within.
                Some(Ok(_)) => {
                    batch.note_gap(partition, next..range.end);
                    next = range.end;
                }
                // The same end twice, some time apart: once, it may be that of a leader which is still catching up.
                Some(Err(KafkaError::PartitionEOF(_))) if ended_at == Some(next) => {
                    let (_, high) = self.kafka.fetch_watermarks(&self.topic, partition, TIMEOUT)?;
                    ensure!(high >= range.end, "partition {partition} ends at {high}, before {}", range.end);
                    batch.note_gap(partition, next..range.end);
                    next = range.end;
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    ended_at = Some(next);
                    std::thread::sleep(PROBE_AGAIN);
                    let mut list = TopicPartitionList::new();
                    list.add_partition_offset(&self.topic, partition, Offset::Offset(next))?;
                    self.kafka.assign(&list)?;
                }
                Some(Err(error)) => bail!("reading partition {partition} of {} at {next}: {error}", self.topic),
                None => {
                    ensure!(heard.elapsed() < TIMEOUT, "partition {partition} of {} gives nothing", self.topic);
                    continue;
                }
            }
            heard = Stopwatch::start();
        }
        self.kafka.unassign()?;
        if batch.is_empty() { Ok(()) } else { each(batch) }
    }
}
