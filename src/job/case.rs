//! The desk's words in the lake: copied before a decision, and read by it.
//!
//! In: the case store. Out: `case_event`, the desk's rows of `allow_list`, and what a decision heeds of both.
//! Never: lets a decision ask the store itself, so that a verdict follows from tables alone.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, ensure};
use arrow::array::{Array, RecordBatch};

use super::decide::number;
use super::reference;
use crate::decide::desk::{Desk, Said};
use crate::domain::case::Word;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::lake::Lake;
use crate::pipeline::run::{Began, Runner, made_from};
use crate::schema::column::{allow_list, case_event as column, pipeline_run};
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::store::Store;
use crate::store::event::Event;

/// Copies what decisions heed of a store into a lake.
pub async fn copy(store: &Store, lake: &Lake) -> anyhow::Result<()> {
    let mut handle = lake.open(Table::CASE_EVENT).await?;
    let (events, is_known) = words(store, lake).await?;
    if !is_known {
        handle.replace_all(&[sheet(&events)]).await?;
    }
    reference::put_allowed(lake, &store.ever_allowed().await?).await.context("copying the desk's allow-list")
}

/// All words of a store, and whether the lake has each of them; fails where it has others.
async fn words(store: &Store, lake: &Lake) -> anyhow::Result<(Vec<Event>, bool)> {
    // The lake first: what is said and copied between the two would seem to be another store's.
    let known = known(lake).await?;
    let events = store.events().await?;
    let said: BTreeSet<Known> = events.iter().map(known_as).collect();
    let forgotten: Vec<&Known> = known.difference(&said).collect();
    let shown = forgotten.iter().take(SHOWN).map(|(id, number, word, _)| format!("{id}: {number} {word}"));
    ensure!(
        forgotten.is_empty(),
        "the case store lacks {} words that the lake has of it ({}): is it another one? see store in [desk]; where a backup \
         of it was restored, say them again at the desk, then take the folder case_event out of the lake, which is a copy \
         that is made anew",
        forgotten.len(),
        shown.collect::<Vec<_>>().join(", ")
    );
    Ok((events, known == said))
}

/// Fails where a lake has words of a desk that a store lacks: whom they have cleared, that store would not protect.
pub(super) async fn refuse_another(store: &Store, lake: &Lake) -> anyhow::Result<()> {
    words(store, lake).await.map(drop)
}

/// Whether a lake has had the words of a desk, which is not asked now: what it has said since is not heard, and that is told.
pub(super) async fn is_unasked(lake: &Lake) -> anyhow::Result<bool> {
    let words = known(lake).await?.len();
    if words > 0 {
        tracing::warn!(
            words,
            "the lake has words of a desk, and nobody hears what it has said since; name it by --config"
        );
    }
    Ok(lake.find(Table::CASE_EVENT).await?.is_some())
}

/// Whether a lake has lost the words of a desk by which a day was decided, until the next decision copies them anew: all that
/// the desk ever said would seem to be said since.
pub(super) async fn is_lost(lake: &Lake, day: Day) -> anyhow::Result<bool> {
    let Some(runs) = lake.find(Table::PIPELINE_RUN).await? else { return Ok(false) };
    let runs = runs.day(day).await?;
    let mut newest = None;
    for batch in &runs {
        let (names, inputs) = (pipeline_run::TABLE_NAME.of(batch)?, pipeline_run::INPUTS.of(batch)?);
        let versions = pipeline_run::OUTPUT_VERSION.of(batch)?;
        for row in (0..batch.num_rows()).filter(|row| names.value(*row) == Table::DECISION.name()) {
            newest = newest.max(Some((versions.value(row), inputs.value(row))));
        }
    }
    let Some((_, inputs)) = newest else { return Ok(false) };
    // The table's first version has no word yet.
    let had_words = made_from(inputs)?.get(Table::CASE_EVENT.name()).is_some_and(|read| *read > 0);
    Ok(had_words && known(lake).await?.is_empty())
}

/// So many of the words that a store lacks are named.
const SHOWN: usize = 3;

/// A word as a lake knows it of a store: its place in the audit trail, about whom, what, and when. A trail that was
/// restored from a backup and went on has another word at the same place.
pub(super) type Known = (i64, Number, Word, i64);

pub(super) fn known_as(event: &Event) -> Known {
    (event.id, event.number, event.word, event.at)
}

/// The words that a lake has of a store.
pub(super) async fn known(lake: &Lake) -> anyhow::Result<BTreeSet<Known>> {
    let mut known = BTreeSet::new();
    let Some(table) = lake.find(Table::CASE_EVENT).await? else { return Ok(known) };
    for batch in table.rows(vec![], &[]).await? {
        let (ids, instants) = (column::EVENT_ID.of(&batch)?, column::SAID_AT.of(&batch)?);
        let (numbers, words) = (column::NUMBER.of(&batch)?, column::WORD.of(&batch)?);
        for row in 0..batch.num_rows() {
            let word = words.value(row).parse::<Word>().map_err(anyhow::Error::msg)?;
            known.insert((ids.value(row), number(numbers.value(row))?, word, instants.value(row)));
        }
    }
    Ok(known)
}

/// What people have said, as the lake's tables know it; where an instant is named, no word of after it.
pub async fn desk(runner: &mut Runner, began: &mut Began, day: Day, heard_until: Option<i64>) -> anyhow::Result<Desk> {
    let mut desk = Desk::default();
    if let Some(table) = runner.newest(Table::CASE_EVENT).await? {
        began.inputs.insert(Table::CASE_EVENT.name(), table.version());
        desk.said = said(&table.rows(vec![], &[]).await?, heard_until)?;
    }
    if let Some(table) = runner.newest(Table::ALLOW_LIST).await? {
        began.inputs.insert(Table::ALLOW_LIST.name(), table.version());
        let rows = table.rows(vec![], &[]).await?;
        (desk.allowed, desk.allowed_from) = (allowed(&rows, day)?, allowed_from(&rows, day)?);
    }
    Ok(desk)
}

/// What people have said, as the lake's tables would know it once a store was copied.
pub async fn look(store: &Store, lake: &Lake, day: Day) -> anyhow::Result<Desk> {
    let (events, _) = words(store, lake).await?;
    let rows = [reference::look_allowed(lake, &store.ever_allowed().await?).await?];
    Ok(Desk {
        said: said(&[sheet(&events)], None)?,
        allowed: allowed(&rows, day)?,
        allowed_from: allowed_from(&rows, day)?,
        ..Desk::default()
    })
}

fn said(batches: &[RecordBatch], heard_until: Option<i64>) -> anyhow::Result<BTreeMap<Number, Vec<Said>>> {
    let mut words = BTreeMap::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let at = column::SAID_AT.of(batch)?.value(row);
            if heard_until.is_some_and(|until| until < at) {
                continue;
            }
            let word = column::WORD.of(batch)?.value(row).parse::<Word>().map_err(anyhow::Error::msg)?;
            let said = Said { word, at };
            let number = number(column::NUMBER.of(batch)?.value(row))?;
            words.insert(column::EVENT_ID.of(batch)?.value(row), (number, said));
        }
    }
    let mut by_number: BTreeMap<Number, Vec<Said>> = BTreeMap::new();
    for (number, said) in words.into_values() {
        by_number.entry(number).or_default().push(said);
    }
    Ok(by_number)
}

/// Numbers that are on the list on a day or the next: a bar that is decided for a day works on the one after.
pub(super) fn allowed(batches: &[RecordBatch], day: Day) -> anyhow::Result<BTreeSet<Number>> {
    let mut numbers = BTreeSet::new();
    for batch in batches {
        let (from, until) = (allow_list::VALID_FROM.of(batch)?, allow_list::VALID_UNTIL.of(batch)?);
        for row in 0..batch.num_rows() {
            let begins = Day::from_epoch_days(from.value(row)) <= day.plus(1);
            let lasts = until.is_null(row) || Day::from_epoch_days(until.value(row)) > day;
            if begins && lasts {
                numbers.insert(number(allow_list::NUMBER.of(batch)?.value(row))?);
            }
        }
    }
    Ok(numbers)
}

/// Of numbers that come on the list behind that, the first day on which each is on it.
fn allowed_from(batches: &[RecordBatch], day: Day) -> anyhow::Result<BTreeMap<Number, Day>> {
    let mut numbers = BTreeMap::new();
    for batch in batches {
        let (from, until) = (allow_list::VALID_FROM.of(batch)?, allow_list::VALID_UNTIL.of(batch)?);
        for row in 0..batch.num_rows() {
            let begins = Day::from_epoch_days(from.value(row));
            let holds = until.is_null(row) || Day::from_epoch_days(until.value(row)) > begins;
            if begins > day.plus(1) && holds {
                let first = numbers.entry(number(allow_list::NUMBER.of(batch)?.value(row))?).or_insert(begins);
                *first = begins.min(*first);
            }
        }
    }
    Ok(numbers)
}

fn sheet(events: &[Event]) -> RecordBatch {
    let mut sheet = Sheet::new(Table::CASE_EVENT.contract());
    for event in events {
        let row = sheet.row().int64(event.id).int64(event.number.reveal()).text(event.word.as_str());
        row.text(&event.reason).text(&event.by).instant(event.at).text_or_null(event.approved_by.as_deref()).end();
    }
    sheet.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::job::desk::Hand;
    use crate::job::tests::open_desk;
    use crate::pipeline::definition::Definitions;
    use crate::pipeline::run::folder;
    use crate::store::allow::Allowed;
    use crate::store::review::Review;

    fn event(id: i64, word: Word) -> Event {
        let number = Number::from_e164(84_900_000_001).unwrap();
        let (reason, by) = ("misused".to_owned(), "an".to_owned());
        Event { id, number, word, reason, by, at: id * 1_000, approved_by: None }
    }

    #[test]
    fn words_come_back_in_the_order_in_which_they_were_said() {
        let batches = [sheet(&[event(7, Word::Overturned)]), sheet(&[event(5, Word::Appealed)])];
        let words = said(&batches, None).unwrap();
        let expected = [Said { word: Word::Appealed, at: 5_000 }, Said { word: Word::Overturned, at: 7_000 }];
        assert_eq!(words.into_values().collect::<Vec<_>>(), [expected]);
    }

    #[test]
    fn what_was_said_after_an_instant_is_not_heard_at_it() {
        let batches = [sheet(&[event(5, Word::Appealed), event(7, Word::Overturned)])];
        for (heard_until, expected) in [(4_999, 0), (5_000, 1), (6_999, 1), (7_000, 2)] {
            let words = said(&batches, Some(heard_until)).unwrap();
            assert_eq!(words.into_values().flatten().count(), expected, "{heard_until}");
        }
    }

    #[tokio::test]
    async fn a_list_from_a_file_and_the_desks_do_not_end_one_another() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let day: Day = "2025-01-06".parse().unwrap();
        let number = |digits: i64| Number::from_e164(digits).unwrap();
        let row = Allowed {
            id: 5,
            number: number(84_962_000_009),
            reason: "health".to_owned(),
            from: day.plus(1),
            until: Some(day.plus(3)),
            by: "an".to_owned(),
        };
        let listed = async |day: Day| {
            let table = lake.find(Table::ALLOW_LIST).await.unwrap().unwrap();
            allowed(&table.rows(vec![], &[]).await.unwrap(), day).unwrap()
        };
        let file = "number,reason\n0962000001,hospital\n";
        reference::load_text(&lake, Table::ALLOW_LIST, file, day).await.unwrap();
        reference::put_allowed(&lake, std::slice::from_ref(&row)).await.unwrap();
        reference::load_text(&lake, Table::ALLOW_LIST, file, day.plus(1)).await.unwrap();
        let both = BTreeSet::from([number(84_962_000_001), number(84_962_000_009)]);
        assert_eq!(listed(day).await, both, "from the day on which a bar of this day would work");
        assert_eq!(listed(day.plus(2)).await, both);
        assert_eq!(listed(day.plus(3)).await, BTreeSet::from([number(84_962_000_001)]));
        // A store that was restored from a backup takes nobody from the list, until somebody does.
        reference::put_allowed(&lake, &[]).await.unwrap();
        assert_eq!(listed(day).await, both);
        let before = Allowed { from: day, until: Some(day), ..row.clone() };
        reference::put_allowed(&lake, &[before]).await.unwrap();
        assert_eq!(listed(day).await, both, "what was over before ends nothing");
        let taken_off = Allowed { until: Some(row.from), ..row };
        reference::put_allowed(&lake, &[taken_off]).await.unwrap();
        assert_eq!(listed(day).await, BTreeSet::from([number(84_962_000_001)]));
    }

    #[tokio::test]
    async fn a_store_that_was_restored_and_has_another_word_at_the_same_place_is_not_believed() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(&place.path().join("lake")).unwrap();
        let day: Day = "2025-01-06".parse().unwrap();
        let hand = Hand { by: "an", at: day.ends_at(), is_dry_run: false, in_clear: false };
        let store = async |name: &str, digits: i64| {
            let folder = place.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let desk = open_desk(&folder, false, day.ends_at(), &["an"]).await;
            let number = Number::from_e164(digits).unwrap();
            let review = Review { number, day, is_confirmed: false, reason: "courier", note: "" };
            desk.review(hand, &review).await.unwrap();
            Store::open(&format!("sqlite://{}/desk.db", folder.display())).await.unwrap()
        };
        copy(&store("lost", 84_962_000_001).await, &lake).await.unwrap();
        let restored = store("restored", 84_962_000_002).await;
        for error in [copy(&restored, &lake).await.unwrap_err(), look(&restored, &lake, day).await.unwrap_err()] {
            let said = error.to_string();
            assert!(said.starts_with("the case store lacks 1 words that the lake has of it"), "{said}");
            assert!(said.contains("84962•••001 dismissed"), "{said}");
        }
        // Said again at the desk, and the copy taken away.
        std::fs::remove_dir_all(place.path().join("lake/case_event")).unwrap();
        copy(&restored, &lake).await.unwrap();
        assert_eq!(known(&lake).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn of_a_number_that_is_allowed_later_the_first_day_is_known() {
        let place = tempfile::tempdir().unwrap();
        let lake = Lake::local(place.path()).unwrap();
        let day: Day = "2025-01-06".parse().unwrap();
        let file = "number,reason,valid_from,valid_until\n0962000001,hospital,2025-01-07,\n\
            0962000002,hospital,2025-01-20,\n0962000002,school,2025-01-08,2025-01-09\n\
            0962000003,never,2025-01-20,2025-01-20\n";
        reference::load_text(&lake, Table::ALLOW_LIST, file, day).await.unwrap();
        let mut runner = Runner::new(lake, Definitions::read(&folder(None)).unwrap(), Clock::Fixed(0));
        let mut began = Began::now(Clock::Fixed(0));
        let number = |last: i64| Number::from_e164(84_962_000_000 + last).unwrap();
        let heard = desk(&mut runner, &mut began, day, None).await.unwrap();
        assert_eq!(heard.allowed, BTreeSet::from([number(1)]), "a bar of this day would work on the first");
        assert_eq!(heard.allowed_from, BTreeMap::from([(number(2), day.plus(2))]));
        let heard = desk(&mut runner, &mut began, day.plus(2), None).await.unwrap();
        assert_eq!(heard.allowed_from, BTreeMap::from([(number(2), day.plus(14))]));
    }
}
