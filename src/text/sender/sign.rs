//! Whether a text has words at all by which an account, or the citizen, is told.
//!
//! In: a text. Out: two answers, of one pass over its bare letters. Never: says no where any part of the text, cut
//! wherever it may be, has such a word: whoever is told no need not ask number by number.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::LISTS;
use crate::text::word::bare_words;

/// What the letters of a text allow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::text) struct Signs {
    /// There may be a word for an account, or a bank's name.
    pub(in crate::text) account: bool,
    /// There may be a word for the citizen.
    pub(in crate::text) citizen: bool,
}

struct Search {
    patterns: AhoCorasick,
    /// How many of the first are of an account.
    accounts: usize,
}

static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let mut patterns: Vec<String> = LISTS.accounts.written().chain(LISTS.banks.written()).collect();
    let accounts = patterns.len();
    patterns.extend(LISTS.selves.iter().chain(&LISTS.juniors).cloned());
    let patterns = AhoCorasick::new(&patterns).expect("a few dozen short phrases can be searched for");
    Search { patterns, accounts }
});

impl Signs {
    pub(in crate::text) fn of(text: &str) -> Self {
        let mut words = bare_words(text);
        // A word of marks alone leaves two spaces.
        if words.contains("  ") {
            words = words.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        let mut signs = Self::default();
        // Letters within a word count too: a part of the text may begin there.
        for found in SEARCH.patterns.find_overlapping_iter(&words) {
            match found.pattern().as_usize() < SEARCH.accounts {
                true => signs.account = true,
                false => signs.citizen = true,
            }
            if signs.account && signs.citizen {
                break;
            }
        }
        signs
    }
}

#[cfg(test)]
pub(in crate::text) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::text) const EVERY: Signs = Signs { account: true, citizen: true };

    /// Texts of words that tell something, glued, cut and dressed in any way.
    pub(in crate::text) fn glued() -> impl Strategy<Value = String> {
        let words = [
            "stk",
            "s\u{200b}tk",
            "TK",
            "tài khoản",
            "ta\u{300}i khoa\u{309}n",
            "tai \u{200b} khoan",
            "ck vao",
            "chuyen vao",
            "chuyen khoan",
            "ck",
            "VCB",
            "V\u{200b}CB",
            "Ｖcb",
            "MB Bank",
            "nam a bank",
            "Vietcombank",
            "tai ngan hang",
            "0912345678",
            "0912 345 678",
            "0071000123456",
            "1903 4567 8901 23",
            "０９１２３４５６７８",
            "toi",
            "cua toi",
            "của tôi",
            "to\u{302}i",
            "em",
            "Minh",
            "minh",
            "toi pham",
            "chau",
            "la so me",
            "so",
            "bi tru",
            "tru tien trong",
            "tu",
            "goi",
            "khoa",
            "d",
            "x",
            "\u{301}",
            "\u{200b}",
            ".",
            ",",
            ":",
            "(",
            ")",
            "][",
            "/",
            "la",
        ];
        let gap = prop::sample::select(vec!["", " ", " ", " ", "\u{200b}", "                                    "]);
        let word = prop::sample::select(words.to_vec());
        prop::collection::vec((word, gap), 1..9)
            .prop_map(|parts| parts.into_iter().flat_map(|(word, gap)| [word, gap]).collect::<String>())
    }

    #[track_caller]
    fn check(text: &str, account: bool, citizen: bool) {
        assert_eq!(Signs::of(text), Signs { account, citizen }, "{text}");
    }

    #[test]
    fn words_are_seen_in_any_dress_and_within_others() {
        check("stk0071000123456", true, false);
        check("so ta\u{300}i \u{200b} khoa\u{309}n 0071000123456", true, false);
        check("V\u{200b}C\u{301}B", true, false);
        check("Ｍ Ｂ", false, false);
        check("xem ti vi", false, true);
        check("to\u{302}i ck vao MB", true, true);
        check("V [0912345678][moi vay tien]", false, false);
        check("", false, false);
    }
}
