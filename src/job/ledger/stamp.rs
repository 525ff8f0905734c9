//! Channels whose clock is off, as the stamps of their reports show it.
//!
//! In: rows of `citizen_report`, each with when it was said and when it came. Out: the channels that stamp reports later
//! than they come, or all reports of a day hours before, and how many reports of the newest week they do so to. Never:
//! corrects a stamp; takes a backlog of days for a clock; says how many are too many.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::day::Day;
use crate::lake::Handle;
use crate::schema::column::citizen_report as column;

const SECOND_US: i64 = 1_000_000;
const MINUTE_S: i64 = 60;
const HOUR_S: i64 = 60 * MINUTE_S;

/// Clocks that are set differ by less.
const AHEAD_S: i64 = 5 * MINUTE_S;

/// What is on its way for so long is stamped in another zone, or delivered late.
const BEHIND_S: i64 = HOUR_S;

/// No zone is further from UTC: what is on its way for longer is a backlog, or history.
const ZONE_S: i64 = 14 * HOUR_S;

/// Reports of a day, at least, of which none was sooner here.
const FEWEST: usize = 5;

/// A channel of few reports has some in a week, and a clock that was set right is told of no longer than that.
const WEEK_US: i64 = 7 * 24 * HOUR_S * SECOND_US;

/// A channel whose reports are stamped at another time than they were said, by all that their arrival shows.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct OffClock {
    /// The channel.
    pub channel: String,
    /// On how many days.
    pub days: usize,
    /// The last of them.
    pub last_day: Day,
    /// From the stamp to the arrival of the report that was here soonest on that day; below zero it was stamped later.
    pub least_delay_s: i64,
}

/// How the reports of a channel are stamped that came within the newest week.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Stamps {
    /// The channel.
    pub channel: String,
    /// All that say something of a clock: what was longer on its way than any zone explains does not.
    pub reports: usize,
    /// Those that are stamped later than they came.
    pub ahead: usize,
    /// Those of days on which none was here within an hour.
    pub behind: usize,
}

/// When a report came, and how long it was on its way by its stamp.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    at: i64,
    delay_s: i64,
}

impl Arrival {
    fn is_ahead(&self) -> bool {
        self.delay_s < -AHEAD_S
    }
}

/// The reports of each channel and day.
pub(super) struct Arrivals(BTreeMap<(String, Day), Vec<Arrival>>);

impl Arrivals {
    /// Those of some days, or of all.
    pub(super) async fn read(rows: &Handle, days: Option<(Day, Day)>) -> anyhow::Result<Self> {
        let columns = [column::DAY.name, column::CHANNEL.name, column::REPORTED_AT.name, column::LOADED_AT.name];
        let mut arrivals: BTreeMap<(String, Day), Vec<Arrival>> = BTreeMap::new();
        for batch in rows.rows(Vec::new(), &columns).await? {
            let (on, channel) = (column::DAY.of(&batch)?, column::CHANNEL.of(&batch)?);
            let (said_at, loaded_at) = (column::REPORTED_AT.of(&batch)?, column::LOADED_AT.of(&batch)?);
            for row in 0..batch.num_rows() {
                let day = Day::from_epoch_days(on.value(row));
                if days.is_none_or(|(from, until)| day >= from && day < until) {
                    let at = loaded_at.value(row);
                    let delay_s = at.saturating_sub(said_at.value(row)) / SECOND_US;
                    arrivals.entry((channel.value(row).to_owned(), day)).or_default().push(Arrival { at, delay_s });
                }
            }
        }
        Ok(Self(arrivals))
    }

    /// The channels whose clock is off, each once for ahead and once for behind.
    pub(super) fn off_clocks(&self) -> Vec<OffClock> {
        let mut found: BTreeMap<(&str, bool), OffClock> = BTreeMap::new();
        // In the order of days: the last one stays.
        for ((channel, last_day), day) in &self.0 {
            let Some(soonest) = day.iter().min_by_key(|arrival| arrival.delay_s) else { continue };
            if soonest.is_ahead() || is_behind(day) {
                let key = (channel.as_str(), soonest.is_ahead());
                let days = found.get(&key).map_or(0, |before| before.days) + 1;
                let (channel, last_day, least_delay_s) = (channel.clone(), *last_day, soonest.delay_s);
                found.insert(key, OffClock { channel, days, last_day, least_delay_s });
            }
        }
        found.into_values().collect()
    }

    /// How those of the newest week are stamped, by channel. The week is counted by arrival, since a stamp that is off
    /// would move it.
    pub(super) fn newest_week(&self) -> Vec<Stamps> {
        let Some(newest_at) = self.0.values().flatten().map(|arrival| arrival.at).max() else { return Vec::new() };
        let mut found: BTreeMap<&str, Stamps> = BTreeMap::new();
        for ((channel, _), day) in &self.0 {
            let is_told = |arrival: &&Arrival| arrival.at > newest_at - WEEK_US && arrival.delay_s <= ZONE_S;
            let told = day.iter().filter(is_told);
            let reports = told.clone().count();
            if reports == 0 {
                continue;
            }
            let none = || Stamps { channel: channel.clone(), reports: 0, ahead: 0, behind: 0 };
            let stamps = found.entry(channel.as_str()).or_insert_with(none);
            stamps.reports += reports;
            stamps.ahead += told.filter(|arrival| arrival.is_ahead()).count();
            stamps.behind += if is_behind(day) { reports } else { 0 };
        }
        found.into_values().collect()
    }
}

/// Whether of a day's reports none came within an hour of its stamp, though all of a backlog would have been later.
fn is_behind(day: &[Arrival]) -> bool {
    let least_delay_s = day.iter().map(|arrival| arrival.delay_s).min();
    day.len() >= FEWEST && least_delay_s.is_some_and(|least_s| (BEHIND_S..=ZONE_S).contains(&least_s))
}

impl OffClock {
    /// For people.
    pub(super) fn text(&self) -> String {
        let Self { channel, days, last_day, least_delay_s } = self;
        let by = least_delay_s.abs();
        let by = format!("{} h {} min", by / HOUR_S, by % HOUR_S / MINUTE_S);
        if *least_delay_s < 0 {
            format!(
                "citizen_report: on {days} days reports of channel {channel} were stamped later than they came, on \
                 {last_day}, the last of them, by up to {by}: its clock is ahead, or it calls local time UTC"
            )
        } else {
            format!(
                "citizen_report: on {days} days no report of channel {channel} came within an hour of its stamp, on \
                 {last_day}, the last of them, the soonest took {by}: its clock is behind, or it is delivered so late; a \
                 call behind such a stamp matches no report"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::inserted;
    use crate::lake::Lake;
    use crate::schema::contract::Table;

    /// The channels that are off by reports of a channel, which were stamped at ten and came at these times.
    async fn off(came: &[(&str, &str)]) -> Vec<(String, usize, i64)> {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::local(folder.path()).unwrap();
        let row = |(channel, at): &(&str, &str)| format!("('{channel}', '2025-01-06T10:00:00Z', '{at}')");
        let values: Vec<String> = came.iter().map(row).collect();
        let columns = "channel, reported_at, loaded_at";
        let batches = inserted(Table::CITIZEN_REPORT, columns, &values.join(", ")).await;
        lake.open(Table::CITIZEN_REPORT).await.unwrap().append(&batches, &[]).await.unwrap();
        let rows = lake.require(Table::CITIZEN_REPORT).await.unwrap();
        let day: Day = "2025-01-06".parse().unwrap();
        assert_eq!(Arrivals::read(&rows, Some((day.plus(1), day.plus(2)))).await.unwrap().off_clocks(), []);
        let off = Arrivals::read(&rows, None).await.unwrap().off_clocks();
        assert!(off.iter().all(|one| one.last_day == day && one.text().contains(&one.channel)));
        off.into_iter().map(|one| (one.channel, one.days, one.least_delay_s)).collect()
    }

    #[tokio::test]
    async fn a_stamp_of_later_is_told_and_one_of_a_minute_later_is_not() {
        let told = off(&[("voice", "2025-01-06T03:00:00Z"), ("voice", "2025-01-06T10:01:00Z")]).await;
        assert_eq!(told, [("voice".to_owned(), 1, -7 * HOUR_S)]);
        assert_eq!(off(&[("voice", "2025-01-06T09:59:00Z")]).await, []);
    }

    #[tokio::test]
    async fn a_channel_of_which_nothing_comes_within_an_hour_is_told_and_a_backlog_is_not() {
        let came = |first: &'static str, at: &'static str| {
            [("app", first), ("app", at), ("app", at), ("app", at), ("app", at)]
        };
        let seven = "2025-01-06T17:00:00Z";
        assert_eq!(off(&came(seven, seven)).await, [("app".to_owned(), 1, 7 * HOUR_S)]);
        assert_eq!(off(&came("2025-01-06T10:20:00Z", seven)).await, [], "one was here sooner");
        assert_eq!(off(&came(seven, seven)[1..]).await, [], "few say nothing");
        assert_eq!(off(&came("2025-01-08T10:00:00Z", "2025-01-08T10:00:00Z")).await, [], "two days are no clock");
    }

    /// Reports, ahead and behind of each channel in the newest week, by how many of a day were how long on their way; all
    /// are stamped at noon.
    fn week(told: &[(&str, i32, usize, i64)]) -> Vec<(String, [usize; 3])> {
        let mut arrivals: BTreeMap<(String, Day), Vec<Arrival>> = BTreeMap::new();
        for (channel, days, count, delay_s) in told {
            let day = Day::from_epoch_days(*days);
            let at = day.starts_at() + (12 * HOUR_S + delay_s) * SECOND_US;
            let of_day = arrivals.entry(((*channel).to_owned(), day)).or_default();
            of_day.extend(vec![Arrival { at, delay_s: *delay_s }; *count]);
        }
        let stamps = Arrivals(arrivals).newest_week().into_iter();
        stamps.map(|one| (one.channel, [one.reports, one.ahead, one.behind])).collect()
    }

    #[test]
    fn a_week_says_how_many_of_each_channel_are_off_and_counts_no_backlog() {
        let told = week(&[
            ("app", 20, 99, 20),
            ("app", 20, 1, -HOUR_S),
            ("voice", 19, 4, 30),
            ("voice", 20, 6, 7 * HOUR_S),
            ("web", -10, 50, 30 * 24 * HOUR_S),
        ]);
        assert_eq!(told, [("app".to_owned(), [100, 1, 0]), ("voice".to_owned(), [10, 0, 6])]);
        assert_eq!(week(&[]), []);
    }

    #[test]
    fn a_clock_that_was_set_right_is_counted_for_a_week_which_no_stamp_moves() {
        let voice = |days: i32| week(&[("voice", days, 9, -7 * HOUR_S), ("voice", 18, 9, 20)]);
        assert_eq!(voice(12), [("voice".to_owned(), [18, 9, 0])]);
        assert_eq!(voice(10), [("voice".to_owned(), [9, 0, 0])]);
        let told = week(&[("app", 22, 1, -48 * HOUR_S), ("voice", 14, 9, 20)]);
        assert_eq!(told, [("app".to_owned(), [1, 1, 0]), ("voice".to_owned(), [9, 0, 0])], "the one came on day 20");
    }
}
