//! One topic at a Kafka broker, read as a member of a consumer group.
//!
//! In: a topic's name and librdkafka's settings. Out: events in order: partitions given, messages, partitions taken.
//! Never: asks Kafka where to begin, resets an offset in silence, or hands on a message of a partition that has
//! been taken away.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, ensure};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};

use self::door::{Closed, Door};
pub use self::options::{Options, Setting};
pub use self::range::RangeReader;
pub(super) use self::topic_id::ask as id_of_topic;
pub use self::topic_id::made_anew;
use crate::clock::{Clock, Stopwatch};
use crate::domain::message::{Message, Messages, OffsetRange};
use crate::domain::origin::Origin;

mod asker;
mod door;
mod options;
mod range;
mod topic_id;

/// What happened at the source, in the order in which it has to be dealt with.
#[derive(Debug)]
pub enum Event {
    /// Partitions were given to us: say where each begins.
    Assigned {
        /// Which.
        partitions: Vec<i32>,
        /// What the broker has of them, when we begin with the newest.
        ends: Vec<OffsetRange>,
        /// Where to send the answer.
        begin: oneshot::Sender<Vec<Begin>>,
    },
    /// Messages came.
    Messages(Messages),
    /// Partitions are taken away: finish what was handed out, then say so.
    Revoked {
        /// Which.
        partitions: Vec<i32>,
        /// Where to send the answer.
        drained: oneshot::Sender<()>,
    },
    /// Where each partition that we hold ended when the broker was asked; everything received before it came first.
    Ends(Vec<PartitionEnd>),
    /// Nothing of ours is left to read: what the broker has of every partition, whoever holds it.
    All(Vec<OffsetRange>),
    /// The group does not know us any more, or not yet again: begin anew.
    Usurped,
    /// Nothing more will come, and somebody has to act.
    Failed(anyhow::Error),
}

/// Where reading a partition begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin {
    /// Which.
    pub partition: i32,
    /// The offset at which the table stands; where it has none, reading begins at the very first message.
    pub offset: Option<i64>,
    /// For a partition that was never read, the offset from which on all that came has to be told of, where that is
    /// known.
    pub known: Option<i64>,
}

/// Where a partition ended.
#[derive(Debug, Clone, Copy)]
pub struct PartitionEnd {
    /// Which.
    pub partition: i32,
    /// First offset that the broker had not given away.
    pub end: i64,
    /// Just before the broker was asked, UTC microseconds.
    pub at: i64,
    /// The partition had been read to its end, or to control records that are never handed out.
    pub is_at_end: bool,
}

/// What a consumer is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Purpose {
    /// Say when nothing is left to read, whoever holds it.
    pub until_caught_up: bool,
    /// Say where partitions end when they are given to us: those that were never read begin there.
    pub newest_first: bool,
}

/// What a consumer may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Messages handed on at once.
    pub rows: usize,
    /// Bytes of messages, librdkafka's queue included.
    pub bytes: usize,
}

/// Messages handed on at once, at most.
const CHUNK_ROWS: usize = 65_536;
/// How long messages wait for company.
const CHUNK_AGE: Duration = Duration::from_millis(200);
/// Messages between two looks at the clock, each of which costs as much as a message.
const LOOK_EVERY: usize = 16;
/// Chunks in the channel.
const CHUNKS: usize = 4;
/// Of a source's bytes, half are librdkafka's queue, and the channel and what waits for it the rest.
const CHUNK_SHARE: usize = 2 * (CHUNKS + 2);
/// How often the broker is asked where its partitions end.
const PROBE: Duration = Duration::from_secs(5);
/// The same when everything has just been read: a day may be waiting for that word.
const PROBE_AT_END: Duration = Duration::from_millis(500);
/// The same when one look has found nothing where a second has to agree: a leader that is catching up needs less.
const PROBE_AGAIN: Duration = Duration::from_secs(2);
/// How long a probe's question, or its look, may keep messages waiting, of however many partitions it is.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
/// Offsets that one look has time for.
const LOOK_OFFSETS: i64 = 100_000;
const POLL: Duration = Duration::from_millis(50);
/// How often the same trouble is told of.
const SAY_AGAIN: Duration = Duration::from_secs(10);
/// How long a consumer may take to leave its group.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(15);

/// How far a topic's partitions have been received, for whoever must not run too far ahead.
#[derive(Debug, Default)]
pub struct Received(Mutex<HashMap<i32, i64>>);

impl Received {
    /// First offset that has not been received of a partition.
    pub fn until(&self, partition: i32) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&partition).copied().unwrap_or_default()
    }

    fn note(&self, ranges: &[OffsetRange]) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for range in ranges {
            until.insert(range.partition, range.until);
        }
    }
}

/// A running consumer of one topic.
pub struct Consumer {
    kafka: Arc<BaseConsumer<Door>>,
    topic: String,
    origin: Origin,
    topic_id: Option<String>,
    partitions: i32,
    events: mpsc::Receiver<Event>,
    stop: Arc<AtomicBool>,
    beats: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Consumer {
    /// Joins the group of a topic; blocks until the broker has answered.
    pub fn start(
        options: &Options,
        topic: &str,
        purpose: Purpose,
        bounds: Bounds,
        clock: Clock,
        received: Arc<Received>,
    ) -> anyhow::Result<Self> {
        let (sender, events) = mpsc::channel(CHUNKS);
        let door = Door::new(options, topic, bounds, clock, sender, received)?;
        let door = door.with_ends(purpose.newest_first);
        let kafka =
            Arc::new(options.client(topic, bounds.bytes / 2)?.create_with_context::<_, BaseConsumer<Door>>(door)?);
        let metadata = kafka
            .fetch_metadata(Some(topic), TIMEOUT)
            .with_context(|| format!("asking {} for topic {topic}", options.brokers))?;
        let partitions = metadata.topics().first().map_or(0, |found| found.partitions().len());
        ensure!(
            partitions > 0,
            "topic {topic} does not exist at {}; make it, say in [kafka.topics] what it is called there, or name others \
             with --topic",
            options.brokers
        );
        let cluster = kafka.client().fetch_cluster_id(TIMEOUT).context("the broker names no cluster")?;
        let topic_id = topic_id::ask(kafka.client(), topic, TIMEOUT)?;
        kafka.subscribe(&[topic])?;

        let (stop, beats) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::Builder::new().name(format!("consume {topic}")).spawn({
            let (kafka, stop, beats) = (Arc::clone(&kafka), Arc::clone(&stop), Arc::clone(&beats));
            let topic_id = topic_id.clone();
            move || consume(&kafka, &stop, &beats, topic_id.as_deref(), purpose.until_caught_up)
        })?;
        Ok(Self {
            kafka,
            topic: topic.to_owned(),
            origin: Origin::Topic { cluster, topic: topic.to_owned(), epoch: options.epoch(topic) },
            topic_id,
            partitions: i32::try_from(partitions)?,
            events,
            stop,
            beats,
            thread: Some(thread),
        })
    }

    /// Where its offsets count.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Which topic it was that was joined, where the broker tells one from the next of the same name.
    pub fn topic_id(&self) -> Option<&str> {
        self.topic_id.as_deref()
    }

    /// How many partitions the topic had when it was joined.
    pub fn partitions(&self) -> i32 {
        self.partitions
    }

    /// Turns of its thread so far: one that hangs makes none.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// The next event; `None` after the last.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Tells Kafka how far the tables are, for lag tools only; a failure costs nothing but their accuracy.
    pub fn note_committed(&self, ranges: &[OffsetRange]) {
        let mut list = TopicPartitionList::new();
        for range in ranges {
            if let Err(error) = list.add_partition_offset(&self.topic, range.partition, Offset::Offset(range.until)) {
                tracing::debug!(topic = %self.topic, %error, "offset not noted");
            }
        }
        if let Err(error) = self.kafka.commit(&list, CommitMode::Async) {
            tracing::debug!(topic = %self.topic, %error, "offsets not noted");
        }
    }

    /// Ends the consumer: nothing is handed out any more, what waits is thrown away (it was never committed).
    pub async fn close(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // The thread may be waiting for us to take an event or to answer one.
        self.events.close();
        while self.events.recv().await.is_some() {}
        // librdkafka leaves the group when its client is dropped, and calls back while it does: not here, where
        // nothing may block.
        let left = tokio::task::spawn_blocking(move || {
            let joined = self.thread.take().map(JoinHandle::join);
            (self.topic.clone(), matches!(joined, None | Some(Ok(()))))
        });
        match tokio::time::timeout(LEAVE_WITHIN, left).await {
            Ok(Ok((_, true))) => {}
            Ok(Ok((topic, false))) => tracing::error!(topic, "consumer thread ended badly"),
            Ok(Err(error)) => tracing::error!(%error, "consumer ended badly"),
            Err(_) => tracing::error!("consumer does not leave its group, going without it"),
        }
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "consumer of {}", self.topic)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Takes in a message as it came.
fn put(messages: &mut Messages, message: &BorrowedMessage<'_>) {
    let headers = message.headers().map(|headers| {
        let pairs = headers.iter().map(|header| (header.key, header.value.map(hex::encode)));
        serde_json::to_string(&pairs.collect::<Vec<_>>()).unwrap_or_default()
    });
    messages.push(Message {
        partition: message.partition(),
        offset: message.offset(),
        kafka_at: message.timestamp().to_millis().map(|millis| millis.saturating_mul(1_000)),
        key: message.key(),
        payload: message.payload(),
        headers: headers.as_deref(),
    });
}

/// When the broker is asked where partitions end, between messages.
struct Looks<'a> {
    topic_id: Option<&'a str>,
    until_caught_up: bool,
    last: Stopwatch,
    /// Whether all had been read at the last look.
    was_all_read: bool,
}

impl Looks<'_> {
    /// Asks once more, if it is time to.
    fn look(&mut self, door: &Door) -> Result<(), Closed> {
        let pace = match door.is_all_read() && !self.was_all_read {
            true => PROBE_AT_END,
            false if door.has_looked_once() => PROBE_AGAIN,
            false => PROBE,
        };
        if self.last.elapsed() <= pace {
            return Ok(());
        }
        self.was_all_read = door.is_all_read();
        if !door.holds_nothing() {
            door.probe(self.topic_id)?;
        }
        // What is not ours may belong to a member that is dead and not missed yet.
        if self.until_caught_up && (door.holds_nothing() || self.was_all_read) {
            door.look_around()?;
        }
        self.last = Stopwatch::start();
        Ok(())
    }
}

/// The consumer's thread: polls, collects chunks, and passes everything through the door.
fn consume(
    kafka: &BaseConsumer<Door>,
    stop: &AtomicBool,
    beats: &AtomicU64,
    topic_id: Option<&str>,
    until_caught_up: bool,
) {
    let door = kafka.context();
    let mut since = Stopwatch::start();
    let mut looks = Looks { topic_id, until_caught_up, last: Stopwatch::start(), was_all_read: false };
    let (mut turn, mut is_quiet) = (0, true);
    while !stop.load(Ordering::Relaxed) {
        beats.fetch_add(1, Ordering::Relaxed);
        turn += 1;
        if (is_quiet || turn % LOOK_EVERY == 0) && looks.look(door).is_err() {
            return;
        }
        let polled = kafka.poll(POLL);
        is_quiet = !matches!(polled, Some(Ok(_)));
        let sent = match polled {
            None => door.flush(),
            Some(Ok(message)) => {
                let (waiting, is_full) = door.keep(&message);
                if waiting == 1 {
                    since = Stopwatch::start();
                }
                let is_old = waiting % LOOK_EVERY == 0 && since.elapsed() > CHUNK_AGE;
                if is_full || is_old { door.flush() } else { Ok(()) }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                door.note_end(partition);
                door.flush()
            }
            Some(Err(error)) => door.trouble(&error),
        };
        if sent.is_err() {
            return;
        }
    }
}
