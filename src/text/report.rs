//! The grammar of messages to 156 and 5656, in every form that people write them.
//!
//! In: a message, e.g. `V [0912345678][moi vay tien]`. Out: its kind, its sources and its content, as slices of the
//! message. Never: drops a message: one of no known form is `unparsed` with its whole wording and goes to a person.
//!
//! The official forms are two brackets (`V [source][content]`, `S (source)(content)`) and one with a dash
//! (`LD (source - content)`). What differs is read as far as it can be: any brackets or none, content first, several
//! numbers, a name or a service number as the source.

use super::letter::{closes, is_dash, is_part_of_letter, opens, plain};
use super::spelling::{self, Spelled};
use super::{entity, keyword, sender, story};
use crate::domain::host::Host;
use crate::domain::plan;
use crate::domain::report::{Kind, Level, Reading, Source};

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
        story: story::find(text),
        needs_human: true,
    }
}

fn lookup(rest: &str) -> Reading<'_> {
    let asked = stripped(rest);
    let host = Host::read(entity::start_of(rest));
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
        story: story::find(content),
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
    let numbers = spelling::numbers(rest);
    let Found { sources, raw, content, level } =
        bracketed(kind, rest, &numbers).unwrap_or_else(|| unbracketed(kind, rest, &numbers));
    let sources: Vec<Source> = sources.into_iter().filter(|source| !is_intake(source)).collect();
    let is_clear = sources.first().is_some_and(|source| *source != Source::Hidden && !is_special(source));
    Reading {
        kind,
        level: if sources.is_empty() { Level::Unread } else { level },
        sources,
        source_raw: raw,
        content,
        story: story::find(content),
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

// --- with a bracket first ---

/// A bracket that a text begins with.
#[derive(Debug, Clone, Copy)]
struct Bracket<'a> {
    inside: &'a str,
    /// Where the inside begins and ends in the text.
    from: usize,
    until: usize,
    after: &'a str,
}

impl<'a> Bracket<'a> {
    /// Up to the bracket that closes the first, of whatever shape; up to the end where none does.
    fn first(text: &'a str) -> Option<Self> {
        let from = text.chars().next().filter(|first| opens(*first))?.len_utf8();
        let mut depth = 0_i32;
        for (at, letter) in text.char_indices() {
            depth += i32::from(opens(letter)) - i32::from(closes(letter));
            if depth == 0 {
                let after = text.get(at + letter.len_utf8()..)?;
                return Some(Self { inside: text.get(from..at)?, from, until: at, after });
            }
        }
        Some(Self { inside: text.get(from..)?, from, until: text.len(), after: "" })
    }
}

/// The forms that begin with a bracket; none where the bracket is only part of a number, as in `(028) 9998 1545`.
fn bracketed<'a>(kind: Kind, rest: &'a str, numbers: &[Spelled]) -> Option<Found<'a>> {
    let bracket = Bracket::first(rest)?;
    let is_split = numbers.iter().any(|number| number.from < bracket.until && bracket.until < number.until);
    if is_split {
        return None;
    }
    // The digits of an account may be the number of somebody who has nothing to do with it.
    let accounts = numbers.iter().take_while(|number| is_account(rest, number)).count();
    let called = numbers.get(accounts..).unwrap_or_default();
    let found = match called.first() {
        Some(first) if first.until <= bracket.until => Some(numbered(kind, rest, bracket, called)),
        _ => named(kind, rest, bracket).or_else(|| swapped(rest, bracket, numbers)),
    };
    Some(found.unwrap_or_else(|| nameless(rest, bracket)))
}

/// A bracket with a number in it, and maybe with the content too.
fn numbered<'a>(kind: Kind, rest: &'a str, bracket: Bracket<'a>, numbers: &[Spelled]) -> Found<'a> {
    let within: Vec<&Spelled> = numbers.iter().take_while(|number| number.until <= bracket.until).collect();
    let list = list(rest, &within);
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
    // `V (Shopee - 0912345678)(moi mua)` gives the number that called.
    let is_number_given = kind != Kind::SpamSms && sender::is_label(between);
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
        Some((whole_name(head)?, head, said))
    };
    let (source, raw, said) = whole.or_else(parts)?;
    let (said, after) = (stripped(said), stripped(bracket.after));
    let numbers = spelling::numbers(after);
    // Only a message has a name for its sender: of a call that is whom the caller claims to be.
    let is_sender = kind == Kind::SpamSms && sender::is_known(raw);
    let is_bare = kind != Kind::SpamSms && !bracket.after.trim_start_matches(is_filler).starts_with(opens);
    let is_content_first = matches!(source, Source::Name(_)) && !is_sender && is_given(after, &numbers, is_bare);
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
/// itself, or a call's begins the text outside of brackets. Among words it may be anybody's: `0912345678 la so me toi`.
fn is_given(text: &str, numbers: &[Spelled], is_bare: bool) -> bool {
    let called: Vec<&Spelled> = numbers.iter().skip_while(|number| is_account(text, number)).collect();
    let (from, until) = bounds(list(text, &called));
    let (before, behind) = (text.get(..from).unwrap_or_default(), text.get(until..).unwrap_or_default().trim_start());
    let is_ended = behind.starts_with(closes);
    let is_leading = sender::is_label(before) && (is_ended || is_bare);
    let is_alone = is_ended
        && before
            .rsplit_once(opens)
            .is_some_and(|(others, label)| others.trim_end().ends_with(closes) && sender::is_label(label));
    is_only_numbers(text, numbers) || (!called.is_empty() && (is_leading || is_alone))
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

/// Whether a phrase says only that a code follows: behind a plus stands the code of a country.
fn is_code_label(phrase: &str) -> bool {
    sender::is_label(phrase) && !phrase.trim_end().ends_with(|letter: char| plain(letter) == '+')
}

/// `(gia danh cong an)(0912345678)`: the parts stand the other way about.
fn swapped<'a>(rest: &'a str, bracket: Bracket<'a>, numbers: &[Spelled]) -> Option<Found<'a>> {
    let first = numbers.iter().find(|number| !is_account(rest, number))?;
    let is_alone = is_only_numbers(stripped(bracket.after), &spelling::numbers(stripped(bracket.after)));
    let within: Vec<&Spelled> = numbers.iter().skip_while(|number| *number != first).collect();
    let list = list(rest, &within);
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

// --- without ---

fn unbracketed<'a>(kind: Kind, rest: &'a str, numbers: &[Spelled]) -> Found<'a> {
    let free = |source: Source, raw: &'a str, content: &'a str| Found {
        sources: vec![source],
        raw: Some(raw.trim()),
        content: stripped(content),
        level: Level::Free,
    };
    let behind = |after: &str| rest.get(..rest.len() - after.len()).unwrap_or_default();
    if let Some(found) = leading_numbers(rest, numbers) {
        return found;
    }
    let name = sender::leading(rest);
    match leading_short(rest) {
        Some((source, after)) => return free(source, behind(after), after),
        None if kind == Kind::SpamSms => {
            if let Some((source, after)) = name {
                return free(source, behind(after), after);
            }
        }
        None => {}
    }
    let called: Vec<&Spelled> = numbers.iter().skip_while(|number| is_account(rest, number)).collect();
    if !called.is_empty() {
        let list = list(rest, &called);
        let (from, until) = bounds(list);
        return Found { sources: sources(list), raw: rest.get(from..until), content: rest.trim(), level: Level::Free };
    }
    match name {
        _ if sender::says_hidden(rest) => free(Source::Hidden, "", rest),
        // Whom a caller claims to be is part of what is told: `facebook Nguyen Van A lua ban hang`.
        Some((source, after)) if !stripped(after).is_empty() => free(source, behind(after), rest),
        Some((source, after)) => free(source, behind(after), after),
        None => Found { sources: vec![], raw: None, content: rest.trim(), level: Level::Unread },
    }
}

/// Numbers that the text begins with, maybe behind `so` or `SĐT:`.
fn leading_numbers<'a>(rest: &'a str, numbers: &[Spelled]) -> Option<Found<'a>> {
    let first = numbers.first()?;
    let is_first = sender::is_label(rest.get(..first.from)?) && !is_account(rest, first);
    if !is_first {
        return None;
    }
    let all: Vec<&Spelled> = numbers.iter().collect();
    let list = list(rest, &all);
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
    let is_number =
        after.starts_with(['.', ',']) && after.get(1..2).is_some_and(|next| next.bytes().all(|b| b.is_ascii_digit()));
    let is_word = after.starts_with(char::is_alphanumeric) || after.starts_with(['%', '/']);
    let is_code = SHORT.contains(&code.len()) && !is_number && !is_word && !sender::is_unit(after);
    if !is_code || !is_code_label(label) {
        return None;
    }
    Some((spelling::short(code)?, after))
}

// --- numbers among words ---

/// The first numbers, as far as nothing but a comma or an "and" stands between them.
fn list<'n>(text: &str, numbers: &'n [&'n Spelled]) -> &'n [&'n Spelled] {
    let is_joined = |pair: &[&Spelled]| match pair {
        [last, next] => text
            .get(last.until..next.from)
            .is_some_and(|between| sender::is_joint(between) && !(between.contains(closes) && between.contains(opens))),
        _ => false,
    };
    let joined = numbers.windows(2).take_while(|pair| is_joined(pair)).count();
    numbers.get(..=joined).unwrap_or(numbers)
}

fn bounds(list: &[&Spelled]) -> (usize, usize) {
    (list.first().map_or(0, |first| first.from), list.last().map_or(0, |last| last.until))
}

fn sources(list: &[&Spelled]) -> Vec<Source> {
    let mut sources: Vec<Source> = list.iter().map(|number| number.source.clone()).collect();
    entity::once(&mut sources);
    sources
}

fn is_account(text: &str, number: &Spelled) -> bool {
    let before = text.get(..number.from).unwrap_or_default();
    let part = before.trim_end_matches(|letter: char| opens(letter) || (is_filler(letter) && !closes(letter)));
    // What was said in a bracket that is closed says nothing of the next: `(chuyen vao tai khoan)(0912345678)`.
    let is_other_part = part.ends_with(closes) && before.get(part.len()..).is_some_and(|gap| gap.contains(opens));
    !is_other_part && sender::is_account(before)
}

fn is_only_numbers(text: &str, numbers: &[Spelled]) -> bool {
    let list: Vec<&Spelled> = numbers.iter().collect();
    let (from, until) = bounds(&list);
    let is_label = |part: Option<&str>| part.is_some_and(sender::is_label);
    !numbers.is_empty() && is_label(text.get(..from)) && is_label(text.get(until..))
}

// --- marks ---

/// What parts a name from what is said of it.
fn is_break(letter: char) -> bool {
    is_dash(letter) || matches!(letter, ':' | ',' | ';' | '/' | '|')
}

fn has_break(text: &str) -> bool {
    text.contains(is_break) && sender::is_label(text)
}

/// What stands between the parts of a message and is part of none.
fn is_filler(letter: char) -> bool {
    let is_mark = matches!(letter, ':' | ';' | ',' | '.' | '=' | '_' | '*' | '"' | '\'' | '/' | '|' | '#' | '“' | '”');
    letter.is_whitespace() || is_part_of_letter(letter) || is_mark || is_dash(letter) || closes(letter)
}

/// Whether a text is one more bracket and nothing behind it.
fn is_bracketed(text: &str) -> bool {
    let text = text.trim_start_matches(is_filler);
    Bracket::first(text).is_some_and(|bracket| bracket.after.trim_matches(is_filler).is_empty())
}

/// The text without what stands around it: white space, dashes, and the brackets if they are around all of it.
fn stripped(text: &str) -> &str {
    let text = text.trim_start_matches(is_filler);
    match Bracket::first(text) {
        Some(bracket) if bracket.after.trim_matches(is_filler).is_empty() => bracket.inside.trim(),
        _ => text.trim_end(),
    }
}

#[cfg(test)]
mod tests;
