//! Verdicts over a subscription, weakest to strongest.
//!
//! In: the words of the tables. Out: an ordered type. Never: decides one; that is `decide`.

use std::fmt;
use std::str::FromStr;

/// What is held of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing.
    Clear,
    /// Barred once, and no longer.
    Released,
    /// Looked at; nobody else knows.
    Watched,
    /// Called people are asked.
    Survey,
    /// Outgoing barred; for an off-net number incoming from it.
    Limited,
    /// Barred both ways.
    Blocked,
}

impl Verdict {
    /// Every verdict, weakest first.
    pub const ALL: [Self; 6] = [Self::Clear, Self::Released, Self::Watched, Self::Survey, Self::Limited, Self::Blocked];

    /// The word used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Released => "released",
            Self::Watched => "watched",
            Self::Survey => "survey",
            Self::Limited => "limited",
            Self::Blocked => "blocked",
        }
    }

    /// Flagged: survey or stronger.
    pub fn is_flag(self) -> bool {
        self >= Self::Survey
    }

    /// Barred: something is taken from the subscriber.
    pub fn is_bar(self) -> bool {
        self >= Self::Limited
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verdict {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|verdict| verdict.as_str() == word);
        found.ok_or_else(|| format!("\"{word}\" is no verdict"))
    }
}
