//! What a person may have taken out of a table, as its contract says.
//!
//! In: lines of a contract. Out: whose cells may be emptied, and when. Never: empties a cell that tells one row from
//! another; knows whose request it is.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::contract::{Column, Pii, Type};

/// Cells that one party of a row may have emptied.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// Column of the number whose holder may ask for it.
    pub of: String,
    /// What is emptied: to null where a column may be null, a text to an empty one, the number itself to a pseudonym.
    /// Of another column of numbers, cells with that same number alone.
    pub columns: Vec<String>,
    /// Rows that it is about, as words by column; all when none is named.
    #[serde(default)]
    pub only: BTreeMap<String, Vec<String>>,
    /// Rows that it is not about, likewise.
    #[serde(default)]
    pub except: BTreeMap<String, Vec<String>>,
    /// Days behind the row's own for which the cells are evidence.
    #[serde(default)]
    pub after_days: u32,
}

impl Erasure {
    /// What is wrong with it, in the contract of a table.
    pub(super) fn problems(&self, table: &str, columns: &[Column], fixed: &[String]) -> Vec<String> {
        let mut problems = Vec::new();
        let find = |name: &String| columns.iter().find(|column| column.name == *name);
        if !find(&self.of).is_some_and(Column::is_number) {
            problems.push(format!("{table}.toml: erase is of \"{}\", which holds no numbers", self.of));
        }
        for name in self.only.keys().chain(self.except.keys()) {
            if find(name).is_none_or(|column| column.kind != Type::Utf8) {
                problems.push(format!("{table}.toml: erase looks at \"{name}\", which holds no words"));
            }
        }
        for name in &self.columns {
            let is_fixed = fixed.contains(name);
            let can_be_empty = |column: &Column| column.null || column.kind == Type::Utf8 || *name == self.of;
            if is_fixed || !find(name).is_some_and(can_be_empty) {
                problems.push(format!("{table}.toml: erase names \"{name}\", which cannot be emptied"));
            }
        }
        problems
    }
}

impl Column {
    /// Whether it holds numbers as integers.
    pub fn is_number(&self) -> bool {
        self.pii == Some(Pii::Number) && self.kind == Type::Int64
    }
}
