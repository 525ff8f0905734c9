//! Who was told what, by the table `notice`.
//!
//! In: the files that are named. Out: their rows, and of each number what it was told last. Never: writes down both of
//! two exports at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use arrow::array::RecordBatch;

use super::file::{self, Message, Named};
use crate::clock::Clock;
use crate::domain::bar::Action;
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
    fn of(message: &Message, day: Day) -> Self {
        Self { day, case_id: message.case_id.clone(), action: message.action.clone() }
    }

    fn is(&self, message: &Message) -> bool {
        (&self.case_id, &self.action) == (&message.case_id, &message.action)
    }
}

/// What was told before a run, be it written down or not.
pub(super) struct Before {
    /// The day's files that were published and not written down.
    pub files: Vec<Named>,
    /// The number of the first of them, or else of the day's next.
    pub next: i64,
    /// What was told last of the day, by number.
    of_day: BTreeMap<i64, Known>,
    /// What each number was told last, of whatever day.
    pub last: BTreeMap<i64, Known>,
}

impl Before {
    pub(super) async fn read(noted: &Handle, root: &Path, day: Day) -> anyhow::Result<Self> {
        let (mut of_day, next) = of_day(noted, day).await?;
        let mut last = last(noted).await?;
        // A run that died behind its file has told whom the file names: the gateway may have sent it, and by its ids
        // would take another's message for one of these, where the day was decided anew since.
        let files = file::left(root, day, next)?;
        for message in files.iter().flat_map(|file| &file.messages) {
            of_day.insert(message.number, Known::of(message, day));
            last.insert(message.number, Known::of(message, day));
        }
        Ok(Self { files, next, of_day, last })
    }

    /// Numbers that were told of an end last, by the day or by one before it.
    pub(super) fn freed(&self, day: Day) -> BTreeSet<i64> {
        let told = self.last.iter().filter(|(_, last)| last.day <= day).chain(&self.of_day);
        told.filter(|(_, told)| told.action == Action::Unblock.as_str()).map(|(number, _)| *number).collect()
    }

    /// Whether a message of the day was told of it, or has become untrue since.
    pub(super) fn has_told(&self, message: &Message, day: Day) -> bool {
        let is_of_day = self.of_day.get(&message.number).is_some_and(|known| known.action == message.action);
        // A later day has told of an end that no list of this one ever carried.
        let is_of_later = self.last.get(&message.number).is_some_and(|last| last.day > day && last.is(message));
        is_of_day || is_of_later
    }
}

/// What was told last of a day, by number, and the number of its next file. Who is barred once more is told of it once
/// more, since that is another day, or was told of an end meanwhile. A case that one run of a day lost may come back
/// under another id, so a case tells nobody apart.
async fn of_day(noted: &Handle, day: Day) -> anyhow::Result<(BTreeMap<i64, Known>, i64)> {
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
async fn last(noted: &Handle) -> anyhow::Result<BTreeMap<i64, Known>> {
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
