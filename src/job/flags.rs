//! `publish flags`: the block list's state by number, to a compacted topic.
//!
//! In: publications of the block list, and up to which of them the topic has been told. Out: a message for each number that
//! a publication touched since, without a body where nothing holds any more. Never: sends what was not published; forgets
//! a number that was: what a killed run has sent already is sent once more, or taken back.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::json;

use super::blocklist::publication::published;
use super::desk::handout::Trail;
use super::export::refuse_shadow;
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::export::blocklist::{Entry, Publication, flag, standing};
use crate::lake::Lake;
use crate::lake::append::Span;
use crate::schema::contract::Table;
use crate::source::flag::Flags;
use crate::source::registry::Registry;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// The day whose list has to be told.
    pub day: Day,
    /// Whether every number is told, not only those that changed.
    pub is_full: bool,
    /// Whether nothing is sent.
    pub is_dry_run: bool,
}

/// What was sent, or would be.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Flagged {
    /// Cluster and topic.
    pub topic: String,
    /// The publication that it has been told up to now.
    pub sequence: i64,
    /// The one before; none when it had been told nothing.
    pub since: Option<i64>,
    /// Numbers of which something holds.
    pub set: usize,
    /// Numbers of which nothing holds any more.
    pub cleared: usize,
    /// Whether the topic was made.
    pub is_made: bool,
}

/// Tells a topic what holds by the list of a day.
pub async fn publish(
    lake: &Lake,
    flags: &Flags,
    (registry, subject): (&Registry, &str),
    order: Order,
    (trail, clock): (Trail<'_>, Clock),
) -> anyhow::Result<Flagged> {
    refuse_shadow(lake)?;
    let publications = published(lake).await?;
    let last = publications.last().context("no block list has been published; `callsieve export blocklist` does")?;
    ensure!(
        last.day == order.day,
        "the last block list that was published is that of {}; `callsieve export blocklist --day {}` comes first",
        last.day,
        order.day
    );
    let mut table = lake.open(Table::BLOCKLIST_EXPORT).await?;
    let topic = flags.name()?;
    let is_made = !order.is_dry_run && flags.make().await?;
    // A topic that was made anew has forgotten what another of its name was told, whoever made it and was killed then.
    let app_id = match flags.id()? {
        Some(id) => format!("flags/{topic}/{id}"),
        None => format!("flags/{topic}"),
    };
    let since = table.offset(&app_id).await?;
    let news = news(&publications, since.filter(|_| !order.is_full && !is_made))?;
    let set = news.values().filter(|entry| entry.is_some()).count();
    let flagged = Flagged { topic, sequence: last.sequence, since, set, cleared: news.len() - set, is_made };
    if order.is_dry_run {
        return Ok(flagged);
    }
    let Flagged { topic, sequence, cleared, .. } = &flagged;
    let detail = json!({ "topic": topic, "day": order.day, "sequence": sequence, "set": set, "cleared": cleared });
    trail.tell("publish_flags", clock.now(), &detail).await?;
    if !news.is_empty() {
        let schema = registry.register(&format!("{subject}-value"), flag::CONTRACT).await?;
        let value = |entry: &Entry| flag::value(entry, last.sequence, schema);
        let messages: Vec<(String, Option<Vec<u8>>)> =
            news.iter().map(|(number, entry)| (flag::key(*number), entry.as_ref().map(value))).collect();
        flags.send(messages.iter().map(|(key, value)| (key.as_str(), value.as_deref())), clock.now())?;
    }
    if since != Some(last.sequence) {
        let span = Span { app_id, from: since.unwrap_or_default(), until: last.sequence };
        table.append(&[], &[span]).await.context("writing down what the topic has been told")?;
    }
    Ok(flagged)
}

/// What has to be told of each number after some publication was; of every number that was ever published when none was.
///
/// A number that is again as it was is told all the same: a run that was killed may have told what held in between.
fn news(publications: &[Publication], told: Option<i64>) -> anyhow::Result<BTreeMap<Number, Option<Entry>>> {
    let at = usize::try_from(told.unwrap_or_default())?;
    let later = publications.get(at..).context("the topic has been told more than was published")?;
    let now = standing(publications)?;
    let touched = later.iter().flat_map(|publication| &publication.changes).map(|change| change.entry.number);
    Ok(touched.map(|number| (number, now.get(&number).cloned())).collect())
}

impl Flagged {
    /// The same for people.
    pub fn text(&self) -> String {
        let Self { topic, sequence, since, set, cleared, is_made } = self;
        let since = since.map_or_else(|| "it had been told nothing".to_owned(), |since| format!("after {since}"));
        let made = if *is_made { ", which was made" } else { "" };
        format!("{topic}{made}: {set} numbers set and {cleared} cleared, up to publication {sequence} ({since})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::bar::Action;
    use crate::export::blocklist::{Asked, changes, list_sha256};

    fn publish(publications: &mut Vec<Publication>, numbers: &[i64]) {
        let day: Day = "2025-01-06".parse().unwrap();
        let entry = |number: &i64| Entry {
            number: Number::from_e164(84_900_000_000 + number).unwrap(),
            action: Action::BarOutgoing,
            reason: "behaviour+report".to_owned(),
            from: day,
            until: day.plus(30),
            case_id: format!("C-{number}"),
            detections: None,
        };
        let asked = Asked::new(day, numbers.iter().map(entry).collect()).unwrap();
        let before = standing(publications).unwrap();
        publications.push(Publication {
            sequence: i64::try_from(publications.len()).unwrap() + 1,
            day,
            list_sha256: list_sha256(&asked.bars),
            supersedes_sha256: publications.last().map(|last| last.list_sha256.clone()),
            published_at: day.ends_at(),
            changes: changes(day, &before, &asked, &BTreeSet::new()),
        });
    }

    #[test]
    fn a_topic_is_told_what_was_touched_and_a_new_one_everything() {
        let mut publications = Vec::new();
        for numbers in [&[1, 2, 3][..], &[2, 3], &[1, 3]] {
            publish(&mut publications, numbers);
        }
        let told = |since| {
            let news = news(&publications, since).unwrap();
            news.into_iter().map(|(number, entry)| (flag::key(number), entry.is_some())).collect::<Vec<_>>()
        };
        let flags = |flags: &[(i64, bool)]| -> Vec<(String, bool)> {
            flags.iter().map(|(number, is_set)| ((84_900_000_000 + number).to_string(), *is_set)).collect()
        };
        assert_eq!(told(None), flags(&[(1, true), (2, false), (3, true)]));
        // The first is as it was, but a run that was killed behind the second publication has taken it back.
        assert_eq!(told(Some(1)), flags(&[(1, true), (2, false)]));
        assert_eq!(told(Some(2)), flags(&[(1, true), (2, false)]));
        assert_eq!(told(Some(3)), []);
        assert!(news(&publications, Some(4)).is_err());

        // Barred and given back between two runs that ended: the one that did not has told of the bar.
        let mut publications = Vec::new();
        for numbers in [&[1][..], &[1, 2], &[1]] {
            publish(&mut publications, numbers);
        }
        let number = Number::from_e164(84_900_000_002).unwrap();
        assert_eq!(news(&publications, Some(1)).unwrap(), BTreeMap::from([(number, None)]));
    }
}
