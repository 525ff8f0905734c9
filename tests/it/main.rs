//! Whole jobs on real parts: a real consumer group, real Delta tables, the real program.
//!
//! In: the broker named by `KAFKA_BROKERS`, or librdkafka's mock cluster inside the test. Out: failures.
//! Never: a mock of our own.

mod broker;
mod demo;
mod files;
mod fuzz;
mod ingest;
mod ledger;
mod real;
mod registry;
mod secured;
