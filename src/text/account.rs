//! Bank accounts that a text names.
//!
//! In: a text, and the telephone numbers in it. Out: the digits of each account, in its order. Never: takes an amount,
//! a date, the number of an order, or a telephone number that only stands beside a bank's name for one; lists what the
//! text calls the citizen's own.

use std::ops::RangeInclusive;

use super::entity;
use super::letter::{is_dash, is_part_of_letter};
use super::sender::{self, bank, holder};
use super::spelling::Spelled;

/// Digits of a bank account.
const ACCOUNT: RangeInclusive<usize> = 6..=19;
/// Digits of one that a bank's name alone tells, at least: a date has eight.
const FEWEST_BY_BANK: usize = 9;
/// Digits in one piece that may be a whole account, and that are one.
const MAY_BE_WHOLE: usize = 8;
const IS_WHOLE: usize = 10;
/// What an amount ends with.
const ROUND: &str = "000";

/// Every account in a text; `numbers` are the telephone numbers in it.
pub(super) fn accounts(text: &str, numbers: &[Spelled]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let from = text.len() - rest.len() + start;
        let (before, run) = text.split_at(from);
        let is_labelled = sender::is_account(before);
        let (all, behind) = joined(run);
        let is_all = is_labelled || (all.len() >= FEWEST_BY_BANK && bank::ends_in_transfer(before));
        let (digits, after) = if is_all { (all, behind) } else { piece(run) };
        let written = run.get(..run.len() - after.len()).unwrap_or_default();
        let is_by_bank = || {
            let is_account = digits.len() >= FEWEST_BY_BANK && !is_figure(&digits, written, after);
            is_account && (bank::is_transfer(before, after) || is_beside(before, after))
        };
        let is_account = match is_among(numbers, from, from + written.len()) {
            true => sender::is_account_rather(before, after),
            false => is_labelled || is_by_bank(),
        };
        let is_account = ACCOUNT.contains(&digits.len()) && is_account;
        if is_account && !is_ours(before, after) {
            found.push(digits);
        }
        rest = after;
    }
    found
}

/// The digits that a text begins with, and what follows.
fn piece(text: &str) -> (String, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && !is_part_of_letter(letter)).unwrap_or(text.len());
    let (piece, after) = text.split_at(end);
    (piece.chars().filter(char::is_ascii_digit).collect(), after)
}

/// The same with the groups behind that belong to it, and none that is a count or another number: `00710001 50 trieu`.
fn joined(text: &str) -> (String, &str) {
    let (mut digits, mut rest) = piece(text);
    let first = digits.len();
    while first < IS_WHOLE && digits.len() <= *ACCOUNT.end() {
        let (more, behind) = piece(rest.trim_start_matches(is_joint));
        let is_other = digits.len() >= MAY_BE_WHOLE && more.len() >= MAY_BE_WHOLE;
        let is_count = first >= MAY_BE_WHOLE && sender::is_unit(behind);
        if more.is_empty() || is_other || is_count {
            break;
        }
        digits.push_str(&more);
        rest = behind;
    }
    (digits, rest)
}

/// What may stand between the groups of one account.
fn is_joint(letter: char) -> bool {
    letter == ' ' || letter == '.' || is_dash(letter) || is_part_of_letter(letter)
}

/// Whether digits are rather an amount than an account.
fn is_figure(digits: &str, written: &str, after: &str) -> bool {
    let is_amount = !digits.starts_with('0') && (digits.ends_with(ROUND) || written.contains('.'));
    let decimals = after.strip_prefix(['.', ',']).map_or(0, |behind| piece(behind).0.len());
    is_amount || bank::begins_with_money(after) || (1..=ROUND.len()).contains(&decimals)
}

/// Whether a bank's name stands on one side of digits, and nothing that makes them something else.
fn is_beside(before: &str, after: &str) -> bool {
    let is_named = bank::before_name(before).is_some() || bank::behind_name(after).is_some();
    let is_part = || before.ends_with(|last: char| last.is_alphanumeric() || last == '+');
    is_named && !is_part() && !bank::ends_in_code(before) && !entity::ends_in_link(before)
}

/// Whether digits are the citizen's own account: by whose it is called, or since money left it.
fn is_ours(before: &str, after: &str) -> bool {
    let behind = bank::behind_name(after);
    let is_named_ours = |after: &str| holder::is_ours(before, after);
    let is_owned = is_named_ours(after) || behind.is_some_and(is_named_ours) || holder::is_our_account(before);
    is_owned || bank::is_drawn_on(before, behind.unwrap_or(after))
}

/// Whether a telephone number has one of these places.
fn is_among(numbers: &[Spelled], from: usize, until: usize) -> bool {
    let first = numbers.partition_point(|number| number.until <= from);
    numbers.get(first).is_some_and(|number| number.from < until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::spelling;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(accounts(text, &spelling::numbers(text)), expected, "{text}");
    }

    #[test]
    fn what_follows_an_account_is_no_part_of_it() {
        check("stk 0071000123456 50 trieu", &["0071000123456"]);
        check("chuyen vao 0071000123456 2 lan", &["0071000123456"]);
        check("stk 0071000123456 12/10/2026", &["0071000123456"]);
        check("stk 0071000123456 0912345678 goi", &["0071000123456"]);
        check("stk 12345678 50 trieu", &["12345678"]);
        check("stk 12345678 0912345678", &["12345678"]);
        check("stk 007 1000123456", &["0071000123456"]);
        check("stk 1903 4567 8901 23", &["19034567890123"]);
        check("stk 1903.4567.8901.23, goi ngay", &["19034567890123"]);
        check("stk 1903 - 4567 - 8901 - 23", &["19034567890123"]);
    }

    #[test]
    fn a_banks_name_makes_an_account_of_what_is_no_telephone_number() {
        check("bat chuyen khoan 0071000123456 VCB", &["0071000123456"]);
        check("0071000123456 (Vietcombank) Nguyen Van A", &["0071000123456"]);
        check("0071000123456 tại ngân hàng Vietcombank", &["0071000123456"]);
        check("VCB: 0071000123456 NGUYEN VAN A", &["0071000123456"]);
        check("vao Techcombank 19034567890123, goi 0912345678", &["19034567890123"]);
        check("ck 1903 4567 8901 23 TCB", &["19034567890123"]);
        check("VCB 0912345678 goi moi vay", &[]);
        check("VCB 0912 345 678", &[]);
        check("VCB 1900545413", &[]);
        check("0912345678 VCB moi vay", &[]);
        check("0071000123456 Shopee", &[]);
        check("goi den 0071000123456 ngay", &[]);
    }

    #[test]
    fn a_word_for_an_account_or_a_bank_is_read_in_any_dress() {
        check("stk0071000123456", &["0071000123456"]);
        check("s\u{200b}tk: 0071000123456", &["0071000123456"]);
        check("ta\u{300}i khoa\u{309}n 0071000123456", &["0071000123456"]);
        check("tai \u{200b} khoan 0071000123456", &["0071000123456"]);
        check("V\u{200b}CB 0071000123456", &["0071000123456"]);
        check("ＶＣＢ 0071000123456", &["0071000123456"]);
        check(&format!("xxxxstk{}0071000123456", " ".repeat(37)), &["0071000123456"]);
        check("xxxxstk 0071000123456", &[]);
        check("V CB 0071000123456", &[]);
        check("tai nha khoan 0071000123456", &[]);
    }

    #[test]
    fn a_telephone_number_is_an_account_where_money_goes_to_it_at_a_bank() {
        check("bat chuyen khoan 0912345678 MB", &["0912345678"]);
        check("ck MB Bank 0912345678", &["0912345678"]);
        check("stk ngan hang MB: 0912345678", &["0912345678"]);
        check("bat chuyen khoan, so goi 0912345678 MB", &[]);
        check("bat chuyen khoan 0912345678 ngay", &[]);
        check("khoa tai khoan MB, 0912345678 goi", &[]);
        check("khoa tai khoan ngan hang Vietcombank 0912345678", &[]);
        check("chuyen tien qua Vietcombank 0912345678 goi luc 9h", &[]);
        check("chuyen tien qua MB 0913456789 goi bang so 0912345678", &["0913456789"]);
        check("bat chuyen khoan 0912345678 VCB 0071000123456", &["0071000123456"]);
        check("bat chuyen khoan 0912345678 ngan hang MB stk 0913456789", &["0913456789"]);
        check("dau tu ck MB 0912345678", &[]);
    }

    #[test]
    fn amounts_dates_and_orders_beside_a_bank_are_no_accounts() {
        for text in [
            "chuyen 500.000.000 VCB",
            "chuyen khoan 5000000000 VCB",
            "chuyen 5 000 000 000 VCB",
            "VCB 500000001 dong",
            "VCB 123456789d",
            "VCB 123456789.50",
            "VCB +123456789",
            "VCB 12102026",
            "VCB 2026-10-12 08:30",
            "VCB ngay 12/10/2026",
            "ma don 123456789012 VCB",
            "ma GD VCB: 123456789012",
            "don hang 123456789012, VCB tru tien",
            "ma 123456789012. VCB bao",
            "CCCD 079123456789 VCB",
            "cccd so 079123456789 VCB",
            "GD 123456789012 tai VCB",
            "FT24123456789012 VCB",
            "VCB1234567890123",
            "vcb-abc.xyz/0071000123456 VCB",
            "VCB OTP 123456",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn the_citizens_own_account_at_a_bank_is_none() {
        check("tai khoan cua toi VCB 0071001234567 bi hack", &[]);
        check("tai khoan cua toi tai ngan hang Vietcombank: 0071001234567", &[]);
        check("tai khoan MB Bank cua me toi 0912345678 bi hack", &[]);
        check("VCB 0071001234567 vua bi tru 5 trieu", &[]);
        check("0071001234567 (VCB) bi tru 5 trieu", &[]);
        check("VCB 0071001234567 bi nhieu nguoi to", &["0071001234567"]);
        check("toi chuyen tu VCB 0071001234567 sang stk 19034567890123 TCB", &["19034567890123"]);
        check("toi chuyen tu tai khoan VCB 0071001234567 sang TCB 19034567890123", &["19034567890123"]);
        check("nhan duoc tien tu stk 0071001234567 VCB", &["0071001234567"]);
        check("tru tien trong tk 0071001234567 VCB cua toi", &[]);
        check("0071001234567 VCB cua toi bi tru", &[]);
        check("0071001234567 (VCB) cua toi bi tru", &[]);
        check("VCB 0071001234567 cua toi bi tru", &[]);
        check("tai khoan cua toi la 0071001234567 VCB bi tru", &[]);
        check("chuyen vao tk 0071001234567 VCB cua toi pham", &["0071001234567"]);
    }
}
