//! Text in a cell that a spreadsheet opens.
//!
//! In: text that somebody may have written to be run. Out: the same text, marked as text where it could run.
//! Never: drops or replaces a character.

use std::borrow::Cow;

/// What a spreadsheet takes for the beginning of a formula, in ASCII and in the full-width forms that some fold to it.
const STARTS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// The text with an apostrophe before it when a spreadsheet could run it; it then shows it as it is.
pub fn inert(text: &str) -> Cow<'_, str> {
    // Tab and line break move on to a next cell, and what nobody sees may be trimmed before the cell is read.
    let is_moving = text.starts_with(['\t', '\r', '\n', '\0']);
    let shown =
        text.trim_start_matches(|letter: char| letter.is_whitespace() || letter.is_control() || is_unseen(letter));
    if is_moving || shown.starts_with(STARTS) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Zero-width characters, marks of direction, and the byte order mark.
fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_is_marked_and_kept_whole() {
        for text in [
            "=1+1",
            "+84912345678",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "\0=1",
            "\tx",
            "＝1+1",
            "＋1",
            "－1",
            "＠SUM(A1)",
            " =1+1",
            "\u{feff}=1",
            "\u{200b}＝1",
            "=HYPERLINK(\"http://x\")",
            "=",
        ] {
            assert_eq!(inert(text), format!("'{text}"));
        }
    }

    #[test]
    fn what_cannot_run_is_left_alone() {
        for text in ["", "84912345678", "behaviour+survey", "a=b", "C-2025-01-06-1", "vay tiền nhanh", " ", "'=1"] {
            assert!(matches!(inert(text), Cow::Borrowed(kept) if kept == text), "{text}");
        }
    }
}
