//! `reference load`: a reference table from a CSV file, in time.
//!
//! In: a file that lists what holds from a day on, or what the desk allows. Out: rows that begin, rows that end, rows
//! that stay. Never: forgets what held before: a row that is missing from the file ends, it is not deleted; lets a file
//! end what the desk allows, or say who did, or the desk end what a file lists.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde::Serialize;

use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::lake::Lake;
use crate::schema::column::allow_list;
use crate::schema::contract::{Contract, Pii, Table, Type, Writer};
use crate::schema::sheet::{Row, Sheet};
use crate::store::allow::Allowed;

/// What a load did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// Rows that begin.
    pub begun: usize,
    /// Rows that end.
    pub ended: usize,
    /// Rows that stay as they were.
    pub kept: usize,
}

/// One row: the cells before `valid_from`, as text; null is empty.
type Cells = Vec<String>;

const FROM: &str = "valid_from";
const UNTIL: &str = "valid_until";
/// Said by the desk's store alone, of its own rows.
const BY: &str = allow_list::ALLOWED_BY.name;
/// How the reason of a row of `allow_list` begins that the desk has written.
const DESK: &str = "desk: ";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    cells: Cells,
    from: Day,
    until: Option<Day>,
    by: Option<String>,
}

/// Loads a file as what holds from `from` on.
pub async fn load(lake: &Lake, table: Table, file: &Path, from: Day) -> anyhow::Result<Loaded> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    load_text(lake, table, &text, from).await.with_context(|| format!("loading {} into {table}", file.display()))
}

/// Loads CSV text; see `load`.
pub async fn load_text(lake: &Lake, table: Table, text: &str, from: Day) -> anyhow::Result<Loaded> {
    let contract = table.contract();
    ensure!(contract.writer == Writer::Reference, "{table} is no reference table");
    let wanted = read(contract, text, from)?;
    ensure!(!wanted.iter().any(|row| row.is_desks(table)), "a reason that begins with \"{DESK}\" is the desk's");
    let mut handle = lake.open(table).await?;
    let rows = held(contract, &handle.rows(vec![], &[]).await?)?;
    let (desks, mut rows): (Vec<Held>, Vec<Held>) = rows.into_iter().partition(|row| row.is_desks(table));
    let is_bare = wanted.is_empty();
    let loaded = merge(&mut rows, wanted, from);
    ensure!(
        !is_bare || loaded.ended == 0,
        "it has no line, and all {} that hold would end: is the file whole? if that is meant, list each with its valid_until",
        loaded.ended
    );
    if loaded.begun + loaded.ended > 0 {
        rows.extend(desks);
        handle.replace_all(&[sheet(contract, &rows)?]).await?;
    }
    Ok(loaded)
}

/// Makes the desk's rows of `allow_list` those of its store, by all that it ever allowed.
pub async fn put_allowed(lake: &Lake, ever: &[Allowed]) -> anyhow::Result<()> {
    let table = Table::ALLOW_LIST;
    let mut handle = lake.open(table).await?;
    let mut known = held(table.contract(), &handle.rows(vec![], &[]).await?)?;
    let rows = with_desks(&known, ever);
    known.sort();
    if rows != known {
        handle.replace_all(&[sheet(table.contract(), &rows)?]).await?;
    }
    Ok(())
}

/// What `allow_list` would hold behind [`put_allowed`].
pub async fn look_allowed(lake: &Lake, ever: &[Allowed]) -> anyhow::Result<RecordBatch> {
    let contract = Table::ALLOW_LIST.contract();
    let known = match lake.find(Table::ALLOW_LIST).await? {
        Some(handle) => held(contract, &handle.rows(vec![], &[]).await?)?,
        None => Vec::new(),
    };
    sheet(contract, &with_desks(&known, ever))
}

/// The rows that files have listed, and the desk's own, sorted. No row ever goes from a store, so what the lake alone has of
/// the desk was lost there, with a backup that was restored: it stays until the desk says something newer of the number.
fn with_desks(known: &[Held], ever: &[Allowed]) -> Vec<Held> {
    let (desks, listed): (Vec<&Held>, Vec<&Held>) = known.iter().partition(|row| row.is_desks(Table::ALLOW_LIST));
    let mut newest: BTreeMap<String, Day> = BTreeMap::new();
    for row in ever.iter().map(Held::of_desk) {
        let from = newest.entry(row.cells[0].clone()).or_insert(row.from);
        *from = row.from.max(*from);
    }
    let is_lost = |row: &&Held| newest.get(&row.cells[0]).is_none_or(|from| *from < row.from);
    let lost: Vec<&Held> = desks.into_iter().filter(is_lost).collect();
    if !lost.is_empty() {
        let numbers = lost.len();
        tracing::warn!(
            numbers,
            "the case store lacks numbers that it has allowed, they stay so until it names them again"
        );
    }
    let allowed = ever.iter().filter(|row| row.ever_holds()).map(Held::of_desk);
    let mut rows: Vec<Held> = listed.into_iter().chain(lost).cloned().chain(allowed).collect();
    rows.sort();
    rows
}

impl Held {
    fn of_desk(allowed: &Allowed) -> Self {
        let Allowed { number, reason, from, until, by, .. } = allowed;
        let cells = vec![number.reveal().to_string(), format!("{DESK}{reason}")];
        Self { cells, from: *from, until: *until, by: Some(by.clone()) }
    }

    fn is_desks(&self, table: Table) -> bool {
        table == Table::ALLOW_LIST && self.cells.last().is_some_and(|reason| reason.starts_with(DESK))
    }
}

fn merge(rows: &mut Vec<Held>, wanted: Vec<Held>, from: Day) -> Loaded {
    let mut loaded = Loaded::default();
    let mut new: BTreeMap<Cells, Vec<Held>> = BTreeMap::new();
    for held in wanted {
        new.entry(held.cells.clone()).or_default().push(held);
    }
    for row in rows.iter_mut() {
        let is_over = row.until.is_some_and(|until| until <= from);
        // A file that names no first day lists what holds already, and not what is only to begin.
        let has_begun = row.from <= from && !is_over;
        let is_same = |held: &Held| held.until == row.until && (has_begun || held.from == row.from);
        let listed = new.get_mut(&row.cells);
        let same = listed.and_then(|listed| listed.iter().position(is_same).map(|at| listed.remove(at)));
        match same {
            Some(_) => loaded.kept += usize::from(!is_over),
            None if is_over => {}
            None => {
                row.until = Some(from);
                loaded.ended += 1;
            }
        }
    }
    // What began and ended on the same day never held.
    let holds = |row: &Held| row.until.is_none_or(|until| until > row.from);
    rows.retain(holds);
    let known = rows.len();
    rows.extend(new.into_values().flatten().filter(holds));
    loaded.begun = rows.len() - known;
    rows.sort();
    loaded
}

fn facts(contract: &Contract) -> impl Iterator<Item = &crate::schema::contract::Column> {
    contract.columns.iter().filter(|column| ![FROM, UNTIL, BY].contains(&column.name.as_str()))
}

/// The file's rows, or every problem with its line.
fn read(contract: &Contract, text: &str, from: Day) -> anyhow::Result<Vec<Held>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers()?.clone();
    let is_known = |name: &str| name != BY && contract.column(name).is_some();
    let unknown: Vec<&str> = header.iter().filter(|name| !is_known(name)).collect();
    ensure!(unknown.is_empty(), "unknown columns: {}", unknown.join(", "));
    let at = |name: &str| header.iter().position(|column| column == name);
    let lacking = facts(contract).filter(|column| !column.null && at(&column.name).is_none());
    let lacking: Vec<&str> = lacking.map(|column| column.name.as_str()).collect();
    // A file that is empty since its sender has failed would end all that holds.
    ensure!(lacking.is_empty(), "its header lacks {}: is the file whole?", lacking.join(", "));
    let mut rows = BTreeSet::new();
    let mut problems = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record?;
        let cell = |name: &str| at(name).and_then(|at| record.get(at)).unwrap_or_default();
        match row(contract, cell, from) {
            Ok(held) => drop(rows.insert(held)),
            Err(problem) => problems.push(format!("line {}: {problem}", index + 2)),
        }
    }
    if problems.is_empty() { Ok(rows.into_iter().collect()) } else { bail!("{}", problems.join("\n")) }
}

fn row<'a>(contract: &Contract, cell: impl Fn(&str) -> &'a str, from: Day) -> anyhow::Result<Held> {
    let mut cells = Vec::new();
    for column in facts(contract) {
        let text = cell(&column.name);
        ensure!(!text.is_empty() || column.null, "{} is empty", column.name);
        cells.push(match (column.kind, column.pii) {
            (Type::Int64, Some(Pii::Number)) if !text.is_empty() => {
                let number = Number::parse_given(text).with_context(|| format!("{} is no number", column.name))?;
                number.reveal().to_string()
            }
            _ => text.to_owned(),
        });
    }
    let day = |name: &str| -> anyhow::Result<Option<Day>> {
        let text = cell(name);
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(anyhow::Error::msg) }
    };
    Ok(Held { cells, from: day(FROM)?.unwrap_or(from), until: day(UNTIL)?, by: None })
}

/// The rows of a reference table as text, which is what those of a file are compared as.
fn held(contract: &Contract, batches: &[RecordBatch]) -> anyhow::Result<Vec<Held>> {
    let mut rows = Vec::new();
    let options = FormatOptions::new();
    for batch in batches {
        let column = |name: &str| -> anyhow::Result<ArrayFormatter<'_>> {
            let array = batch.column_by_name(name).with_context(|| format!("no column {name}"))?;
            Ok(ArrayFormatter::try_new(array, &options)?)
        };
        let columns = facts(contract).map(|fact| column(&fact.name)).collect::<anyhow::Result<Vec<_>>>()?;
        let (from, until) = (column(FROM)?, column(UNTIL)?);
        let by = contract.column(BY).map(|_| column(BY)).transpose()?;
        for row in 0..batch.num_rows() {
            let day = |text: String| text.parse::<Day>().map_err(anyhow::Error::msg);
            let until = until.value(row).to_string();
            rows.push(Held {
                cells: columns.iter().map(|column| column.value(row).to_string()).collect(),
                from: day(from.value(row).to_string())?,
                until: if until.is_empty() { None } else { Some(day(until)?) },
                by: by.as_ref().map(|by| by.value(row).to_string()).filter(|by| !by.is_empty()),
            });
        }
    }
    Ok(rows)
}

fn sheet(contract: &Contract, rows: &[Held]) -> anyhow::Result<RecordBatch> {
    let mut sheet = Sheet::new(contract);
    for held in rows {
        let mut row = sheet.row();
        for (column, cell) in facts(contract).zip(&held.cells) {
            row = write(row, column.kind, cell)?;
        }
        let row = row.day(held.from).date_or_null(held.until.map(Day::epoch_days));
        let row = if contract.column(BY).is_some() { row.text_or_null(held.by.as_deref()) } else { row };
        row.end();
    }
    Ok(sheet.finish())
}

fn write<'a>(row: Row<'a>, kind: Type, cell: &str) -> anyhow::Result<Row<'a>> {
    let is_null = cell.is_empty();
    Ok(match kind {
        Type::Int64 if is_null => row.int64_or_null(None),
        Type::Int64 => row.int64(cell.parse()?),
        Type::Utf8 => row.text(cell),
        other => bail!("reference tables hold numbers and text, not {other:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    async fn lake() -> (tempfile::TempDir, Lake) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        (folder, lake)
    }

    #[tokio::test]
    async fn what_is_missing_from_the_next_file_ends() {
        let (_folder, lake) = lake().await;
        let first = "number,reason\n0962000001,hospital\n0962000002,school\n";
        let loaded = load_text(&lake, Table::ALLOW_LIST, first, day("2025-01-01")).await.unwrap();
        assert_eq!(loaded, Loaded { begun: 2, ended: 0, kept: 0 });
        let second = "number,reason\n84962000002,school\n+84962000003,clinic\n";
        let loaded = load_text(&lake, Table::ALLOW_LIST, second, day("2025-02-01")).await.unwrap();
        assert_eq!(loaded, Loaded { begun: 1, ended: 1, kept: 1 });
        let again = load_text(&lake, Table::ALLOW_LIST, second, day("2025-02-01")).await.unwrap();
        assert_eq!(again, Loaded { begun: 0, ended: 0, kept: 2 });
    }

    #[tokio::test]
    async fn what_is_only_to_begin_begins_when_the_next_file_says() {
        for (valid_from, begins) in [("2025-01-10", "2025-01-10"), ("", "2025-01-08"), ("2025-03-01", "2025-03-01")] {
            let (_folder, lake) = lake().await;
            let file = |valid_from: &str| format!("number,reason,valid_from\n0962000001,hospital,{valid_from}\n");
            load_text(&lake, Table::ALLOW_LIST, &file("2025-02-20"), day("2025-01-06")).await.unwrap();
            let loaded = load_text(&lake, Table::ALLOW_LIST, &file(valid_from), day("2025-01-08")).await.unwrap();
            assert_eq!(loaded, Loaded { begun: 1, ended: 1, kept: 0 });
            let table = lake.open(Table::ALLOW_LIST).await.unwrap();
            let rows = held(Table::ALLOW_LIST.contract(), &table.rows(vec![], &[]).await.unwrap()).unwrap();
            assert_eq!(rows.iter().map(|row| (row.from, row.until)).collect::<Vec<_>>(), [(day(begins), None)]);
            let again = load_text(&lake, Table::ALLOW_LIST, &file(valid_from), day("2025-01-08")).await.unwrap();
            assert_eq!(again, Loaded { begun: 0, ended: 0, kept: 1 }, "{valid_from}");
        }
    }

    #[tokio::test]
    async fn one_thing_may_hold_at_two_times_and_what_is_over_is_not_begun_again() {
        let (_folder, lake) = lake().await;
        let text = "number,reason,valid_from,valid_until\n0962000001,hospital,2025-01-08,2025-01-10\n\
            0962000001,hospital,2025-01-20,\n";
        let loaded = load_text(&lake, Table::ALLOW_LIST, text, day("2025-01-06")).await.unwrap();
        assert_eq!(loaded, Loaded { begun: 2, ended: 0, kept: 0 });
        for (from, kept) in [("2025-01-06", 2), ("2025-01-15", 1)] {
            let again = load_text(&lake, Table::ALLOW_LIST, text, day(from)).await.unwrap();
            assert_eq!(again, Loaded { begun: 0, ended: 0, kept }, "{from}");
        }
        let (_folder, lake) = self::lake().await;
        let text = "number,reason,valid_until\n0962000001,hospital,2025-01-10\n";
        for (from, begun, kept) in
            [("2025-01-08", 1, 0), ("2025-01-09", 0, 1), ("2025-01-10", 0, 0), ("2025-01-11", 0, 0)]
        {
            let loaded = load_text(&lake, Table::ALLOW_LIST, text, day(from)).await.unwrap();
            assert_eq!(loaded, Loaded { begun, ended: 0, kept }, "{from}");
        }
    }

    #[tokio::test]
    async fn who_allowed_a_number_is_known_of_the_desks_rows_and_of_no_files() {
        let (_folder, lake) = lake().await;
        let (from, table) = (day("2025-01-06"), Table::ALLOW_LIST);
        // As it lay before there was the column.
        let mut sheet = Sheet::new(table.contract());
        sheet.row().int64(84_962_000_009).text("desk: health").day(from).date_or_null(None).text_or_null(None).end();
        lake.open(table).await.unwrap().replace_all(&[sheet.finish()]).await.unwrap();
        let number = Number::from_e164(84_962_000_009).unwrap();
        let (reason, by) = ("health".to_owned(), "an".to_owned());
        put_allowed(&lake, &[Allowed { id: 5, number, reason, from, until: None, by }]).await.unwrap();
        load_text(&lake, table, "number,reason\n0962000001,hospital\n", from).await.unwrap();
        let rows = lake.open(table).await.unwrap().rows(vec![], &[]).await.unwrap();
        let mut said = BTreeMap::new();
        for batch in &rows {
            let numbers = allow_list::NUMBER.of(batch).unwrap().values().iter().copied();
            let names = allow_list::ALLOWED_BY.of(batch).unwrap().iter().map(|name| name.map(str::to_owned));
            said.extend(numbers.zip(names));
        }
        assert_eq!(said, BTreeMap::from([(84_962_000_001, None), (84_962_000_009, Some("an".to_owned()))]));
        let file = "number,reason,allowed_by\n0962000001,hospital,an\n";
        let problem = load_text(&lake, table, file, from).await.unwrap_err();
        assert_eq!(problem.to_string(), "unknown columns: allowed_by");
    }

    #[tokio::test]
    async fn every_bad_line_is_told_and_nothing_is_loaded() {
        let (_folder, lake) = lake().await;
        let text = "number,reason\nabc,hospital\n0962000002,\n";
        let problem = load_text(&lake, Table::ALLOW_LIST, text, day("2025-01-01")).await.unwrap_err();
        assert_eq!(problem.to_string(), "line 2: number is no number\nline 3: reason is empty");
        let problem = load_text(&lake, Table::ALLOW_LIST, "msisdn\n1\n", day("2025-01-01")).await.unwrap_err();
        assert_eq!(problem.to_string(), "unknown columns: msisdn");
        for empty in ["", "number\n"] {
            let problem = load_text(&lake, Table::ALLOW_LIST, empty, day("2025-01-01")).await.unwrap_err();
            assert!(problem.to_string().ends_with("reason: is the file whole?"), "{problem}");
        }
        let bare = "number,reason\n";
        load_text(&lake, Table::ALLOW_LIST, bare, day("2025-01-01")).await.unwrap();
        load_text(&lake, Table::ALLOW_LIST, "number,reason\n0962000001,hospital\n", day("2025-01-01")).await.unwrap();
        let problem = load_text(&lake, Table::ALLOW_LIST, bare, day("2025-01-02")).await.unwrap_err();
        assert!(problem.to_string().starts_with("it has no line, and all 1 that hold would end"), "{problem}");
        let ended = "number,reason,valid_until\n0962000001,hospital,2025-01-02\n";
        let ended = load_text(&lake, Table::ALLOW_LIST, ended, day("2025-01-02")).await.unwrap();
        assert_eq!(ended, Loaded { begun: 0, ended: 1, kept: 0 });
    }
}
