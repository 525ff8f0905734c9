//! What operators see: logs and metrics.
//!
//! In: facts that jobs return. Out: lines on stderr and one registry of metrics. Never: a number in clear.

pub mod log;
pub mod metrics;
