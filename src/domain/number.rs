//! `Number`: the E.164 number that calls, is called and is judged.
//!
//! In: digits, or what an operator types. Out: one integer of seven to fifteen digits, country code first.
//! Never: prints itself in clear (the clear form is [`Number::reveal`]); knows how records or citizens spell it (`party`).

use std::fmt;

use crate::domain::party;

/// What stands for the digits that nobody may see.
const HIDDEN: &str = "•••";
/// Digits shown at the front at most, and always at the end.
const SHOWN_FIRST: usize = 5;
const SHOWN_LAST: usize = 3;
/// Digits hidden at least: short numbers show less of their front.
const HIDDEN_AT_LEAST: usize = 3;
/// From here on fifteen digits stand for numbers that were erased: no country has the code 999.
const ERASED: i64 = 999_000_000_000_000;

/// E.164 digits as an integer; `Debug` and `Display` print it masked (`84912•••678`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Number(i64);

impl Number {
    /// The number of these E.164 digits, if there are seven to fifteen.
    ///
    /// Only the range is looked at: whether the plan knows the number is decided where it is read (`party`).
    pub fn from_e164(digits: i64) -> Option<Number> {
        let seven_to_fifteen_digits = 1_000_000..=999_999_999_999_999;
        seven_to_fifteen_digits.contains(&digits).then_some(Number(digits))
    }

    /// The digits in clear, for the doors whose readings are audited.
    pub fn reveal(self) -> i64 {
        self.0
    }

    /// What stands in tables for a number that was erased, by the place of its first erasure in the audit trail: whoever
    /// counts people counts one, and it is nobody's number.
    pub fn erased(place: i64) -> i64 {
        ERASED + place
    }

    /// Whether it only stands for one that was erased.
    pub fn is_erased(self) -> bool {
        self.0 >= ERASED
    }

    /// Whether the country code is 84.
    pub fn is_vietnamese(self) -> bool {
        let mut start = self.0;
        while start > 99 {
            start /= 10;
        }
        start == 84
    }

    /// What an operator types: `0912345678`, `84912345678`, `+84 912.345.678`; a foreign number needs its `+` or `00`.
    pub fn parse_given(text: &str) -> Option<Number> {
        party::read_in_text(text)?.number
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let first = SHOWN_FIRST.min(digits.len() - SHOWN_LAST - HIDDEN_AT_LEAST);
        let (shown, rest) = digits.split_at(first);
        let (_, last) = rest.split_at(rest.len() - SHOWN_LAST);
        f.pad(&format!("{shown}{HIDDEN}{last}"))
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(digits: i64, expect: Expect) {
        expect.assert_eq(&format!("{:?}", Number::from_e164(digits)));
    }

    #[track_caller]
    fn check_given(text: &str, expect: Expect) {
        expect.assert_eq(&format!("{:?}", Number::parse_given(text).map(Number::reveal)));
    }

    #[test]
    fn a_printed_number_is_masked() {
        check(84_912_345_678, expect!["Some(84912•••678)"]);
        check(842_435_678_901, expect!["Some(84243•••901)"]);
        check(999_999_999_999_999, expect!["Some(99999•••999)"]);
    }

    #[test]
    fn a_short_number_hides_three_digits_too() {
        check(1_234_567, expect!["Some(1•••567)"]);
        check(846_912_345, expect!["Some(846•••345)"]);
        check(8_469_123_456, expect!["Some(8469•••456)"]);
    }

    #[test]
    fn fewer_than_seven_or_more_than_fifteen_digits_are_no_number() {
        check(999_999, expect!["None"]);
        check(1_000_000_000_000_000, expect!["None"]);
        check(0, expect!["None"]);
        check(-84_912_345_678, expect!["None"]);
    }

    #[test]
    fn what_stands_for_an_erased_number_is_told_from_every_number() {
        let stands = Number::from_e164(Number::erased(17)).unwrap();
        assert!(stands.is_erased() && !stands.is_vietnamese());
        for digits in [84_912_345_678, 998_999_999_999_999] {
            assert!(!Number::from_e164(digits).unwrap().is_erased());
        }
        assert_ne!(Number::erased(17), Number::erased(18));
    }

    #[test]
    fn a_masked_number_keeps_its_column() {
        let number = Number::from_e164(84_912_345_678).unwrap();
        assert_eq!(format!("{number:>13}|{number:<13}|"), "  84912•••678|84912•••678  |");
    }

    #[test]
    fn vietnam_is_country_code_84_alone() {
        for (digits, expected) in
            [(84_912_345_678, true), (846_912_345, true), (8_521_234_567, false), (14_155_552_671, false)]
        {
            assert_eq!(Number::from_e164(digits).unwrap().is_vietnamese(), expected, "{digits}");
        }
    }

    #[test]
    fn an_operator_may_type_any_usual_form() {
        check_given("0912345678", expect!["Some(84912345678)"]);
        check_given("84912345678", expect!["Some(84912345678)"]);
        check_given(" +84 912.345.678 ", expect!["Some(84912345678)"]);
        check_given("0841234567", expect!["Some(84841234567)"]);
        check_given("84841234567", expect!["Some(84841234567)"]);
        check_given("+1 415 555 2671", expect!["Some(14155552671)"]);
    }

    #[test]
    fn a_short_or_service_number_is_not_given_as_e164() {
        check_given("156", expect!["None"]);
        check_given("19001234", expect!["None"]);
        check_given("Vietcombank", expect!["None"]);
        check_given("", expect!["None"]);
    }
}
