//! The SMS that answers a look-up.
//!
//! In: an answer, and the carrier's templates of `pipelines/lookup/reply.csv`. Out: at most 160 characters of GSM-7
//! without diacritics. Never: a wording of its own; cuts a warning to make room for a fact.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};

use super::alike::Standing;
use super::answer::{Answer, DomainType};
use super::list::Reach;
use super::registry::{Outcome, Record};
use crate::domain::day::Day;
use crate::domain::sms;

/// Templates by situation, each in segments that stand or fall whole.
#[derive(Debug)]
pub struct Replies(BTreeMap<String, Vec<String>>);

/// The situations, each of which has a template; an empty one says nothing.
const WHEN: [&str; 14] = [
    "national",
    "international",
    "unreadable",
    "found",
    "not_found",
    "unavailable",
    "not_asked",
    "address",
    "listed",
    "page_listed",
    "alike",
    "reported",
    "genuine",
    "shared",
];

/// What a template may ask for, and how many characters of it an SMS has room for.
const VALUES: [(&str, usize); 12] = [
    ("domain", 60),
    ("type", 20),
    ("holder", 50),
    ("registrar", 40),
    ("registered", 10),
    ("expires", 10),
    ("state", 40),
    ("list", 24),
    ("brand", 24),
    ("genuine", 30),
    ("reports", 7),
    ("since", 10),
];

/// One SMS of GSM-7.
const LONGEST: usize = 160;

type Values = BTreeMap<&'static str, String>;

impl Replies {
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let mut replies = BTreeMap::new();
        for line in csv::Reader::from_reader(text.as_bytes()).deserialize() {
            let (when, text): (String, String) = line.context("reply.csv")?;
            ensure!(WHEN.contains(&when.as_str()), "reply.csv: \"{when}\" is no situation");
            let plain = text.replace(['{', '}', '|'], "");
            ensure!(
                sms::plain(&plain) == plain,
                "reply.csv: {when}: an SMS cannot say all of it; leave out diacritics and brackets"
            );
            let segments: Vec<String> = text.split('|').map(str::to_owned).collect();
            for segment in &segments {
                filled(segment, &|name| VALUES.iter().any(|(known, _)| *known == name).then(String::new))
                    .map_err(|name| anyhow::anyhow!("reply.csv: {when}: nothing is called {{{name}}}"))?;
            }
            replies.insert(when, segments);
        }
        if let Some(missing) = WHEN.into_iter().find(|when| !replies.contains_key(*when)) {
            bail!("reply.csv has no line for {missing}");
        }
        Ok(Self(replies))
    }

    pub(super) fn unreadable(&self) -> String {
        clip(&self.first("unreadable"), LONGEST)
    }

    pub(super) fn sms(&self, answer: &Answer) -> String {
        let values = self.values(answer);
        let said = |when: &str| self.segments(when).iter().filter_map(|text| say(text, &values)).collect::<Vec<_>>();
        let mut facts = said(situation(answer)).into_iter();
        let head = clip(&facts.next().unwrap_or_default(), LONGEST);
        let mut room = LONGEST - head.len();
        let mut fit = |texts: Vec<String>| {
            let fits = |text: &String| {
                let is_fit = text.len() <= room;
                room -= if is_fit { text.len() } else { 0 };
                is_fit
            };
            texts.into_iter().filter(fits).collect::<String>()
        };
        let signals = fit(signals(answer).into_iter().flat_map(said).collect());
        let facts = fit(facts.collect());
        format!("{head}{facts}{signals}")
    }

    fn segments(&self, when: &str) -> &[String] {
        self.0.get(when).map_or(&[], Vec::as_slice)
    }

    fn first(&self, when: &str) -> String {
        self.segments(when).first().cloned().unwrap_or_default()
    }

    /// What the words of a reply may name of an answer, as far as it is known.
    fn values(&self, answer: &Answer) -> Values {
        let mut values = Values::new();
        let mut put = |name, value: Option<String>| {
            if let Some(value) = value {
                values.insert(name, value);
            }
        };
        let named = answer.signals.customer.as_ref().or(answer.domain.as_ref()).unwrap_or(&answer.host);
        put("domain", Some(named.clone()));
        put(
            "type",
            answer.domain_type.map(|found| {
                self.first(match found {
                    DomainType::National => "national",
                    DomainType::International => "international",
                })
            }),
        );
        if let Outcome::Found(Record { holder, registrar, registered_on, expires_on, state, .. }) =
            &answer.registry.outcome
        {
            put("holder", holder.clone());
            put("registrar", registrar.clone());
            put("registered", registered_on.map(vietnamese));
            put("expires", expires_on.map(vietnamese));
            put("state", state.clone());
        }
        // A list that has another page of the host is not the one that has the host.
        let lists = &answer.signals.lists;
        let closest = lists.iter().find(|hit| hit.reach != Reach::OtherPage).or(lists.first());
        put("list", closest.map(|hit| hit.list.clone()));
        match &answer.signals.name {
            Standing::Genuine { of } => put("brand", Some(of.clone())),
            Standing::Alike(alike) => {
                put("brand", Some(alike.of.clone()));
                put("genuine", Some(alike.genuine.clone()));
            }
            Standing::Other => {}
        }
        put("reports", answer.signals.reported.map(|reported| reported.reports.to_string()));
        put("since", answer.signals.reported.map(|reported| vietnamese(reported.first_on)));
        values
    }
}

/// Which template has the facts.
fn situation(answer: &Answer) -> &'static str {
    match (&answer.domain, &answer.registry.outcome) {
        (None, _) => "address",
        (_, Outcome::Found(_)) => "found",
        (_, Outcome::NotFound) => "not_found",
        (_, Outcome::Unavailable { .. }) => "unavailable",
        (_, Outcome::NotAsked) => "not_asked",
    }
}

/// Which templates have something of our own to say, the gravest first.
fn signals(answer: &Answer) -> Vec<&'static str> {
    let signals = &answer.signals;
    let is_listed = signals.lists.iter().any(|hit| hit.reach != Reach::OtherPage);
    let said = [
        ("listed", is_listed),
        ("page_listed", !is_listed && !signals.lists.is_empty()),
        ("alike", matches!(signals.name, Standing::Alike(_))),
        ("reported", signals.reported.is_some()),
        ("shared", signals.is_shared),
        ("genuine", matches!(signals.name, Standing::Genuine { .. })),
    ];
    said.into_iter().filter(|(_, is_said)| *is_said).map(|(when, _)| when).collect()
}

/// A segment with its values; none where one of them is missing.
fn say(segment: &str, values: &Values) -> Option<String> {
    let value = |name: &str| {
        let (_, longest) = VALUES.iter().find(|(known, _)| *known == name)?;
        values.get(name).map(|value| clip(&sms::plain(value), *longest))
    };
    filled(segment, &value).ok().filter(|text| !text.is_empty())
}

/// A segment with every `{name}` replaced, or the name that has no value.
fn filled(segment: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = segment;
    while let Some((before, named)) = rest.split_once('{') {
        let (name, after) = named.split_once('}').ok_or_else(|| named.to_owned())?;
        out.push_str(before);
        out.push_str(&value(name).ok_or_else(|| name.to_owned())?);
        rest = after;
    }
    Ok(out + rest)
}

/// The text, or its beginning with two dots.
fn clip(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let kept: String = text.chars().take(longest.saturating_sub(2)).collect();
    format!("{}..", kept.trim_end())
}

/// As Vietnamese readers write a day.
pub fn vietnamese(day: Day) -> String {
    let text = day.to_string();
    match text.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] => format!("{day}/{month}/{year}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests;
