//! The languages that people are told things in.
//!
//! In: `en` or `vi`. Out: one of two texts that say the same. Never: a text of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The same in English and in Vietnamese.
pub type Words = (&'static str, &'static str);

/// A language that people read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Vietnamese.
    Vi,
}

impl Lang {
    /// One of two texts that say the same.
    pub fn of<T>(self, en: T, vi: T) -> T {
        match self {
            Self::En => en,
            Self::Vi => vi,
        }
    }

    /// The same of a text.
    pub fn say(self, (en, vi): Words) -> &'static str {
        self.of(en, vi)
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.of("en", "vi"))
    }
}

impl FromStr for Lang {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = [Self::En, Self::Vi].into_iter().find(|lang| lang.to_string() == word);
        found.ok_or_else(|| format!("\"{word}\" is no language here; vi and en are"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_vi_or_en() {
        assert_eq!("vi".parse::<Lang>(), Ok(Lang::Vi));
        assert!("fr".parse::<Lang>().unwrap_err().contains("vi and en"));
    }
}
