//! The network's block list: what stands, and what leads from one publication to the next.
//!
//! In: entries of a day, and what was published before. Out: the bars by number, and their changes. Never: reads a table
//! or a clock; lets a bar out that has no end.

pub mod file;
pub mod flag;
pub mod limit;
pub mod mml;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use sha2::{Digest, Sha256};

use crate::domain::bar::Action;
use crate::domain::day::Day;
use crate::domain::number::Number;

/// The reason of an unblock whose bar was gone without a word.
const NOT_LISTED: &str = "not_listed";

/// The reason of an unblock whose number must not be barred by now.
const PROTECTED: &str = "protected";

/// The reason of an unblock whose bar has come to its end without a decision that says so.
const LAPSED: &str = "lapsed";

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whom it is about.
    pub number: Number,
    /// What the network is asked to do.
    pub action: Action,
    /// Evidence that bears it, or why the bar ended.
    pub reason: String,
    /// Since when.
    pub from: Day,
    /// When it lapses.
    pub until: Day,
    /// Case to quote.
    pub case_id: String,
    /// What it was found at.
    pub detections: Option<String>,
}

/// The bars that stand, by number.
pub type Listing = BTreeMap<Number, Entry>;

/// What a day's decision asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Who is to be under a bar.
    pub bars: Listing,
    /// Whose bar has just ended.
    pub ended: Listing,
}

/// How an entry differs from what was published before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// There was none.
    Added,
    /// There was another.
    Changed,
    /// There is none any more: a tombstone, whose entry says unblock.
    Removed,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Added, Self::Changed, Self::Removed];

    /// The word used in tables and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// One change of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How.
    pub kind: Kind,
    /// To what.
    pub entry: Entry,
}

/// A publication: the list of a day, by what it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Counts from 1.
    pub sequence: i64,
    /// The day whose decision it follows from.
    pub day: Day,
    /// Hash of the bars after it; see [`list_sha256`].
    pub list_sha256: String,
    /// The same of the publication before; none of the first.
    pub supersedes_sha256: Option<String>,
    /// When it was published, UTC microseconds.
    pub published_at: i64,
    /// By number.
    pub changes: Vec<Change>,
}

/// Bars without an end: exit code 6.
#[derive(Debug, thiserror::Error)]
#[error(
    "{count} bars of {day} have no end behind that day, the first of {first}: a bar must lapse; look at limited_days and \
     blocked_days in pipelines/decide/decision.toml, then decide again"
)]
pub struct Endless {
    /// The day.
    pub day: Day,
    /// How many.
    pub count: usize,
    /// One of them, masked.
    pub first: Number,
}

impl Publication {
    /// How many changes of a kind it has.
    pub fn count(&self, kind: Kind) -> usize {
        self.changes.iter().filter(|change| change.kind == kind).count()
    }
}

impl Asked {
    /// What the entries of a day ask for; of two bars of one number the stronger, and then the longer.
    pub fn new(day: Day, entries: Vec<Entry>) -> Result<Self, Endless> {
        let is_endless = |entry: &&Entry| entry.action.is_bar() && (entry.until <= day || entry.until <= entry.from);
        let endless: Vec<&Entry> = entries.iter().filter(is_endless).collect();
        if let Some(first) = endless.first() {
            return Err(Endless { day, count: endless.len(), first: first.number });
        }
        let mut asked = Self::default();
        for entry in entries {
            let place = if entry.action.is_bar() { &mut asked.bars } else { &mut asked.ended };
            let is_weaker = |known: &Entry| (known.action, known.until) >= (entry.action, entry.until);
            if !place.get(&entry.number).is_some_and(is_weaker) {
                place.insert(entry.number, entry);
            }
        }
        Ok(asked)
    }

    /// The same without the bars of numbers that must not be barred; those that were published are given back.
    #[must_use]
    pub fn without(mut self, day: Day, before: &Listing, protected: &BTreeSet<Number>) -> Self {
        self.bars.retain(|number, _| !protected.contains(number));
        for (number, entry) in before.iter().filter(|(number, _)| protected.contains(*number)) {
            self.ended.insert(*number, unblock(entry, PROTECTED, day));
        }
        self
    }

    /// The same without the bars whose end has come by today, and these: who was told of one is given back, though no later
    /// day was decided, and what is decided of earlier days bars nobody any more. Where no bar was published before its
    /// end had come, the lists are a look into the past, and all stay.
    #[must_use]
    pub fn without_lapsed(
        mut self,
        (day, today): (Day, Day),
        (before, publications): (&Listing, &[Publication]),
    ) -> (Self, Vec<Number>) {
        let is_live = |publication: &Publication| {
            let published_on = Day::of(publication.published_at);
            let mut entries = publication.changes.iter().map(|change| &change.entry);
            entries.any(|entry| entry.action.is_bar() && entry.until > published_on)
        };
        if !publications.iter().any(is_live) {
            return (self, Vec::new());
        }
        let is_over = |entry: &&Entry| entry.until <= today;
        let lapsed: Vec<Number> = self.bars.values().filter(is_over).map(|entry| entry.number).collect();
        for number in &lapsed {
            self.bars.remove(number);
            if let Some(entry) = before.get(number) {
                self.ended.insert(*number, unblock(entry, LAPSED, day));
            }
        }
        (self, lapsed)
    }

    /// The same without any new or changed bar: what only gives back.
    #[must_use]
    pub fn releases_only(self, before: &Listing) -> Self {
        let stays = before.iter().filter(|(number, _)| self.bars.contains_key(*number));
        Self { bars: stays.map(|(number, entry)| (*number, entry.clone())).collect(), ended: self.ended }
    }
}

/// What leads from the bars that were published to those that are asked for. Who is `told` was given back already.
pub fn changes(day: Day, before: &Listing, asked: &Asked, told: &BTreeSet<Number>) -> Vec<Change> {
    let mut changes = Vec::new();
    for (number, entry) in &asked.bars {
        match before.get(number) {
            None => changes.push(Change { kind: Kind::Added, entry: entry.clone() }),
            Some(known) if known != entry => changes.push(Change { kind: Kind::Changed, entry: entry.clone() }),
            Some(_) => {}
        }
    }
    let gone = before.values().filter(|entry| !asked.bars.contains_key(&entry.number));
    for entry in gone.filter(|entry| !asked.ended.contains_key(&entry.number)) {
        changes.push(Change { kind: Kind::Removed, entry: unblock(entry, NOT_LISTED, day) });
    }
    // The network may hold a bar that was never published here, so whoever is given back is told of once.
    let is_news = |number: &Number| before.contains_key(number) || !told.contains(number);
    let ended = asked.ended.iter().filter(|(number, _)| is_news(number) && !asked.bars.contains_key(*number));
    changes.extend(ended.map(|(_, entry)| Change { kind: Kind::Removed, entry: entry.clone() }));
    changes.sort_by_key(|change| change.entry.number);
    changes
}

/// Applies the changes of a delta: this is all that its reader has to do.
pub fn apply(listing: &mut Listing, changes: &[Change]) {
    for change in changes {
        match change.kind {
            Kind::Added | Kind::Changed => drop(listing.insert(change.entry.number, change.entry.clone())),
            Kind::Removed => drop(listing.remove(&change.entry.number)),
        }
    }
}

/// The bars after the last of some publications, which must follow one another from the first.
pub fn standing(publications: &[Publication]) -> anyhow::Result<Listing> {
    let mut listing = Listing::new();
    let mut last = None;
    for (publication, expected) in publications.iter().zip(1..) {
        let found = publication.sequence;
        ensure!(found == expected, "publications {expected} to {} are missing from blocklist_export", found - 1);
        ensure!(publication.supersedes_sha256 == last, "publication {found} does not follow the one before it");
        apply(&mut listing, &publication.changes);
        last = Some(publication.list_sha256.clone());
    }
    let is_whole = last.is_none_or(|last| last == list_sha256(&listing));
    ensure!(is_whole, "the changes in blocklist_export do not add up to the list that was published");
    Ok(listing)
}

/// Numbers that publications have given back on a day, and that have no bar now.
pub fn told(publications: &[Publication], day: Day) -> BTreeMap<Number, &Entry> {
    let mut told = BTreeMap::new();
    for change in publications.iter().filter(|publication| publication.day == day).flat_map(|of| &of.changes) {
        match change.kind {
            Kind::Removed => drop(told.insert(change.entry.number, &change.entry)),
            Kind::Added | Kind::Changed => drop(told.remove(&change.entry.number)),
        }
    }
    told
}

/// What was asked for each number last, and in the list of which day.
pub fn latest(publications: &[Publication]) -> BTreeMap<Number, (Day, &Change)> {
    let mut latest = BTreeMap::new();
    for publication in publications {
        latest.extend(publication.changes.iter().map(|change| (change.entry.number, (publication.day, change))));
    }
    latest
}

/// Whose bar was given back since its number must not be barred, with the day of that list, and has not been published
/// since.
pub fn protected_since(publications: &[Publication]) -> BTreeMap<Number, Day> {
    let is_protected = |change: &Change| change.kind == Kind::Removed && change.entry.reason == PROTECTED;
    let latest = latest(publications).into_iter().filter(|(_, (_, change))| is_protected(change));
    latest.map(|(number, (day, _))| (number, day)).collect()
}

/// SHA-256 of bars, hex: of a line for each, by number, with its number, action, reason, both days, case and detections,
/// separated by commas and ended by a line feed.
pub fn list_sha256(listing: &Listing) -> String {
    let mut hash = Sha256::new();
    for entry in listing.values() {
        let Entry { number, action, reason, from, until, case_id, detections } = entry;
        let detections = detections.as_deref().unwrap_or_default();
        hash.update(format!("{},{action},{reason},{from},{until},{case_id},{detections}\n", digits(*number)));
    }
    hex::encode(hash.finalize())
}

/// The end of a bar.
fn unblock(entry: &Entry, reason: &str, day: Day) -> Entry {
    let (reason, detections) = (reason.to_owned(), None);
    Entry { action: Action::Unblock, reason, from: day, until: day, detections, ..entry.clone() }
}

/// The number in clear: the network cannot bar a masked one.
pub fn digits(number: Number) -> i64 {
    number.reveal()
}
