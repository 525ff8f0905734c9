//! One topic at a Kafka broker, read as a member of a consumer group.
//!
//! In: a topic's name and librdkafka's settings. Out: events in order: partitions given, messages, partitions taken.
//! Never: asks Kafka where to begin, resets an offset in silence, or hands on a message of a partition that has
//! been taken away.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use rdkafka::client::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Headers, Message as _};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use crate::clock::{Clock, Stopwatch};
use crate::domain::message::{Message, Messages, OffsetRange};

/// How to reach the broker.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Brokers as `host:port`, separated by commas.
    pub brokers: String,
    /// Consumer group; the topic's name is added, so that topics rebalance apart.
    #[serde(default = "default_group")]
    pub group: String,
    /// Raise it by one after a topic was deleted and made anew: its offsets begin at 0 again.
    #[serde(default)]
    pub epoch: u32,
    /// What a topic is called at this broker, when not as its contract.
    #[serde(default)]
    pub topics: BTreeMap<String, String>,
    /// librdkafka's own settings, handed on as they are.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
}

impl fmt::Debug for Options {
    /// Settings may be secrets, so only their names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.settings.keys().collect();
        write!(f, "group {} at {} with {names:?}", self.group, self.brokers)
    }
}

/// A setting as it is written: in clear, or where it is kept.
#[derive(Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Setting {
    /// The value.
    Text(String),
    /// A file whose first line is the value.
    File {
        /// Its path.
        file: PathBuf,
    },
    /// An environment variable, read where the configuration is read.
    Env {
        /// Its name.
        env: String,
    },
}

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        let setting = |name: &str| match self.settings.get(name) {
            Some(Setting::Text(value)) => value.as_str(),
            _ => "",
        };
        let mut problems = Vec::new();
        if self.brokers.is_empty() {
            problems.push("kafka.brokers is empty".to_owned());
        }
        // A member that dies between two rounds of such a rebalance is handed its old partitions when it comes back,
        // without another round: the ones it had given up then belong to nobody.
        if self.settings.contains_key("group.instance.id")
            && setting("partition.assignment.strategy").contains("cooperative")
        {
            problems.push(
                "kafka.settings: group.instance.id with cooperative-sticky can leave partitions without an owner; take \
                 range, or group.protocol = consumer"
                    .to_owned(),
            );
        }
        problems
    }
}

impl Setting {
    fn value(&self) -> anyhow::Result<String> {
        match self {
            Self::Text(value) => Ok(value.clone()),
            Self::File { file } => {
                let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
                Ok(text.lines().next().unwrap_or_default().to_owned())
            }
            Self::Env { env } => bail!("the environment variable {env} was not read"),
        }
    }
}

fn default_group() -> String {
    "callsieve".to_owned()
}

/// What happened at the source, in the order in which it has to be dealt with.
#[derive(Debug)]
pub enum Event {
    /// Partitions were given to us: say where each begins (`None`: at its very first message).
    Assigned {
        /// Which.
        partitions: Vec<i32>,
        /// Where to send the answer.
        begin: oneshot::Sender<Vec<(i32, Option<i64>)>>,
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
    /// We hold nothing: what the broker has of every partition, for whoever waits until others have read it.
    Others(Vec<OffsetRange>),
    /// The group does not know us any more, or not yet again: begin anew.
    Usurped,
    /// Every partition that we hold has been read to its end.
    CaughtUp,
    /// Nothing more will come, and somebody has to act.
    Failed(anyhow::Error),
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
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
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
    app_prefix: String,
    epoch: u32,
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
        until_caught_up: bool,
        bounds: Bounds,
        clock: Clock,
        received: Arc<Received>,
    ) -> anyhow::Result<Self> {
        let (sender, events) = mpsc::channel(CHUNKS);
        let door = Door {
            topic: topic.to_owned(),
            epoch: options.epoch,
            clock,
            chunk_rows: bounds.rows.min(CHUNK_ROWS),
            chunk_bytes: bounds.bytes / CHUNK_SHARE,
            sender,
            waiting: Mutex::default(),
            received,
            asker: settings(options, topic, 0)?.create()?,
            said: Mutex::default(),
            held: Mutex::default(),
        };
        let kafka =
            Arc::new(settings(options, topic, bounds.bytes / 2)?.create_with_context::<_, BaseConsumer<Door>>(door)?);
        let metadata = kafka
            .fetch_metadata(Some(topic), TIMEOUT)
            .with_context(|| format!("asking {} for topic {topic}", options.brokers))?;
        let partitions = metadata.topics().first().map_or(0, |found| found.partitions().len());
        ensure!(partitions > 0, "topic {topic} does not exist at {}", options.brokers);
        let cluster = kafka.client().fetch_cluster_id(TIMEOUT).context("the broker names no cluster")?;
        kafka.subscribe(&[topic])?;

        let (stop, beats) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::Builder::new().name(format!("consume {topic}")).spawn({
            let (kafka, stop, beats) = (Arc::clone(&kafka), Arc::clone(&stop), Arc::clone(&beats));
            move || consume(&kafka, &stop, &beats, until_caught_up)
        })?;
        Ok(Self {
            kafka,
            topic: topic.to_owned(),
            app_prefix: cluster,
            epoch: options.epoch,
            events,
            stop,
            beats,
            thread: Some(thread),
        })
    }

    /// The name under which tables remember the offsets of a partition.
    pub fn app_id(&self, partition: i32) -> String {
        format!("{}/{}/{partition}/{}", self.app_prefix, self.topic, self.epoch)
    }

    /// Turns of its thread so far: one that hangs makes none.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }

    /// Where its offsets count, for all partitions.
    pub fn source(&self) -> String {
        format!("{}/{}/{}", self.app_prefix, self.topic, self.epoch)
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

fn settings(options: &Options, topic: &str, queue_bytes: usize) -> anyhow::Result<ClientConfig> {
    let mut config = ClientConfig::new();
    config
        .set("client.id", "callsieve")
        // One second (the default) stalls fetching whenever the local queue is full.
        .set("fetch.queue.backoff.ms", "2")
        .set("queued.max.messages.kbytes", (queue_bytes >> 10).max(1).to_string());
    for (key, setting) in &options.settings {
        config.set(key, setting.value().with_context(|| format!("kafka.settings.{key}"))?);
    }
    config
        .set("bootstrap.servers", &options.brokers)
        .set("group.id", format!("{}-{topic}", options.group))
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        // An offset out of retention is an incident, never a silent jump.
        .set("auto.offset.reset", "error");
    Ok(config)
}

/// The consumer's thread: polls, collects chunks, and passes everything through the door.
fn consume(kafka: &BaseConsumer<Door>, stop: &AtomicBool, beats: &AtomicU64, until_caught_up: bool) {
    let door = kafka.context();
    let mut since = Stopwatch::start();
    let mut probed = Stopwatch::start();
    let mut was_all_read = false;
    while !stop.load(Ordering::Relaxed) {
        beats.fetch_add(1, Ordering::Relaxed);
        let is_news = door.is_all_read() && !was_all_read;
        if probed.elapsed() > if is_news { PROBE_AT_END } else { PROBE } {
            was_all_read = door.is_all_read();
            let probed_well = match door.holds_nothing() {
                false => door.probe(),
                true if until_caught_up => door.look_at_others(),
                true => Ok(()),
            };
            if probed_well.is_err() {
                return;
            }
            probed = Stopwatch::start();
        }
        let sent = match kafka.poll(POLL) {
            None if until_caught_up && door.is_all_read() => door.finish(),
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
                if until_caught_up && door.is_all_read() { door.finish() } else { door.flush() }
            }
            Some(Err(error)) => door.trouble(&error),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Nobody listens any more.
struct Closed;

/// What librdkafka's callbacks and the polling loop share; both run on the consumer's thread.
struct Door {
    topic: String,
    epoch: u32,
    clock: Clock,
    chunk_rows: usize,
    chunk_bytes: usize,
    sender: mpsc::Sender<Event>,
    waiting: Mutex<Messages>,
    received: Arc<Received>,
    /// Asks where partitions begin and end: on the consumer's own connection a question waits behind its long poll.
    asker: BaseConsumer,
    /// The trouble that was last told of.
    said: Mutex<Option<(KafkaError, Stopwatch)>>,
    /// Partitions that we hold.
    held: Mutex<BTreeMap<i32, Held>>,
}

/// How far a partition has been handed out to us.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    /// The offset that its next message has at least, where that is known.
    next: Option<i64>,
    /// It has been read to its end.
    is_at_end: bool,
}

impl Door {
    fn send(&self, event: Event) -> Result<(), Closed> {
        self.sender.blocking_send(event).map_err(|_| Closed)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Messages> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, BTreeMap<i32, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a message; says how many wait, and whether that is enough.
    fn keep(&self, message: &rdkafka::message::BorrowedMessage<'_>) -> (usize, bool) {
        let headers = message.headers().map(|headers| {
            let pairs = headers.iter().map(|header| (header.key, header.value.map(hex::encode)));
            serde_json::to_string(&pairs.collect::<Vec<_>>()).unwrap_or_default()
        });
        let mut waiting = self.waiting();
        let (partition, offset) = (message.partition(), message.offset());
        // Compacted away, or control records of transactions: the broker hands out what it has, in order.
        let before = self.held().insert(partition, Held { next: Some(offset + 1), is_at_end: false });
        if let Some(next) = before.and_then(|held| held.next).filter(|next| *next < offset) {
            waiting.note_gap(partition, next..offset);
        }
        waiting.push(Message {
            partition,
            offset,
            kafka_at: message.timestamp().to_millis().map(|millis| millis.saturating_mul(1_000)),
            key: message.key(),
            payload: message.payload(),
            headers: headers.as_deref(),
        });
        (waiting.len(), waiting.len() >= self.chunk_rows || waiting.size_bytes() >= self.chunk_bytes)
    }

    fn flush(&self) -> Result<(), Closed> {
        let messages = std::mem::take(&mut *self.waiting());
        if messages.is_empty() {
            return Ok(());
        }
        self.received.note(&messages.ranges());
        self.send(Event::Messages(messages))
    }

    fn note_end(&self, partition: i32) {
        if let Some(held) = self.held().get_mut(&partition) {
            held.is_at_end = true;
        }
    }

    fn is_all_read(&self) -> bool {
        let held = self.held();
        !held.is_empty() && held.values().all(|held| held.is_at_end)
    }

    /// Hands on what waits, then where our partitions end; says nothing while the broker does not answer.
    fn probe(&self) -> Result<(), Closed> {
        let held = self.held().clone();
        let mut ends = Vec::with_capacity(held.len());
        for (partition, Held { is_at_end, .. }) in held {
            let at = self.clock.now();
            match self.asker.fetch_watermarks(&self.topic, partition, PROBE_TIMEOUT) {
                Ok((_, end)) => {
                    if is_at_end {
                        self.note_control(partition, end);
                    }
                    ends.push(PartitionEnd { partition, end, at, is_at_end });
                }
                Err(error) => {
                    tracing::debug!(topic = %self.topic, partition, %error, "end not known");
                    return Ok(());
                }
            }
        }
        self.flush()?;
        self.send(Event::Ends(ends))
    }

    /// Notes offsets before a partition's end as a gap, once it is sure that nothing there is ever handed out: the
    /// markers of transactions, and what aborted ones left.
    fn note_control(&self, partition: i32, end: i64) {
        let next = self.held().get(&partition).and_then(|held| held.next);
        let Some(from) = next.filter(|next| *next < end) else { return };
        match self.holds_only_control(partition, from, end) {
            Ok(true) => {
                self.waiting().note_gap(partition, from..end);
                self.held().insert(partition, Held { next: Some(end), is_at_end: true });
            }
            Ok(false) => {}
            Err(error) => tracing::debug!(topic = %self.topic, partition, %error, "last offsets not looked at"),
        }
    }

    /// Whether a reader that begins at an offset is given nothing before the end: the end was known before it began,
    /// so what it is not given is no message.
    fn holds_only_control(&self, partition: i32, from: i64, end: i64) -> Result<bool, KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(from))?;
        self.asker.assign(&list)?;
        let watch = Stopwatch::start();
        let is_only_control = loop {
            match self.asker.poll(POLL) {
                Some(Ok(message)) => break Ok(message.offset() >= end),
                Some(Err(KafkaError::PartitionEOF(_))) => break Ok(true),
                Some(Err(error)) => break Err(error),
                None if watch.elapsed() > PROBE_TIMEOUT => break Ok(false),
                None => {}
            }
        };
        self.asker.unassign()?;
        is_only_control
    }

    /// Tells what the broker has of every partition; says nothing while it does not answer.
    fn look_at_others(&self) -> Result<(), Closed> {
        let look = || -> Result<Vec<OffsetRange>, KafkaError> {
            let metadata = self.asker.fetch_metadata(Some(&self.topic), PROBE_TIMEOUT)?;
            let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
            let range = |partition| -> Result<OffsetRange, KafkaError> {
                let (from, until) = self.asker.fetch_watermarks(&self.topic, partition, PROBE_TIMEOUT)?;
                Ok(OffsetRange { partition, from, until })
            };
            partitions.map(|found| range(found.id())).collect()
        };
        match look() {
            Ok(ranges) => self.send(Event::Others(ranges)),
            Err(error) => {
                tracing::debug!(topic = %self.topic, %error, "partitions not known");
                Ok(())
            }
        }
    }

    /// Hands on everything, and that there is no more.
    fn finish(&self) -> Result<(), Closed> {
        self.flush()?;
        self.probe()?;
        self.send(Event::CaughtUp)
    }

    fn holds_nothing(&self) -> bool {
        self.held().is_empty()
    }

    fn trouble(&self, error: &KafkaError) -> Result<(), Closed> {
        match error.rdkafka_error_code() {
            Some(code @ (RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange)) => {
                let problem = anyhow!(
                    "topic {}: the broker no longer has the offset that the table stands at ({code}); messages \
                     between the two were lost: a restart names them; if the topic was made anew, raise kafka.epoch",
                    self.topic
                );
                self.send(Event::Failed(problem))
            }
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                self.send(Event::Failed(anyhow!("topic {} is gone from the broker", self.topic)))
            }
            // A static member that was killed is remembered until its session ends.
            Some(RDKafkaErrorCode::UnreleasedInstanceId) => self.send(Event::Usurped),
            _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                self.send(Event::Failed(anyhow!("topic {}: {error}", self.topic)))
            }
            // librdkafka goes on by itself: brokers come back, coordinators move.
            _ => {
                let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                let is_news = said.as_ref().is_none_or(|(last, at)| last != error || at.elapsed() > SAY_AGAIN);
                if is_news {
                    tracing::warn!(topic = %self.topic, %error, "broker trouble");
                    *said = Some((error.clone(), Stopwatch::start()));
                }
                Ok(())
            }
        }
    }

    fn assign(&self, kafka: &BaseConsumer<Self>, given: &TopicPartitionList) -> anyhow::Result<()> {
        let partitions = partitions(given);
        let (begin, answer) = oneshot::channel();
        self.send(Event::Assigned { partitions, begin }).map_err(|Closed| anyhow!("the consumer is closing"))?;
        let begins = answer.blocking_recv().context("the consumer is closing")?;
        let mut list = TopicPartitionList::new();
        for (partition, offset) in begins {
            let begin = self.begin(partition, offset)?;
            list.add_partition_offset(&self.topic, partition, begin)?;
            self.held().insert(partition, Held { next: offset, is_at_end: false });
        }
        match kafka.rebalance_protocol() {
            RebalanceProtocol::Cooperative => kafka.incremental_assign(&list)?,
            _ => kafka.assign(&list)?,
        }
        Ok(())
    }

    /// Where a partition begins, once it is sure that the broker still has that place.
    fn begin(&self, partition: i32, offset: Option<i64>) -> anyhow::Result<Offset> {
        let Some(offset) = offset else { return Ok(Offset::Beginning) };
        let (low, high) = self.asker.fetch_watermarks(&self.topic, partition, TIMEOUT)?;
        if offset < low {
            bail!(
                "topic {} partition {partition}: the table stands at offset {offset}, the broker begins at {low}: {} \
                 offsets fell out of retention before they were read; to go on without them: callsieve ledger accept \
                 --source {}/{}/{} --partition {partition} --from {offset} --until {low}",
                self.topic,
                low - offset,
                self.asker.client().fetch_cluster_id(TIMEOUT).unwrap_or_default(),
                self.topic,
                self.epoch,
            );
        }
        if offset > high {
            bail!(
                "topic {} partition {partition}: the table stands at offset {offset}, the broker ends at {high}: was the \
                 topic made anew? then raise kafka.epoch",
                self.topic
            );
        }
        Ok(Offset::Offset(offset))
    }

    fn revoke(&self, kafka: &BaseConsumer<Self>, taken: &TopicPartitionList) -> anyhow::Result<()> {
        let gone: BTreeSet<i32> = partitions(taken).into_iter().collect();
        // Drain, then fence: what was received goes out and is committed before the partition is let go.
        let (drained, answer) = oneshot::channel();
        let revoked = Event::Revoked { partitions: gone.iter().copied().collect(), drained };
        // When nobody listens any more, nothing was committed and the next owner reads it again.
        if self.flush().and_then(|()| self.send(revoked)).is_ok() && answer.blocking_recv().is_err() {
            tracing::debug!(topic = %self.topic, "revoked while closing");
        }
        self.held().retain(|partition, _| !gone.contains(partition));
        match kafka.rebalance_protocol() {
            RebalanceProtocol::Cooperative => kafka.incremental_unassign(taken)?,
            _ => kafka.unassign()?,
        }
        Ok(())
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<i32> {
    list.elements().iter().map(|element| element.partition()).collect()
}

impl ClientContext for Door {}

impl ConsumerContext for Door {
    fn rebalance(&self, kafka: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let done = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(kafka, list),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS => self.revoke(kafka, list),
            other => Err(anyhow!("rebalance failed: {other:?}")),
        };
        if let Err(problem) = done
            && self.send(Event::Failed(problem)).is_err()
        {
            tracing::debug!(topic = %self.topic, "rebalance while closing");
        }
    }
}
