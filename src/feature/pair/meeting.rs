//! Pairs of parties in two orders, and what is known of each.
//!
//! In: contacts of pairs, in any order. Out: each pair once, in the order of callers, with what its contacts say, when
//! the callee has called back, when the caller called before, and whether they knew each other. Never: depends on the
//! order of what came in; it only takes longer when there was none.

use std::mem::take;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::feature::party::FIRST_NAMED;
use crate::feature::sorted::{Pair as ByCallee, by_range, find, sort_by_one};

/// Before every instant.
pub(super) const NEVER: i64 = i64::MIN;

/// What two parties did.
#[derive(Debug, Clone, Copy)]
pub(super) enum Contact {
    /// At a UTC microsecond.
    Call {
        at: i64,
        is_answered: bool,
    },
    Message,
}

/// What a caller and a callee did on the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) caller: i64,
    pub(super) callee: i64,
    /// Of the first call; after every instant when there was none.
    pub(super) first_at: i64,
    pub(super) last_at: i64,
    pub(super) calls: u32,
    pub(super) answered: u32,
    pub(super) messages: u32,
}

impl Pair {
    fn new((caller, callee): (i64, i64), contact: Contact) -> Self {
        let none = Self { caller, callee, first_at: i64::MAX, last_at: NEVER, calls: 0, answered: 0, messages: 0 };
        match contact {
            Contact::Call { at, is_answered } => {
                Self { first_at: at, last_at: at, calls: 1, answered: u32::from(is_answered), ..none }
            }
            Contact::Message => Self { messages: 1, ..none },
        }
    }

    fn key(&self) -> (i64, i64) {
        (self.caller, self.callee)
    }

    fn merge(&mut self, other: &Self) {
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
        self.calls += other.calls;
        self.answered += other.answered;
        self.messages += other.messages;
    }
}

/// Pairs as they come: those of a caller whose contacts come one after the other are in order, each once.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pairs: Vec<Pair>,
    /// Contacts of the caller that came last.
    of_caller: Vec<Pair>,
}

impl Pairs {
    pub(super) fn add(&mut self, pair: (i64, i64), contact: Contact) {
        if self.of_caller.last().is_some_and(|last| last.caller != pair.0) {
            self.close();
        }
        self.of_caller.push(Pair::new(pair, contact));
    }

    fn close(&mut self) {
        self.of_caller.sort_unstable_by_key(|pair| pair.callee);
        merge_neighbours(&mut self.of_caller);
        self.pairs.append(&mut self.of_caller);
    }
}

/// Makes one of what follows upon each other and is the same pair.
fn merge_neighbours(pairs: &mut Vec<Pair>) {
    pairs.dedup_by(|next, kept| {
        let is_same = next.key() == kept.key();
        if is_same {
            kept.merge(next);
        }
        is_same
    });
}

/// The pairs of a day. Of what came before many threads may tell at once.
#[derive(Debug)]
pub(super) struct Meetings {
    /// By caller and callee.
    pub(super) pairs: Vec<Pair>,
    /// By callee and caller, with the place of the pair among [`Self::pairs`].
    by_callee: Vec<ByCallee>,
    /// When the callee last called the caller, by place.
    pub(super) back: Vec<i64>,
    /// When the caller last called the callee before the day, by place.
    before: Vec<AtomicI64>,
    /// Whether the two knew each other, by place.
    known: Vec<AtomicBool>,
}

impl Meetings {
    pub(super) fn of(mut given: Vec<Pairs>) -> Self {
        given.iter_mut().for_each(Pairs::close);
        let mut pairs = Vec::with_capacity(given.iter().map(|given| given.pairs.len()).sum());
        given.iter_mut().for_each(|given| pairs.append(&mut take(&mut given.pairs)));
        // Finds what is in order already, which of clustered tables is all but the seam between calls and messages.
        pairs.sort_by_key(Pair::key);
        merge_neighbours(&mut pairs);
        let mut back = vec![NEVER; pairs.len()];
        let mut by_callee = Vec::with_capacity(pairs.len());
        for (turned, answered) in by_range(&pairs, |pair| pair.caller, |callees| turned(&pairs, &callees)) {
            by_callee.extend(turned);
            answered.into_iter().for_each(|(place, at)| back[place] = at);
        }
        let before = pairs.iter().map(|_| AtomicI64::new(NEVER)).collect();
        let known = pairs.iter().map(|_| AtomicBool::new(false)).collect();
        Self { pairs, by_callee, back, before, known }
    }

    /// Takes in when pairs last called before.
    pub(super) fn met_before(&self, calls: impl Iterator<Item = ((i64, i64), i64)>) {
        let mut from = 0;
        for (pair, at) in calls {
            if let Some(place) = find(&self.pairs, &mut from, pair, Pair::key) {
                self.before[place].fetch_max(at, Ordering::Relaxed);
            }
        }
    }

    /// Takes in pairs that met before, whoever began it.
    pub(super) fn knew(&self, met: impl Iterator<Item = (i64, i64)>) {
        let (mut from, mut from_callee) = (0, 0);
        for pair in met {
            if let Some(place) = find(&self.pairs, &mut from, pair, Pair::key) {
                self.known[place].store(true, Ordering::Relaxed);
            }
            if let Some(place) = find(&self.by_callee, &mut from_callee, pair, |other| (other.one, other.other)) {
                self.known[at(&self.by_callee[place])].store(true, Ordering::Relaxed);
            }
        }
    }

    /// The places of pairs whose caller is no number, in the order in which the table lies: there such a caller is null,
    /// and of nulls the callee decides. They stand behind all others.
    pub(super) fn unnumbered(&self) -> Vec<usize> {
        let first = self.pairs.partition_point(|pair| pair.caller < FIRST_NAMED);
        let mut places: Vec<usize> = (first..self.pairs.len()).collect();
        places.sort_by_key(|place| self.pairs[*place].callee.min(FIRST_NAMED));
        places
    }

    pub(super) fn before(&self, place: usize) -> i64 {
        self.before[place].load(Ordering::Relaxed)
    }

    pub(super) fn is_known(&self, place: usize) -> bool {
        self.known[place].load(Ordering::Relaxed)
    }
}

/// Pairs of some callees, by callee and caller; of those that called back the place, and when they did so last.
fn turned(pairs: &[Pair], callees: &Range<i64>) -> (Vec<ByCallee>, Vec<(usize, i64)>) {
    let mut turned = Vec::with_capacity(pairs.iter().filter(|pair| callees.contains(&pair.callee)).count());
    let placed = pairs.iter().zip(0_i64..).filter(|(pair, _)| callees.contains(&pair.callee));
    turned.extend(placed.map(|(pair, place)| ByCallee { one: pair.callee, other: pair.caller, at: place }));
    sort_by_one(&mut turned);
    let (mut answered, mut from) = (Vec::new(), 0);
    for other in &turned {
        if let Some(place) = find(pairs, &mut from, (other.one, other.other), Pair::key) {
            answered.push((at(other), pairs[place].last_at));
        }
    }
    (turned, answered)
}

fn at(other: &ByCallee) -> usize {
    usize::try_from(other.at).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A pair's calls, answered ones, messages, first and last call; when it was called back and called before; whether
    /// it was known.
    type Said = (u32, u32, u32, Option<(i64, i64)>, i64, i64, bool);

    /// A contact as (caller, callee, instant, what it was: 0 is a message, 1 a call, 2 an answered one).
    type Plain = (i64, i64, i64, u8);

    fn expected(contacts: &[Plain], before: &[(i64, i64, i64)], known: &[(i64, i64)]) -> BTreeMap<(i64, i64), Said> {
        let mut said: BTreeMap<(i64, i64), Said> = BTreeMap::new();
        for (caller, callee, at, what) in contacts {
            let said = said.entry((*caller, *callee)).or_insert((0, 0, 0, None, NEVER, NEVER, false));
            said.0 += u32::from(*what > 0);
            said.1 += u32::from(*what > 1);
            said.2 += u32::from(*what == 0);
            if *what > 0 {
                let (first, last) = said.3.unwrap_or((*at, *at));
                said.3 = Some((first.min(*at), last.max(*at)));
            }
        }
        let lasts: BTreeMap<_, _> = said.iter().map(|(pair, said)| (*pair, said.3)).collect();
        for ((caller, callee), said) in &mut said {
            said.4 = lasts.get(&(*callee, *caller)).copied().flatten().map_or(NEVER, |(_, last)| last);
            let calls = before.iter().filter(|(one, other, _)| (one, other) == (caller, callee));
            said.5 = calls.map(|(_, _, at)| *at).max().unwrap_or(NEVER);
            said.6 = known.contains(&(*caller, *callee)) || known.contains(&(*callee, *caller));
        }
        said
    }

    fn found(met: &Meetings) -> BTreeMap<(i64, i64), Said> {
        assert!(met.pairs.is_sorted_by(|one, next| one.key() < next.key()));
        let row = |(place, pair): (usize, &Pair)| {
            let calls = (pair.calls > 0).then_some((pair.first_at, pair.last_at));
            let met = (met.back[place], met.before(place), met.is_known(place));
            (pair.key(), (pair.calls, pair.answered, pair.messages, calls, met.0, met.1, met.2))
        };
        met.pairs.iter().enumerate().map(row).collect()
    }

    #[test]
    fn nobody_met_nobody() {
        assert!(found(&Meetings::of(Vec::new())).is_empty());
        assert!(found(&Meetings::of(vec![Pairs::default()])).is_empty());
    }

    proptest! {
        #[test]
        fn pairs_are_what_their_contacts_say_in_any_order_and_split(
            contacts in prop::collection::vec((0_i64..6, 0_i64..6, 0_i64..50, 0_u8..3), 0..60),
            before in prop::collection::vec((0_i64..7, 0_i64..7, -50_i64..0), 0..40),
            known in prop::collection::vec((0_i64..7, 0_i64..7), 0..40),
            is_sorted in any::<bool>(),
            at in 0_usize..60,
        ) {
            let (mut given, mut earlier, mut met_before) = (contacts.clone(), before.clone(), known.clone());
            if is_sorted {
                given.sort_unstable();
                earlier.sort_unstable();
                met_before.sort_unstable();
            }
            let (left, right) = given.split_at(at.min(given.len()));
            let pairs = [left, right].map(|contacts| {
                let mut pairs = Pairs::default();
                for (caller, callee, at, what) in contacts {
                    let call = Contact::Call { at: *at, is_answered: *what > 1 };
                    pairs.add((*caller, *callee), if *what == 0 { Contact::Message } else { call });
                }
                pairs
            });
            let met = Meetings::of(pairs.into());
            met.met_before(earlier.into_iter().map(|(one, other, at)| ((one, other), at)));
            met.knew(met_before.into_iter());
            prop_assert_eq!(found(&met), expected(&contacts, &before, &known));
        }
    }
}
