//! What leaves the house: folders of files, prepared aside and published whole.
//!
//! In: what is to leave, and what was published before. Out: the block list with its changes and commands, and the
//! regulator's package. Never: publishes half a folder, or a cell that a spreadsheet would run.

mod about;
pub mod awareness;
pub mod blocklist;
pub mod cell;
pub mod chart;
pub mod corrections;
pub mod coverage;
pub mod delivery;
pub mod dossier;
pub mod entity;
pub mod figures;
pub mod folder;
mod glossary;
pub mod html;
pub mod list;
pub mod manifest;
pub mod notice;
pub mod package;
pub mod page;
pub mod precision;
pub mod recipient;
pub mod rows;
pub mod sign;
pub mod small;
pub mod sums;
pub mod trend;
pub mod verify;
mod wording;
mod workbook;
