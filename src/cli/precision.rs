//! The verbs about how precise the rules are: `sample` and `precision`.
//!
//! In: a week of a lake. Out: whom to review, and what reviewers found. Never: a number in clear unless that is written down.

use std::path::PathBuf;

use clap::Args;

use super::desk::list;
use super::lake::LakeArgs;
use super::print::say;
use super::rules::RulesArgs;
use super::site::{LookArgs, store};
use crate::domain::day::Week;
use crate::job;
use crate::telemetry::metrics::Metrics;

#[derive(Debug, Args)]
pub(super) struct SampleArgs {
    /// The ISO week, as 2025-W02.
    #[arg(long)]
    week: Week,
    #[command(flatten)]
    look: LookArgs,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

#[derive(Debug, Args)]
pub(super) struct PrecisionArgs {
    /// The ISO week, as 2025-W02.
    #[arg(long)]
    week: Week,
    /// The site's configuration: reviews of its desk until now count; else those that the last `decide` has copied.
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

pub(super) async fn sample(args: SampleArgs, json: bool) -> anyhow::Result<()> {
    let definitions = args.rules.load().await?;
    let (desk, lake) = (args.look.site.desk().await?, args.lake.open().await?);
    list(json, &desk.sample(args.look.look(), &lake, definitions, args.week).await?)
}

pub(super) async fn precision(args: PrecisionArgs, json: bool, metrics: Option<&Metrics>) -> anyhow::Result<()> {
    let definitions = args.rules.load().await?;
    let store = store(args.config.as_ref()).await?;
    let precision = job::precision::precision(&args.lake.open().await?, definitions, args.week, store.as_ref()).await?;
    if let Some(metrics) = metrics {
        precision.note(metrics);
    }
    say(json, &precision, || precision.text())
}
