//! A condition on one column, as `voc_day_nunique >= 29`.
//!
//! In: its text, then values. Out: whether it holds. Never: holds of a missing value.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, bail};

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The column that it asks.
    pub column: String,
    comparison: Comparison,
    bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    AtLeast,
    AtMost,
    Above,
    Below,
    Equal,
    Unequal,
}

/// Longer signs first, since `>` begins `>=`.
const SIGNS: [(&str, Comparison); 8] = [
    (">=", Comparison::AtLeast),
    ("<=", Comparison::AtMost),
    ("!=", Comparison::Unequal),
    ("<>", Comparison::Unequal),
    ("==", Comparison::Equal),
    (">", Comparison::Above),
    ("<", Comparison::Below),
    ("=", Comparison::Equal),
];

impl FromStr for Condition {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let Some((column, sign, comparison, bound)) = SIGNS.iter().find_map(|(sign, comparison)| {
            let (column, bound) = text.split_once(sign)?;
            Some((column.trim(), *sign, *comparison, bound.trim()))
        }) else {
            bail!("\"{text}\" compares nothing: write it as \"column >= 29\"");
        };
        let bound: f64 = bound.parse().with_context(|| format!("\"{bound}\" behind {sign} is no number"))?;
        if column.is_empty() || bound.is_nan() {
            bail!("\"{text}\" compares nothing: write it as \"column >= 29\"");
        }
        Ok(Self { column: column.to_owned(), comparison, bound })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = SIGNS.iter().find(|(_, comparison)| *comparison == self.comparison).map_or("", |(sign, _)| sign);
        write!(f, "{} {sign} {}", self.column, self.bound)
    }
}

impl Condition {
    /// Whether it holds of a value.
    pub fn holds(&self, value: f64) -> bool {
        match self.comparison {
            Comparison::AtLeast => value >= self.bound,
            Comparison::AtMost => value <= self.bound,
            Comparison::Above => value > self.bound,
            Comparison::Below => value < self.bound,
            Comparison::Equal => value == self.bound,
            Comparison::Unequal => value != self.bound && !value.is_nan(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: [bool; 4]) {
        let condition: Condition = text.parse().unwrap();
        assert_eq!(condition.column, "days", "{text}");
        assert_eq!([28.0, 29.0, 30.0, f64::NAN].map(|value| condition.holds(value)), expect, "{text}");
    }

    #[test]
    fn every_comparison_means_what_it_says_and_nothing_holds_of_a_missing_value() {
        check("days >= 29", [false, true, true, false]);
        check("days<=29", [true, true, false, false]);
        check("days > 29", [false, false, true, false]);
        check("days < 29.0", [true, false, false, false]);
        check("days = 29", [false, true, false, false]);
        check("days == 29", [false, true, false, false]);
        check("days != 29", [true, false, true, false]);
    }

    #[test]
    fn what_compares_nothing_is_refused() {
        for text in ["days", ">= 3", "days >= many", "days >= NaN"] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }
}
