//! What a text names that can be looked up: numbers, links, domains, bank accounts, accounts of social networks.
//!
//! In: a text as its sender wrote it. Out: each thing once, in the order of the text. Never: takes `moi.vay` for a
//! domain; lists what the text calls the citizen's own; holds a number back, so that whoever prints it answers for that.

use std::collections::BTreeSet;

use super::account;
use super::letter::{closes, opens};
use super::sender::sign::Signs;
use super::sender::{self, holder};
use super::spelling::{self, Spelled};
use super::word::{bare_words, is_only};
use crate::domain::host::Host;
use crate::domain::report::Source;

/// Bytes of a link, at most; what is longer is no link, and slow to take apart.
const LONGEST_LINK: usize = 2048;
/// Words of a person's name in a social network.
const NAME: std::ops::RangeInclusive<usize> = 2..=5;
/// Words that one number may be spelled in, with a word before it.
const MOST_PARTS: usize = 12;
/// Words between a network's name and an account's.
const MOST_BETWEEN: usize = 2;

/// Two letters that are a country in a bare domain; others are a syllable behind a full stop (`tien.la`), unless a
/// scheme or a path says that it is a link.
const COUNTRIES: [&str; 9] = ["vn", "cc", "cn", "io", "tv", "us", "uk", "eu", "tk"];

/// Endings of a domain that is written with a space before its dot; others are words as well (`goi hoai .xin`).
const PARTED: [&str; 8] = ["com", "net", "org", "vn", "xyz", "top", "club", "online"];

/// Bytes of a word that is no syllable, at least.
const NO_SYLLABLE: usize = 8;

/// Networks by the words that people use, and by their hosts.
const NETWORKS: [(&str, &[&str], &[&str]); 3] = [
    ("zalo", &["zalo"], &["zalo.me"]),
    ("facebook", &["facebook", "fb", "face"], &["facebook.com", "fb.com", "m.me", "fb.me"]),
    ("telegram", &["telegram", "tele", "tlg"], &["t.me", "telegram.me"]),
];

/// Words that stand between a network and an account.
const BETWEEN: [&str; 9] = ["nick", "ten", "id", "nhom", "so", "tk", "tai", "khoan", "la"];

/// What a text names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entities {
    /// Subscribers' and service numbers.
    pub numbers: Vec<Source>,
    /// Links as written.
    pub links: Vec<String>,
    /// Registrable domains of links and hosts.
    pub domains: Vec<String>,
    /// Bank accounts, digits.
    pub accounts: Vec<String>,
    /// `zalo:NAME`, `facebook:NAME`, `telegram:NAME`.
    pub names: Vec<String>,
}

/// Everything that a text names.
pub fn find(text: &str) -> Entities {
    let mut found = Entities::default();
    let numbers = spelling::numbers(text);
    let has_digits = !numbers.is_empty() || text.contains(|letter: char| letter.is_ascii_digit());
    let signs = if has_digits { Signs::of(text) } else { Signs::default() };
    digits(signs, text, numbers, &mut found);
    links(text, &mut found);
    names(text, &mut found);
    once(&mut found.numbers);
    for list in [&mut found.links, &mut found.domains, &mut found.accounts, &mut found.names] {
        once(list);
    }
    found
}

/// Accounts and telephone numbers; by `signs` nothing is asked of each that no word of the text allows.
fn digits(signs: Signs, text: &str, numbers: Vec<Spelled>, found: &mut Entities) {
    if signs.account {
        found.accounts = account::accounts(text, &numbers);
    }
    for number in numbers {
        let before = text.get(..number.from).unwrap_or_default();
        let after = text.get(number.until..).unwrap_or_default();
        let is_account = || sender::is_account_rather(before, after) || holder::is_our_account(before);
        let is_other = (signs.account && is_account()) || (signs.citizen && holder::is_ours(before, after));
        if !is_other {
            found.numbers.push(number.source);
        }
    }
}

/// Leaves each thing where it stands first; the list may be as long as a message.
pub(super) fn once<T: Ord + Clone>(list: &mut Vec<T>) {
    let mut known = BTreeSet::new();
    if list.len() > 1 {
        list.retain(|item| known.insert(item.clone()));
    }
}

/// What a text names, for a cell of a table: `KIND:VALUE`, parted by `|`; none of a text that names nothing.
pub fn line(text: &str) -> Option<String> {
    let Entities { numbers, domains, accounts, names, .. } = find(text);
    let numbers = numbers.into_iter().filter_map(|source| match source {
        Source::Number(number) => Some(number.reveal().to_string()),
        Source::Short(digits) => Some(digits),
        Source::Name(_) | Source::Domain(_) | Source::Person | Source::Hidden => None,
    });
    let labelled = |kind: &'static str| move |value: String| format!("{kind}:{value}");
    let found = numbers.map(labelled("number")).chain(domains.into_iter().map(labelled("domain")));
    let found = found.chain(accounts.into_iter().map(labelled("account"))).chain(names);
    let found: Vec<String> = found.filter(|entity| !entity.contains('|')).collect();
    (!found.is_empty()).then(|| found.join("|"))
}

// --- links ---

fn links(text: &str, found: &mut Entities) {
    for word in text.split_whitespace() {
        if let Some(host) = host(word) {
            link(word, &host, found);
        }
    }
    parted(text, found);
    let text = start_of(text);
    let is_defanged = found.domains.is_empty() && ["hxxp", "http", "[.]", "www"].iter().any(|sign| text.contains(sign));
    if let Some(host) = is_defanged.then(|| Host::read(text)).flatten()
        && let Some(domain) = host.registrable()
    {
        found.domains.push(domain.to_owned());
    }
}

/// Domains with a space before a dot. What may be a syllable is left alone: in `vcb khoa .com` it is half of a name, and
/// the domain that it makes is somebody else's.
fn parted(text: &str, found: &mut Entities) {
    for (at, _) in text.match_indices(" .") {
        let (before, mut rest) = text.split_at(at);
        let name = before.trim_end().rsplit(char::is_whitespace).next().unwrap_or_default();
        let has_sign = name.contains(|letter: char| matches!(letter, '-' | '.') || letter.is_ascii_digit());
        // An ending is nobody's name, and what follows was read with the name before: a line of endings is read once.
        let is_ending = name.starts_with('.');
        if is_ending || !name.contains(char::is_alphabetic) || !(has_sign || name.len() >= NO_SYLLABLE) {
            continue;
        }
        let mut word = name.to_owned();
        while let Some((ending, behind)) = parted_ending(rest) {
            word.push('.');
            word.push_str(ending);
            rest = behind;
        }
        let host = (word.len() > name.len()).then(|| host(&word)).flatten();
        if let Some(domain) = host.as_ref().and_then(|host| domain(&word, host)) {
            found.domains.push(domain.to_owned());
        }
    }
}

/// The ending that a text begins with behind a dot, and what follows.
fn parted_ending(text: &str) -> Option<(&str, &str)> {
    let label = text.trim_start().strip_prefix('.')?.trim_start();
    let until = label.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(label.len());
    let (ending, behind) = label.split_at(until);
    let is_known = PARTED.contains(&ending.to_ascii_lowercase().as_str());
    (is_known && !behind.starts_with(char::is_alphanumeric)).then_some((ending, behind))
}

fn host(word: &str) -> Option<Host> {
    let may_be = word.len() <= LONGEST_LINK && word.contains(['.', '。', '．']) && word.contains(char::is_alphabetic);
    may_be.then(|| Host::read(word)).flatten()
}

/// Whether the word that a text begins with leads somewhere: `vcb-abc.xyz` is nobody's name, and no part of it is.
pub(super) fn begins_with_link(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    host(word).is_some_and(|host| domain(word, &host).is_some())
}

/// Whether a text ends in a link's path, so that what follows is part of it: `vcb-abc.xyz/0912345678`, and not
/// `[vcb-abc.xyz/vay][0912345678]`.
pub(super) fn ends_in_link(text: &str) -> bool {
    let near = text.get(text.floor_char_boundary(text.len().saturating_sub(LONGEST_LINK))..).unwrap_or_default();
    let word = near.rsplit(char::is_whitespace).next().unwrap_or_default();
    let step = word.rsplit_once('/').map(|(_, step)| step);
    step.is_some_and(|step| !closes_what_stands_before(step)) && begins_with_link(word)
}

/// Whether a bracket ends in a text that began before it: `[.]` begins in it.
fn closes_what_stands_before(text: &str) -> bool {
    let mut depth = 0_i32;
    text.chars().any(|letter| {
        depth += i32::from(opens(letter)) - i32::from(closes(letter));
        depth < 0
    })
}

/// As much of a text as a link may take.
pub(super) fn start_of(text: &str) -> &str {
    text.get(..text.floor_char_boundary(LONGEST_LINK)).unwrap_or_default()
}

fn is_link(word: &str, host: &Host) -> bool {
    word.contains('/') || host.host().starts_with("www.")
}

/// The domain that a word names, if its end is not a syllable.
fn domain<'a>(word: &str, host: &'a Host) -> Option<&'a str> {
    let domain = host.registrable()?;
    let ending = domain.rsplit('.').next().unwrap_or_default();
    let is_named = is_link(word, host) || ending.len() != 2 || COUNTRIES.contains(&ending);
    is_named.then_some(domain)
}

fn link(word: &str, host: &Host, found: &mut Entities) {
    let Some(domain) = domain(word, host) else { return };
    found.domains.push(domain.to_owned());
    if is_link(word, host) {
        let link = word.trim_matches(|letter: char| !letter.is_alphanumeric() && letter != '/');
        found.links.push(link.to_owned());
        account_of_link(link, domain, found);
    }
}

/// `zalo.me/NAME`: the first step of the path.
fn account_of_link(link: &str, domain: &str, found: &mut Entities) {
    let Some((network, ..)) = NETWORKS.iter().find(|(_, _, hosts)| hosts.contains(&domain)) else { return };
    let path = link.split_once("://").map_or(link, |(_, rest)| rest);
    let account = path.split(['/', '?', '#']).nth(1).unwrap_or_default();
    let is_page = matches!(account, "groups" | "profile.php" | "share" | "pages" | "g" | "joinchat" | "");
    if !is_page {
        found.names.push(format!("{network}:{account}"));
    }
}

// --- accounts of social networks ---

fn names(text: &str, found: &mut Entities) {
    let words: Vec<&str> = text.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let Some(network) = network(word) else { continue };
        let behind = words.get(at + 1..).unwrap_or_default();
        let between = behind.iter().take(MOST_BETWEEN).take_while(|word| BETWEEN.contains(&bare_words(word).trim()));
        let behind = behind.get(between.count()..).unwrap_or_default();
        if let Some(name) = handle(behind).or_else(|| number(behind)).or_else(|| person(behind)) {
            found.names.push(format!("{network}:{name}"));
        }
    }
}

fn network(word: &str) -> Option<&'static str> {
    if word.len() > "telegram".len() + 2 {
        return None;
    }
    let found = NETWORKS.iter().find(|(_, names, _)| names.iter().any(|name| is_only(word, name)));
    found.map(|(network, ..)| *network)
}

/// `@name`.
fn handle(words: &[&str]) -> Option<String> {
    let handle = words.first()?.trim_start_matches([':', '(', '[', '"']).strip_prefix('@')?;
    let handle: String =
        handle.chars().take_while(|letter| letter.is_alphanumeric() || "._".contains(*letter)).collect();
    let handle = handle.trim_end_matches('.');
    (!handle.is_empty()).then(|| handle.to_owned())
}

/// The number that the words begin with, as it is dialled.
fn number(words: &[&str]) -> Option<String> {
    let text = words.get(..words.len().min(MOST_PARTS)).unwrap_or_default().join(" ");
    let first = spelling::numbers(&text).into_iter().next()?;
    let is_first = text.get(..first.from).is_some_and(sender::is_label);
    let is_theirs = is_first && !text.get(first.until..).is_some_and(|after| holder::is_ours("", after));
    text.get(first.from..first.until).filter(|_| is_theirs).map(spelling::dialled)
}

/// Capitalised words, as a person's name is written.
fn person(words: &[&str]) -> Option<String> {
    let mut name: Vec<&str> = Vec::new();
    for word in words.iter().take(*NAME.end()) {
        let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        if !bare.starts_with(char::is_uppercase) {
            break;
        }
        name.push(bare);
        if word.ends_with([',', '.', ';', ')', ']']) {
            break;
        }
    }
    NAME.contains(&name.len()).then(|| name.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::sender::sign::tests::{EVERY, glued};

    proptest! {
        #[test]
        fn what_the_words_of_a_text_rule_out_is_not_in_it(text in glued()) {
            let (mut told, mut asked) = (Entities::default(), Entities::default());
            digits(Signs::of(&text), &text, spelling::numbers(&text), &mut told);
            digits(EVERY, &text, spelling::numbers(&text), &mut asked);
            prop_assert_eq!(told, asked);
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let Entities { numbers, links, domains, accounts, names } = find(text);
        let number = |source: &Source| match source {
            Source::Short(digits) => digits.clone(),
            other => other.number().map_or(String::new(), |number| number.reveal().to_string()),
        };
        let mut found: Vec<String> = numbers.iter().map(number).collect();
        for (sign, list) in [("link ", links), ("domain ", domains), ("account ", accounts), ("", names)] {
            found.extend(list.into_iter().map(|item| format!("{sign}{item}")));
        }
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn numbers_are_found_and_accounts_are_none() {
        check("goi 0912.345.678 hoac 19001234", &["84912345678", "19001234"]);
        check("stk 0912345678 MB, goi 0913456789", &["84913456789", "account 0912345678"]);
        check("số tài khoản: 1903 4567 8901 23", &["account 19034567890123"]);
        check("STK VCB 0071001234567", &["account 0071001234567"]);
        check("chuyen khoan 0912345678 MB, goi 0913456789", &["84913456789", "account 0912345678"]);
        check("VCB 0912345678 goi moi vay", &["84912345678"]);
        check("mat 50.000.000 dong ngay 12/10/2026", &[]);
    }

    #[test]
    fn what_is_the_citizens_own_is_no_thing_of_the_accused() {
        check("so cua toi la 0987654321, goi 0913456789", &["84913456789"]);
        check("0987654321 la so me toi", &[]);
        check("0987654321 la so me toi khong quen", &["84987654321"]);
        check("tru tien trong tk 0071001234567 cua toi", &[]);
        check("chuyen vao tk 0071001234567 cua toi pham", &["account 0071001234567"]);
        check("chuyen vao tk 0071001234567 roi goi cho toi", &["account 0071001234567"]);
        check("tai khoan cua toi la 0987654321 bi tru tien", &[]);
        check("tai khoan cua toi bi tru tien, goi 0913456789", &["84913456789"]);
        check("zalo 0987654321 cua toi", &[]);
        check("zalo 0987654321 goi cho toi", &["84987654321", "zalo:0987654321"]);
    }

    #[test]
    fn links_and_domains_are_found_through_their_dress() {
        check("vao https://abc.example.vn/x?y=1 ngay", &["link https://abc.example.vn/x?y=1", "domain example.vn"]);
        check("vao hxxp://abc[.]xyz/a.", &["link hxxp://abc[.]xyz/a", "domain abc.xyz"]);
        check("bit.ly/3xYz", &["link bit.ly/3xYz", "domain bit.ly"]);
        check("vao example.com.vn dang nhap", &["domain example.com.vn"]);
        check("vao www.example . top nhe", &["domain example.top"]);
        check("vao vcb-khoa .top dang nhap", &["domain vcb-khoa.top"]);
        check("vao vietcombanh . com . vn/khoa, nhe", &["domain vietcombanh.com.vn"]);
        check("vao vcb khoa .com", &[]);
        check("goi-hoai .xin dung goi", &[]);
        check("goi 10-15 .com", &[]);
        check("vao day .top .com", &[]);
        check("xem:abc.xyz nhe, luc 9:30.Vao", &["domain abc.xyz"]);
        check("het tien.la mat. Goi.vay", &[]);
    }

    #[test]
    fn a_cell_has_everything_by_kind() {
        let text =
            "vao hxxp://abc[.]xyz/a, chuyen stk 0071001234567, goi 0912345678 hoac 19001234, zalo.me/a|b, tele @lai88";
        let expected =
            "number:84912345678|number:19001234|domain:abc.xyz|domain:zalo.me|account:0071001234567|telegram:lai88";
        assert_eq!(line(text).as_deref(), Some(expected));
        assert_eq!(line("moi vay tien"), None);
    }

    #[test]
    fn accounts_of_networks_are_named_with_their_network() {
        check("ket ban zalo 0912345678", &["84912345678", "zalo:0912345678"]);
        check("tele @lai_cao88.", &["telegram:lai_cao88"]);
        check("Telegram: @abc, fb Nguyen Van An, nhe", &["telegram:abc", "facebook:Nguyen Van An"]);
        check("zalo.me/g/abc", &["link zalo.me/g/abc", "domain zalo.me"]);
        check("https://t.me/lai88", &["link https://t.me/lai88", "domain t.me", "telegram:lai88"]);
        check("moi vao zalo dau tu", &[]);
    }
}
