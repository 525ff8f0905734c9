//! How the cells of a CSV line lead to the fields of a topic's contract.
//!
//! In: a mapping out of a configuration, and a line's cells. Out: an object of the contract's fields. Never: guesses: a
//! cell that is not what the mapping says stays text, for decode to refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use chrono::FixedOffset;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::topic::Topic;

/// A mapping as a site writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// Between two cells.
    #[serde(default = "default_delimiter")]
    pub delimiter: char,
    /// Whether a file's first line names the columns; without it columns are named by their number, from 1.
    #[serde(default = "default_header")]
    pub header: bool,
    /// Whether a cell between quotes may hold line ends, as texts that people wrote do. Without it, whoever forgets to
    /// close a quote costs the lines up to the next one, each a reject, and no citizen's text can forge a line.
    #[serde(default)]
    pub multiline: bool,
    /// Offset of instants that name none, such as `+07:00`.
    #[serde(default = "default_offset")]
    pub offset: String,
    /// Field of the contract = column of the line.
    pub columns: BTreeMap<String, String>,
    /// Field of the contract = the same value in every record.
    #[serde(default)]
    pub constants: BTreeMap<String, String>,
    /// Fields that are whole numbers.
    #[serde(default)]
    pub integers: Vec<String>,
    /// Fields that are true or false.
    #[serde(default)]
    pub booleans: Vec<String>,
    /// What is true, in any case of letters.
    #[serde(default = "default_yes")]
    pub yes: Vec<String>,
    /// And what is false; any other word is refused.
    #[serde(default = "default_no")]
    pub no: Vec<String>,
    /// Fields that are instants, written as `2025-01-06 10:00:00` or RFC 3339.
    #[serde(default)]
    pub instants: Vec<String>,
}

fn default_delimiter() -> char {
    ','
}

fn default_header() -> bool {
    true
}

fn default_offset() -> String {
    "+07:00".to_owned()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn default_yes() -> Vec<String> {
    words(&["1", "true", "yes", "y"])
}

fn default_no() -> Vec<String> {
    words(&["0", "false", "no", "n"])
}

impl Csv {
    /// What cannot work.
    pub fn problems(&self, topic: Topic) -> Vec<String> {
        let mut problems = Vec::new();
        let fields = topic.fields();
        let named = self.columns.keys().chain(self.constants.keys());
        let named = named.chain(&self.integers).chain(&self.booleans).chain(&self.instants);
        let unknown: BTreeSet<&String> = named.filter(|name| !fields.contains(name)).collect();
        problems.extend(unknown.into_iter().map(|name| format!("{topic} has no field \"{name}\"")));
        if !self.delimiter.is_ascii() {
            problems.push(format!("delimiter '{}' is no ASCII character", self.delimiter));
        }
        if FixedOffset::from_str(&self.offset).is_err() {
            problems.push(format!("offset \"{}\" is not of the form +07:00", self.offset));
        }
        if !self.header {
            let unnumbered = self.columns.values().filter(|column| number(column).is_none());
            problems
                .extend(unnumbered.map(|column| format!("column \"{column}\" is no number, and there is no header")));
        }
        problems
    }

    /// The delimiter as it stands in a line.
    pub fn delimiter_byte(&self) -> u8 {
        u8::try_from(self.delimiter).unwrap_or(b',')
    }

    /// The mapping for lines whose columns are named so; without a header, for lines of any kind.
    pub fn layout(&self, header: Option<&[String]>) -> Result<Layout, String> {
        let mut places = Vec::new();
        for (field, column) in &self.columns {
            let place = match header {
                Some(header) => header.iter().position(|name| name == column),
                None => number(column),
            };
            places.push((field.clone(), place.ok_or_else(|| format!("there is no column \"{column}\""))?));
        }
        Ok(Layout { mapping: self.clone(), places, header: header.map(<[String]>::to_vec) })
    }

    fn typed(&self, field: &str, cell: &str) -> Value {
        let is = |list: &[String]| list.iter().any(|name| name == field);
        if is(&self.integers)
            && let Ok(number) = cell.parse::<i64>()
        {
            return number.into();
        }
        if is(&self.booleans) {
            let says = |words: &[String]| words.iter().any(|word| word.to_lowercase() == cell.to_lowercase());
            return match (says(&self.yes), says(&self.no)) {
                (true, false) => Value::Bool(true),
                (false, true) => Value::Bool(false),
                _ => cell.into(),
            };
        }
        let names_none = || !cell.ends_with('Z') && cell.get(10..).is_some_and(|time| !time.contains(['+', '-']));
        if is(&self.instants) && names_none() {
            return format!("{}{}", cell.replacen(' ', "T", 1), self.offset).into();
        }
        cell.into()
    }
}

/// A column's place by its number, from 1.
fn number(column: &str) -> Option<usize> {
    column.parse::<usize>().ok()?.checked_sub(1)
}

/// A mapping whose columns have their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    mapping: Csv,
    places: Vec<(String, usize)>,
    header: Option<Vec<String>>,
}

impl Layout {
    /// Between two cells.
    pub fn delimiter(&self) -> u8 {
        self.mapping.delimiter_byte()
    }

    /// The names of the columns, where a header gave them.
    pub fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// A line's cells as an object of the contract's fields; an empty cell is none.
    pub fn object<'c>(&self, cell: impl Fn(usize) -> &'c str) -> Value {
        let mut object = Map::new();
        for (field, value) in &self.mapping.constants {
            object.insert(field.clone(), self.mapping.typed(field, value));
        }
        for (field, place) in &self.places {
            let cell = cell(*place).trim();
            if !cell.is_empty() {
                object.insert(field.clone(), self.mapping.typed(field, cell));
            }
        }
        Value::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(text: &str) -> Csv {
        toml::from_str(text).unwrap()
    }

    const MAPPING: &str = r#"
        integers = ["duration_s"]
        booleans = ["is_answered"]
        instants = ["start_at"]
        constants = { record_type = "originating" }
        columns = { record_id = "ID", start_at = "Begin", duration_s = "Secs", is_answered = "Ans" }"#;

    #[track_caller]
    fn check(cells: [&'static str; 4], expect: &str) {
        let header = ["ID", "Begin", "Secs", "Ans"].map(str::to_owned);
        let layout = mapping(MAPPING).layout(Some(&header)).unwrap();
        assert_eq!(layout.object(|place| cells[place]).to_string(), expect);
    }

    #[test]
    fn cells_become_what_the_mapping_says() {
        check(
            ["r1", "2025-01-06 10:00:00", "60", "Y"],
            r#"{"duration_s":60,"is_answered":true,"record_id":"r1","record_type":"originating","start_at":"2025-01-06T10:00:00+07:00"}"#,
        );
    }

    #[test]
    fn what_a_cell_is_not_it_does_not_become() {
        check(
            ["r2", "2025-01-06T03:00:00Z", "sixty", "maybe"],
            r#"{"duration_s":"sixty","is_answered":"maybe","record_id":"r2","record_type":"originating","start_at":"2025-01-06T03:00:00Z"}"#,
        );
        check(["", "", "", "no"], r#"{"is_answered":false,"record_type":"originating"}"#);
    }

    #[test]
    fn a_mapping_that_cannot_work_says_why() {
        let text = "header = false\noffset = \"+7\"\ncolumns = { record_id = \"ID\" }\nintegers = [\"imie\"]";
        let problems = mapping(text).problems(Topic::CallRecord);
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert_eq!(problems[0], "call_record has no field \"imie\"");
        assert_eq!(mapping(MAPPING).problems(Topic::CallRecord), Vec::<String>::new());
        assert!(mapping(MAPPING).layout(Some(&["ID".to_owned()])).unwrap_err().contains("no column"));
    }
}
