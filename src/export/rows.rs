//! Rows of a table as they leave: some columns of its contract, always in the same order.
//!
//! In: batches in any order, as a scan hands them out. Out: rows by number and activation, their cells as text.
//! Never: a column that was not asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, new_empty_array};
use arrow::compute::{SortColumn, concat, lexsort_to_indices, take};
use arrow::datatypes::{DataType, FieldRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::cell::inert;
use crate::schema::column;
use crate::schema::contract::{Column, Contract, Type};

/// Rows of one table.
#[derive(Debug, Clone)]
pub struct Rows {
    columns: Vec<&'static Column>,
    batch: RecordBatch,
}

impl Rows {
    /// The rows of some batches, ordered by the contract's key. They are joined and put in order column by column, and each
    /// goes as that is done: a list may be long, and is not held twice.
    pub fn of(contract: &'static Contract, batches: Vec<RecordBatch>) -> anyhow::Result<Self> {
        let schema = contract.schema();
        let pieces_of = |place: usize| batches.iter().map(|batch| Arc::clone(batch.column(place))).collect();
        let pieces: Vec<Vec<ArrayRef>> = (0..schema.fields().len()).map(pieces_of).collect();
        drop(batches);
        let key = |name: &String| {
            let place = schema.index_of(name)?;
            let pieces = pieces.get(place).with_context(|| format!("no column \"{name}\""))?;
            anyhow::Ok(SortColumn { values: joined(pieces, schema.field(place).data_type())?, options: None })
        };
        let key = contract.key.iter().map(key).collect::<anyhow::Result<Vec<_>>>()?;
        let order = lexsort_to_indices(&key, None)?;
        drop(key);
        let ordered = |(pieces, field): (Vec<ArrayRef>, &FieldRef)| {
            let column = joined(&pieces, field.data_type())?;
            drop(pieces);
            anyhow::Ok(take(&column, &order, None)?)
        };
        let ordered = pieces.into_iter().zip(schema.fields()).map(ordered).collect::<anyhow::Result<Vec<_>>>()?;
        let batch = RecordBatch::try_new(Arc::clone(&schema), ordered)?;
        Ok(Self { columns: contract.columns.iter().collect(), batch })
    }

    /// The same rows with these columns alone, in the contract's order.
    pub fn cut(&self, names: &[String]) -> anyhow::Result<Self> {
        let places = (0..self.columns.len())
            .filter(|place| self.columns.get(*place).is_some_and(|column| names.contains(&column.name)));
        let places: Vec<usize> = places.collect();
        let columns = places.iter().filter_map(|place| self.columns.get(*place).copied()).collect();
        Ok(Self { columns, batch: self.batch.project(&places)? })
    }

    /// The columns.
    pub fn columns(&self) -> &[&'static Column] {
        &self.columns
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of a column, if it was not cut.
    pub fn values<A: Array + 'static>(&self, column: column::Column<A>) -> Option<&A> {
        column.of(&self.batch).ok()
    }

    /// Hands out the cells of each row as text; an empty one is null.
    pub fn each(&self, mut row: impl FnMut(&[String]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let (cells, mut texts) = (self.cells()?, Vec::new());
        for at in 0..self.len() {
            cells.read(at, &mut texts)?;
            row(&texts)?;
        }
        Ok(())
    }

    /// The cells as text, of whatever row is asked for.
    pub(super) fn cells(&self) -> anyhow::Result<Cells<'_>> {
        let options = FormatOptions::new();
        let cells = self.batch.columns().iter().map(|array| ArrayFormatter::try_new(array, &options));
        Ok(Cells { cells: cells.collect::<Result<_, _>>()? })
    }

    /// How many rows there are of each text in a column; none when it was cut.
    pub fn counts(&self, name: &str) -> Option<BTreeMap<String, u64>> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for value in self.batch.column_by_name(name)?.as_string_opt::<i32>()? {
            *counts.entry(value.unwrap_or_default()).or_default() += 1;
        }
        Some(counts.into_iter().map(|(text, count)| (text.to_owned(), count)).collect())
    }

    /// Whether any row has a value in a column.
    pub fn has_values(&self, name: &str) -> bool {
        self.batch.column_by_name(name).is_some_and(|column| column.null_count() < column.len())
    }

    /// As CSV with a header; what a spreadsheet would run is marked as text.
    pub fn csv(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(self.columns.iter().map(|column| &column.name))?;
        self.each(|cells| {
            for (cell, column) in cells.iter().zip(&self.columns) {
                if column.kind == Type::Utf8 {
                    writer.write_field(inert(cell).as_bytes())?;
                } else {
                    writer.write_field(cell)?;
                }
            }
            Ok(writer.write_record(None::<&[u8]>)?)
        })?;
        Ok(writer.flush()?)
    }
}

/// Cells of rows, made into text one row at a time.
pub(super) struct Cells<'a> {
    cells: Vec<ArrayFormatter<'a>>,
}

impl Cells<'_> {
    /// Reads a row's cells into texts, whose memory is used again.
    pub(super) fn read(&self, row: usize, texts: &mut Vec<String>) -> anyhow::Result<()> {
        texts.resize(self.cells.len(), String::new());
        for (text, cell) in texts.iter_mut().zip(&self.cells) {
            text.clear();
            write!(text, "{}", cell.value(row))?;
        }
        Ok(())
    }
}

/// The pieces of a column in one.
fn joined(pieces: &[ArrayRef], kind: &DataType) -> anyhow::Result<ArrayRef> {
    if pieces.is_empty() {
        return Ok(new_empty_array(kind));
    }
    let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
    Ok(concat(&pieces)?)
}

#[cfg(test)]
pub(super) mod tests {
    use arrow::array::{Date32Array, Int64Array, StringArray, TimestampMicrosecondArray, new_null_array};

    use super::*;
    use crate::schema::contract::Table;

    /// A number of the week of 2025-01-06, with what a test says of it.
    pub(in crate::export) struct Flagged {
        pub(in crate::export) number: i64,
        pub(in crate::export) verdict: &'static str,
        pub(in crate::export) holder: &'static str,
        pub(in crate::export) since_day: i32,
    }

    /// The Monday of that week, and its batch; what a test does not say is null, or the contract's first idea of it.
    pub(in crate::export) const MONDAY: i32 = 20_094;

    pub(in crate::export) fn batch(flagged: &[Flagged]) -> RecordBatch {
        let contract = Table::REGULATOR_WEEK.contract();
        let count = flagged.len();
        let text =
            |of: fn(&Flagged) -> &str| Arc::new(StringArray::from_iter_values(flagged.iter().map(of))) as ArrayRef;
        let array = |column: &Column| -> ArrayRef {
            match (column.name.as_str(), column.kind) {
                ("number", _) => Arc::new(Int64Array::from_iter_values(flagged.iter().map(|flagged| flagged.number))),
                ("verdict", _) => text(|flagged| flagged.verdict),
                ("range_holder", _) => text(|flagged| flagged.holder),
                ("segment", _) => text(|_| "prepaid"),
                ("evidence", _) => text(|_| "behaviour+survey"),
                ("flagged_day", _) => {
                    Arc::new(Date32Array::from_iter_values(flagged.iter().map(|flagged| flagged.since_day)))
                }
                ("activated_at", _) => {
                    Arc::new(TimestampMicrosecondArray::from(vec![1_704_067_200_000_000; count]).with_timezone("UTC"))
                }
                (_, kind) if column.null => new_null_array(&kind.arrow(), count),
                (_, Type::Utf8) => text(|_| "C-1"),
                (_, Type::Int64) => Arc::new(Int64Array::from(vec![2; count])),
                (_, Type::Date) => Arc::new(Date32Array::from(vec![MONDAY; count])),
                (name, _) => panic!("the contract has a new column, {name}"),
            }
        };
        RecordBatch::try_new(contract.schema(), contract.columns.iter().map(array).collect()).unwrap()
    }

    pub(in crate::export) fn rows(flagged: &[Flagged]) -> Rows {
        Rows::of(Table::REGULATOR_WEEK.contract(), vec![batch(flagged)]).unwrap()
    }

    pub(in crate::export) fn flagged(number: i64, verdict: &'static str, holder: &'static str) -> Flagged {
        Flagged { number, verdict, holder, since_day: MONDAY }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_order_of_the_batches_does_not_matter() {
        let (one, two) = (flagged(84_900_000_001, "limited", ""), flagged(84_900_000_002, "survey", ""));
        let contract = Table::REGULATOR_WEEK.contract();
        let csv = |batches: Vec<RecordBatch>| {
            let mut text = Vec::new();
            Rows::of(contract, batches).unwrap().csv(&mut text).unwrap();
            String::from_utf8(text).unwrap()
        };
        let (one, two) = (batch(&[one]), batch(&[two]));
        assert_eq!(csv(vec![one.clone(), two.clone()]), csv(vec![two, one]));
    }

    #[test]
    fn only_the_columns_that_were_asked_for_leave_and_formulas_do_not_run() {
        let rows = rows(&[flagged(84_900_000_001, "limited", "=1+1")]);
        let cut = rows.cut(&names(&["range_holder", "number", "flagged_day"])).unwrap();
        let mut text = Vec::new();
        cut.csv(&mut text).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "number,range_holder,flagged_day\n84900000001,'=1+1,2025-01-06\n");
    }
}
