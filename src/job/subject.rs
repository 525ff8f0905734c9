//! `subject export`: all that the lake holds of a number, for its subscriber; `subject erase` is in [`erase`].
//!
//! In: a number, every table whose contract says that a column holds numbers, and a site's keys. Out: a published folder: JSON lines
//! for each table, and an index. Never: shows another party's number, place, handset or words, or what is of the
//! number's last or next holder; hands anything out that the desk has not written down.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde_json::json;

use self::row::Reader;
use self::tenure::Tenure;
use super::desk::Giver;
use crate::domain::day::{Day, instant};
use crate::domain::number::Number;
use crate::domain::seal::Seal;
use crate::export::folder::{self, Aside};
use crate::export::sums;
use crate::lake::Lake;
use crate::schema::contract::{Column, Contract, Table};

mod blank;
pub mod erase;
mod row;
mod tenure;

/// What the index says of what is not in the files.
const NOT_HERE: &str = "Of other people their numbers are masked, and where they were, their handsets and what \
    they wrote are left out. Who has reported the number or was asked about it is left out whole, with what that could \
    be told by, and when is told as a day. What was in another time than this subscription's, or in one of which no \
    subscription is known, is left out as well, and so is a row that sums up days which two holders have shared. A \
    text that names the number beside others, a reject, and a state in bytes are not searched. Own words that are \
    sealed with a key which is not configured are hidden.";

/// Why nothing is told of a number that is not ours.
const NOT_OURS: &str = "By table subscriber the number is another network's, or nobody's. What is kept of it is what \
    passed between it and our subscribers, what they have said of it, and what was made of that. Who held it at which \
    time is known to its own network alone, so that what is told might be somebody else's: whoever asks is sent there.";

/// What was published.
#[derive(Debug, Serialize)]
pub struct Handed {
    /// The folder.
    pub folder: PathBuf,
    /// Activation of the subscription that asks; null where none of the number is known, so that nothing is anybody's.
    pub activated_at: Option<String>,
    /// Rows by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Of a number that is not ours, why nothing is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untold: Option<Untold>,
    /// Its row of the audit trail.
    pub audit: i64,
    /// Whether anything changed.
    pub is_changed: bool,
}

/// What nobody is told.
#[derive(Debug, Serialize)]
pub struct Untold {
    /// Why.
    pub why: &'static str,
    /// Days that rows are kept, of every table that may name the number; whether one does is not said.
    pub keep_days: BTreeMap<&'static str, u32>,
}

impl Untold {
    fn of_others() -> Self {
        let tables = Table::all().filter(|table| columns(table.contract()).next().is_some());
        Self { why: NOT_OURS, keep_days: tables.map(|table| (table.name(), table.contract().keep_days)).collect() }
    }

    fn text(&self) -> String {
        let kept: Vec<String> = self.keep_days.iter().map(|(table, days)| format!("{table} {days} days")).collect();
        format!("NOTHING IS TOLD. {}\nIt may stand in: {}", self.why, kept.join(", "))
    }
}

impl Handed {
    /// For people.
    pub fn text(&self) -> String {
        let news = if self.is_changed { "" } else { " (unchanged)" };
        let rows: u64 = self.rows.values().sum();
        let whose = match &self.activated_at {
            Some(at) => format!("of the subscription activated at {at}"),
            None => "since no subscription of the number is known".to_owned(),
        };
        let found = format!("{}: {rows} rows of {} tables, {whose}{news}", self.folder.display(), self.rows.len());
        match &self.untold {
            Some(untold) => format!("{found}\n{}", untold.text()),
            None => found,
        }
    }
}

/// What the index says of a table.
#[derive(Debug, Serialize)]
struct Listed {
    file: String,
    rows: u64,
    /// What one row is.
    doc: &'static str,
    /// Days that rows are kept.
    keep_days: u32,
    /// Version of the table that was read.
    version: i64,
}

/// Publishes `OUT/subject/NUMBER`, with `_DAY` behind it where a day is named on which it was the asker's, after the
/// giver's desk has written down in whose name.
pub async fn export(
    lake: &Lake,
    (number, held_on): (Number, Option<Day>),
    out: &Path,
    seal: &Seal,
    giver: Giver<'_>,
) -> anyhow::Result<Handed> {
    let tenure = Tenure::find(lake, number, held_on, giver.at).await?;
    let root = out.join("subject");
    let digits = number.reveal().to_string();
    let name = held_on.map_or_else(|| digits.clone(), |day| format!("{digits}_{day}"));
    folder::sweep(&root)?;
    let aside = Aside::open(&root, &name)?;
    let (mut index, mut hashes) = (BTreeMap::new(), BTreeMap::new());
    for table in Table::all().filter(|table| columns(table.contract()).next().is_some()) {
        let Some(found) = of_table(lake, table, &tenure, seal).await? else { continue };
        let file = format!("{table}.jsonl");
        let rows = found.lines.len() as u64;
        let written = aside.write(&file, |file| {
            for line in &found.lines {
                writeln!(file, "{line}")?;
            }
            Ok(())
        })?;
        hashes.insert(written.name, written.sha256);
        let Contract { doc, keep_days, .. } = table.contract();
        index.insert(table.name(), Listed { file, rows, doc, keep_days: *keep_days, version: found.version });
    }
    let own = tenure.holder.own.as_ref();
    let activated_at = own.map(|own| instant(own.activated_at));
    let subscription =
        own.map(|own| json!({ "activated_at": activated_at, "deactivated_at": own.deactivated_at.map(instant) }));
    let untold = own.is_none().then(Untold::of_others);
    let text = json!({
        "number": digits, "subscription": subscription, "tables": index, "untold": untold, "not_here": NOT_HERE,
    });
    let written = aside.write("index.json", |file| Ok(writeln!(file, "{text:#}")?))?;
    hashes.insert(written.name, written.sha256);
    sums::seal(&aside, &hashes, "", None)?;
    let rows: BTreeMap<&'static str, u64> = index.iter().map(|(table, listed)| (*table, listed.rows)).collect();
    let detail = json!({ "activated_at": activated_at, "rows": rows });
    let audit = giver.hand_out("subject_export", number, &detail).await?;
    Ok(Handed { folder: root.join(name), activated_at, rows, untold, audit, is_changed: aside.publish()? })
}

/// Columns that hold a number as an integer.
fn columns(contract: &Contract) -> impl Iterator<Item = &str> {
    let holds = |column: &&Column| column.is_number();
    contract.columns.iter().filter(holds).map(|column| column.name.as_str())
}

struct Found {
    version: i64,
    lines: Vec<String>,
}

/// The rows of a table that name a number in its subscription's time; nothing when there is none.
async fn of_table(lake: &Lake, table: Table, tenure: &Tenure, seal: &Seal) -> anyhow::Result<Option<Found>> {
    let Some(handle) = lake.find(table).await? else { return Ok(None) };
    let mut lines = Vec::new();
    let names: Vec<&str> = columns(table.contract()).collect();
    for (column, place) in names.iter().zip(0..) {
        for batch in handle.rows_of(column, tenure.number, None).await? {
            let reader = Reader::new(table, &batch, &names, tenure.number, seal)?;
            // A row that names the number twice was found by the first column already.
            let is_new = |row: usize| !reader.names_in(names.get(..place).unwrap_or_default(), row);
            let own = tenure.owns(table, &batch)?;
            for (row, _) in own.iter().enumerate().filter(|(row, is_own)| **is_own && is_new(*row)) {
                let line = reader.line(row).with_context(|| format!("reading a row of {table}"))?;
                lines.push(line);
            }
        }
    }
    // The same rows are the same file, in whichever order the table has them.
    lines.sort_unstable();
    Ok((!lines.is_empty()).then_some(Found { version: handle.version(), lines }))
}

#[cfg(test)]
mod tests;
