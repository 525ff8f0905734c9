//! `simulate --profile`: numbers of a profile as rows of aggregates, to hold them against real ones.
//!
//! In: a seed. Out: one row a number with its `label`, as CSV or Parquet by the file's name. Never: touches a lake or a
//! broker, or holds the traffic of two numbers.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use arrow::array::{ArrayRef, Float64Array, RecordBatch, UInt32Array};
use serde::Serialize;

use super::simulate::write_parquet;
use crate::source::synthetic::{COLUMNS, Row, Sample};

/// Numbers of a sample, as many as the Sichuan rows have.
pub const NUMBERS: u32 = 6_000;

/// What was made.
#[derive(Debug, Default, Serialize)]
pub struct Sampled {
    /// Rows.
    pub numbers: usize,
    /// Of them, those with label 1.
    pub fraud: usize,
}

/// Writes the numbers of the profile `sichuan`; `out` ends with `.csv` or `.parquet`.
pub fn sample(seed: u64, out: &Path) -> anyhow::Result<Sampled> {
    let write = match out.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => write_csv,
        Some("parquet") => write_parquet,
        _ => bail!("{}: rows are written as .csv or .parquet", out.display()),
    };
    let rows: Vec<Row> = Sample::new(seed, NUMBERS).collect();
    write(out, &batch(&rows)?)?;
    Ok(Sampled { numbers: rows.len(), fraud: rows.iter().filter(|row| row.is_fraud).count() })
}

fn batch(rows: &[Row]) -> anyhow::Result<RecordBatch> {
    let id: ArrayRef = Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.id)));
    let label: ArrayRef = Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| u32::from(row.is_fraud))));
    let mut columns = vec![("id", id)];
    for (index, name) in COLUMNS.into_iter().enumerate() {
        let values: ArrayRef = Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.values[index])));
        columns.push((name, values));
    }
    columns.push(("label", label));
    let columns = columns.into_iter().map(|(name, array)| (name, array, !matches!(name, "id" | "label")));
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn write_csv(path: &Path, batch: &RecordBatch) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    arrow::csv::Writer::new(file).write(batch)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_one_line_and_what_is_not_known_is_blank() {
        let mut values = [None; COLUMNS.len()];
        values[0] = Some(2.0);
        let rows = [Row { id: 1, values, is_fraud: true }, Row { id: 2, values: [Some(0.5); 33], is_fraud: false }];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        write_csv(&path, &batch(&rows).unwrap()).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("id,opposite_count,opposite_unique,") && lines[0].ends_with(",day_nunique,label"));
        assert_eq!(lines[1], format!("1,2.0{},1", ",".repeat(32)));
        assert_eq!(lines[2], format!("2{},0", ",0.5".repeat(33)));
    }

    #[test]
    fn another_kind_of_file_is_refused_before_the_work() {
        let error = sample(1, Path::new("rows.xlsx")).unwrap_err();
        assert_eq!(error.to_string(), "rows.xlsx: rows are written as .csv or .parquet");
    }
}
