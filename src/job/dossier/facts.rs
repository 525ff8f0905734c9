//! The sections of a dossier, out of the lake's tables.
//!
//! In: tables, and whose number it was. Out: rows as they may be shown: other parties masked, unless two people gave
//! leave. Never: a respondent of a survey in clear; a citizen's text without that leave, since it may name anybody, or
//! sealed, as if that were what the citizen wrote.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::filter_record_batch;

use super::{Cleared, Order, Sources};
use crate::decode::citizen_report::place;
use crate::domain::day::Day;
use crate::domain::lang::Lang;
use crate::domain::number::Number;
use crate::domain::seal::key_of;
use crate::export::dossier::section::{self, Cell, Kind, Section};
use crate::job::decide::number;
use crate::job::holder::Holder;
use crate::schema::column::{
    call_event, caller_day, case_event, citizen_report, decision, detection_day, report_check, report_day, spam_score,
    survey_answer, survey_request,
};
use crate::schema::contract::Table;
use crate::score::explanation::{Component, Explanation, Peers};
use crate::score::reason::reason;
use crate::score::wording;

pub(super) struct Facts<'a> {
    pub(super) sources: &'a Sources,
    pub(super) order: &'a Order,
    pub(super) holder: &'a Holder,
    pub(super) cleared: Option<&'a Cleared>,
    /// Seconds behind a call within which an answer about it counts, as verdicts have it.
    pub(super) answer_s: i64,
}

/// Answers by request and by who gave them: when, where in its source, and what; the first comes first.
type Answers = BTreeMap<(String, i64), BTreeSet<(i64, i32, i64, String)>>;

/// Reports that accuse the number, by channel and id: the day of receipt, and what each was found to be.
type Checked = BTreeMap<(String, String), (Day, String)>;

/// What the tables tell, beside the criteria.
pub(super) struct Told {
    pub(super) sections: Vec<Section>,
    /// The last day on which the number was judged.
    pub(super) judged: Option<Day>,
    /// Reports whose words do not open, by the name of the key that they are sealed with.
    pub(super) closed: BTreeMap<String, usize>,
}

/// The criteria of an explanation, one component a row.
pub(super) fn criteria(explanation: Option<&Explanation>, lang: Lang) -> Section {
    let components = explanation.map(|explanation| explanation.components.as_slice()).unwrap_or_default();
    let row = |component: &Component| {
        let criterion = wording::criterion(lang, &component.criterion).to_owned();
        vec![
            Cell::Word(component.criterion.clone(), criterion),
            Cell::Word(component.characteristic.clone(), component.name.of(lang).to_owned()),
            component.value.into(),
            component.at_least.into(),
            component.below.into(),
            component.points.into(),
            component.peers.and_then(Peers::share).map_or(Cell::Empty, Cell::Share),
            component.peers.and_then(|peers| i64::try_from(peers.all).ok()).into(),
            Cell::Word(component.why.clone(), lang.of(&component.why, &component.why_vi).clone()),
        ]
    };
    Section { kind: &section::CRITERIA, rows: components.iter().map(row).collect() }
}

impl Facts<'_> {
    /// Every section but the criteria.
    pub(super) async fn told(&self) -> anyhow::Result<Told> {
        let (scores, judged) = self.scores().await?;
        let (reports, closed) = self.reports().await?;
        let sections = vec![
            scores,
            self.by_day(&section::DAYS, Table::CALLER_DAY, caller_day::CALLER.name, &DAYS).await?,
            self.detections().await?,
            self.by_day(&section::REPORTED, Table::REPORT_DAY, report_day::SOURCE.name, &REPORTED).await?,
            reports,
            self.surveys().await?,
            self.decisions().await?,
            self.words().await?,
            self.calls().await?,
        ];
        Ok(Told { sections, judged, closed })
    }

    /// Rows about the number in the days asked for.
    async fn rows(&self, table: Table, column: &str, days: (Day, Day)) -> anyhow::Result<Vec<RecordBatch>> {
        match self.sources.get(table) {
            Some(handle) => handle.rows_of(column, self.order.number, Some(days)).await,
            None => Ok(Vec::new()),
        }
    }

    fn asked(&self) -> (Day, Day) {
        (self.order.from, self.order.until)
    }

    /// Another party, as it may be shown.
    fn party(&self, number: Number) -> String {
        if self.cleared.is_some() { number.reveal().to_string() } else { number.to_string() }
    }

    /// What is kept by the day, columns as they stand.
    async fn by_day(
        &self,
        kind: &'static Kind,
        table: Table,
        column: &str,
        columns: &[&str],
    ) -> anyhow::Result<Section> {
        let mut rows = Vec::new();
        for batch in self.rows(table, column, (self.holder.first, self.holder.last)).await? {
            for row in 0..batch.num_rows() {
                rows.push(cells(&batch, row, columns)?);
            }
        }
        Ok(sorted(kind, rows))
    }

    async fn detections(&self) -> anyhow::Result<Section> {
        let (lang, column) = (self.order.lang, detection_day::NUMBER.name);
        let mut found = self.by_day(&section::DETECTIONS, Table::DETECTION_DAY, column, &DETECTIONS).await?;
        for line in &mut found.rows {
            if let Some(cell) = line.get_mut(1) {
                say(cell, |word| wording::detections(lang, word));
            }
            if let Some(cell) = line.get_mut(4) {
                say(cell, |words| reason(lang, words).into_owned());
            }
        }
        Ok(found)
    }

    async fn scores(&self) -> anyhow::Result<(Section, Option<Day>)> {
        let (mut rows, mut judged) = (Vec::new(), None);
        for batch in self.rows(Table::SPAM_SCORE, spam_score::CALLER.name, self.asked()).await? {
            let (days, activated) = (spam_score::DAY.of(&batch)?, spam_score::ACTIVATED_AT.of(&batch)?);
            for row in 0..batch.num_rows() {
                if self.is_own(activated, row) {
                    judged = judged.max(Some(Day::from_epoch_days(days.value(row))));
                    rows.push(cells(&batch, row, &SCORES)?);
                }
            }
        }
        Ok((sorted(&section::SCORES, rows), judged))
    }

    fn is_own(&self, activated: &TimestampMicrosecondArray, row: usize) -> bool {
        activated.is_valid(row).then(|| activated.value(row)) == self.holder.activated_at()
    }

    async fn decisions(&self) -> anyhow::Result<Section> {
        let lang = self.order.lang;
        let mut rows = Vec::new();
        for batch in self.rows(Table::DECISION, decision::NUMBER.name, self.asked()).await? {
            let activated = decision::ACTIVATED_AT.of(&batch)?;
            for row in (0..batch.num_rows()).filter(|row| self.is_own(activated, *row)) {
                let mut line = cells(&batch, row, &DECISIONS)?;
                for cell in line.iter_mut().skip(2).take(2) {
                    say(cell, |word| wording::verdict(lang, word));
                }
                if let Some(cell) = line.get_mut(4) {
                    say(cell, |word| wording::cause(lang, word).to_owned());
                }
                if let Some(cell) = line.get_mut(5) {
                    say(cell, |word| wording::lock(lang, word).to_owned());
                }
                rows.push(line);
            }
        }
        Ok(sorted(&section::DECISIONS, rows))
    }

    async fn words(&self) -> anyhow::Result<Section> {
        let mut rows = Vec::new();
        let batches = match self.sources.get(Table::CASE_EVENT) {
            Some(handle) => handle.rows_of(case_event::NUMBER.name, self.order.number, None).await?,
            None => Vec::new(),
        };
        for batch in batches {
            let said = case_event::SAID_AT.of(&batch)?;
            for row in (0..batch.num_rows()).filter(|row| self.holder.holds(said.value(*row))) {
                let mut line = cells(&batch, row, &WORDS)?;
                if let Some(cell) = line.get_mut(1) {
                    say(cell, |word| wording::said(self.order.lang, word).to_owned());
                }
                rows.push(line);
            }
        }
        Ok(sorted(&section::WORDS, rows))
    }

    async fn reports(&self) -> anyhow::Result<(Section, BTreeMap<String, usize>)> {
        // A report that was sent again is one report.
        let (mut known, mut closed) = (BTreeSet::new(), BTreeMap::new());
        let (mut rows, checked) = (Vec::new(), self.checked().await?);
        for batch in self.accusing(&checked).await? {
            let (ids, at) = (citizen_report::REPORT_ID.of(&batch)?, citizen_report::REPORTED_AT.of(&batch)?);
            let (channels, reporters) = (citizen_report::CHANNEL.of(&batch)?, citizen_report::REPORTER.of(&batch)?);
            for row in (0..batch.num_rows()).filter(|row| self.holder.holds(at.value(*row))) {
                let report = (channels.value(row).to_owned(), ids.value(row).to_owned());
                let mut line = cells(&batch, row, &REPORTS)?;
                line.push(checked.get(&report).map(|(_, state)| self.found(state)).into());
                if !known.insert(report) {
                    continue;
                }
                // What stands for an erased number would read as somebody's.
                let reporter = Some(number(reporters.value(row))?).filter(|reporter| !reporter.is_erased());
                line.push(reporter.map(|reporter| self.party(reporter)).into());
                let content = citizen_report::CONTENT.of(&batch)?.value(row);
                line.push(self.opened(ids.value(row), content, &mut closed));
                rows.push(line);
            }
        }
        Ok((sorted(&section::REPORTS, rows), closed))
    }

    async fn checked(&self) -> anyhow::Result<Checked> {
        let mut checked = Checked::new();
        for batch in self.rows(Table::REPORT_CHECK, report_check::SOURCE.name, self.asked()).await? {
            let (channels, ids) = (report_check::CHANNEL.of(&batch)?, report_check::REPORT_ID.of(&batch)?);
            let (days, states) = (report_check::DAY.of(&batch)?, report_check::STATE.of(&batch)?);
            for row in 0..batch.num_rows() {
                let report = (channels.value(row).to_owned(), ids.value(row).to_owned());
                checked.insert(report, (Day::from_epoch_days(days.value(row)), states.value(row).to_owned()));
            }
        }
        Ok(checked)
    }

    /// What a report was found to be.
    fn found(&self, state: &str) -> Cell {
        Cell::Word(state.to_owned(), wording::checked(self.order.lang, state).to_owned())
    }

    /// Rows of reports that name the number: in the cell of the first, or behind others, as the check of each number has it.
    async fn accusing(&self, checked: &Checked) -> anyhow::Result<Vec<RecordBatch>> {
        let mut reports = self.rows(Table::CITIZEN_REPORT, citizen_report::SOURCE.name, self.asked()).await?;
        let mut known = BTreeSet::new();
        for batch in &reports {
            let (channels, ids) = (citizen_report::CHANNEL.of(batch)?, citizen_report::REPORT_ID.of(batch)?);
            known.extend((0..batch.num_rows()).map(|row| (channels.value(row).to_owned(), ids.value(row).to_owned())));
        }
        let mut listed: BTreeMap<Day, BTreeSet<(String, String)>> = BTreeMap::new();
        for (report, (day, _)) in checked.iter().filter(|(report, _)| !known.contains(*report)) {
            listed.entry(*day).or_default().insert(report.clone());
        }
        let Some(table) = self.sources.get(Table::CITIZEN_REPORT) else { return Ok(reports) };
        for (day, listed) in listed {
            for batch in table.day(day).await? {
                let (channels, ids) = (citizen_report::CHANNEL.of(&batch)?, citizen_report::REPORT_ID.of(&batch)?);
                let report = |row: usize| (channels.value(row).to_owned(), ids.value(row).to_owned());
                let is_listed: Vec<bool> = (0..batch.num_rows()).map(|row| listed.contains(&report(row))).collect();
                reports.push(filter_record_batch(&batch, &BooleanArray::from(is_listed))?);
            }
        }
        Ok(reports)
    }

    /// What a citizen wrote, as far as there is leave to show it and a key that opens it.
    fn opened(&self, report_id: &str, content: &str, closed: &mut BTreeMap<String, usize>) -> Cell {
        let Some(cleared) = self.cleared else { return Cell::Empty };
        if let Some(words) = cleared.seal.reveal_text(&place(citizen_report::CONTENT.name, report_id), content) {
            return words.as_ref().into();
        }
        *closed.entry(key_of(content).unwrap_or_default().to_owned()).or_default() += 1;
        Cell::Empty
    }

    async fn surveys(&self) -> anyhow::Result<Section> {
        let answers = self.answers().await?;
        let mut rows = Vec::new();
        for batch in self.rows(Table::SURVEY_REQUEST, survey_request::SUBJECT.name, self.asked()).await? {
            let (ids, called) = (survey_request::REQUEST_ID.of(&batch)?, survey_request::CALLED_AT.of(&batch)?);
            let (asked, activated) = (survey_request::RESPONDENT.of(&batch)?, survey_request::ACTIVATED_AT.of(&batch)?);
            for row in (0..batch.num_rows()).filter(|row| self.is_own(activated, *row)) {
                let respondent = number(asked.value(row))?.to_string();
                let mut line = vec![Cell::At(called.value(row)), respondent.into()];
                line.extend(self.answer(&answers, (ids.value(row), asked.value(row)), called.value(row)));
                rows.push(line);
            }
        }
        Ok(sorted(&section::SURVEYS, rows))
    }

    /// What whoever was asked said first while the call was fresh: an answer of anybody else, or of another time,
    /// counts in no verdict.
    fn answer(&self, answers: &Answers, (request, respondent): (&str, i64), called_at: i64) -> [Cell; 2] {
        let fresh = called_at..=called_at.saturating_add(self.answer_s.saturating_mul(1_000_000));
        let mut said = answers.get(&(request.to_owned(), respondent)).into_iter().flatten();
        let first = said.find(|(at, ..)| fresh.contains(at));
        first.map_or([Cell::Empty, Cell::Empty], |(at, _, _, word)| [word.as_str().into(), Cell::At(*at)])
    }

    /// Answers to what was asked in these days; one that counts may come days behind.
    async fn answers(&self) -> anyhow::Result<Answers> {
        let mut answers = Answers::new();
        let Some(table) = self.sources.get(Table::SURVEY_ANSWER) else { return Ok(answers) };
        let until = self.order.until.ends_at().saturating_add(self.answer_s.saturating_mul(1_000_000));
        for batch in table.rows_within((self.order.from, Day::of(until)), &[]).await? {
            let (ids, respondents) = (survey_answer::REQUEST_ID.of(&batch)?, survey_answer::RESPONDENT.of(&batch)?);
            let (at, words) = (survey_answer::ANSWERED_AT.of(&batch)?, survey_answer::ANSWER.of(&batch)?);
            let partitions = survey_answer::SOURCE_PARTITION.of(&batch)?;
            let offsets = survey_answer::SOURCE_OFFSET.of(&batch)?;
            for row in 0..batch.num_rows() {
                let answer = (at.value(row), partitions.value(row), offsets.value(row), words.value(row).to_owned());
                answers.entry((ids.value(row).to_owned(), respondents.value(row))).or_default().insert(answer);
            }
        }
        Ok(answers)
    }

    async fn calls(&self) -> anyhow::Result<Section> {
        let mut rows = Vec::new();
        for batch in self.rows(Table::CALL_EVENT, call_event::CALLER.name, self.asked()).await? {
            let (start, callees) = (call_event::START_AT.of(&batch)?, call_event::CALLEE.of(&batch)?);
            let forwarded = call_event::IS_FORWARDED_LEG.of(&batch)?;
            // The onward leg of a forwarded call is none that its subscriber made.
            let is_told = |row: &usize| self.holder.holds(start.value(*row)) && !forwarded.value(*row);
            for row in (0..batch.num_rows()).filter(is_told) {
                let callee = callees.is_valid(row).then(|| number(callees.value(row))).transpose()?;
                let mut line = vec![Cell::At(start.value(row)), callee.map(|callee| self.party(callee)).into()];
                line.extend(cells(&batch, row, &CALLS)?);
                rows.push(line);
            }
        }
        Ok(sorted(&section::CALLS, rows))
    }
}

const SCORES: [&str; 10] = [
    spam_score::DAY.name,
    spam_score::SCORE.name,
    spam_score::POINTS.name,
    spam_score::CRITERIA_MET.name,
    spam_score::CALLS_PER_ACTIVE_DAY.name,
    spam_score::OUT_SHARE.name,
    spam_score::SHORT_CALL_SHARE_ALL.name,
    spam_score::SHORT_GAP_SHARE.name,
    spam_score::NEW_CALLEE_CALL_SHARE.name,
    spam_score::CARD.name,
];
const DAYS: [&str; 9] = [
    caller_day::DAY.name,
    caller_day::CALLS_OUT.name,
    caller_day::ANSWERED_OUT.name,
    caller_day::SHORT_CALLS.name,
    caller_day::CALLEES.name,
    caller_day::NEW_CALLEES.name,
    caller_day::CALLS_IN.name,
    caller_day::SMS_SENT.name,
    caller_day::SMS_RECEIVED.name,
];
const DETECTIONS: [&str; 5] = [
    detection_day::DAY.name,
    detection_day::TYPE.name,
    detection_day::MEASURE.name,
    detection_day::THRESHOLD.name,
    detection_day::REASON.name,
];
const REPORTED: [&str; 6] = [
    report_day::DAY.name,
    report_day::REPORTS.name,
    report_day::REPORTERS.name,
    report_day::MATCHED_REPORTERS.name,
    report_day::REVERSED_REPORTERS.name,
    report_day::SCAM_REPORTERS.name,
];
/// Without the reporter and the content, which are shown by leave.
const REPORTS: [&str; 4] = [
    citizen_report::REPORTED_AT.name,
    citizen_report::CHANNEL.name,
    citizen_report::KIND.name,
    citizen_report::SCAM_FORM.name,
];
const DECISIONS: [&str; 14] = [
    decision::DAY.name,
    decision::CASE_ID.name,
    decision::PREVIOUS.name,
    decision::VERDICT.name,
    decision::CAUSE.name,
    decision::LOCK_REASON.name,
    decision::SINCE_DAY.name,
    decision::UNTIL_DAY.name,
    decision::SCORE.name,
    decision::ORIGINS.name,
    decision::MATCHED_REPORTERS.name,
    decision::SURVEY_YES.name,
    decision::SURVEY_NO.name,
    decision::RULES.name,
];
const WORDS: [&str; 5] = [
    case_event::SAID_AT.name,
    case_event::WORD.name,
    case_event::REASON.name,
    case_event::SAID_BY.name,
    case_event::APPROVED_BY.name,
];
/// Without the start and the called party, which come first.
const CALLS: [&str; 5] = [
    call_event::CALLEE_KIND.name,
    call_event::IS_ANSWERED.name,
    call_event::DURATION_S.name,
    call_event::ORIGIN.name,
    call_event::IS_SPOOF_SUSPECT.name,
];

/// Gives a word of the tables its form for people.
fn say(cell: &mut Cell, spell: impl Fn(&str) -> String) {
    if let Cell::Text(word) = cell {
        *cell = Cell::Word(word.clone(), spell(word));
    }
}

/// In the order of the day or instant that every row begins with.
fn sorted(kind: &'static Kind, mut rows: Vec<Vec<Cell>>) -> Section {
    let at = |row: &Vec<Cell>| match row.first() {
        Some(Cell::Day(day)) => day.starts_at(),
        Some(Cell::At(micros)) => *micros,
        _ => 0,
    };
    rows.sort_by_cached_key(|row| (at(row), format!("{row:?}")));
    Section { kind, rows }
}

/// Cells of a row, by the names of their columns.
fn cells(batch: &RecordBatch, row: usize, columns: &[&str]) -> anyhow::Result<Vec<Cell>> {
    let cell = |name: &&str| {
        let array = batch.column_by_name(name).with_context(|| format!("no column \"{name}\" in the batch"))?;
        cell(array, row).with_context(|| format!("column \"{name}\" is {}", array.data_type()))
    };
    columns.iter().map(cell).collect()
}

/// The value as a cell; nothing when the array is of a type that no section shows.
fn cell(array: &ArrayRef, row: usize) -> Option<Cell> {
    let any = array.as_any();
    if array.is_null(row) {
        Some(Cell::Empty)
    } else if let Some(array) = any.downcast_ref::<Int64Array>() {
        Some(Cell::Count(array.value(row)))
    } else if let Some(array) = any.downcast_ref::<Int32Array>() {
        Some(Cell::Count(i64::from(array.value(row))))
    } else if let Some(array) = any.downcast_ref::<Float64Array>() {
        Some(Cell::Figure(array.value(row)))
    } else if let Some(array) = any.downcast_ref::<StringArray>() {
        Some(Cell::Text(array.value(row).to_owned()))
    } else if let Some(array) = any.downcast_ref::<BooleanArray>() {
        Some(Cell::Is(array.value(row)))
    } else if let Some(array) = any.downcast_ref::<Date32Array>() {
        Some(Cell::Day(Day::from_epoch_days(array.value(row))))
    } else {
        any.downcast_ref::<TimestampMicrosecondArray>().map(|array| Cell::At(array.value(row)))
    }
}
