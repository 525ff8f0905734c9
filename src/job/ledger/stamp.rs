//! Channels whose clock is off, as the stamps of their reports show it.
//!
//! In: rows of `citizen_report`, each with when it was said and when it came. Out: the channels that stamp reports later
//! than they come, or all reports of a day hours before. Never: corrects a stamp; takes a backlog of days for a clock.

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

/// The channels of some days, or of all, whose clock is off, each once for ahead and once for behind.
pub(super) async fn off_clocks(rows: &Handle, days: Option<(Day, Day)>) -> anyhow::Result<Vec<OffClock>> {
    let mut found: BTreeMap<(String, bool), OffClock> = BTreeMap::new();
    // In the order of days: the last one stays.
    for ((channel, last_day), delays_s) in delays(rows, days).await? {
        let Some(least_delay_s) = delays_s.iter().copied().min() else { continue };
        let is_ahead = least_delay_s < -AHEAD_S;
        let is_behind = delays_s.len() >= FEWEST && (BEHIND_S..=ZONE_S).contains(&least_delay_s);
        if is_ahead || is_behind {
            let key = (channel.clone(), is_ahead);
            let before = found.get(&key).map_or(0, |before| before.days);
            found.insert(key, OffClock { channel, days: before + 1, last_day, least_delay_s });
        }
    }
    Ok(found.into_values().collect())
}

/// How long each report of a channel and day was on its way.
async fn delays(rows: &Handle, days: Option<(Day, Day)>) -> anyhow::Result<BTreeMap<(String, Day), Vec<i64>>> {
    let columns = [column::DAY.name, column::CHANNEL.name, column::REPORTED_AT.name, column::LOADED_AT.name];
    let mut delays: BTreeMap<(String, Day), Vec<i64>> = BTreeMap::new();
    for batch in rows.rows(Vec::new(), &columns).await? {
        let (on, channel) = (column::DAY.of(&batch)?, column::CHANNEL.of(&batch)?);
        let (said_at, loaded_at) = (column::REPORTED_AT.of(&batch)?, column::LOADED_AT.of(&batch)?);
        for row in 0..batch.num_rows() {
            let day = Day::from_epoch_days(on.value(row));
            if days.is_none_or(|(from, until)| day >= from && day < until) {
                let delay_s = loaded_at.value(row).saturating_sub(said_at.value(row)) / SECOND_US;
                delays.entry((channel.value(row).to_owned(), day)).or_default().push(delay_s);
            }
        }
    }
    Ok(delays)
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
        assert_eq!(off_clocks(&rows, Some((day.plus(1), day.plus(2)))).await.unwrap(), []);
        let off = off_clocks(&rows, None).await.unwrap();
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
}
