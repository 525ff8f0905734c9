//! The numbers of a text that may have called or written.
//!
//! In: a text. Out: its numbers in their order, and how many of the first are accounts rather. Never: one that was
//! called, one that is the citizen's account, or one out of a link.

use super::mark::is_filler;
use crate::domain::report::Source;
use crate::text::entity;
use crate::text::letter::{closes, opens};
use crate::text::sender::sign::Signs;
use crate::text::sender::{self, bank, holder};
use crate::text::spelling::{self, Spelled};

/// Numbers that may have called, behind accounts that look like numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Callers {
    all: Vec<Spelled>,
    accounts: usize,
}

impl Callers {
    pub(super) fn of(text: &str) -> Self {
        let all = spelling::numbers(text);
        let signs = if all.is_empty() { Signs::default() } else { Signs::of(text) };
        Self::told_by(signs, text, all)
    }

    fn told_by(signs: Signs, text: &str, mut all: Vec<Spelled>) -> Self {
        all.retain(|number| {
            let (before, after) = sides(text, number);
            // In `khoa tai khoan cua toi 0912345678` it is rather who said so.
            let is_at_bank = || bank::behind_name(after).is_some() || bank::is_drawn_on(before, after);
            let is_account = || signs.account && holder::is_our_account(before) && is_at_bank();
            let is_ours = || signs.citizen && (holder::is_ours(before, after) || is_account());
            !entity::ends_in_link(before) && !is_ours()
        });
        // The digits of an account may be the number of somebody who has nothing to do with it.
        let accounts = all.iter().take_while(|number| signs.account && is_account(text, number)).count();
        Self { all, accounts }
    }

    /// The accounts, too.
    pub(super) fn all(&self) -> &[Spelled] {
        &self.all
    }

    /// From the first on that is no account.
    pub(super) fn called(&self) -> &[Spelled] {
        self.all.get(self.accounts..).unwrap_or_default()
    }

    /// The first number of the text, if it is no account.
    pub(super) fn first(&self) -> Option<&Spelled> {
        self.all.first().filter(|_| self.accounts == 0)
    }
}

fn sides<'a>(text: &'a str, number: &Spelled) -> (&'a str, &'a str) {
    (text.get(..number.from).unwrap_or_default(), text.get(number.until..).unwrap_or_default())
}

fn is_account(text: &str, number: &Spelled) -> bool {
    let (before, after) = sides(text, number);
    let part = before.trim_end_matches(|letter: char| opens(letter) || (is_filler(letter) && !closes(letter)));
    // What was said in a bracket that is closed says nothing of the next: `(chuyen vao tai khoan)(0912345678)`.
    let is_other_part = part.ends_with(closes) && before.get(part.len()..).is_some_and(|gap| gap.contains(opens));
    !is_other_part && sender::is_account_rather(before, after)
}

/// The first numbers, as far as nothing but a comma or an "and" stands between them.
pub(super) fn list<'n>(text: &str, numbers: &'n [Spelled]) -> &'n [Spelled] {
    let is_joined = |pair: &[Spelled]| match pair {
        [last, next] => text.get(last.until..next.from).is_some_and(|between| {
            let is_parted = between.split_once(closes).is_some_and(|(_, behind)| behind.contains(opens));
            sender::is_joint(between) && !is_parted
        }),
        _ => false,
    };
    let joined = numbers.windows(2).take_while(|pair| is_joined(pair)).count();
    numbers.get(..=joined).unwrap_or(numbers)
}

/// Where a list begins and ends in its text.
pub(super) fn bounds(list: &[Spelled]) -> (usize, usize) {
    (list.first().map_or(0, |first| first.from), list.last().map_or(0, |last| last.until))
}

pub(super) fn sources(list: &[Spelled]) -> Vec<Source> {
    let mut sources: Vec<Source> = list.iter().map(|number| number.source.clone()).collect();
    entity::once(&mut sources);
    sources
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::sender::sign::tests::{EVERY, glued};

    proptest! {
        #[test]
        fn whoever_is_asked_no_more_than_the_words_allow_is_told_the_same(text in glued()) {
            let asked = Callers::told_by(EVERY, &text, spelling::numbers(&text));
            prop_assert_eq!(Callers::of(&text), asked);
        }
    }
}
