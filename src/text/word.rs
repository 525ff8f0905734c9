//! Words of a text as they are compared: bare letters, with what was done to slip past filters undone.
//!
//! In: a text in any spelling, with or without marks. Out: its words, and where each stands. Never: loses the place of a
//! word, so that its marks can be asked for afterwards.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::letter::{bare, is_part_of_letter, plain};

/// Single letters in a row that spell one word (`v a y`), at least.
const SPACED: usize = 3;
/// Letters of a unit behind a count (`10tr`, `100usd`), at most.
const UNIT: usize = 3;

/// A text's words, each between two spaces: ` cong an `.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) text: String,
    places: Vec<Place>,
}

/// Where a word begins in the words' text, and which part of the original it was.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: usize,
    from: usize,
    until: usize,
}

/// A word before anything is undone.
#[derive(Debug, Clone, Copy)]
struct Token {
    from: usize,
    until: usize,
    letters: usize,
    has_digit: bool,
    /// What stands before it.
    before: Before,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// One space.
    Space,
    /// One dot, dash, star or the like, as in `v.a.y`.
    Mark,
    /// Anything else.
    Break,
}

impl Words {
    /// The words of a text; `short` says of a word, as written and bare, what it abbreviates.
    pub(super) fn of<'a>(text: &str, short: impl Fn(&str, &str) -> Option<&'a str>) -> Self {
        let tokens = tokens(text);
        let mut words = Self { text: String::with_capacity(text.len() + 2), places: Vec::with_capacity(tokens.len()) };
        words.text.push(' ');
        let mut rest = tokens.as_slice();
        while let Some(first) = rest.first() {
            let (joined, others) = rest.split_at(one_word(rest));
            let until = joined.last().map_or(first.until, |last| last.until);
            words.push(text, Place { at: 0, from: first.from, until }, &short);
            rest = others;
        }
        words
    }

    fn push<'a>(&mut self, text: &str, place: Place, short: &impl Fn(&str, &str) -> Option<&'a str>) {
        let at = self.text.len();
        let written = text.get(place.from..place.until).unwrap_or_default();
        self.text.extend(written.chars().filter(|letter| is_of_word(*letter)).map(bare));
        let word = self.text.get(at..).unwrap_or_default();
        // An abbreviation has no marks but that of đ: `cả` is a word.
        let long = short(written, word).filter(|_| !written.nfd().any(is_combining_mark));
        let meant = long.map(str::to_owned).or_else(|| read_leet(word));
        if let Some(meant) = meant {
            self.text.truncate(at);
            self.text.push_str(&meant);
        }
        self.text.push(' ');
        self.places.push(Place { at, ..place });
    }

    /// The original of the words that begin at `at`, and all up to `until`, places in the words' text.
    pub(super) fn original<'a>(&self, text: &'a str, at: usize, until: usize) -> impl Iterator<Item = &'a str> {
        let first = self.places.partition_point(|place| place.at <= at).saturating_sub(1);
        let last = self.places.partition_point(|place| place.at < until);
        let places = self.places.get(first..last).unwrap_or_default();
        places.iter().filter_map(|place| text.get(place.from..place.until)).collect::<Vec<_>>().into_iter()
    }
}

/// How many tokens are one word: letters that somebody set apart.
fn one_word(tokens: &[Token]) -> usize {
    let marked = run(tokens, |last, next| next.before == Before::Mark && (last.letters == 1 || next.letters == 1));
    if marked > 1 {
        return marked;
    }
    let is_letter = |token: &Token| token.letters == 1 && !token.has_digit;
    let spaced = run(tokens, |last, next| next.before == Before::Space && is_letter(last) && is_letter(next));
    if spaced >= SPACED { spaced } else { 1 }
}

fn run(tokens: &[Token], joins: impl Fn(&Token, &Token) -> bool) -> usize {
    let pairs = tokens.iter().zip(tokens.iter().skip(1));
    1 + pairs.take_while(|(last, next)| joins(last, next)).count()
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let mut open: Option<Token> = None;
    let mut before = Before::Break;
    for (at, letter) in text.char_indices().filter(|(_, letter)| !is_part_of_letter(*letter)) {
        if is_of_word(letter) {
            let token = open.get_or_insert(Token { from: at, until: at, letters: 0, has_digit: false, before });
            token.until = at + letter.len_utf8();
            token.letters += 1;
            token.has_digit |= letter.is_ascii_digit();
        } else {
            let is_first = open.is_some();
            tokens.extend(open.take());
            before = match letter {
                ' ' if is_first => Before::Space,
                '.' | '_' | '-' | '*' | '·' if is_first => Before::Mark,
                _ => Before::Break,
            };
        }
    }
    tokens.extend(open);
    // Marks on a word's last letter are part of it.
    for token in &mut tokens {
        let behind = text.get(token.until..).unwrap_or_default();
        let marks = behind.chars().take_while(|letter| is_part_of_letter(*letter));
        token.until += marks.map(char::len_utf8).sum::<usize>();
    }
    tokens
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '@' | '$')
}

/// What a word of letters and digits says (`v4y`, `c0ng`), if it is not a count with its unit (`10tr`) or a name with a
/// number (`muc2`).
fn read_leet(word: &str) -> Option<String> {
    let is_odd = |letter: char| letter.is_ascii_digit() || letter == '@' || letter == '$';
    if !word.contains(is_odd) || !word.contains(|letter: char| letter.is_alphabetic()) {
        return None;
    }
    let is_zero_alone = word.chars().all(|letter| !is_odd(letter) || letter == '0');
    let unit = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let is_count = unit.len() < word.len() && unit.len() <= UNIT && !unit.contains(is_odd);
    let has_number = !word.trim_end_matches(|letter: char| letter.is_ascii_digit()).contains(is_odd);
    if (is_count || has_number) && !is_zero_alone {
        return None;
    }
    let meant = |letter| match letter {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        other => other,
    };
    Some(word.chars().map(meant).collect())
}

/// The bare words of a phrase, without looking for tricks: ` cong an `.
pub(super) fn bare_words(phrase: &str) -> String {
    let mut out = String::with_capacity(phrase.len() + 2);
    out.push(' ');
    let mut is_open = false;
    for letter in phrase.chars() {
        if is_of_word(letter) {
            out.push(bare(letter));
            is_open = true;
        } else if is_part_of_letter(letter) {
            is_open = true;
        } else if std::mem::take(&mut is_open) {
            out.push(' ');
        }
    }
    if is_open {
        out.push(' ');
    }
    out
}

/// Whether a bare word is all that a phrase says.
pub(super) fn is_only(phrase: &str, word: &str) -> bool {
    let mut expected = word.chars();
    let (mut is_begun, mut is_ended) = (false, false);
    for letter in phrase.chars() {
        if is_of_word(letter) {
            if is_ended || expected.next() != Some(bare(letter)) {
                return false;
            }
            is_begun = true;
        } else if !is_part_of_letter(letter) {
            is_ended = is_begun;
        }
    }
    is_begun && expected.next().is_none()
}

/// A word with its marks in one order, the tone last, so that `hoà` and `hòa` are one; none when it has no Vietnamese
/// marks, or others beside them, which say nothing.
pub(super) fn marked(word: &str) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    let mut letters = String::with_capacity(word.len());
    let (mut tone, mut has_marks) = (None, false);
    for letter in word.nfd().map(plain).flat_map(char::to_lowercase) {
        match letter {
            '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}' => tone = Some(letter),
            '\u{302}' | '\u{306}' | '\u{31B}' | 'đ' => {
                has_marks = true;
                letters.push(letter);
            }
            _ if is_combining_mark(letter) => return None,
            _ if letter.is_ascii_alphabetic() => letters.push(letter),
            _ if letter.is_alphabetic() => return None,
            _ => {}
        }
    }
    has_marks |= tone.is_some();
    letters.extend(tone);
    has_marks.then_some(letters)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let short = |_: &str, word: &str| if word == "ck" { Some("chuyen khoan") } else { None };
        assert_eq!(Words::of(text, short).text.trim(), expected, "{text}");
    }

    #[test]
    fn words_are_bare() {
        check("Công an, PHƯỜNG Đống-Đa!", "cong an phuong dong da");
        check("co\u{302}ng an", "cong an");
        check("vay\u{200b}tien vay_tien", "vaytien vay tien");
        check("", "");
        check("😡!!", "");
    }

    #[test]
    fn letters_set_apart_are_joined() {
        check("v.a.y t.i.ề.n nhanh", "vay tien nhanh");
        check("v.ố.n", "von");
        check("v a y", "vay");
        check("c.ông a.n", "cong an");
        check("a va b", "a va b");
        check("so 5 a b", "so 5 a b");
    }

    #[test]
    fn digits_for_letters_are_read_and_counts_are_not() {
        check("v4y t1en c0ng @n 0TP n0 hu", "vay tien cong an otp no hu");
        check("10tr 500k 4g 24h muc2 covid19 100usd", "10tr 500k 4g 24h muc2 covid19 100usd");
        check("thänh tø4n", "thanh toan");
    }

    #[test]
    fn an_abbreviation_is_what_it_stands_for() {
        check("CK gấp", "chuyen khoan gap");
        check("ck c.k", "chuyen khoan chuyen khoan");
        check("ćk", "ck");
    }

    #[test]
    fn the_tone_stands_last_wherever_it_was_written() {
        assert_eq!(marked("hòa"), marked("hoà"));
        assert_eq!(marked("ho\u{300}a"), marked("Hoà"));
        assert_ne!(marked("ăn"), marked("án"));
        assert_eq!(marked("an"), None);
        assert_eq!(marked("ä"), None);
        assert_eq!(marked("c.ô.ng"), marked("công"));
    }

    #[test]
    fn a_phrase_is_its_bare_words() {
        for (phrase, words) in [
            ("Công an!", " cong an "),
            ("co\u{302}ng\u{200b}an", " congan "),
            ("(VCB)", " vcb "),
            ("so \u{200b} an", " so  an "),
            ("\u{200b}", "  "),
            (" - ", " "),
            ("", " "),
        ] {
            assert_eq!(bare_words(phrase), words, "{phrase:?}");
        }
    }

    proptest! {
        #[test]
        fn a_phrase_is_only_a_word_where_its_bare_words_are(
            phrase in "[-( ]{0,2}(zalo|ZALO|z\u{200b}a\u{302}lo|zal|zaloo|fb|\u{300})[-.: \u{200b}]{0,2}(zalo|o|\u{300})?",
        ) {
            for word in ["zalo", "fb"] {
                prop_assert_eq!(is_only(&phrase, word), bare_words(&phrase).trim() == word);
            }
        }
    }

    #[test]
    fn words_are_found_in_the_original() {
        let text = "Là c.ô.n.g an!";
        let words = Words::of(text, |_, _| None);
        let at = words.text.find("cong").unwrap();
        assert_eq!(words.original(text, at, at + 7).collect::<Vec<_>>(), ["c.ô.n.g", "an"]);
    }
}
