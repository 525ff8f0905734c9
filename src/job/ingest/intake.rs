//! What waits between two commits of one topic.
//!
//! In: events of a consumer. Out: commits, first of the rejects, then of the rows with an account of every offset.
//! Never: lets a partition go before what was received of it is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::sync::watch;

use super::accounts::accounts;
use super::{End, Ingest, PAUSE, stopped};
use crate::clock::Stopwatch;
use crate::decode::{Decoded, Decoder};
use crate::domain::account::Account;
use crate::domain::message::{Messages, OffsetRange};
use crate::lake::Handle;
use crate::lake::append::{AppendError, Span};
use crate::lake::ledger::{Books, Entry, Kind, Told};
use crate::schema::contract::Table;
use crate::source::kafka::{Consumer, Event, PartitionEnd};
use crate::telemetry::metrics::seconds;
use crate::text;

/// How often an idle partition is noted again.
const IDLE_EVERY_US: i64 = 60 * 1_000_000;
/// How often the age of waiting messages is looked at.
const TICK: Duration = Duration::from_millis(200);

/// The state between two commits of one topic.
pub(super) struct Intake<'a> {
    ingest: &'a Ingest,
    source_topic: &'a str,
    source: String,
    stop: watch::Receiver<bool>,
    decoder: Decoder,
    rows: Handle,
    rejects: Handle,
    books: Books,
    settled: Stopwatch,
    pending: Messages,
    since: Stopwatch,
    /// Turns of the consumer's thread, and since when there was no other.
    alive: (u64, Stopwatch),
    /// Offsets beyond the rows' own that a crashed run has already put into `reject`.
    honoured: BTreeMap<i32, BTreeSet<i64>>,
    held: BTreeMap<i32, Held>,
}

/// A partition that we hold.
#[derive(Debug, Clone, Copy)]
struct Held {
    /// First offset that is not committed, when any ever was.
    committed: Option<i64>,
    /// First offset that has not been received, when any ever was.
    received: Option<i64>,
    /// First offset that the broker had not given away when last asked.
    end: i64,
    /// `received` and `end` when it last moved, or had nothing to move to; and when that was.
    still: (Option<i64>, i64, Stopwatch),
    /// An offset with nothing behind it at an instant.
    idle: Option<(i64, i64)>,
    /// The same as it was last noted.
    noted: Option<(i64, i64)>,
}

impl Held {
    fn new(committed: Option<i64>) -> Self {
        let end = committed.unwrap_or_default();
        Self { committed, received: committed, end, still: (None, end, Stopwatch::start()), idle: None, noted: None }
    }

    /// Takes in where the partition ends; says how long messages have been waiting there with none coming.
    fn compare(&mut self, at: &PartitionEnd) -> Duration {
        self.end = at.end;
        let is_all_received = match self.received {
            Some(received) => received >= at.end,
            None => at.is_at_end || at.end == 0,
        };
        if is_all_received {
            self.idle = Some((self.received.unwrap_or(at.end), at.at));
        }
        let (received, end, _) = self.still;
        // Behind the last message there may be control records, which are never handed out.
        let is_all_handed_out = at.is_at_end && at.end == end;
        if received != self.received || is_all_received || is_all_handed_out {
            self.still = (self.received, at.end, Stopwatch::start());
        }
        self.still.2.elapsed()
    }
}

impl<'a> Intake<'a> {
    pub(super) async fn open(
        ingest: &'a Ingest,
        source_topic: &'a str,
        consumer: &Consumer,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Self> {
        let table: Table = ingest.topic.name().parse().map_err(anyhow::Error::msg)?;
        let mut intake = Self {
            ingest,
            source_topic,
            source: consumer.source(),
            stop,
            decoder: Decoder::new(ingest.topic, source_topic, ingest.site.decode, text::report::read),
            rows: ingest.site.lake.open(table).await?,
            rejects: ingest.site.lake.open(Table::REJECT).await?,
            books: Books::open(&ingest.site.lake).await?,
            settled: Stopwatch::start(),
            pending: Messages::default(),
            since: Stopwatch::start(),
            alive: (0, Stopwatch::start()),
            honoured: BTreeMap::new(),
            held: BTreeMap::new(),
        };
        // A run that was killed may have left accounts in the log.
        intake.settle().await?;
        Ok(intake)
    }

    pub(super) async fn run(&mut self, consumer: &mut Consumer) -> anyhow::Result<End> {
        let mut tick = tokio::time::interval(TICK);
        let mut stop = self.stop.clone();
        let end = loop {
            let done = tokio::select! {
                () = stopped(&mut stop) => Some(self.flush(consumer).await?),
                event = consumer.next() => {
                    self.alive = (consumer.beats(), Stopwatch::start());
                    self.take(event, consumer).await?
                }
                _ = tick.tick() => {
                    self.look_for_life(consumer)?;
                    self.flush_if_due(consumer).await?
                }
            };
            if let Some(end) = done {
                break end;
            }
            if self.settled.elapsed() >= Duration::from_secs(self.ingest.options.settle_secs) {
                self.settle().await?;
            }
        };
        self.settle().await?;
        Ok(end)
    }

    async fn take(&mut self, event: Option<Event>, consumer: &Consumer) -> anyhow::Result<Option<End>> {
        match event {
            Some(Event::Assigned { partitions, begin }) => {
                self.count_rebalance();
                let offsets = self.assigned(&partitions, consumer).await?;
                // An error means that the consumer has gone, which the next event says too.
                begin.send(offsets).ok();
                Ok(None)
            }
            Some(Event::Messages(messages)) => {
                if self.pending.is_empty() {
                    self.since = Stopwatch::start();
                }
                for range in messages.ranges() {
                    if let Some(held) = self.held.get_mut(&range.partition) {
                        held.received = Some(range.until);
                        held.idle = None;
                    }
                }
                self.pending.append(messages);
                self.note_progress();
                self.flush_if_due(consumer).await
            }
            Some(Event::Revoked { partitions, drained }) => {
                self.count_rebalance();
                let end = self.flush(consumer).await?;
                self.settle().await?;
                self.held.retain(|partition, _| !partitions.contains(partition));
                self.note_held();
                // As above: nobody waits for the answer of a consumer that has gone.
                drained.send(()).ok();
                Ok((end != End::Done).then_some(end))
            }
            Some(Event::Ends(ends)) => Ok(self.compare(&ends)),
            Some(Event::All(ranges)) => match self.flush(consumer).await? {
                End::Done => Ok(self.is_all_read(&ranges, consumer).await?.then_some(End::Done)),
                end => Ok(Some(end)),
            },
            Some(Event::Usurped) => Ok(Some(End::Fenced)),
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
                let rejected = self.rejects.rejected(&self.source, *partition, from, until).await?;
                self.honoured.insert(*partition, rejected);
            }
            offsets.push((*partition, rows_at));
            self.held.insert(*partition, Held::new(rows_at));
        }
        self.note_held();
        self.note_progress();
        tracing::info!(topic = %self.ingest.topic, ?offsets, "partitions assigned");
        Ok(offsets)
    }

    /// Whether the table stands at the end of every partition, whoever has read it.
    async fn is_all_read(&mut self, ranges: &[OffsetRange], consumer: &Consumer) -> anyhow::Result<bool> {
        self.rows.refresh().await?;
        if ranges.is_empty() {
            return Ok(false);
        }
        for range in ranges {
            let at = self.rows.offset(&consumer.app_id(range.partition)).await?;
            if at.unwrap_or(range.from) < range.until {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A consumer's thread that hangs cannot say so: librdkafka waits by the wall clock, and one that was put back
    /// holds it up for as long. The supervisor starts us anew.
    fn look_for_life(&mut self, consumer: &Consumer) -> anyhow::Result<()> {
        let beats = consumer.beats();
        if beats != self.alive.0 {
            self.alive = (beats, Stopwatch::start());
        }
        let silent = self.alive.1.elapsed();
        anyhow::ensure!(
            silent < Duration::from_secs(self.ingest.options.stall_secs),
            "the consumer of {} has given no sign of life for {} s; was the clock put back?",
            self.source_topic,
            silent.as_secs()
        );
        Ok(())
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

    async fn flush_if_due(&mut self, consumer: &Consumer) -> anyhow::Result<Option<End>> {
        let options = &self.ingest.options;
        let full = self.pending.len() >= options.flush_rows || self.pending.size_bytes() >= options.batch_bytes();
        let late = self.since.elapsed() >= Duration::from_secs(options.flush_secs);
        if full || (late && !self.pending.is_empty()) {
            let end = self.flush(consumer).await?;
            return Ok((end != End::Done).then_some(end));
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
        if !self.teach(&messages).await? {
            // Nothing of this was committed, and it comes again; what may still come must not follow it.
            return Ok(End::Stopped);
        }
        let came = messages.len();
        let honoured = &self.honoured;
        let is_new =
            |partition: i32, offset: i64| !honoured.get(&partition).is_some_and(|known| known.contains(&offset));
        let all = messages.places();
        let gaps = messages.gaps().clone();
        messages.retain(is_new);
        let now = self.ingest.site.clock.now();
        let decoded = self.decoder.decode(&messages, &self.source, now)?;
        let began =
            self.held.iter().filter_map(|(partition, held)| held.committed.map(|at| (*partition, at))).collect();
        let accounts = accounts(&self.source, &all, &gaps, &began, &self.honoured, &decoded)?;
        match self.commit(&decoded, &accounts, now, consumer).await {
            Ok(bytes) => {
                self.committed(&accounts, consumer);
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
        accounts: &[Account],
        at: i64,
        consumer: &Consumer,
    ) -> Result<u64, AppendError> {
        let mut bytes = 0;
        if decoded.rejects.num_rows() > 0 {
            let spans = self.reject_spans(accounts, consumer).await?;
            bytes += self.rejects.append(std::slice::from_ref(&decoded.rejects), &spans).await?.added.bytes;
        }
        let span = |account: &Account| Span {
            app_id: consumer.app_id(account.partition),
            from: account.from,
            until: account.until,
        };
        let spans: Vec<Span> = accounts.iter().map(span).collect();
        let told = Told { kind: Kind::Read, accounts, at, note: None };
        bytes += self.rows.append_told(&decoded.rows, &spans, told).await?.added.bytes;
        Ok(bytes)
    }

    /// The rejects of a crashed run reach further than its rows: what they hold was honoured above.
    async fn reject_spans(&self, accounts: &[Account], consumer: &Consumer) -> anyhow::Result<Vec<Span>> {
        let mut spans = Vec::new();
        for account in accounts {
            let app_id = consumer.app_id(account.partition);
            let rejects_at = self.rejects.offset(&app_id).await?.unwrap_or_default();
            let ours = self.honoured.contains_key(&account.partition);
            let from = if ours { account.from.max(rejects_at) } else { account.from };
            spans.push(Span { app_id, from, until: account.until.max(from) });
        }
        Ok(spans)
    }

    fn committed(&mut self, accounts: &[Account], consumer: &Consumer) {
        let mut ranges = Vec::new();
        for account in accounts {
            let Account { partition, from, until, .. } = *account;
            ranges.push(OffsetRange { partition, from, until });
            if let Some(held) = self.held.get_mut(&partition) {
                held.committed = Some(until);
            }
            // Past the last of them the two tables agree again.
            let is_past = |known: &BTreeSet<i64>| known.last().is_none_or(|last| *last < until);
            if self.honoured.get(&partition).is_some_and(is_past) {
                self.honoured.remove(&partition);
            }
        }
        consumer.note_committed(&ranges);
        self.note_lag();
    }

    /// Copies accounts from the log into the books, and notes which partitions have nothing more to read.
    async fn settle(&mut self) -> anyhow::Result<()> {
        self.settled = Stopwatch::start();
        self.books.settle(&self.rows).await?;
        let (now, table) = (self.ingest.site.clock.now(), self.rows.table());
        let mut entries = Vec::new();
        for (partition, held) in &mut self.held {
            let Some((offset, at)) = held.idle else { continue };
            let is_known = held.noted.is_some_and(|(noted, then)| noted == offset && at - then < IDLE_EVERY_US);
            if is_known || held.committed.is_some_and(|committed| committed < offset) {
                continue;
            }
            held.noted = Some((offset, at));
            let mut account = Account::empty(&self.source, *partition, offset);
            account.watermark = Some(at);
            entries.push(Entry::new(Kind::Idle, table, account, now));
            held.idle = None;
        }
        self.books.note(&entries).await
    }

    /// Asks the registry for every schema id that is new, for as long as it does not answer; false when asked to stop.
    async fn teach(&mut self, messages: &Messages) -> anyhow::Result<bool> {
        for id in self.decoder.unknown_schemas(messages) {
            loop {
                match self.ingest.site.registry.schema(id).await {
                    Ok(schema) => {
                        self.decoder.teach(id, schema.as_deref());
                        break;
                    }
                    Err(error) => {
                        let error = format!("{error:#}");
                        tracing::warn!(topic = %self.ingest.topic, id, error, "registry does not answer, asking again");
                        let retries = &self.ingest.site.metrics.ingest_registry_retries;
                        retries.with_label_values(&[self.ingest.topic.name()]).inc();
                    }
                }
                tokio::select! {
                    () = stopped(&mut self.stop) => return Ok(false),
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
        Ok(true)
    }

    fn count(&self, came: usize, honoured: usize, decoded: &Decoded, bytes: u64) {
        let metrics = &self.ingest.site.metrics;
        let topic = [self.ingest.topic.name()];
        metrics.ingest_messages.with_label_values(&topic).inc_by(came as u64);
        metrics.ingest_honoured.with_label_values(&topic).inc_by(honoured as u64);
        metrics.ingest_rows.with_label_values(&topic).inc_by(decoded.records());
        metrics.ingest_tombstones.with_label_values(&topic).inc_by(decoded.tombstones);
        metrics.ingest_written_bytes.with_label_values(&topic).inc_by(bytes);
        metrics.ingest_commit_seconds.with_label_values(&topic).observe(seconds(self.since.elapsed()));
        metrics.ingest_last_commit.with_label_values(&topic).set(self.ingest.site.clock.now().div_euclid(1_000_000));
        for (reason, count) in &decoded.reasons {
            metrics.ingest_rejects.with_label_values(&[topic[0], reason.as_str()]).inc_by(*count);
        }
        self.note_progress();
        let (rows, rejects) = (decoded.records(), decoded.rejects.num_rows());
        tracing::info!(topic = %self.ingest.topic, version = self.rows.version(), rows, rejects, "committed");
    }

    fn count_rebalance(&self) {
        self.ingest.site.metrics.ingest_rebalances.with_label_values(&[self.ingest.topic.name()]).inc();
    }

    fn note_held(&self) {
        let gauge = self.ingest.site.metrics.ingest_partitions.with_label_values(&[self.ingest.topic.name()]);
        gauge.set(i64::try_from(self.held.len()).unwrap_or(i64::MAX));
        self.note_lag();
    }

    fn note_lag(&self) {
        let lag = |held: &Held| held.committed.map_or(held.end, |committed| held.end.saturating_sub(committed)).max(0);
        let topic = [self.ingest.topic.name()];
        self.ingest.site.metrics.ingest_lag.with_label_values(&topic).set(self.held.values().map(lag).sum());
        let waiting = i64::try_from(self.pending.size_bytes()).unwrap_or(i64::MAX);
        self.ingest.site.metrics.ingest_waiting_bytes.with_label_values(&topic).set(waiting);
    }

    fn note_progress(&self) {
        let now = self.ingest.site.clock.now().div_euclid(1_000_000);
        self.ingest.site.metrics.ingest_progress.with_label_values(&[self.ingest.topic.name()]).set(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(end: i64, is_at_end: bool) -> PartitionEnd {
        PartitionEnd { partition: 0, end, at: 7, is_at_end }
    }

    /// Whether the partition is taken to stand still.
    fn stands(held: &mut Held, at: &PartitionEnd) -> bool {
        std::thread::sleep(Duration::from_millis(2));
        held.compare(at) >= Duration::from_millis(2)
    }

    #[test]
    fn a_partition_that_stands_still_with_messages_waiting_is_found() {
        let mut held = Held::new(Some(100));
        held.received = Some(150);
        assert!(!stands(&mut held, &end(200, false)), "it has moved");
        assert!(stands(&mut held, &end(200, false)), "it waits at 150 of 200");
        held.received = Some(160);
        assert!(!stands(&mut held, &end(900, false)), "it has moved again");
    }

    #[test]
    fn a_partition_with_nothing_to_read_does_not_stand_still() {
        let mut held = Held::new(Some(100));
        for _ in 0..2 {
            assert!(!stands(&mut held, &end(100, true)));
        }
        assert_eq!(held.idle, Some((100, 7)));
    }

    #[test]
    fn control_records_behind_the_last_message_are_not_waited_for() {
        let mut held = Held::new(Some(100));
        held.received = Some(110);
        for _ in 0..3 {
            assert!(!stands(&mut held, &end(111, true)));
        }
        assert_eq!(held.idle, None, "that there is nothing but control records is not known");
        assert!(stands(&mut held, &end(120, true)), "messages that came after the end was seen are waited for");
    }
}
