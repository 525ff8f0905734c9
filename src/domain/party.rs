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
    // What makes a digit the picture of a key.
    let is_dress = matches!(letter, '\u{FE0E}' | '\u{FE0F}' | '\u{20E3}');
    is_dash || is_mark || is_unseen || is_dress || letter.is_whitespace()
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
mod tests;
