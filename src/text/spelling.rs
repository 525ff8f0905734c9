//! Telephone numbers within a text, however they are spelled.
//!
//! In: a text. Out: each number with its place. Never: takes an amount, a date or an account for a number; reads a short
//! code, which in prose is an amount.

use super::letter::{closes, is_dash, is_part_of_letter, opens, plain};
use crate::domain::party::{self, PartyKind};
use crate::domain::report::Source;

/// Digits of a number that somebody can be called at: a service number has eight, E.164 fifteen with `00` before them.
const DIGITS: std::ops::RangeInclusive<usize> = 8..=17;
/// Digits of a Vietnamese number at most: with 84 and a 0 behind it, with a 0, and with neither.
const MOST_BY_COUNTRY: usize = 13;
const MOST_BY_TRUNK: usize = 11;
const MOST_BARE: usize = 10;
/// Digits on either side of a comma within a number, at least: `0,5` is half of something, `0900,0930,10` are times.
const FEWEST_OF_GROUP: usize = 3;
/// Zeros that no number begins with: 00 leads abroad, and there no code begins with another.
const ZEROS: usize = 3;
/// Characters between two groups of one number, at most.
const WIDEST_GAP: usize = 4;

/// A number and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spelled {
    pub(super) source: Source,
    pub(super) from: usize,
    pub(super) until: usize,
}

/// How a group of digits stands to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Link {
    /// Only what may stand inside a number lies between.
    Joined,
    /// A bracket opens or a dash stands between spaces: a new part, unless the number is not whole yet.
    Parted,
    /// Nothing but a comma: another number or a figure, unless the first group begins a number as one dials it.
    Comma,
    /// Something else lies between.
    Cut,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    from: usize,
    until: usize,
    digits: usize,
    has_zeros_alone: bool,
    link: Link,
}

/// Every number in a text, in its order.
pub(super) fn numbers(text: &str) -> Vec<Spelled> {
    numbers_by(text, number)
}

/// The same, where `number` says what a spelling is.
fn numbers_by(text: &str, mut number: impl FnMut(&str) -> Option<Source>) -> Vec<Spelled> {
    let groups = groups(text);
    let mut found = Vec::new();
    let mut rest = groups.as_slice();
    while !rest.is_empty() {
        let used = match longest(text, rest, &mut number) {
            Some((number, used)) => {
                found.push(number);
                used
            }
            None => 1,
        };
        rest = rest.get(used..).unwrap_or_default();
    }
    found
}

/// The number that the first groups spell, and how many they are. A group that is a number alone is one; otherwise as
/// many groups belong to it as make it a number.
fn longest(text: &str, groups: &[Group], number: &mut impl FnMut(&str) -> Option<Source>) -> Option<(Spelled, usize)> {
    let first = groups.first()?;
    if begins_later(groups) {
        return None;
    }
    let most = text.get(first.from..).map_or(0, most_digits);
    let has_commas = first.link != Link::Comma && is_prefix(text, first);
    let mut best = None;
    let mut digits = 0;
    for (at, group) in groups.iter().enumerate() {
        let is_apart = match group.link {
            Link::Joined => false,
            Link::Parted => best.is_some(),
            Link::Comma => !has_commas || group.digits < FEWEST_OF_GROUP,
            Link::Cut => true,
        };
        digits += group.digits;
        if (at > 0 && is_apart) || digits > most {
            break;
        }
        if !DIGITS.contains(&digits) {
            continue;
        }
        if let Some(source) = text.get(first.from..group.until).and_then(&mut *number) {
            best = Some((Spelled { source, from: first.from, until: group.until }, at + 1));
            if at == 0 {
                break;
            }
        }
    }
    best
}

/// Whether a group begins a number as one dials it, and no figure: `0912,345,678` has commas where `50,000,000` has.
fn is_prefix(text: &str, group: &Group) -> bool {
    let first = text.get(group.from..).and_then(|spelling| digits_of(spelling).next());
    first == Some('0') && group.digits >= FEWEST_OF_GROUP
}

/// Whether more zeros lead than any number has: a number among what follows is found from a later group on.
fn begins_later(groups: &[Group]) -> bool {
    let joined = groups.iter().enumerate().take_while(|(at, group)| *at == 0 || group.link == Link::Joined);
    let zeros = joined.map(|(_, group)| group).take_while(|group| group.has_zeros_alone);
    zeros.take(ZEROS).map(|group| group.digits).sum::<usize>() >= ZEROS
}

/// Digits that a number has at most that is spelled from here on, by its first ones. What is longer is none, and asking
/// costs far more than counting: a line of single digits would be asked for anew from each of them.
fn most_digits(spelling: &str) -> usize {
    match digits_of(spelling).take(4).collect::<Vec<_>>().as_slice() {
        ['+', ..] | ['0', '0', ..] | ['8', '4', '0', '0'] => *DIGITS.end(),
        ['8', '4', ..] => MOST_BY_COUNTRY,
        ['0', ..] => MOST_BY_TRUNK,
        _ => MOST_BARE,
    }
}

/// A subscriber's or a service's number; in prose a round figure without a prefix is an amount.
fn number(spelling: &str) -> Option<Source> {
    let is_comma = |letter: char| plain(letter) == ',';
    let joined = spelling.contains(is_comma).then(|| spelling.replace(is_comma, ""));
    let party = party::read_in_text(joined.as_deref().unwrap_or(spelling))?;
    match (party.kind, party.number) {
        (PartyKind::E164, Some(number)) => {
            let digits = dialled(spelling);
            let is_amount = digits.ends_with("000") && !digits.starts_with(['0', '+']) && !digits.starts_with("84");
            (!is_amount).then_some(Source::Number(number))
        }
        (PartyKind::NationalShort, _) => Some(Source::Short(as_dialled_here(&dialled(spelling)))),
        _ => None,
    }
}

/// A short code or service number, where a party is expected and nothing else.
pub(super) fn short(spelling: &str) -> Option<Source> {
    let spelling = spelling.trim_matches(|letter: char| letter.is_whitespace() || is_part_of_letter(letter));
    let party = party::read_in_text(spelling)?;
    let is_short = party.kind == PartyKind::NationalShort;
    is_short.then(|| Source::Short(as_dialled_here(&dialled(spelling))))
}

/// The digits of a spelling that `party` has read, with their plus.
pub(super) fn dialled(spelling: &str) -> String {
    digits_of(spelling).collect()
}

fn digits_of(spelling: &str) -> impl Iterator<Item = char> {
    spelling.chars().filter_map(|letter| match plain(letter) {
        digit @ ('0'..='9' | '+') => Some(digit),
        _ if is_zero(letter) => Some('0'),
        _ => None,
    })
}

/// A service number without a country code: nobody dials one.
fn as_dialled_here(digits: &str) -> String {
    let national = ["+84", "0084", "84"].iter().find_map(|code| digits.strip_prefix(code));
    national.filter(|national| national.len() >= *DIGITS.start()).unwrap_or(digits).to_owned()
}

/// An O written for 0, Latin, Cyrillic or Greek.
fn is_zero(letter: char) -> bool {
    matches!(letter, 'O' | 'o' | 'О' | 'о')
}

/// The groups of digits, an O among or beside digits being one.
fn groups(text: &str) -> Vec<Group> {
    let mut scan = Scan::default();
    for (at, letter) in text.char_indices() {
        if !is_part_of_letter(letter) {
            scan.take(at, letter);
        }
    }
    scan.close(text.len(), false);
    scan.groups
}

#[derive(Default)]
struct Scan {
    groups: Vec<Group>,
    open: Option<Group>,
    /// Where an O or a plus stands that the next digit may belong to.
    lead: Option<(usize, usize)>,
    /// Zeros behind the open group that are letters if a letter follows.
    zeros: usize,
    gap: Gap,
    follows_letter: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Gap {
    has_open: bool,
    has_dash: bool,
    has_space: bool,
    has_comma: bool,
    /// Characters of it; more than there can be where one of them never stands in a number.
    width: usize,
}

impl Gap {
    const CUT: Gap =
        Gap { has_open: false, has_dash: false, has_space: false, has_comma: false, width: WIDEST_GAP + 1 };

    fn link(self) -> Link {
        match self {
            gap if gap.width > WIDEST_GAP => Link::Cut,
            gap if gap.has_comma && gap.width == 1 => Link::Comma,
            gap if gap.has_comma => Link::Cut,
            gap if gap.has_open || (gap.has_dash && gap.has_space) => Link::Parted,
            _ => Link::Joined,
        }
    }
}

impl Scan {
    fn take(&mut self, at: usize, letter: char) {
        if plain(letter).is_ascii_digit() {
            self.digit(at, letter);
        } else if is_zero(letter) && (self.open.is_some() || !self.follows_letter) {
            self.zero(at);
        } else {
            self.other(at, letter);
        }
        self.follows_letter = letter.is_alphabetic() && (!is_zero(letter) || self.follows_letter);
    }

    fn digit(&mut self, at: usize, letter: char) {
        let until = at + letter.len_utf8();
        let is_zero = plain(letter) == '0';
        if let Some(group) = &mut self.open {
            group.until = until;
            group.digits += 1 + std::mem::take(&mut self.zeros);
            group.has_zeros_alone &= is_zero;
            return;
        }
        let has_plus = matches!(self.lead, Some((_, 0)));
        let (from, zeros) = self.lead.take().unwrap_or((at, 0));
        let has_zeros_alone = is_zero && !has_plus;
        self.open = Some(Group { from, until, digits: 1 + zeros, has_zeros_alone, link: self.gap.link() });
    }

    fn zero(&mut self, at: usize) {
        match (self.open.is_some(), self.lead) {
            (true, _) => self.zeros += 1,
            (false, Some((from, zeros))) => self.lead = Some((from, zeros + 1)),
            (false, None) => self.lead = Some((at, 1)),
        }
    }

    fn other(&mut self, at: usize, letter: char) {
        self.close(at, letter.is_alphabetic());
        let plain = plain(letter);
        if plain == '+' {
            self.lead = Some((at, 0));
            self.gap = Gap::CUT;
            return;
        }
        let gap = &mut self.gap;
        gap.width += 1;
        gap.has_open |= opens(letter);
        gap.has_dash |= is_dash(letter);
        gap.has_space |= letter.is_whitespace();
        gap.has_comma |= plain == ',';
        // A lone O between groups is a word.
        let is_joint =
            matches!(plain, '.' | ',' | '(' | ')') || is_dash(letter) || letter.is_whitespace() || closes(letter);
        let has_lead = self.lead.take().is_some();
        if !is_joint || has_lead {
            *gap = Gap::CUT;
        }
    }

    /// Ends the open group before `at`.
    fn close(&mut self, at: usize, before_letter: bool) {
        let zeros = std::mem::take(&mut self.zeros);
        let Some(mut group) = self.open.take() else { return };
        if zeros > 0 && !before_letter {
            group.until = at;
            group.digits += zeros;
        }
        self.groups.push(group);
        self.gap = if zeros > 0 && before_letter { Gap::CUT } else { Gap::default() };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let mut shown = Vec::new();
        for Spelled { source, from, until } in numbers(text) {
            let digits = match source {
                Source::Number(number) => number.reveal().to_string(),
                Source::Short(digits) => digits,
                other => panic!("{other:?}"),
            };
            shown.push(format!("{digits}={}", &text[from..until]));
        }
        assert_eq!(shown.join(" "), expected, "{text}");
    }

    #[test]
    fn a_number_is_found_in_every_spelling() {
        check("so 0912345678.", "84912345678=0912345678");
        check("0912.345.678", "84912345678=0912.345.678");
        check("0912 345 678 moi", "84912345678=0912 345 678");
        check("091-234-5678", "84912345678=091-234-5678");
        check("0912,345,678", "84912345678=0912,345,678");
        check("091，234，5678", "84912345678=091，234，5678");
        check("0 9 1 2 3 4 5 6 7 8", "84912345678=0 9 1 2 3 4 5 6 7 8");
        check("+84912345678", "84912345678=+84912345678");
        check("(+84)912345678", "84912345678=+84)912345678");
        check("+84 (0) 912 345 678", "84912345678=+84 (0) 912 345 678");
        check("0084912345678", "84912345678=0084912345678");
        check("84 0912345678", "84912345678=84 0912345678");
        check("0１2345", "");
        check("０９１２３４５６７８", "84912345678=０９１２３４５６７８");
        check("sdt0912345678goi", "84912345678=0912345678");
        check("09\u{200b}12345678", "84912345678=09\u{200b}12345678");
        let keys = "0912345678".chars().map(|digit| format!("{digit}\u{fe0f}\u{20e3}")).collect::<String>();
        assert_eq!(numbers(&keys).len(), 1, "{keys}");
        check("01621234567", "84321234567=01621234567");
        check("2899981545", "842899981545=2899981545");
        check("(028) 9998 1545 a", "842899981545=028) 9998 1545");
        check("+224 622 12 34 56", "224622123456=+224 622 12 34 56");
        check("1900 1234 56", "1900123456=1900 1234 56");
        check("+84 19001234", "19001234=+84 19001234");
    }

    #[test]
    fn an_o_is_a_zero_beside_digits_and_not_in_a_word() {
        check("O912345678", "84912345678=O912345678");
        check("09l2 o912345678", "84912345678=o912345678");
        check("o9123456OO a", "84912345600=o9123456OO");
        check("so0912345678", "84912345678=0912345678");
        check("0912345678 o Ha Noi", "84912345678=0912345678");
        check("0912345678ong ta", "84912345678=0912345678");
    }

    #[test]
    fn what_stands_beside_a_number_is_not_in_it() {
        check("0912345678 50 trieu", "84912345678=0912345678");
        check("0912 345 678 50 trieu", "84912345678=0912 345 678");
        check("ngay 12 0912345678", "84912345678=0912345678");
        check("goi 3 lan 0912345678 0913456789", "84912345678=0912345678 84913456789=0913456789");
        check("(0912345678)(0913456789)", "84912345678=0912345678 84913456789=0913456789");
        check("19001234 - 56 lan", "19001234=19001234");
        check("(19001234)(56 lan)", "19001234=19001234");
        check("0912345678/0913456789", "84912345678=0912345678 84913456789=0913456789");
        check("0912345678,0913456789", "84912345678=0912345678 84913456789=0913456789");
        check("0912,345,678, 0913,456,789", "84912345678=0912,345,678 84913456789=0913,456,789");
        check("50,091,234,567 1 lan", "");
        check("0,5 trieu, 0912345678", "84912345678=0912345678");
        check("091234567,8 lan", "");
        check("0900,0930,10h", "");
    }

    #[test]
    fn zeros_that_stand_apart_lead_no_number_and_hide_none() {
        check("0 0 0 0912345678", "84912345678=0912345678");
        check("0 0 84 912345678", "84912345678=0 0 84 912345678");
        check("000 0912345678", "84912345678=0912345678");
        check("0 0 0 9 1 2 3 4 5 6 7 8", "84912345678=0 9 1 2 3 4 5 6 7 8");
    }

    /// How often a text makes somebody look a number up.
    fn lookups(text: &str) -> usize {
        let mut lookups = 0;
        numbers_by(text, |spelling| {
            lookups += 1;
            number(spelling)
        });
        lookups
    }

    #[test]
    fn a_long_line_of_digits_is_looked_up_a_few_times_for_each() {
        const GROUPS: usize = 4_000;
        assert!(lookups(&"0 ".repeat(GROUPS)) < 20, "{} for zeros", lookups(&"0 ".repeat(GROUPS)));
        for (groups, most) in [("1 ", 3), ("9 ", 3), ("0 1 ", 4), ("8 4 ", 5), ("1 2 3 4 5 6 7 8 9 ", 3)] {
            let count = groups.split_whitespace().count();
            let found = lookups(&groups.repeat(GROUPS / count));
            assert!(found <= most * GROUPS, "{found} for {groups:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_longer_than_any_number_is_none(lead in "(0|84|840|)", rest in "[0-9]{7,15}") {
            let spelling = format!("{lead}{rest}");
            if spelling.len() > most_digits(&spelling) {
                prop_assert_eq!(number(&spelling), None);
            }
        }
    }

    #[test]
    fn amounts_dates_and_accounts_are_no_numbers() {
        for text in [
            "50.000.000 dong",
            "350000000d",
            "1.900.000.000",
            "2 100 000 000",
            "912,345,678 dong",
            "0,912,345,678",
            "0912, 345, 678",
            "12/10/2024",
            "12102024",
            "2024-10-12 08:30",
            "stk 19034567890123",
            "156",
            "8088",
            "9h30",
            "ooo",
            "+",
            "",
        ] {
            check(text, "");
        }
    }
}
