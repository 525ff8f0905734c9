//! Banks beside digits, which say that these are an account's.
//!
//! In: what stands on either side of the digits. Out: whether it is a bank's name, and what lies beyond. Never: looks
//! across the end of a sentence or of a bracket: in `ma 123456789012. VCB bao` the bank says nothing of the digits.

use super::phrase::Phrases;
use super::{LISTS, NEAR, end_of};
use crate::text::letter::{closes, is_part_of_letter};
use crate::text::spelling;
use crate::text::word::bare_words;

/// Bytes before digits that may say what they are: with a bank's name among them it takes more.
const WIDE: usize = 80;
/// Places among which the last word of a bank's name ends, with what stands before it.
const MOST_ENDS: usize = 8;

/// Digits of an account behind a word for one, and behind a bank's name alone, at least.
const FEWEST: usize = 6;
const FEWEST_ALONE: usize = 9;
/// Words that may say of money that it was got from somebody: `nhận được tiền từ`.
const FROM: usize = 4;

/// Words that are short for a transfer, and behind which others they are none: `nói chuyện`, `đầu tư ck` (shares).
const NO_TRANSFER: [(&[&str], &str); 2] =
    [(&["noi", "tro", "ke", "van"], " chuyen"), (&["tu", "van", "choi", "ty", "cty", "nhom", "san"], " ck")];

/// What stands before a bank's name: `tại ngân hàng VCB`.
const TITLES: [&str; 6] = ["tai", "o", "ben", "nh", "ngan", "hang"];

/// What stands behind an amount.
const MONEY: [&str; 10] = ["d", "dong", "vnd", "k", "nghin", "ngan", "tr", "trieu", "ty", "usd"];

/// What is said before the bank's name that a text ends with: `stk` of `stk ngân hàng VCB: `.
pub(in crate::text) fn before_name(text: &str) -> Option<String> {
    let said = said_before(text).filter(|said| said.len() < text.len())?;
    let words = bare_words(end_of(said, WIDE));
    let mut words: Vec<&str> = words.split_whitespace().collect();
    let name = LISTS.banks.ends(&words);
    if name == 0 {
        return None;
    }
    words.truncate(words.len() - name);
    while words.pop_if(|last| TITLES.contains(last)).is_some() {}
    Some(words.join(" "))
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
    LISTS.banks.has(&name)
}

/// Whether a text ends in a word for an account with a bank's name behind it: `stk ngân hàng MB: `.
pub(super) fn is_labelled(before: &str) -> bool {
    before_name(before).is_some_and(|said| super::is_labelled(&said))
}

/// Whether digits between two texts are an account that money was to go to: `chuyển khoản 0071000123456 VCB`.
pub(in crate::text) fn is_transfer(before: &str, after: &str) -> bool {
    let is_at_bank = || before_name(before).is_some() || behind_name(after).is_some_and(|rest| !begins_account(rest));
    ends_in_transfer(before) && is_at_bank()
}

/// Whether what follows a bank's name is an account, which the bank is named for then: ` 0071000123456`, ` stk 0071000`.
fn begins_account(after: &str) -> bool {
    let near = after.get(..after.floor_char_boundary(NEAR)).unwrap_or_default();
    let (label, digits) = near.split_at(near.find(|letter: char| letter.is_ascii_digit()).unwrap_or(near.len()));
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let words = bare_words(label);
    let is_number = || spelling::numbers(digits).first().is_some_and(|number| number.from == 0);
    let is_account = match words.trim() {
        "" => count >= FEWEST_ALONE && !is_number(),
        said => count >= FEWEST && LISTS.accounts.has(&said.split(' ').collect::<Vec<_>>()),
    };
    is_account && !label.contains(is_end)
}

/// Whether a text ends in words for a transfer, maybe with a bank's name behind them.
pub(in crate::text) fn ends_in_transfer(before: &str) -> bool {
    let said = before_name(before);
    let said = said.as_deref().unwrap_or(before);
    let words = bare_words(end_of(said, NEAR));
    let is_other = |(others, short): &(&[&str], &str)| {
        let said = words.trim_end().strip_suffix(*short).unwrap_or_default();
        said.split_whitespace().next_back().is_some_and(|last| others.contains(&last))
    };
    !NO_TRANSFER.iter().any(is_other) && ends_in_one_of(said, &LISTS.transfers)
}

/// Whether a text ends in what somebody does to the citizen's account: `khóa tài khoản Vietcombank `.
pub(super) fn ends_in_lock(before: &str) -> bool {
    let words = said_of_account(before);
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_label = |from: usize| words.get(from..).is_some_and(|tail| LISTS.accounts.has(tail));
    let is_locked = |from: usize| words.get(..from).is_some_and(|said| LISTS.locks.ends(said) > 0);
    (0..words.len()).any(|from| is_label(from) && is_locked(from))
}

/// Whether an account between two texts is one that money left: `chuyển từ VCB 0071000123456`, `0071000123456 bị trừ`.
/// What somebody got money from (`nhận tiền từ`) is another's.
pub(in crate::text) fn is_drawn_on(before: &str, after: &str) -> bool {
    let behind = bare_words(after.get(..after.floor_char_boundary(NEAR)).unwrap_or_default());
    let behind: Vec<&str> = behind.split_whitespace().collect();
    let words = said_of_account(before);
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_label = |from: &usize| words.get(*from..).is_some_and(|tail| LISTS.accounts.has(tail));
    let labelled = (0..words.len()).find(is_label).unwrap_or(words.len());
    let said = words.get(..labelled).unwrap_or_default();
    let is_from = said.ends_with(&["tu"]) && !said.ends_with(&["dau", "tu"]);
    let is_got = said.iter().rev().take(FROM).any(|word| *word == "nhan");
    (is_from && !is_got) || LISTS.losses.begins(&behind) > 0
}

/// The words that a text ends with before a bank's or another known name.
fn said_of_account(before: &str) -> String {
    let said = before_name(before);
    let words = bare_words(end_of(said.as_deref().unwrap_or(before), WIDE));
    let mut words: Vec<&str> = words.split_whitespace().collect();
    words.pop_if(|last| LISTS.names.contains(*last));
    words.join(" ")
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

fn ends_in_one_of(text: &str, list: &Phrases) -> bool {
    let Some(said) = said_before(text) else { return false };
    let words = bare_words(end_of(said, NEAR));
    let words: Vec<&str> = words.split_whitespace().collect();
    list.ends(words.strip_suffix(&["la"]).unwrap_or(&words)) > 0
}

/// The text up to its last word; none where something ends behind that.
fn said_before(text: &str) -> Option<&str> {
    let said = text.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    let gap = text.get(said.len()..)?;
    (!gap.contains(is_end)).then_some(said)
}

/// What ends a sentence, a part of one, or a bracket.
fn is_end(letter: char) -> bool {
    closes(letter) || matches!(letter, '.' | ',' | ';' | '|' | '!' | '?')
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
    fn what_somebody_does_to_an_account_sends_no_money_to_it() {
        assert!(ends_in_lock("báo khóa tài khoản ngân hàng Vietcombank "));
        assert!(ends_in_lock("hack tk momo "));
        assert!(!ends_in_lock("chuyen vao tai khoan VCB "));
        assert!(is_drawn_on("toi chuyen tu tk so ", ""));
        assert!(is_drawn_on("VCB ", " vua bi tru"));
        assert!(!is_drawn_on("nhan duoc 500k tu stk ", ""));
        assert!(!is_drawn_on("chuyen vao VCB ", " ngay"));
        assert!(!is_drawn_on("bat chuyen tien dau tu VCB ", ""));
    }

    #[test]
    fn a_transfer_takes_its_word_and_a_bank() {
        assert!(is_transfer("bat chuyen khoan ", " VCB"));
        assert!(is_transfer("chuyển khoản cho MB: ", " ngay"));
        assert!(!is_transfer("bat chuyen khoan ", " ngay"));
        assert!(!is_transfer("bat chuyen khoan, so goi ", " VCB"));
        assert!(!is_transfer("bat chuyen khoan. ", " VCB"));
        assert!(!is_transfer("bat chuyen khoan! ", " VCB"));
        assert!(!is_transfer("noi chuyen ", " VCB"));
        assert!(!is_transfer("dau tu ck MB ", ""));
        assert!(is_transfer("yeu cau ck MB ", ""));
        assert!(is_transfer("bat chuyen khoan ", " MB 0913456789"));
        assert!(!is_transfer("bat chuyen khoan ", " VCB 0071000123456"));
        assert!(!is_transfer("bat chuyen khoan ", " MB stk: 0913456789"));
    }
}
