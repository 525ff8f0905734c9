//! Names of persons, which are no senders'.
//!
//! In: what stands in a bracket where a sender would. Out: whether it is somebody's own name. Never: takes a known sender,
//! a bank, a firm or a province for a person; keeps the name.

use std::ops::RangeInclusive;

use super::LISTS;
use crate::domain::province;
use crate::text::letter::is_part_of_letter;
use crate::text::word::{bare_words, is_only, marked};

/// Words of a name, the surname and whatever follows.
const WORDS: RangeInclusive<usize> = 2..=5;

/// Whether a phrase is a person's name: a Vietnamese surname and up to four words more, of letters alone.
pub(super) fn is_name(phrase: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphabetic() || is_part_of_letter(letter);
    if !phrase.chars().all(|letter| is_letter(letter) || is_gap(letter)) {
        return false;
    }
    let words: Vec<&str> = phrase.split(is_gap).filter(|word| word.contains(char::is_alphabetic)).collect();
    let is_person = |name: &[&str]| WORDS.contains(&name.len()) && name.first().is_some_and(|first| is_surname(first));
    // `Anh Trần Văn B`; `Châu` is a surname as well.
    let titled = words.split_first().filter(|(first, _)| is_title(first));
    let is_named = is_person(&words) || titled.is_some_and(|(_, name)| is_person(name));
    is_named && !has_firm(&words) && province::read(phrase).is_none()
}

fn is_gap(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '_' | '.' | '-')
}

fn is_title(word: &str) -> bool {
    LISTS.elders.has(&[bare_words(word).trim()])
}

/// Whether a word is a surname; with marks it has to have those of the surname: `Hỗ` is no `Hồ`.
fn is_surname(word: &str) -> bool {
    let bare = bare_words(word);
    let written = marked(word);
    LISTS.surnames.iter().any(|surname| {
        is_only(surname, bare.trim())
            && written.as_ref().is_none_or(|written| marked(surname).as_ref() == Some(written))
    })
}

/// Whether words have a known sender's name, a bank's, or a word of firms among them.
fn has_firm(words: &[&str]) -> bool {
    let words = bare_words(&words.join(" "));
    let words: Vec<&str> = words.split_whitespace().collect();
    (0..words.len()).any(|from| {
        let rest = words.get(from..).unwrap_or_default();
        let is_known = |count: usize| LISTS.names.contains(&rest.get(..count).unwrap_or_default().join(" "));
        LISTS.firms.begins(rest) > 0 || LISTS.banks.begins(rest) > 0 || (1..=rest.len()).any(is_known)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_surname_and_what_follows_is_a_person() {
        for name in [
            "TRAN VAN A",
            "Nguyễn Thị B",
            "Nguye\u{302}\u{303}n Thi\u{323} B",
            "tran van a",
            "Tran_Van_A",
            "LE.THI-C",
            "Anh Trần Văn B",
            "CHAU VAN A",
            "Hồ Anh",
            "Ho Anh",
            "Đỗ Thị Ngọc Mai",
        ] {
            assert!(is_name(name), "{name}");
        }
    }

    #[test]
    fn a_firm_a_place_and_other_words_are_no_person() {
        for phrase in [
            "TRAN",
            "VIET A BANK",
            "HOANG ANH GIA LAI",
            "LE GROUP",
            "MAI LINH TAXI",
            "TRAN SHOPEE",
            "LE VAN MB BANK",
            "HA NOI",
            "Hỗ Trợ Vay",
            "Đô Thị Mới",
            "TRAN VAN 1",
            "LE & CO",
            "TRAN VAN A VAY TIEN NHANH",
            "VAN A TRAN",
            "Anh Tran",
            "",
            "--",
        ] {
            assert!(!is_name(phrase), "{phrase}");
        }
    }
}
