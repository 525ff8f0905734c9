//! The text of `column.rs`: typed handles for every column of every contract.
//!
//! In: the contracts. Out: Rust source. Never: writes the file; a test compares it, and
//! `CALLSIEVE_BLESS=1 cargo test handles_are_fresh` writes it anew.

use std::fmt::Write;

use super::contract::{Table, Type};

const HEAD: &str = "\
//! Typed handles of every column, generated from `schemas/table`; do not edit.
//!
//! In: a record batch. Out: the column's array with its own type. Never: a column's name as a string anywhere
//! else. `CALLSIEVE_BLESS=1 cargo test handles_are_fresh` writes this file anew.

use std::marker::PhantomData;

use arrow::array::{
    Array, BinaryArray, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};

/// A column of a table, with the array type of its values.
#[derive(Debug, Clone, Copy)]
pub struct Column<A> {
    /// The column's name.
    pub name: &'static str,
    array: PhantomData<A>,
}

impl<A: Array + 'static> Column<A> {
    const fn new(name: &'static str) -> Self {
        Self { name, array: PhantomData }
    }

    /// The column's array, if the batch has one of this name and type.
    pub fn of(self, batch: &RecordBatch) -> anyhow::Result<&A> {
        let column = batch.column_by_name(self.name);
        let array = column.and_then(|array| array.as_any().downcast_ref());
        array.ok_or_else(|| match column {
            Some(array) => anyhow::anyhow!(\"column \\\"{}\\\" is {}\", self.name, array.data_type()),
            None => anyhow::anyhow!(\"no column \\\"{}\\\" in the batch\", self.name),
        })
    }
}
";

/// The whole text of `column.rs`.
pub fn column_rs() -> String {
    let mut text = HEAD.to_owned();
    for table in Table::all() {
        let contract = table.contract();
        let mut module = format!("\n/// {}\npub mod {table} {{\n    use super::*;\n\n", contract.doc);
        for column in &contract.columns {
            let name = &column.name;
            // Writing to a String cannot fail.
            let _ = writeln!(module, "    /// {}", column.doc.replace('<', "&lt;"));
            let declared = format!(
                "    pub const {}: Column<{}> = Column::new(\"{name}\");\n",
                name.to_uppercase(),
                array_type(column.kind)
            );
            module += &declared;
        }
        text += &module;
        text += "}\n";
    }
    text
}

fn array_type(kind: Type) -> &'static str {
    match kind {
        Type::Int32 => "Int32Array",
        Type::Int64 => "Int64Array",
        Type::Float64 => "Float64Array",
        Type::Utf8 => "StringArray",
        Type::Bool => "BooleanArray",
        Type::Date => "Date32Array",
        Type::Timestamp => "TimestampMicrosecondArray",
        Type::Binary => "BinaryArray",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema/column.rs");
        if std::env::var_os("CALLSIEVE_BLESS").is_some() {
            std::fs::write(path, column_rs()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap();
        assert!(committed == column_rs(), "schema/column.rs is stale: CALLSIEVE_BLESS=1 cargo test handles_are_fresh");
    }
}
