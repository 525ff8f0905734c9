//! Whose number it is that a report names: the citizen's own, or that of somebody close, whom the calls went to.
//!
//! In: what stands on either side of a number. Out: whether it says so. Never: takes the number that called somebody close
//! for theirs (`0912345678 goi me toi`).

use std::borrow::Cow;

use super::{LISTS, bank, end_of, is_account};
use crate::text::letter::{closes, is_dash, is_part_of_letter, opens};
use crate::text::word::bare_words;

/// Bytes on either side of a number that may say whose it is.
const NEAR: usize = 80;
/// What looks like a word for the citizen once it is bare, `minh` or `toi`, and is a man's name or a criminal; and what
/// it is read as. `toi Pham Van An` is the citizen with the name.
const OTHERS: [(&str, &str); 3] = [("Minh", "M"), ("toi pham", "pham"), ("tội phạm", "phạm")];

/// Whether a number between two texts is the citizen's own or that of somebody close, whom the calls went to:
/// `0912345678 la so me toi`, `so cua toi 0912345678`.
pub(in crate::text) fn is_ours(before: &str, after: &str) -> bool {
    is_ours_by_what_follows(after) || is_ours_by_what_leads(before)
}

fn is_ours_by_what_follows(after: &str) -> bool {
    let said = after.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    let gap = after.get(..after.len() - said.len()).unwrap_or_default();
    let said = without_others(said.get(..said.floor_char_boundary(NEAR)).unwrap_or_default());
    let words = bare_words(&said);
    let words: Vec<&str> = words.split_whitespace().collect();
    if !words.iter().any(|word| is_citizen(word)) {
        return false;
    }
    let part = said.split(ends_part).next().unwrap_or_default();
    let most = bare_words(part).split_whitespace().count();
    let Some(holder) = Holder::first(&words).filter(|holder| holder.words <= most) else { return false };
    // `0912345678 so cua toi la 0987654321` speaks of the number behind, `la so me toi khong quen` of a stranger's.
    let mut behind = words.iter().skip(holder.words).skip_while(|word| **word == "la");
    let is_other = behind.next().is_some_and(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let is_denied = words.get(holder.words).is_some_and(|word| LISTS.denials.contains(*word));
    // `[0912345678][so me toi bi goi]` and `0912345678, so me toi bi goi` tell whom it called, and
    // `[0912345678][la con trai toi bi tai nan]` whom somebody claimed to be.
    let is_about = match holder.is_told {
        true => holder.has_joint || !gap.contains(parts_source),
        false => holder.has_joint && is_space(gap),
    };
    is_about && !is_other && !is_denied
}

fn is_ours_by_what_leads(before: &str) -> bool {
    let said = before.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    let gap = before.get(said.len()..).unwrap_or_default();
    let near = end_of(said, NEAR);
    let part = near.rsplit(ends_part).next().unwrap_or_default();
    let is_begun = part.len() < near.len() || near.len() == said.len();
    let words = bare_words(&without_others(part));
    let words: Vec<&str> = words.split_whitespace().collect();
    let said = words.strip_suffix(&["la"]).unwrap_or(&words);
    if !said.last().is_some_and(|word| is_citizen(word)) {
        return false;
    }
    // `con trai toi 0912345678` is whose it is where nothing stands before, and else whom somebody claims to be.
    (0..said.len()).any(|from| {
        let tail = said.get(from..).unwrap_or_default();
        let holder = Holder::first(tail).filter(|holder| holder.words == tail.len() && !holder.is_told);
        holder.is_some_and(|holder| holder.is_number || (from == 0 && is_begun && is_space(gap)))
    })
}

/// Whether what stands before a number makes it the citizen's own account, or that of somebody close: `stk cua toi la`,
/// `stk cua toi tai VCB`.
pub(in crate::text) fn is_our_account(before: &str) -> bool {
    let said = bank::before_name(before);
    let words = bare_words(end_of(said.as_deref().unwrap_or(before), NEAR));
    let words: Vec<&str> = words.split_whitespace().collect();
    let said = words.strip_suffix(&["la"]).unwrap_or(&words);
    if !said.last().is_some_and(|word| is_citizen(word)) {
        return false;
    }
    (1..said.len()).any(|from| {
        let (label, tail) = said.split_at(from);
        let is_holder = Holder::first(tail).is_some_and(|holder| holder.words == tail.len() && !holder.is_told);
        // The bank may stand before whose it is: `tai khoan MB Bank cua me toi`.
        is_holder && is_account(&format!("{} ", label.join(" ")))
    })
}

/// The text with other words for those that only look like one for the citizen.
fn without_others(said: &str) -> Cow<'_, str> {
    let mut said = Cow::Borrowed(said);
    for (other, short) in OTHERS {
        if said.contains(other) {
            said = Cow::Owned(said.replace(other, short));
        }
    }
    said
}

fn is_citizen(word: &str) -> bool {
    LISTS.selves.contains(word) || LISTS.juniors.contains(word)
}

fn is_space(gap: &str) -> bool {
    gap.chars().all(|letter| letter.is_whitespace() || is_part_of_letter(letter))
}

/// What stands between a source and the content in the forms that are asked for.
fn parts_source(letter: char) -> bool {
    opens(letter) || closes(letter) || is_dash(letter)
}

/// What ends a part of a sentence.
fn ends_part(letter: char) -> bool {
    opens(letter) || closes(letter) || matches!(letter, ':' | ',' | ';' | '.' | '/' | '|')
}

/// The citizen, or somebody close, as the one whose number another is: `la so cua me toi`.
#[derive(Debug, Clone, Copy)]
struct Holder {
    /// How many words say so.
    words: usize,
    /// Whether they begin with `la`.
    is_told: bool,
    /// Whether they name a number.
    is_number: bool,
    /// Whether they name one, or say that something is somebody's.
    has_joint: bool,
}

impl Holder {
    fn first(words: &[&str]) -> Option<Self> {
        let is_told = words.first() == Some(&"la");
        let rest = words.get(usize::from(is_told)..)?;
        let number = LISTS.numbers.begins(rest);
        let rest = rest.get(number..)?;
        let is_of = rest.first() == Some(&"cua");
        let rest = rest.get(usize::from(is_of)..)?;
        // `em gai toi` is a sister, and no `em` of hers.
        let most = LISTS.close.begins(rest).max(LISTS.elders.begins(rest));
        let person = (0..=most).rev().find_map(|kin| citizen_behind(rest, kin, is_of))?;
        let words = usize::from(is_told) + number + usize::from(is_of) + person;
        Some(Self { words, is_told, is_number: number > 0, has_joint: number > 0 || is_of })
    }
}

/// How many words name the citizen, or somebody close by `kin` words and the citizen behind: `me toi`, `me cua toi`.
fn citizen_behind(words: &[&str], kin: usize, is_of: bool) -> Option<usize> {
    let (name, behind) = words.split_at_checked(kin)?;
    let is_close = LISTS.close.has(name);
    // Without anybody close it takes `so cua toi`: `so toi khong quen` is a stranger's.
    let is_person = is_close || LISTS.elders.has(name) || (kin == 0 && is_of);
    let is_theirs = kin > 0 && behind.first() == Some(&"cua");
    let citizen = *behind.get(usize::from(is_theirs))?;
    let is_clear = is_close || is_theirs;
    let is_citizen = LISTS.selves.contains(citizen) || (is_clear && LISTS.juniors.contains(citizen));
    (is_person && is_citizen).then_some(kin + usize::from(is_theirs) + 1)
}
