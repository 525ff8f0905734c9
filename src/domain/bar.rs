//! What the network is asked to do with a number.
//!
//! In: the words of the tables. Out: a type. Never: says who is asked for what; that is `decide`.

use std::fmt;
use std::str::FromStr;

/// An action, the weakest bar first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Nothing of it is barred any more.
    Unblock,
    /// Of another operator's number: what comes in from it is barred.
    BarIncomingFrom,
    /// What it sends is barred.
    BarOutgoing,
    /// Both ways are barred.
    BarBoth,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 4] = [Self::Unblock, Self::BarIncomingFrom, Self::BarOutgoing, Self::BarBoth];

    /// The word used in tables, files and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unblock => "unblock",
            Self::BarIncomingFrom => "bar_incoming_from",
            Self::BarOutgoing => "bar_outgoing",
            Self::BarBoth => "bar_both",
        }
    }

    /// Whether something is taken from somebody.
    pub fn is_bar(self) -> bool {
        self != Self::Unblock
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|action| action.as_str() == word);
        found.ok_or_else(|| format!("\"{word}\" is no action of a block list"))
    }
}
