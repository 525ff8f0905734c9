//! What librdkafka's callbacks and the polling loop share.
//!
//! In: messages, rebalances and troubles, on the consumer's thread. Out: events, in the order in which they have to be
//! dealt with. Never: an event after nobody listens any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, anyhow, bail};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::{mpsc, oneshot};

use super::asker::{Asker, for_one_look};
use super::{
    Begin, Bounds, CHUNK_ROWS, CHUNK_SHARE, Event, Options, PROBE_TIMEOUT, PartitionEnd, Received, SAY_AGAIN, TIMEOUT,
    put,
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
    asker: Asker,
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
            asker: Asker::connect(options, topic)?,
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
    /// while the broker does not answer. Polling waits meanwhile, so all partitions are asked about together, and looked
    /// at together.
    pub(super) fn probe(&self, joined: Option<&str>) -> Result<(), Closed> {
        let held = self.hand().held.clone();
        let partitions: Vec<i32> = held.keys().copied().collect();
        let at = self.clock.now();
        let ranges = match self.asker.ranges(&partitions, PROBE_TIMEOUT) {
            Ok(ranges) => ranges,
            Err(error) => {
                tracing::debug!(topic = %self.topic, %error, "ends not known");
                return Ok(());
            }
        };
        let (mut ends, mut unread) = (Vec::with_capacity(ranges.len()), Vec::new());
        for (Held { next, is_at_end, .. }, OffsetRange { partition, from, until }) in held.into_values().zip(ranges) {
            let from = next.unwrap_or(from);
            if is_at_end && from < until {
                unread.push(OffsetRange { partition, from, until });
            }
            ends.push(PartitionEnd { partition, end: until, at, is_at_end });
        }
        if !unread.is_empty() {
            self.note_control(&for_one_look(unread));
        }
        let anew = joined.and_then(|joined| self.asker.made_anew(joined));
        self.flush()?;
        self.send(anew.map_or(Event::Ends(ends), Event::Failed))
    }

    /// Notes offsets before partitions' ends as gaps, once it is sure that nothing there is ever handed out: the markers
    /// of transactions, and what aborted ones left.
    fn note_control(&self, unread: &[OffsetRange]) {
        let found = match self.asker.holds_only_control(unread) {
            Ok(found) => found,
            Err(error) => {
                tracing::debug!(topic = %self.topic, %error, "last offsets not looked at");
                return;
            }
        };
        let mut hand = self.hand();
        let Hand { waiting, held } = &mut *hand;
        for OffsetRange { partition, from, until } in unread {
            let (Some(held), Some(is_only_control)) = (held.get_mut(partition), found.get(partition)) else { continue };
            // One look may have met a leader that was still catching up; what two say, some time apart, holds.
            if let Some(quiet_until) = held.quiet_until.filter(|_| *is_only_control) {
                waiting.note_gap(*partition, *from..quiet_until);
                held.next = Some(quiet_until);
            }
            held.quiet_until = is_only_control.then_some(*until);
        }
    }

    /// Tells what the broker has of every partition; says nothing while it does not answer.
    pub(super) fn look_around(&self) -> Result<(), Closed> {
        match self.asker.all_ranges() {
            Ok(ranges) => self.send(Event::All(ranges)),
            Err(error) => {
                tracing::debug!(topic = %self.topic, %error, "partitions not known");
                Ok(())
            }
        }
    }

    pub(super) fn holds_nothing(&self) -> bool {
        self.hand().held.is_empty()
    }

    /// Ends on what librdkafka cannot mend, and warns of what it can.
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
                self.send(Event::Failed(anyhow!(
                    "topic {} is gone from the broker; if it is made anew, raise its kafka.epochs",
                    self.topic
                )))
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

    /// Begins each partition that is given to us where the tables stand.
    fn assign(&self, kafka: &BaseConsumer<Self>, given: &TopicPartitionList) -> anyhow::Result<()> {
        let partitions = partitions(given);
        let mut ends = Vec::new();
        if self.tells_ends {
            ends = self.asker.ranges(&partitions, TIMEOUT)?;
        }
        let (begin, answer) = oneshot::channel();
        self.send(Event::Assigned { partitions, ends, begin }).map_err(|Closed| anyhow!("the consumer is closing"))?;
        let begins = answer.blocking_recv().context("the consumer is closing")?;
        let partitions: Vec<i32> = begins.iter().map(|begin| begin.partition).collect();
        let at = self.clock.now();
        let (mut list, mut ends) = (TopicPartitionList::new(), Vec::with_capacity(partitions.len()));
        for (begin, range) in begins.into_iter().zip(self.asker.ranges(&partitions, TIMEOUT)?) {
            ends.push(PartitionEnd { partition: range.partition, end: range.until, at, is_at_end: false });
            list.add_partition_offset(&self.topic, begin.partition, self.begin(begin, range)?)?;
            self.hand().held.insert(begin.partition, Held { next: begin.offset, ..Held::default() });
        }
        match kafka.rebalance_protocol() {
            RebalanceProtocol::Cooperative => kafka.incremental_assign(&list)?,
            _ => kafka.assign(&list)?,
        }
        // Before their first message, so that whoever takes it knows what lies behind.
        self.send(Event::Ends(ends)).map_err(|Closed| anyhow!("the consumer is closing"))
    }

    /// Where a partition begins, once it is sure that the broker still has that place.
    fn begin(&self, Begin { offset, known, .. }: Begin, range: OffsetRange) -> anyhow::Result<Offset> {
        let OffsetRange { partition, from: low, until: high } = range;
        let (stands, offset) = match (offset, known) {
            (Some(offset), _) => ("the table stands", offset),
            (None, Some(known)) if known < low => ("nothing was ever read, and the books stand", known),
            (None, _) => return Ok(Offset::Beginning),
        };
        if offset < low {
            bail!(
                "topic {} partition {partition}: {stands} at offset {offset}, the broker begins at {low}: {} \
                 offsets fell out of retention before they were read; to go on without them: callsieve ledger accept \
                 --source {}/{}/{} --partition {partition} --from {offset} --until {low}",
                self.topic,
                low - offset,
                self.asker.cluster(),
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

    /// Lets partitions go once what was received of them is committed.
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
    use std::time::Duration;

    use super::super::asker::tests::{Cluster, PARTITIONS, many};
    use super::*;

    /// The broker, and a door that is connected to it.
    fn connected() -> (Cluster, Door, mpsc::Receiver<Event>) {
        let (cluster, options) = many();
        let (sender, events) = mpsc::channel(1);
        let bounds = Bounds { rows: 1, bytes: 1 };
        let door = Door::new(&options, "many", bounds, Clock::Fixed(7), sender, Arc::default()).unwrap();
        door.asker.ranges(&[0], TIMEOUT).unwrap();
        (cluster, door, events)
    }

    #[test]
    fn what_is_gone_of_a_partition_that_was_known_and_never_read_stops_us() {
        let (_cluster, door, _events) = connected();
        let begin = |offset, known| {
            door.begin(Begin { partition: 3, offset, known }, OffsetRange { partition: 3, from: 50, until: 60 })
        };
        for (offset, known, from) in
            [(None, Some(0), 0), (None, Some(49), 49), (Some(7), None, 7), (Some(7), Some(0), 7)]
        {
            let error = begin(offset, known).unwrap_err().to_string();
            assert!(error.contains(&format!("--partition 3 --from {from} --until 50")), "{error}");
        }
        assert_eq!(begin(None, None).unwrap(), Offset::Beginning, "nobody knows what was there");
        assert_eq!(begin(None, Some(50)).unwrap(), Offset::Beginning);
        assert_eq!(begin(None, Some(55)).unwrap(), Offset::Beginning, "what the broker has is read");
        assert_eq!(begin(Some(55), Some(0)).unwrap(), Offset::Offset(55));
    }

    #[test]
    fn a_probe_of_many_partitions_takes_no_longer_than_of_one() {
        let (cluster, door, mut events) = connected();
        door.hand().held.extend((0..PARTITIONS).map(|partition| (partition, Held::default())));
        cluster.broker_round_trip_time(-1, Duration::from_millis(100)).unwrap();
        let watch = Stopwatch::start();
        assert!(door.probe(None).is_ok());
        let took = watch.elapsed();
        assert!(took < Duration::from_secs(2), "40 partitions at 100 ms each, one after the other? {took:?}");
        let Some(Event::Ends(ends)) = events.blocking_recv() else { panic!("no ends are told") };
        let ends: Vec<_> = ends.iter().map(|end| (end.partition, end.end, end.at)).collect();
        let expected: Vec<_> = (0..PARTITIONS).map(|partition| (partition, i64::from(partition == 3), 7)).collect();
        assert_eq!(ends, expected);
    }

    #[test]
    fn what_two_looks_find_empty_is_a_gap() {
        let (_cluster, door, _events) = connected();
        door.hand().held.insert(5, Held { next: Some(0), is_at_end: true, quiet_until: None });
        let unread = OffsetRange { partition: 5, from: 0, until: 2 };
        door.note_control(&[unread]);
        assert!(door.has_looked_once() && door.hand().waiting.is_empty());
        door.note_control(&[unread]);
        assert_eq!(door.hand().waiting.ranges(), [unread]);
    }
}
