//! Rows written cell by cell in a contract's order, given back as one Arrow batch.
//!
//! In: a contract, then one value for each column, left to right, row after row. Out: a record batch of exactly
//! that contract. Never: reorders, converts or invents a value.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int32Builder, Int64Builder,
    RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::SchemaRef;

use super::contract::{Contract, Type};
use crate::domain::day::Day;

/// A batch under construction.
#[derive(Debug)]
pub struct Sheet {
    schema: SchemaRef,
    columns: Vec<Cells>,
}

#[derive(Debug)]
enum Cells {
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float64(Float64Builder),
    Utf8(StringBuilder),
    Bool(BooleanBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Binary(BinaryBuilder),
}

impl Sheet {
    /// An empty sheet for a contract.
    pub fn new(contract: &Contract) -> Self {
        Self::with_capacity(contract, 0)
    }

    /// An empty sheet with room for so many rows.
    pub fn with_capacity(contract: &Contract, rows: usize) -> Self {
        let columns = contract.columns.iter().map(|column| Cells::new(column.kind, rows)).collect();
        Self { schema: contract.schema(), columns }
    }

    /// Begins a row; the next calls fill it from the first column to the last.
    pub fn row(&mut self) -> Row<'_> {
        Row { cells: self.columns.iter_mut() }
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |cells| cells.builder_ref().len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The batch; the sheet is empty afterwards.
    pub fn finish(&mut self) -> RecordBatch {
        let arrays = self.columns.iter_mut().map(Cells::finish).collect();
        RecordBatch::try_new(Arc::clone(&self.schema), arrays).expect("cells were written in the contract's order")
    }
}

/// One row being filled.
#[derive(Debug)]
pub struct Row<'a> {
    cells: std::slice::IterMut<'a, Cells>,
}

macro_rules! cells {
    ($($(#[$doc:meta])* $name:ident, $optional:ident: $value:ty => $variant:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(self, value: $value) -> Self {
                self.$optional(Some(value))
            }

            /// The same where null is allowed.
            pub fn $optional(mut self, value: Option<$value>) -> Self {
                match self.cells.next() {
                    Some(Cells::$variant(builder)) => builder.append_option(value),
                    other => unreachable!(concat!("a ", stringify!($name), " cell is written into {:?}"), other),
                }
                self
            }
        )*
    };
}

// A macro, since eight types times two kinds of cell differ in nothing but their names.
impl Row<'_> {
    cells! {
        /// A 32-bit integer.
        int32, int32_or_null: i32 => Int32;
        /// A 64-bit integer.
        int64, int64_or_null: i64 => Int64;
        /// A float.
        float64, float64_or_null: f64 => Float64;
        /// Text.
        text, text_or_null: &str => Utf8;
        /// A truth value.
        boolean, boolean_or_null: bool => Bool;
        /// Days since 1970-01-01.
        date, date_or_null: i32 => Date;
        /// UTC microseconds.
        instant, instant_or_null: i64 => Timestamp;
        /// Bytes.
        bytes, bytes_or_null: &[u8] => Binary;
    }

    /// A local day.
    pub fn day(self, day: Day) -> Self {
        self.date(day.epoch_days())
    }

    /// Ends the row.
    pub fn end(mut self) {
        debug_assert!(self.cells.next().is_none(), "a row ends with the last column");
    }
}

/// What a text takes, about: names of kinds, numbers, references.
const TEXT_BYTES: usize = 16;

impl Cells {
    fn new(kind: Type, rows: usize) -> Self {
        match kind {
            Type::Int32 => Self::Int32(Int32Builder::with_capacity(rows)),
            Type::Int64 => Self::Int64(Int64Builder::with_capacity(rows)),
            Type::Float64 => Self::Float64(Float64Builder::with_capacity(rows)),
            Type::Utf8 => Self::Utf8(StringBuilder::with_capacity(rows, rows * TEXT_BYTES)),
            Type::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            Type::Date => Self::Date(Date32Builder::with_capacity(rows)),
            Type::Timestamp => Self::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_timezone("UTC")),
            Type::Binary => Self::Binary(BinaryBuilder::with_capacity(rows, 0)),
        }
    }

    fn builder(&mut self) -> &mut dyn ArrayBuilder {
        match self {
            Self::Int32(builder) => builder,
            Self::Int64(builder) => builder,
            Self::Float64(builder) => builder,
            Self::Utf8(builder) => builder,
            Self::Bool(builder) => builder,
            Self::Date(builder) => builder,
            Self::Timestamp(builder) => builder,
            Self::Binary(builder) => builder,
        }
    }

    fn builder_ref(&self) -> &dyn ArrayBuilder {
        match self {
            Self::Int32(builder) => builder,
            Self::Int64(builder) => builder,
            Self::Float64(builder) => builder,
            Self::Utf8(builder) => builder,
            Self::Bool(builder) => builder,
            Self::Date(builder) => builder,
            Self::Timestamp(builder) => builder,
            Self::Binary(builder) => builder,
        }
    }

    fn finish(&mut self) -> ArrayRef {
        self.builder().finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::column::trunk;
    use crate::schema::contract::Table;

    #[test]
    fn rows_come_back_by_their_handles() {
        let mut sheet = Sheet::new(Table::TRUNK.contract());
        sheet.row().text("T1").text("voip").text("peer").date(3).date_or_null(None).end();
        let batch = sheet.finish();
        assert_eq!(trunk::KIND.of(&batch).unwrap().value(0), "voip");
        assert_eq!(trunk::VALID_FROM.of(&batch).unwrap().value(0), 3);
        assert!(sheet.is_empty());
    }
}
