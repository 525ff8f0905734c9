//! What a verb that ends has done, for Prometheus.
//!
//! In: what jobs return, and how the verb ended. Out: metrics, and a file of them for node_exporter's textfile
//! collector. Never: changes how a verb ends.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::decide::Decided;
use super::late::FOLDS;
use super::ledger::Shown;
use super::ledger::stamp::Stamps;
use super::maintain::Maintained;
use super::replay::Replayed;
use crate::clock::Clock;
use crate::lake::Lake;
use crate::pipeline::run::Ran;
use crate::schema::column::call_event;
use crate::schema::topic::Topic;
use crate::telemetry::metrics::{Metrics, NONE, seconds};

/// Notes what definitions did, and the duplicates of the last day of events among it.
pub async fn ran(lake: &Lake, ran: &[Ran], metrics: &Metrics) -> anyhow::Result<()> {
    tables(ran, metrics);
    for (records, events) in FOLDS {
        let Some(last) = ran.iter().rev().find(|ran| ran.table == events) else { continue };
        let Some(table) = lake.find(events).await? else { continue };
        let day = last.day.to_string();
        let mut duplicates = 0;
        // Both tables of events have these columns.
        for batch in table.rows_with(call_event::DAY.name, &day, &[call_event::RECORDS.name]).await? {
            let folded = call_event::RECORDS.of(&batch)?.values();
            duplicates += folded.iter().map(|records| records - 1).sum::<i64>();
        }
        metrics.duplicates.with_label_values(&[records.name()]).set(duplicates);
    }
    Ok(())
}

/// Notes a decision, and whether its input was complete.
pub fn decided(decided: &Decided, metrics: &Metrics) -> anyhow::Result<()> {
    super::decide::note(decided, metrics)?;
    tables(&decided.ran, metrics);
    findings(!decided.open.is_empty(), decided.open.len(), metrics);
    Ok(())
}

/// Notes what the ledger shows.
pub fn ledger(shown: &Shown, metrics: &Metrics) {
    let faults: usize = shown.partitions.iter().map(|partition| partition.proof.findings.len()).sum();
    let waiting = shown.days.iter().filter(|sum| sum.waiting != 0).count();
    let unsigned = shown.accepted.iter().filter(|accepted| !accepted.is_signed).count();
    findings(!shown.is_closed, shown.unread.len() + faults + waiting + unsigned, metrics);
    // In the order of days: the last one stays.
    for sum in &shown.days {
        metrics.duplicates.with_label_values(&[sum.table]).set(sum.duplicates);
    }
    for Stamps { channel, reports, ahead, behind } in &shown.stamps {
        for (clock, count) in [("ahead", *ahead), ("behind", *behind), ("right", reports - ahead - behind)] {
            metrics.ledger_reports.with_label_values(&[channel.as_str(), clock]).set(gauge(count as u64));
        }
    }
}

/// Notes what a replay made of rejects.
pub fn replayed(replayed: &BTreeMap<Topic, Replayed>, metrics: &Metrics) {
    for (topic, Replayed { records, refused }) in replayed {
        for (outcome, rejects) in [("rows", *records), ("refused", *refused)] {
            metrics.replay_rejects.with_label_values(&[topic.name(), outcome]).set(gauge(rejects));
        }
    }
}

/// Notes what became of files.
pub fn maintained(maintained: &[Maintained], metrics: &Metrics) {
    for done in maintained {
        let written = done.into_files.unwrap_or_default();
        for (act, files) in [("joined", done.joined_files), ("written", written), ("deleted", done.deleted_files)] {
            metrics.maintain_files.with_label_values(&[done.table, act]).set(gauge(files));
        }
    }
}

/// Notes how the verb ended, and leaves all that was noted in a file.
pub fn ended(exit_code: u8, clock: Clock, metrics: &Metrics, file: &Path) -> anyhow::Result<()> {
    metrics.last_run.with_label_values(&NONE).set(clock.now().div_euclid(1_000_000));
    metrics.last_run_exit_code.with_label_values(&NONE).set(i64::from(exit_code));
    metrics.write(file)
}

fn tables(ran: &[Ran], metrics: &Metrics) {
    for ran in ran {
        let table = [ran.table.name()];
        metrics.run_rows.with_label_values(&table).inc_by(ran.rows);
        metrics.run_seconds.with_label_values(&table).observe(seconds(Duration::from_millis(ran.took_ms)));
    }
}

fn findings(is_open: bool, count: usize, metrics: &Metrics) {
    metrics.ledger_open.with_label_values(&NONE).set(i64::from(is_open));
    metrics.ledger_findings.with_label_values(&NONE).set(i64::try_from(count).unwrap_or(i64::MAX));
}

fn gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_report_of_a_channel_is_of_one_clock() {
        let stamps = vec![Stamps { channel: "voice".to_owned(), reports: 10, ahead: 1, behind: 6 }];
        let metrics = Metrics::of_verb("ledger");
        ledger(&Shown { stamps, ..Shown::default() }, &metrics);
        let text = metrics.text().unwrap();
        for (clock, reports) in [("ahead", 1), ("behind", 6), ("right", 3)] {
            let line =
                format!("callsieve_ledger_reports{{channel=\"voice\",clock=\"{clock}\",verb=\"ledger\"}} {reports}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
    }
}
