//! Who a report is about when it gives no subscriber's number: a sender's name, somebody hidden.
//!
//! In: a part of a report. Out: a name or a hidden number, and the words that `pipelines/sender.toml` lists. Never: takes
//! any word for a name outside of brackets: only the listed ones.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use self::phrase::Phrases;
use super::letter::{bare, closes, is_dash, is_part_of_letter, is_unseen, opens, plain};
use super::word::bare_words;
use super::{entity, spelling};
use crate::domain::bank::Bank;
use crate::domain::report::Source;

pub(super) mod bank;
pub(super) mod holder;
mod person;
mod phrase;
pub(super) mod sign;

/// Characters of a registered sender's name (decree 91/2020, article 23), and of one word that a citizen takes for one.
const LONGEST_NAME: usize = 11;
const LONGEST_WORD: usize = 20;
/// Letters of a name, at least: one letter is a slip.
const FEWEST_LETTERS: usize = 2;
/// Words of the longest name that is known without brackets.
const MOST_WORDS: usize = 4;
/// Bytes before a number that may say what it is.
const NEAR: usize = 40;

/// The word lists; in each, a phrase as [`bare_words`] has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    names: BTreeSet<String>,
    domains: BTreeSet<String>,
    titles: BTreeSet<String>,
    hidden: BTreeSet<String>,
    descriptions: BTreeSet<String>,
    surnames: BTreeSet<String>,
    firms: Phrases,
    labels: BTreeSet<String>,
    joints: BTreeSet<String>,
    accounts: Phrases,
    /// Every name of `pipelines/bank.csv`.
    #[serde(skip)]
    banks: Phrases,
    transfers: Phrases,
    locks: Phrases,
    losses: Phrases,
    codes: Phrases,
    units: BTreeSet<String>,
    numbers: Phrases,
    close: Phrases,
    elders: Phrases,
    selves: BTreeSet<String>,
    juniors: BTreeSet<String>,
    denials: BTreeSet<String>,
    calling: Phrases,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    // The file is compiled in and read by every test below, so a wrong one never leaves the house.
    let mut lists: Lists =
        toml::from_str(include_str!("../../pipelines/sender.toml")).expect("pipelines/sender.toml is valid");
    lists.names.extend(Bank::all().flat_map(Bank::senders).map(str::to_owned));
    let names = Bank::all().flat_map(|bank| bank.senders().chain(bank.beside()));
    lists.banks = Phrases::from(names.map(str::to_owned).collect::<BTreeSet<String>>());
    lists
});

/// Whether a phrase says only that a number follows, or says nothing.
pub(super) fn is_label(phrase: &str) -> bool {
    let words = bare_words(phrase);
    words.trim().is_empty() || LISTS.labels.contains(words.trim())
}

/// Whether a phrase stands between two numbers of one list.
pub(super) fn is_joint(phrase: &str) -> bool {
    let words = bare_words(phrase);
    words.trim().is_empty() || LISTS.joints.contains(words.trim()) || is_count(phrase)
}

/// Whether a phrase says how often one number called, and that another follows: ` - lan 1, `. `goi 3 lan` alone may be
/// followed by whom it called.
fn is_count(phrase: &str) -> bool {
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let words = bare_words(phrase);
    let mut said: Vec<&str> = words.split_whitespace().filter(|word| *word != "goi").collect();
    let is_joined = said.pop_if(|last| *last == "va").is_some();
    let is_ended = phrase.trim_end().ends_with(|last: char| matches!(last, ',' | ';' | '/' | '|') || is_dash(last));
    let is_times = matches!(said.as_slice(), ["lan", times] | [times, "lan"] if is_number(times));
    is_times && (is_joined || is_ended)
}

/// Whether what stands before a number makes it a bank account.
pub(super) fn is_account(before: &str) -> bool {
    is_labelled(before) || bank::is_labelled(before)
}

/// Whether a telephone number between two texts is an account rather, that money was to go to: not behind
/// `khoa tai khoan VCB`, and not where it says that it called.
pub(super) fn is_account_rather(before: &str, after: &str) -> bool {
    let is_by_bank = || bank::is_labelled(before) || bank::is_transfer(before, after);
    (is_labelled(before) || (is_by_bank() && !is_caller(after))) && !bank::ends_in_lock(before)
}

fn is_labelled(before: &str) -> bool {
    let words = bare_words(end_of(before, NEAR));
    let mut words: Vec<&str> = words.split_whitespace().collect();
    // The bank may stand between: `stk VCB 007…`.
    words.pop_if(|last| LISTS.names.contains(*last));
    LISTS.accounts.ends(&words) > 0
}

/// Whether what stands behind a number says that this one called: in `stk MB 0913456789 goi bang so 0912345678` it is
/// the other.
fn is_caller(after: &str) -> bool {
    let near = after.get(..after.floor_char_boundary(NEAR)).unwrap_or_default();
    is_calling(near) && spelling::numbers(near).is_empty()
}

/// A text's last bytes, `most` of them.
fn end_of(text: &str, most: usize) -> &str {
    text.get(text.floor_char_boundary(text.len().saturating_sub(most))..).unwrap_or_default()
}

/// Whether what stands behind a number says that it called or wrote: `goi moi vay`, and not `bi goi`.
pub(super) fn is_calling(after: &str) -> bool {
    let words = bare_words(after);
    let words: Vec<&str> = words.split_whitespace().collect();
    // Without marks `nhan tin` may be what it did, and `nhan tin nhan` is what it got.
    LISTS.calling.begins(&words) > 0 && !words.starts_with(&["nhan", "tin", "nhan"])
}

/// Whether what follows a count makes it one.
pub(super) fn is_unit(after: &str) -> bool {
    let word = after.split_whitespace().next().map(bare_words).unwrap_or_default();
    LISTS.units.contains(word.trim())
}

/// Whether the source of a report is a hidden number.
pub(super) fn is_hidden(source: &str) -> bool {
    let words = bare_words(source);
    let words = words.trim();
    let named = words.strip_prefix("so dien thoai ").or_else(|| words.strip_prefix("cuoc goi ")).unwrap_or(words);
    LISTS.hidden.contains(words) || LISTS.hidden.contains(named)
}

/// Whether a text says that the number was hidden.
pub(super) fn says_hidden(text: &str) -> bool {
    let words = bare_words(text);
    LISTS.hidden.iter().any(|phrase| phrase.contains(' ') && words.contains(&format!(" {phrase} ")))
}

/// A sender's name that is all of a bracket: known, or spelled as one can be registered. A person's name is none.
pub(super) fn name(raw: &str) -> Option<Source> {
    let raw = untitled(raw.trim_matches(|letter: char| !letter.is_alphanumeric()));
    let seen: String = raw.chars().filter(|letter| !is_unseen(*letter)).map(plain).collect();
    let spelled = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    let letters = spelled.bytes().filter(u8::is_ascii_alphabetic).count();
    let mut words = spelled.split(' ');
    let is_one_word = words.clone().count() == 1;
    let is_capital = words.all(|word| word.starts_with(|first: char| first.is_uppercase() || first.is_ascii_digit()));
    let is_short = spelled.len() <= if is_one_word { LONGEST_WORD } else { LONGEST_NAME };
    let is_description = || LISTS.descriptions.contains(bare_words(&spelled).trim());
    let is_registrable = spelled.is_ascii()
        && letters >= FEWEST_LETTERS
        && spelled.chars().all(|letter| letter.is_ascii_alphanumeric() || " -_.&+".contains(letter))
        && letters * 2 > spelled.len()
        && !is_description();
    let may_be_name = is_registrable && is_short && (is_one_word || is_capital);
    let is_person = || (may_be_name || is_capital) && !is_description() && person::is_name(&spelled);
    match is_known(&spelled) {
        _ if is_label(&spelled) => None,
        false if is_person() => Some(Source::Person),
        is_known => (is_known || may_be_name).then(|| Source::Name(capitals(&spelled))),
    }
}

pub(super) fn is_known(spelled: &str) -> bool {
    is_listed(untitled(spelled))
}

fn is_listed(spelled: &str) -> bool {
    LISTS.names.contains(bare_words(spelled).trim())
}

/// A name as senders register it: capitals, without marks.
fn capitals(spelled: &str) -> String {
    spelled
        .chars()
        .filter(|letter| !is_part_of_letter(*letter))
        .flat_map(|letter| bare(letter).to_uppercase())
        .collect()
}

/// The name behind a word for what it is: `ngân hàng Vietcombank`, `nguồn: abcland`. Without a colon it has to be known:
/// `cong ty lua dao` names nobody.
fn untitled(phrase: &str) -> &str {
    let ends = phrase.char_indices().filter(|(_, letter)| !letter.is_alphanumeric() && !is_part_of_letter(*letter));
    let parts = ends.take(MOST_WORDS).filter_map(|(at, _)| phrase.split_at_checked(at));
    let named = parts.filter(|(title, _)| LISTS.titles.contains(bare_words(title).trim())).filter_map(|(_, rest)| {
        let name = rest.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        let has_colon = rest.get(..rest.len() - name.len())?.contains([':', '：', '=']);
        (is_listed(name) || (has_colon && !name.is_empty())).then_some(name)
    });
    named.last().unwrap_or(phrase)
}

/// Whether a text begins with a link that is nobody's name, as `vcb-abc.xyz`; firms send as `Tiki.vn` too.
pub(super) fn is_link(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    let may_be_name = word.ends_with(".vn") && !word.starts_with("www.") && !word.contains('/');
    entity::begins_with_link(text) && !may_be_name
}

/// The known name that a text begins with, and the text behind it; the longest of several.
pub(super) fn leading(text: &str) -> Option<(Source, &str)> {
    let word = text.split_whitespace().next().unwrap_or_default();
    let domain = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    if LISTS.domains.contains(&domain.to_lowercase()) {
        return text.strip_prefix(domain).map(|rest| (Source::Name(capitals(domain)), rest));
    }
    let mut found = None;
    let mut until = 0;
    for _ in 0..MOST_WORDS {
        let rest = text.get(until..).unwrap_or_default();
        let start = rest.find(|letter: char| !is_between(letter)).unwrap_or(rest.len());
        let length = rest.get(start..).unwrap_or_default().find(is_after).unwrap_or(rest.len() - start);
        if length == 0 {
            break;
        }
        let word = rest.get(start..);
        until += start + length;
        let (name, rest) = text.split_at(until);
        if is_known(name) && !word.is_some_and(entity::begins_with_link) {
            let spelled = untitled(name).split_whitespace().collect::<Vec<_>>().join(" ");
            found = Some((Source::Name(capitals(&spelled)), rest));
        }
    }
    found
}

/// What may stand between the words of a name.
fn is_between(letter: char) -> bool {
    letter.is_whitespace() || letter == '_' || is_part_of_letter(letter)
}

/// What ends a word of a name.
fn is_after(letter: char) -> bool {
    is_between(letter)
        || opens(letter)
        || closes(letter)
        || is_dash(letter)
        || matches!(letter, ':' | ',' | ';' | '.' | '/' | '"' | '”')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, expected: &str) {
        let found = name(raw).map_or("-".to_owned(), |source| match source {
            Source::Name(name) => name,
            Source::Person => "a person".to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(found, expected, "{raw}");
    }

    #[test]
    fn a_name_is_spelled_as_it_can_be_registered() {
        check("Vietcombank", "VIETCOMBANK");
        check(" viettel  cskh ", "VIETTEL CSKH");
        check("VNPT-CSKH", "VNPT-CSKH");
        check("MB Bank", "MB BANK");
        check("QC", "QC");
        check("ViettelTelecom", "VIETTELTELECOM");
    }

    #[test]
    fn other_words_are_no_name() {
        for raw in [
            "CONG AN",
            "gia danh cong an",
            "quảng cáo",
            "1900xxxx",
            "09l2345678",
            "a",
            "so",
            "",
            "123",
            "lua dao",
            "Vay tien",
        ] {
            check(raw, "-");
        }
    }

    #[test]
    fn a_persons_name_is_no_senders_and_a_firms_is_no_persons() {
        for person in
            ["TRAN VAN A", "Nguyễn Thị B", "Nguye\u{302}\u{303}n Thi\u{323} B", "tran_van_a", "Anh Tran Van B"]
        {
            check(person, "a person");
        }
        check("VIET A BANK", "VIET A BANK");
        check("HOANG ANH GIA LAI", "HOANG ANH GIA LAI");
        check("LE GROUP", "LE GROUP");
        check("MAI LINH TAXI", "MAI LINH TAXI");
        check("HA NOI", "HA NOI");
        check("tran van a", "-");
        check("HO TRO", "-");
    }

    #[test]
    fn only_a_known_name_is_found_without_brackets() {
        let found = |text| leading(text).map(|(source, rest)| (source, rest.to_owned()));
        let name = |name: &str| Source::Name(name.to_owned());
        assert_eq!(found("Viettel CSKH: moi"), Some((name("VIETTEL CSKH"), ": moi".to_owned())));
        assert_eq!(found("viettel moi nang cap"), Some((name("VIETTEL"), " moi nang cap".to_owned())));
        assert_eq!(found("vcb-abc.xyz khoa tk"), None);
        assert_eq!(found("VNPT-thong bao.cuoc"), Some((name("VNPT"), "-thong bao.cuoc".to_owned())));
        assert_eq!(found("quang cao"), None);
        assert_eq!(found(""), None);
    }

    #[test]
    fn a_hidden_number_is_said_in_many_ways() {
        for source in ["so an", "Số ẩn", "PRIVATE NUMBER", "không hiện số", "số điện thoại ẩn danh", "Unknown caller"]
        {
            assert!(is_hidden(source), "{source}");
        }
        assert!(!is_hidden("so la") && !is_hidden("an toan"));
        assert!(says_hidden("bi goi hoai, khong hien so") && !says_hidden("anh ta goi hoai"));
    }
}
