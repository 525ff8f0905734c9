//! A party of a call or message: what its address says it is.
//!
//! In: an address with its nature (strict, from a record) or a citizen's spelling (permissive). Out: a kind, and the
//! E.164 number where there is one. Never: maps a record's old number to a living subscriber; lets 1900… read as +1 900…;
//! takes digits for a foreign number without a `+`, a `00` or the international nature.
//!
//! Google's library (as `rlibphonenumber`) decides what is valid, `plan` adds what its metadata lacks, and a fast path
//! answers for plain Vietnamese mobiles, which are nearly all that ever arrives. The tests hold the three together.

use std::fmt;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

use crate::domain::number::Number;
use crate::domain::plan;

/// Longest spelling of an E.164 number (fifteen digits): `00` or `+` before it, a trunk 0 within.
const LONGEST: usize = 18;

/// What kind of party an address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartyKind {
    /// A subscriber's number, with a country code.
    E164,
    /// A short code or service number (113, 5656, 1900…) that has a meaning inside the country only.
    NationalShort,
    /// A sender's registered name.
    SenderName,
    /// The caller hides, or nothing was sent.
    Anonymous,
    /// Digits that no plan knows.
    Invalid,
}

impl PartyKind {
    /// The word that tables hold.
    pub fn as_str(self) -> &'static str {
        match self {
            PartyKind::E164 => "e164",
            PartyKind::NationalShort => "national_short",
            PartyKind::SenderName => "sender_name",
            PartyKind::Anonymous => "anonymous",
            PartyKind::Invalid => "invalid",
        }
    }
}

/// Nature of an address, as the network says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nature {
    /// Country code first; `+` or `00` may stand before it.
    International,
    /// A Vietnamese number, with or without its trunk 0.
    National,
    /// A code of the network or of a service.
    Short,
    /// Letters: the sender's name.
    Name,
    /// The caller asked to stay hidden.
    Restricted,
    /// Not said: digits as one dials them in Vietnam.
    Unknown,
}

impl Nature {
    /// The nature that a record's word means.
    pub fn parse(text: &str) -> Option<Nature> {
        match text {
            "international" => Some(Nature::International),
            "national" => Some(Nature::National),
            "short" => Some(Nature::Short),
            "name" => Some(Nature::Name),
            "restricted" => Some(Nature::Restricted),
            "unknown" => Some(Nature::Unknown),
            _ => None,
        }
    }
}

/// Who called, was called, wrote or was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Party {
    /// What kind of party it is.
    pub kind: PartyKind,
    /// The number, for [`PartyKind::E164`] alone.
    pub number: Option<Number>,
}

impl Party {
    fn e164(number: Number) -> Party {
        Party { kind: PartyKind::E164, number: Some(number) }
    }

    fn without_number(kind: PartyKind) -> Party {
        Party { kind, number: None }
    }
}

/// An address that is not dialable although its nature says so: empty, or with letters or symbols in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber;

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("address is not dialable: expected digits with at most one leading plus")
    }
}

impl std::error::Error for NotANumber {}

/// Reads the address of a record, strictly: digits that form no valid number are `Invalid`, never mended.
pub fn read(address: &str, nature: Nature) -> Result<Party, NotANumber> {
    match nature {
        Nature::Restricted => return Ok(Party::without_number(PartyKind::Anonymous)),
        Nature::Name if address.trim().is_empty() => return Ok(Party::without_number(PartyKind::Anonymous)),
        Nature::Name => return Ok(Party::without_number(PartyKind::SenderName)),
        Nature::International | Nature::National | Nature::Unknown => {
            if let Some(number) = read_plain_mobile(address, nature) {
                return Ok(Party::e164(number));
            }
        }
        Nature::Short => {}
    }
    read_dialable(address, nature)
}

/// Reads a citizen's spelling: `0912.345.678`, `(+84) 912 345 678`, `84 0912…`, `O` for 0, a landline without its 0, an
/// eleven-digit mobile of before 2018. None when it is no number.
///
/// Three to five plain digits are a short code here, so ask only where a party is expected: in prose they are amounts.
pub fn read_in_text(spelling: &str) -> Option<Party> {
    let digits = folded(spelling)?;
    if is_figure(spelling, &digits) {
        return None;
    }
    match read(&digits, Nature::Unknown) {
        Ok(party) if party.kind != PartyKind::Invalid => Some(party),
        _ => read_migrated(&digits),
    }
}

/// The fast path: an address that is nothing but a Vietnamese mobile. None means "ask the library", not "invalid".
fn read_plain_mobile(address: &str, nature: Nature) -> Option<Number> {
    let is_dialled = nature != Nature::International;
    let national = match address.as_bytes() {
        [b'+', b'8', b'4', national @ ..] | [b'8', b'4', national @ ..] if national.len() == 9 => national,
        [b'0', national @ ..] if is_dialled && national.len() == 9 => national,
        national if is_dialled && national.len() == 9 => national,
        _ => return None,
    };
    let mut digits = 0;
    for byte in national {
        if !byte.is_ascii_digit() {
            return None;
        }
        digits = digits * 10 + u64::from(byte - b'0');
    }
    if plan::is_mobile(digits) { vietnamese(digits) } else { None }
}

/// The slow path: short codes by their shape, all else by Google's library and the plan.
fn read_dialable(address: &str, nature: Nature) -> Result<Party, NotANumber> {
    let digits = address.strip_prefix('+').unwrap_or(address);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotANumber);
    }
    let has_plus = digits.len() < address.len();
    let after_exit_code = digits.strip_prefix("00");
    let party = match (nature, after_exit_code) {
        _ if has_plus => read_international(digits),
        (Nature::Short, _) => read_short(digits),
        (_, Some(international)) => read_international(international),
        (Nature::International, None) => read_international(digits),
        _ => read_national(digits),
    };
    Ok(party.unwrap_or(Party::without_number(PartyKind::Invalid)))
}

/// A short nature promises a short code or a service number; a subscriber's number breaks the promise.
fn read_short(digits: &str) -> Option<Party> {
    read_national(digits).filter(|party| party.kind == PartyKind::NationalShort)
}

/// `digits` begin with a country code.
fn read_international(digits: &str) -> Option<Party> {
    ask_library(&format!("+{digits}")).or_else(|| ask_plan(digits.strip_prefix("84")?))
}

/// `digits` are as dialled inside Vietnam. 84 is a country code only before a whole national number: `84841234567` has
/// one, `841234567` is a national number of nine digits (FACTS 5.1); the library reads them so.
fn read_national(digits: &str) -> Option<Party> {
    if plan::is_short_code(digits) {
        return Some(Party::without_number(PartyKind::NationalShort));
    }
    ask_library(digits).or_else(|| {
        let has_nine = digits.len() == 9;
        let after_prefix = digits.strip_prefix('0').or_else(|| digits.strip_prefix("84"));
        // Ten bare digits 65… are left alone: they may be a number of Singapore.
        ask_plan(if has_nine { digits } else { after_prefix? })
    })
}

/// What Google's library says of an address; None when it holds it for invalid.
fn ask_library(address: &str) -> Option<Party> {
    if address.len() > LONGEST {
        return None;
    }
    let phone = PHONE_NUMBER_UTIL.parse(address, Some(Region::VN)).ok()?;
    if !phone.is_valid() {
        return None;
    }
    if phone.country_code == 84 && plan::is_service(phone.national_number) {
        return Some(Party::without_number(PartyKind::NationalShort));
    }
    let e164 = phone.format_as(PhoneNumberFormat::E164);
    let digits = e164.strip_prefix('+')?.parse().ok()?;
    Number::from_e164(digits).map(Party::e164)
}

/// What the plan says of national digits that the library refused.
fn ask_plan(national: &str) -> Option<Party> {
    let national = national.parse().ok()?;
    if plan::is_unknown_to_library(national) { vietnamese(national).map(Party::e164) } else { None }
}

/// An eleven-digit mobile of before 2018 as the number that it became.
fn read_migrated(digits: &str) -> Option<Party> {
    let after_code = match digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")) {
        Some(international) => international.strip_prefix("84")?,
        None => digits.strip_prefix("84").unwrap_or(digits),
    };
    let national = after_code.strip_prefix('0').unwrap_or(after_code);
    plan::migrated(national.parse().ok()?).and_then(vietnamese).map(Party::e164)
}

/// The Vietnamese number of nine or ten national digits.
fn vietnamese(national: u64) -> Option<Number> {
    debug_assert!((100_000_000..10_000_000_000).contains(&national), "nine or ten digits, the first not 0");
    let country = if national < 1_000_000_000 { 84_000_000_000 } else { 840_000_000_000 };
    Number::from_e164(country + i64::try_from(national).ok()?)
}

/// The digits of a spelling, with their plus; None when anything else stands between them.
fn folded(spelling: &str) -> Option<String> {
    let mut digits = String::with_capacity(LONGEST);
    for letter in spelling.chars() {
        match letter {
            '0'..='9' => digits.push(letter),
            '０'..='９' => digits.push(char::from_digit(u32::from(letter) - u32::from('０'), 10)?),
            // Latin and Cyrillic: written by hand, or to slip past filters.
            'O' | 'o' | 'О' | 'о' => digits.push('0'),
            '+' | '＋' if digits.is_empty() => digits.push('+'),
            _ if is_separator(letter) => {}
            _ => return None,
        }
        if digits.len() > LONGEST {
            return None;
        }
    }
    Some(digits)
}

fn is_separator(letter: char) -> bool {
    let is_dash = matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let is_mark = matches!(letter, '.' | '．' | '(' | ')' | '（' | '）');
    // Soft hyphen, zero-width and direction marks: phones put them around copied numbers.
    let is_unseen = matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    is_dash || is_mark || is_unseen || letter.is_whitespace()
}

/// Whether a spelling is rather a figure (an amount, a time, a price) than a number somebody can be called at.
fn is_figure(spelling: &str, digits: &str) -> bool {
    let spelling = spelling.trim();
    if plan::is_short_code(digits) {
        // `156` is a code, `10.000` and `1oo` are not.
        return spelling != digits;
    }
    let has_prefix = digits.starts_with(['0', '+']) || digits.starts_with("84");
    let is_round = spelling.ends_with(".000") || spelling.ends_with(" 000");
    // 6.990.000 is a price; a police line is written with its 0.
    let is_brief = digits.len() < 9 && !digits.parse().is_ok_and(plan::is_service);
    !has_prefix && (is_round || is_brief)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    const DIALABLE: [Nature; 4] = [Nature::International, Nature::National, Nature::Short, Nature::Unknown];

    fn shown(party: Party) -> String {
        match party.number {
            Some(number) => format!("{} {}", party.kind.as_str(), number.reveal()),
            None => party.kind.as_str().to_owned(),
        }
    }

    #[track_caller]
    fn check(nature: &str, address: &str, expect: Expect) {
        let party = read(address, Nature::parse(nature).unwrap());
        expect.assert_eq(&party.map_or("not a number".to_owned(), shown));
    }

    #[track_caller]
    fn check_text(spelling: &str, expect: Expect) {
        expect.assert_eq(&read_in_text(spelling).map_or("-".to_owned(), shown));
    }

    #[test]
    fn a_mobile_is_one_number_in_every_form_of_its_nature() {
        check("international", "84912345678", expect!["e164 84912345678"]);
        check("international", "+84912345678", expect!["e164 84912345678"]);
        check("international", "0084912345678", expect!["e164 84912345678"]);
        check("national", "0912345678", expect!["e164 84912345678"]);
        check("national", "912345678", expect!["e164 84912345678"]);
        check("unknown", "0912345678", expect!["e164 84912345678"]);
        check("unknown", "84912345678", expect!["e164 84912345678"]);
    }

    #[test]
    fn nine_digits_that_begin_with_84_are_a_national_number() {
        check("national", "841234567", expect!["e164 84841234567"]);
        check("national", "0841234567", expect!["e164 84841234567"]);
        check("unknown", "841234567", expect!["e164 84841234567"]);
        check("international", "84841234567", expect!["e164 84841234567"]);
        // Eleven digits are no national number, so 84 is the country code although the nature says otherwise.
        check("national", "84841234567", expect!["e164 84841234567"]);
        check("international", "841234567", expect!["invalid"]);
    }

    #[test]
    fn an_international_address_needs_its_country_code() {
        check("international", "0912345678", expect!["invalid"]);
        check("international", "912345678", expect!["invalid"]);
        check("international", "14155552671", expect!["e164 14155552671"]);
        check("international", "390612345678", expect!["e164 390612345678"]);
        check("unknown", "0014155552671", expect!["e164 14155552671"]);
    }

    #[test]
    fn digits_are_foreign_only_when_something_says_so() {
        check("unknown", "14155552671", expect!["invalid"]);
        check("national", "14155552671", expect!["invalid"]);
        check("unknown", "+14155552671", expect!["e164 14155552671"]);
    }

    #[test]
    fn a_landline_has_its_area_code() {
        check("national", "02899981545", expect!["e164 842899981545"]);
        check("national", "2899981545", expect!["e164 842899981545"]);
        check("international", "842199981545", expect!["e164 842199981545"]);
        check("national", "99981545", expect!["invalid"]);
    }

    #[test]
    fn a_service_number_is_never_e164() {
        for nature in ["national", "unknown", "short"] {
            check(nature, "19001234", expect!["national_short"]);
            check(nature, "1900123456", expect!["national_short"]);
            check(nature, "18001091", expect!["national_short"]);
        }
        check("international", "8419001234", expect!["national_short"]);
        check("international", "19001234", expect!["invalid"]);
        check("unknown", "19002345678", expect!["invalid"]);
        check("international", "19002345678", expect!["e164 19002345678"]);
    }

    #[test]
    fn short_codes_that_google_does_not_know_are_known() {
        for address in ["111", "112", "113", "156", "5656", "1414", "9090", "8088", "19001"] {
            check("short", address, expect!["national_short"]);
            check("national", address, expect!["national_short"]);
            check("unknown", address, expect!["national_short"]);
            check("international", address, expect!["invalid"]);
        }
        check("short", "0912345678", expect!["invalid"]);
        check("unknown", "091", expect!["invalid"]);
        check("unknown", "12", expect!["invalid"]);
    }

    #[test]
    fn police_lines_and_internet_telephony_are_numbers_although_google_refuses_them() {
        check("national", "0692345678", expect!["e164 84692345678"]);
        check("national", "692345678", expect!["e164 84692345678"]);
        check("international", "84692345678", expect!["e164 84692345678"]);
        check("national", "06581234567", expect!["e164 846581234567"]);
        check("international", "846581234567", expect!["e164 846581234567"]);
        check("unknown", "6581234567", expect!["invalid"]);
        check("international", "6581234567", expect!["e164 6581234567"]);
    }

    #[test]
    fn an_old_mobile_in_a_record_belongs_to_nobody() {
        check("national", "01621234567", expect!["invalid"]);
        check("national", "1621234567", expect!["invalid"]);
        check("international", "841201234567", expect!["invalid"]);
        check("unknown", "01241234567", expect!["invalid"]);
    }

    #[test]
    fn an_unallocated_range_is_invalid() {
        check("national", "0892345678", expect!["invalid"]);
        check("international", "84712345678", expect!["invalid"]);
        check("international", "99999999999999999999999", expect!["invalid"]);
    }

    #[test]
    fn an_address_that_cannot_be_dialled_is_not_a_number() {
        for nature in ["international", "national", "short", "unknown"] {
            for address in
                ["", "+", "++84912345678", "84912345678 ", "0912.345.678", "0912345678F", "VNPT", "*101#", "٠٩١٢"]
            {
                check(nature, address, expect!["not a number"]);
            }
        }
    }

    #[test]
    fn names_and_hidden_callers_have_no_number() {
        check("name", "Vietcombank", expect!["sender_name"]);
        check("name", "0912345678", expect!["sender_name"]);
        check("name", " ", expect!["anonymous"]);
        check("restricted", "", expect!["anonymous"]);
        check("restricted", "84912345678", expect!["anonymous"]);
    }

    #[test]
    fn every_nature_has_its_word_and_other_words_have_none() {
        let words = ["international", "national", "short", "name", "restricted", "unknown"];
        let natures: Vec<_> = words.iter().map(|word| Nature::parse(word).unwrap()).collect();
        expect!["[International, National, Short, Name, Restricted, Unknown]"].assert_eq(&format!("{natures:?}"));
        assert_eq!(Nature::parse("National"), None);
        assert_eq!(Nature::parse(""), None);
    }

    #[test]
    fn citizens_spell_a_mobile_in_many_ways() {
        for spelling in [
            "0912345678",
            "0912.345.678",
            "0912 345 678",
            "091-234-5678",
            "+84912345678",
            "84912345678",
            "0084912345678",
            "(+84)912345678",
            "84 0912345678",
            "+84 (0) 912 345 678",
            "912345678",
            "O9l2345678".replace('l', "1").as_str(),
            "0912\u{a0}345\u{200b}678",
            "\u{202a}+84 912 345 678\u{202c}",
            "０９１２３４５６７８",
            " 0912–345–678 ",
        ] {
            check_text(spelling, expect!["e164 84912345678"]);
        }
        check_text("0841234567", expect!["e164 84841234567"]);
        check_text("84841234567", expect!["e164 84841234567"]);
    }

    #[test]
    fn citizens_drop_the_zero_of_a_landline() {
        check_text("02899981545", expect!["e164 842899981545"]);
        check_text("2899981545", expect!["e164 842899981545"]);
        check_text("(028) 9998 1545", expect!["e164 842899981545"]);
    }

    #[test]
    fn an_old_mobile_in_a_text_is_the_one_that_it_became() {
        for spelling in
            ["01621234567", "0162 123 4567", "+841621234567", "841621234567", "00841621234567", "1621234567"]
        {
            check_text(spelling, expect!["e164 84321234567"]);
        }
        check_text("01241234567", expect!["e164 84841234567"]);
        check_text("01991234567", expect!["e164 84591234567"]);
        check_text("01301234567", expect!["-"]);
        check_text("+1621234567", expect!["-"]);
    }

    #[test]
    fn a_short_or_service_number_may_be_reported() {
        check_text("156", expect!["national_short"]);
        check_text("5656", expect!["national_short"]);
        check_text("1900 1234", expect!["national_short"]);
        check_text("1900.6000", expect!["national_short"]);
        check_text("18001091", expect!["national_short"]);
        check_text("+84 1900 1234", expect!["national_short"]);
    }

    #[test]
    fn amounts_and_prices_are_no_numbers() {
        for spelling in ["10.000", "1oo", "6.990.000", "1990000", "18.000.000", "900.000.000", "900 000 000", "500000"]
        {
            check_text(spelling, expect!["-"]);
        }
        // With its 0 it is a number, however round.
        check_text("0900.000.000", expect!["e164 84900000000"]);
    }

    #[test]
    fn what_is_no_number_is_none() {
        for spelling in
            ["", " ", "+", "ooo", "Vietcombank", "0912", "0912345678, 0913", "091234567890", "0912•••678", "0892345678"]
        {
            check_text(spelling, expect!["-"]);
        }
        check_text("+224 622 12 34 56", expect!["e164 224622123456"]);
        check_text("224622123456", expect!["-"]);
    }

    /// What Google's library answered to an address in Vietnam; recorded by `tests/data/numbers.py`.
    struct Recorded {
        is_valid: bool,
        e164: String,
        kind: String,
    }

    fn recorded() -> HashMap<String, Recorded> {
        let mut rows = HashMap::new();
        for line in include_str!("../../tests/data/numbers.csv").lines().skip(1) {
            let [address, is_valid, e164, kind] = line.split(',').collect::<Vec<_>>()[..] else {
                panic!("four columns: {line}");
            };
            let row = Recorded { is_valid: is_valid == "1", e164: e164.to_owned(), kind: kind.to_owned() };
            rows.insert(address.to_owned(), row);
        }
        rows
    }

    /// What we must say, by Google's answer and our own rules: service numbers and short codes are not E.164, and an
    /// E.164 number has seven digits at least (Iran's `+98 9601` is reached from nowhere else).
    fn expected(address: &str, row: &Recorded) -> String {
        let is_service = row.e164.starts_with("84") && (row.kind == "toll_free" || row.kind == "premium");
        match row {
            _ if plan::is_short_code(address) => "national_short".to_owned(),
            row if row.is_valid && is_service => "national_short".to_owned(),
            row if row.is_valid && row.e164.len() > 6 => format!("e164 {}", row.e164),
            _ => "invalid".to_owned(),
        }
    }

    /// Numbers that we know and Google does not: the test must not hold their absence against us.
    fn is_our_correction(party: Party) -> bool {
        let digits = party.number.map_or(0, Number::reveal);
        matches!(digits, 84_690_000_000..=84_699_999_999 | 846_500_000_000..=846_599_999_999)
    }

    /// The natures under which an address means what it means to one who dials it in Vietnam.
    fn natures_as_dialled(address: &str) -> &'static [Nature] {
        let is_international = address.starts_with('+') || (address.starts_with("00") && !address.starts_with("000"));
        if is_international {
            &[Nature::Unknown, Nature::National, Nature::International]
        } else {
            &[Nature::Unknown, Nature::National]
        }
    }

    #[test]
    fn recorded_addresses_read_as_google_reads_them() {
        let (mut compared, mut corrected) = (0, 0);
        for (address, row) in &recorded() {
            for nature in natures_as_dialled(address) {
                let party = read(address, *nature).unwrap();
                if !row.is_valid && is_our_correction(party) {
                    corrected += 1;
                } else {
                    assert_eq!(shown(party), expected(address, row), "{address} {nature:?}");
                    compared += 1;
                }
            }
        }
        assert!(compared > 40_000 && corrected < 500, "compared {compared}, corrected {corrected}");
    }

    #[test]
    fn an_international_address_reads_as_google_reads_it_after_a_plus() {
        let rows = recorded();
        let mut compared = 0;
        for (address, row) in &rows {
            let Some(digits) = address.strip_prefix('+') else { continue };
            let party = read(digits, Nature::International).unwrap();
            let starts_with_exit_code = digits.starts_with("00");
            if starts_with_exit_code || is_our_correction(party) {
                continue;
            }
            // A bare short code is none here: its country code is missing.
            assert_eq!(shown(party), expected(address, row), "{digits}");
            compared += 1;
        }
        assert!(compared > 4_000, "compared {compared}");
    }

    #[test]
    fn what_google_holds_for_valid_is_read_in_a_text_too() {
        let mut compared = 0;
        for (address, row) in &recorded() {
            let is_brief = row.kind == "uan" && !address.starts_with(['0', '+']) && address.len() < 9;
            let is_read = row.is_valid && row.e164.len() > 6 && !is_brief;
            if !is_read {
                continue;
            }
            let party = read_in_text(address).unwrap_or_else(|| panic!("not read: {address}"));
            assert_eq!(shown(party), expected(address, row), "{address}");
            compared += 1;
        }
        assert!(compared > 5_000, "compared {compared}");
    }

    #[test]
    fn the_fast_path_answers_for_every_plain_mobile_and_as_google_does() {
        let mut answered = 0;
        for (address, row) in &recorded() {
            let is_plain = address.len() < 13 && !address.starts_with("00");
            let is_person = row.kind == "mobile"
                && row.e164.len() == 11
                && row.e164.starts_with("84")
                && !row.e164.starts_with("841");
            match read_plain_mobile(address, Nature::Unknown) {
                Some(number) => {
                    assert!(row.is_valid && row.kind == "mobile", "{address}");
                    assert_eq!(number.reveal().to_string(), row.e164, "{address}");
                    answered += 1;
                }
                None => assert!(!(is_plain && is_person), "{address} went the slow way"),
            }
        }
        assert!(answered > 3_000, "answered {answered}");
    }

    /// Digit strings near the forms of a Vietnamese number, so that most cases are worth their time.
    fn near_number() -> impl Strategy<Value = String> {
        ("(|\\+|0|84|\\+84|00|0084|840)", "[0-9]{1,4}", "[0-9]{3,7}")
            .prop_map(|(form, start, rest)| form + &start + &rest)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn the_fast_path_says_what_the_slow_path_says(address in near_number()) {
            for nature in DIALABLE {
                let fast = read_plain_mobile(&address, nature).filter(|_| nature != Nature::Short);
                if let Some(number) = fast {
                    prop_assert_eq!(read_dialable(&address, nature), Ok(Party::e164(number)));
                }
            }
        }

        #[test]
        fn a_mobile_form_is_answered_alike_by_both_paths(form in "(|0|84|\\+84)", national in "[35789][0-9]{8}") {
            let address = form + &national;
            let fast = read_plain_mobile(&address, Nature::Unknown).map(Party::e164);
            let slow = read_dialable(&address, Nature::Unknown).unwrap();
            prop_assert_eq!(fast, Some(slow).filter(|party| party.kind == PartyKind::E164));
        }

        #[test]
        fn any_text_is_read_without_a_panic_and_a_number_stands_for_e164_alone(text in "\\PC*") {
            for nature in DIALABLE {
                if let Ok(party) = read(&text, nature) {
                    prop_assert_eq!(party.number.is_some(), party.kind == PartyKind::E164);
                }
            }
            if let Some(party) = read_in_text(&text) {
                prop_assert!(matches!(party.kind, PartyKind::E164 | PartyKind::NationalShort));
            }
        }

        #[test]
        fn a_number_read_once_reads_the_same_from_its_digits(address in near_number()) {
            for nature in DIALABLE {
                let Ok(Party { number: Some(number), .. }) = read(&address, nature) else { continue };
                let again = read(&number.reveal().to_string(), Nature::International);
                prop_assert_eq!(again, Ok(Party::e164(number)));
            }
        }
    }
}
