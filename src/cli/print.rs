//! Results on stdout, for people or for machines.
//!
//! In: what a job returns. Out: lines of text, or one line of JSON.
//! Never: writes to stderr, or shows what the job has not handed over.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use serde::Serialize;

use crate::domain::day::Day;
use crate::export::list::Published;
use crate::job;
use crate::job::decide::Decided;
use crate::job::package::Packaged;
use crate::job::replay::Replayed;
use crate::pipeline::run::Ran;
use crate::schema::topic::Topic;

/// A result on stdout, for people or for machines.
pub(super) fn say(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string(value)? } else { text() };
    writeln!(std::io::stdout(), "{text}").context("writing to stdout")
}

pub(super) fn ran(json: bool, ran: &[Ran]) -> anyhow::Result<()> {
    let rows: Vec<_> = ran
        .iter()
        .map(|ran| {
            serde_json::json!({
                "table": ran.table.name(), "day": ran.day.to_string(), "rows": ran.rows,
                "incomplete": ran.incomplete, "version": ran.version, "took_ms": ran.took_ms,
            })
        })
        .collect();
    say(json, &rows, || {
        let line = |ran: &Ran| {
            let days = match ran.incomplete {
                0 => String::new(),
                rows => format!("  {rows} of them lack days"),
            };
            format!("{:<16} {}  {:>9} rows  {:>6} ms{days}", ran.table.name(), ran.day, ran.rows, ran.took_ms)
        };
        ran.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

pub(super) fn decided(json: bool, day: Day, decided: &Decided) -> anyhow::Result<()> {
    let verdicts: BTreeMap<_, _> = decided.verdicts.iter().map(|(verdict, count)| (verdict.as_str(), count)).collect();
    say(json, &verdicts, || format!("{day}: {}", job::decide::words(&decided.verdicts)))
}

pub(super) fn published(json: bool, published: &Published) -> anyhow::Result<()> {
    say(json, published, || {
        let path = published.folder.join(&published.file);
        let news = if published.is_changed { "" } else { " (unchanged)" };
        format!("{}: {} rows{news}", path.display(), published.rows)
    })
}

pub(super) fn packaged(json: bool, packaged: &Packaged) -> anyhow::Result<()> {
    say(json, packaged, || {
        let Packaged { folder, recipient, week, sequence, rows, is_signed, is_changed, kept, .. } = packaged;
        let signed = if *is_signed { "signed" } else { "NOT SIGNED" };
        let news = if *is_changed { "" } else { " (unchanged)" };
        let kept = kept.as_ref().map(|kept| format!("\n{}: the package that stood there before", kept.display()));
        let kept = kept.unwrap_or_default();
        format!(
            "{}: package {sequence} for {recipient}, {week}: {rows} numbers, {signed}{news}{kept}",
            folder.display()
        )
    })
}

pub(super) fn replayed(json: bool, replayed: &BTreeMap<Topic, Replayed>) -> anyhow::Result<()> {
    let by_name: BTreeMap<_, _> = replayed.iter().map(|(topic, done)| (topic.name(), done)).collect();
    say(json, &by_name, || {
        let line = |(topic, done): (&&str, &&Replayed)| {
            format!("{topic}: {} rejects became rows, {} are still refused", done.records, done.refused)
        };
        by_name.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}
