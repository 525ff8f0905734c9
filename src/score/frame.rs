//! Tables of numbers out of files, CSV with a header or Parquet.
//!
//! In: a path, the column that names a row, and the columns that are wanted. Out: rows, in the order of the file.
//! Never: a guess; what is no number is an error that says where it stands, and a blank alone is a missing value.

mod columnar;
mod delimited;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};

/// What is wanted of a file.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The file.
    pub path: &'a Path,
    /// The column that names a row, where one is wanted.
    pub id: Option<&'a str>,
    /// The columns of numbers.
    pub columns: &'a [String],
}

/// One row of a file.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Its name; empty where none was asked for.
    pub id: &'a str,
    /// Where it stands.
    pub place: Place,
    /// The columns that were asked for; `NaN` is a missing value.
    pub values: &'a [f64],
}

/// Where a row stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of a CSV file, from 1; its header is the first.
    Line(u64),
    /// A row of a Parquet file, from 1.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
        }
    }
}

/// A whole file.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Where it was read.
    pub path: PathBuf,
    /// The name of each row; none where none was asked for.
    pub ids: Vec<String>,
    /// Where each row stands.
    pub places: Vec<Place>,
    /// The columns that were asked for, each with a value for each row.
    pub columns: Vec<Vec<f64>>,
}

/// The names of a file's columns.
pub fn names(path: &Path) -> anyhow::Result<Vec<String>> {
    let names = if is_parquet(path)? { columnar::names(path) } else { delimited::names(path) };
    let names = names.with_context(|| path.display().to_string())?;
    let twice = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name));
    twice.map_or(Ok(()), |(_, name)| Err(anyhow!("{}: column {name} is there twice", path.display())))?;
    Ok(names)
}

/// Hands over every row of a file, holding one at a time.
pub fn scan(ask: Ask<'_>, each: &mut dyn FnMut(Row<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let names = names(ask.path)?;
    let path = || ask.path.display().to_string();
    let missing: Vec<&str> = ask
        .columns
        .iter()
        .map(String::as_str)
        .chain(ask.id)
        .filter(|name| !names.iter().any(|has| has == name))
        .collect();
    ensure!(missing.is_empty(), "{}: no column {}; it has {}", path(), missing.join(", "), names.join(", "));
    let place = |name: &str| names.iter().position(|has| has == name).unwrap_or_default();
    let id = ask.id.map(place);
    let columns: Vec<(usize, &str)> = ask.columns.iter().map(|name| (place(name), name.as_str())).collect();
    let mut rows = 0_u64;
    let mut each = |row: Row<'_>| {
        rows += 1;
        ensure!(id.is_none() || !row.id.is_empty(), "{}: its {} is blank", row.place, ask.id.unwrap_or_default());
        each(row)
    };
    let read = if is_parquet(ask.path)? { columnar::scan } else { delimited::scan };
    read(ask.path, id, &columns, &mut each).with_context(path)?;
    ensure!(rows > 0, "{}: there is no row in it", path());
    Ok(())
}

impl Frame {
    /// Reads a file whole. Where rows have names, each has its own.
    pub fn read(ask: Ask<'_>) -> anyhow::Result<Self> {
        let mut frame = Self {
            path: ask.path.to_owned(),
            ids: Vec::new(),
            places: Vec::new(),
            columns: vec![Vec::new(); ask.columns.len()],
        };
        scan(ask, &mut |row| {
            if ask.id.is_some() {
                frame.ids.push(row.id.to_owned());
            }
            frame.places.push(row.place);
            frame.columns.iter_mut().zip(row.values).for_each(|(column, value)| column.push(*value));
            Ok(())
        })?;
        if let Some(id) = ask.id {
            let mut first: HashMap<&str, Place> = HashMap::new();
            for (name, place) in frame.ids.iter().zip(&frame.places) {
                if let Some(there) = first.insert(name, *place) {
                    bail!("{} {place}, column {id}: {there} has the same", ask.path.display());
                }
            }
        }
        Ok(frame)
    }

    /// Leaves the rows of which something holds in a column.
    pub fn retain(&mut self, column: usize, holds: impl Fn(f64) -> bool) {
        let kept: Vec<bool> = self.columns[column].iter().map(|value| holds(*value)).collect();
        retain(&mut self.ids, &kept);
        retain(&mut self.places, &kept);
        self.columns.iter_mut().for_each(|values| retain(values, &kept));
    }

    /// A column of zeros and ones as truth.
    pub fn truth(&self, column: usize, name: &str) -> anyhow::Result<Vec<bool>> {
        let path = self.path.display();
        let rows = self.columns[column].iter().zip(&self.places);
        rows.map(|(value, place)| match value {
            value if *value == 1.0 => Ok(true),
            value if *value == 0.0 => Ok(false),
            value if value.is_nan() => Err(anyhow!("{path} {place}, column {name}: the label is blank")),
            value => Err(anyhow!("{path} {place}, column {name}: a label is 0 or 1, not {value}")),
        })
        .collect()
    }
}

fn retain<T>(of_rows: &mut Vec<T>, kept: &[bool]) {
    let mut rows = kept.iter();
    of_rows.retain(|_| rows.next() == Some(&true));
}

fn is_parquet(path: &Path) -> anyhow::Result<bool> {
    let reading = || format!("reading {}", path.display());
    let mut begin = Vec::new();
    File::open(path).with_context(reading)?.take(4).read_to_end(&mut begin).with_context(reading)?;
    Ok(begin == b"PAR1")
}

#[cfg(test)]
mod tests;
