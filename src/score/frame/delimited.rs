//! CSV: a header, then a row on each line.
//!
//! In: a path and the places of columns. Out: rows. Never: a value out of a cell that is not all number.

use std::path::Path;

use anyhow::{anyhow, bail, ensure};
use csv::{ByteRecord, Reader};

use super::{Place, Row};

pub(super) fn names(path: &Path) -> anyhow::Result<Vec<String>> {
    let mut reader = Reader::from_path(path)?;
    let names: Vec<String> = reader.headers()?.iter().map(|name| name.trim().to_owned()).collect();
    ensure!(!names.is_empty(), "line 1: the file is empty, and there is no header");
    Ok(names)
}

pub(super) fn scan(
    path: &Path,
    id: Option<usize>,
    columns: &[(usize, &str)],
    each: &mut dyn FnMut(Row<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut reader = Reader::from_path(path)?;
    let mut record = ByteRecord::new();
    let mut values = vec![f64::NAN; columns.len()];
    while reader.read_byte_record(&mut record)? {
        let place = Place::Line(record.position().map_or(0, csv::Position::line));
        let cell = |column: usize| {
            let cell = std::str::from_utf8(record.get(column).unwrap_or_default()).map(str::trim);
            cell.map_err(|_| anyhow!("a cell is no UTF-8"))
        };
        for (value, (column, name)) in values.iter_mut().zip(columns) {
            let found = cell(*column).and_then(number);
            *value = found.map_err(|problem| anyhow!("{place}, column {name}: {problem}"))?;
        }
        let id = id.map_or(Ok(""), cell).map_err(|problem| anyhow!("{place}, the row's name: {problem}"))?;
        each(Row { id, place, values: &values })?;
    }
    Ok(())
}

fn number(cell: &str) -> anyhow::Result<f64> {
    match cell {
        "" => return Ok(f64::NAN),
        "true" | "True" | "TRUE" => return Ok(1.0),
        "false" | "False" | "FALSE" => return Ok(0.0),
        _ => {}
    }
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => bail!("\"{cell}\" is no finite number; a missing value is left blank"),
        Err(_) => bail!("\"{}\" is no number", cell.chars().take(20).collect::<String>()),
    }
}
