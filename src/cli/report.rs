//! The verbs for citizens' reports: `report parse` and `report answer`.
//!
//! In: texts, or a site's configuration. Out: readings, or answers at the broker and how many there were.
//! Never: sends what it has not written down.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::BadConfig;
use super::lake::of_site;
use super::print::say;
use crate::answer::Templates;
use crate::clock::Clock;
use crate::config::Config;
use crate::job;
use crate::lookup::Lookup;

#[derive(Debug, Subcommand)]
pub(super) enum ReportVerb {
    /// Reads 156 and 5656 texts on stdin, one a line, and writes one JSON object a line.
    #[command(after_help = "Example: echo 'V [0912345678][moi vay]' | callsieve report parse")]
    Parse,
    /// Answers the reports that have no answer yet: each once at once, and once when the number is barred.
    #[command(after_help = "Example: callsieve report answer --config site.toml\n\n\
        Run it every minute. What was cut off goes out with the next run, under the same answer_id.")]
    Answer(AnswerArgs),
}

#[derive(Debug, Args)]
pub(super) struct AnswerArgs {
    /// The site's configuration: its [kafka], [answer], [lookup] and [seal].
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: PathBuf,
    /// Folder with a folder answer, and a folder lookup; those that were compiled in when not named.
    #[arg(long)]
    pipelines: Option<PathBuf>,
    /// Say how many answers there would be, and do nothing; registries are asked.
    #[arg(long)]
    pub(super) dry_run: bool,
}

pub(super) async fn report(verb: ReportVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        ReportVerb::Parse => job::report::parse(std::io::stdin().lock(), std::io::stdout().lock()),
        ReportVerb::Answer(args) => answer(&args, json).await,
    }
}

async fn answer(args: &AnswerArgs, json: bool) -> anyhow::Result<()> {
    let config = Config::read(&args.config).map_err(BadConfig)?;
    let kafka = config.kafka.as_ref().with_context(|| format!("{} has no [kafka] to send to", args.config.display()));
    let kafka = kafka.map_err(BadConfig)?;
    let folder = |name: &str| args.pipelines.as_ref().map(|folder| folder.join(name));
    let templates = folder("answer").map_or_else(Templates::embedded, |folder| Templates::read(&folder));
    let mut lookup = config.lookup.clone();
    lookup.rules = folder("lookup").or(lookup.rules);
    let (lake, seal) = (of_site(&config).await?, config.seal.open().map_err(BadConfig)?);
    let desk = job::answer::Desk {
        lake: &lake,
        seal: &seal,
        templates: &templates.map_err(BadConfig)?,
        lookup: &Lookup::open(&lookup, Clock::System).map_err(BadConfig)?,
        options: &config.answer,
        clock: Clock::System,
    };
    let answered = job::answer::answer(&desk, kafka, args.dry_run).await?;
    say(json, &answered, || answered.text())
}
