//! The verbs around the network: `export blocklist`, `publish flags` and `receipts`.
//!
//! In: a lake, a day, and a site's configuration. Out: lists, commands, flags, and what the network made of them.
//! Never: prints a number in clear.

use std::path::PathBuf;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{Args, Subcommand, ValueEnum};

use super::BadConfig;
use super::lake::{LakeArgs, PlaceArgs, of_site};
use super::print::say;
use super::rules::RulesArgs;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::day::Day;
use crate::export::blocklist::file;
use crate::export::blocklist::mml::Template;
use crate::job;
use crate::job::desk::handout::Trail;
use crate::source::flag::Flags;
use crate::source::registry::Registry;

#[derive(Debug, Args)]
pub(super) struct BlocklistArgs {
    /// The day.
    #[arg(long)]
    day: Day,
    /// Also write what changes since the publication before, into OUT/blocklist-delta/SEQUENCE.
    #[arg(long)]
    delta: bool,
    /// How rows are written.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Whom a CSV file is for.
    #[arg(long, value_enum, default_value_t = Profile::Machine)]
    profile: Profile,
    /// Also write commands by this template, and what undoes them, into OUT/blocklist-mml/SEQUENCE.
    #[arg(long, value_name = "TEMPLATE")]
    mml: Option<PathBuf>,
    /// Let so many new bars out in this run, instead of the rules' `export_cap`.
    #[arg(long)]
    cap: Option<usize>,
    /// Let out only what is given back: no new bar, and none that changes.
    #[arg(long)]
    releases_only: bool,
    /// Say what would leave, with the first commands, and write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The site's configuration: whom the desk of its `[desk]` protects by now is barred by no list, and the desk's trail
    /// says that the list has left.
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: Option<PathBuf>,
    /// In whose name, for that trail.
    #[arg(long)]
    by: Option<String>,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated.
    Csv,
    /// One JSON object.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// A program.
    Machine,
    /// Somebody who opens it in a spreadsheet.
    Spreadsheet,
}

#[derive(Debug, Subcommand)]
pub(super) enum PublishVerb {
    /// What holds of each number, to a compacted topic: a message for each that changed, without a body once released.
    #[command(after_help = "Example: callsieve publish flags --config site.toml --day 2025-01-06\n\n\
        The list of that day must have been exported. After the topic was made anew by hand, --full tells it everything.")]
    Flags {
        /// The day whose list was published last.
        #[arg(long)]
        day: Day,
        /// Every number that was ever published, not only those that changed.
        #[arg(long)]
        full: bool,
        /// Say what would be sent, and send nothing.
        #[arg(long)]
        dry_run: bool,
        /// The site's configuration, with a `[kafka]`; the trail of its `[desk]` says that flags were sent.
        #[arg(long, env = "CALLSIEVE_CONFIG")]
        config: PathBuf,
        /// In whose name, for that trail.
        #[arg(long)]
        by: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct ReceiptsArgs {
    /// The day; what is known at its end, or by now.
    #[arg(long)]
    day: Day,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

pub(super) async fn export(args: BlocklistArgs, json: bool) -> anyhow::Result<()> {
    let format = match (args.format, args.profile) {
        (Format::Csv, Profile::Machine) => file::Format::Csv,
        (Format::Csv, Profile::Spreadsheet) => file::Format::Spreadsheet,
        (Format::Json, Profile::Machine) => file::Format::Json,
        (Format::Json, Profile::Spreadsheet) => {
            clap::Error::raw(ErrorKind::ArgumentConflict, "a spreadsheet reads no JSON\n").exit()
        }
    };
    let mml = args.mml.as_deref().map(Template::read).transpose().map_err(BadConfig)?;
    let lake = args.place.open().await?;
    let order = job::blocklist::Order {
        day: args.day,
        out: args.place.out,
        format,
        delta: args.delta,
        mml,
        cap: args.cap,
        releases_only: args.releases_only,
        is_dry_run: args.dry_run,
        by: args.by,
    };
    let definitions = args.rules.load().await?;
    let store = super::site::store(args.config.as_ref()).await?;
    let published = job::blocklist::publish(&lake, &definitions, &order, store.as_ref(), Clock::System).await?;
    say(json, &published, || published.text())
}

pub(super) async fn publish(verb: PublishVerb, json: bool) -> anyhow::Result<()> {
    let PublishVerb::Flags { day, full, dry_run, config, by } = verb;
    let site = Config::read(&config).map_err(BadConfig)?;
    let lake = of_site(&site).await?;
    let kafka = site.kafka.as_ref().with_context(|| format!("{} has no [kafka]", config.display()));
    let flags = Flags::connect(kafka.map_err(BadConfig)?, &site.flags)?;
    let registry = Registry::new(&site.registry)?;
    let order = job::flags::Order { day, is_full: full, is_dry_run: dry_run };
    let wire = (&registry, site.flags.topic.as_str());
    let store = super::site::store(Some(&config)).await?;
    let trail = Trail { store: store.as_ref(), by: by.as_deref() };
    let flagged = job::flags::publish(&lake, &flags, wire, order, (trail, Clock::System)).await?;
    say(json, &flagged, || flagged.text())
}

pub(super) async fn receipts(args: ReceiptsArgs, json: bool) -> anyhow::Result<()> {
    let definitions = args.rules.load().await?;
    let reconciled = job::receipts::day(&args.lake.open().await?, definitions, args.day, Clock::System).await?;
    say(json, &reconciled, || reconciled.text())?;
    Ok(reconciled.verdict()?)
}
