//! `subject`: what a subscriber may ask for.
//!
//! In: a number, and in whose name it is asked. Out: where the answer is. Never: answers without a desk that writes it
//! down.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::BadConfig;
use super::desk;
use super::lake::LakeArgs;
use super::print::say;
use crate::clock::Clock;
use crate::domain::number::Number;
use crate::job;

#[derive(Debug, Subcommand)]
pub(super) enum SubjectVerb {
    /// All that the lake holds of a number, table by table; other people's numbers are masked.
    #[command(
        after_help = "Example: callsieve subject export 0962000001 --lake /data/lake --out /data/export \\\n    \
        --by an --config site.toml\n\nThe files are in OUT/subject/NUMBER; index.json names them."
    )]
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The number as people write it.
    #[arg(value_parser = desk::number)]
    number: Number,
    /// In whose name.
    #[arg(long)]
    by: String,
    /// Folder to publish in.
    #[arg(long, default_value = "export")]
    out: PathBuf,
    /// The site's configuration, for its desk.
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: PathBuf,
    #[command(flatten)]
    lake: LakeArgs,
}

pub(super) async fn subject(verb: SubjectVerb, json: bool) -> anyhow::Result<()> {
    let SubjectVerb::Export(ExportArgs { number, by, out, config, lake }) = verb;
    let desk = desk::desk(Some(&config)).await?;
    let desk = desk.with_context(|| format!("{} has no [desk]", config.display())).map_err(BadConfig)?;
    let hand = (&desk, by.as_str(), Clock::System.now());
    let handed = job::subject::export(&lake.open()?, number, &out, hand).await?;
    say(json, &handed, || handed.text())
}
