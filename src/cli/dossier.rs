//! `export dossier`: one number's facts for an authority that asks.
//!
//! In: the request, and where the lake and the desk are. Out: where the dossier is. Never: lets a dossier leave without a
//! desk that writes it down.

use std::path::PathBuf;

use clap::Args;

use super::lake::PlaceArgs;
use super::print::say;
use super::rules::RulesArgs;
use super::site::SiteArgs;
use super::{desk, ensure_order};
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::domain::lang::Lang;
use crate::domain::number::Number;
use crate::job;
use crate::job::desk::Giver;
use crate::job::dossier::{Filed, Order};

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
    /// In whose name; the desk writes down what leaves.
    #[arg(long)]
    by: String,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

pub(super) async fn dossier(args: DossierArgs, json: bool) -> anyhow::Result<()> {
    let DossierArgs { number, from, until, case_ref, lang, .. } = args;
    ensure_order(from, until);
    let order = Order { number, from, until, case_ref, lang };
    let desk = args.site.desk().await?;
    let giver = Giver { desk: &desk, by: &args.by, at: Clock::System.now() };
    let cleared = match args.legal_ref.filter(|_| args.in_clear) {
        None => None,
        Some(legal_ref) => Some(order.clear(&desk, giver.by, giver.at, &legal_ref).await?.with_keys(args.site.seal()?)),
    };
    let key = args.key.as_deref().map(job::key::read).transpose()?;
    let (definitions, lake) = (args.rules.load().await?, args.place.open().await?);
    let to = (args.place.out.as_path(), key.as_ref());
    let filed = job::dossier::publish(&lake, &definitions, &order, to, cleared.as_ref(), giver).await?;
    say(json, &filed, || text(&filed))
}

fn text(filed: &Filed) -> String {
    let Filed { folder, is_known, calls, is_revealed, is_signed, is_changed, .. } = filed;
    let held = if *is_known { format!("{calls} calls") } else { "nothing is held of the number".to_owned() };
    let parties = if *is_revealed { "other parties in clear" } else { "other parties masked" };
    let signed = if *is_signed { "signed" } else { "NOT SIGNED" };
    let news = if *is_changed { "" } else { " (unchanged)" };
    format!("{}: {held}, {parties}, {signed}{news}", folder.display())
}
