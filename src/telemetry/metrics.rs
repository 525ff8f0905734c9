//! Every metric, in one struct.
//!
//! In: counts that jobs took in local variables, once per batch. Out: Prometheus text, to be asked for or in a file.
//! Never: a label that is a telephone number or free text.

use std::collections::HashMap;
use std::time::Duration;

use prometheus::{Encoder, GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec, Registry, TextEncoder};

use self::add::{Add, VALID};

mod add;
mod file;

/// The metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Messages taken from a topic and committed.
    pub ingest_messages: IntCounterVec,
    /// Rows written from a topic.
    pub ingest_rows: IntCounterVec,
    /// Messages refused, by reason.
    pub ingest_rejects: IntCounterVec,
    /// Messages without a body.
    pub ingest_tombstones: IntCounterVec,
    /// Rows of lines that are locked for a reason that is no word of the contract.
    pub ingest_unknown_locks: IntCounterVec,
    /// Rows of lines whose segment is no word of the contract.
    pub ingest_unknown_segments: IntCounterVec,
    /// Messages skipped since an earlier run had already rejected them.
    pub ingest_honoured: IntCounterVec,
    /// Bytes written to the lake.
    pub ingest_written_bytes: IntCounterVec,
    /// Seconds from the first message of a batch to its commit, the wait for company included.
    pub ingest_commit_seconds: HistogramVec,
    /// Times that a consumer was fenced off by another and began anew.
    pub ingest_fenced: IntCounterVec,
    /// Times that the schema registry had to be asked again.
    pub ingest_registry_retries: IntCounterVec,
    /// Partitions held.
    pub ingest_partitions: IntGaugeVec,
    /// Instant of the last commit, Unix seconds.
    pub ingest_last_commit: IntGaugeVec,
    /// Messages that the broker has and the tables do not.
    pub ingest_lag: IntGaugeVec,
    /// Times that partitions were given or taken.
    pub ingest_rebalances: IntCounterVec,
    /// Times that a consumer stood still with messages waiting and was made anew.
    pub ingest_stalls: IntCounterVec,
    /// When ingest last moved on, or saw that there is nothing to read, Unix seconds.
    pub ingest_progress: IntGaugeVec,
    /// Bytes of messages that are not committed yet.
    pub ingest_waiting_bytes: IntGaugeVec,
    /// Dropped files, by what became of them.
    pub ingest_files: IntCounterVec,
    /// Memory of the process.
    resident: IntGaugeVec,
    /// Memory that ingest was given, librdkafka's queues included.
    pub memory_budget: IntGaugeVec,
    /// Rows written by a pipeline.
    pub run_rows: IntCounterVec,
    /// Seconds that a pipeline took.
    pub run_seconds: HistogramVec,
    /// Subscriptions by verdict on the last decided day.
    pub decide_verdicts: IntGaugeVec,
    /// Share of a week's flagged, by band, that reviewers found to be spam, with its interval.
    pub precision_ratio: GaugeVec,
    /// Reviews behind it.
    pub precision_reviewed: IntGaugeVec,
    /// Records beyond the first of their event, on the last day that was built or proved.
    pub duplicates: IntGaugeVec,
    /// 1 while the ledger is not closed.
    pub ledger_open: IntGaugeVec,
    /// Why the ledger is not closed.
    pub ledger_findings: IntGaugeVec,
    /// Citizens' reports of the newest week, by what their stamps say of their channel's clock.
    pub ledger_reports: IntGaugeVec,
    /// Rejects of the last replay, by what they are now.
    pub replay_rejects: IntGaugeVec,
    /// Files of the last maintenance, by what became of them.
    pub maintain_files: IntGaugeVec,
    /// When a verb last ended, Unix seconds.
    pub last_run: IntGaugeVec,
    /// How it ended.
    pub last_run_exit_code: IntGaugeVec,
}

/// Source of messages: the broker.
pub const KAFKA: &str = "kafka";
/// Source of messages: dropped files.
pub const FILES: &str = "files";
/// The labels of a metric that has none.
pub const NONE: [&str; 0] = [];

impl Metrics {
    /// A fresh set, all zero, of a process that can be asked.
    pub fn new() -> Self {
        Self::within(Registry::new())
    }

    /// A fresh set of a verb that ends and leaves a file. Every series names the verb: node_exporter takes no series
    /// out of two files.
    pub fn of_verb(verb: &str) -> Self {
        let labels = HashMap::from([("verb".to_owned(), verb.to_owned())]);
        Self::within(Registry::new_custom(None, Some(labels)).expect(VALID))
    }

    fn within(registry: Registry) -> Self {
        let add = Add(&registry);
        Self {
            ingest_messages: add.counter(
                "ingest_messages_total",
                "Messages taken from a topic and committed.",
                &["topic"],
            ),
            ingest_rows: add.counter("ingest_rows_total", "Rows written from a topic.", &["topic"]),
            ingest_rejects: add.counter("ingest_rejects_total", "Messages refused, by reason.", &["topic", "reason"]),
            ingest_tombstones: add.counter("ingest_tombstones_total", "Messages without a body.", &["topic"]),
            ingest_unknown_locks: add.counter(
                "ingest_unknown_locks_total",
                "Rows of lines that are locked for a reason that is no word of the contract.",
                &["topic"],
            ),
            ingest_unknown_segments: add.counter(
                "ingest_unknown_segments_total",
                "Rows of lines whose segment is no word of the contract.",
                &["topic"],
            ),
            ingest_honoured: add.counter(
                "ingest_honoured_total",
                "Messages skipped since an earlier run had already rejected them.",
                &["topic"],
            ),
            ingest_written_bytes: add.counter("ingest_written_bytes_total", "Bytes written to the lake.", &["topic"]),
            ingest_commit_seconds: add.histogram(
                "ingest_commit_seconds",
                "Seconds from the first message of a batch to its commit, the wait for company included.",
                &["topic"],
            ),
            ingest_fenced: add.counter(
                "ingest_fenced_total",
                "Times that a consumer was fenced off by another and began anew.",
                &["topic"],
            ),
            ingest_registry_retries: add.counter(
                "ingest_registry_retries_total",
                "Times that the schema registry had to be asked again.",
                &["topic"],
            ),
            ingest_partitions: add.gauge("ingest_partitions", "Partitions held.", &["topic"]),
            ingest_last_commit: add.gauge(
                "ingest_last_commit_timestamp_seconds",
                "Instant of the last commit, Unix seconds.",
                &["topic"],
            ),
            ingest_lag: add.gauge(
                "ingest_lag_messages",
                "Messages that the broker has and the tables do not, over the partitions held.",
                &["topic"],
            ),
            ingest_rebalances: add.counter(
                "ingest_rebalances_total",
                "Times that partitions were given or taken.",
                &["topic"],
            ),
            ingest_stalls: add.counter(
                "ingest_stalls_total",
                "Times that a consumer stood still with messages waiting and was made anew.",
                &["topic"],
            ),
            ingest_progress: add.gauge(
                "ingest_progress_timestamp_seconds",
                "When ingest last moved on, or saw that there is nothing to read, Unix seconds.",
                &["topic", "source"],
            ),
            ingest_waiting_bytes: add.gauge(
                "ingest_waiting_bytes",
                "Bytes of messages held that are not committed yet.",
                &["topic"],
            ),
            ingest_files: add.counter(
                "ingest_files_total",
                "Dropped files: loaded, known or failed.",
                &["topic", "outcome"],
            ),
            resident: add.gauge("process_resident_bytes", "Memory of the process.", &[]),
            memory_budget: add.gauge(
                "memory_budget_bytes",
                "Memory that ingest was given (memory_bytes), librdkafka's queues included.",
                &[],
            ),
            run_rows: add.counter(
                "run_rows_total",
                "Rows written by a pipeline; in the file of a verb, by its last run.",
                &["table"],
            ),
            run_seconds: add.histogram("run_seconds", "Seconds that a pipeline took.", &["table"]),
            decide_verdicts: add.gauge(
                "decide_verdicts",
                "Subscriptions by verdict on the last decided day.",
                &["verdict"],
            ),
            precision_ratio: add.ratio(
                "precision_ratio",
                "Share of the week's flagged, by band of the score, that reviewers of a draw found to be spam; low and high \
                 bound it with 95 %, and control is what was not flagged.",
                &["band", "bound"],
            ),
            precision_reviewed: add.gauge("precision_reviewed", "Reviews behind a band's precision.", &["band"]),
            duplicates: add.gauge(
                "duplicates",
                "Records beyond the first of their event, on the last day that was built or proved.",
                &["table"],
            ),
            ledger_open: add.gauge(
                "ledger_open",
                "1 while the ledger is not closed; of decide, while its day's input is not complete.",
                &[],
            ),
            ledger_findings: add.gauge(
                "ledger_findings",
                "Topics never read, faults of partitions, days with records in no event, losses without a valid \
                 signature; of decide, what its day's input lacks.",
                &[],
            ),
            ledger_reports: add.gauge(
                "ledger_reports",
                "Citizens' reports that came in the newest week, by what their stamps say of their channel's clock: right, \
                 ahead or behind.",
                &["channel", "clock"],
            ),
            replay_rejects: add.gauge(
                "replay_rejects",
                "Rejects of the last replay: rows now, or refused again.",
                &["topic", "outcome"],
            ),
            maintain_files: add.gauge(
                "maintain_files",
                "Files of the last maintenance: joined, written in their place, or deleted.",
                &["table", "act"],
            ),
            last_run: add.gauge("last_run_timestamp_seconds", "When the verb last ended, Unix seconds.", &[]),
            last_run_exit_code: add.gauge("last_run_exit_code", "How it ended.", &[]),
            registry,
        }
    }

    /// Starts a topic's counters at zero, those of every reason for a reject among them: an increase is seen only
    /// against a value that was there before.
    pub fn begin_topic(&self, topic: &str, source: &str, reasons: &[&str]) {
        for counter in [
            &self.ingest_messages,
            &self.ingest_rows,
            &self.ingest_tombstones,
            &self.ingest_unknown_locks,
            &self.ingest_unknown_segments,
            &self.ingest_honoured,
            &self.ingest_written_bytes,
            &self.ingest_fenced,
            &self.ingest_registry_retries,
            &self.ingest_rebalances,
            &self.ingest_stalls,
        ] {
            counter.with_label_values(&[topic]).inc_by(0);
        }
        for reason in reasons {
            self.ingest_rejects.with_label_values(&[topic, *reason]).inc_by(0);
        }
        self.ingest_progress.with_label_values(&[topic, source]).set(0);
    }

    /// Topics that have not moved on, nor seen that there is nothing to read, since an instant (Unix seconds).
    pub fn stale_topics(&self, since: i64) -> Vec<String> {
        use prometheus::core::Collector;
        let mut stale = Vec::new();
        for family in self.ingest_progress.collect() {
            for metric in family.get_metric() {
                let value = |name: &str| {
                    let label = metric.get_label().iter().find(|label| label.name() == name);
                    label.map_or("", |label| label.value())
                };
                #[expect(clippy::cast_precision_loss, reason = "seconds of this century are exact in a float")]
                if metric.get_gauge().get_value() < since as f64 {
                    stale.push(format!("{} from {}", value("topic"), value("source")));
                }
            }
        }
        stale
    }

    /// The text that Prometheus scrapes.
    pub fn text(&self) -> anyhow::Result<String> {
        if let Some(bytes) = resident_bytes() {
            self.resident.with_label_values(&NONE).set(bytes);
        }
        self.encode()
    }

    fn encode(&self) -> anyhow::Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8(text)?)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// What Linux says of this process's memory; nothing elsewhere.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

/// Seconds as a histogram takes them.
pub fn seconds(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64()
}

#[cfg(test)]
mod tests;
