//! The machinery that runs `pipelines/`.
//!
//! In: definitions (SQL, parameters, cases) and tables. Out: partitions, written whole, and a row of `pipeline_run`
//! for each. Never: holds a rule; what is computed, and with which numbers, is the definitions' business.

pub mod check;
pub mod definition;
pub mod graph;
mod memory;
pub mod part;
pub mod run;
pub mod session;
mod spill;
