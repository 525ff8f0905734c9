//! The verb `deliver`: a published folder to one of the site's targets.
//!
//! In: a folder, a target's name, and a site's configuration. Out: what came of it. Never: sends a folder that is not
//! whole.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::BadConfig;
use super::lake::of_site;
use super::print::say;
use crate::clock::Clock;
use crate::config::{Config, store_of_environment};
use crate::export::delivery::parcel::Parcel;
use crate::job;

#[derive(Debug, Args)]
pub(super) struct DeliverArgs {
    /// The published folder.
    folder: PathBuf,
    /// The target, as `[delivery.NAME]` of the configuration.
    #[arg(long, value_name = "NAME")]
    to: String,
    /// Say what would be sent, and send nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Send a block list though one before it has not arrived there, which is then never sent, or though a later one has,
    /// whose releases it may take back.
    #[arg(long)]
    out_of_turn: bool,
    /// The site's configuration.
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: PathBuf,
}

pub(super) async fn deliver(args: DeliverArgs, json: bool) -> anyhow::Result<()> {
    let DeliverArgs { folder, to, dry_run, out_of_turn, config } = args;
    let site = Config::read(&config).map_err(BadConfig)?;
    let options = site.delivery.get(&to).with_context(|| {
        let names: Vec<&str> = site.delivery.keys().map(String::as_str).collect();
        format!("{} has no [delivery.{to}]; there are: {}", config.display(), names.join(", "))
    });
    let target = options.map_err(BadConfig)?.target(store_of_environment());
    let target = target.with_context(|| format!("delivery.{to}")).map_err(BadConfig)?;
    let lake = of_site(&site).await?;
    let parcel = Parcel::read(&folder)?;
    let order = job::deliver::Order { is_dry_run: dry_run, is_out_of_turn: out_of_turn };
    let delivered = job::deliver::deliver(&lake, (&to, &target), &parcel, order, Clock::System).await?;
    say(json, &delivered, || delivered.text())?;
    delivered.verdict()
}
