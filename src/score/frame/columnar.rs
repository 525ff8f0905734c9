//! Parquet: columns of any numeric type.
//!
//! In: a path and the places of columns. Out: rows. Never: a value out of a column of text.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Place, Row};

pub(super) fn names(path: &Path) -> anyhow::Result<Vec<String>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    Ok(builder.schema().fields().iter().map(|field| field.name().clone()).collect())
}

pub(super) fn scan(
    path: &Path,
    id: Option<usize>,
    columns: &[(usize, &str)],
    each: &mut dyn FnMut(Row<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    for (column, name) in columns {
        let kind = builder.schema().field(*column).data_type();
        ensure!(kind.is_numeric() || *kind == DataType::Boolean, "column {name} is {kind} and no number");
    }
    let wanted = columns.iter().map(|(column, _)| *column).chain(id);
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let mut first = 1;
    for batch in builder.with_projection(mask).build()? {
        first = rows(&batch?, first, id, columns, each)?;
    }
    Ok(())
}

/// Hands over the rows of a batch, of which the first has this number; returns that of the row behind it.
fn rows(
    batch: &RecordBatch,
    first: u64,
    id: Option<usize>,
    columns: &[(usize, &str)],
    each: &mut dyn FnMut(Row<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    // A batch has the columns that were read alone, in the order of the file.
    let mut read: Vec<usize> = columns.iter().map(|(column, _)| *column).chain(id).collect();
    read.sort_unstable();
    read.dedup();
    let array = |column: usize, kind: &DataType| {
        let place = read.iter().position(|there| *there == column).context("it was read")?;
        anyhow::Ok(cast(batch.column(place), kind)?)
    };
    let arrays = columns.iter().map(|(column, _)| array(*column, &DataType::Float64));
    let arrays = arrays.collect::<anyhow::Result<Vec<_>>>()?;
    let numbers: Vec<_> = arrays.iter().map(|array| array.as_primitive::<Float64Type>()).collect();
    let ids = id.map(|id| array(id, &DataType::Utf8)).transpose()?;
    let ids = ids.as_ref().map(|ids| ids.as_string::<i32>());
    let mut values = vec![f64::NAN; columns.len()];
    let mut number = first;
    for row in 0..batch.num_rows() {
        for ((value, numbers), (_, name)) in values.iter_mut().zip(&numbers).zip(columns) {
            *value = if numbers.is_null(row) { f64::NAN } else { numbers.value(row) };
            if !value.is_finite() && !numbers.is_null(row) {
                bail!("row {number}, column {name}: {value} is no finite number; a missing value is a null");
            }
        }
        let id = ids.map_or("", |ids| if ids.is_null(row) { "" } else { ids.value(row) });
        each(Row { id, place: Place::Row(number), values: &values })?;
        number += 1;
    }
    Ok(number)
}
