//! The first word of a message, which says what it is for.
//!
//! In: a message. Out: its order, and what stands behind. Never: takes the first letter of a longer word for an order
//! ("Vui lòng"), nor that of an abbreviation ("V.I.P", "v/v", "S23").

use super::letter::{bare, closes, is_dash, is_part_of_letter, opens, plain};
use super::{entity, sender, spelling};
use crate::domain::report::Kind;

/// The order that asks for a domain.
const LOOKUP: &str = "tctm";
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
        "l" => return scam(rest),
        LOOKUP if ends(rest) => Kind::DomainLookup,
        "fw" if ends(rest) => Kind::AdCopy,
        "dkdnc" if ends(rest) => Kind::DncRegister,
        "huydnc" if ends(rest) => Kind::DncCancel,
        "dk" => return do_not_call(rest, Kind::DncRegister),
        "huy" => return do_not_call(rest, Kind::DncCancel),
        _ => return lookup(text).or_else(|| zeroed(text)),
    };
    Some((kind, rest))
}

/// `DK DNC`, `DK (DNC)` behind the `DK`.
fn do_not_call(rest: &str, kind: Kind) -> Option<(Kind, &str)> {
    let (word, rest) = word(rest.trim_start_matches(|letter: char| is_joint(letter) || opens(letter)));
    (word == "dnc" && ends(rest)).then_some((kind, rest))
}

/// `L.D 0912345678`, `L Đ (0912345678)` behind the `L`. Only before a number: `L. D. Nguyen` is somebody.
fn scam(rest: &str) -> Option<(Kind, &str)> {
    let (word, rest) = word(rest.trim_start_matches(is_joint));
    let first = spelling::numbers(rest).into_iter().next()?;
    let is_first = rest.get(..first.from).is_some_and(sender::is_label);
    (word == "d" && is_first).then_some((Kind::ScamCall, rest))
}

/// `TCTMexample.vn`: a domain right behind the order. `TCTMA example.vn` is another word.
fn lookup(text: &str) -> Option<(Kind, &str)> {
    let rest = behind(text, LOOKUP)?;
    entity::begins_with_link(rest).then_some((Kind::DomainLookup, rest))
}

/// `VO912345678`: an O for the first 0 of a number right behind the order. `SO912345678` is `so 912345678` as well.
fn zeroed(text: &str) -> Option<(Kind, &str)> {
    let orders = [("v", Kind::SpamCall), ("ld", Kind::ScamCall)];
    let mut found = orders.into_iter().filter_map(|(order, kind)| Some((kind, behind(text, order)?)));
    found.find(|(_, rest)| spelling::numbers(rest).first().is_some_and(|first| first.from == 0))
}

/// What stands right behind the letters of an order.
fn behind<'a>(text: &'a str, order: &str) -> Option<&'a str> {
    let mut letters = text.char_indices().filter(|(_, letter)| !is_part_of_letter(*letter));
    let is_order = order.chars().all(|wanted| letters.next().is_some_and(|(_, letter)| bare(letter) == wanted));
    let (at, _) = letters.next().filter(|_| is_order)?;
    text.get(at..)
}

/// What may stand between the letters and words of an order.
fn is_joint(letter: char) -> bool {
    letter.is_whitespace() || is_part_of_letter(letter) || is_dash(letter) || matches!(letter, '_' | '.')
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
        check("L.D 0912345678", "scam_call| 0912345678");
        check("l đ: [0912345678]", "scam_call|: [0912345678]");
        check("L-D-0912.345.678", "scam_call|-0912.345.678");
        check("VO912345678", "spam_call|O912345678");
        check("lđo912.345.678 a", "scam_call|o912.345.678 a");
        check("TCTMa.vn", "domain_lookup|a.vn");
        check("tctmhttps://a.vn/b c", "domain_lookup|https://a.vn/b c");
    }

    #[test]
    fn the_register_has_two_words() {
        check("DK DNC", "dnc_register|");
        check("đk_dnc_s", "dnc_register|_s");
        check("DKDNC V", "dnc_register| V");
        check("DK (DNC)", "dnc_register|)");
        check("HUY [DNC] [S]", "dnc_cancel|] [S]");
        check("Hu\u{309}y  DNC v", "dnc_cancel| v");
        check("huỷ dnc", "dnc_cancel|");
        check("DK 4G", "-");
        check("DK DNCX", "-");
        check("DK (DNCX)", "-");
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
        for text in ["TCTMA a.vn", "TCTM2 a.vn", "TCTMa.vay", "TCTMsao vay. vn", "TCa.vn", "T.C.T.M a.vn"] {
            check(text, "-");
        }
        for text in ["VO 0912345678", "VO0912345678", "VO912", "SO912345678", "VOO912345678 a"] {
            check(text, "-");
        }
        for text in
            ["L. D. Nguyen 0912345678", "L.D", "L D 5 trieu", "L 0912345678", "L.DH 0912345678", "L/D 0912345678"]
        {
            check(text, "-");
        }
    }
}
