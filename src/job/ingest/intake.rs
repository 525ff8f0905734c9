//! What waits between two commits of one topic.
//!
//! In: events of a consumer. Out: batches, one under way at a time while the next is being received. Never: lets a
//! partition go before what was received of it is committed; holds more than two batches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::held::Held;
use super::{End, Ingest, stopped};
use crate::clock::Stopwatch;
use crate::domain::message::{Messages, OffsetRange};
use crate::job::writer::{Batch, Committed, Writer, Written};
use crate::source::kafka::{Begin, Consumer, Event, PartitionEnd};

mod figures;

/// How often the age of waiting messages is looked at.
const TICK: Duration = Duration::from_millis(200);

/// The state between two commits of one topic.
pub(super) struct Intake<'a> {
    ingest: &'a Ingest,
    source_topic: &'a str,
    stop: watch::Receiver<bool>,
    /// Taken for as long as a batch is under way.
    writer: Arc<Mutex<Writer>>,
    under_way: Option<UnderWay>,
    settled: Stopwatch,
    pending: Messages,
    since: Stopwatch,
    /// Turns of the consumer's thread, and ticks since the last.
    beats: (u64, u32),
    held: BTreeMap<i32, Held>,
    /// The group's last word was an assignment, be it an empty one: it counts us as alive.
    is_member: bool,
}

/// A batch that is being written.
struct UnderWay {
    writing: JoinHandle<anyhow::Result<Written>>,
    bytes: usize,
    since: Stopwatch,
}

impl<'a> Intake<'a> {
    pub(super) async fn open(
        ingest: &'a Ingest,
        source_topic: &'a str,
        consumer: &Consumer,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let origin = consumer.origin().clone();
        let writer = Writer::open(ingest.topic, &ingest.site, source_topic, origin, stop.clone()).await?;
        let mut writer = writer.with_format(ingest.format.clone())?;
        writer.know(consumer.partitions(), consumer.topic_id()).await?;
        let mut intake = Self {
            ingest,
            source_topic,
            stop,
            writer: Arc::new(Mutex::new(writer)),
            under_way: None,
            settled: Stopwatch::start(),
            pending: Messages::default(),
            since: Stopwatch::start(),
            beats: (0, 0),
            held: BTreeMap::new(),
            is_member: false,
        };
        // What the consumer before us held is not ours, and not yet anybody's.
        intake.note_held();
        // A run that was killed may have left accounts in the log.
        intake.settle().await?;
        Ok(intake)
    }

    pub(super) async fn run(&mut self, consumer: &mut Consumer) -> anyhow::Result<End> {
        let end = self.receive(consumer).await;
        // Whatever has ended it, a batch under way is not left to itself.
        let landed = self.land(consumer).await;
        let end = end?;
        landed?;
        self.settle().await?;
        Ok(end)
    }

    /// Takes what the consumer and the batch under way say, until one of them means the end.
    async fn receive(&mut self, consumer: &mut Consumer) -> anyhow::Result<End> {
        let mut tick = tokio::time::interval(TICK);
        // A tick that was missed is not made up for: our own work is no silence of the consumer's.
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = self.stop.clone();
        loop {
            let done = tokio::select! {
                () = stopped(&mut stop) => return self.drain(consumer).await,
                written = written(&mut self.under_way) => self.take_written(written?, consumer)?,
                event = consumer.next(), if self.has_room() => self.take(event, consumer).await?,
                _ = tick.tick() => self.listen(consumer)?,
            };
            if let Some(end) = done {
                return Ok(end);
            }
            if self.under_way.is_none() && self.is_settling_due() {
                self.settle().await?;
            }
            self.set_off_if_due();
        }
    }

    /// Deals with one event of the consumer; the end, when it means one.
    async fn take(&mut self, event: Option<Event>, consumer: &Consumer) -> anyhow::Result<Option<End>> {
        match event {
            Some(Event::Assigned { partitions, ends, begin }) => {
                self.count_rebalance();
                let end = self.land(consumer).await?;
                let begins = self.assigned(&partitions, &ends).await?;
                // An error means that the consumer has gone, which the next event says too.
                begin.send(begins).ok();
                Ok(ended(end))
            }
            Some(Event::Messages(messages)) => {
                self.received(messages);
                Ok(None)
            }
            Some(Event::Revoked { partitions, drained }) => {
                self.count_rebalance();
                let end = self.drain(consumer).await?;
                self.settle().await?;
                self.held.retain(|partition, _| !partitions.contains(partition));
                self.is_member = false;
                self.note_held();
                // As above: nobody waits for the answer of a consumer that has gone.
                drained.send(()).ok();
                Ok(ended(end))
            }
            Some(Event::Ends(ends)) => Ok(self.compare(&ends)),
            Some(Event::All(ranges)) => match self.drain(consumer).await? {
                End::Done => Ok(self.writer.lock().await.has_all(&ranges).await?.then_some(End::Done)),
                end => Ok(Some(end)),
            },
            Some(Event::Usurped) => Ok(Some(End::Fenced)),
            Some(Event::Failed(problem)) => {
                self.drain(consumer).await?;
                Err(problem)
            }
            None => anyhow::bail!("the consumer of {} has ended by itself; start ingest again", self.source_topic),
        }
    }

    async fn assigned(&mut self, partitions: &[i32], ends: &[OffsetRange]) -> anyhow::Result<Vec<Begin>> {
        let mut writer = self.writer.lock().await;
        writer.defer(ends).await?;
        let begins = writer.begins(partitions).await?;
        drop(writer);
        for begin in &begins {
            self.held.insert(begin.partition, Held::new(begin.offset));
        }
        self.is_member = true;
        self.note_held();
        self.note_progress();
        tracing::info!(topic = %self.ingest.topic, ?begins, "partitions assigned");
        Ok(begins)
    }

    fn received(&mut self, messages: Messages) {
        if self.pending.is_empty() {
            self.since = Stopwatch::start();
        }
        for range in messages.ranges() {
            if let Some(held) = self.held.get_mut(&range.partition) {
                held.receive(range.until);
            }
        }
        self.pending.append(messages);
        self.note_progress();
    }

    /// A consumer's thread that hangs cannot say so: librdkafka waits by the wall clock, and one that was put back
    /// holds it up for as long. The supervisor starts us anew.
    fn listen(&mut self, consumer: &Consumer) -> anyhow::Result<Option<End>> {
        let beats = consumer.beats();
        let is_quiet = beats == self.beats.0 && self.has_room();
        // A member that was given nothing has nothing to move on with. While the broker is away it is no member.
        if self.held.is_empty() && self.is_member && beats != self.beats.0 {
            self.note_progress();
        }
        self.beats = (beats, if is_quiet { self.beats.1 + 1 } else { 0 });
        let silent = TICK * self.beats.1;
        anyhow::ensure!(
            silent < Duration::from_secs(self.ingest.options.stall_secs),
            "the consumer of {} has given no sign of life for {} s; was the clock put back?",
            self.source_topic,
            silent.as_secs()
        );
        Ok(None)
    }

    /// Compares where the partitions end with what was received of them.
    fn compare(&mut self, ends: &[PartitionEnd]) -> Option<End> {
        let stall = Duration::from_secs(self.ingest.options.stall_secs);
        let mut is_stalled = false;
        for at in ends {
            if let Some(held) = self.held.get_mut(&at.partition) {
                is_stalled |= held.compare(at) > stall;
            }
        }
        self.note_lag();
        if is_stalled {
            return Some(End::Stalled);
        }
        self.note_progress();
        None
    }

    fn is_full(&self) -> bool {
        let options = &self.ingest.options;
        self.pending.len() >= options.flush_rows || self.pending.size_bytes() >= options.batch_bytes()
    }

    /// Behind a batch that is under way one more may wait.
    fn has_room(&self) -> bool {
        self.under_way.is_none() || !self.is_full()
    }

    fn set_off_if_due(&mut self) {
        let is_late = self.since.elapsed() >= Duration::from_secs(self.ingest.options.flush_secs);
        if self.under_way.is_none() && (self.is_full() || (is_late && !self.pending.is_empty())) {
            self.set_off();
        }
    }

    /// Sends what waits on its way, on a thread where decoding and encoding hold nobody up.
    fn set_off(&mut self) {
        let messages = std::mem::take(&mut self.pending);
        let bytes = messages.size_bytes();
        let began = |(partition, held): (&i32, &Held)| held.committed.map(|at| (*partition, at));
        let ends = self.held.iter().map(|(partition, held)| (*partition, held.end)).collect();
        let batch = Batch { messages, began: self.held.iter().filter_map(began).collect(), ends };
        let (writer, runtime) = (Arc::clone(&self.writer), runtime::Handle::current());
        let writing = tokio::task::spawn_blocking(move || {
            let mut writer = writer.blocking_lock_owned();
            runtime.block_on(writer.write(batch))
        });
        self.under_way = Some(UnderWay { writing, bytes, since: self.since });
    }

    /// Waits for the batch that is under way.
    async fn land(&mut self, consumer: &Consumer) -> anyhow::Result<End> {
        if self.under_way.is_none() {
            return Ok(End::Done);
        }
        let landed = written(&mut self.under_way).await?;
        Ok(self.take_written(landed, consumer)?.unwrap_or(End::Done))
    }

    /// Commits all that was received.
    async fn drain(&mut self, consumer: &Consumer) -> anyhow::Result<End> {
        let end = self.land(consumer).await?;
        if end != End::Done || self.pending.is_empty() {
            return Ok(end);
        }
        self.set_off();
        self.land(consumer).await
    }

    fn take_written(&mut self, landed: Landed, consumer: &Consumer) -> anyhow::Result<Option<End>> {
        match landed.written? {
            Written::Committed(committed) => {
                self.committed(&committed, consumer);
                self.count(&committed, landed.since);
                Ok(None)
            }
            Written::Fenced => Ok(Some(End::Fenced)),
            Written::Stopped => Ok(Some(End::Stopped)),
        }
    }

    fn committed(&mut self, committed: &Committed, consumer: &Consumer) {
        let mut ranges = Vec::new();
        for account in &committed.accounts {
            ranges.push(OffsetRange { partition: account.partition, from: account.from, until: account.until });
            if let Some(held) = self.held.get_mut(&account.partition) {
                held.committed = Some(account.until);
            }
        }
        consumer.note_committed(&ranges);
        self.note_lag();
    }

    fn is_settling_due(&self) -> bool {
        self.settled.elapsed() >= Duration::from_secs(self.ingest.options.settle_secs)
    }

    /// Brings the books up to date, with a word of the partitions that have nothing more to read.
    async fn settle(&mut self) -> anyhow::Result<()> {
        self.settled = Stopwatch::start();
        let now = self.ingest.site.clock.now();
        let mut idle = Vec::new();
        for (partition, held) in &mut self.held {
            if let Some((offset, at)) = held.note_idle() {
                idle.push((*partition, offset, at));
            }
        }
        self.writer.lock().await.settle(&idle, now).await
    }
}

/// A batch that is not under way any more.
struct Landed {
    written: anyhow::Result<Written>,
    since: Stopwatch,
}

/// What becomes of the batch that is under way; never, when there is none.
async fn written(under_way: &mut Option<UnderWay>) -> anyhow::Result<Landed> {
    let Some(batch) = under_way else { return std::future::pending().await };
    let (written, since) = ((&mut batch.writing).await, batch.since);
    *under_way = None;
    Ok(Landed { written: written.context("a batch was given up by its thread")?, since })
}

fn ended(end: End) -> Option<End> {
    (end != End::Done).then_some(end)
}

#[cfg(test)]
mod tests;
