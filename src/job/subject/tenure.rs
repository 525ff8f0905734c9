//! Which rows are the asker's: those of the time in which the number was that subscription's.
//!
//! In: a number, a day on which it was the asker's or the present, and rows that name the number. Out: which of them
//! are of that subscription. Never: a row of another holder's time, or of a time of which no subscription is known; a
//! row that sums up days which two have shared.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Date32Array, RecordBatch, TimestampMicrosecondArray};

use super::blank::{holders, named};
use super::columns;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::job::holder::Holder;
use crate::lake::Lake;
use crate::schema::column::{allow_list, call_event, call_record, citizen_report, decision, relation, report_answer};
use crate::schema::contract::{Column, Contract, Table, Type};

/// Tables of which a row is one event: its instants say whose it is. A row of any other sums up days.
const EVENTS: [Table; 13] = [
    Table::AD_BREACH,
    Table::BLOCK_RECEIPT,
    Table::BLOCKLIST_EXPORT,
    Table::CALL_EVENT,
    Table::CALL_RECORD,
    Table::CASE_EVENT,
    Table::CITIZEN_REPORT,
    Table::REPORT_CHECK,
    Table::SMS_BREACH,
    Table::SMS_EVENT,
    Table::SMS_RECORD,
    Table::SURVEY_ANSWER,
    Table::SURVEY_REQUEST,
];

/// Instants of a row that are none of its event's.
const AROUND: [&str; 2] = [call_record::LOADED_AT.name, decision::ACTIVATED_AT.name];

/// Days that a row is about.
const DAYS: [&str; 5] = [
    call_event::DAY.name,
    relation::WEEK.name,
    allow_list::VALID_FROM.name,
    relation::FIRST_DAY.name,
    relation::LAST_DAY.name,
];

/// Days before its own that a row sums up as well; of `callee_day` they are its `usual_from`.
const BEFORE: [(Table, i32); 3] = [(Table::CALLEE_DAY, 29), (Table::CALLER_WEEK, 6), (Table::CALLER_MONTH, 27)];

/// A number while it was one subscription's.
#[derive(Debug)]
pub(super) struct Tenure {
    pub(super) number: Number,
    pub(super) holder: Holder,
    /// Cases of the number, and whether each is of this subscription.
    cases: BTreeMap<String, bool>,
    /// Reports that were answered on a day which two have shared, and whether each is of this subscription.
    reports: BTreeMap<Report, bool>,
}

/// The channel of a report, and the id that it gave it.
type Report = (String, String);

impl Tenure {
    /// Of the subscription that held a number on a day, or that holds it now where none is named.
    pub(super) async fn find(lake: &Lake, number: Number, held_on: Option<Day>, now: i64) -> anyhow::Result<Self> {
        let time = held_on.map_or((now, now.saturating_add(1)), |day| (day.starts_at(), day.ends_at()));
        let holder = Holder::whole(lake.find(Table::SUBSCRIBER).await?.as_ref(), number, time).await?;
        let mut cases: BTreeMap<String, bool> = BTreeMap::new();
        let decisions = match lake.find(Table::DECISION).await? {
            Some(table) => table.rows_of(decision::NUMBER.name, number, None).await?,
            None => Vec::new(),
        };
        for batch in &decisions {
            for (case, activated_at) in decision::CASE_ID.of(batch)?.iter().zip(decision::ACTIVATED_AT.of(batch)?) {
                let is_own = activated_at.is_some() && activated_at == holder.activated_at();
                *cases.entry(case.unwrap_or_default().to_owned()).or_default() |= is_own;
            }
        }
        let reports = reports(lake, number, &holder).await?;
        Ok(Self { number, holder, cases, reports })
    }

    /// Which rows of a table are of the subscription, of such as name its number and have all columns of the contract.
    pub(super) fn owns(&self, table: Table, batch: &RecordBatch) -> anyhow::Result<Vec<bool>> {
        let contract = table.contract();
        let mut own =
            if EVENTS.contains(&table) { self.by_instants(contract, batch)? } else { self.by_days(table, batch)? };
        // What ends a bar may come after its holder.
        if contract.column(decision::CASE_ID.name).is_some() {
            for (own, case) in own.iter_mut().zip(decision::CASE_ID.of(batch)?) {
                *own = case.and_then(|case| self.cases.get(case)).copied().unwrap_or(*own);
            }
        }
        if table == Table::REPORT_ANSWER {
            for (own, report) in own.iter_mut().zip(answered(batch)?) {
                *own = self.reports.get(&report).copied().unwrap_or(*own);
            }
        }
        // The activation is that of the first number that a row names: nothing is surer.
        let bound = contract.column(decision::ACTIVATED_AT.name).and_then(|_| columns(contract).next());
        if let Some(party) = bound {
            let activated = decision::ACTIVATED_AT.of(batch)?;
            for ((own, holder), activated_at) in own.iter_mut().zip(holders(batch, party)?).zip(activated) {
                if holder == Some(self.number) {
                    *own = activated_at.is_some() && activated_at == self.holder.activated_at();
                }
            }
        }
        Ok(own)
    }

    fn by_instants(&self, contract: &Contract, batch: &RecordBatch) -> anyhow::Result<Vec<bool>> {
        let reporter = citizen_report::REPORTER.name;
        let is_sender: Vec<bool> = match contract.column(reporter) {
            Some(_) => holders(batch, reporter)?.map(|holder| holder == Some(self.number)).collect(),
            None => vec![false; batch.num_rows()],
        };
        let is_event = |column: &&Column| column.kind == Type::Timestamp && !AROUND.contains(&column.name.as_str());
        let mut own = vec![true; batch.num_rows()];
        for (column, place) in contract.columns.iter().filter(is_event).zip(0..) {
            let instants: &TimestampMicrosecondArray = named(batch, &column.name)?;
            for ((own, is_sender), at) in own.iter_mut().zip(&is_sender).zip(instants) {
                // A report is its sender's by when it was sent, whenever the call was that it tells of.
                let is_aside = place > 0 && *is_sender;
                *own &= is_aside || at.is_none_or(|at| self.holder.holds(at));
            }
        }
        Ok(own)
    }

    fn by_days(&self, table: Table, batch: &RecordBatch) -> anyhow::Result<Vec<bool>> {
        let before = BEFORE.iter().find(|(summed, _)| *summed == table).map_or(0, |(_, days)| *days);
        let contract = table.contract();
        let dates: Vec<&str> = DAYS.into_iter().filter(|name| contract.column(name).is_some()).collect();
        let mut own = vec![!dates.is_empty(); batch.num_rows()];
        for name in dates {
            let days: &Date32Array = named(batch, name)?;
            let behind = if name == relation::WEEK.name { 6 } else { 0 };
            for (own, day) in own.iter_mut().zip(days) {
                let is_own = |day: i32| {
                    let day = Day::from_epoch_days(day);
                    self.holder.first <= day.plus(-before) && day.plus(behind) <= self.holder.last
                };
                *own &= day.is_none_or(is_own);
            }
        }
        Ok(own)
    }
}

/// Of days that a holder shares with others, the reports that the number was answered, and whether each came in the
/// holder's time. They are found by their ids: an erasure empties a report before the answer, and may be cut off between.
async fn reports(lake: &Lake, number: Number, holder: &Holder) -> anyhow::Result<BTreeMap<Report, bool>> {
    let mut reports = BTreeMap::new();
    let Some(answers) = lake.find(Table::REPORT_ANSWER).await? else { return Ok(reports) };
    let Some(table) = lake.find(Table::CITIZEN_REPORT).await? else { return Ok(reports) };
    let mut shared: BTreeMap<Day, BTreeSet<Report>> = BTreeMap::new();
    for batch in answers.rows_of(report_answer::RECIPIENT.name, number, None).await? {
        for (day, report) in report_answer::DAY.of(&batch)?.values().iter().zip(answered(&batch)?) {
            let day = Day::from_epoch_days(*day);
            let is_whole = (holder.first..=holder.last).contains(&day);
            if !is_whole && holder.from < day.ends_at() && holder.until > day.starts_at() {
                shared.entry(day).or_default().insert(report);
            }
        }
    }
    let columns = [citizen_report::CHANNEL.name, citizen_report::REPORT_ID.name, citizen_report::REPORTED_AT.name];
    for (day, answered) in shared {
        for batch in table.rows_within((day, day), &columns).await? {
            let (channels, ids) = (citizen_report::CHANNEL.of(&batch)?, citizen_report::REPORT_ID.of(&batch)?);
            let reported = citizen_report::REPORTED_AT.of(&batch)?;
            for row in 0..batch.num_rows() {
                let report = (channels.value(row).to_owned(), ids.value(row).to_owned());
                if answered.contains(&report) {
                    *reports.entry(report).or_insert(true) &= holder.holds(reported.value(row));
                }
            }
        }
    }
    Ok(reports)
}

/// Which report each answer is to.
fn answered(batch: &RecordBatch) -> anyhow::Result<Vec<Report>> {
    let reports = report_answer::CHANNEL.of(batch)?.iter().zip(report_answer::REPORT_ID.of(batch)?);
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(reports.map(|(channel, id)| (owned(channel), owned(id))).collect())
}
