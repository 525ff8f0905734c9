//! Contracts: what each topic and each table holds.
//!
//! In: the files of `schemas/`, compiled in. Out: topics, wire structs, table contracts, typed column
//! handles and the rules of evolution. Never: touches a broker or a lake.

pub mod avro;
pub mod column;
pub mod contract;
pub mod csv;
pub mod erasure;
pub mod evolve;
pub mod generate;
pub mod sheet;
pub mod topic;
pub mod wire;
