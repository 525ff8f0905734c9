//! What a subscriber is told whose number is barred or released.
//!
//! In: the carrier's templates of `pipelines/notice.toml`, and what is done to a number. Out: the message in Vietnamese,
//! and without diacritics for plain SMS. Never: a wording of its own; a bar without its reason, its end and the way to
//! object.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::domain::day::Day;
use crate::domain::sms;

/// The templates' file, within the folder of definitions.
pub const FILE: &str = "notice.toml";

/// What is told, as the block list names it, and what a message about it has to say.
const MESSAGES: [(&str, &[&str]); 3] = [
    ("bar_outgoing", &["reason", "until", "case", "appeal"]),
    ("bar_both", &["reason", "until", "case", "appeal"]),
    ("unblock", &["case", "appeal"]),
];
/// What it may say, too.
const FREE: &str = "from";
/// Evidence, as the block list names it.
const REASONS: [&str; 4] = ["behaviour", "survey", "report", "registration"];

/// The templates of a carrier.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templates {
    appeal: String,
    message: BTreeMap<String, String>,
    reason: BTreeMap<String, String>,
}

/// What is done to a number, as the block list says it.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// `bar_outgoing`, `bar_both` or `unblock`.
    pub action: &'a str,
    /// Evidence, joined by +; of an unblock, its cause.
    pub reason: &'a str,
    /// Since when.
    pub from: Day,
    /// Until when.
    pub until: Day,
    /// The case to quote.
    pub case_id: &'a str,
}

/// Whether subscribers are told of an action.
pub fn is_told(action: &str) -> bool {
    MESSAGES.iter().any(|(known, _)| *known == action)
}

impl Templates {
    /// Reads the templates, or says everything that is wrong with them.
    pub fn read(text: &str) -> Result<Self, Vec<String>> {
        let templates: Self = toml::from_str(text).map_err(|error| vec![format!("{FILE}: {error}")])?;
        let problems = templates.problems();
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut differ = |section: &str, found: &BTreeMap<String, String>, wanted: BTreeSet<&str>| {
            let found: BTreeSet<&str> = found.keys().map(String::as_str).collect();
            problems.extend(wanted.difference(&found).map(|name| format!("{FILE}: {section} has no {name}")));
            problems.extend(found.difference(&wanted).map(|name| format!("{FILE}: nobody asks for {section}.{name}")));
        };
        differ("message", &self.message, MESSAGES.iter().map(|(action, _)| *action).collect());
        differ("reason", &self.reason, REASONS.into_iter().collect());
        for (action, needed) in MESSAGES {
            let Some(message) = self.message.get(action) else { continue };
            let named: BTreeSet<&str> = names(message).collect();
            let missing = needed.iter().filter(|name| !named.contains(*name));
            problems.extend(missing.map(|name| format!("{FILE}: message.{action} does not say {{{name}}}")));
            let unknown = named.iter().filter(|name| !needed.contains(*name) && **name != FREE);
            problems.extend(unknown.map(|name| format!("{FILE}: message.{action} has no {{{name}}} to say")));
        }
        let all = self.message.values().chain(self.reason.values()).chain([&self.appeal]);
        for text in all {
            if text.trim().is_empty() {
                problems.push(format!("{FILE}: a text is empty"));
            }
            let unsaid: String = text.chars().filter(|letter| *letter != '?' && is_lost(*letter)).collect();
            if !unsaid.is_empty() {
                problems.push(format!("{FILE}: plain SMS cannot say \"{unsaid}\" in \"{text}\""));
            }
        }
        problems
    }

    /// The message; nothing for an action that nobody is told of.
    pub fn text(&self, told: Told<'_>) -> Option<String> {
        let reasons = told.reason.split('+').filter_map(|reason| self.reason.get(reason)).map(String::as_str);
        let values = BTreeMap::from([
            ("from", day(told.from)),
            ("until", day(told.until)),
            ("reason", reasons.collect::<Vec<_>>().join("; ")),
            ("case", told.case_id.to_owned()),
            ("appeal", self.appeal.clone()),
        ]);
        let message = self.message.get(told.action)?;
        Some(values.iter().fold(message.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value)))
    }
}

/// Whether a letter is a question mark in plain SMS.
fn is_lost(letter: char) -> bool {
    sms::plain(letter.encode_utf8(&mut [0; 4])).contains('?')
}

/// What a template asks for.
fn names(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).map(|rest| rest.split_once('}').map_or(rest, |(name, _)| name))
}

/// As Vietnamese readers write a day.
fn day(day: Day) -> String {
    day.to_string().split('-').rev().collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = include_str!("../../pipelines/notice.toml");

    fn told<'a>(action: &'a str, reason: &'a str) -> Told<'a> {
        let day = |text: &str| text.parse().unwrap();
        Told { action, reason, from: day("2025-01-06"), until: day("2025-02-05"), case_id: "C-1" }
    }

    #[track_caller]
    fn refused(from: &str, to: &str, because: &str) {
        assert!(OURS.contains(from), "{from}");
        let problems = Templates::read(&OURS.replacen(from, to, 1)).unwrap_err();
        assert!(problems.iter().any(|problem| problem.contains(because)), "{problems:?}");
    }

    #[test]
    fn a_bar_says_why_until_when_and_how_to_object() {
        let text = Templates::read(OURS).unwrap().text(told("bar_outgoing", "behaviour+report")).unwrap();
        for part in ["06/01/2025", "05/02/2025", "C-1", "tổng đài", "dấu hiệu cuộc gọi rác; có phản ánh"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains(['{', '}']));
        assert!(sms::plain(&text).starts_with("Thue bao cua Quy khach bi tam chan chieu goi di tu 06/01/2025"));
    }

    #[test]
    fn a_release_names_no_cause() {
        let text = Templates::read(OURS).unwrap().text(told("unblock", "overturned")).unwrap();
        assert!(text.contains("mở chặn từ 06/01/2025") && !text.contains("overturned"));
        assert_eq!(Templates::read(OURS).unwrap().text(told("bar_incoming_from", "behaviour")), None);
    }

    #[test]
    fn templates_that_would_fail_a_subscriber_are_refused_at_start() {
        refused("Lý do: {reason}. ", "", "message.bar_outgoing does not say {reason}");
        refused("đến {until}.", "đến {end}.", "has no {end} to say");
        refused("mã hồ sơ {case}.\"\n\n[reason]", ".\"\n\n[reason]", "message.unblock does not say {case}");
        refused("đã được mở chặn từ {from}", "{reason}", "message.unblock has no {reason} to say");
        refused("appeal = \"tổng", "appeal = \"☎ tổng", "plain SMS cannot say \"☎\"");
        refused("appeal = \"tổng đài chăm sóc khách hàng của nhà mạng\"", "appeal = \"\"", "a text is empty");
        refused("survey       =", "poll =", "reason has no survey");
        refused("survey       =", "poll =", "nobody asks for reason.poll");
        refused("[message]", "more = 1\n[message]", "unknown field");
    }
}
