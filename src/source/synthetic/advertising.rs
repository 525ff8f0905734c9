//! The rules for advertising calls: whom not to call, at which hours, and how often.
//!
//! In: who has asked not to be called, and the calls of registered advertisers. Out: whether a call breaks a rule, and
//! the breaches that were made. Never: binds anybody who is no registered advertiser; reaches the pipeline.

use std::collections::BTreeMap;
use std::ops::Range;

use super::company::Brand;
use super::draw::mix;
use super::population::{DAY_US, Sim};
use crate::domain::day::{Day, local_hour};

/// One in this many subscribers has asked not to be advertised to.
const DO_NOT_CALL: u64 = 25;

/// Local hours in which the law has advertising calls: Nghi dinh 91/2020, Art. 13.
const HOURS: Range<i32> = 8..17;

/// Numbers that have asked not to be advertised to, and by what: call, sms or both.
pub(super) type DoNotCall = BTreeMap<i64, &'static str>;

/// A firm that advertises by call, and the register that it stands in.
#[derive(Debug)]
pub(super) struct Advertiser {
    pub(super) firm: Brand,
    /// Whether by its name; otherwise somebody has confirmed it.
    pub(super) is_brandname: bool,
}

/// A call of a registered advertiser that broke a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Breach {
    /// Start of the call, UTC microseconds.
    pub at: i64,
    /// The advertising number, E.164 digits.
    pub caller: i64,
    /// The called number, E.164 digits.
    pub callee: i64,
    /// `do_not_call`, `outside_hours` or repeated.
    pub kind: &'static str,
}

/// What registered advertisers did.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Calls of the day: start, caller, callee.
    today: Vec<(i64, i64, i64)>,
    /// The last call of each caller to each callee within a day.
    last: BTreeMap<(i64, i64), i64>,
    pub(super) breaches: Vec<Breach>,
}

/// The register of those who have asked.
pub(super) fn do_not_call(sims: &[Sim], seed: u64) -> DoNotCall {
    let asked = sims.iter().filter(|sim| sim.successor.is_none()).filter_map(|sim| {
        let draw = mix(mix(seed, 5), sim.number.cast_unsigned());
        let scope = ["call", "sms", "both", "both"][usize::try_from(draw >> 62).expect("two bits")];
        draw.is_multiple_of(DO_NOT_CALL).then_some((sim.number, scope))
    });
    asked.collect()
}

/// The rules that an advertising call breaks; `before` is the start of the one before it to the same number.
pub(super) fn broken(
    register: &DoNotCall,
    callee: i64,
    at: i64,
    before: Option<i64>,
) -> impl Iterator<Item = &'static str> + use<> {
    let rules = [
        ("do_not_call", register.get(&callee).is_some_and(|scope| *scope != "sms")),
        ("outside_hours", !HOURS.contains(&local_hour(at))),
        ("repeated", before.is_some_and(|before| at - before < DAY_US)),
    ];
    rules.into_iter().filter(|(_, is_broken)| *is_broken).map(|(rule, _)| rule)
}

impl Watch {
    /// Notes a call of the day.
    pub(super) fn note(&mut self, at: i64, caller: i64, callee: i64) {
        self.today.push((at, caller, callee));
    }

    /// Judges the calls of a day, once all are noted; those of the history are only remembered.
    pub(super) fn judge(&mut self, register: &DoNotCall, day: Day, is_history: bool) {
        let mut today = std::mem::take(&mut self.today);
        today.sort_unstable();
        for (at, caller, callee) in today {
            let before = self.last.insert((caller, callee), at);
            if !is_history {
                let kinds = broken(register, callee, at, before);
                self.breaches.extend(kinds.map(|kind| Breach { at, caller, callee, kind }));
            }
        }
        self.last.retain(|_, at| day.ends_at() - *at < DAY_US);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_breaks_each_rule_by_itself() {
        let register = DoNotCall::from([(1, "call"), (2, "sms")]);
        let noon = Day::from_epoch_days(20_094).starts_at() + DAY_US / 2;
        let kinds = |callee, at, before| broken(&register, callee, at, before).collect::<Vec<_>>();
        assert_eq!(kinds(1, noon, None), ["do_not_call"]);
        assert_eq!(kinds(2, noon, Some(noon - DAY_US)), [""; 0]);
        assert_eq!(kinds(2, noon, Some(noon - DAY_US + 1)), ["repeated"]);
        let hour = DAY_US / 24;
        assert_eq!(kinds(3, noon + 5 * hour, None), ["outside_hours"]);
        assert_eq!(kinds(3, noon - 4 * hour - 1, None), ["outside_hours"]);
        assert_eq!(kinds(3, noon + 5 * hour - 1, None), [""; 0]);
        assert_eq!(kinds(3, noon - 4 * hour, None), [""; 0]);
    }
}
