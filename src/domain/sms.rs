//! What a short message can say, and how many of them a text takes.
//!
//! In: text. Out: its form in GSM-7 without diacritics, and counts of messages. Never: a character that GSM-7 escapes:
//! one letter is one septet.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Letters of one message, and of each part of a longer one.
const SEPTETS: (usize, usize) = (160, 153);
/// The same in UTF-16, which a letter with a diacritic takes.
const UNITS: (usize, usize) = (70, 67);

/// As GSM-7 can say it, one septet a character; what it cannot say is a question mark.
pub fn plain(text: &str) -> String {
    let letters = text.nfd().filter(|character| !is_combining_mark(*character));
    let plain = letters.map(|character| match character {
        'đ' => 'd',
        'Đ' => 'D',
        '‘' | '’' | '`' => '\'',
        '“' | '”' | '«' | '»' => '"',
        '–' | '—' | '~' => '-',
        '[' | '{' => '(',
        ']' | '}' => ')',
        '\\' | '|' => '/',
        ' '..='z' if character != '^' => character,
        _ if character.is_whitespace() => ' ',
        _ => '?',
    });
    plain.collect()
}

/// Messages that a text takes as it stands: in GSM-7 where that says it whole, else in UTF-16.
pub fn messages(text: &str) -> usize {
    let is_plain = plain(text) == text;
    let (letters, (one, part)) =
        if is_plain { (text.chars().count(), SEPTETS) } else { (text.encode_utf16().count(), UNITS) };
    if letters <= one { 1 } else { letters.div_ceil(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vietnamese_loses_its_marks_and_nothing_else() {
        assert_eq!(plain("Đã mở chặn: “số” của Quý khách"), "Da mo chan: \"so\" cua Quy khach");
        assert_eq!(plain("5 €, ✓"), "5 ?, ?");
    }

    #[test]
    fn a_letter_with_a_mark_makes_the_whole_text_shorter() {
        assert_eq!([160, 161, 306, 307].map(|letters| messages(&"a".repeat(letters))), [1, 2, 2, 3]);
        assert_eq!([70, 71, 134, 135].map(|letters| messages(&"ố".repeat(letters))), [1, 2, 2, 3]);
    }
}
