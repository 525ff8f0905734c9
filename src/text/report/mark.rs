//! What parts a message: brackets, dashes, commas.
//!
//! In: a text. Out: its first bracket, or the text without the marks around it. Never: a word's meaning.

use crate::text::letter::{closes, is_dash, is_part_of_letter, opens};

/// A bracket that a text begins with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bracket<'a> {
    pub inside: &'a str,
    /// Where the inside begins and ends in the text.
    pub from: usize,
    pub until: usize,
    pub after: &'a str,
}

impl<'a> Bracket<'a> {
    /// Up to the bracket that closes the first, of whatever shape; up to the end where none does.
    pub(super) fn first(text: &'a str) -> Option<Self> {
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

/// What parts a name from what is said of it.
pub(super) fn is_break(letter: char) -> bool {
    is_dash(letter) || matches!(letter, ':' | ',' | ';' | '/' | '|')
}

/// What stands between the parts of a message and is part of none.
pub(super) fn is_filler(letter: char) -> bool {
    let is_mark = matches!(letter, ':' | ';' | ',' | '.' | '=' | '_' | '*' | '"' | '\'' | '/' | '|' | '#' | '“' | '”');
    letter.is_whitespace() || is_part_of_letter(letter) || is_mark || is_dash(letter) || closes(letter)
}

/// Whether a text is one more bracket and nothing behind it.
pub(super) fn is_bracketed(text: &str) -> bool {
    let text = text.trim_start_matches(is_filler);
    Bracket::first(text).is_some_and(|bracket| bracket.after.trim_matches(is_filler).is_empty())
}

/// The text without what stands around it: white space, dashes, and the brackets if they are around all of it.
pub(super) fn stripped(text: &str) -> &str {
    let text = text.trim_start_matches(is_filler);
    match Bracket::first(text) {
        Some(bracket) if bracket.after.trim_matches(is_filler).is_empty() => bracket.inside.trim(),
        _ => text.trim_end(),
    }
}
