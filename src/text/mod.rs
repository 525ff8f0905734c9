//! Vietnamese texts that citizens send.
//!
//! In: a message to 156 or 5656, word by word. Out: what it reports. Never: drops a text or stores one.

pub mod report;
