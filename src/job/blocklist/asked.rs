//! What a day's list asks for: whom its decision bars, without whom nobody may bar by now.
//!
//! In: `blocklist_day`, what was published before, who is protected, and the desk. Out: bars and ends, and who was left out
//! of them and why. Never: counts or publishes; takes the words of another desk, or none where there were some, for the
//! site's own.

use anyhow::ensure;
use arrow::array::Array;

use super::{LeftOut, Order, protection};
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::export::blocklist::{Asked, Entry, Listing, Publication, protected_since};
use crate::job::{case, decide, export};
use crate::lake::Lake;
use crate::schema::column::blocklist_day;
use crate::schema::contract::Table;
use crate::store::Store;

/// What is said of bars that are left out since they have come to their end.
const PAST_END: &str = "past its end";

/// What the decision of a day asks for, without whom the newest tables or the desk protect, and without whose bar has come
/// to its end; these are named.
pub(super) async fn asked(
    lake: &Lake,
    order: &Order,
    (before, publications): (&Listing, &[Publication]),
    store: Option<&Store>,
    clock: Clock,
) -> anyhow::Result<(Asked, LeftOut)> {
    let (day, today) = (order.day, Day::of(clock.now()));
    let is_lost = ensure_heard(lake, order).await?;
    if let Some(store) = store {
        ensure_own(lake, order, store).await?;
    }
    let asked = match decided(lake, day).await {
        // Nothing is wanted of the decision but whom it gives back: all others wait for nobody.
        Err(error) if order.releases_only && publications.last().is_some_and(|last| last.day == day) => {
            let error = format!("{error:#}");
            tracing::warn!(%day, error, "list of the day cannot be read, only what was published is looked at");
            Asked { bars: before.clone(), ended: Listing::new() }
        }
        found => found?,
    };
    let mut protected = protection::protected(lake, (day, today), store, is_lost).await?;
    if store.is_none() && case::is_unasked(lake).await? {
        // Whoever asked the desk then knew more: the bar that was given back stays so.
        let given_back = protected_since(publications);
        let is_same = |entry: &&Entry| given_back.get(&entry.number).is_some_and(|on| entry.from <= *on);
        protected.cleared.extend(asked.bars.values().filter(is_same).map(|entry| entry.number));
    }
    let protected = protected.barred(&asked);
    let mut left_out = LeftOut::new();
    for (number, why) in &protected {
        left_out.entry(*why).or_default().push(number.to_string());
    }
    let asked = asked.without(day, before, &protected.into_keys().collect());
    // A renewal that is held back prolongs no bar beyond the end that was told.
    let asked = if order.releases_only { asked.releases_only(before) } else { asked };
    let (asked, lapsed) = asked.without_lapsed((day, today), (before, publications));
    if !lapsed.is_empty() {
        left_out.insert(PAST_END, lapsed.into_iter().map(|number| number.to_string()).collect());
    }
    Ok((asked, left_out))
}

/// Fails where the lake has lost the desk's words by which the day was decided: with them, whom the desk has cleared since
/// could not be told from whom it cleared long ago, and without a desk whoever it had given back would be barred anew. What
/// is given back leaves all the same; whether they are lost.
async fn ensure_heard(lake: &Lake, order: &Order) -> anyhow::Result<bool> {
    let (day, is_lost) = (order.day, case::is_lost(lake, order.day).await?);
    ensure!(
        !is_lost || order.releases_only,
        "the lake has lost case_event, the desk's words by which {day} was decided; the next `callsieve decide` with the \
         desk's configuration copies them anew, then export; --releases-only lets out what is given back"
    );
    if is_lost {
        tracing::warn!(%day, "the lake has lost the words of the desk, those of before the day are taken for heard");
    }
    Ok(is_lost)
}

/// Fails where a store is another than the one whose words the lake has, or an older one: who was cleared by what it
/// lacks would be barred anew. What is given back leaves all the same, since nobody is barred by that.
async fn ensure_own(lake: &Lake, order: &Order, store: &Store) -> anyhow::Result<()> {
    match case::refuse_another(store, lake).await {
        Err(error) if order.releases_only => {
            let (day, error) = (order.day, format!("{error:#}"));
            tracing::warn!(%day, error, "words of the desk are missing, what it has cleared since is not known");
            Ok(())
        }
        compared => compared,
    }
}

/// What the decision of a day asks for.
async fn decided(lake: &Lake, day: Day) -> anyhow::Result<Asked> {
    let rows = export::computed_rows(lake, Table::BLOCKLIST_DAY, day).await?;
    let mut entries = Vec::new();
    for batch in &rows {
        for row in 0..batch.num_rows() {
            let detections = blocklist_day::DETECTIONS.of(batch)?;
            entries.push(Entry {
                number: decide::number(blocklist_day::NUMBER.of(batch)?.value(row))?,
                action: blocklist_day::ACTION.of(batch)?.value(row).parse().map_err(anyhow::Error::msg)?,
                reason: blocklist_day::REASON.of(batch)?.value(row).to_owned(),
                from: Day::from_epoch_days(blocklist_day::FROM_DAY.of(batch)?.value(row)),
                until: Day::from_epoch_days(blocklist_day::UNTIL_DAY.of(batch)?.value(row)),
                case_id: blocklist_day::CASE_ID.of(batch)?.value(row).to_owned(),
                detections: detections.is_valid(row).then(|| detections.value(row).to_owned()),
            });
        }
    }
    Ok(Asked::new(day, entries)?)
}
