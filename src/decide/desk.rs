//! What people have said of a number, as far as a decision heeds it.
//!
//! In: words with their instants, and the numbers that are allowed. Out: what holds of a subscription on a day.
//! Never: lets a word about one owner of a number count for the next, or a review end a release or a granted appeal.

use std::collections::{BTreeMap, BTreeSet};

use super::Subject;
use super::rails::Rules;
use crate::domain::case::Word;
use crate::domain::day::Day;
use crate::domain::number::Number;

/// A word, and when it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// What.
    pub word: Word,
    /// UTC microseconds.
    pub at: i64,
}

/// Everything that people have said.
#[derive(Debug, Default)]
pub struct Desk {
    /// Numbers that are allowed on the day.
    pub allowed: BTreeSet<Number>,
    /// Of numbers that are allowed later, the first day on which each is.
    pub allowed_from: BTreeMap<Number, Day>,
    /// Words about each number, oldest first.
    pub said: BTreeMap<Number, Vec<Said>>,
    /// Segments in which too many bars were overturned; see `stop`.
    pub stopped: BTreeSet<String>,
}

/// What holds of a subscription on a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The word that ended what was held of it: evidence from before is no evidence.
    pub(super) cleared: Option<Word>,
    /// Somebody objects, and has no answer yet.
    pub(super) is_appealed: bool,
    /// A reviewer has confirmed the evidence.
    pub(super) is_confirmed: bool,
    /// Who ended what was held of it knew the papers that are found still.
    pub(super) are_papers_cleared: bool,
}

impl Desk {
    /// What the words on a subscription come to on a day; they are read in the order in which they were said.
    pub(super) fn heard(&self, subject: Subject, day: Day, rules: &Rules) -> Heard {
        let mut heard = Heard::default();
        // The day from which nothing counts any more that was known at the last release or granted appeal.
        let mut fresh_on = None;
        for said in self.said.get(&subject.number).into_iter().flatten() {
            // Said before this activation, it was about another owner.
            if subject.activated_at.is_some_and(|activated_at| said.at < activated_at) {
                continue;
            }
            let ends_on = Day::of(said.at).plus(rules.fresh_after_days);
            let counts = day < ends_on;
            let has_papers = day < Day::of(said.at).plus(rules.fresh_papers_after_days);
            if matches!(said.word, Word::Released | Word::Overturned) {
                fresh_on = Some(ends_on);
            }
            match said.word {
                // Whoever reviews a day that was drawn sees its evidence, and not why the number was let go.
                Word::Confirmed if fresh_on.is_some_and(|fresh_on| Day::of(said.at) < fresh_on) => {}
                Word::Confirmed => {
                    heard.cleared = heard.cleared.filter(|word| *word != Word::Dismissed);
                    (heard.is_confirmed, heard.are_papers_cleared) = (counts, false);
                }
                Word::Dismissed | Word::Released => heard.clear(said.word, counts, has_papers),
                Word::Appealed => heard.is_appealed = true,
                Word::Rejected => heard.is_appealed = false,
                Word::Overturned => {
                    heard.clear(said.word, counts, has_papers);
                    heard.is_appealed = false;
                }
            }
        }
        heard
    }
}

impl Heard {
    fn clear(&mut self, word: Word, counts: bool, has_papers: bool) {
        (self.cleared, self.is_confirmed) = (counts.then_some(word), false);
        self.are_papers_cleared = has_papers;
    }
}

#[cfg(test)]
mod tests;
