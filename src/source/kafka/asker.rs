//! What a broker says of a topic, beside what it hands out to a group.
//!
//! In: partitions, or ranges of their offsets. Out: where they begin and end, whether anything in a range is ever handed
//! out, and whether the topic is still the one that was joined. Never: joins a group, or keeps a message.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};

use super::{LOOK_OFFSETS, Options, POLL, PROBE_TIMEOUT, TIMEOUT, topic_id};
use crate::clock::Stopwatch;
use crate::domain::message::OffsetRange;

/// A connection for questions alone: on the consumer's own a question waits behind its long poll.
pub(super) struct Asker {
    topic: String,
    epoch: u32,
    kafka: BaseConsumer,
}

impl Asker {
    pub(super) fn connect(options: &Options, topic: &str) -> anyhow::Result<Self> {
        let kafka = options.client(topic, 0)?.create()?;
        Ok(Self { topic: topic.to_owned(), epoch: options.epoch(topic), kafka })
    }

    /// The cluster's id; empty while the broker does not answer.
    pub(super) fn cluster(&self) -> String {
        self.kafka.client().fetch_cluster_id(TIMEOUT).unwrap_or_default()
    }

    /// What the broker has of partitions, up to the first open transaction, in their order.
    pub(super) fn ranges(&self, partitions: &[i32], timeout: Duration) -> Result<Vec<OffsetRange>, KafkaError> {
        // In this order: what retention takes meanwhile leaves no range that ends before it begins.
        let from = self.offsets(partitions, Offset::Beginning, timeout)?;
        let until = self.offsets(partitions, Offset::End, timeout)?;
        let ranges = partitions.iter().zip(from.into_iter().zip(until));
        Ok(ranges.map(|(partition, (from, until))| OffsetRange { partition: *partition, from, until }).collect())
    }

    /// The same of every partition.
    pub(super) fn all_ranges(&self) -> Result<Vec<OffsetRange>, KafkaError> {
        let metadata = self.kafka.fetch_metadata(Some(&self.topic), PROBE_TIMEOUT)?;
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        self.ranges(&partitions.map(|found| found.id()).collect::<Vec<_>>(), PROBE_TIMEOUT)
    }

    /// Which offset the beginning or the end of each partition is: one request to each node of the broker, where
    /// `fetch_watermarks` takes one for each partition, one after the other.
    fn offsets(&self, partitions: &[i32], wanted: Offset, timeout: Duration) -> Result<Vec<i64>, KafkaError> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            list.add_partition(&self.topic, *partition).set_offset(wanted)?;
        }
        let mut offsets = Vec::with_capacity(partitions.len());
        for found in self.kafka.offsets_for_times(list, timeout)?.elements() {
            found.error()?;
            // What it was not told of librdkafka leaves as it was.
            let Offset::Offset(offset) = found.offset() else {
                return Err(KafkaError::OffsetFetch(RDKafkaErrorCode::NoOffset));
            };
            offsets.push(offset);
        }
        Ok(offsets)
    }

    /// librdkafka goes on at the same offset when the next topic of the name is already longer than that.
    pub(super) fn made_anew(&self, joined: &str) -> Option<anyhow::Error> {
        match topic_id::ask(self.kafka.client(), &self.topic, PROBE_TIMEOUT) {
            Ok(now) => {
                let other = now.filter(|now| now != joined)?;
                Some(topic_id::made_anew(&self.topic, self.epoch, joined, &other))
            }
            Err(error) => {
                tracing::debug!(topic = %self.topic, error = format!("{error:#}"), "topic id not known");
                None
            }
        }
    }

    /// Whether a reader that begins with a range is given nothing of it: the end was known before it began, so what it
    /// is not given is no message. A partition of which it is told nothing in time is not there.
    pub(super) fn holds_only_control(&self, ranges: &[OffsetRange]) -> Result<BTreeMap<i32, bool>, KafkaError> {
        let mut list = TopicPartitionList::with_capacity(ranges.len());
        for range in ranges {
            list.add_partition(&self.topic, range.partition).set_offset(Offset::Offset(range.from))?;
        }
        self.kafka.assign(&list)?;
        let mut open: BTreeMap<i32, i64> = ranges.iter().map(|range| (range.partition, range.until)).collect();
        let (mut found, watch) = (BTreeMap::new(), Stopwatch::start());
        while !open.is_empty() && watch.elapsed() < PROBE_TIMEOUT {
            let (partition, offset) = match self.kafka.poll(POLL) {
                Some(Ok(message)) => (message.partition(), message.offset()),
                Some(Err(KafkaError::PartitionEOF(partition))) => (partition, i64::MAX),
                // Troubles of an outage that is over come here one by one, and say nothing of these offsets.
                Some(Err(_)) | None => continue,
            };
            if let Some(end) = open.remove(&partition) {
                found.insert(partition, offset >= end);
            }
        }
        self.kafka.unassign()?;
        Ok(found)
    }
}

/// Of what lies unread, as much as one look has time for: the short ranges, and of the long ones the shortest.
pub(super) fn for_one_look(mut unread: Vec<OffsetRange>) -> Vec<OffsetRange> {
    let mut offsets = 0;
    unread.sort_unstable_by_key(|range| range.until - range.from);
    unread.retain(|range| {
        let has_room = offsets < LOOK_OFFSETS;
        offsets += range.until - range.from;
        has_room
    });
    unread
}

#[cfg(test)]
pub(super) mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;

    use super::*;
    use crate::source::producer::{Outgoing, Producer};

    pub(in super::super) const PARTITIONS: i32 = 40;

    pub(in super::super) type Cluster = MockCluster<'static, DefaultProducerContext>;

    /// A broker with one message, in partition 3 of many.
    pub(in super::super) fn many() -> (Cluster, Options) {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("many", PARTITIONS, 1).unwrap();
        let brokers = cluster.bootstrap_servers();
        let mut producer = Producer::connect(&brokers, None).unwrap();
        producer.send(Outgoing { topic: "many", partition: 3, key: b"k", payload: Some(&b"v"[..]), at: 0 }).unwrap();
        producer.flush().unwrap();
        let options = Options {
            brokers,
            group: "door".to_owned(),
            epochs: BTreeMap::new(),
            topics: BTreeMap::new(),
            settings: BTreeMap::new(),
        };
        (cluster, options)
    }

    #[test]
    fn one_look_tells_of_each_partition_whether_a_message_is_there() {
        let (_cluster, options) = many();
        let asker = Asker::connect(&options, "many").unwrap();
        asker.ranges(&[0], TIMEOUT).unwrap();
        let ranges: Vec<_> = (0..PARTITIONS).map(|partition| OffsetRange { partition, from: 0, until: 1 }).collect();
        let expected: BTreeMap<_, _> = (0..PARTITIONS).map(|partition| (partition, partition != 3)).collect();
        assert_eq!(asker.holds_only_control(&ranges).unwrap(), expected);
    }

    #[test]
    fn one_look_takes_the_short_ranges_and_one_long_one() {
        let range = |partition, offsets| OffsetRange { partition, from: 10, until: 10 + offsets };
        let unread = vec![range(0, LOOK_OFFSETS * 3), range(1, 2), range(2, LOOK_OFFSETS * 2), range(3, 1)];
        let partitions: Vec<_> = for_one_look(unread).iter().map(|range| range.partition).collect();
        assert_eq!(partitions, [3, 1, 2]);
    }
}
