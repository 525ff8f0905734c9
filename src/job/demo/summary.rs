//! What a demo came to: `summary.json`, and the same for people.
//!
//! In: the tables after the last day, and the operator's truth. Out: counts that add up, and figures against the truth.
//! Never: shows a count that contradicts another.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Serialize;

use super::{KEY, Stage};
use crate::clock::Stopwatch;
use crate::job::measure::report::{self, Reports};
use crate::job::measure::{self, Detection, Figures};
use crate::schema::column::{call_event, call_record};
use crate::schema::contract::Table;
use crate::schema::topic::Topic;

/// What `summary.json` says.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Seed of the synthetic operator.
    pub seed: u64,
    /// Subscriptions that it has.
    pub subscribers: u32,
    /// Messages sent through Kafka.
    pub messages: u64,
    /// Rows that they became.
    pub records: u64,
    /// Rejects that they became.
    pub rejects: u64,
    /// Rows of `call_record`, the seeded history included.
    pub call_records: u64,
    /// Rows of `call_event`.
    pub call_events: u64,
    /// Call records beyond the first of their call.
    pub duplicates: u64,
    /// Measured days.
    pub days: u32,
    /// Survey requests sent.
    pub survey_requests: u64,
    /// Survey answers received.
    pub survey_answers: u64,
    /// Figures against the truth.
    #[serde(flatten)]
    pub figures: Figures,
    /// Detections against the truth, by type, and breaches of the rules for advertising.
    pub detections: BTreeMap<String, Detection>,
    /// Citizens' reports against the truth.
    pub reports: Reports,
    /// Folders of the signed packages, in their order, below the demo's own.
    pub packages: Vec<String>,
    /// Seconds that everything took.
    pub took_s: f64,
}

impl Summary {
    /// The summary for people, with what to try next.
    pub fn text(&self, folder: &Path) -> String {
        let figures = &self.figures;
        let folder = folder.display();
        let mut text = format!(
            "{} messages = {} records + {} rejects\n\
             {} call records = {} calls + {} duplicates\n\
             {} subscriptions flagged, {} limited or blocked; {} people asked, {} answered\n\n\
             against the hidden truth\n  \
               precision of flags    {:>8}    precision of blocks   {:>8}\n  \
               recall                {:>8}    recall, separable     {:>8}\n  \
               protected flagged     {:>8}    protected blocked     {:>8}\n  \
               calls before the flag {:>8}    (median share of a spam SIM's calls)\n",
            self.messages,
            self.records,
            self.rejects,
            self.call_records,
            self.call_events,
            self.duplicates,
            figures.flagged,
            figures.blocked,
            self.survey_requests,
            self.survey_answers,
            share(figures.precision),
            share(figures.precision_blocked),
            share(figures.recall),
            share(figures.recall_separable),
            share(figures.protected_flagged_share),
            share(figures.protected_blocked_share),
            share(figures.median_calls_share_before_flag),
        );
        for (archetype, recall) in &figures.recall_by_archetype {
            text += &format!("  recall {archetype:<15}{:>8}\n", share(Some(*recall)));
        }
        text += "\n  detections             found  precision    recall\n";
        for (of, detection) in &self.detections {
            let (precision, recall) = (share(detection.precision), share(detection.recall));
            text += &format!("  {of:<20}{:>8}{precision:>11}{recall:>10}\n", detection.found);
        }
        text += &self.verified();
        text += &format!(
            "\nThe data are invented: these figures say that the machinery works, not how well it does on a real network.\n\
             {:.0} s. Try next:\n  \
               head -5 {folder}/export/blocklist/*/blocklist.csv\n  \
               callsieve explain NUMBER --day DAY --lake {folder}/lake    (a number and day of that file)\n  \
               head -5 {folder}/export/regulator/*/numbers.csv\n",
            self.took_s
        );
        text += &self.verify(&folder.to_string());
        text
    }

    /// What was right about the reports, and what the false ones did.
    fn verified(&self) -> String {
        let reports = &self.reports;
        format!(
            "\n  {} reported numbers checked, {} of them right; {} of {} brigades seen; {} numbers held on false reports\n",
            reports.checked,
            share(reports.verified_right_share),
            reports.brigaded_seen,
            reports.brigaded,
            reports.wrongly_held,
        )
    }

    /// How to see that the last package is what was signed, and follows the one before.
    fn verify(&self, folder: &str) -> String {
        let mut newest = self.packages.iter().rev();
        let Some(last) = newest.next() else { return String::new() };
        let before = newest.next().map(|before| format!(" --previous {folder}/{before}")).unwrap_or_default();
        format!("  callsieve verify {folder}/{last} --key {folder}/{KEY}.pub{before}\n")
    }
}

impl Stage {
    /// Sums up after the last day; fails when messages or records do not add up.
    pub(super) async fn summary(&self, messages: u64, watch: Stopwatch) -> anyhow::Result<Summary> {
        let operator = self.operator.as_ref().context("the operator is at home between steps")?;
        let (truth, first_day) = (operator.truth(), self.options.first_day);
        let (mut records, mut call_records) = (0, 0);
        for topic in Topic::ALL {
            let table = topic.table();
            let (all, from_kafka) = self.count(table).await?;
            records += from_kafka;
            if topic == Topic::CallRecord {
                call_records = all;
            }
        }
        let (_, rejects) = self.count(Table::REJECT).await?;
        let (mut call_events, mut folded) = (0, 0);
        for batch in self.lake.open(Table::CALL_EVENT).await?.rows(vec![], &[call_event::RECORDS.name]).await? {
            call_events += batch.num_rows() as u64;
            folded +=
                call_event::RECORDS.of(&batch)?.values().iter().map(|records| records.unsigned_abs()).sum::<u64>();
        }
        let decisions = self.lake.open(Table::DECISION).await?.rows(vec![], &[]).await?;
        let held = measure::held(&decisions)?;
        let detected = self.lake.open(Table::DETECTION_DAY).await?.rows(vec![], &[]).await?;
        let breaches = self.lake.open(Table::AD_BREACH).await?.rows(vec![], &[]).await?;
        let mut detections = measure::detections(&detected, &truth, &operator.spoofed(), first_day)?;
        detections.insert(Table::AD_BREACH.name().to_owned(), measure::breaches(&breaches, operator.breaches())?);
        let reports = report::figures(
            &self.lake.open(Table::REPORT_CHECK).await?.rows(vec![], &[]).await?,
            &self.lake.open(Table::REPORT_DAY).await?.rows(vec![], &[]).await?,
            &self.lake.open(Table::BLOCK_CANDIDATE).await?.rows(vec![], &[]).await?,
            operator.accusations(),
        )?;
        let answers = self.count(Table::SURVEY_ANSWER).await?.0;
        ensure!(messages == records + rejects, "{messages} messages became {records} records and {rejects} rejects");
        ensure!(folded == call_records, "{call_records} call records, but the calls were made of {folded}");
        Ok(Summary {
            seed: self.options.seed,
            subscribers: self.options.subscribers,
            messages,
            records,
            rejects,
            call_records,
            call_events,
            duplicates: call_records - call_events,
            days: self.options.days,
            survey_requests: self.requests,
            survey_answers: answers,
            figures: measure::figures(&held, &truth, first_day),
            detections,
            reports,
            packages: self.packages.clone(),
            took_s: watch.elapsed().as_secs_f64(),
        })
    }

    /// Rows of a table: all, and those that came through Kafka.
    async fn count(&self, table: Table) -> anyhow::Result<(u64, u64)> {
        let (mut all, mut from_kafka) = (0, 0);
        for batch in self.lake.open(table).await?.rows(vec![], &[call_record::SOURCE_PARTITION.name]).await? {
            let partitions = call_record::SOURCE_PARTITION.of(&batch)?;
            all += partitions.len() as u64;
            from_kafka += partitions.values().iter().filter(|partition| **partition >= 0).count() as u64;
        }
        Ok((all, from_kafka))
    }
}

/// A share for people.
fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1} %", value * 100.0))
}
