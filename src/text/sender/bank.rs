//! Banks beside digits, which say that these are an account's.
//!
//! In: what stands on either side of the digits. Out: whether it is a bank's name, and what lies beyond. Never: looks
//! across the end of a sentence or of a bracket: in `ma 123456789012. VCB bao` the bank says nothing of the digits.

use std::collections::BTreeSet;

use super::{LISTS, NEAR, end_of, ends_in};
use crate::text::letter::{closes, is_part_of_letter};
use crate::text::word::bare_words;

/// Words of the longest name of a bank.
const MOST_WORDS: usize = 3;
/// Places among which the last word of a bank's name ends, with what stands before it.
const MOST_ENDS: usize = 8;

/// What stands before a bank's name: `tại ngân hàng VCB`.
const TITLES: [&str; 6] = ["tai", "o", "ben", "nh", "ngan", "hang"];

/// What stands behind an amount.
const MONEY: [&str; 10] = ["d", "dong", "vnd", "k", "nghin", "ngan", "tr", "trieu", "ty", "usd"];

/// What is said before the bank's name that a text ends with: `stk` of `stk ngân hàng VCB: `.
pub(in crate::text) fn before_name(text: &str) -> Option<String> {
    let said = said_before(text).filter(|said| said.len() < text.len())?;
    let words = bare_words(end_of(said, NEAR));
    let words: Vec<&str> = words.split_whitespace().collect();
    let mut before = (1..=MOST_WORDS).rev().find_map(|count| {
        let (before, name) = words.split_at(words.len().checked_sub(count)?);
        LISTS.banks.contains(&name.join(" ")).then(|| before.to_vec())
    })?;
    while before.pop_if(|last| TITLES.contains(last)).is_some() {}
    Some(before.join(" "))
}

/// The text behind the bank's name that it begins with, and behind its bracket: ` cua toi` of ` (VCB) cua toi`.
pub(in crate::text) fn behind_name(text: &str) -> Option<&str> {
    let said = text.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    if text.get(..text.len() - said.len())?.contains(is_end) {
        return None;
    }
    let ends = said.char_indices().filter(|(_, letter)| !letter.is_alphanumeric() && !is_part_of_letter(*letter));
    let ends = ends.map(|(at, _)| at).chain([said.len()]).take(MOST_ENDS);
    let parts = ends.filter_map(|at| said.split_at_checked(at));
    let (_, behind) = parts.filter(|(name, _)| !name.contains(is_end) && is_name(name)).last()?;
    Some(behind.strip_prefix(closes).unwrap_or(behind))
}

fn is_name(phrase: &str) -> bool {
    if phrase.len() > NEAR {
        return false;
    }
    let words = bare_words(phrase);
    let name: Vec<&str> = words.split_whitespace().skip_while(|word| TITLES.contains(word)).collect();
    LISTS.banks.contains(&name.join(" "))
}

/// Whether digits between two texts are an account that money was to go to: `chuyển khoản 0071000123456 VCB`.
pub(in crate::text) fn is_transfer(before: &str, after: &str) -> bool {
    ends_in_transfer(before) && (before_name(before).is_some() || behind_name(after).is_some())
}

/// Whether a text ends in words for a transfer, maybe with a bank's name behind them.
pub(in crate::text) fn ends_in_transfer(before: &str) -> bool {
    ends_in_one_of(before_name(before).as_deref().unwrap_or(before), &LISTS.transfers)
}

/// Whether a text ends in words that make the digits behind it something else: `mã đơn hàng`, `CCCD`.
pub(in crate::text) fn ends_in_code(before: &str) -> bool {
    ends_in_one_of(before_name(before).as_deref().unwrap_or(before), &LISTS.codes)
}

/// Whether a text begins with a unit of money.
pub(in crate::text) fn begins_with_money(after: &str) -> bool {
    let word = after.split_whitespace().next().map(bare_words).unwrap_or_default();
    MONEY.contains(&word.trim())
}

fn ends_in_one_of(text: &str, list: &BTreeSet<String>) -> bool {
    let Some(said) = said_before(text) else { return false };
    let words = bare_words(end_of(said, NEAR));
    let words: Vec<&str> = words.split_whitespace().collect();
    ends_in(words.strip_suffix(&["la"]).unwrap_or(&words), list)
}

/// The text up to its last word; none where something ends behind that.
fn said_before(text: &str) -> Option<&str> {
    let said = text.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    let gap = text.get(said.len()..)?;
    (!gap.contains(is_end)).then_some(said)
}

/// What ends a sentence, a part of one, or a bracket.
fn is_end(letter: char) -> bool {
    closes(letter) || matches!(letter, '.' | ',' | ';' | '|')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bank_is_named_on_either_side_of_the_digits() {
        for (text, said) in [
            ("chuyen vao stk VCB ", "chuyen vao stk"),
            ("STK ngân hàng Vietcombank: ", "stk"),
            ("tai MB Bank (", ""),
            ("ck Nam A Bank - ", "ck"),
        ] {
            assert_eq!(before_name(text).as_deref(), Some(said), "{text}");
        }
        for text in ["stk VCB. ", "stk VCB, ", "(stk VCB)(", "stk VCB", "Shopee ", "VCB bao ", "", " "] {
            assert_eq!(before_name(text), None, "{text}");
        }
        for (text, behind) in [
            (" VCB cua toi", " cua toi"),
            (" (Vietcombank) cua", " cua"),
            (" tại ngân hàng MB Bank nhe", " nhe"),
            ("vcb", ""),
        ] {
            assert_eq!(behind_name(text), Some(behind), "{text}");
        }
        for text in [". VCB bao", ", VCB bao", ") VCB", " tai. VCB", " Shopee", " cua VCB", " ngan hang", "", " "] {
            assert_eq!(behind_name(text), None, "{text}");
        }
    }

    #[test]
    fn a_transfer_takes_its_word_and_a_bank() {
        assert!(is_transfer("bat chuyen khoan ", " VCB"));
        assert!(is_transfer("chuyển khoản cho MB: ", " ngay"));
        assert!(!is_transfer("bat chuyen khoan ", " ngay"));
        assert!(!is_transfer("bat chuyen khoan, so goi ", " VCB"));
        assert!(!is_transfer("bat chuyen khoan. ", " VCB"));
    }
}
