//! Messages to a broker: answers to citizens, and what the synthetic operator and tests send.
//!
//! In: bodies with key and time. Out: messages at the broker, in order for each partition. Never: drops one: a full
//! queue is waited for, and a failed delivery fails the whole.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use super::kafka::{Options, Received};

/// The embedded broker forgets what lies more than 5 MiB back in a partition, so unread bytes stay well below that.
const UNREAD_BYTES: usize = 2 << 20;
/// Framing around a message in the broker's log, generously.
const OVERHEAD_BYTES: usize = 100;
const PAUSE: Duration = Duration::from_millis(2);
const TIMEOUT: Duration = Duration::from_secs(60);

/// The partition of a message that goes where its key leads, as Java's producers choose it.
pub const BY_KEY: i32 = -1;

/// One message to send.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// Topic as the broker names it.
    pub topic: &'a str,
    /// Partition, or [`BY_KEY`].
    pub partition: i32,
    /// Key.
    pub key: &'a [u8],
    /// Body; `None` is a tombstone.
    pub payload: Option<&'a [u8]>,
    /// Kafka timestamp, UTC microseconds.
    pub at: i64,
}

/// A connection that sends.
pub struct Producer {
    kafka: ThreadedProducer<Deliveries>,
    failures: Arc<Deliveries>,
    throttle: Option<Throttle>,
    sent: u64,
}

impl Producer {
    /// Connects; with a throttle the unread part of each partition stays small.
    pub fn connect(brokers: &str, throttle: Option<Throttle>) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", brokers);
        Self::with(config, throttle)
    }

    /// Connects as a site's consumers do; librdkafka warns of settings that are theirs alone.
    pub fn to(kafka: &Options) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        for (key, setting) in &kafka.settings {
            config.set(key, setting.value().with_context(|| format!("kafka.settings.{key}"))?);
        }
        config.set("bootstrap.servers", &kafka.brokers);
        Self::with(config, None)
    }

    /// Connects by a client's configuration.
    pub fn with(mut config: ClientConfig, throttle: Option<Throttle>) -> anyhow::Result<Self> {
        let failures = Arc::new(Deliveries::default());
        let kafka = config
            .set("client.id", "callsieve-producer")
            .set("linger.ms", "5")
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.messages", "200000")
            .create_with_context::<_, ThreadedProducer<_>>(failures.as_ref().clone())
            .context("creating a producer")?;
        Ok(Self { kafka, failures, throttle, sent: 0 })
    }

    /// Sends a message; waits while the broker or the reader is behind.
    pub fn send(&mut self, message: Outgoing<'_>) -> anyhow::Result<()> {
        if let Some(throttle) = &mut self.throttle {
            throttle.wait(&message, &self.kafka);
        }
        let mut record = BaseRecord::to(message.topic)
            .partition(message.partition)
            .key(message.key)
            .timestamp(message.at.div_euclid(1_000));
        record.payload = message.payload;
        loop {
            match self.kafka.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(PAUSE);
                }
                Err((error, _)) => return Err(error).context("sending a message"),
            }
        }
        self.sent += 1;
        Ok(())
    }

    /// Messages sent.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Waits until the broker has everything.
    pub fn flush(&self) -> anyhow::Result<()> {
        self.kafka.flush(TIMEOUT).context("waiting for deliveries")?;
        let failed = self.failures.failed.load(Ordering::Relaxed);
        let first = self.failures.first.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
        ensure!(failed == 0, "{failed} messages were not delivered: {first}");
        Ok(())
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "producer of {} messages", self.sent)
    }
}

#[derive(Debug, Default, Clone)]
struct Deliveries {
    failed: Arc<AtomicU64>,
    first: Arc<Mutex<Option<String>>>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.failed.fetch_add(1, Ordering::Relaxed);
            self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
        }
    }
}

/// Keeps a producer close to its consumers.
#[derive(Debug, Default)]
pub struct Throttle {
    received: BTreeMap<String, Arc<Received>>,
    unread: BTreeMap<(String, i32), Unread>,
}

#[derive(Debug, Default)]
struct Unread {
    next_offset: i64,
    bytes: usize,
    sizes: VecDeque<(i64, usize)>,
}

impl Throttle {
    /// Watches a topic, whose partitions must be empty when sending begins.
    pub fn watch(&mut self, topic: &str, received: Arc<Received>) {
        self.received.insert(topic.to_owned(), received);
    }

    fn wait(&mut self, message: &Outgoing<'_>, kafka: &ThreadedProducer<Deliveries>) {
        let Some(received) = self.received.get(message.topic) else { return };
        let unread = self.unread.entry((message.topic.to_owned(), message.partition)).or_default();
        while unread.bytes > UNREAD_BYTES {
            unread.read_until(received.until(message.partition));
            if unread.bytes > UNREAD_BYTES {
                // What lingers in our own queue can never be read.
                if kafka.in_flight_count() > 0 {
                    kafka.poll(Duration::ZERO);
                }
                std::thread::sleep(PAUSE);
            }
        }
        unread.add(message.payload.map_or(0, <[u8]>::len) + message.key.len() + OVERHEAD_BYTES);
    }
}

impl Unread {
    fn add(&mut self, size: usize) {
        self.sizes.push_back((self.next_offset, size));
        self.next_offset += 1;
        self.bytes += size;
    }

    fn read_until(&mut self, offset: i64) {
        while let Some((first, size)) = self.sizes.front().copied()
            && first < offset
        {
            self.sizes.pop_front();
            self.bytes -= size;
        }
    }
}
