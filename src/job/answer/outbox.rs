//! Answers on their way: written down as intended, sent, and written down as sent.
//!
//! In: answers, and what `report_answer` remembers. Out: its rows, and messages to the topic of answers. Never: intends
//! what another run has intended; another text under the id of one that was intended.

use std::collections::BTreeSet;

use anyhow::bail;
use arrow::array::RecordBatch;

use super::{Answered, Desk};
use crate::answer::Stage;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::domain::seal::Seal;
use crate::domain::sms;
use crate::job::decide::number;
use crate::job::holder::Holders;
use crate::lake::append::{AppendError, Span};
use crate::lake::{Handle, Lake};
use crate::schema::column::report_answer as column;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::schema::wire::ReportAnswer;
use crate::source::producer::{BY_KEY, Outgoing, Producer};

const INTENDED: &str = "intended";
const SENT: &str = "sent";
/// The name under which the table counts the runs that intended something.
const APP: &str = "report_answer";

/// One answer.
#[derive(Clone)]
pub(super) struct Answer {
    pub(super) day: Day,
    pub(super) id: String,
    pub(super) report_id: String,
    pub(super) stage: String,
    pub(super) channel: String,
    pub(super) recipient: Number,
    pub(super) template: String,
    pub(super) text: String,
}

/// What the table remembers.
pub(super) struct Known {
    /// Runs that intended something.
    round: i64,
    intended: BTreeSet<String>,
    sent: BTreeSet<String>,
}

impl Known {
    pub(super) async fn read(lake: &Lake) -> anyhow::Result<Self> {
        let mut known = Self { round: 0, intended: BTreeSet::new(), sent: BTreeSet::new() };
        let Some(table) = lake.find(Table::REPORT_ANSWER).await? else { return Ok(known) };
        known.round = table.offset(APP).await?.unwrap_or_default();
        for batch in table.rows(vec![], &[column::ANSWER_ID.name, column::STATE.name]).await? {
            let (ids, states) = (column::ANSWER_ID.of(&batch)?, column::STATE.of(&batch)?);
            for (id, state) in ids.iter().flatten().zip(states.iter().flatten()) {
                let list = if state == SENT { &mut known.sent } else { &mut known.intended };
                list.insert(id.to_owned());
            }
        }
        Ok(known)
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.intended.contains(id) || self.sent.contains(id)
    }

    /// What was intended and never written down as sent.
    pub(super) async fn unsent(&self, lake: &Lake, seal: &Seal, done: &mut Answered) -> anyhow::Result<Vec<Answer>> {
        let unsent: BTreeSet<&String> = self.intended.difference(&self.sent).collect();
        let mut answers = Vec::new();
        if unsent.is_empty() {
            return Ok(answers);
        }
        let Some(table) = lake.find(Table::REPORT_ANSWER).await? else { return Ok(answers) };
        for batch in table.rows_with(column::STATE.name, INTENDED, &[]).await? {
            for row in 0..batch.num_rows() {
                let id = column::ANSWER_ID.of(&batch)?.value(row).to_owned();
                if unsent.contains(&id) {
                    match read_answer(&batch, row, id, seal)? {
                        Some(answer) => answers.push(answer),
                        None => done.closed += 1,
                    }
                }
            }
        }
        // Of who was erased neither the number nor the text is known any more.
        let all = answers.len();
        answers.retain(|answer: &Answer| !answer.recipient.is_erased());
        done.dropped.erased += all - answers.len();
        Ok(answers)
    }
}

impl Desk<'_> {
    /// Answers of an earlier run that was cut off, as far as they are in time still and go to whoever has reported; the
    /// others are counted.
    pub(super) async fn left(&self, known: &Known, done: &mut Answered) -> anyhow::Result<Vec<Answer>> {
        let answers = known.unsent(self.lake, self.seal, done).await?;
        let recipients = answers.iter().map(|answer| digits(answer.recipient)).collect();
        let holders = Holders::read(self.lake.find(Table::SUBSCRIBER).await?.as_ref(), &recipients).await?;
        let today = Day::of(self.clock.now());
        let mut left = Vec::new();
        for answer in answers {
            let holder = holders.within(digits(answer.recipient), (answer.day, today))?;
            // Where two had the number on the report's day, nothing here says which of them has reported.
            let is_theirs = holder.own.as_ref().is_none_or(|own| {
                let is_new = own.activated_at >= answer.day.starts_at();
                !is_new || (holder.others == 0 && Day::of(own.activated_at) == answer.day)
            });
            // As long as it could be planned: a look-up has a day more.
            let days = match answer.stage == Stage::Result.as_str() {
                true => self.options.result_days,
                false => self.options.received_days.saturating_add(1),
            };
            if answer.day <= today.plus(-days) {
                done.dropped.late += 1;
            } else if !is_theirs {
                done.dropped.next_holder += 1;
            } else {
                left.push(answer);
            }
        }
        done.again = left.len();
        Ok(left)
    }
}

fn read_answer(batch: &RecordBatch, row: usize, id: String, seal: &Seal) -> anyhow::Result<Option<Answer>> {
    let place = text_place(&id);
    let Some(text) = seal.reveal_text(&place, column::TEXT.of(batch)?.value(row)) else { return Ok(None) };
    Ok(Some(Answer {
        day: Day::from_epoch_days(column::DAY.of(batch)?.value(row)),
        report_id: column::REPORT_ID.of(batch)?.value(row).to_owned(),
        stage: column::STAGE.of(batch)?.value(row).to_owned(),
        channel: column::CHANNEL.of(batch)?.value(row).to_owned(),
        recipient: number(column::RECIPIENT.of(batch)?.value(row))?,
        template: column::TEMPLATE.of(batch)?.value(row).to_owned(),
        text: text.into_owned(),
        id,
    }))
}

/// Writes answers down before they are sent; fails when another run has done so since they were planned.
pub(super) async fn intend(
    table: &mut Handle,
    known: &Known,
    answers: &[Answer],
    desk: &Desk<'_>,
) -> anyhow::Result<()> {
    if answers.is_empty() {
        return Ok(());
    }
    let span = Span { app_id: APP.to_owned(), from: known.round, until: known.round + 1 };
    match table.append(&[sheet(answers, INTENDED, desk)], &[span]).await {
        Ok(_) => Ok(()),
        Err(AppendError::Other(error)) => Err(error),
        Err(_) => bail!("another run answers at this moment; what is left is for the next"),
    }
}

/// Writes answers down as sent; twice does no harm.
pub(super) async fn mark(table: &mut Handle, answers: &[Answer], desk: &Desk<'_>) -> anyhow::Result<()> {
    table.append(&[sheet(answers, SENT, desk)], &[]).await?;
    Ok(())
}

pub(super) fn send(answers: &[Answer], topic: &str, producer: &mut Producer, at: i64) -> anyhow::Result<()> {
    for answer in answers {
        let recipient = digits(answer.recipient).to_string();
        let message = ReportAnswer {
            answer_id: answer.id.as_str().into(),
            report_id: answer.report_id.as_str().into(),
            stage: answer.stage.as_str().into(),
            channel: answer.channel.as_str().into(),
            recipient: recipient.into(),
            template: answer.template.as_str().into(),
            text: answer.text.as_str().into(),
            parts: i32::try_from(sms::parts(&answer.text))?,
            answered_at: at,
        };
        let body = serde_json::to_vec(&message)?;
        let key = answer.report_id.as_bytes();
        producer.send(Outgoing { topic, partition: BY_KEY, key, payload: Some(&body), at })?;
    }
    producer.flush()
}

fn sheet(answers: &[Answer], state: &str, desk: &Desk<'_>) -> RecordBatch {
    let mut sheet = Sheet::with_capacity(Table::REPORT_ANSWER.contract(), answers.len());
    for answer in answers {
        let text = desk.seal.close_text(&text_place(&answer.id), &answer.text);
        let text = (state == INTENDED).then_some(text);
        let row = sheet.row().day(answer.day).text(&answer.id).text(&answer.report_id).text(&answer.stage).text(state);
        let row = row.text(&answer.channel).int64(digits(answer.recipient)).text(&answer.template);
        row.text_or_null(text.as_deref()).instant(desk.clock.now()).end();
    }
    sheet.finish()
}

fn text_place(id: &str) -> String {
    format!("report_answer.text/{id}")
}

/// In clear, since a citizen is answered at the own number, and told of the one that he or she has named.
pub(super) fn digits(number: Number) -> i64 {
    number.reveal()
}
