//! `subject`: what a subscriber may ask for.
//!
//! In: a number, and in whose name it is asked. Out: where the answer is, or what was erased. Never: answers or erases
//! without a desk that writes it down.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::desk;
use super::lake::LakeArgs;
use super::print::say;
use super::rules::RulesArgs;
use super::site::SiteArgs;
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::domain::number::Number;
use crate::job;
use crate::job::desk::Giver;
use crate::job::subject::erase::Request;

#[derive(Debug, Subcommand)]
pub(super) enum SubjectVerb {
    /// All that the lake holds of a number, table by table; other people's numbers are masked.
    #[command(
        after_help = "Example: callsieve subject export 0962000001 --lake /data/lake --out /data/export \\\n    \
        --by an --config site.toml\n\nThe files are in OUT/subject/NUMBER; index.json names them. \
        With --held-on they are in OUT/subject/NUMBER_DAY."
    )]
    Export(ExportArgs),
    /// Empties what the number's holder may have erased, and says of every table that names the number why its rows stay.
    #[command(after_help = "Example: callsieve subject erase 0962000001 --case 17/YC --lake /data/lake \\\n    \
        --by an --config site.toml --dry-run\n\nWith four_eyes in [desk] it waits for a second person; without, it takes a \
        supervisor. With require_promotion it builds again by promoted definitions alone, and ends with 6 when given others.")]
    Erase(EraseArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The number as people write it.
    #[arg(value_parser = desk::number)]
    number: Number,
    /// A day on which the number was the asker's; without it, whoever holds it now asks.
    #[arg(long, value_name = "DAY")]
    held_on: Option<Day>,
    /// In whose name.
    #[arg(long)]
    by: String,
    /// Folder to publish in.
    #[arg(long, default_value = "export")]
    out: PathBuf,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    lake: LakeArgs,
}

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    /// The number as people write it.
    #[arg(value_parser = desk::number)]
    number: Number,
    /// A day on which the number was the asker's; without it, whoever holds it now asks.
    #[arg(long, value_name = "DAY")]
    held_on: Option<Day>,
    /// Reference of the request.
    #[arg(long = "case", value_name = "REF")]
    case_ref: String,
    /// In whose name.
    #[arg(long)]
    by: String,
    /// Say what would go and what stays, and write nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

pub(super) async fn subject(verb: SubjectVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        SubjectVerb::Export(args) => export(args, json).await,
        SubjectVerb::Erase(args) => erase(args, json).await,
    }
}

async fn erase(args: EraseArgs, json: bool) -> anyhow::Result<()> {
    let EraseArgs { number, held_on, case_ref, by, dry_run, site, lake, rules } = args;
    let (desk, keep_files_days) = (site.desk().await?, site.maintain()?.keep_files_days);
    let (definitions, lake) = (rules.load().await?, lake.open().await?);
    if !dry_run {
        // What copies the words is built again by these definitions.
        site.admit(&lake, &definitions).await?;
    }
    let request = Request { number, held_on, case: &case_ref, by: &by, is_dry_run: dry_run, keep_files_days };
    let erased = job::subject::erase::erase(&lake, definitions, &request, &desk, Clock::System).await?;
    say(json, &erased, || erased.text())
}

async fn export(args: ExportArgs, json: bool) -> anyhow::Result<()> {
    let ExportArgs { number, held_on, by, out, site, lake } = args;
    let (desk, seal) = (site.desk().await?, site.seal()?);
    let giver = Giver { desk: &desk, by: &by, at: Clock::System.now() };
    let handed = job::subject::export(&lake.open().await?, (number, held_on), &out, &seal, giver).await?;
    say(json, &handed, || handed.text())
}
