//! `domain lookup`: the 156 answer for a host or a link.
//!
//! In: a link, an opened look-up, and a lake of reports with the keys of their words. Out: what a registry says, what we
//! know ourselves, and of both the SMS and the page.
//! Never: asks a registry twice; counts a citizen's question as a report, or a report twice that was sent twice.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use crate::decode::citizen_report::place;
use crate::domain::day::Day;
use crate::domain::host::Link;
use crate::domain::report::Kind;
use crate::domain::seal::Seal;
use crate::lake::Lake;
use crate::lookup::Lookup;
use crate::lookup::answer::Answer;
use crate::lookup::registry::Outcome;
use crate::lookup::reported::Tally;
use crate::schema::column::citizen_report;
use crate::schema::contract::Table;

mod page;

/// An answer, and the SMS that says it.
#[derive(Debug, Serialize)]
pub struct Answered {
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// The SMS.
    pub sms: String,
}

/// The registry that is configured did not answer: exit code 4.
#[derive(Debug, thiserror::Error)]
#[error("{by} could not be asked: {why}; ask again later")]
pub struct Unanswered {
    by: String,
    why: String,
}

/// Answers for a link; reports of it are counted where a lake is given.
pub async fn answer(lookup: &Lookup, link: &Link, lake: Option<&Lake>, seal: &Seal) -> anyhow::Result<Answered> {
    let reported = match (lake, link.host.registrable()) {
        (Some(lake), Some(_)) => lookup.reported(link, &tally(lookup, lake, seal).await?),
        _ => None,
    };
    let answer = lookup.answer(link, reported).await;
    Ok(Answered { sms: lookup.sms(&answer), answer })
}

impl Answered {
    /// Writes the answer as a page.
    pub fn write_page(&self, file: &Path) -> anyhow::Result<()> {
        std::fs::write(file, page::html(&self.answer)).with_context(|| format!("writing {}", file.display()))
    }

    /// That the registry was asked in vain, if it was.
    pub fn unanswered(&self) -> Option<Unanswered> {
        let Outcome::Unavailable { why } = &self.answer.registry.outcome else { return None };
        Some(Unanswered { by: self.answer.registry.by.clone().unwrap_or_default(), why: why.clone() })
    }
}

/// Counts the domains of all reports that there are and that open. A service does it once, and looks up in it.
pub async fn tally(lookup: &Lookup, lake: &Lake, seal: &Seal) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let Some(reports) = lake.find(Table::CITIZEN_REPORT).await? else { return Ok(tally) };
    let columns = [
        citizen_report::DAY.name,
        citizen_report::REPORT_ID.name,
        citizen_report::CHANNEL.name,
        citizen_report::REPORTER.name,
        citizen_report::KIND.name,
        citizen_report::CONTENT.name,
    ];
    let counted = [Kind::SpamCall, Kind::SpamSms, Kind::ScamCall].map(Kind::as_str);
    let (mut closed, mut known) = (0, BTreeSet::new());
    for batch in reports.rows(Vec::new(), &columns).await? {
        let (report_id, channel) = (citizen_report::REPORT_ID.of(&batch)?, citizen_report::CHANNEL.of(&batch)?);
        let (day, reporter) = (citizen_report::DAY.of(&batch)?, citizen_report::REPORTER.of(&batch)?);
        let (kind, content) = (citizen_report::KIND.of(&batch)?, citizen_report::CONTENT.of(&batch)?);
        for row in (0..batch.num_rows()).filter(|row| counted.contains(&kind.value(*row))) {
            // An id belongs to its channel.
            if !known.insert((channel.value(row).to_owned(), report_id.value(row).to_owned())) {
                continue;
            }
            let place = place(citizen_report::CONTENT.name, report_id.value(row));
            match seal.reveal_text(&place, content.value(row)) {
                Some(content) => {
                    let day = Day::from_epoch_days(day.value(row));
                    tally.add(lookup.shared(), day, reporter.value(row), &content);
                }
                None => closed += 1,
            }
        }
    }
    if closed > 0 {
        tracing::warn!(reports = closed, "reports are sealed with a key that is not configured, and not counted");
    }
    Ok(tally)
}
