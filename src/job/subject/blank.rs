//! A person's cells in a table's rows, emptied as the contract allows.
//!
//! In: rows, and whose cells go on which day. Out: as many rows in the same order, which of them lost something, and
//! which keep something for now. Never: touches a cell that another contract line does not name, or a row that is not
//! the person's, or is of a time in which the number was not.

use std::sync::Arc;

use anyhow::Context;
use arrow::array::{Array, ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::nullif;

use super::tenure::Tenure;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::schema::contract::{Column, Contract, Table, Type};
use crate::schema::erasure::Erasure;

/// Whose cells, and what stands for the number from now on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blank<'a> {
    pub(super) tenure: &'a Tenure,
    pub(super) pseudonym: i64,
    pub(super) today: Day,
}

/// What became of rows.
pub(super) struct Blanked {
    pub(super) batch: RecordBatch,
    pub(super) rows: Vec<Row>,
}

#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) day: Day,
    pub(super) is_changed: bool,
    /// The day from which a cell may go that has to stay until then.
    pub(super) free_on: Option<Day>,
}

impl Blanked {
    pub(super) fn changed(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.is_changed)
    }
}

impl Blank<'_> {
    /// Empties what may go of rows that have all columns of a contract.
    pub(super) fn of(self, batch: &RecordBatch, table: Table) -> anyhow::Result<Blanked> {
        let contract = table.contract();
        let mut rows = rows(batch, contract)?;
        let own = self.tenure.owns(table, batch)?;
        let mut columns = batch.columns().to_vec();
        for erasure in &contract.erase {
            let theirs = self.theirs(batch, erasure, &own)?;
            let after = i32::try_from(erasure.after_days)?;
            for (array, column) in columns.iter_mut().zip(&contract.columns) {
                if !erasure.columns.contains(&column.name) {
                    continue;
                }
                let mut empties = vec![false; rows.len()];
                let cells = rows.iter_mut().zip(&mut empties).zip(&theirs).zip(self.is_filled(array, column)?);
                for (((row, empties), _), _) in cells.filter(|((_, theirs), is_filled)| **theirs && *is_filled) {
                    let free_on = row.day.plus(after);
                    *empties = free_on <= self.today;
                    row.is_changed |= *empties;
                    row.free_on = row.free_on.max((!*empties).then_some(free_on));
                }
                if empties.contains(&true) {
                    *array = self.emptied(array, column, empties)?;
                }
            }
        }
        Ok(Blanked { batch: RecordBatch::try_new(contract.schema(), columns)?, rows })
    }

    /// Which rows a line of the contract is about.
    fn theirs(self, batch: &RecordBatch, erasure: &Erasure, own: &[bool]) -> anyhow::Result<Vec<bool>> {
        let number = Some(self.tenure.number);
        let holders = holders(batch, &erasure.of)?.zip(own);
        let mut theirs: Vec<bool> = holders.map(|(holder, is_own)| *is_own && holder == number).collect();
        for (words, is_wanted) in [(&erasure.only, true), (&erasure.except, false)] {
            for (name, words) in words {
                let array: &StringArray = named(batch, name)?;
                for (is_theirs, word) in theirs.iter_mut().zip(array) {
                    *is_theirs &= word.is_some_and(|word| words.iter().any(|listed| listed == word)) == is_wanted;
                }
            }
        }
        Ok(theirs)
    }

    /// Whether there is anything to empty in each row; of the holder's own number there always is, and another's is not
    /// the holder's to take out.
    fn is_filled(self, array: &ArrayRef, column: &Column) -> anyhow::Result<Vec<bool>> {
        if column.null && column.is_number() {
            let numbers = typed::<Int64Array>(array, &column.name)?.iter();
            let holders = numbers.map(|number| number.and_then(Number::from_e164));
            return Ok(holders.map(|holder| holder == Some(self.tenure.number)).collect());
        }
        if !column.null && column.kind == Type::Utf8 {
            let texts = typed::<StringArray>(array, &column.name)?;
            return Ok(texts.iter().map(|text| text.is_some_and(|text| !text.is_empty())).collect());
        }
        Ok((0..array.len()).map(|row| array.is_valid(row)).collect())
    }

    fn emptied(self, array: &ArrayRef, column: &Column, empties: Vec<bool>) -> anyhow::Result<ArrayRef> {
        if column.null {
            return Ok(nullif(array, &BooleanArray::from(empties))?);
        }
        if column.kind == Type::Utf8 {
            let texts = typed::<StringArray>(array, &column.name)?.iter().zip(empties);
            let texts = texts.map(|(text, is_empty)| if is_empty { Some("") } else { text });
            return Ok(Arc::new(texts.collect::<StringArray>()));
        }
        let numbers = typed::<Int64Array>(array, &column.name)?.iter().zip(empties);
        let numbers = numbers.map(|(number, is_empty)| if is_empty { Some(self.pseudonym) } else { number });
        Ok(Arc::new(numbers.collect::<Int64Array>()))
    }
}

/// Whose number a column holds in each row.
pub(super) fn holders<'a>(
    batch: &'a RecordBatch,
    name: &str,
) -> anyhow::Result<impl Iterator<Item = Option<Number>> + 'a> {
    let array: &Int64Array = named(batch, name)?;
    Ok(array.iter().map(|number| number.and_then(Number::from_e164)))
}

fn rows(batch: &RecordBatch, contract: &Contract) -> anyhow::Result<Vec<Row>> {
    let partition = contract.partition.first().with_context(|| format!("{} has no days", contract.name))?;
    let days: &Date32Array = named(batch, partition)?;
    let row = |day: &i32| Row { day: Day::from_epoch_days(*day), is_changed: false, free_on: None };
    Ok(days.values().iter().map(row).collect())
}

pub(super) fn named<'a, A: 'static>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a A> {
    typed(batch.column_by_name(name).with_context(|| format!("no column \"{name}\""))?, name)
}

fn typed<'a, A: 'static>(array: &'a ArrayRef, name: &str) -> anyhow::Result<&'a A> {
    let typed = array.as_any().downcast_ref();
    typed.with_context(|| format!("column \"{name}\" is {}", array.data_type()))
}
