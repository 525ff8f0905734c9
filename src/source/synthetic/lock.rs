//! Lines that the operator itself locks once nobody uses them any more.
//!
//! In: the population and a day. Out: who is locked on it, when and why. Never: locks a line on a day of its use, since
//! its calls would have to end; draws from what the rest is drawn from.

use super::draw::{Rng, between, chance, one, whole};
use super::population::{Population, SECOND_US, Sim};
use crate::domain::day::Day;

/// What the operator finds: another handset, and papers that nobody has proven anew.
const REASONS: [&str; 2] = ["device", "identity"];

/// The locks of a day, the `next` from the first measured one: of lines whose use ended the day before, and that nobody
/// closes on this one.
pub(super) fn of_day<'a>(
    population: &'a Population,
    lock_share: f64,
    (day, next): (Day, i32),
    rng: &mut Rng,
) -> Vec<(&'a Sim, i64, &'static str)> {
    let mut locks = Vec::new();
    for sim in population.sims.iter().filter(|sim| sim.ends == next && sim.is_open(day.ends_at())) {
        if chance(rng, lock_share) {
            let at = day.starts_at() + whole(between(rng, (2.0, 6.0)) * 3_600.0) * SECOND_US;
            locks.push((sim, at, *one(rng, &REASONS)));
        }
    }
    locks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::tests::{clean, run};
    use super::super::{BeyondOptions, Message, Options};
    use super::*;
    use crate::schema::topic::Topic;
    use crate::schema::wire::Subscriber;

    /// The state that a message tells of a line that is locked.
    fn locked(message: &Message) -> Option<Subscriber<'_>> {
        let is_state = message.topic == Topic::Subscriber;
        let state: Option<Subscriber<'_>> = is_state.then(|| serde_json::from_slice(&message.payload).unwrap());
        state.filter(|state| state.lock_reason.is_some())
    }

    #[test]
    fn locks_are_of_lines_out_of_use_and_move_nothing_else() {
        let options = |lock_share| {
            let beyond = BeyondOptions::all(0.02);
            Options { lock_share, days: 6, beyond, late_share: 0.01, resent_share: 0.01, ..clean(1_500) }
        };
        let (open, without) = run(options(0.0));
        let (closed, with) = run(options(1.0));
        let rest: Vec<&Message> = with.iter().filter(|message| locked(message).is_none()).collect();
        assert_eq!(rest, without.iter().collect::<Vec<_>>());
        assert_eq!((open.truth(), open.reference()), (closed.truth(), closed.reference()));

        let first_day = closed.options.first_day;
        let mut reasons = BTreeSet::new();
        for state in with.iter().filter_map(locked) {
            let (number, activated_at) = (state.number.parse::<i64>().unwrap(), state.activated_at);
            let is_it = |sim: &&Sim| (sim.number, sim.activated_at) == (number, activated_at);
            let sim = closed.population.sims.iter().find(is_it).unwrap();
            assert_eq!(Day::of(state.changed_at), first_day.plus(sim.ends), "the day after the last of its use");
            assert!(state.deactivated_at.is_none() && sim.is_open(state.changed_at));
            reasons.insert(state.lock_reason.unwrap().into_owned());
        }
        assert_eq!(reasons, BTreeSet::from(REASONS.map(str::to_owned)));
    }
}
