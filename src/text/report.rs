//! The grammar of messages to 156 and 5656, in every form that people write them.
//!
//! In: a message, e.g. `V [0912345678][moi vay tien]`. Out: its kind, its sources and its content, as slices of the
//! message. Never: drops a message: one of no known form is `unparsed` with its whole wording and goes to a person.
//!
//! The official forms are two brackets (`V [source][content]`, `S (source)(content)`) and one with a dash
//! (`LD (source - content)`). What differs is read as far as it can be: any brackets or none, content first, several
//! numbers, a name or a service number as the source.

use self::bracketed::bracketed;
use self::caller::{Callers, bounds, list, sources};
use self::mark::{is_filler, stripped};
use super::letter::{opens, plain};
use super::{entity, keyword, sender, spelling, story};
use crate::domain::host::Host;
use crate::domain::plan;
use crate::domain::report::{Kind, Level, Reading, Source};

mod bracketed;
mod caller;
mod mark;

/// The codes that reports are sent to; a report that names them as its source repeats the address.
const INTAKE: [&str; 2] = ["156", "5656"];
/// Digits of a short code.
const SHORT: std::ops::RangeInclusive<usize> = 3..=5;

/// Reads one message.
pub fn read(text: &str) -> Reading<'_> {
    let Some((kind, rest)) = keyword::first(text) else { return unparsed(text) };
    match kind {
        Kind::DomainLookup => lookup(rest),
        Kind::DncRegister | Kind::DncCancel => register(kind, rest),
        Kind::AdCopy => copy(rest),
        _ => report(kind, rest),
    }
}

fn unparsed(text: &str) -> Reading<'_> {
    Reading {
        kind: Kind::Unparsed,
        sources: vec![],
        source_raw: None,
        content: text,
        level: Level::Unread,
        story: story::find(text, false),
        needs_human: true,
    }
}

fn lookup(rest: &str) -> Reading<'_> {
    let asked = stripped(rest);
    let host = Host::read(entity::start_of(rest.trim_start_matches(is_filler)));
    let domain = host.as_ref().and_then(Host::registrable);
    let sources: Vec<Source> = domain.map(|domain| Source::Domain(domain.to_owned())).into_iter().collect();
    let level = if sources.is_empty() { Level::Unread } else { Level::Exact };
    Reading {
        kind: Kind::DomainLookup,
        needs_human: sources.is_empty(),
        sources,
        source_raw: (!asked.is_empty()).then_some(asked),
        content: asked,
        level,
        story: None,
    }
}

/// `DK DNC`, `HUY DNC`, for messages and calls or, with `S` or `V` behind, for one of them: the content.
fn register(kind: Kind, rest: &str) -> Reading<'_> {
    let scope = stripped(rest).trim_end_matches(is_filler);
    let is_exact = scope.is_empty() || scope.eq_ignore_ascii_case("s") || scope.eq_ignore_ascii_case("v");
    let level = if is_exact { Level::Exact } else { Level::Free };
    Reading { kind, sources: vec![], source_raw: None, content: scope, level, story: None, needs_human: !is_exact }
}

fn copy(rest: &str) -> Reading<'_> {
    let content = stripped(rest);
    let level = if rest.trim_start().starts_with(opens) { Level::Exact } else { Level::Free };
    Reading {
        kind: Kind::AdCopy,
        sources: vec![],
        source_raw: None,
        content,
        level,
        story: story::find(content, false),
        needs_human: content.is_empty(),
    }
}

/// What one form of a report found.
#[derive(Debug)]
struct Found<'a> {
    sources: Vec<Source>,
    raw: Option<&'a str>,
    content: &'a str,
    level: Level,
}

fn report(kind: Kind, rest: &str) -> Reading<'_> {
    let rest = behind_intake(rest.trim_start_matches(is_filler));
    let callers = Callers::of(rest);
    let Found { sources, raw, content, level } =
        bracketed(kind, rest, &callers).unwrap_or_else(|| unbracketed(kind, rest, &callers));
    let sources: Vec<Source> = sources.into_iter().filter(|source| !is_intake(source)).collect();
    let is_nobody = |source: &Source| matches!(source, Source::Hidden | Source::Person) || is_special(source);
    let is_clear = sources.first().is_some_and(|source| !is_nobody(source));
    Reading {
        kind,
        level: if sources.is_empty() { Level::Unread } else { level },
        sources,
        source_raw: raw,
        content,
        story: story::find(content, kind == Kind::ScamCall),
        needs_human: !is_clear || content.is_empty(),
    }
}

/// The text behind the code that it was sent to, where that stands before the number: `V 156 0912345678`.
fn behind_intake(rest: &str) -> &str {
    let code = rest.trim_start_matches(|letter: char| is_filler(letter) || opens(letter));
    let end = code.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(code.len());
    let (code, after) = code.split_at(end);
    if !INTAKE.contains(&code) {
        return rest;
    }
    // `156 lan goi tu 0912345678` is a count.
    let first = spelling::numbers(after).into_iter().next();
    let is_address = first.and_then(|first| after.get(..first.from)).is_some_and(sender::is_label);
    if is_address { after.trim_start_matches(is_filler) } else { rest }
}

fn is_intake(source: &Source) -> bool {
    matches!(source, Source::Short(code) if INTAKE.contains(&code.as_str()))
}

/// Whether it is a line that nobody bars: a citizen's slip, or a number that somebody shows falsely.
fn is_special(source: &Source) -> bool {
    match source {
        Source::Number(number) => plan::is_special_number(*number),
        Source::Short(code) => plan::is_special(code),
        _ => false,
    }
}

// --- without a bracket first ---

fn unbracketed<'a>(kind: Kind, rest: &'a str, callers: &Callers) -> Found<'a> {
    let free = |source: Source, raw: &'a str, content: &'a str| Found {
        sources: vec![source],
        raw: Some(raw.trim()),
        content: stripped(content),
        level: Level::Free,
    };
    let behind = |after: &str| rest.get(..rest.len() - after.len()).unwrap_or_default();
    if let Some(found) = leading_numbers(rest, callers) {
        return found;
    }
    match leading_short(rest) {
        Some((source, after)) => return free(source, behind(after), after),
        None if kind == Kind::SpamSms => {
            if let Some((source, after)) = sender::leading(rest) {
                return free(source, behind(after), after);
            }
        }
        None => {}
    }
    if !callers.called().is_empty() {
        let list = list(rest, callers.called());
        let (from, until) = bounds(list);
        return Found { sources: sources(list), raw: rest.get(from..until), content: rest.trim(), level: Level::Free };
    }
    match sender::leading(rest) {
        _ if sender::says_hidden(rest) => free(Source::Hidden, "", rest),
        // Whom a caller claims to be is part of what is told: `facebook Nguyen Van A lua ban hang`.
        Some((source, after)) if !stripped(after).is_empty() => free(source, behind(after), rest),
        Some((source, after)) => free(source, behind(after), after),
        None => Found { sources: vec![], raw: None, content: rest.trim(), level: Level::Unread },
    }
}

/// Numbers that the text begins with, maybe behind `so` or `SĐT:`.
fn leading_numbers<'a>(rest: &'a str, callers: &Callers) -> Option<Found<'a>> {
    let first = callers.first()?;
    if !sender::is_label(rest.get(..first.from)?) {
        return None;
    }
    let list = list(rest, callers.all());
    let (from, until) = bounds(list);
    let content = stripped(rest.get(until..)?);
    Some(Found { sources: sources(list), raw: rest.get(from..until), content, level: Level::Free })
}

/// A short code that the text begins with, if no unit makes it a count.
fn leading_short(rest: &str) -> Option<(Source, &str)> {
    let start = rest.find(|letter: char| letter.is_ascii_digit())?;
    let (label, from) = rest.split_at(start);
    let end = from.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(from.len());
    let (code, after) = from.split_at(end);
    let is_number = after.starts_with(['.', ',', '-'])
        && after.get(1..2).is_some_and(|next| next.bytes().all(|b| b.is_ascii_digit()));
    let is_word = after.starts_with(char::is_alphanumeric) || after.starts_with(['%', '/']);
    let is_part = is_number || is_word || is_masked(code, after);
    let is_code = SHORT.contains(&code.len()) && !is_part && !sender::is_unit(after);
    if !is_code || !is_code_label(label) {
        return None;
    }
    Some((spelling::short(code)?, after))
}

/// Whether a citizen hides the end of a service number, as `1900 xxxx` does: 1900 alone is nobody's.
fn is_masked(code: &str, after: &str) -> bool {
    let end = after.trim_start_matches([' ', '.', '-']);
    matches!(code, "1800" | "1900") && end.starts_with(['x', 'X'])
}

/// Whether a phrase says only that a code follows: behind a plus stands the code of a country.
fn is_code_label(phrase: &str) -> bool {
    sender::is_label(phrase) && !phrase.trim_end().ends_with(|letter: char| plain(letter) == '+')
}

#[cfg(test)]
mod tests;
