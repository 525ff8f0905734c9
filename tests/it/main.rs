//! Whole jobs on real parts: a real consumer group, real Delta tables, the real program.
//!
//! In: the broker named by `KAFKA_BROKERS`, or librdkafka's mock cluster inside the test. Out: failures.
//! Never: a mock of our own.

mod answer;
mod backfill;
mod backtest;
mod broker;
mod deliver;
mod demo;
mod desk;
mod files;
mod flags;
mod formats;
mod fuzz;
mod ingest;
mod late;
mod ledger;
mod metrics;
mod real;
mod registry;
mod relation;
mod s3;
mod same;
mod scorecard;
mod secured;
