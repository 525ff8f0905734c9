//! The last look before a list leaves: is it too much at once, and is anybody on it who must not be.
//!
//! In: what was published, what is asked for, and who is protected by the newest tables. Out: whom to leave out, and why
//! to refuse. Never: holds up a release: nothing here counts what is given back.

use std::collections::{BTreeMap, BTreeSet};

use super::{Asked, Listing};
use crate::domain::number::Number;
use crate::domain::plan::is_special_number;

/// Who must not be barred, whatever was decided.
#[derive(Debug, Clone, Default)]
pub struct Protected {
    /// On the allow-list, of the lake or of the desk.
    pub allowed: BTreeSet<Number>,
    /// Special numbers and those of registered brands by the newest tables; those of the numbering plan are known here.
    pub special: BTreeSet<Number>,
    /// Cleared by the desk since the last `decide`, or on it as the lake has it.
    pub cleared: BTreeSet<Number>,
}

/// The list does not leave: exit code 6.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the block list does not leave: it bars {new} numbers anew, and {cap} is the most in one run (export_cap in \
     decision.toml): look at it, then name a larger --cap; --releases-only lets out what is given back"
)]
pub struct Refused {
    /// Whom it bars anew.
    pub new: usize,
    /// The most of them.
    pub cap: usize,
}

impl Protected {
    /// Those of the asked bars that must not be.
    pub fn barred(&self, asked: &Asked) -> BTreeMap<Number, &'static str> {
        let why = |number: &Number| {
            if self.allowed.contains(number) {
                Some("on the allow-list")
            } else if self.special.contains(number) || is_special_number(*number) {
                Some("special or a registered brand's")
            } else if self.cleared.contains(number) {
                Some("cleared at the desk")
            } else {
                None
            }
        };
        asked.bars.keys().filter_map(|number| Some((*number, why(number)?))).collect()
    }
}

/// Refuses a list that bars more numbers anew than `cap`.
pub fn check(before: &Listing, asked: &Asked, cap: usize) -> Result<(), Refused> {
    let new = asked.bars.keys().filter(|number| !before.contains_key(*number)).count();
    if new > cap { Err(Refused { new, cap }) } else { Ok(()) }
}
