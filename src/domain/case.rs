//! What people say of a number: the words of the case store and of the lake.
//!
//! In: the words of the tables. Out: a type. Never: says what follows from a word; that is `decide`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Whoever objects is told within a day how it stands.
pub const ANSWER_WITHIN: Duration = Duration::from_hours(24);

/// What a person has said of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Word {
    /// A reviewer: it is what the evidence says.
    Confirmed,
    /// A reviewer: it is not.
    Dismissed,
    /// Its subscriber objects, and waits for an answer.
    Appealed,
    /// The appeal was heard, and the verdict stands.
    Rejected,
    /// The appeal was heard, and the verdict falls.
    Overturned,
    /// Whatever is held of it ends.
    Released,
}

impl Word {
    /// Every word.
    pub const ALL: [Self; 6] =
        [Self::Confirmed, Self::Dismissed, Self::Appealed, Self::Rejected, Self::Overturned, Self::Released];

    /// The word used in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Dismissed => "dismissed",
            Self::Appealed => "appealed",
            Self::Rejected => "rejected",
            Self::Overturned => "overturned",
            Self::Released => "released",
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Word {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == word);
        found.ok_or_else(|| format!("\"{word}\" is no word of a case"))
    }
}
