//! Reports that begin with a bracket.
//!
//! In: the text behind the keyword, and the numbers spelled in it. Out: the sources and the content. Never: the number of
//! an account, or one that somebody only mentions, for the one that called.

use super::caller::{Callers, bounds, list, sources};
use super::mark::{Bracket, is_bracketed, is_break, is_filler, stripped};
use super::{Found, is_code_label, is_masked};
use crate::domain::report::{Kind, Level, Source};
use crate::text::letter::{closes, is_dash, is_part_of_letter, opens};
use crate::text::spelling::{self, Spelled};
use crate::text::{entity, sender};

/// The forms that begin with a bracket; none where the bracket is only part of a number, as in `(028) 9998 1545`.
pub(super) fn bracketed<'a>(kind: Kind, rest: &'a str, callers: &Callers) -> Option<Found<'a>> {
    let bracket = Bracket::first(rest)?;
    let is_split = callers.all().iter().any(|number| number.from < bracket.until && bracket.until < number.until);
    if is_split {
        return None;
    }
    let called = callers.called();
    let found = match called.first() {
        Some(first) if first.until <= bracket.until => Some(numbered(kind, rest, bracket, called)),
        _ => named(kind, rest, bracket).or_else(|| swapped(rest, bracket, called)),
    };
    Some(found.unwrap_or_else(|| nameless(rest, bracket)))
}

/// A bracket with a number in it, and maybe with the content too.
fn numbered<'a>(kind: Kind, rest: &'a str, bracket: Bracket<'a>, called: &[Spelled]) -> Found<'a> {
    let within = called.iter().take_while(|number| number.until <= bracket.until).count();
    let list = list(rest, called.get(..within).unwrap_or_default());
    let (from, until) = bounds(list);
    let before = rest.get(bracket.from..from).unwrap_or_default();
    let behind = rest.get(until..bracket.until).unwrap_or_default();
    if let Some(named) = name_before(kind, rest, bracket, (before, behind)) {
        return named;
    }
    // `(gia danh cong an so 0912345678)` is content that names its source.
    let said_from = if sender::is_label(before) || has_break(before) { until } else { bracket.from };
    let said = stripped(rest.get(said_from..bracket.until).unwrap_or_default());
    let after = stripped(bracket.after);
    let (content, level) = match (said.is_empty(), after.is_empty()) {
        (_, true) => (said, Level::OneBracket),
        (true, false) => (after, if is_bracketed(bracket.after) { Level::Exact } else { Level::HalfBracketed }),
        (false, false) => (stripped(rest.get(said_from..).unwrap_or_default()), Level::HalfBracketed),
    };
    Found { sources: sources(list), raw: rest.get(from..until), content, level }
}

/// `(Vietcombank - goi 0912345678 de mo khoa)`: a known name before the number, and something said.
fn name_before<'a>(
    kind: Kind,
    rest: &'a str,
    bracket: Bracket<'a>,
    (before, behind): (&str, &str),
) -> Option<Found<'a>> {
    let (head, between) = before.split_once(is_break)?;
    let is_said = !(stripped(behind).is_empty() && bracket.after.is_empty());
    let is_named = is_said && sender::is_known(head) && !entity::begins_with_link(bracket.inside);
    // `V (Shopee - 0912345678)(moi mua)` gives the number that called; among words that do not say so it may be anybody's.
    let is_parted = behind.trim().is_empty() || behind.trim_start().starts_with(is_break);
    let is_caller = is_parted || sender::is_calling(behind);
    let is_number_given = kind != Kind::SpamSms && sender::is_label(between) && is_caller;
    if !is_named || is_number_given {
        return None;
    }
    let raw = bracket.inside.get(..head.len())?;
    let (content, level) = match stripped(bracket.after).is_empty() {
        true => (bracket.inside.get(head.len()..)?, Level::OneBracket),
        false => (rest.get(bracket.from + head.len()..)?, Level::HalfBracketed),
    };
    let content = stripped(content);
    Some(Found { sources: vec![sender::name(raw)?], raw: Some(raw.trim()), content, level })
}

/// A bracket with a short code, a name or a hidden number in it.
fn named<'a>(kind: Kind, rest: &'a str, bracket: Bracket<'a>) -> Option<Found<'a>> {
    if sender::is_link(bracket.inside) {
        return None;
    }
    let whole = whole_name(bracket.inside).map(|source| (source, bracket.inside, ""));
    let parts = || {
        // A dash between spaces parts first: names have dashes of their own.
        let inside = bracket.inside;
        let spaced = inside.char_indices().find(|(at, letter)| {
            is_dash(*letter) && inside.get(..*at).is_some_and(|before| before.ends_with(char::is_whitespace))
        });
        let at = spaced.map(|(at, _)| at).or_else(|| inside.find(|letter| is_break(letter) || opens(letter)))?;
        let (head, said) = inside.split_at(at);
        let source = whole_name(head).filter(|_| !is_masked(head.trim(), said))?;
        Some((source, head, said))
    };
    let (source, raw, said) = whole.or_else(parts)?;
    let (said, after) = (stripped(said), stripped(bracket.after));
    // Only a message has a name for its sender: of a call that is whom the caller claims to be.
    let is_sender = kind == Kind::SpamSms && sender::is_known(raw);
    let is_bare = !bracket.after.trim_start_matches(is_filler).starts_with(opens);
    let is_caller = |behind: &str| kind != Kind::SpamSms && (is_bare || sender::is_calling(behind));
    let is_content_first = match &source {
        Source::Name(_) => !is_sender && is_given(after, &Callers::of(after), is_caller),
        // By a person's name nobody is found: whatever number may have called stands before it.
        Source::Person => !Callers::of(after).called().is_empty(),
        _ => false,
    };
    if is_content_first {
        return None;
    }
    let (content, level) = match (said.is_empty(), after.is_empty()) {
        (false, true) => (said, Level::OneBracket),
        (false, false) => (stripped(rest.get(bracket.from + raw.len()..)?), Level::HalfBracketed),
        (true, _) if is_bracketed(bracket.after) => (after, Level::Exact),
        (true, _) => (after, Level::HalfBracketed),
    };
    Some(Found { sources: vec![source], raw: Some(raw.trim()), content, level })
}

/// Whether the first number of a text is given as a source: it is all of the text, or has one of several brackets for
/// itself, or begins the text and is the caller's by what follows. Among words it may be anybody's:
/// `0912345678 la so me toi`.
fn is_given(text: &str, callers: &Callers, is_caller: impl Fn(&str) -> bool) -> bool {
    let called = callers.called();
    let (from, until) = bounds(list(text, called));
    let (before, behind) = (text.get(..from).unwrap_or_default(), text.get(until..).unwrap_or_default().trim_start());
    let is_ended = behind.starts_with(closes);
    let is_leading = sender::is_label(before) && (is_ended || is_caller(behind));
    let is_alone = is_ended
        && before
            .rsplit_once(opens)
            .is_some_and(|(others, label)| others.trim_end().ends_with(closes) && sender::is_label(label));
    is_only_numbers(text, callers) || (!called.is_empty() && (is_leading || is_alone))
}

/// What a phrase names if it is nothing but a short code, a name or a hidden number.
fn whole_name(phrase: &str) -> Option<Source> {
    if sender::is_hidden(phrase) {
        return Some(Source::Hidden);
    }
    let spelled = phrase.trim_matches(|letter: char| letter.is_whitespace() || is_part_of_letter(letter));
    spelling::short(spelled).or_else(|| labelled_short(spelled)).or_else(|| sender::name(phrase))
}

/// `so 113`, `tong dai 19001234`.
fn labelled_short(phrase: &str) -> Option<Source> {
    let at = phrase.find(|letter: char| letter.is_ascii_digit())?;
    let (label, code) = phrase.split_at(at);
    is_code_label(label).then(|| spelling::short(code)).flatten()
}

/// `(gia danh cong an)(0912345678)`: the parts stand the other way about.
fn swapped<'a>(rest: &'a str, bracket: Bracket<'a>, called: &[Spelled]) -> Option<Found<'a>> {
    if called.is_empty() {
        return None;
    }
    let is_alone = is_only_numbers(stripped(bracket.after), &Callers::of(stripped(bracket.after)));
    let list = list(rest, called);
    let (from, until) = bounds(list);
    let content = if is_alone { stripped(bracket.inside) } else { rest.trim() };
    let level = if is_alone { Level::HalfBracketed } else { Level::Free };
    Some(Found { sources: sources(list), raw: rest.get(from..until), content, level })
}

fn nameless<'a>(rest: &'a str, bracket: Bracket<'a>) -> Found<'a> {
    let after = stripped(bracket.after);
    let inside = bracket.inside.trim();
    let (raw, content) = match (after.is_empty(), sender::is_link(inside)) {
        (true, _) => (None, inside),
        // What nobody is called is looked up by its domain.
        (false, true) => (Some(inside), rest.trim()),
        (false, false) => (Some(inside), after),
    };
    Found { sources: vec![], raw, content, level: Level::Unread }
}

fn is_only_numbers(text: &str, callers: &Callers) -> bool {
    let (from, until) = bounds(callers.all());
    let is_label = |part: Option<&str>| part.is_some_and(sender::is_label);
    !callers.all().is_empty() && is_label(text.get(..from)) && is_label(text.get(until..))
}

fn has_break(text: &str) -> bool {
    text.contains(is_break) && sender::is_label(text)
}
