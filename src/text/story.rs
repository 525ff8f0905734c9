//! Which known story of fraud a text tells: `pipelines/scam_form.toml` has the forms and their words.
//!
//! In: what a citizen writes, with marks or without. Out: the form with the phrases that speak for it, whom the fraudster
//! claims to be, whom the form aims at. Never: guesses from a phrase whose marks say something else ("công ăn"); holds a
//! phrase or a threshold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use anyhow::{Context, ensure};
use serde::Deserialize;

use super::word::{Words, bare_words, marked};
use crate::domain::bank::Bank;
use crate::domain::report::Story;

/// Letters of a phrase that is also looked for without its spaces (`congan`), at least.
const GLUED: usize = 6;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    sign: Vec<String>,
    points: Points,
    short: BTreeMap<String, String>,
    organisation: Vec<Organisation>,
    form: Vec<Form>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Points {
    strong: u32,
    plain: u32,
    daily: u32,
    weak: u32,
    needed: u32,
    alone: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Organisation {
    name: String,
    words: Vec<String>,
    /// Whether the names that banks write under mean it, too.
    #[serde(default)]
    banks: bool,
}

/// One form as the file has it; a number is the form's for ever.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Its place in the handbook, or behind.
    pub number: u32,
    /// Its name in tables and JSON.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Whom it aims at.
    pub targets: Vec<String>,
    strong: Vec<String>,
    plain: Vec<String>,
    daily: Vec<String>,
    weak: Vec<String>,
}

/// What a phrase speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// It tells the form where it is a strong or a plain one; the others are words of every day, too.
    Form {
        at: usize,
        points: u32,
        tells: bool,
    },
    Organisation {
        at: usize,
    },
    /// It says that something is a fraud, and not which.
    Sign,
}

/// A phrase with everything that it speaks for.
#[derive(Debug)]
struct Phrase {
    written: String,
    /// Its words with their marks in one order; none for a word without.
    marked: Vec<Option<String>>,
    meanings: Vec<Meaning>,
}

struct Lexicon {
    written: Written,
    short: BTreeMap<String, Short>,
    phrases: Vec<Phrase>,
    patterns: AhoCorasick,
    /// The phrase of each pattern.
    phrase_of: Vec<usize>,
}

/// What an abbreviation stands for.
#[derive(Debug)]
struct Short {
    long: String,
    /// It is a word of the language too: whoever means the abbreviation writes it in capitals, among small letters.
    in_capitals: bool,
}

/// A phrase at its place in the words' text.
#[derive(Debug, Clone, Copy)]
struct Hit {
    phrase: usize,
    from: usize,
    until: usize,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    // The file is compiled in and read whole by a test, so a wrong one never leaves the house.
    Lexicon::read(include_str!("../../pipelines/scam_form.toml")).expect("pipelines/scam_form.toml is valid")
});

/// Every form, in the order of the file.
pub fn forms() -> &'static [Form] {
    &LEXICON.written.form
}

/// The story that a text tells, if its words are those of a known one; `is_accused` when whoever sends it says by its
/// order that it is about a fraud.
pub fn find(text: &str, is_accused: bool) -> Option<Story> {
    LEXICON.find(text, is_accused)
}

impl Lexicon {
    fn read(text: &str) -> anyhow::Result<Self> {
        let written: Written = toml::from_str(text)?;
        let (mut numbers, mut names) = (BTreeSet::new(), BTreeSet::new());
        for form in &written.form {
            ensure!(numbers.insert(form.number), "form {} stands twice", form.number);
            ensure!(names.insert(&form.name), "form {} stands twice", form.name);
        }
        let phrases = phrases(&written)?;
        let (mut patterns, mut phrase_of) = (Vec::new(), Vec::new());
        for (at, phrase) in phrases.iter().enumerate() {
            let bare = bare_words(&phrase.written);
            let glued = bare.replace(' ', "");
            if phrase.marked.len() > 1 && glued.len() >= GLUED {
                patterns.push(format!(" {glued} "));
                phrase_of.push(at);
            }
            patterns.push(bare);
            phrase_of.push(at);
        }
        let patterns = AhoCorasick::new(&patterns).context("building the search for phrases")?;
        let bared = |phrase: &String| bare_words(phrase).trim().to_owned();
        let meant = |short: &String, long: &String| Short { long: bared(long), in_capitals: is_capital(short) };
        let short = written.short.iter().map(|(short, long)| (bared(short), meant(short, long))).collect();
        Ok(Self { written, short, phrases, patterns, phrase_of })
    }

    fn find(&'static self, text: &str, is_accused: bool) -> Option<Story> {
        let is_shouted = is_capital(text);
        let words = Words::of(text, |written, word| {
            let short = self.short.get(word)?;
            let is_meant = !short.in_capitals || (is_capital(written) && !is_shouted);
            is_meant.then_some(short.long.as_str())
        });
        let found = self.all_hits(text, &words);
        let is_accused = is_accused || found.iter().any(|hit| self.means(hit, &|meaning| *meaning == Meaning::Sign));
        let impersonated = self.impersonated(&found);
        let hits = self.longest(found);
        let at = self.best(&hits, is_accused)?;
        let form = self.written.form.get(at)?;
        let phrases = hits.iter().filter_map(|hit| self.phrases.get(hit.phrase));
        let mut evidence = Vec::new();
        for phrase in phrases.filter(|phrase| phrase.points_for(at) > 0) {
            if !evidence.contains(&phrase.written.as_str()) {
                evidence.push(phrase.written.as_str());
            }
        }
        Some(Story { form: &form.name, evidence, impersonated, targets: &form.targets })
    }

    /// Phrases that belong to something, none inside a longer one.
    fn longest(&self, mut hits: Vec<Hit>) -> Vec<Hit> {
        // A sign belongs to nothing: the "tòa án" of a "giả tòa án" is still named.
        hits.retain(|hit| self.means(hit, &|meaning| *meaning != Meaning::Sign));
        hits.sort_by_key(|hit| (hit.from, std::cmp::Reverse(hit.until)));
        let mut longest: Vec<Hit> = Vec::with_capacity(hits.len());
        let mut until = 0;
        for hit in hits {
            // What begins no earlier and ends no later than another lies inside it.
            if hit.until > until {
                until = hit.until;
                longest.push(hit);
            }
        }
        longest
    }

    fn means(&self, hit: &Hit, what: &dyn Fn(&Meaning) -> bool) -> bool {
        self.phrases.get(hit.phrase).is_some_and(|phrase| phrase.meanings.iter().any(what))
    }

    /// Phrases that stand in the text with the right marks.
    fn all_hits(&self, text: &str, words: &Words) -> Vec<Hit> {
        let mut hits = Vec::new();
        for found in self.patterns.find_overlapping_iter(&words.text) {
            let Some(at) = self.phrase_of.get(found.pattern().as_usize()) else { continue };
            // Without the spaces around it.
            let hit = Hit { phrase: *at, from: found.start() + 1, until: found.end() - 1 };
            let written: Vec<&str> = words.original(text, hit.from, hit.until).collect();
            if self.phrases.get(*at).is_some_and(|phrase| phrase.agrees(&written)) {
                hits.push(hit);
            }
        }
        hits
    }

    /// The form with the most points; none where no form has enough.
    fn best(&self, hits: &[Hit], is_accused: bool) -> Option<usize> {
        let mut seen = BTreeSet::new();
        let mut spoken = vec![(0, 0, false); self.written.form.len()];
        for hit in hits.iter().filter(|hit| seen.insert(hit.phrase)) {
            for meaning in self.phrases.get(hit.phrase).map_or(&[][..], |phrase| &phrase.meanings) {
                if let Meaning::Form { at, points, tells } = meaning
                    && let Some((sum, letters, is_told)) = spoken.get_mut(*at)
                {
                    *sum += points;
                    *letters += hit.until - hit.from;
                    *is_told |= *tells;
                }
            }
        }
        let Points { needed, alone, .. } = self.written.points;
        let least = |is_told: bool| if is_told || is_accused { needed } else { alone };
        let enough = spoken.iter().enumerate().filter(|(_, (sum, _, is_told))| *sum >= least(*is_told));
        let best = enough.max_by_key(|(at, (sum, letters, _))| (*sum, *letters, std::cmp::Reverse(*at)));
        best.map(|(at, _)| at)
    }

    /// The first organisation that the text names.
    fn impersonated(&self, hits: &[Hit]) -> Option<&str> {
        let organisation = |hit: &Hit| {
            let meanings = &self.phrases.get(hit.phrase)?.meanings;
            meanings.iter().find_map(|meaning| match meaning {
                Meaning::Organisation { at } => Some((hit.from, *at)),
                Meaning::Form { .. } | Meaning::Sign => None,
            })
        };
        let (_, at) = hits.iter().filter_map(organisation).min()?;
        self.written.organisation.get(at).map(|organisation| organisation.name.as_str())
    }
}

fn is_capital(text: &str) -> bool {
    !text.contains(char::is_lowercase)
}

impl Phrase {
    fn points_for(&self, form: usize) -> u32 {
        let points = self.meanings.iter().map(|meaning| match meaning {
            Meaning::Form { at, points, .. } if *at == form => *points,
            _ => 0,
        });
        points.sum()
    }

    /// Whether the words of a text, as written, may be this phrase: each has its marks or none at all.
    fn agrees(&self, written: &[&str]) -> bool {
        if written.len() == self.marked.len() {
            let mut pairs = written.iter().zip(&self.marked);
            return pairs.all(|(word, expected)| marked(word).is_none_or(|found| Some(found) == *expected));
        }
        // Glued, or an abbreviation: there is nothing to compare word by word.
        true
    }
}

fn phrases(written: &Written) -> anyhow::Result<Vec<Phrase>> {
    let mut by_words: BTreeMap<&str, Vec<Meaning>> = BTreeMap::new();
    let Points { strong, plain, daily, weak, .. } = written.points;
    for (at, form) in written.form.iter().enumerate() {
        let mut own = BTreeSet::new();
        let telling = [(&form.strong, strong, true), (&form.plain, plain, true)];
        for (list, points, tells) in telling.into_iter().chain([(&form.daily, daily, false), (&form.weak, weak, false)])
        {
            for phrase in list {
                ensure!(own.insert(phrase), "form {}: \"{phrase}\" stands twice", form.name);
                let is_weak = points == weak;
                ensure!(is_weak || !is_ambiguous(phrase), "form {}: \"{phrase}\" alone can only be weak", form.name);
                by_words.entry(phrase).or_default().push(Meaning::Form { at, points, tells });
            }
        }
    }
    let mut signs = BTreeSet::new();
    for phrase in &written.sign {
        ensure!(signs.insert(phrase), "sign: \"{phrase}\" stands twice");
        ensure!(!is_ambiguous(phrase), "sign: \"{phrase}\" alone is several words");
        by_words.entry(phrase).or_default().push(Meaning::Sign);
    }
    for (at, organisation) in written.organisation.iter().enumerate() {
        for phrase in &organisation.words {
            by_words.entry(phrase).or_default().push(Meaning::Organisation { at });
        }
        for name in Bank::all().filter(|_| organisation.banks).flat_map(Bank::senders) {
            by_words.entry(name).or_default().push(Meaning::Organisation { at });
        }
    }
    by_words.into_iter().map(|(phrase, meanings)| Phrase::read(phrase, meanings)).collect()
}

/// Whether a phrase is one word with marks: bare it is several.
fn is_ambiguous(phrase: &str) -> bool {
    !phrase.contains(' ') && !phrase.is_ascii()
}

impl Phrase {
    fn read(phrase: &str, meanings: Vec<Meaning>) -> anyhow::Result<Self> {
        let marked: Vec<Option<String>> = phrase.split_whitespace().map(marked).collect();
        let bare = bare_words(phrase);
        ensure!(bare.trim().split(' ').count() == marked.len(), "\"{phrase}\" is not only words and spaces");
        Ok(Self { written: phrase.to_owned(), marked, meanings })
    }
}

#[cfg(test)]
mod tests;
