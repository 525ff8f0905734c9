//! Phrases of a word list, as they are looked for among words that stand apart.
//!
//! In: a list of `pipelines/sender.toml`. Out: whether words are one of its phrases, begin or end with one. Never:
//! joins words to ask, since a report asks dozens of times.

use std::collections::BTreeSet;

use serde::Deserialize;

/// Phrases as their words, in order.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "BTreeSet<String>")]
pub(super) struct Phrases {
    phrases: Vec<Vec<String>>,
    /// Words of the longest.
    most: usize,
}

impl From<BTreeSet<String>> for Phrases {
    fn from(written: BTreeSet<String>) -> Self {
        let words = |phrase: &String| phrase.split(' ').map(str::to_owned).collect();
        let mut phrases: Vec<Vec<String>> = written.iter().map(words).collect();
        // Words in order are not letters in order: a space sorts before a dash.
        phrases.sort_unstable();
        let most = phrases.iter().map(Vec::len).max().unwrap_or(0);
        Self { phrases, most }
    }
}

impl Phrases {
    /// Whether the words are a phrase, all of them.
    pub(super) fn has(&self, words: &[&str]) -> bool {
        let compare = |phrase: &Vec<String>| phrase.iter().map(String::as_str).cmp(words.iter().copied());
        self.phrases.binary_search_by(compare).is_ok()
    }

    /// How many words the longest phrase has that the words begin with; 0 for none.
    pub(super) fn begins(&self, words: &[&str]) -> usize {
        let is_phrase = |count: &usize| words.get(..*count).is_some_and(|head| self.has(head));
        (1..=self.most).rev().find(is_phrase).unwrap_or(0)
    }

    /// How many words the longest phrase has that the words end with; 0 for none.
    pub(super) fn ends(&self, words: &[&str]) -> usize {
        let tail = |count: usize| words.get(words.len().checked_sub(count)?..);
        (1..=self.most).rev().find(|count| tail(*count).is_some_and(|tail| self.has(tail))).unwrap_or(0)
    }

    /// Every phrase as it is written.
    pub(super) fn written(&self) -> impl Iterator<Item = String> {
        self.phrases.iter().map(|phrase| phrase.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_at_either_end_and_the_longest_is() {
        let written = ["ck", "so tai khoan", "tai khoan", "tai-khoan"].map(str::to_owned);
        let phrases = Phrases::from(BTreeSet::from(written));
        let ends = |text: &str| phrases.ends(&text.split(' ').collect::<Vec<_>>());
        let begins = |text: &str| phrases.begins(&text.split(' ').collect::<Vec<_>>());
        assert_eq!([ends("vao so tai khoan"), ends("tai khoan"), ends("ck"), ends("khoan"), ends("")], [3, 2, 1, 0, 0]);
        assert_eq!(
            [begins("so tai khoan la"), begins("tai khoan so"), begins("so tai"), begins("ck ck")],
            [3, 2, 0, 1]
        );
        assert!(phrases.has(&["tai-khoan"]) && !phrases.has(&["tai", "khoan", "la"]) && !phrases.has(&[]));
        assert_eq!(phrases.written().count(), 4);
    }
}
