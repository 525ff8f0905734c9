//! Vietnamese texts that citizens send.
//!
//! In: a message to 156 or 5656, word by word. Out: what it asks for, whom it reports, which story it tells, what it
//! names. Never: drops a text or stores one.

mod account;
pub mod entity;
mod keyword;
mod letter;
pub mod report;
mod sender;
mod spelling;
pub mod story;
mod word;
