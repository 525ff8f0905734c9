//! Words of a sender that are none of the contract.
//!
//! In: rows of `subscriber`. Out: how many have one. Never: opens a ledger for them: every state is a row.

use serde::Serialize;

use crate::decode::subscriber::UNKNOWN;
use crate::domain::day::Day;
use crate::lake::Handle;
use crate::schema::column::subscriber;

/// Rows with what is no word of the contract.
#[derive(Debug, Serialize)]
pub struct UnknownWords {
    /// How many.
    pub rows: usize,
    /// The day of the newest.
    pub last_day: Day,
}

/// The rows of some days, or of all, with what is no word of the contract in a column; nothing when there are none.
pub(super) async fn unknown(
    column: &str,
    rows: &Handle,
    days: Option<(Day, Day)>,
) -> anyhow::Result<Option<UnknownWords>> {
    let is_within = |day: &Day| days.is_none_or(|(from, until)| *day >= from && *day < until);
    let mut found = Vec::new();
    for batch in rows.rows_with(column, UNKNOWN, &[subscriber::DAY.name]).await? {
        let told = subscriber::DAY.of(&batch)?.values().iter().map(|day| Day::from_epoch_days(*day));
        found.extend(told.filter(is_within));
    }
    Ok(found.iter().max().map(|last_day| UnknownWords { rows: found.len(), last_day: *last_day }))
}

impl UnknownWords {
    /// For people, of a column and of what follows for these lines.
    pub(super) fn text(&self, column: &str, follows: &str) -> String {
        let Self { rows, last_day } = self;
        format!(
            "subscriber: {rows} rows have a {column} that is no word of the contract, the last of {last_day}: these \
             lines {follows}, and no bar begins on them; have the sender keep to schemas/topic/subscriber.avsc"
        )
    }
}
