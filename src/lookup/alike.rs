//! Names that imitate a known bank, agency or brand.
//!
//! In: a host, and the known names of `pipelines/lookup`. Out: whose it is, or whom it imitates and how that shows.
//! Never: knows a name or a number of allowed typing errors itself; calls a state body's `.gov.vn` an imitation.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

use super::shared::lines;
use crate::domain::host::{Host, tails};

/// What a name is to the known ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Standing {
    /// One of the domains that a known name is registered with.
    Genuine {
        /// The known name.
        of: String,
    },
    /// Resembles a known name, and is none of its domains.
    Alike(Alike),
    /// Neither.
    Other,
}

/// A resemblance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alike {
    /// The known name.
    pub of: String,
    /// Its domain; `gov.vn` where any state body may be meant.
    pub genuine: String,
    /// How it shows.
    pub manner: Manner,
    /// The label of the host in which it shows.
    pub label: String,
}

/// How a resemblance shows, plainest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// `gov` within a name that no state body has.
    Gov,
    /// The known name itself, under another domain.
    Name,
    /// Letters that look like those of the name.
    Confusable,
    /// A short name beside a word that impostors like.
    Beside,
    /// The name with typing errors.
    Typo,
}

/// Known names.
#[derive(Debug)]
pub struct KnownNames {
    names: Vec<Known>,
    /// Each genuine domain, and whose it is.
    genuine: HashMap<String, usize>,
    namesakes: HashSet<String>,
    words: Vec<String>,
}

/// A line of `known_name.csv`; several domains or tokens are separated by spaces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    kind: String,
    domains: String,
    anywhere: String,
    part: String,
    beside: String,
    typos: usize,
}

#[derive(Debug)]
struct Known {
    name: String,
    domain: String,
    is_agency: bool,
    /// Distinct enough to mean the name wherever a label holds them.
    anywhere: Vec<Token>,
    /// Mean it as a whole part of a label.
    part: Vec<Token>,
    /// Mean it beside a word only.
    beside: Vec<Token>,
    typos: usize,
}

#[derive(Debug)]
struct Token {
    text: String,
    seen: String,
}

/// A label as it is compared.
struct Label {
    written: String,
    /// Without diacritics.
    bare: String,
    /// And without hyphens.
    run: String,
    /// As the eye takes it.
    seen: String,
}

impl KnownNames {
    pub(super) fn read(names: &str, words: &str, namesakes: &str) -> anyhow::Result<Self> {
        let mut known = Self {
            names: Vec::new(),
            genuine: HashMap::new(),
            namesakes: lines(namesakes).map(str::to_owned).collect(),
            words: lines(words).map(str::to_owned).collect(),
        };
        for line in csv::Reader::from_reader(names.as_bytes()).deserialize() {
            known.add(line.context("known_name.csv")?)?;
        }
        Ok(known)
    }

    fn add(&mut self, line: Line) -> anyhow::Result<()> {
        let tokens = |cell: &str| cell.split_whitespace().map(Token::new).collect::<Vec<_>>();
        let domain = line.domains.split_whitespace().next();
        let domain = domain.with_context(|| format!("known_name.csv: {} has no domain", line.name))?.to_owned();
        for domain in line.domains.split_whitespace() {
            let is_whole = Host::read(domain).is_some_and(|host| host.host() == domain && host.registrable().is_some());
            ensure!(is_whole, "known_name.csv: {}: \"{domain}\" is no domain", line.name);
            self.genuine.insert(domain.to_owned(), self.names.len());
        }
        self.names.push(Known {
            anywhere: tokens(&line.anywhere),
            part: tokens(&line.part),
            beside: tokens(&line.beside),
            typos: line.typos,
            is_agency: line.kind == "agency",
            name: line.name,
            domain,
        });
        Ok(())
    }

    /// What a host is to the known names.
    pub fn standing(&self, host: &Host) -> Standing {
        if let Some(known) =
            tails(host.host()).find_map(|tail| self.genuine.get(tail)).and_then(|at| self.names.get(*at))
        {
            return Standing::Genuine { of: known.name.clone() };
        }
        let Some(domain) = host.registrable().filter(|domain| !self.namesakes.contains(*domain)) else {
            return Standing::Other;
        };
        let suffix = domain.split_once('.').map_or("", |(_, suffix)| suffix);
        if suffix == STATE {
            return Standing::Other;
        }
        let labels = labels(host, suffix);
        self.gov(&labels, suffix).or_else(|| self.known(&labels)).map_or(Standing::Other, Standing::Alike)
    }

    /// `gov` as a part of its own beside `vn` or an agency's name, or glued to either.
    fn gov(&self, labels: &[Label], suffix: &str) -> Option<Alike> {
        let is_vietnamese = tails(suffix).last() == Some("vn") || labels.iter().any(|label| label.has_part("vn"));
        let agency = self.agency(labels);
        let is_state_abroad = labels.last().is_some_and(|label| label.bare == GOV);
        let shows = |label: &&Label| {
            let is_part = label.has_part(GOV) && !is_state_abroad;
            let is_glued = label.run.contains("govvn")
                || (suffix == "vn" && label.run.len() > GOV.len() && label.run.ends_with(GOV));
            let is_agencys = agency.is_some_and(|known| known.is_glued_to_gov(label));
            (is_part && (is_vietnamese || agency.is_some())) || is_glued || is_agencys
        };
        let label = labels.iter().find(shows)?;
        Some(Alike {
            of: agency.map_or_else(|| "co quan nha nuoc".to_owned(), |known| known.name.clone()),
            genuine: agency.map_or_else(|| STATE.to_owned(), |known| known.domain.clone()),
            manner: Manner::Gov,
            label: label.written.clone(),
        })
    }

    /// The agency that a label names, alone or before or behind `gov`.
    fn agency(&self, labels: &[Label]) -> Option<&Known> {
        let agencies = || self.names.iter().filter(|known| known.is_agency);
        labels.iter().find_map(|label| {
            agencies()
                .find(|known| known.tokens().any(|token| label.has_part(&token.text)) || known.is_glued_to_gov(label))
        })
    }

    /// The plainest resemblance; of two as plain, the first label's and then the longest token's.
    fn known(&self, labels: &[Label]) -> Option<Alike> {
        let mut best: Option<(Manner, usize, Alike)> = None;
        for label in labels {
            for known in &self.names {
                let Some((manner, length)) = self.manner(known, label) else { continue };
                let is_better = best
                    .as_ref()
                    .is_none_or(|(found, longest, _)| manner < *found || (manner == *found && length > *longest));
                if is_better {
                    let (of, genuine) = (known.name.clone(), known.domain.clone());
                    best = Some((manner, length, Alike { of, genuine, manner, label: label.written.clone() }));
                }
            }
        }
        best.map(|(.., alike)| alike)
    }

    /// How a label shows a known name, and the length of the token that it shows.
    fn manner(&self, known: &Known, label: &Label) -> Option<(Manner, usize)> {
        let longest = |tokens: &[Token], shows: &dyn Fn(&Token) -> bool| {
            tokens.iter().filter(|token| shows(token)).map(|token| token.text.len()).max()
        };
        let found = |manner: Manner, length: Option<usize>| length.map(|length| (manner, length));
        found(Manner::Name, longest(&known.anywhere, &|token| label.run.contains(&token.text)))
            .or_else(|| found(Manner::Name, longest(&known.part, &|token| label.has_part(&token.text))))
            .or_else(|| found(Manner::Confusable, longest(&known.anywhere, &|token| label.seen.contains(&token.seen))))
            .or_else(|| found(Manner::Confusable, longest(&known.part, &|token| label.seen == token.seen)))
            .or_else(|| found(Manner::Beside, longest(&known.part, &|token| self.is_beside(&token.text, &label.run))))
            .or_else(|| found(Manner::Beside, longest(&known.beside, &|token| self.is_beside(&token.text, &label.run))))
            .or_else(|| found(Manner::Typo, longest(&known.anywhere, &|token| self.is_typo(token, known.typos, label))))
    }

    /// Whether a label is a token and words, and nothing else.
    fn is_beside(&self, token: &str, run: &str) -> bool {
        run.match_indices(token).any(|(at, _)| {
            let (before, rest) = run.split_at(at);
            let behind = rest.strip_prefix(token).unwrap_or_default();
            (before.len() + behind.len() > 0) && self.is_words(before) && self.is_words(behind)
        })
    }

    /// Whether a text is words and digits, as `24h` or `vayonline`.
    fn is_words(&self, text: &str) -> bool {
        let rest = text.trim_start_matches(is_digit);
        let hours = rest.strip_prefix('h').filter(|_| rest.len() < text.len());
        let mut words = self.words.iter().filter_map(|word| rest.strip_prefix(word.as_str())).chain(hours);
        rest.is_empty() || words.any(|rest| self.is_words(rest))
    }

    /// Whether a part of a label, with or without a word beside it, is the token with a few errors. The first letter is
    /// never mistyped: `arena` is not `garena`.
    fn is_typo(&self, token: &Token, typos: usize, label: &Label) -> bool {
        let is_near = |part: &str| {
            let is_length = part.len().abs_diff(token.text.len()) <= typos;
            let is_start = part.chars().next() == token.text.chars().next();
            is_length && is_start && strsim::osa_distance(part, &token.text) <= typos
        };
        let mut candidates =
            parts(&label.bare).chain(std::iter::once(label.run.as_str())).flat_map(|part| self.without_word(part));
        candidates.any(|part| is_near(part) && !self.is_token(part))
    }

    /// A part as it is, and without digits and one word at an end.
    fn without_word<'a>(&'a self, part: &'a str) -> impl Iterator<Item = &'a str> {
        let front = part.strip_suffix('h').filter(|front| front.ends_with(is_digit)).unwrap_or(part);
        let part = front.trim_matches(is_digit);
        let ends = self
            .words
            .iter()
            .flat_map(move |word| [part.strip_prefix(word.as_str()), part.strip_suffix(word.as_str())]);
        std::iter::once(part).chain(ends.flatten())
    }

    /// Whether it is a known name's own token, such as `vietbank` beside `vietabank`.
    fn is_token(&self, part: &str) -> bool {
        self.names.iter().any(|known| known.tokens().any(|token| token.text == part))
    }
}

const GOV: &str = "gov";
const STATE: &str = "gov.vn";

impl Known {
    fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.anywhere.iter().chain(&self.part).chain(&self.beside)
    }

    fn is_glued_to_gov(&self, label: &Label) -> bool {
        self.tokens().any(|token| {
            label.run.contains(&format!("{}{GOV}", token.text)) || label.run.contains(&format!("{GOV}{}", token.text))
        })
    }
}

impl Label {
    fn new(written: &str) -> Self {
        let bare = bare(written);
        let run = parts(&bare).collect();
        Self { written: written.to_owned(), seen: seen(&bare), bare, run }
    }

    fn has_part(&self, token: &str) -> bool {
        self.bare == token || parts(&self.bare).any(|part| part == token)
    }
}

fn parts(bare: &str) -> impl Iterator<Item = &str> {
    bare.split(['-', '_']).filter(|part| !part.is_empty())
}

impl Token {
    fn new(text: &str) -> Self {
        Self { text: text.to_owned(), seen: seen(text) }
    }
}

/// The labels of a host before its public suffix.
fn labels(host: &Host, suffix: &str) -> Vec<Label> {
    let name = host.unicode();
    let count = name.split('.').count().saturating_sub(suffix.split('.').count());
    name.split('.').take(count).map(Label::new).collect()
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

/// Without diacritics; đ is d.
fn bare(text: &str) -> String {
    text.nfd().filter(|character| !is_combining_mark(*character)).map(|c| if c == 'đ' { 'd' } else { c }).collect()
}

/// What the eye takes a text for: look-alikes of other scripts, digits for letters, `rn` for m and `vv` for w.
fn seen(text: &str) -> String {
    let plain: String = skeleton(text).flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)).collect();
    plain.replace("vv", "w").chars().map(latin).collect()
}

/// Digits that stand for letters, and small capitals, which Unicode does not confuse with the letters themselves; `l`
/// and `i` look alike and become one.
fn latin(character: char) -> char {
    match character {
        'l' | '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' | 'ᴛ' => 't',
        '0' => 'o',
        'ĸ' => 'k',
        'ʙ' => 'b',
        'ʜ' => 'h',
        other => other,
    }
}

#[cfg(test)]
mod tests;
