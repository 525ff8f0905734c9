//! Who gets a package, and which columns of it.
//!
//! In: a recipient as a definition names it. Out: whether it can be served. Never: a column for whoever was not granted
//! it by name.

use serde::Deserialize;

use crate::domain::lang::Lang;
use crate::schema::contract::Contract;

/// Without these there is nothing to count.
const NEEDED: [&str; 3] = ["week", "number", "verdict"];

/// A single report is a person's.
const HIDES: u64 = 2;

/// A recipient of the weekly package.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Who it is, in its language: the package says it.
    pub doc: String,
    /// The language of what people read: `report.html`, and the sheets of the workbook that are no list; English where
    /// none is named.
    #[serde(default)]
    pub lang: Lang,
    /// Why these columns and no others.
    pub why: String,
    /// The columns that it gets.
    pub columns: Vec<String>,
    /// Of reports, counts below it are hidden, and as many others as it takes that nobody can work them out.
    pub least_reports: u64,
}

impl Recipient {
    /// Everything that keeps it from being served.
    pub fn problems(&self, contract: &Contract) -> Vec<String> {
        let unknown = self.columns.iter().filter(|name| contract.column(name).is_none());
        let mut problems: Vec<String> =
            unknown.map(|name| format!("\"{name}\" is no column of {}", contract.name)).collect();
        let missing = NEEDED.iter().filter(|needed| !self.columns.iter().any(|name| name == *needed));
        problems.extend(missing.map(|needed| format!("column \"{needed}\" has to be among its columns")));
        if self.least_reports < HIDES {
            problems.push(format!("least_reports has to be {HIDES} or more"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::contract::Table;

    #[test]
    fn a_recipient_gets_columns_that_there_are() {
        let recipient = |columns: &[&str]| Recipient {
            doc: String::new(),
            lang: Lang::Vi,
            why: String::new(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            least_reports: 2,
        };
        let contract = Table::REGULATOR_WEEK.contract();
        assert!(recipient(&["week", "number", "verdict"]).problems(contract).is_empty());
        let problems = recipient(&["number", "verdict", "name"]).problems(contract);
        assert_eq!(
            problems,
            ["\"name\" is no column of regulator_week", "column \"week\" has to be among its columns"]
        );
        let telling = Recipient { least_reports: 1, ..recipient(&["week", "number", "verdict"]) };
        assert_eq!(telling.problems(contract), ["least_reports has to be 2 or more"]);
    }
}
