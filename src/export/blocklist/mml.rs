//! Command scripts for the network's own console, by the carrier's template, and the scripts that undo them.
//!
//! In: a template file, and what a publication changes. Out: lines of commands. Never: writes a value that is more than
//! letters, digits and a few plain marks, so that no value ends one command and begins another.
//!
//! A command says what holds afterwards, whatever held before: `bar_both` of a number whose outgoing calls are barred
//! makes it barred both ways.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::Deserialize;
use toml::Spanned;

use super::{Change, Entry, Kind, Listing, Publication, digits, unblock};
use crate::domain::bar::Action;
use crate::domain::day::Day;
use crate::domain::number::Number;

/// What a command may say of a number.
const OF_A_NUMBER: [&str; 9] =
    ["number", "national", "action", "reason", "case_id", "from", "until", "from_compact", "until_compact"];
/// What any line may say.
const OF_A_LIST: [&str; 2] = ["day", "sequence"];
/// The reason of an unblock that takes a new bar back.
const ROLLBACK: &str = "rollback";

/// A template that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    path: PathBuf,
    header: Vec<Line>,
    footer: Vec<Line>,
    commands: BTreeMap<Action, Line>,
}

/// Commands, and what undoes them in reverse order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// In the order of the numbers.
    pub commands: Vec<String>,
    /// From the last to the first.
    pub rollback: Vec<String>,
    header: Vec<String>,
    footer: Vec<String>,
}

impl Script {
    /// Some of its commands as a file, between header and footer.
    pub fn text(&self, commands: &[String]) -> String {
        let lines = self.header.iter().chain(commands).chain(&self.footer);
        lines.map(|line| format!("{line}\n")).collect()
    }
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// For the network.
    Clear,
    /// For a look at what would be sent.
    Masked,
}

/// One command, and the line of the file where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    number: usize,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTemplate {
    #[serde(default)]
    header: Vec<Spanned<String>>,
    #[serde(default)]
    footer: Vec<Spanned<String>>,
    command: BTreeMap<String, Spanned<String>>,
}

impl Template {
    /// Reads a template, or says everything that is wrong with it, each with its line.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> anyhow::Result<Self> {
        let file = path.display();
        let written: WrittenTemplate = toml::from_str(text).with_context(|| format!("{file} is no template"))?;
        let mut problems = Vec::new();
        let mut commands = BTreeMap::new();
        for (name, command) in &written.command {
            let line = line_of(text, command);
            match (name.parse::<Action>(), parts(command.get_ref(), &[&OF_A_NUMBER[..], &OF_A_LIST[..]].concat())) {
                (Err(problem), _) | (_, Err(problem)) => problems.push(format!("{file}:{line}: {problem}")),
                (Ok(action), Ok(parts)) if !names_its_number(&parts) => {
                    problems.push(format!("{file}:{line}: {action} names neither {{number}} nor {{national}}"));
                }
                (Ok(action), Ok(parts)) => drop(commands.insert(action, Line { number: line, parts })),
            }
        }
        for action in Action::ALL.into_iter().filter(|action| !written.command.contains_key(action.as_str())) {
            problems.push(format!("{file}: command.{action} is missing"));
        }
        let mut lines = |written: &[Spanned<String>]| {
            let mut lines = Vec::new();
            for line in written {
                let number = line_of(text, line);
                match parts(line.get_ref(), &OF_A_LIST) {
                    Ok(parts) => lines.push(Line { number, parts }),
                    Err(problem) => problems.push(format!("{file}:{number}: {problem}")),
                }
            }
            lines
        };
        let (header, footer) = (lines(&written.header), lines(&written.footer));
        ensure!(problems.is_empty(), "{}", problems.join("\n"));
        Ok(Self { path: path.to_owned(), header, footer, commands })
    }

    /// The commands of a publication upon what stood before it.
    pub fn script(&self, before: &Listing, publication: &Publication, shown: Shown) -> anyhow::Result<Script> {
        let mut script = Script::default();
        for change in &publication.changes {
            let command = self.command(&change.entry, publication, shown)?;
            let undo = match undone(before, change) {
                Some(entry) => Some(self.command(&entry, publication, shown)?),
                None => None,
            };
            // What the network would not see is not sent.
            if undo.as_ref() != Some(&command) {
                script.commands.push(command);
                script.rollback.extend(undo);
            }
        }
        script.rollback.reverse();
        script.header = self.header.iter().map(|line| of_list(line, publication)).collect();
        script.footer = self.footer.iter().map(|line| of_list(line, publication)).collect();
        Ok(script)
    }

    fn command(&self, entry: &Entry, publication: &Publication, shown: Shown) -> anyhow::Result<String> {
        let line = self.commands.get(&entry.action).context("a template has a command for every action")?;
        let mut command = String::new();
        for part in &line.parts {
            match part {
                Part::Text(text) => command.push_str(text),
                Part::Value(name) => command.push_str(&self.value(name, line, entry, (publication, shown))?),
            }
        }
        Ok(command)
    }

    fn value(
        &self,
        name: &str,
        line: &Line,
        entry: &Entry,
        (publication, shown): (&Publication, Shown),
    ) -> anyhow::Result<String> {
        let compact = |day: Day| day.to_string().replace('-', "");
        let value = match name {
            "number" | "national" if shown == Shown::Masked => return Ok(entry.number.to_string()),
            "number" => digits(entry.number).to_string(),
            "national" => national(entry.number),
            "action" => entry.action.to_string(),
            "reason" => entry.reason.clone(),
            "case_id" => entry.case_id.clone(),
            "from" => entry.from.to_string(),
            "until" => entry.until.to_string(),
            "from_compact" => compact(entry.from),
            "until_compact" => compact(entry.until),
            "day" => publication.day.to_string(),
            _ => publication.sequence.to_string(),
        };
        let is_plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+'));
        ensure!(
            is_plain && !value.is_empty(),
            "{}:{}: {{{name}}} of {} is {value:?}; a command takes letters, digits, -, _ and + only",
            self.path.display(),
            line.number,
            entry.number
        );
        Ok(value)
    }
}

/// What stood before a change, as what brings it back; nothing where nothing is known to have stood.
fn undone(before: &Listing, change: &Change) -> Option<Entry> {
    let entry = &change.entry;
    match (before.get(&entry.number), change.kind) {
        (Some(before), _) => Some(before.clone()),
        (None, Kind::Removed) => None,
        (None, Kind::Added | Kind::Changed) => Some(unblock(entry, ROLLBACK, entry.from)),
    }
}

/// The number as it is dialled in Vietnam.
fn national(number: Number) -> String {
    let digits = digits(number).to_string();
    match digits.strip_prefix("84") {
        Some(national) if number.is_vietnamese() => format!("0{national}"),
        _ => format!("00{digits}"),
    }
}

/// A line of a header or footer.
fn of_list(line: &Line, publication: &Publication) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Value(name) if name == "day" => publication.day.to_string(),
        Part::Value(_) => publication.sequence.to_string(),
    };
    line.parts.iter().map(part).collect()
}

fn names_its_number(parts: &[Part]) -> bool {
    parts.iter().any(|part| matches!(part, Part::Value(name) if name == "number" || name == "national"))
}

/// The parts of a line; `{{` and `}}` are braces.
fn parts(line: &str, known: &[&str]) -> Result<Vec<Part>, String> {
    if line.chars().any(char::is_control) {
        return Err("a command is one line, without control characters".to_owned());
    }
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once(['{', '}']) {
        text.push_str(before);
        let brace = rest.as_bytes().get(before.len()).copied().map_or('{', char::from);
        if let Some(doubled) = after.strip_prefix(brace) {
            text.push(brace);
            rest = doubled;
            continue;
        }
        let named = (brace == '{').then(|| after.split_once('}')).flatten();
        let Some((name, behind)) = named else { return Err(format!("a single {brace}; write it twice to mean it")) };
        if !known.contains(&name) {
            return Err(format!("no placeholder {{{name}}}; there are {}", known.join(", ")));
        }
        parts.push(Part::Text(std::mem::take(&mut text)));
        parts.push(Part::Value(name.to_owned()));
        rest = behind;
    }
    text.push_str(rest);
    parts.push(Part::Text(text));
    Ok(parts)
}

/// The line on which a value begins, from 1.
fn line_of(text: &str, value: &Spanned<String>) -> usize {
    let before = text.get(..value.span().start).unwrap_or_default();
    before.matches('\n').count() + 1
}
