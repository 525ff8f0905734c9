//! What operators see of an intake.
//!
//! In: its state, and a batch that is committed. Out: metrics of its topic, and a line of the log. Never: changes the state;
//! shows as ours what another consumer holds.

use super::{Held, Intake};
use crate::clock::Stopwatch;
use crate::job::writer::Committed;
use crate::telemetry::metrics::{KAFKA, seconds};

impl Intake<'_> {
    pub(super) fn count(&self, committed: &Committed, since: Stopwatch) {
        let metrics = &self.ingest.site.metrics;
        committed.count(self.ingest.topic, metrics);
        let topic = [self.ingest.topic.name()];
        metrics.ingest_commit_seconds.with_label_values(&topic).observe(seconds(since.elapsed()));
        metrics.ingest_last_commit.with_label_values(&topic).set(self.ingest.site.clock.now().div_euclid(1_000_000));
        self.note_progress();
        let (version, rows, rejects) = (committed.version, committed.rows, committed.rejects());
        tracing::info!(topic = %self.ingest.topic, version, rows, rejects, "committed");
    }

    pub(super) fn count_rebalance(&self) {
        self.ingest.site.metrics.ingest_rebalances.with_label_values(&[self.ingest.topic.name()]).inc();
    }

    pub(super) fn note_held(&self) {
        let gauge = self.ingest.site.metrics.ingest_partitions.with_label_values(&[self.ingest.topic.name()]);
        gauge.set(i64::try_from(self.held.len()).unwrap_or(i64::MAX));
        self.note_lag();
    }

    pub(super) fn note_lag(&self) {
        let topic = [self.ingest.topic.name()];
        self.ingest.site.metrics.ingest_lag.with_label_values(&topic).set(self.held.values().map(Held::lag).sum());
        let under_way = self.under_way.as_ref().map_or(0, |batch| batch.bytes);
        let waiting = i64::try_from(self.pending.size_bytes() + under_way).unwrap_or(i64::MAX);
        self.ingest.site.metrics.ingest_waiting_bytes.with_label_values(&topic).set(waiting);
    }

    pub(super) fn note_progress(&self) {
        let now = self.ingest.site.clock.now().div_euclid(1_000_000);
        self.ingest.site.metrics.ingest_progress.with_label_values(&[self.ingest.topic.name(), KAFKA]).set(now);
    }
}
