//! One verb per file: the recipes that join stages.
//!
//! In: what the command line asks for. Out: work done, results for stdout. Never: a rule or a format of its own.

mod accounts;
pub mod answer;
pub mod awareness;
pub mod backfill;
pub mod backtest;
pub mod blocklist;
pub mod case;
pub mod check;
pub mod decide;
pub mod deliver;
pub mod demo;
pub mod desk;
pub mod domain;
pub mod dossier;
pub mod entity;
pub mod explain;
pub mod export;
pub mod files;
pub mod flags;
mod holder;
pub mod ingest;
pub mod key;
pub mod late;
pub mod ledger;
pub mod maintain;
pub mod measure;
pub mod note;
pub mod notice;
mod overtaken;
pub mod package;
pub mod precision;
pub mod promotion;
pub mod receipts;
pub mod reference;
pub mod replay;
pub mod report;
pub mod route;
pub mod run;
pub mod sample;
pub mod scorecard;
pub mod seal;
pub mod seed;
pub mod simulate;
pub mod subject;
pub mod unread;
mod writer;

#[cfg(test)]
mod tests;
