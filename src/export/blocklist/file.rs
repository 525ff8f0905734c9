//! The files of a block list: the whole of it, or what changes, as CSV or JSON, with a manifest beside it.
//!
//! In: a publication and the bars after it. Out: a folder, prepared aside. Never: an instant, so that a publication that
//! is written again has the same bytes; a cell that a spreadsheet would run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};

use super::mml::Script;
use super::{Change, Entry, Kind, Listing, Publication, digits};
use crate::domain::day::Day;
use crate::export::cell::inert;
use crate::export::folder::{Aside, Written};
use crate::export::manifest::{self, Listed};

/// What kind of folder it is, and which version of that kind.
pub const SCHEMA: &str = "callsieve/block-list/1";
/// The folder of whole lists.
pub const LISTS: &str = "blocklist";
/// The folder of changes.
pub const DELTAS: &str = "blocklist-delta";
/// The folder of commands.
pub const SCRIPTS: &str = "blocklist-mml";
const FULL_COLUMNS: [&str; 8] = ["day", "number", "action", "reason", "from_day", "until_day", "case_id", "detections"];
const DELTA_COLUMNS: [&str; 9] =
    ["sequence", "change", "number", "action", "reason", "from_day", "until_day", "case_id", "detections"];
/// What makes Excel read a file as UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For programs: commas, line feeds, UTF-8.
    Csv,
    /// For people who open it by a double click: the same with a byte order mark, and lines as Windows ends them.
    Spreadsheet,
    /// One JSON object.
    Json,
}

/// A folder that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// Where it is.
    #[serde(rename = "folder")]
    pub path: PathBuf,
    /// The file with the rows.
    pub file: String,
    /// Rows in it.
    pub rows: usize,
    /// SHA-256 of it, hex.
    pub sha256: String,
    /// Whether anything changed; the same bytes change nothing.
    pub is_changed: bool,
}

/// What the manifest says.
#[derive(Debug, Serialize)]
struct Manifest<'a> {
    schema: &'a str,
    kind: &'a str,
    day: Day,
    sequence: i64,
    supersedes: Option<Supersedes<'a>>,
    bars: usize,
    list_sha256: &'a str,
    changes: BTreeMap<&'a str, usize>,
    files: Vec<Listed>,
}

/// The publication before.
#[derive(Debug, Serialize)]
struct Supersedes<'a> {
    sequence: i64,
    list_sha256: &'a str,
}

/// Which publication a manifest is of.
#[derive(Debug, Deserialize)]
struct Told {
    sequence: i64,
    list_sha256: String,
}

#[derive(Serialize)]
struct FullRow<'a> {
    day: Day,
    number: i64,
    action: &'a str,
    reason: Cow<'a, str>,
    from_day: Day,
    until_day: Day,
    case_id: Cow<'a, str>,
    detections: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct DeltaRow<'a> {
    sequence: i64,
    change: &'a str,
    number: i64,
    action: &'a str,
    reason: Cow<'a, str>,
    from_day: Day,
    until_day: Day,
    case_id: Cow<'a, str>,
    detections: Option<Cow<'a, str>>,
}

/// Publishes `ROOT/DAY` with the whole list: every bar, and whom the day gives back.
pub fn full(
    root: &Path,
    publication: &Publication,
    listing: &Listing,
    ended: &[&Entry],
    format: Format,
) -> anyhow::Result<Folder> {
    let day = publication.day;
    let mut entries: Vec<&Entry> = listing.values().chain(ended.iter().copied()).collect();
    entries.sort_by_key(|entry| entry.number);
    let rows: Vec<FullRow<'_>> = entries.into_iter().map(|entry| full_row(day, entry)).collect();
    let aside = Aside::open(root, &day.to_string())?;
    let name = format!("blocklist.{}", format.ending());
    let written = aside.write(&name, |out| write(out, format, publication, &FULL_COLUMNS, &rows))?;
    let manifest = manifest("full", publication, listing.len(), vec![listed(&written, rows.len())]);
    finish(aside, &manifest, root.join(day.to_string()), &written, rows.len())
}

/// Publishes `ROOT/SEQUENCE` with what a publication changes; `bars` are those after it.
pub fn delta(root: &Path, publication: &Publication, bars: usize, format: Format) -> anyhow::Result<Folder> {
    let rows: Vec<DeltaRow<'_>> =
        publication.changes.iter().map(|change| delta_row(publication.sequence, change)).collect();
    let name = numbered(publication.sequence);
    let aside = Aside::open(root, &name)?;
    let file = format!("delta.{}", format.ending());
    let written = aside.write(&file, |out| write(out, format, publication, &DELTA_COLUMNS, &rows))?;
    let manifest = manifest("delta", publication, bars, vec![listed(&written, rows.len())]);
    finish(aside, &manifest, root.join(name), &written, rows.len())
}

/// Publishes `ROOT/SEQUENCE` with the commands of a publication, and those that undo them.
pub fn script(root: &Path, publication: &Publication, bars: usize, script: &Script) -> anyhow::Result<Folder> {
    let name = numbered(publication.sequence);
    let aside = Aside::open(root, &name)?;
    let commands = aside.write("commands.txt", |out| Ok(out.write_all(script.text(&script.commands).as_bytes())?))?;
    let rollback = aside.write("rollback.txt", |out| Ok(out.write_all(script.text(&script.rollback).as_bytes())?))?;
    let files = vec![listed(&commands, script.commands.len()), listed(&rollback, script.rollback.len())];
    let manifest = manifest("mml", publication, bars, files);
    finish(aside, &manifest, root.join(name), &commands, script.commands.len())
}

/// The numbers of a folder's publications that are missing, from the first that it has up to `last`; `last` alone where it
/// has none.
pub fn missing(root: &Path, last: i64) -> anyhow::Result<Vec<i64>> {
    let mut present = present(root)?;
    present.retain(|found| *found < last);
    let first = present.iter().min().copied().unwrap_or(last);
    Ok((first..=last).filter(|sequence| !present.contains(sequence)).collect())
}

/// Fails where a folder to publish in has something that this lake has not published: what the network was told by it, the
/// lake does not know. A delta would not take that back, and a whole list would give back everybody whom it bars.
pub fn refuse_unknown(out: &Path, publications: &[Publication]) -> anyhow::Result<()> {
    let last = publications.last().map_or(0, |last| last.sequence);
    for root in [DELTAS, SCRIPTS].map(|name| out.join(name)) {
        if let Some(found) = present(&root)?.into_iter().filter(|found| *found > last).min() {
            bail!(
                "{} is of no publication that this lake knows: is it another lake's folder? or was the lake restored from a \
                 backup? then nothing takes back what the network was told since: undo it there (rollback.txt of \
                 blocklist-mml, the last one first), or let it take the next whole list in place of all that it has, and \
                 move the folders from {found} on out of blocklist-delta and blocklist-mml",
                root.join(numbered(found)).display()
            );
        }
    }
    if let Some((day, folder, list)) = newest(&out.join(LISTS))? {
        let is_ours = |ours: &Publication| match &list {
            Some(list) => (ours.sequence, &ours.list_sha256) == (list.sequence, &list.list_sha256),
            // Where a reader takes the manifest away, its day has to do: a release waits for no tidy folder.
            None => ours.day == day,
        };
        ensure!(
            publications.iter().any(is_ours),
            "{} is of no publication that this lake knows, and the next list would give back whom it bars: is this the lake \
             that was meant? or was it restored from a backup? then look at what `--dry-run` with an empty --out says, and \
             where the network is to take that in place of all that it has, move {0} out of blocklist",
            folder.display()
        );
    }
    Ok(())
}

/// The newest day that has a whole list, its folder, and what its manifest says where that is there still.
fn newest(root: &Path) -> anyhow::Result<Option<(Day, PathBuf, Option<Told>)>> {
    let mut days: Vec<Day> = Vec::new();
    if root.is_dir() {
        for entry in std::fs::read_dir(root)? {
            let name = entry?.file_name();
            days.extend(name.to_str().and_then(|name| name.parse::<Day>().ok()));
        }
    }
    let Some(day) = days.into_iter().max() else { return Ok(None) };
    let folder = root.join(day.to_string());
    let path = folder.join(manifest::FILE);
    let told = if path.exists() {
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Some(serde_json::from_str(&text).with_context(|| format!("{} is no manifest", path.display()))?)
    } else {
        None
    };
    Ok(Some((day, folder, told)))
}

/// The numbers of the publications that a folder has.
fn present(root: &Path) -> anyhow::Result<Vec<i64>> {
    let mut present = Vec::new();
    if root.is_dir() {
        for entry in std::fs::read_dir(root)? {
            let name = entry?.file_name();
            present.extend(name.to_str().and_then(|name| name.parse::<i64>().ok()));
        }
    }
    Ok(present)
}

impl Format {
    fn ending(self) -> &'static str {
        match self {
            Self::Csv | Self::Spreadsheet => "csv",
            Self::Json => "json",
        }
    }
}

/// The name of a folder that carries a publication's number, under which folders are in order.
pub fn numbered(sequence: i64) -> String {
    format!("{sequence:08}")
}

fn full_row(day: Day, entry: &Entry) -> FullRow<'_> {
    FullRow {
        day,
        number: digits(entry.number),
        action: entry.action.as_str(),
        reason: inert(&entry.reason),
        from_day: entry.from,
        until_day: entry.until,
        case_id: inert(&entry.case_id),
        detections: entry.detections.as_deref().map(inert),
    }
}

fn delta_row(sequence: i64, change: &Change) -> DeltaRow<'_> {
    let entry = &change.entry;
    DeltaRow {
        sequence,
        change: change.kind.as_str(),
        number: digits(entry.number),
        action: entry.action.as_str(),
        reason: inert(&entry.reason),
        from_day: entry.from,
        until_day: entry.until,
        case_id: inert(&entry.case_id),
        detections: entry.detections.as_deref().map(inert),
    }
}

fn write(
    mut out: impl Write,
    format: Format,
    publication: &Publication,
    columns: &[&str],
    rows: &[impl Serialize],
) -> anyhow::Result<()> {
    let terminator = match format {
        Format::Json => {
            let Publication { sequence, day, .. } = publication;
            let all = serde_json::json!({ "schema": SCHEMA, "sequence": sequence, "day": day, "rows": rows });
            serde_json::to_writer_pretty(&mut out, &all)?;
            return Ok(out.write_all(b"\n")?);
        }
        Format::Csv => csv::Terminator::Any(b'\n'),
        Format::Spreadsheet => {
            out.write_all(BOM)?;
            csv::Terminator::CRLF
        }
    };
    let mut writer = csv::WriterBuilder::new().has_headers(false).terminator(terminator).from_writer(out);
    writer.write_record(columns)?;
    for row in rows {
        writer.serialize(row)?;
    }
    Ok(writer.flush()?)
}

fn listed(written: &Written, rows: usize) -> Listed {
    let Written { name, sha256, size_bytes } = written.clone();
    Listed { name, sha256, size_bytes, rows: Some(rows as u64) }
}

fn manifest<'a>(kind: &'a str, publication: &'a Publication, bars: usize, files: Vec<Listed>) -> Manifest<'a> {
    Manifest {
        schema: SCHEMA,
        kind,
        day: publication.day,
        sequence: publication.sequence,
        supersedes: publication
            .supersedes_sha256
            .as_deref()
            .map(|list_sha256| Supersedes { sequence: publication.sequence - 1, list_sha256 }),
        bars,
        list_sha256: &publication.list_sha256,
        changes: Kind::ALL.map(|kind| (kind.as_str(), publication.count(kind))).into(),
        files,
    }
}

fn finish(
    aside: Aside,
    manifest: &Manifest<'_>,
    path: PathBuf,
    written: &Written,
    rows: usize,
) -> anyhow::Result<Folder> {
    aside.write(manifest::FILE, |out| Ok(writeln!(out, "{}", serde_json::to_string_pretty(manifest)?)?))?;
    let is_changed = aside.publish()?;
    Ok(Folder { path, file: written.name.clone(), rows, sha256: written.sha256.clone(), is_changed })
}
