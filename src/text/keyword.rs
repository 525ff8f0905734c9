//! The first word of a message, which says what it is for.
//!
//! In: a message. Out: its order, and what stands behind. Never: takes the first letter of a longer word for an order
//! ("Vui lòng"), nor that of an abbreviation ("V.I.P", "v/v", "S23").

use super::letter::{bare, closes, is_dash, is_part_of_letter, opens, plain};
use crate::domain::report::Kind;

/// Letters of the longest order.
const LONGEST: usize = 6;
/// Digits that somebody can be called at, at least: `S8088` names a sender, `S23` a telephone.
const FEWEST_DIGITS: usize = 3;

/// What a message is for, and what stands behind the word that says so; none for another beginning.
pub(super) fn first(text: &str) -> Option<(Kind, &str)> {
    let text = text.trim_start_matches(is_before);
    let (word, rest) = word(text);
    let kind = match word.as_str() {
        "v" if ends_a_letter(rest) => Kind::SpamCall,
        "s" if ends_a_letter(rest) => Kind::SpamSms,
        "ld" => Kind::ScamCall,
        "tctm" if ends(rest) => Kind::DomainLookup,
        "fw" if ends(rest) => Kind::AdCopy,
        "dkdnc" if ends(rest) => Kind::DncRegister,
        "huydnc" if ends(rest) => Kind::DncCancel,
        "dk" => return do_not_call(rest, Kind::DncRegister),
        "huy" => return do_not_call(rest, Kind::DncCancel),
        _ => return None,
    };
    Some((kind, rest))
}

fn do_not_call(rest: &str, kind: Kind) -> Option<(Kind, &str)> {
    let joint = |letter: char| letter.is_whitespace() || is_part_of_letter(letter) || matches!(letter, '_' | '-' | '.');
    let (word, rest) = word(rest.trim_start_matches(joint));
    (word == "dnc" && ends(rest)).then_some((kind, rest))
}

/// What may stand before the first word: quotes, bullets, brackets, smileys.
fn is_before(letter: char) -> bool {
    !letter.is_alphanumeric() && letter != '+'
}

/// The letters that a text begins with, bare, and what follows; cut where no order is so long.
fn word(text: &str) -> (String, &str) {
    let mut word = String::with_capacity(LONGEST + 1);
    for (at, letter) in text.char_indices() {
        if is_part_of_letter(letter) {
            continue;
        }
        if !letter.is_alphabetic() || word.len() > LONGEST {
            return (word, text.split_at(at).1);
        }
        word.push(bare(letter));
    }
    (word, "")
}

fn ends(rest: &str) -> bool {
    !rest.starts_with(char::is_alphanumeric)
}

/// Whether a single letter is a word by what follows it.
fn ends_a_letter(rest: &str) -> bool {
    let mut letters = rest.chars().filter(|letter| !is_part_of_letter(*letter)).map(plain);
    let Some(next) = letters.next() else { return true };
    let is_mark = matches!(next, ':' | ',' | ';' | '.' | '=' | '_' | '*' | '"') || is_dash(next);
    if next.is_ascii_digit() {
        let more = letters.take_while(|letter| letter.is_ascii_digit() || matches!(letter, 'O' | 'o' | '.' | ' '));
        return 1 + more.filter(|letter| !matches!(letter, '.' | ' ')).count() >= FEWEST_DIGITS;
    }
    let behind = letters.clone().find(|letter| !letter.is_whitespace());
    let is_before_number = !next.is_alphanumeric() && behind.is_some_and(|letter| letter.is_ascii_digit());
    let is_abbreviation =
        is_mark && letters.next().is_some_and(char::is_alphabetic) && !letters.next().is_some_and(char::is_alphabetic);
    let is_delimiter = is_mark || next == '+' || next.is_whitespace() || opens(next) || closes(next);
    is_before_number || (is_delimiter && !is_abbreviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = first(text).map_or("-".to_owned(), |(kind, rest)| format!("{}|{rest}", kind.as_str()));
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn an_order_is_read_in_any_case_and_dress() {
        check("V [1]", "spam_call| [1]");
        check("s(1)", "spam_sms|(1)");
        check("lđ 1", "scam_call| 1");
        check("LÐ.1", "scam_call|.1");
        check("ld0912", "scam_call|0912");
        check("ＬＤ（1）", "scam_call|（1）");
        check("\u{feff}L\u{200b}D: 1", "scam_call|: 1");
        check("\"V\" 1", "spam_call|\" 1");
        check("[V] 1", "spam_call|] 1");
        check("tctm a.vn", "domain_lookup| a.vn");
        check("FW [a]", "ad_copy| [a]");
    }

    #[test]
    fn the_register_has_two_words() {
        check("DK DNC", "dnc_register|");
        check("đk_dnc_s", "dnc_register|_s");
        check("DKDNC V", "dnc_register| V");
        check("Hu\u{309}y  DNC v", "dnc_cancel| v");
        check("huỷ dnc", "dnc_cancel|");
        check("DK 4G", "-");
        check("DK DNCX", "-");
        check("HUY", "-");
    }

    #[test]
    fn a_letter_is_an_order_only_when_it_is_a_word() {
        for text in ["Vui lòng", "Vu\u{300}a", "Sao", "V.I.P 1", "v/v", "S23 ultra", "V-A", "S'il", "Viettel", "VV 1"]
        {
            check(text, "-");
        }
        check("V0912345678", "spam_call|0912345678");
        check("S8088 a", "spam_sms|8088 a");
        check("V/0912", "spam_call|/0912");
        check("V+84912", "spam_call|+84912");
        check("V.Shopee", "spam_call|.Shopee");
        check("V", "spam_call|");
    }

    #[test]
    fn other_services_words_are_none() {
        for text in ["TC", "TC1", "TTTB", "YCCM 1", "TCTMX", "LDAP", "LDP 1", "FWD a", "156", "", "…", "0912345678 V"]
        {
            check(text, "-");
        }
    }
}
