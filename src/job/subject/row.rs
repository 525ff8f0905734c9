//! A row as its subscriber may see it.
//!
//! In: rows of a table that name the subscriber's number, and a site's keys. Out: one JSON object each. Never: what belongs
//! to the other party: when it is not known whose something is, it is left out; who has accused the subscriber, or what
//! that could be told by; a cipher, as if that were what was written.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::{Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Value};

use crate::decode::citizen_report::place;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::domain::seal::Seal;
use crate::schema::column::{call_record, citizen_report, report_check, report_entity, survey_request};
use crate::schema::contract::{Column, Pii, Table, Type};

/// Stands where a text that may name somebody else was.
pub(super) const HIDDEN: &str = "•••";

/// Left out of what others have said of the subscriber: who they are and, since whoever is accused knows the own calls,
/// what tells which of the called people it was.
const ACCUSER: [&str; 13] = [
    citizen_report::REPORT_ID.name,
    citizen_report::REPORTER.name,
    survey_request::CALLED_AT.name,
    report_check::FIRST_CALL_AT.name,
    report_check::CALLS.name,
    report_check::ANSWERED.name,
    report_check::MESSAGES.name,
    report_check::IS_REPEATED.name,
    report_check::RECORD_NUMBERS.name,
    report_check::RECORD_MATCHED.name,
    report_check::WEIGHT.name,
    report_entity::REPORT_IDS.name,
    survey_request::RESPONDENT.name,
];

/// Reads rows of a batch.
pub(super) struct Reader<'a> {
    table: Table,
    number: Number,
    /// The columns that hold numbers, by their names.
    parties: BTreeMap<&'a str, &'a Int64Array>,
    /// Every column that can be shown.
    shown: Vec<(&'static Column, &'a dyn Array, ArrayFormatter<'a>)>,
    /// What opens a citizen's words, and the ids of their reports, to which they are bound.
    seal: &'a Seal,
    reports: Option<&'a StringArray>,
    /// Which kind of record a row is, where that says whose place and handset it has.
    record_type: Option<ArrayFormatter<'a>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        table: Table,
        batch: &'a RecordBatch,
        names: &[&'a str],
        number: Number,
        seal: &'a Seal,
    ) -> anyhow::Result<Self> {
        let options = FormatOptions::new();
        let mut parties = BTreeMap::new();
        for name in names {
            let array = batch.column_by_name(name).and_then(|array| array.as_any().downcast_ref());
            parties.insert(*name, array.with_context(|| format!("no column of numbers \"{name}\""))?);
        }
        let mut shown = Vec::new();
        for column in table.contract().columns.iter().filter(|column| column.kind != Type::Binary) {
            let array = batch.column_by_name(&column.name).with_context(|| format!("no column \"{}\"", column.name))?;
            shown.push((column, array.as_ref(), ArrayFormatter::try_new(array, &options)?));
        }
        let record_type = match batch.column_by_name(call_record::RECORD_TYPE.name) {
            Some(array) => Some(ArrayFormatter::try_new(array, &options)?),
            None => None,
        };
        let is_report = table == Table::CITIZEN_REPORT;
        let reports = is_report.then(|| citizen_report::REPORT_ID.of(batch)).transpose()?;
        Ok(Self { table, number, parties, shown, seal, reports, record_type })
    }

    /// Whether the subscriber's number is in one of some columns.
    pub(super) fn names_in(&self, columns: &[&str], row: usize) -> bool {
        columns.iter().any(|column| self.is_own(column, row))
    }

    fn is_own(&self, party: &str, row: usize) -> bool {
        let number = self.parties.get(party).filter(|numbers| numbers.is_valid(row)).map(|numbers| numbers.value(row));
        number.and_then(Number::from_e164) == Some(self.number)
    }

    /// Whether nobody else has a part in a row.
    fn is_alone(&self, row: usize) -> bool {
        self.parties.iter().all(|(party, numbers)| numbers.is_null(row) || self.is_own(party, row))
    }

    /// Whether somebody else has said a row of the subscriber.
    fn is_accused(&self, row: usize) -> bool {
        let tables = [Table::CITIZEN_REPORT, Table::REPORT_CHECK, Table::REPORT_ENTITY, Table::SURVEY_REQUEST];
        let said = [citizen_report::SOURCE.name, survey_request::SUBJECT.name];
        let said_by = [citizen_report::REPORTER.name, survey_request::RESPONDENT.name];
        tables.contains(&self.table) && self.names_in(&said, row) && !self.names_in(&said_by, row)
    }

    pub(super) fn line(&self, row: usize) -> anyhow::Result<String> {
        let is_accused = self.is_accused(row);
        let mut line = Map::new();
        for (column, array, formatter) in &self.shown {
            if is_accused && ACCUSER.contains(&column.name.as_str()) {
                continue;
            }
            let instants = array.as_any().downcast_ref::<TimestampMicrosecondArray>();
            let value = if array.is_null(row) {
                Value::Null
            } else if let Some(instants) = instants.filter(|_| is_accused) {
                // To the minute, an accusation behind a call tells who was called.
                Day::of(instants.value(row)).to_string().into()
            } else {
                self.value(column, row, &formatter.value(row).try_to_string()?)
            };
            line.insert(column.name.clone(), value);
        }
        Ok(serde_json::to_string(&line)?)
    }

    fn value(&self, column: &Column, row: usize, text: &str) -> Value {
        match column.pii {
            None | Some(Pii::Identity) => plain(column.kind, text),
            Some(Pii::Number) if self.parties.contains_key(column.name.as_str()) => {
                let number = text.parse().ok().and_then(Number::from_e164);
                match number {
                    Some(number) if number == self.number => plain(column.kind, text),
                    Some(number) => number.to_string().into(),
                    None => HIDDEN.into(),
                }
            }
            Some(Pii::Number) if column.name == citizen_report::SOURCES.name => self.listed(row, text),
            // An address as somebody signalled or wrote it.
            Some(Pii::Number) if Number::parse_given(text) == Some(self.number) => text.into(),
            Some(Pii::Number) => HIDDEN.into(),
            Some(Pii::Text | Pii::Location | Pii::Device | Pii::Subscriber) => {
                if self.is_theirs(column, row) {
                    self.opened(column, row, text)
                } else {
                    HIDDEN.into()
                }
            }
        }
    }

    /// Whom the subscriber has reported, as `source` is shown; whom others have reported beside the subscriber is theirs.
    fn listed(&self, row: usize, text: &str) -> Value {
        if !self.is_own(citizen_report::REPORTER.name, row) {
            return HIDDEN.into();
        }
        let shown = |digits: &str| match digits.parse().ok().and_then(Number::from_e164) {
            Some(number) if number == self.number => digits.to_owned(),
            Some(number) => number.to_string(),
            None => HIDDEN.to_owned(),
        };
        text.split('|').map(shown).collect::<Vec<_>>().join("|").into()
    }

    /// What is the subscriber's own; words that no key opens are hidden.
    fn opened(&self, column: &Column, row: usize, text: &str) -> Value {
        let Some(reports) = self.reports.filter(|_| column.pii == Some(Pii::Text)) else {
            return plain(column.kind, text);
        };
        match self.seal.reveal_text(&place(&column.name, reports.value(row)), text) {
            Some(words) => plain(column.kind, &words),
            None => HIDDEN.into(),
        }
    }

    /// Whether what a column says of a person is said of the subscriber.
    fn is_theirs(&self, column: &Column, row: usize) -> bool {
        if column.pii == Some(Pii::Text) || self.table == Table::CITIZEN_REPORT {
            return self.is_own(citizen_report::REPORTER.name, row);
        }
        if matches!(self.table, Table::CALL_RECORD | Table::SMS_RECORD) {
            let record_type = self.record_type.as_ref().map(|kinds| kinds.value(row).to_string());
            return match record_type.as_deref() {
                Some("originating" | "forwarded") => self.is_own(call_record::CALLER.name, row),
                Some("terminating") => self.is_own(call_record::CALLEE.name, row),
                _ => false,
            };
        }
        // `caller_cell` is the caller's; what names nobody is the subscriber's where nobody else has a part.
        let owner = column.name.split('_').next().unwrap_or_default();
        if self.parties.contains_key(owner) { self.is_own(owner, row) } else { self.is_alone(row) }
    }
}

/// The value as JSON has it: counts and truth values bare, all else in quotes.
fn plain(kind: Type, text: &str) -> Value {
    let is_bare = matches!(kind, Type::Int32 | Type::Int64 | Type::Float64 | Type::Bool);
    let bare = is_bare.then(|| serde_json::from_str(text).ok()).flatten();
    bare.unwrap_or_else(|| Value::String(text.to_owned()))
}
