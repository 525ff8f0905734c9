//! What a short message can say, and how many of them a text takes.
//!
//! In: text. Out: its form in GSM-7 without diacritics, and its parts by the alphabet that it needs. Never: counts on a
//! letter with a mark: what is no ASCII is sent as UCS-2.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Septets of one SMS, and of each of several.
const GSM: (usize, usize) = (160, 153);
/// Code units of UCS-2, likewise.
const UCS2: (usize, usize) = (70, 67);

/// As GSM-7 can say it, one septet a character and none escaped; what it cannot say is a question mark.
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

/// As telephones differ in it: each letter and its marks in one character, where there is one.
pub fn composed(text: &str) -> String {
    text.nfc().collect()
}

/// SMS that a text takes; none of an empty one.
pub fn parts(text: &str) -> usize {
    let septets: Option<Vec<usize>> = text.chars().map(septets).collect();
    match septets {
        Some(septets) => packed(&septets, GSM),
        None => packed(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), UCS2),
    }
}

/// Septets of an ASCII character in the alphabet of GSM 03.38, if it has them.
fn septets(letter: char) -> Option<usize> {
    match letter {
        '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' => Some(2),
        '`' => None,
        ' '..='~' | '\n' | '\r' => Some(1),
        _ => None,
    }
}

/// Parts that hold letters of these widths, none of which is cut in two.
fn packed(widths: &[usize], (alone, each): (usize, usize)) -> usize {
    let whole: usize = widths.iter().sum();
    if whole <= alone {
        return usize::from(whole > 0);
    }
    let (mut parts, mut room) = (1, each);
    for width in widths {
        if *width > room {
            parts += 1;
            room = each;
        }
        room -= width;
    }
    parts
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
    fn one_letter_too_many_takes_another_part() {
        for (letter, alone, each) in [("a", 160, 153), ("đ", 70, 67), ("[", 80, 76), ("😀", 35, 33)] {
            for (letters, expected) in [(0, 0), (1, 1), (alone, 1), (alone + 1, 2), (2 * each, 2), (2 * each + 1, 3)] {
                assert_eq!(parts(&letter.repeat(letters)), expected, "{letters} of {letter}");
            }
        }
    }

    #[test]
    fn a_single_letter_with_a_mark_changes_the_alphabet() {
        let plain = "a".repeat(100);
        assert_eq!(parts(&plain), 1);
        for other in ["à", "`", "\u{200b}"] {
            assert_eq!(parts(&format!("{plain}{other}")), 2, "{other:?}");
        }
    }
}
