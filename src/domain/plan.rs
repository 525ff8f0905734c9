//! Facts of the Vietnamese numbering plan that no library knows, or knows wrongly.
//!
//! In: digits and numbers. Out: what the plan says of them: special, service, mobile, who holds the range.
//! Never: names a number's carrier (numbers are ported; a table says who serves one); guesses an unallocated range.

use crate::domain::number::Number;

/// Emergency, the reporting codes and the carriers' own services; Google's metadata knows 113, 114 and 115 alone.
const SPECIAL: &[&str] = &[
    "111",  // child protection
    "112",  // search and rescue
    "113",  // police
    "114",  // fire
    "115",  // ambulance
    "156",  // citizens' reports, domain look-up
    "5656", // citizens' reports, do-not-call register
    "1414", // a subscriber's own registration
    "1441", // number porting
    "198", "199", "9090", "18001091", // customer care
];

/// Service numbers, dialled without the trunk 0: 1800 is free, 1900 is paid for, the rest is free on fixed lines.
const SERVICE_STARTS: &[u64] = &[1800, 1900, 1201, 1203, 1228];

/// 2018: eleven-digit mobiles became ten-digit ones and kept their last seven digits (decision 798/QĐ-BTTTT).
/// Old and new start, without the trunk 0.
const MIGRATION: &[(u64, u64)] = &[
    (120, 70),
    (121, 79),
    (122, 77),
    (123, 83),
    (124, 84),
    (125, 85),
    (126, 76),
    (127, 81),
    (128, 78),
    (129, 82),
    (162, 32),
    (163, 33),
    (164, 34),
    (165, 35),
    (166, 36),
    (167, 37),
    (168, 38),
    (169, 39),
    (186, 56),
    (188, 58),
    (199, 59),
];

/// Digits that follow the first three of a nine-digit national number, as a power of ten.
const AFTER_THREE: u64 = 1_000_000;
/// Digits that a migrated number keeps, as a power of ten.
const KEPT_SEVEN: u64 = 10_000_000;

/// One row of the mobile plan: three-digit starts (without the trunk 0), and to whom they were given.
struct Range {
    first: u16,
    last: u16,
    holder: Option<&'static str>,
}

const fn range(first: u16, last: u16, holder: &'static str) -> Range {
    Range { first, last, holder: Some(holder) }
}

const fn unheld(first: u16, last: u16) -> Range {
    Range { first, last, holder: None }
}

/// Valid nine-digit mobile numbers, by their start; a start that stands in no row is not allocated.
const MOBILE: &[Range] = &[
    range(300, 309, "MobiFone"),
    range(310, 399, "Viettel"),
    range(510, 519, "MobiFone"),
    range(522, 523, "Vietnamobile"),
    range(528, 528, "Vietnamobile"),
    range(559, 559, "Wintel"),
    range(560, 569, "Vietnamobile"),
    range(580, 589, "Vietnamobile"),
    range(590, 599, "Gmobile"),
    range(700, 709, "MobiFone"),
    range(760, 799, "MobiFone"),
    range(810, 859, "VinaPhone"),
    range(860, 869, "Viettel"),
    range(870, 879, "iTel"), // Google's metadata calls it by its host, VinaPhone
    range(880, 889, "VinaPhone"),
    range(896, 899, "MobiFone"),
    range(900, 909, "MobiFone"),
    range(910, 919, "VinaPhone"),
    range(920, 929, "Vietnamobile"),
    range(930, 939, "MobiFone"),
    range(940, 949, "VinaPhone"),
    unheld(950, 959), // once SFone; still valid by its pattern
    range(960, 989, "Viettel"),
    unheld(990, 991),
    range(993, 997, "Gmobile"),
    range(998, 999, "Indochina Telecom"),
];

/// What the plan says that a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberType {
    /// A person's mobile.
    Mobile,
    /// A machine's SIM.
    Machine,
    /// A fixed line.
    Fixed,
    /// Internet telephony and satellite terminals.
    Internet,
    /// Police and army.
    Special,
    /// As long as a mobile number, in a range that nobody holds.
    Unallocated,
    /// Vietnamese, and none of these.
    Other,
    /// Another country's.
    Foreign,
}

impl NumberType {
    /// The word that SQL gets.
    pub fn as_str(self) -> &'static str {
        match self {
            NumberType::Mobile => "mobile",
            NumberType::Machine => "machine",
            NumberType::Fixed => "fixed",
            NumberType::Internet => "internet",
            NumberType::Special => "special",
            NumberType::Unallocated => "unallocated",
            NumberType::Other => "other",
            NumberType::Foreign => "foreign",
        }
    }
}

/// Row of `MOBILE` plus one for every three-digit start; 0 where there is none.
static MOBILE_ROW: [u8; 1000] = mobile_rows();

#[expect(clippy::cast_possible_truncation, reason = "the table has far fewer than 255 rows")]
const fn mobile_rows() -> [u8; 1000] {
    let mut rows = [0; 1000];
    let mut row = 0;
    while row < MOBILE.len() {
        let mut start = MOBILE[row].first;
        while start <= MOBILE[row].last {
            rows[start as usize] = row as u8 + 1;
            start += 1;
        }
        row += 1;
    }
    rows
}

/// Whether no verdict may ever touch this address: emergency, 156 and 5656, carrier care, and 069 (police and army).
///
/// `address` is dialled digits (`113`, `0692345678`) or begins with `+84` or `0084`. Bare `84…` is not understood here,
/// since `846912345` is also a subscriber's number of nine digits: ask [`is_special_number`] of a [`Number`].
pub fn is_special(address: &str) -> bool {
    let international = address.strip_prefix("+84").or_else(|| address.strip_prefix("0084"));
    let is_listed = SPECIAL.contains(&international.unwrap_or(address));
    let national = international.or_else(|| address.strip_prefix('0'));
    is_listed || national.is_some_and(is_police_or_army)
}

/// Whether no verdict may ever touch this number: 069 (police and army).
pub fn is_special_number(number: Number) -> bool {
    number_type(number) == NumberType::Special
}

/// What a number is by its digits alone; whether anybody has it is not known here.
pub fn number_type(number: Number) -> NumberType {
    match number.reveal() {
        846_900_000..=846_999_999 | 8_469_000_000..=8_469_999_999 | 84_690_000_000..=84_699_999_999 => {
            NumberType::Special
        }
        842_000_000_000..=842_999_999_999 => NumberType::Fixed,
        // 065 with eight more digits, 0672 with six.
        846_500_000_000..=846_599_999_999 | 84_672_000_000..=84_672_999_999 => NumberType::Internet,
        _ if number.is_vietnamese() => type_by_range(number),
        _ => NumberType::Foreign,
    }
}

fn type_by_range(number: Number) -> NumberType {
    let Some(national) = vietnamese_nine(number).filter(|national| !is_service(*national)) else {
        return NumberType::Other;
    };
    match (range_holder(number), is_mobile(national)) {
        (None, _) => NumberType::Unallocated,
        (Some(_), true) => NumberType::Mobile,
        (Some(_), false) => NumberType::Machine,
    }
}

fn is_police_or_army(national: &str) -> bool {
    let is_digits = national.bytes().all(|byte| byte.is_ascii_digit());
    is_digits && national.starts_with("69") && (7..=9).contains(&national.len())
}

/// Whether a national number is in use although Google's metadata refuses it.
///
/// 069 with seven more digits (police and army; the metadata stops at six), 065 with eight (Internet telephony).
pub fn is_unknown_to_library(national: u64) -> bool {
    matches!(national, 690_000_000..=699_999_999 | 6_500_000_000..=6_599_999_999)
}

/// To whom the range of a mobile number was given. The allocation's holder, **not** the carrier: numbers are ported.
///
/// None for fixed lines (their ranges are shared by exchange), foreign numbers and ranges nobody holds.
pub fn range_holder(number: Number) -> Option<&'static str> {
    let national = vietnamese_nine(number)?;
    match national / (AFTER_THREE / 10) {
        1210..=1213 => return Some("MobiFone"), // machines
        1600..=1609 => return Some("Viettel"),  // machines
        _ => {}
    }
    let row = mobile_row(national)?;
    MOBILE[row].holder
}

/// Whether nine national digits are a person's mobile number (machines' numbers, 1x, are not asked here).
pub fn is_mobile(national: u64) -> bool {
    mobile_row(national).is_some()
}

fn mobile_row(national: u64) -> Option<usize> {
    let start = usize::try_from(national / AFTER_THREE).ok()?;
    match MOBILE_ROW.get(start) {
        None | Some(0) => None,
        Some(row) => Some(usize::from(*row) - 1),
    }
}

/// The national part of a Vietnamese number that has nine digits there.
fn vietnamese_nine(number: Number) -> Option<u64> {
    let nine_digits_of_84 = 84_000_000_000..=84_999_999_999;
    let digits = number.reveal();
    if !nine_digits_of_84.contains(&digits) {
        return None;
    }
    u64::try_from(digits - nine_digits_of_84.start()).ok()
}

/// Whether a *valid* national number is a service number (1800, 1900 and like ones): never E.164 with us, so that
/// `1900…` cannot read as +1 900.
pub fn is_service(national: u64) -> bool {
    let eight_to_ten_digits = 10_000_000..=9_999_999_999;
    let mut start = national;
    while start > 9_999 {
        start /= 10;
    }
    eight_to_ten_digits.contains(&national) && SERVICE_STARTS.contains(&start)
}

/// Whether dialled digits have the shape of a short code: three to five, the first not 0.
///
/// By shape, since the carriers publish no list of their codes; nothing else that is dialled is so short.
pub fn is_short_code(digits: &str) -> bool {
    let is_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_digits && (3..=5).contains(&digits.len()) && !digits.starts_with('0')
}

/// Today's nine digits of an eleven-digit mobile from before 2018, both without the trunk 0.
///
/// For citizens' texts alone: in a record such a number belongs to nobody and must not be laid on a living subscriber.
pub fn migrated(national: u64) -> Option<u64> {
    for (old, new) in MIGRATION {
        if national / KEPT_SEVEN == *old {
            return Some(new * KEPT_SEVEN + national % KEPT_SEVEN);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[track_caller]
    fn check(digits: i64, expect: Expect) {
        let number = Number::from_e164(digits).unwrap();
        expect.assert_eq(range_holder(number).unwrap_or("-"));
    }

    #[test]
    fn a_range_has_its_holder() {
        check(84_912_345_678, expect!["VinaPhone"]);
        check(84_841_234_567, expect!["VinaPhone"]);
        check(84_982_345_678, expect!["Viettel"]);
        check(84_312_345_678, expect!["Viettel"]);
        check(84_302_345_678, expect!["MobiFone"]);
        check(84_897_345_678, expect!["MobiFone"]);
        check(84_528_345_678, expect!["Vietnamobile"]);
        check(84_592_345_678, expect!["Gmobile"]);
        check(84_998_345_678, expect!["Indochina Telecom"]);
    }

    #[test]
    fn a_tenant_brand_is_not_called_by_its_host() {
        check(84_872_345_678, expect!["iTel"]);
        check(84_559_345_678, expect!["Wintel"]);
    }

    #[test]
    fn machines_have_ranges_of_their_own() {
        check(84_121_345_678, expect!["MobiFone"]);
        check(84_121_445_678, expect!["-"]);
        check(84_160_345_678, expect!["Viettel"]);
    }

    #[test]
    fn nobody_holds_a_fixed_line_a_foreign_number_or_an_unallocated_range() {
        check(842_435_678_901, expect!["-"]);
        check(14_155_552_671, expect!["-"]);
        check(84_892_345_678, expect!["-"]);
        check(84_952_345_678, expect!["-"]);
        check(84_990_345_678, expect!["-"]);
        check(8_491_234_567, expect!["-"]);
    }

    #[track_caller]
    fn check_type(digits: i64, expect: Expect) {
        expect.assert_eq(number_type(Number::from_e164(digits).unwrap()).as_str());
    }

    #[test]
    fn a_number_has_its_type() {
        check_type(84_912_345_678, expect!["mobile"]);
        check_type(84_121_345_678, expect!["machine"]);
        check_type(842_435_678_901, expect!["fixed"]);
        check_type(846_512_345_678, expect!["internet"]);
        check_type(84_672_345_678, expect!["internet"]);
        check_type(846_912_345, expect!["special"]);
        check_type(8_469_123_456, expect!["special"]);
        check_type(84_190_012_345, expect!["other"]);
        check_type(847_991_234, expect!["other"]);
        check_type(14_155_552_671, expect!["foreign"]);
        check_type(8_521_234_567, expect!["foreign"]);
    }

    #[test]
    fn what_nobody_holds_is_unallocated_though_its_pattern_is_valid() {
        check_type(84_952_345_678, expect!["unallocated"]);
        check_type(84_990_345_678, expect!["unallocated"]);
        check_type(84_892_345_678, expect!["unallocated"]);
        check_type(84_121_445_678, expect!["unallocated"]);
    }

    #[test]
    fn rows_of_the_mobile_plan_stand_in_order_and_do_not_overlap() {
        for pair in MOBILE.windows(2) {
            assert!(pair[0].first <= pair[0].last && pair[0].last < pair[1].first);
        }
    }

    #[test]
    fn emergency_and_reporting_codes_are_special() {
        for address in ["111", "112", "113", "114", "115", "156", "5656", "18001091", "+84113", "0084156"] {
            assert!(is_special(address), "{address}");
        }
        for address in ["", "0", "110", "1566", "565", "8088", "19001234", "84113", "0113", "0912345678", "+84"] {
            assert!(!is_special(address), "{address}");
        }
    }

    #[test]
    fn police_and_army_lines_are_special_in_every_form_that_is_not_another_number() {
        for address in ["06923456", "069234567", "0692345678", "+84692345678", "008469234567"] {
            assert!(is_special(address), "{address}");
        }
        // Bare, these nine digits are 084 691 2345, a VinaPhone subscriber.
        for address in ["846912345", "0692345", "06923456789", "069234567x"] {
            assert!(!is_special(address), "{address}");
        }
    }

    #[test]
    fn the_number_of_a_police_line_is_special_and_its_mobile_neighbour_is_not() {
        for (digits, is_special) in [
            (846_912_345, true),
            (8_469_123_456, true),
            (84_691_234_567, true),
            (84_846_912_345, false),
            (84_912_345_678, false),
        ] {
            assert_eq!(is_special_number(Number::from_e164(digits).unwrap()), is_special, "{digits}");
        }
    }

    #[test]
    fn service_numbers_have_eight_to_ten_digits() {
        for (national, expected) in [
            (18_001_091, true),
            (190_012_345, true),
            (1_900_123_456, true),
            (12_011_234, true),
            (1_900_123, false),
            (19_001_234_567, false),
            (912_345_678, false),
        ] {
            assert_eq!(is_service(national), expected, "{national}");
        }
    }

    #[test]
    fn the_migration_keeps_seven_digits_and_ends_in_a_mobile_range() {
        assert_eq!(migrated(1_201_234_567), Some(701_234_567));
        assert_eq!(migrated(1_241_234_567), Some(841_234_567));
        assert_eq!(migrated(1_691_234_567), Some(391_234_567));
        assert_eq!(migrated(1_991_234_567), Some(591_234_567));
        for national in [912_345_678, 1_301_234_567, 120_123_456, 12_012_345_678, 0] {
            assert_eq!(migrated(national), None, "{national}");
        }
        for (old, _) in MIGRATION {
            assert!(migrated(old * KEPT_SEVEN).is_some_and(is_mobile), "{old}");
        }
    }
}
