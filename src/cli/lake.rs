//! The verbs that look after a lake: `maintain` and `reference`.
//!
//! In: where the lake is. Out: files joined and removed, reference tables loaded. Never: waits for another run's lock.

use std::path::PathBuf;

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::BadConfig;
use super::print::say;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::domain::day::Day;
use crate::job;
use crate::job::maintain::Maintained;
use crate::lake::Lake;
use crate::schema::contract::Table;
use crate::telemetry::metrics::Metrics;

#[derive(Debug, Args)]
pub(super) struct LakeArgs {
    /// The lake: a folder, or s3://BUCKET/PREFIX with the store's settings in AWS_… variables.
    #[arg(long, default_value = "callsieve-demo/lake")]
    lake: String,
}

impl LakeArgs {
    /// A lake that is there.
    pub(super) async fn open(&self) -> anyhow::Result<Lake> {
        existing(&self.lake).await
    }
}

/// A lake that is there, by what the environment says of its store.
pub(super) async fn existing(location: &str) -> anyhow::Result<Lake> {
    begun(location, Lake::existing(location, &config::store_of_environment())).await
}

/// The lake that a site's configuration names, which is there.
pub(super) async fn of_site(site: &Config) -> anyhow::Result<Lake> {
    begun(site.lake.as_deref().unwrap_or_default(), site.open_lake()).await
}

/// Ends where nothing was ever written: a lake that began by a slip knows of no bar, and a list that is made of it gives
/// back everybody who is under one.
async fn begun(location: &str, found: anyhow::Result<Option<Lake>>) -> anyhow::Result<Lake> {
    let found = found.map_err(BadConfig)?;
    let is_begun = match &found {
        Some(lake) => lake.is_begun().await?,
        None => false,
    };
    let absent = || {
        anyhow!(
            "there is no lake at {location}; is that its path, and its disk mounted? only `callsieve ingest` begins one"
        )
    };
    found.filter(|_| is_begun).ok_or_else(|| BadConfig(absent()).into())
}

/// Where what is exported comes from, and where it goes.
#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// Folder to publish in.
    #[arg(long, default_value = "export")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    lake: LakeArgs,
}

impl PlaceArgs {
    pub(super) async fn open(&self) -> anyhow::Result<Lake> {
        self.lake.open().await
    }
}

#[derive(Debug, Args)]
pub(super) struct MaintainArgs {
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The site's configuration: how long its `[maintain]` lets versions of before be read; eight weeks without it.
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    lake: LakeArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum ReferenceVerb {
    /// Loads a CSV file as what holds from a day on; rows missing from it end on that day.
    #[command(
        after_help = "Example: callsieve reference load allow_list hospitals.csv --from 2025-01-06 --lake /data/lake"
    )]
    Load {
        /// allow_list, advertiser, brandname, do_not_call, ported_number, trunk or special_number.
        #[arg(value_parser = table)]
        table: Table,
        /// The file, with a header.
        file: PathBuf,
        /// First day on which it holds.
        #[arg(long)]
        from: Day,
        #[command(flatten)]
        lake: LakeArgs,
    },
}

pub(super) fn table(name: &str) -> Result<Table, String> {
    name.parse()
}

pub(super) async fn maintain(args: &MaintainArgs, json: bool, metrics: Option<&Metrics>) -> anyhow::Result<()> {
    let options = match &args.config {
        Some(config) => Config::read(config).map_err(BadConfig)?.maintain,
        None => job::maintain::Options::default(),
    };
    let lake = args.lake.open().await?;
    let work = job::maintain::maintain(&lake, options, Clock::System, args.dry_run);
    // Who only looks is in nobody's way.
    let done = if args.dry_run { work.await? } else { lake.rewriting(work).await? };
    if let Some(metrics) = metrics {
        job::note::maintained(&done, metrics);
    }
    say(json, &done, || done.iter().map(Maintained::text).collect::<Vec<_>>().join("\n"))
}

pub(super) async fn reference(verb: ReferenceVerb, json: bool) -> anyhow::Result<()> {
    let ReferenceVerb::Load { table, file, from, lake } = verb;
    let lake = lake.open().await?;
    let loaded = lake.alone(job::reference::load(&lake, table, &file, from)).await?;
    say(json, &loaded, || {
        format!("{table} from {from}: {} begin, {} end, {} stay", loaded.begun, loaded.ended, loaded.kept)
    })
}
