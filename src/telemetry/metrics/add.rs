//! Each kind of metric, made and registered.
//!
//! In: a name, what it says, its labels. Out: the metric. Never: one that `callsieve` does not begin; two of a name.

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// Adds metrics to a registry.
pub(super) struct Add<'a>(pub(super) &'a Registry);

/// Seconds, from a quick commit to one that somebody should look at.
const BUCKETS: [f64; 14] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

pub(super) const VALID: &str = "names, labels and help of metrics are constants and differ";

impl Add<'_> {
    pub(super) fn counter(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        let counter = IntCounterVec::new(options(name, help), labels).expect(VALID);
        self.0.register(Box::new(counter.clone())).expect(VALID);
        counter
    }

    pub(super) fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let gauge = IntGaugeVec::new(options(name, help), labels).expect(VALID);
        self.0.register(Box::new(gauge.clone())).expect(VALID);
        gauge
    }

    pub(super) fn ratio(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        let gauge = GaugeVec::new(options(name, help), labels).expect(VALID);
        self.0.register(Box::new(gauge.clone())).expect(VALID);
        gauge
    }

    pub(super) fn histogram(&self, name: &str, help: &str, labels: &[&str]) -> HistogramVec {
        let options = HistogramOpts::from(options(name, help)).buckets(BUCKETS.to_vec());
        let histogram = HistogramVec::new(options, labels).expect(VALID);
        self.0.register(Box::new(histogram.clone())).expect(VALID);
        histogram
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("callsieve")
}
