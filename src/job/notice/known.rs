//! Who was told what, by the table `notice`.
//!
//! In: the files that are named. Out: their rows, and of each number what it was told last. Never: writes down both of
//! two exports at once.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::RecordBatch;

use super::file::{Message, Named};
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::lake::Handle;
use crate::lake::append::Span;
use crate::schema::column::notice as column;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;

/// Under which name the table counts its rows, so that of two exports at once one fails.
const APP_ID: &str = "notice";

/// What a number was told last, and of which day.
pub(super) struct Known {
    pub day: Day,
    pub case_id: String,
    pub action: String,
}

impl Known {
    pub(super) fn of(message: &Message, day: Day) -> Self {
        Self { day, case_id: message.case_id.clone(), action: message.action.clone() }
    }

    pub(super) fn is(&self, message: &Message) -> bool {
        (&self.case_id, &self.action) == (&message.case_id, &message.action)
    }
}

/// What was told last of a day, by number, and the number of its next file. Who is barred once more is told of it once
/// more, since that is another day, or was told of an end meanwhile. A case that one run of a day lost may come back
/// under another id, so a case tells nobody apart.
pub(super) async fn of_day(noted: &Handle, day: Day) -> anyhow::Result<(BTreeMap<i64, Known>, i64)> {
    let mut told: BTreeMap<(i64, i64), Known> = BTreeMap::new();
    for batch in noted.day(day).await? {
        let (numbers, batches) = (column::NUMBER.of(&batch)?, column::BATCH.of(&batch)?);
        let (cases, actions) = (column::CASE_ID.of(&batch)?, column::ACTION.of(&batch)?);
        for row in 0..batch.num_rows() {
            let known = Known { day, case_id: cases.value(row).to_owned(), action: actions.value(row).to_owned() };
            told.insert((batches.value(row), numbers.value(row)), known);
        }
    }
    let last = told.last_key_value().map_or(0, |((batch, _), _)| *batch);
    Ok((told.into_iter().map(|((_, number), known)| (number, known)).collect(), last + 1))
}

/// What each number was told last, of whatever day.
pub(super) async fn last(noted: &Handle) -> anyhow::Result<BTreeMap<i64, Known>> {
    let mut last: BTreeMap<i64, ((i64, Day, i64), Known)> = BTreeMap::new();
    for batch in noted.rows(vec![], &[]).await? {
        let (numbers, days, batches) = (column::NUMBER.of(&batch)?, column::DAY.of(&batch)?, column::BATCH.of(&batch)?);
        let (cases, actions) = (column::CASE_ID.of(&batch)?, column::ACTION.of(&batch)?);
        let noted_at = column::NOTED_AT.of(&batch)?;
        for row in 0..batch.num_rows() {
            let (number, day) = (numbers.value(row), Day::from_epoch_days(days.value(row)));
            let place = (noted_at.value(row), day, batches.value(row));
            if last.get(&number).is_none_or(|(before, _)| *before < place) {
                let known = Known { day, case_id: cases.value(row).to_owned(), action: actions.value(row).to_owned() };
                last.insert(number, (place, known));
            }
        }
    }
    Ok(last.into_iter().map(|(number, (_, known))| (number, known)).collect())
}

/// Writes down who is told in files; of two exports at once one fails.
pub(super) async fn note(noted: &mut Handle, files: &[Named], day: Day, clock: Clock) -> anyhow::Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let from = noted.offset(APP_ID).await?.unwrap_or_default();
    let until = from + i64::try_from(files.iter().map(|file| file.messages.len()).sum::<usize>())?;
    let span = Span { app_id: APP_ID.to_owned(), from, until };
    let sheets: Vec<RecordBatch> =
        files.iter().map(|file| sheet(&file.messages, day, file.batch, clock.now())).collect();
    noted.append(&sheets, &[span]).await.context("writing down who is told")?;
    Ok(())
}

fn sheet(messages: &[Message], day: Day, batch: i64, now: i64) -> RecordBatch {
    let mut sheet = Sheet::new(Table::NOTICE.contract());
    for Message { number, case_id, action, .. } in messages {
        sheet.row().day(day).int64(batch).int64(*number).text(case_id).text(action).instant(now).end();
    }
    sheet.finish()
}
