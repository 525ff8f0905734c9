//! What librdkafka's callbacks and the polling loop share.
//!
//! In: messages, rebalances and troubles, on the consumer's thread. Out: events, in the order in which they have to be
//! dealt with. Never: an event after nobody listens any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};

use super::{
    Bounds, CHUNK_ROWS, CHUNK_SHARE, Event, Options, POLL, PROBE_TIMEOUT, PartitionEnd, Received, SAY_AGAIN, TIMEOUT,
    put, topic_id,
};
use crate::clock::{Clock, Stopwatch};
use crate::domain::message::{Messages, OffsetRange};

/// Nobody listens any more.
pub(super) struct Closed;

/// What librdkafka's callbacks and the polling loop share; both run on the consumer's thread.
pub(super) struct Door {
    topic: String,
    epoch: u32,
    clock: Clock,
    chunk_rows: usize,
    chunk_bytes: usize,
    sender: mpsc::Sender<Event>,
    /// Look up where partitions end when they are given to us.
    tells_ends: bool,
    /// Only ever taken by the consumer's own thread, so it costs next to nothing.
    hand: Mutex<Hand>,
    received: Arc<Received>,
    /// Asks where partitions begin and end: on the consumer's own connection a question waits behind its long poll.
    asker: BaseConsumer,
    /// The trouble that was last told of.
    said: Mutex<Option<(KafkaError, Stopwatch)>>,
}

/// What has been handed out to us.
#[derive(Default)]
struct Hand {
    /// Messages that have not been passed on.
    waiting: Messages,
    /// Partitions that we hold.
    held: BTreeMap<i32, Held>,
}

/// How far a partition has been handed out to us.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    /// The offset that its next message has at least, where that is known.
    next: Option<i64>,
    /// It has been read to its end.
    is_at_end: bool,
    /// Before this offset one look has found nothing that is handed out.
    quiet_until: Option<i64>,
}

impl Door {
    pub(super) fn new(
        options: &Options,
        topic: &str,
        bounds: Bounds,
        clock: Clock,
        sender: mpsc::Sender<Event>,
        received: Arc<Received>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            topic: topic.to_owned(),
            epoch: options.epoch(topic),
            clock,
            chunk_rows: bounds.rows.min(CHUNK_ROWS),
            chunk_bytes: bounds.bytes / CHUNK_SHARE,
            sender,
            tells_ends: false,
            hand: Mutex::default(),
            received,
            asker: options.client(topic, 0)?.create()?,
            said: Mutex::default(),
        })
    }

    /// The same, telling where partitions end when they are given to us, or not.
    pub(super) fn with_ends(self, tells_ends: bool) -> Self {
        Self { tells_ends, ..self }
    }

    pub(super) fn send(&self, event: Event) -> Result<(), Closed> {
        self.sender.blocking_send(event).map_err(|_| Closed)
    }

    fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a message; says how many wait, and whether that is enough.
    pub(super) fn keep(&self, message: &BorrowedMessage<'_>) -> (usize, bool) {
        let mut hand = self.hand();
        let Hand { waiting, held } = &mut *hand;
        let (partition, offset) = (message.partition(), message.offset());
        let held = held.entry(partition).or_default();
        // Compacted away, or control records of transactions: the broker hands out what it has, in order.
        if let Some(next) = held.next.filter(|next| *next < offset) {
            waiting.note_gap(partition, next..offset);
        }
        *held = Held { next: Some(offset + 1), ..Held::default() };
        put(waiting, message);
        (waiting.len(), waiting.len() >= self.chunk_rows || waiting.size_bytes() >= self.chunk_bytes)
    }

    pub(super) fn flush(&self) -> Result<(), Closed> {
        let messages = std::mem::take(&mut self.hand().waiting);
        if messages.is_empty() {
            return Ok(());
        }
        self.received.note(&messages.ranges());
        self.send(Event::Messages(messages))
    }

    pub(super) fn note_end(&self, partition: i32) {
        if let Some(held) = self.hand().held.get_mut(&partition) {
            held.is_at_end = true;
        }
    }

    pub(super) fn is_all_read(&self) -> bool {
        let hand = self.hand();
        !hand.held.is_empty() && hand.held.values().all(|held| held.is_at_end)
    }

    /// Whether a second look is due at what one has found to hold nothing.
    pub(super) fn has_looked_once(&self) -> bool {
        self.hand().held.values().any(|held| held.quiet_until > held.next)
    }

    /// Hands on what waits, then where our partitions end, or that the topic which was joined is no more; says nothing
    /// while the broker does not answer.
    pub(super) fn probe(&self, joined: Option<&str>) -> Result<(), Closed> {
        let held = self.hand().held.clone();
        let mut ends = Vec::with_capacity(held.len());
        for (partition, Held { is_at_end, .. }) in held {
            let at = self.clock.now();
            match self.asker.fetch_watermarks(&self.topic, partition, PROBE_TIMEOUT) {
                Ok((low, end)) => {
                    if is_at_end {
                        self.note_control(partition, low, end);
                    }
                    ends.push(PartitionEnd { partition, end, at, is_at_end });
                }
                Err(error) => {
                    tracing::debug!(topic = %self.topic, partition, %error, "end not known");
                    return Ok(());
                }
            }
        }
        let anew = joined.and_then(|joined| self.made_anew(joined));
        self.flush()?;
        self.send(anew.map_or(Event::Ends(ends), Event::Failed))
    }

    /// librdkafka goes on at the same offset when the next topic of the name is already longer than that.
    fn made_anew(&self, joined: &str) -> Option<anyhow::Error> {
        match topic_id::ask(self.asker.client(), &self.topic, PROBE_TIMEOUT) {
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

    /// Notes offsets before a partition's end as a gap, once it is sure that nothing there is ever handed out: the
    /// markers of transactions, and what aborted ones left.
    fn note_control(&self, partition: i32, low: i64, end: i64) {
        let Some(held) = self.hand().held.get(&partition).copied() else { return };
        let from = held.next.unwrap_or(low);
        if from >= end {
            return;
        }
        match self.holds_only_control(partition, from, end) {
            Ok(Some(true)) => {
                let mut hand = self.hand();
                let mut after = Held { quiet_until: Some(end), ..held };
                // One look may have met a leader that was still catching up; what two say, some time apart, holds.
                if let Some(until) = held.quiet_until {
                    hand.waiting.note_gap(partition, from..until);
                    after.next = Some(until);
                }
                hand.held.insert(partition, after);
            }
            Ok(Some(false)) => {
                self.hand().held.insert(partition, Held { quiet_until: None, ..held });
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(topic = %self.topic, partition, %error, "last offsets not looked at"),
        }
    }

    /// Whether a reader that begins at an offset is given nothing before the end: the end was known before it began,
    /// so what it is not given is no message. None when it is told nothing in time.
    fn holds_only_control(&self, partition: i32, from: i64, end: i64) -> Result<Option<bool>, KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, partition, Offset::Offset(from))?;
        self.asker.assign(&list)?;
        let watch = Stopwatch::start();
        let is_only_control = loop {
            match self.asker.poll(POLL) {
                Some(Ok(message)) => break Some(message.offset() >= end),
                Some(Err(KafkaError::PartitionEOF(_))) => break Some(true),
                _ if watch.elapsed() > PROBE_TIMEOUT => break None,
                // Troubles of an outage that is over come here one by one, and say nothing of these offsets.
                Some(Err(_)) | None => {}
            }
        };
        self.asker.unassign()?;
        Ok(is_only_control)
    }

    /// Tells what the broker has of every partition; says nothing while it does not answer.
    pub(super) fn look_around(&self) -> Result<(), Closed> {
        let look = || -> Result<Vec<OffsetRange>, KafkaError> {
            let metadata = self.asker.fetch_metadata(Some(&self.topic), PROBE_TIMEOUT)?;
            let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
            partitions.map(|found| self.ends(found.id(), PROBE_TIMEOUT)).collect()
        };
        match look() {
            Ok(ranges) => self.send(Event::All(ranges)),
            Err(error) => {
                tracing::debug!(topic = %self.topic, %error, "partitions not known");
                Ok(())
            }
        }
    }

    /// What the broker has of a partition, up to the first open transaction.
    fn ends(&self, partition: i32, timeout: Duration) -> Result<OffsetRange, KafkaError> {
        let (from, until) = self.asker.fetch_watermarks(&self.topic, partition, timeout)?;
        Ok(OffsetRange { partition, from, until })
    }

    pub(super) fn holds_nothing(&self) -> bool {
        self.hand().held.is_empty()
    }

    pub(super) fn trouble(&self, error: &KafkaError) -> Result<(), Closed> {
        match error.rdkafka_error_code() {
            Some(code @ (RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange)) => {
                let problem = anyhow!(
                    "topic {}: the broker no longer has the offset that the table stands at ({code}); messages \
                     between the two were lost: a restart names them; if the topic was made anew, raise its kafka.epochs",
                    self.topic
                );
                self.send(Event::Failed(problem))
            }
            // It has skipped what it cannot read, and that must not pass for a gap.
            Some(RDKafkaErrorCode::BadMessage | RDKafkaErrorCode::NotImplemented) => {
                self.send(Event::Failed(anyhow!("topic {}: a batch cannot be read: {error}", self.topic)))
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
        let mut ends = Vec::new();
        if self.tells_ends {
            ends = partitions.iter().map(|partition| self.ends(*partition, TIMEOUT)).collect::<Result<_, _>>()?;
        }
        let (begin, answer) = oneshot::channel();
        self.send(Event::Assigned { partitions, ends, begin }).map_err(|Closed| anyhow!("the consumer is closing"))?;
        let begins = answer.blocking_recv().context("the consumer is closing")?;
        let mut list = TopicPartitionList::new();
        for (partition, offset) in begins {
            let begin = self.begin(partition, offset)?;
            list.add_partition_offset(&self.topic, partition, begin)?;
            self.hand().held.insert(partition, Held { next: offset, ..Held::default() });
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
                 topic made anew? then raise its kafka.epochs",
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
        self.hand().held.retain(|partition, _| !gone.contains(partition));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::embedded::Embedded;

    #[test]
    fn a_topic_that_is_made_anew_while_it_is_read_is_noticed() {
        let broker = Embedded::start([("figures", 1)]).unwrap();
        let options = Options {
            brokers: broker.brokers(),
            group: "door".to_owned(),
            epochs: BTreeMap::from([("figures".to_owned(), 1)]),
            topics: BTreeMap::new(),
            settings: BTreeMap::new(),
        };
        let (sender, mut events) = mpsc::channel(4);
        let bounds = Bounds { rows: 1_000, bytes: 1 << 20 };
        let door = Door::new(&options, "figures", bounds, Clock::Fixed(7), sender, Arc::default()).unwrap();
        let id = topic_id::ask(door.asker.client(), "figures", TIMEOUT).unwrap();
        for joined in [None, id.as_deref()] {
            assert!(door.probe(joined).is_ok());
            assert!(matches!(events.try_recv(), Ok(Event::Ends(_))), "{joined:?}");
        }
        assert!(door.probe(Some("another")).is_ok());
        let Ok(Event::Failed(problem)) = events.try_recv() else { panic!("nothing failed") };
        assert!(problem.to_string().contains("kafka.epochs.\"figures\" = 2"), "{problem}");
    }
}
