//! Who must not be barred by a list that leaves now, whatever was decided.
//!
//! In: the newest reference tables, and what the desk has said. Out: numbers by what protects them. Never: holds a list up;
//! forgets a day: a list is of one and leaves on another, and bars until the next one.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::Array;

use crate::domain::case::Word;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::export::blocklist::limit::Protected;
use crate::job::{case, decide};
use crate::lake::Lake;
use crate::schema::column::{brandname, special_number};
use crate::schema::contract::Table;
use crate::store::Store;
use crate::store::event::Event;

/// Who must not be barred by the list of a day that leaves on another, by the newest tables and what the desk has said since;
/// of a lake that has lost the desk's words, by those of the day and later.
pub(super) async fn protected(
    lake: &Lake,
    (day, leaves_on): (Day, Day),
    store: Option<&Store>,
    is_lost: bool,
) -> anyhow::Result<Protected> {
    let days = [day, leaves_on];
    // As of the allow-list: what begins the day after is heeded, since the bar would work by then.
    let holds = |from: Day, until: Option<Day>| {
        days.into_iter().any(|on| from <= on.plus(1) && until.is_none_or(|until| until > on))
    };
    let mut protected = Protected::default();
    if let Some(table) = lake.find(Table::ALLOW_LIST).await? {
        let rows = table.rows(vec![], &[]).await?;
        for on in days {
            protected.allowed.extend(case::allowed(&rows, on)?);
        }
    }
    for (table, number, valid_from, valid_until) in [
        (Table::SPECIAL_NUMBER, special_number::NUMBER, special_number::VALID_FROM, special_number::VALID_UNTIL),
        (Table::BRANDNAME, brandname::NUMBER, brandname::VALID_FROM, brandname::VALID_UNTIL),
    ] {
        let Some(table) = lake.find(table).await? else { continue };
        for batch in table.rows(vec![], &[]).await? {
            let numbers = number.clone().of(&batch)?;
            let (from, until) = (valid_from.clone().of(&batch)?, valid_until.clone().of(&batch)?);
            for row in (0..batch.num_rows()).filter(|row| numbers.is_valid(*row)) {
                let until = decide::optional(until, row).map(Day::from_epoch_days);
                if holds(Day::from_epoch_days(from.value(row)), until) {
                    protected.special.insert(decide::number(numbers.value(row))?);
                }
            }
        }
    }
    let Some(store) = store else { return Ok(protected) };
    let allowed = store.allowed().await?;
    protected.allowed.extend(allowed.into_iter().filter(|row| holds(row.from, row.until)).map(|row| row.number));
    protected.cleared = cleared(lake, day, store, is_lost).await?;
    Ok(protected)
}

/// Whom the desk has cleared by words that the day's decision may not have weighed: those that the lake does not have
/// yet, and those said since the day began, which the decision of another day may have brought there. What the lake has
/// lost was there when the day was decided, once it was over.
async fn cleared(lake: &Lake, day: Day, store: &Store, is_lost: bool) -> anyhow::Result<BTreeSet<Number>> {
    let known = case::known(lake).await?;
    let is_known = |event: &Event| is_lost || known.contains(&case::known_as(event));
    let may_be_news = |event: &Event| event.at >= day.starts_at() || !is_known(event);
    let mut cleared = BTreeMap::new();
    for event in store.events().await?.into_iter().filter(may_be_news) {
        match event.word {
            Word::Overturned | Word::Released => drop(cleared.insert(event.number, event.word)),
            Word::Dismissed => drop(cleared.entry(event.number).or_insert(event.word)),
            // As a decision hears it, one reviewer's word ends another's and no more.
            Word::Confirmed => cleared.retain(|number, word| *number != event.number || *word != Word::Dismissed),
            Word::Appealed | Word::Rejected => {}
        }
    }
    Ok(cleared.into_keys().collect())
}
