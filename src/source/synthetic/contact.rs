//! A SIM's contacts: a Pitman-Yor process with one favourite.
//!
//! In: parties met, and questions whom to call next. Out: a contact, the oftener called the likelier.
//! Never: forgets a contact; knows who its owner is.

use rand::Rng as _;

use super::draw::{Rng, chance, one};
use super::party::Party;

/// One contact.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contact {
    pub(super) party: Party,
    calls: u16,
    /// Somebody who was dialled as a target and knows nothing of the caller.
    pub(super) is_target: bool,
}

/// Share of repeated calls that go to one of the last three parties: people call in bursts.
const RECENT_SHARE: f64 = 0.25;

/// All contacts of one SIM. The first is the favourite; the others stand roughly by falling count.
#[derive(Debug, Clone, Default)]
pub(super) struct Contacts {
    known: Vec<Contact>,
    calls: u32,
    /// The last parties called again or met, in turn.
    recent: [Option<Party>; 3],
}

impl Contacts {
    /// Whether the next call goes to somebody new: the Pitman-Yor rule.
    pub(super) fn wants_new(&self, rng: &mut Rng, theta: f64, discount: f64) -> bool {
        let weight = theta + discount * self.len();
        self.known.is_empty() || chance(rng, weight / (theta + f64::from(self.calls)))
    }

    /// A contact to call again; counts the call.
    pub(super) fn again(&mut self, rng: &mut Rng, favourite: f64, discount: f64) -> Option<Contact> {
        let recent = self.lately(rng);
        let index = match recent {
            Some(index) => index,
            None if chance(rng, favourite) => 0,
            None => self.by_count(rng, discount),
        };
        let contact = self.known.get_mut(index)?;
        if contact.calls < u16::MAX {
            contact.calls += 1;
            self.calls += 1;
        }
        let contact = *contact;
        if recent.is_none() {
            self.note(contact.party);
        }
        // Keeping the frequent ones in front makes the scan of `by_count` short.
        if index > 1 && self.known[index - 1].calls < contact.calls {
            self.known.swap(index - 1, index);
        }
        Some(contact)
    }

    /// Notes a call with this party; a new one becomes a contact.
    pub(super) fn meet(&mut self, party: Party, is_target: bool) {
        self.calls += 1;
        self.note(party);
        match self.known.iter_mut().find(|contact| contact.party == party) {
            Some(contact) => contact.calls = contact.calls.saturating_add(1),
            None => self.known.push(Contact { party, calls: 1, is_target }),
        }
    }

    /// The favourite.
    pub(super) fn favourite(&self) -> Option<Party> {
        self.known.first().map(|contact| contact.party)
    }

    /// Any contact, without counting a call; none of one who is a target.
    pub(super) fn someone(&self, rng: &mut Rng) -> Option<Party> {
        let contact = (!self.known.is_empty()).then(|| one(rng, &self.known));
        contact.filter(|contact| !contact.is_target).map(|contact| contact.party)
    }

    /// So many of those who are called most.
    pub(super) fn closest(&self, count: usize) -> impl Iterator<Item = Party> {
        self.known.iter().filter(|contact| !contact.is_target).map(|contact| contact.party).take(count)
    }

    fn lately(&self, rng: &mut Rng) -> Option<usize> {
        if !chance(rng, RECENT_SHARE) {
            return None;
        }
        let recent = self.recent[rng.random_range(0..self.recent.len())]?;
        self.known.iter().position(|contact| contact.party == recent)
    }

    fn note(&mut self, party: Party) {
        if !self.recent.contains(&Some(party)) {
            self.recent.rotate_right(1);
            self.recent[0] = Some(party);
        }
    }

    fn len(&self) -> f64 {
        f64::from(u32::try_from(self.known.len()).unwrap_or(u32::MAX))
    }

    fn by_count(&self, rng: &mut Rng, discount: f64) -> usize {
        let mut left = rng.random::<f64>() * (f64::from(self.calls) - discount * self.len());
        for (index, contact) in self.known.iter().enumerate() {
            left -= f64::from(contact.calls) - discount;
            if left < 0.0 {
                return index;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::super::draw::stream;
    use super::super::party;
    use super::*;

    fn contacts_after(calls: u32, theta: f64) -> usize {
        let mut rng = stream(3, 0);
        let mut contacts = Contacts::default();
        for _ in 0..calls {
            if contacts.wants_new(&mut rng, theta, 0.55) {
                contacts.meet(party::mobile(&mut rng), false);
            } else {
                contacts.again(&mut rng, 0.14, 0.55);
            }
        }
        contacts.known.len()
    }

    /// ACCURACY 3.4: a light user has about 39 contacts in 294 calls, a heavy one 158 in 1,160.
    #[test]
    fn contacts_grow_as_measured() {
        let (light, heavy) = (contacts_after(294, 1.2), contacts_after(1_160, 4.5));
        assert!((25..60).contains(&light) && (100..230).contains(&heavy), "{light} and {heavy} contacts");
    }
}
