//! What was known of a day that is played again: who was protected, and what people had answered.
//!
//! In: which versions the live runs have read, and the lake that may still have them. Out: a runner that reads the same,
//! and the days on which it could not. Never: takes a version of which a file is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::plan::Live;
use crate::domain::day::Day;
use crate::lake::{Handle, Lake};
use crate::pipeline::run::Runner;
use crate::schema::contract::Table;

/// What is still written of a day that was decided: a number is listed from a day that has gone by, an answer comes late.
/// Whoever plays the day with it spares or bars whom nobody could have then.
const HEEDED: [Table; 4] = [Table::ALLOW_LIST, Table::BRANDNAME, Table::SPECIAL_NUMBER, Table::SURVEY_ANSWER];

/// Days on which a table was read at another version than by the live rules.
pub(super) type AsOfNow = BTreeMap<&'static str, BTreeSet<Day>>;

/// Lets a runner read all that as the live run of a table has read it on a day, and as it is now where that is not kept.
pub(super) async fn turn_back(
    runner: &mut Runner,
    live: &Lake,
    ran: &Live,
    (table, day): (Table, Day),
) -> anyhow::Result<()> {
    for read in HEEDED {
        let handle = match ran.version_read(read, table, day) {
            Some(version) => kept(live, read, version).await?,
            None => None,
        };
        runner.read_as(read, handle)?;
    }
    Ok(())
}

/// A table at a version, if that can still be read.
async fn kept(lake: &Lake, table: Table, version: i64) -> anyhow::Result<Option<Handle>> {
    // What the log does not know any more has no files either.
    let Ok(handle) = lake.find_at(table, version).await else { return Ok(None) };
    Ok(handle.is_whole().await?.then_some(handle))
}

/// Where the tried runs have read something else than the live ones.
pub(super) fn otherwise(ran: &Live, tried: &Live, days: &Range<Day>) -> AsOfNow {
    let mut otherwise = AsOfNow::new();
    for day in days.start.until(days.end) {
        for (read, table) in HEEDED.iter().flat_map(|read| [(read, Table::BLOCK_CANDIDATE), (read, Table::DECISION)]) {
            let version = tried.version_read(*read, table, day);
            if version.is_some() && version != ran.version_read(*read, table, day) {
                otherwise.entry(read.name()).or_default().insert(day);
            }
        }
    }
    otherwise
}
