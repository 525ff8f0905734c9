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

    /// The text that Prometheus scrapes.
    pub fn text(&self) -> anyhow::Result<String> {
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

/// Seconds as a histogram takes them.
pub fn seconds(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64()
}

struct Add<'a>(&'a Registry);

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
        let options = HistogramOpts::from(options(name, help));
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
        for counter in [&metrics.ingest_messages, &metrics.ingest_rows, &metrics.ingest_tombstones] {
            counter.with_label_values(&["call_record"]).inc();
        }
        metrics.ingest_honoured.with_label_values(&["call_record"]).inc();
        metrics.ingest_rejects.with_label_values(&["call_record", "truncated"]).inc();
        metrics.ingest_written_bytes.with_label_values(&["call_record"]).inc_by(9);
        metrics.ingest_commit_seconds.with_label_values(&["call_record"]).observe(0.5);
        metrics.ingest_fenced.with_label_values(&["call_record"]).inc();
        metrics.ingest_registry_retries.with_label_values(&["call_record"]).inc();
        metrics.ingest_partitions.with_label_values(&["call_record"]).set(4);
        metrics.ingest_last_commit.with_label_values(&["call_record"]).set(1);
        metrics.run_rows.with_label_values(&["caller_day"]).inc();
        metrics.run_seconds.with_label_values(&["caller_day"]).observe(0.5);
        metrics.decide_verdicts.with_label_values(&["survey"]).set(3);
        expect_file![concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/metrics.txt")]
            .assert_eq(&metrics.text().unwrap());
    }
}
