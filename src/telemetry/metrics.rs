//! Every metric, in one struct.
//!
//! In: counts that jobs took in local variables, once per batch. Out: Prometheus text. Never: a label that is a
//! telephone number or free text.

use std::time::Duration;

use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

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
    /// Messages skipped since an earlier run had already rejected them.
    pub ingest_honoured: IntCounterVec,
    /// Bytes written to the lake.
    pub ingest_written_bytes: IntCounterVec,
    /// Seconds from the first message of a batch to its commit.
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
    /// Rows written by a pipeline.
    pub run_rows: IntCounterVec,
    /// Seconds that a pipeline took.
    pub run_seconds: HistogramVec,
    /// Subscriptions by verdict on the last decided day.
    pub decide_verdicts: IntGaugeVec,
}

impl Metrics {
    /// A fresh set, all zero.
    pub fn new() -> Self {
        let registry = Registry::new();
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
            ingest_honoured: add.counter(
                "ingest_honoured_total",
                "Messages skipped since an earlier run had already rejected them.",
                &["topic"],
            ),
            ingest_written_bytes: add.counter("ingest_written_bytes_total", "Bytes written to the lake.", &["topic"]),
            ingest_commit_seconds: add.histogram(
                "ingest_commit_seconds",
                "Seconds from the first message of a batch to its commit.",
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
                &["topic"],
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
            run_rows: add.counter("run_rows_total", "Rows written by a pipeline.", &["table"]),
            run_seconds: add.histogram("run_seconds", "Seconds that a pipeline took.", &["table"]),
            decide_verdicts: add.gauge(
                "decide_verdicts",
                "Subscriptions by verdict on the last decided day.",
                &["verdict"],
            ),
            registry,
        }
    }

    /// Starts a topic's counters at zero: an increase is seen only against a value that was there before.
    pub fn begin_topic(&self, topic: &str) {
        for counter in [
            &self.ingest_messages,
            &self.ingest_rows,
            &self.ingest_tombstones,
            &self.ingest_honoured,
            &self.ingest_written_bytes,
            &self.ingest_fenced,
            &self.ingest_registry_retries,
            &self.ingest_rebalances,
            &self.ingest_stalls,
        ] {
            counter.with_label_values(&[topic]).inc_by(0);
        }
        self.ingest_progress.with_label_values(&[topic]).set(0);
    }

    /// Topics that have not moved on, nor seen that there is nothing to read, since an instant (Unix seconds).
    pub fn stale_topics(&self, since: i64) -> Vec<String> {
        use prometheus::core::Collector;
        let mut stale = Vec::new();
        for family in self.ingest_progress.collect() {
            for metric in family.get_metric() {
                let topic = metric.get_label().iter().map(prometheus::proto::LabelPair::value).collect::<String>();
                #[expect(clippy::cast_precision_loss, reason = "seconds of this century are exact in a float")]
                if metric.get_gauge().get_value() < since as f64 {
                    stale.push(topic);
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

const NONE: [&str; 0] = [];

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

struct Add<'a>(&'a Registry);

/// Seconds, from a quick commit to one that somebody should look at.
const BUCKETS: [f64; 14] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

const VALID: &str = "names, labels and help of metrics are constants and differ";

impl Add<'_> {
    fn counter(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        let counter = IntCounterVec::new(options(name, help), labels).expect(VALID);
        self.0.register(Box::new(counter.clone())).expect(VALID);
        counter
    }

    fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let gauge = IntGaugeVec::new(options(name, help), labels).expect(VALID);
        self.0.register(Box::new(gauge.clone())).expect(VALID);
        gauge
    }

    fn histogram(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let options = HistogramOpts::from(options(name, help)).buckets(BUCKETS.to_vec());
        let histogram = HistogramVec::new(options, labels).expect(VALID);
        self.0.register(Box::new(histogram.clone())).expect(VALID);
        histogram
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("callsieve")
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;

    #[test]
    fn dashboards_can_rely_on_the_list() {
        let metrics = Metrics::new();
        metrics.begin_topic("call_record");
        for gauge in [&metrics.ingest_lag, &metrics.ingest_waiting_bytes] {
            gauge.with_label_values(&["call_record"]).set(0);
        }
        metrics.ingest_files.with_label_values(&["call_record", "loaded"]).inc();
        metrics.ingest_rejects.with_label_values(&["call_record", "truncated"]).inc();
        metrics.ingest_commit_seconds.with_label_values(&["call_record"]).observe(0.5);
        metrics.ingest_partitions.with_label_values(&["call_record"]).set(4);
        metrics.ingest_last_commit.with_label_values(&["call_record"]).set(1);
        metrics.run_rows.with_label_values(&["caller_day"]).inc();
        metrics.run_seconds.with_label_values(&["caller_day"]).observe(0.5);
        metrics.decide_verdicts.with_label_values(&["survey"]).set(3);
        let text = metrics.text().unwrap();
        let resident = text.lines().find(|line| line.starts_with("callsieve_process_resident_bytes ")).unwrap();
        expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/metrics.txt")]
            .assert_eq(&text.replace(resident, "callsieve_process_resident_bytes 1"));
    }
}
