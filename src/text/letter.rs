//! Letters as phones write them and as they are compared.
//!
//! In: one character. Out: its plain form, its class, its bare letter. Never: looks at its neighbours.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};

/// Zero-width characters, marks of direction, soft hyphens, variation selectors: nobody sees them.
pub(super) fn is_unseen(letter: char) -> bool {
    matches!(letter, '\u{AD}' | '\u{34F}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// Unseen, or a mark on the letter before it.
pub(super) fn is_part_of_letter(letter: char) -> bool {
    !letter.is_ascii() && (is_unseen(letter) || is_combining_mark(letter))
}

pub(super) fn opens(letter: char) -> bool {
    matches!(plain(letter), '(' | '[' | '{' | '<' | '【' | '〔' | '「' | '『' | '《' | '〈' | '⟨' | '❨' | '«')
}

pub(super) fn closes(letter: char) -> bool {
    matches!(plain(letter), ')' | ']' | '}' | '>' | '】' | '〕' | '」' | '』' | '》' | '〉' | '⟩' | '❩' | '»')
}

pub(super) fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '－' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Full-width forms as ASCII has them.
pub(super) fn plain(letter: char) -> char {
    match letter {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(letter) - 0xFEE0).unwrap_or(letter),
        other => other,
    }
}

/// The lower-case letter without its marks: đ, ð and ø too, which no decomposition takes apart, and letters of other
/// scripts that look the same.
pub(super) fn bare(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let letter = plain(letter).to_lowercase().next().unwrap_or(letter);
    let mut base = None;
    decompose_canonical(letter, |part| base = base.or(Some(part)));
    match base.unwrap_or(letter) {
        'đ' | 'ð' | 'ɖ' => 'd',
        'ø' | 'о' | 'ο' => 'o',
        'а' | 'α' => 'a',
        'е' => 'e',
        'і' | 'ı' => 'i',
        'р' => 'p',
        'с' => 'c',
        'ѕ' => 's',
        'у' => 'y',
        'х' => 'x',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_lose_their_marks_and_their_dress() {
        let bared: String = "ĐẶNG Ｖ đường ðäø Ủyсо".chars().map(bare).collect();
        assert_eq!(bared, "dang v duong dao uyco");
    }

    #[test]
    fn brackets_of_every_keyboard_open_and_close() {
        for (open, close) in ["()", "[]", "{}", "<>", "（）", "［］", "【】", "「」", "《》"].map(|pair| {
            let mut pair = pair.chars();
            (pair.next().unwrap(), pair.next().unwrap())
        }) {
            assert!(opens(open) && closes(close) && !opens(close) && !closes(open), "{open}{close}");
        }
        assert!(!opens('-') && !closes('/'));
    }
}
