//! The verbs that follow the rules of `pipelines/`: `run`, `decide`, `export`, `explain`, `backtest`, `shadow` and `check`.
//!
//! In: a lake, and days or a week of it. Out: tables, verdicts, lists, the reasons for a score, and what a change does.
//! Never: a rule of its own; runs by definitions that contradict the contracts.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::blocklist::BlocklistArgs;
use super::dossier::{DossierArgs, dossier};
use super::lake::{LakeArgs, PlaceArgs, table};
use super::print::{self, say};
use super::{BadConfig, ensure_order};
use crate::clock::Clock;
use crate::domain::day::{Day, Month, Week};
use crate::domain::lang::Lang;
use crate::domain::number::Number;
use crate::export::awareness::Period;
use crate::job;
use crate::job::desk::handout::Trail;
use crate::lookup::{self, Lookup};
use crate::pipeline::definition::Definitions;
use crate::schema::contract::Table;
use crate::telemetry::metrics::Metrics;

#[derive(Debug, Args)]
pub(super) struct RulesArgs {
    /// Folder of the definitions; `pipelines` when not named.
    #[arg(long)]
    pipelines: Option<PathBuf>,
}

impl RulesArgs {
    pub(super) async fn load(self) -> anyhow::Result<Definitions> {
        job::check::load(self.pipelines).await
    }
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct WindowArgs {
    /// A local day, as 2025-01-06.
    #[arg(long)]
    day: Option<Day>,
    /// An ISO week, as 2025-W02.
    #[arg(long)]
    pub(super) week: Option<Week>,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Tables; all daily or weekly ones when none is named.
    #[arg(value_parser = table)]
    tables: Vec<Table>,
    #[command(flatten)]
    pub(super) window: WindowArgs,
    /// The site's configuration: with `require_promotion` in its `[desk]`, only promoted definitions run.
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

#[derive(Debug, Args)]
pub(super) struct DecideArgs {
    /// The day.
    #[arg(long)]
    day: Day,
    /// Say what would be decided, and write no verdict, question or list.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The site's configuration: what the desk of its `[desk]` has said counts; with
    /// `require_promotion`, only promoted definitions decide.
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum ExportVerb {
    /// The numbers to bar on a day, what changes since the list before, and the commands for it.
    #[command(
        after_help = "Example: callsieve export blocklist --lake /data/lake --day 2025-01-06 --out /data/export \\\n    \
        --delta --mml template.toml --config site.toml\n\n\
        Whom a list or the desk protects by now it leaves out and names. Exit code 6 when it bars too many at once."
    )]
    Blocklist(BlocklistArgs),
    /// The domains that a week's reports name, for the registry's abuse desk; none that strangers share or that is the
    /// imitated one's own.
    #[command(
        after_help = "Example: callsieve export domains --lake /data/lake --week 2025-W02 --out /data/export\n\n\
        Exit code 4 when a report of the week is missing, or came after `run`."
    )]
    Domains {
        /// The ISO week.
        #[arg(long)]
        week: Week,
        /// Folder with a folder lookup of known names and shared hosts; those that were compiled in when not named.
        #[arg(long)]
        pipelines: Option<PathBuf>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// The bank accounts that a week's reports name, for the banks; they are in clear in the files.
    #[command(
        after_help = "Example: callsieve export accounts --lake /data/lake --week 2025-W02 --out /data/export\n\n\
        Exit code 4 when a report of the week is missing, or came after `run`."
    )]
    Accounts {
        /// The ISO week.
        #[arg(long)]
        week: Week,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// A day's reports about numbers that other operators carry, a folder for each of them; neither who reported nor what
    /// was written is in it.
    #[command(
        after_help = "Example: callsieve export routes --lake /data/lake --day 2025-01-06 --out /data/export\n\n\
        The files are OUT/routes/DAY.OPERATOR/reports.csv; what came late is in them when the day is exported again. Exit \
        code 4 when a report of the day is missing, or came after `run`."
    )]
    Routes {
        /// The day.
        #[arg(long)]
        day: Day,
        /// The site's configuration: the trail of its `[desk]` says that the numbers have left.
        #[arg(long, env = "CALLSIEVE_CONFIG")]
        config: Option<PathBuf>,
        /// In whose name, for that trail.
        #[arg(long)]
        by: Option<String>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// The numbers flagged in a week, as a package: lists, workbook, report, manifest, sums and signature.
    #[command(
        after_help = "Example: callsieve export regulator --lake /data/lake --week 2025-W02 --out /data/export \\\n    \
        --key package.key\n\nThe package is OUT/RECIPIENT/WEEK, and the one that it corrects is kept as \
        OUT/RECIPIENT/WEEK.SEQUENCE; callsieve verify says whether it is what was signed."
    )]
    Regulator {
        /// The ISO week.
        #[arg(long)]
        week: Week,
        /// File of the secret key that signs; without it nothing vouches for the package.
        #[arg(long)]
        key: Option<PathBuf>,
        /// For whom, as pipelines/export/regulator_week.toml names them with their columns.
        #[arg(long, default_value = "regulator")]
        recipient: String,
        /// The site's configuration: the trail of its `[desk]` says that the package has left.
        #[arg(long, env = "CALLSIEVE_CONFIG")]
        config: Option<PathBuf>,
        /// In whose name, for that trail.
        #[arg(long)]
        by: Option<String>,
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        rules: RulesArgs,
    },
    /// What newly barred or released subscribers are told, for the SMS gateway: each of them once.
    #[command(
        after_help = "Example: callsieve export notices --lake /data/lake --day 2025-01-06 --out /data/export\n\n\
        The wording is that of pipelines/notice.toml. The file is OUT/notices/DAY.BATCH/notices.csv; whoever was told \
        already is not in it, nor is what no block list that has left asks for."
    )]
    Notices {
        /// The day.
        #[arg(long)]
        day: Day,
        /// The site's configuration: the trail of its `[desk]` says that the numbers have left.
        #[arg(long, env = "CALLSIEVE_CONFIG")]
        config: Option<PathBuf>,
        /// In whose name, for that trail.
        #[arg(long)]
        by: Option<String>,
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        rules: RulesArgs,
    },
    /// A month's or a week's reports by form of fraud, channel and province, for a public page: small counts are hidden.
    #[command(
        after_help = "Example: callsieve export awareness --lake /data/lake --week 2025-W02 --out /data/export\n\n\
        The files are in OUT/awareness/MONTH or OUT/awareness/WEEK; page.html needs no other file. A week has its \
        changes since the week before, a month the carriers. Publish either weeks or months: a month less its weeks \
        tells small counts."
    )]
    Awareness {
        /// The month.
        #[arg(long, required_unless_present = "week")]
        month: Option<Month>,
        /// The week, once `run --week` has computed it.
        #[arg(long, conflicts_with = "month")]
        week: Option<Week>,
        /// Counts below it are hidden, and as many others as it takes that nobody can work them out.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..))]
        least: u64,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// All that the lake holds against one number, for an authority that asks: JSON and a page, signed as a package is.
    #[command(
        after_help = "Example: callsieve export dossier 0962000001 --from 2025-01-06 --until 2025-01-19 \\\n    \
        --case 123/CV --lake /data/lake --out /data/export --key package.key --by an --config site.toml\n\n\
        The dossier is OUT/dossier/CASE/NUMBER_FROM_UNTIL. Other parties are masked. With --reveal --legal-ref TEXT \
        the first call asks for leave and ends with 6; once a second person has approved it, the same call shows them."
    )]
    Dossier(DossierArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The number as people write it; it is shown in clear, since it was handed in.
    number: String,
    /// The day.
    #[arg(long)]
    day: Day,
    /// Language of the text: vi or en. JSON has the names in both.
    #[arg(long, default_value_t)]
    lang: Lang,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

#[derive(Debug, Args)]
pub(super) struct BacktestArgs {
    /// First day.
    #[arg(long)]
    from: Day,
    /// Last day.
    #[arg(long)]
    until: Day,
    /// Folder for what is computed; that of an earlier backtest is emptied.
    #[arg(long, default_value = "callsieve-backtest")]
    dir: PathBuf,
    /// Write the outcome as a page for people, too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum ShadowVerb {
    /// Decides a day that the live definitions have decided by others, into LAKE/shadow/HASH.
    #[command(after_help = "Example: callsieve shadow run --pipelines changed --lake /data/lake --day 2025-01-13\n\n\
        Run it each day behind `callsieve decide`. No export reads what it writes, and nobody is asked by it. A folder \
        whose rules are changed is another shadow, with another HASH.")]
    Run {
        /// The day.
        #[arg(long)]
        day: Day,
        #[command(flatten)]
        lake: LakeArgs,
        #[command(flatten)]
        rules: RulesArgs,
    },
    /// How its verdicts differ from the live ones on days that it has seen, as backtest says it.
    #[command(after_help = "Example: callsieve shadow report --pipelines changed --lake /data/lake \\\n    \
        --from 2025-01-13 --until 2025-01-19 --html shadow.html")]
    Report {
        /// First day.
        #[arg(long)]
        from: Day,
        /// Last day.
        #[arg(long)]
        until: Day,
        /// Write the outcome as a page for people, too.
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        #[command(flatten)]
        lake: LakeArgs,
        #[command(flatten)]
        rules: RulesArgs,
    },
}

pub(super) async fn run(args: RunArgs, json: bool, metrics: Option<&Metrics>) -> anyhow::Result<()> {
    let definitions = args.rules.load().await?;
    let lake = args.lake.open().await?;
    super::site::admit(args.config.as_ref(), &lake, &definitions, false).await?;
    let ran = match (args.window.day, args.window.week) {
        (Some(day), _) => job::run::day(&lake, definitions, &args.tables, day).await?,
        (None, Some(week)) => job::run::week(&lake, definitions, &args.tables, week).await?,
        (None, None) => anyhow::bail!("name a day or a week"),
    };
    if let Some(metrics) = metrics {
        job::note::ran(&lake, &ran, metrics).await?;
    }
    print::ran(json, &ran)
}

pub(super) async fn decide(args: DecideArgs, json: bool, metrics: Option<&Metrics>) -> anyhow::Result<()> {
    let definitions = args.rules.load().await?;
    let lake = args.lake.open().await?;
    super::site::admit(args.config.as_ref(), &lake, &definitions, args.dry_run).await?;
    let store = super::site::store(args.config.as_ref()).await?;
    if args.dry_run {
        let looked = job::decide::look::day(&lake, definitions, args.day, store.as_ref(), Clock::System).await?;
        return say(json, &looked, || looked.text());
    }
    let decided = job::decide::day(&lake, definitions, args.day, store.as_ref()).await?;
    if let Some(metrics) = metrics {
        job::note::decided(&decided, metrics)?;
    }
    print::decided(json, args.day, &decided)
}

pub(super) async fn export(verb: ExportVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        ExportVerb::Blocklist(args) => super::blocklist::export(args, json).await,
        ExportVerb::Domains { week, pipelines, place } => {
            let rules = pipelines.map(|folder| folder.join("lookup"));
            let options = lookup::Options { rules, ..lookup::Options::default() };
            let lookup = Lookup::open(&options, Clock::System).map_err(BadConfig)?;
            print::published(json, &job::entity::domains(&place.open().await?, &lookup, &place.out, week).await?)
        }
        ExportVerb::Accounts { week, place } => {
            print::published(json, &job::entity::accounts(&place.open().await?, &place.out, week).await?)
        }
        ExportVerb::Awareness { month, week, least, place } => {
            let period = week.map(Period::Week).or(month.map(Period::Month)).context("name a month or a week")?;
            let lake = place.open().await?;
            let told = job::awareness::publish(&lake, &place.out, period, least, Clock::System).await?;
            say(json, &told, || told.text())
        }
        ExportVerb::Notices { day, config, by, place, rules } => {
            let templates = job::notice::templates(rules.pipelines)?;
            let store = super::site::store(config.as_ref()).await?;
            let trail = Trail { store: store.as_ref(), by: by.as_deref() };
            // It is named before it is written down: what nobody has read is told by the next run.
            let name = |noticed: &job::notice::Noticed| say(json, noticed, || noticed.text());
            let lake = place.open().await?;
            job::notice::publish(&lake, &templates, &place.out, day, (trail, Clock::System), name).await.map(drop)
        }
        ExportVerb::Routes { day, config, by, place } => {
            let store = super::site::store(config.as_ref()).await?;
            let trail = Trail { store: store.as_ref(), by: by.as_deref() };
            let routed = job::route::publish(&place.open().await?, &place.out, day, (trail, Clock::System)).await?;
            say(json, &routed, || job::route::text(day, &routed))
        }
        ExportVerb::Dossier(args) => dossier(args, json).await,
        ExportVerb::Regulator { week, key, recipient, config, by, place, rules } => {
            let key = key.as_deref().map(job::key::read).transpose()?;
            let (definitions, lake) = (rules.load().await?, place.open().await?);
            let store = super::site::store(config.as_ref()).await?;
            let trail = Trail { store: store.as_ref(), by: by.as_deref() };
            let (wanted, signed) = ((week, recipient.as_str()), (key.as_ref(), trail));
            print::packaged(json, &job::export::regulator(&lake, &definitions, &place.out, wanted, signed).await?)
        }
    }
}

pub(super) async fn explain(args: ExplainArgs, json: bool) -> anyhow::Result<()> {
    let number = Number::parse_given(&args.number).context("that is no telephone number")?;
    let definitions = args.rules.load().await?;
    let explained = job::explain::explain(&args.lake.open().await?, &definitions, number, args.day).await?;
    say(json, &explained, || explained.text(args.lang))
}

pub(super) async fn backtest(args: BacktestArgs, json: bool) -> anyhow::Result<()> {
    let BacktestArgs { from, until, dir, html, lake, rules } = args;
    ensure_order(from, until);
    let definitions = rules.load().await?;
    let outcome = job::backtest::backtest(&lake.open().await?, definitions, &dir, from, until).await?;
    if let Some(file) = html {
        job::backtest::write_page(&outcome, &file)?;
    }
    say(json, &outcome, || outcome.text())
}

pub(super) async fn shadow(verb: ShadowVerb, json: bool) -> anyhow::Result<()> {
    match verb {
        ShadowVerb::Run { day, lake, rules } => {
            let definitions = rules.load().await?;
            let shadowed = job::backtest::shadow::run(&lake.open().await?, definitions, day).await?;
            say(json, &shadowed, || shadowed.text())
        }
        ShadowVerb::Report { from, until, html, lake, rules } => {
            ensure_order(from, until);
            let definitions = rules.load().await?;
            let outcome = job::backtest::shadow::report(&lake.open().await?, &definitions, from, until).await?;
            if let Some(file) = html {
                job::backtest::write_page(&outcome, &file)?;
            }
            say(json, &outcome, || outcome.text())
        }
    }
}

pub(super) async fn check(rules: RulesArgs, json: bool) -> anyhow::Result<()> {
    let definitions = job::check::check(rules.pipelines).await?;
    let count = definitions.all.len();
    say(json, &serde_json::json!({ "definitions": count }), || format!("{count} definitions hold"))
}
