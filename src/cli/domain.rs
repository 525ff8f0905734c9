//! The verb for domains: `domain lookup`.
//!
//! In: a host or a link. Out: the answer as lines, as JSON, as the SMS that 156 sends, or as a page.
//! Never: prints nothing because a registry is out of reach: what we know ourselves is said, and the exit code tells.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::BadConfig;
use super::lake::existing;
use super::print::say;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::host::Link;
use crate::domain::seal::Seal;
use crate::job;
use crate::lookup::{Lookup, Options};

#[derive(Debug, Subcommand)]
pub(super) enum DomainVerb {
    /// Says what a registry knows of a domain, and apart from it what we know ourselves; exit code 4 when the registry
    /// did not answer.
    #[command(after_help = "Example: callsieve domain lookup 'hxxps://vietcomdank[.]com/login' --lists /data/lists")]
    Lookup(LookupArgs),
}

#[derive(Debug, Args)]
pub(super) struct LookupArgs {
    /// A host or a link, also one that was made harmless, as hxxp://example[.]vn.
    #[arg(value_parser = link)]
    name: Link,
    /// The site's configuration, whose [lookup] names registries and whose [seal] opens what reports say.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Folder of imported lists, before the one that is configured.
    #[arg(long)]
    lists: Option<PathBuf>,
    /// Folder with a folder lookup of known names and replies; those that were compiled in when not named.
    #[arg(long)]
    pipelines: Option<PathBuf>,
    /// Count reports of the domain in this lake.
    #[arg(long)]
    lake: Option<String>,
    /// Print the SMS alone; with --json it is a key among the others.
    #[arg(long)]
    sms: bool,
    /// Write the answer as a page in Vietnamese, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl LookupArgs {
    fn options(&self) -> anyhow::Result<(Options, Seal)> {
        let (mut options, seal) = match &self.config {
            Some(path) => {
                let Config { lookup, seal, .. } = Config::read(path).map_err(BadConfig)?;
                (lookup, seal.open().map_err(BadConfig)?)
            }
            None => (Options::default(), Seal::default()),
        };
        options.lists = self.lists.clone().or(options.lists);
        options.rules = self.pipelines.as_ref().map(|folder| folder.join("lookup")).or(options.rules);
        Ok((options, seal))
    }
}

fn link(text: &str) -> Result<Link, String> {
    Link::read(text).ok_or_else(|| "there is no host in it; write it as example.vn".to_owned())
}

pub(super) async fn domain(verb: DomainVerb, json: bool) -> anyhow::Result<()> {
    let DomainVerb::Lookup(args) = verb;
    let (options, seal) = args.options()?;
    let lookup = Lookup::open(&options, Clock::System).map_err(BadConfig)?;
    let lake = match &args.lake {
        Some(lake) => Some(existing(lake).await?),
        None => None,
    };
    let answered = job::domain::answer(&lookup, &args.name, lake.as_ref(), &seal).await?;
    if let Some(file) = &args.html {
        answered.write_page(file)?;
    }
    say(json, &answered, || if args.sms { answered.sms.clone() } else { answered.answer.text() })?;
    answered.unanswered().map_or(Ok(()), |unanswered| Err(unanswered.into()))
}
