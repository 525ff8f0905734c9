//! The words of the business as plain types.
//!
//! In: text and integers from the doors of the house. Out: numbers, parties, days, verdicts that hold
//! their own rules. Never: reads a file, a clock or the network, and never prints a number in clear.

pub mod account;
pub mod bank;
pub mod bar;
pub mod case;
pub mod day;
pub mod host;
pub mod lang;
pub mod message;
pub mod number;
pub mod origin;
pub mod party;
pub mod plan;
pub mod province;
pub mod report;
pub mod seal;
pub mod sms;
pub mod verdict;
