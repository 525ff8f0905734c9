//! `export dossier`: one number's facts for an authority that asks.
//!
//! In: the request, and where the lake and the desk are. Out: where the dossier is. Never: shows called numbers in clear
//! without a desk to agree on it.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::error::ErrorKind;

use super::lake::PlaceArgs;
use super::print::say;
use super::rules::RulesArgs;
use super::{BadConfig, desk};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::day::Day;
use crate::domain::lang::Lang;
use crate::domain::number::Number;
use crate::domain::seal::Seal;
use crate::job;
use crate::job::dossier::{Filed, Order};
use crate::store::Refused;

#[derive(Debug, Args)]
pub(super) struct DossierArgs {
    /// The number as people write it.
    #[arg(value_parser = desk::number)]
    number: Number,
    /// First day.
    #[arg(long)]
    from: Day,
    /// Last day.
    #[arg(long)]
    until: Day,
    /// Reference of the authority's request.
    #[arg(long = "case", value_name = "REF")]
    case_ref: String,
    /// File of the secret key that signs; without it nothing vouches for the dossier.
    #[arg(long)]
    key: Option<PathBuf>,
    /// Language of the page: vi or en.
    #[arg(long, default_value_t = Lang::Vi)]
    lang: Lang,
    /// Show called numbers and reporters in clear; a second person has to approve it first.
    #[arg(long = "reveal", requires = "legal_ref")]
    in_clear: bool,
    /// The provision by which the authority may see them.
    #[arg(long, value_name = "TEXT", requires = "in_clear")]
    legal_ref: Option<String>,
    /// In whose name; needed where a desk is configured, which writes down what leaves.
    #[arg(long)]
    by: Option<String>,
    /// The site's configuration, for its desk and for what opens the words of reporters.
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

pub(super) async fn dossier(args: DossierArgs, json: bool) -> anyhow::Result<()> {
    let DossierArgs { number, from, until, case_ref, lang, .. } = args;
    if from > until {
        clap::Error::raw(ErrorKind::ValueValidation, "--from lies behind --until\n").exit();
    }
    let order = Order { number, from, until, case_ref, lang };
    let desk = desk::desk(args.config.as_ref()).await?;
    let hand = match (&desk, &args.by) {
        (None, _) => None,
        (Some(desk), Some(by)) => Some((desk, by.as_str(), Clock::System.now())),
        (Some(_), None) => {
            let missing = "--by NAME is needed: the desk writes down in whose name a dossier leaves\n";
            clap::Error::raw(ErrorKind::MissingRequiredArgument, missing).exit();
        }
    };
    let cleared = match (args.legal_ref.filter(|_| args.in_clear), hand) {
        (None, _) => None,
        (Some(legal_ref), Some((desk, by, at))) => {
            Some(order.clear(desk, by, at, &legal_ref).await?.opening(seal(args.config.as_deref())?))
        }
        (Some(_), None) => {
            let refused = "numbers are shown in clear by leave of a desk alone: --config names none";
            return Err(Refused(refused.to_owned()).into());
        }
    };
    let key = args.key.as_deref().map(job::key::read).transpose()?;
    let (definitions, lake) = (args.rules.load().await?, args.place.open()?);
    let to = (args.place.out.as_path(), key.as_ref());
    let filed = job::dossier::publish(&lake, &definitions, &order, to, (cleared.as_ref(), hand)).await?;
    say(json, &filed, || text(&filed))
}

/// What opens the words of reporters.
fn seal(config: Option<&Path>) -> anyhow::Result<Seal> {
    match config {
        Some(path) => Config::read(path).and_then(|site| site.seal.open()).map_err(|error| BadConfig(error).into()),
        None => Ok(Seal::default()),
    }
}

fn text(filed: &Filed) -> String {
    let Filed { folder, is_known, calls, is_revealed, is_signed, is_changed, .. } = filed;
    let held = if *is_known { format!("{calls} calls") } else { "nothing is held of the number".to_owned() };
    let parties = if *is_revealed { "other parties in clear" } else { "other parties masked" };
    let signed = if *is_signed { "signed" } else { "NOT SIGNED" };
    let news = if *is_changed { "" } else { " (unchanged)" };
    format!("{}: {held}, {parties}, {signed}{news}", folder.display())
}
