//! Where raw messages come from.
//!
//! In: a broker, or the synthetic operator. Out: batches of messages with their offsets, and schemas of their bodies.
//! Never: decides where to begin: the tables say that.

pub mod embedded;
pub mod flag;
pub mod folder;
pub mod kafka;
pub mod producer;
pub mod registry;
pub mod synthetic;
