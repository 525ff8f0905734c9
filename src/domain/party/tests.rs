//! Addresses and spellings by example, and all of them against what Google's library was recorded to say.

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
    for spelling in ["01621234567", "0162 123 4567", "+841621234567", "841621234567", "00841621234567", "1621234567"] {
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
    for spelling in ["10.000", "1oo", "6.990.000", "1990000", "18.000.000", "900.000.000", "900 000 000", "500000"] {
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
    for line in include_str!("../../../tests/data/numbers.csv").lines().skip(1) {
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
        let is_person =
            row.kind == "mobile" && row.e164.len() == 11 && row.e164.starts_with("84") && !row.e164.starts_with("841");
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
    ("(|\\+|0|84|\\+84|00|0084|840)", "[0-9]{1,4}", "[0-9]{3,7}").prop_map(|(form, start, rest)| form + &start + &rest)
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
