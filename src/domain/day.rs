//! Local calendar days and ISO weeks of Vietnam.
//!
//! In: UTC microseconds, or `2025-01-06` and `2025-W02` as an operator types them. Out: days that know
//! their first and last instant. Never: asks what time it is.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

/// Asia/Ho_Chi_Minh has been UTC+7 without summer time since 1975, so an offset says it all.
const OFFSET_US: i64 = 7 * 3_600 * 1_000_000;
const DAY_US: i64 = 86_400 * 1_000_000;
const HOUR_US: i64 = 3_600 * 1_000_000;

/// A local calendar day, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(i32);

impl Day {
    /// The day with this count of days since 1970-01-01.
    pub fn from_epoch_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01: Arrow's Date32.
    pub fn epoch_days(self) -> i32 {
        self.0
    }

    /// The local day that an instant (UTC microseconds) falls in.
    pub fn of(micros: i64) -> Self {
        let days = (micros.saturating_add(OFFSET_US)).div_euclid(DAY_US);
        Self(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// Its first instant, UTC microseconds.
    pub fn starts_at(self) -> i64 {
        i64::from(self.0) * DAY_US - OFFSET_US
    }

    /// The first instant that is no longer in it, UTC microseconds.
    pub fn ends_at(self) -> i64 {
        self.plus(1).starts_at()
    }

    /// This many days later (earlier when negative).
    #[must_use]
    pub fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Whether it is a Saturday or Sunday.
    pub fn is_weekend(self) -> bool {
        // 1970-01-01 was a Thursday.
        matches!((self.0 + 3).rem_euclid(7), 5 | 6)
    }

    /// Its number in its month, from 1 on.
    pub fn of_month(self) -> u32 {
        self.date().map_or(1, |date| date.day())
    }

    /// The ISO week that it lies in.
    pub fn week(self) -> Week {
        Week(self.plus(-(self.0 + 3).rem_euclid(7)))
    }

    /// Days from `self` up to `until`, without `until`.
    pub fn until(self, until: Self) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        (self.0..until.0.max(self.0)).map(Self)
    }

    fn date(self) -> Option<NaiveDate> {
        NaiveDate::from_epoch_days(self.0)
    }
}

/// The local hour (0 to 23) that an instant falls in.
pub fn local_hour(micros: i64) -> i32 {
    let hour = (micros.saturating_add(OFFSET_US)).rem_euclid(DAY_US) / HOUR_US;
    i32::try_from(hour).expect("an hour of a day is below 24")
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{date}"),
            None => write!(f, "day {}", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map_err(|_| format!("\"{text}\" is no day; write it as 2025-01-06"))?;
        Ok(Self(date.to_epoch_days()))
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An ISO week: Monday to Sunday, local.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Week(Day);

impl Week {
    /// Its Monday.
    pub fn monday(self) -> Day {
        self.0
    }

    /// Its seven days.
    pub fn days(self) -> impl DoubleEndedIterator<Item = Day> + ExactSizeIterator {
        self.0.until(self.0.plus(7))
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.date() {
            Some(date) => write!(f, "{}-W{:02}", date.iso_week().year(), date.iso_week().week()),
            None => write!(f, "week of {}", self.0),
        }
    }
}

impl FromStr for Week {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let monday = text
            .split_once("-W")
            .and_then(|(year, week)| NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, Weekday::Mon));
        let monday = monday.ok_or_else(|| format!("\"{text}\" is no week; write it as 2025-W02"))?;
        Ok(Self(Day(monday.to_epoch_days())))
    }
}

/// A calendar month, local.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month(Day, Day);

impl Month {
    /// Its first day.
    pub fn first(self) -> Day {
        self.0
    }

    /// Its last day.
    pub fn last(self) -> Day {
        self.1
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.date() {
            Some(date) => write!(f, "{:04}-{:02}", date.year(), date.month()),
            None => write!(f, "month of {}", self.0),
        }
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bounds = format!("{text}-01").parse::<NaiveDate>().ok().and_then(|first| {
            let next = first.checked_add_months(chrono::Months::new(1))?;
            let is_month = text.len() == "2025-01".len();
            is_month.then_some((Day(first.to_epoch_days()), Day(next.to_epoch_days() - 1)))
        });
        let (first, last) = bounds.ok_or_else(|| format!("\"{text}\" is no month; write it as 2025-01"))?;
        Ok(Self(first, last))
    }
}

/// An instant as an operator reads it: RFC 3339, UTC.
pub fn instant(micros: i64) -> String {
    match DateTime::from_timestamp_micros(micros) {
        Some(at) => at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        None => format!("{micros} us"),
    }
}

/// The same in Vietnam's time, as people there read it: 2025-01-06 10:00:00.
pub fn local_instant(micros: i64) -> String {
    match DateTime::from_timestamp_micros(micros.saturating_add(OFFSET_US)) {
        Some(at) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
        None => format!("{micros} us"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_before_the_next_one_begins() {
        for (text, last) in [("2025-01", "2025-01-31"), ("2024-02", "2024-02-29"), ("2025-12", "2025-12-31")] {
            let month: Month = text.parse().unwrap();
            assert_eq!((month.to_string(), month.last().to_string()), (text.to_owned(), last.to_owned()));
        }
        for wrong in ["2025-13", "2025-1", "2025", "2025-01-06", ""] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn vietnam_is_seven_hours_ahead() {
        assert_eq!(local_instant(micros("2025-01-06T18:30:00Z")), "2025-01-07 01:30:00");
    }

    #[track_caller]
    fn micros(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    #[test]
    fn a_day_begins_at_seventeen_hours_utc_of_the_day_before() {
        let day: Day = "2025-01-06".parse().unwrap();
        assert_eq!(day.starts_at(), micros("2025-01-05T17:00:00Z"));
        assert_eq!(Day::of(day.starts_at()), day);
        assert_eq!(Day::of(day.starts_at() - 1), day.plus(-1));
        assert_eq!(Day::of(day.ends_at()), day.plus(1));
    }

    #[test]
    fn hours_are_local() {
        assert_eq!(local_hour(micros("2025-01-05T17:00:00Z")), 0);
        assert_eq!(local_hour(micros("2025-01-06T16:59:59Z")), 23);
    }

    #[test]
    fn a_week_is_monday_to_sunday() {
        let sunday: Day = "2025-01-12".parse().unwrap();
        assert_eq!(sunday.week().to_string(), "2025-W02");
        assert_eq!(sunday.week().monday().to_string(), "2025-01-06");
        assert!(sunday.is_weekend() && !sunday.plus(1).is_weekend());
        assert_eq!("2025-W02".parse::<Week>().unwrap(), sunday.week());
    }

    #[test]
    fn years_follow_the_iso_week_at_new_year() {
        let day: Day = "2024-12-30".parse().unwrap();
        assert_eq!(day.week().to_string(), "2025-W01");
    }

    #[test]
    fn nonsense_is_refused_with_a_hint() {
        assert_eq!("6/1/2025".parse::<Day>().unwrap_err(), "\"6/1/2025\" is no day; write it as 2025-01-06");
        assert!("2025-W54".parse::<Week>().is_err());
    }
}
