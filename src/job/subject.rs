//! `subject export`: all that the lake holds of a number, for its subscriber; `subject erase` is in [`erase`].
//!
//! In: a number, every table whose contract says that a column holds numbers, and a site's keys. Out: a published folder: JSON lines
//! for each table, and an index. Never: shows another party's number, place, handset or words; hands anything out that
//! the desk has not written down.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde_json::json;

use self::row::Reader;
use super::desk::Desk;
use crate::domain::number::Number;
use crate::domain::seal::Seal;
use crate::export::folder::{self, Aside};
use crate::export::sums;
use crate::lake::Lake;
use crate::schema::contract::{Column, Contract, Table};

mod blank;
pub mod erase;
mod row;

/// What the index says of what is not in the files.
const NOT_HERE: &str = "Of other people their numbers are masked, and where they were, their handsets and what they wrote \
    are left out. A text that names the number beside others, a reject, and a state in bytes are not searched. Own words \
    that are sealed with a key which is not configured are hidden.";

/// What was published.
#[derive(Debug, Serialize)]
pub struct Handed {
    /// The folder.
    pub folder: PathBuf,
    /// Rows by table.
    pub rows: BTreeMap<&'static str, u64>,
    /// Its row of the audit trail.
    pub audit: i64,
    /// Whether anything changed.
    pub is_changed: bool,
}

impl Handed {
    /// For people.
    pub fn text(&self) -> String {
        let news = if self.is_changed { "" } else { " (unchanged)" };
        let rows: u64 = self.rows.values().sum();
        format!("{}: {rows} rows of {} tables{news}", self.folder.display(), self.rows.len())
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

/// Publishes `OUT/subject/NUMBER`, after the desk has written down in whose name.
pub async fn export(
    lake: &Lake,
    number: Number,
    out: &Path,
    seal: &Seal,
    (desk, by, at): (&Desk, &str, i64),
) -> anyhow::Result<Handed> {
    let root = out.join("subject");
    let name = number.reveal().to_string();
    folder::sweep(&root)?;
    let aside = Aside::open(&root, &name)?;
    let (mut index, mut hashes) = (BTreeMap::new(), BTreeMap::new());
    for table in Table::all().filter(|table| columns(table.contract()).next().is_some()) {
        let Some(found) = of_table(lake, table, number, seal).await? else { continue };
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
    let text = json!({ "number": name, "tables": index, "not_here": NOT_HERE });
    let written = aside.write("index.json", |file| Ok(writeln!(file, "{text:#}")?))?;
    hashes.insert(written.name, written.sha256);
    sums::seal(&aside, &hashes, "", None)?;
    let rows: BTreeMap<&'static str, u64> = index.iter().map(|(table, listed)| (*table, listed.rows)).collect();
    let audit = desk.hand_out("subject_export", (by, at), number, &json!({ "rows": rows })).await?;
    Ok(Handed { folder: root.join(name), rows, audit, is_changed: aside.publish()? })
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

/// The rows of a table that name a number; nothing when there is none.
async fn of_table(lake: &Lake, table: Table, number: Number, seal: &Seal) -> anyhow::Result<Option<Found>> {
    let Some(handle) = lake.find(table).await? else { return Ok(None) };
    let mut lines = Vec::new();
    let names: Vec<&str> = columns(table.contract()).collect();
    for (column, place) in names.iter().zip(0..) {
        for batch in handle.rows_of(column, number, None).await? {
            let reader = Reader::new(table, &batch, &names, number, seal)?;
            // A row that names the number twice was found by the first column already.
            let is_new = |row: &usize| !reader.names_in(names.get(..place).unwrap_or_default(), *row);
            for row in (0..batch.num_rows()).filter(is_new) {
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
