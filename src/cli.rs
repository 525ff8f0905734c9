//! The command line: one binary, one verb for each job.
//!
//! In: arguments. Out: results on stdout, everything else on stderr, an exit code that a scheduler can act on.
//! Never: does work of its own; every verb is a file of `job`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, FixedOffset};
use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::config::{self, Config};
use crate::domain::day::{Day, Week};
use crate::domain::number::Number;
use crate::job;
use crate::job::backfill::{Backfill, Filled, Wanted};
use crate::job::files::Files;
use crate::job::ingest::{Ingest, Site};
use crate::job::replay::Reading;
use crate::lake::Lake;
use crate::schema::contract::Table;
use crate::schema::topic::Topic;
use crate::serve::Server;
use crate::source::kafka::Purpose;
use crate::source::registry::Registry;
use crate::source::synthetic;
use crate::telemetry;
use crate::telemetry::metrics::{Metrics, NONE};

/// Finds SIMs used for spam and scam calls in a telecom operator's call records.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// What to log, as `info` or `callsieve=debug,warn`.
    #[arg(long, global = true, env = "CALLSIEVE_LOG", default_value = LOG)]
    log: String,
    /// Results as JSON.
    #[arg(long, global = true)]
    json: bool,
    /// Leave metrics of run, decide, ledger, replay, maintain or export here, for node_exporter's textfile collector: a
    /// file for each verb, whose name ends in .prom.
    #[arg(long, global = true, env = "CALLSIEVE_METRICS_FILE", value_name = "FILE")]
    metrics_file: Option<PathBuf>,
}

/// Our own warnings tell of broker trouble once; librdkafka's tell of it for every connection.
const LOG: &str = "warn,deltalake_core=error,rdkafka=off,librdkafka=off";

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 configuration or pipeline invalid, \
4 input incomplete (the ledger is not closed, or the week is not all there), 5 and 6 kept for later, \
7 another run holds the lock";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Shows the whole way with an embedded broker and a synthetic operator.
    #[command(after_help = "Example: callsieve demo --dir /tmp/demo --seed 11")]
    Demo {
        /// Folder for the lake, the exports and the truth.
        #[arg(long, default_value = "callsieve-demo")]
        dir: PathBuf,
        #[command(flatten)]
        operator: OperatorArgs,
        #[command(flatten)]
        rules: RulesArgs,
        /// Keep `/metrics` open on this address after the demo.
        #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:9464")]
        serve: Option<std::net::SocketAddr>,
    },
    /// Writes the synthetic operator's messages to files, or sends them to a broker.
    #[command(after_help = "Example: callsieve simulate --dir /tmp/operator --days 2 --brokers 127.0.0.1:9092")]
    Simulate {
        /// Folder for the truth, the reference tables and, without a broker, the messages.
        #[arg(long)]
        dir: PathBuf,
        /// Send to this broker instead; the topics must exist (call_record 4 partitions, sms_record 2, others 1).
        #[arg(long)]
        brokers: Option<String>,
        #[command(flatten)]
        operator: OperatorArgs,
    },
    /// Reads topics into the lake, exactly once, until stopped.
    #[command(after_help = "Example: callsieve ingest --config site.toml\n\n\
        The tables remember the offsets. After a topic was made anew, raise its kafka.epochs by one.")]
    Ingest {
        /// The site's configuration.
        #[arg(long)]
        config: PathBuf,
        /// Only these topics.
        #[arg(long, value_parser = topic)]
        topic: Vec<Topic>,
        /// End when everything there is has been read.
        #[arg(long)]
        until_caught_up: bool,
        /// Begin partitions that were never read at their end, and leave what lies before to `backfill`.
        #[arg(long)]
        newest_first: bool,
    },
    /// Reads what ingest has left out, beside it: the holes in a topic's ledger, all or those within bounds.
    #[command(after_help = "Example: callsieve backfill --config site.toml --topic call_record \\\n    \
        --since 2025-01-06T00:00:00+07:00 --before 2025-01-07T00:00:00+07:00\n\n\
        Instants are those at which the broker stamped a message: give a late record time to come.")]
    Backfill {
        /// The site's configuration.
        #[arg(long)]
        config: PathBuf,
        /// The topic.
        #[arg(long, value_parser = topic)]
        topic: Topic,
        /// Only this partition.
        #[arg(long)]
        partition: Option<i32>,
        /// Only offsets from here on.
        #[arg(long, requires = "until")]
        from: Option<i64>,
        /// Only offsets before this one.
        #[arg(long, requires = "from")]
        until: Option<i64>,
        /// Only what the broker stamped at this instant or later.
        #[arg(long, requires = "before")]
        since: Option<DateTime<FixedOffset>>,
        /// Only what it stamped before this one.
        #[arg(long, requires = "since")]
        before: Option<DateTime<FixedOffset>>,
        /// Say what would be read, and do nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Proves that every offset is accounted for, and every record in one event; exit code 4 when not.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Example: callsieve ledger --lake /data/lake --topic call_record"
    )]
    Ledger {
        #[command(subcommand)]
        act: Option<LedgerVerb>,
        /// Only these topics.
        #[arg(long, value_parser = topic)]
        topic: Vec<Topic>,
        /// Only records of this day and later.
        #[arg(long, requires = "until")]
        from: Option<Day>,
        /// Only records before this day.
        #[arg(long, requires = "from")]
        until: Option<Day>,
        /// File with the public keys of those who may sign, 64 hex digits a line; what another key has signed counts
        /// as unsigned. Without it every key counts, and is shown.
        #[arg(long)]
        trust: Option<PathBuf>,
        #[command(flatten)]
        lake: LakeArgs,
    },
    /// Decodes rejects again after a fix; what is a row then counts as one, and the reject stays.
    #[command(after_help = "Example: callsieve replay --config site.toml --topic call_record --reason unknown_schema")]
    Replay {
        /// The site's configuration.
        #[arg(long)]
        config: PathBuf,
        /// Only these topics.
        #[arg(long, value_parser = topic)]
        topic: Vec<Topic>,
        /// Only rejects of this reason.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Joins small files, removes rows that are past their time, and files that nothing refers to any more.
    #[command(after_help = "Example: callsieve maintain --lake /data/lake\n\nSafe beside running ingest.")]
    Maintain {
        /// Say what would be done, and do nothing.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        lake: LakeArgs,
    },
    /// Computes tables for a day or a week.
    #[command(after_help = "Example: callsieve run --lake /data/lake --day 2025-01-06")]
    Run {
        /// Tables; all daily or weekly ones when none is named.
        #[arg(value_parser = table)]
        tables: Vec<Table>,
        #[command(flatten)]
        window: WindowArgs,
        #[command(flatten)]
        lake: LakeArgs,
        #[command(flatten)]
        rules: RulesArgs,
    },
    /// Turns a day's evidence into verdicts, survey requests and the block list.
    #[command(after_help = "Example: callsieve decide --lake /data/lake --day 2025-01-06")]
    Decide {
        /// The day.
        #[arg(long)]
        day: Day,
        #[command(flatten)]
        lake: LakeArgs,
        #[command(flatten)]
        rules: RulesArgs,
    },
    /// Writes a list for the network or the regulator.
    #[command(subcommand)]
    Export(ExportVerb),
    /// Shows every value, threshold and point behind a number's score.
    #[command(after_help = "Example: callsieve explain 0962123456 --lake /data/lake --day 2025-01-06")]
    Explain {
        /// The number as people write it; it is shown in clear, since it was handed in.
        number: String,
        /// The day.
        #[arg(long)]
        day: Day,
        #[command(flatten)]
        lake: LakeArgs,
        #[command(flatten)]
        rules: RulesArgs,
    },
    /// Reference tables.
    #[command(subcommand)]
    Reference(ReferenceVerb),
    /// Checks the definitions against the contracts, without data.
    #[command(after_help = "Example: callsieve check --pipelines pipelines")]
    Check {
        #[command(flatten)]
        rules: RulesArgs,
    },
    /// Citizens' reports.
    #[command(subcommand)]
    Report(ReportVerb),
}

impl Verb {
    /// The name under which its runs are noted, of a verb that a scheduler starts. What runs by the day and what runs
    /// by the week differ: the success of one is none of the other.
    fn noted_as(&self) -> Option<&'static str> {
        match self {
            Self::Ledger { act: None, .. } => Some("ledger"),
            Self::Replay { .. } => Some("replay"),
            Self::Maintain { dry_run: false, .. } => Some("maintain"),
            Self::Run { window: WindowArgs { week: None, .. }, .. } => Some("run_day"),
            Self::Run { .. } => Some("run_week"),
            Self::Decide { .. } => Some("decide"),
            Self::Export(ExportVerb::Blocklist { .. }) => Some("export_blocklist"),
            Self::Export(ExportVerb::Regulator { .. }) => Some("export_regulator"),
            _ => None,
        }
    }
}

#[derive(Debug, Subcommand)]
enum LedgerVerb {
    /// Gives up offsets that cannot be had any more, those that come next or that the ledger misses: signed, and shown
    /// by every ledger from then on.
    #[command(
        after_help = "Example: callsieve ledger accept --topic call_record --source 4L6g/call_record/0 --partition 2 \\\n    \
        --from 1000 --until 1500 --by 'N. V. An' --why 'broker disk lost' --key accept.key --lake /data/lake\n\n\
        accept.key holds 64 hex digits: openssl rand -hex 32 > accept.key"
    )]
    Accept {
        /// The topic.
        #[arg(long, value_parser = topic)]
        topic: Topic,
        /// Where the offsets count, as the ledger and the error message name it: CLUSTER/TOPIC/EPOCH.
        #[arg(long)]
        source: String,
        /// Partition.
        #[arg(long)]
        partition: i32,
        /// First offset.
        #[arg(long)]
        from: i64,
        /// First offset after.
        #[arg(long)]
        until: i64,
        /// Who signs.
        #[arg(long)]
        by: String,
        /// Why the messages cannot be had any more.
        #[arg(long)]
        why: String,
        /// File with the Ed25519 seed, 64 hex digits.
        #[arg(long)]
        key: PathBuf,
        #[command(flatten)]
        lake: LakeArgs,
    },
    /// Gives up a topic that is not read any more, so that nobody waits for it: signed, and shown by every ledger.
    /// Its holes still count, and reading it again takes this back.
    #[command(
        after_help = "Example: callsieve ledger retire --topic sms_record --source 4L6g/sms_record/0 --by 'N. V. An' \\\n    \
        --why 'short messages come as files now' --key accept.key --lake /data/lake"
    )]
    Retire {
        /// The topic.
        #[arg(long, value_parser = topic)]
        topic: Topic,
        /// Where its offsets count, as the ledger names it: CLUSTER/TOPIC/EPOCH.
        #[arg(long)]
        source: String,
        /// Who signs.
        #[arg(long)]
        by: String,
        /// Why it is not read any more.
        #[arg(long)]
        why: String,
        /// File with the Ed25519 seed, 64 hex digits.
        #[arg(long)]
        key: PathBuf,
        #[command(flatten)]
        lake: LakeArgs,
    },
}

#[derive(Debug, Subcommand)]
enum ExportVerb {
    /// The numbers to bar on a day.
    #[command(after_help = "Example: callsieve export blocklist --lake /data/lake --day 2025-01-06 --out /data/export")]
    Blocklist {
        /// The day.
        #[arg(long)]
        day: Day,
        /// Folder to publish in.
        #[arg(long, default_value = "export")]
        out: PathBuf,
        #[command(flatten)]
        lake: LakeArgs,
    },
    /// The numbers flagged in a week.
    #[command(after_help = "Example: callsieve export regulator --lake /data/lake --week 2025-W02 --out /data/export")]
    Regulator {
        /// The ISO week.
        #[arg(long)]
        week: Week,
        /// Folder to publish in.
        #[arg(long, default_value = "export")]
        out: PathBuf,
        #[command(flatten)]
        lake: LakeArgs,
        #[command(flatten)]
        rules: RulesArgs,
    },
}

#[derive(Debug, Subcommand)]
enum ReferenceVerb {
    /// Loads a CSV file as what holds from a day on; rows missing from it end on that day.
    #[command(
        after_help = "Example: callsieve reference load allow_list hospitals.csv --from 2025-01-06 --lake /data/lake"
    )]
    Load {
        /// allow_list, brandname, do_not_call, ported_number, trunk or special_number.
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

#[derive(Debug, Subcommand)]
enum ReportVerb {
    /// Reads 156 and 5656 texts on stdin, one a line, and writes one JSON object a line.
    #[command(after_help = "Example: echo 'V [0912345678][moi vay]' | callsieve report parse")]
    Parse,
}

#[derive(Debug, Args)]
struct LakeArgs {
    /// The lake: a folder, or s3://BUCKET/PREFIX with the store's settings in AWS_… variables.
    #[arg(long, default_value = "callsieve-demo/lake")]
    lake: String,
}

impl LakeArgs {
    fn open(&self) -> anyhow::Result<Lake> {
        Lake::at(&self.lake, &config::store_of_environment()).map_err(|error| BadConfig(error).into())
    }
}

#[derive(Debug, Args)]
struct RulesArgs {
    /// Folder of the definitions; `pipelines` when not named.
    #[arg(long)]
    pipelines: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WindowArgs {
    /// A local day, as 2025-01-06.
    #[arg(long)]
    day: Option<Day>,
    /// An ISO week, as 2025-W02.
    #[arg(long)]
    week: Option<Week>,
}

#[derive(Debug, Args)]
struct OperatorArgs {
    /// Everything follows from it.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Subscriptions.
    #[arg(long, default_value_t = 20_000)]
    subscribers: u32,
    /// Measured days.
    #[arg(long, default_value_t = 14)]
    days: u32,
    /// Days of history before them.
    #[arg(long, default_value_t = 28)]
    history_days: u32,
}

impl OperatorArgs {
    fn options(&self) -> synthetic::Options {
        synthetic::Options {
            seed: self.seed,
            subscribers: self.subscribers,
            days: self.days,
            history_days: self.history_days,
            ..synthetic::Options::default()
        }
    }
}

fn table(name: &str) -> Result<Table, String> {
    name.parse()
}

fn topic(name: &str) -> Result<Topic, String> {
    name.parse()
}

/// The configuration does not hold: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
struct BadConfig(anyhow::Error);

/// Runs the command line and turns its end into an exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let noted = cli.metrics_file.clone().zip(cli.verb.noted_as());
    let noted = noted.map(|(file, verb)| (file, Metrics::of_verb(verb)));
    let metrics = noted.as_ref().map(|(_, metrics)| metrics);
    let done = telemetry::log::start(&cli.log).and_then(|()| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let done = runtime.block_on(cli.run(metrics));
        // A consumer that hangs in librdkafka does not keep the process.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        done
    });
    let code = done.as_ref().map_or_else(exit_code, |()| 0);
    // What was done is done, whether or not anybody can be told.
    let left = noted.map(|(file, metrics)| job::note::ended(code, Clock::System, &metrics, &file));
    for error in done.err().into_iter().chain(left.and_then(Result::err)) {
        // stderr may be gone; there is nobody left to tell.
        let _gone = writeln!(std::io::stderr(), "callsieve: {error:#}");
    }
    ExitCode::from(code)
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<BadConfig>() || error.is::<job::check::Invalid>() {
        3
    } else if error.is::<job::ledger::Open>() || error.is::<job::export::Incomplete>() {
        4
    } else if error.is::<crate::lake::lock::Held>() {
        7
    } else {
        1
    }
}

impl Cli {
    /// Does what it says, and notes what was done where that is asked for.
    async fn run(self, metrics: Option<&Metrics>) -> anyhow::Result<()> {
        let json = self.json;
        match self.verb {
            Verb::Demo { dir, operator, rules, serve } => demo(&dir, &operator, rules, serve, json).await,
            Verb::Simulate { dir, brokers, operator } => {
                let options = operator.options();
                let made =
                    tokio::task::spawn_blocking(move || job::simulate::simulate(options, &dir, brokers.as_deref()));
                let made = made.await??;
                say(json, &made, || format!("{} subscriptions, messages {:?}", made.subscriptions, made.messages))
            }
            Verb::Ingest { config, topic, until_caught_up, newest_first } => {
                ingest(&config, topic, Purpose { until_caught_up, newest_first }).await
            }
            Verb::Backfill { config, topic, partition, from, until, since, before, dry_run } => {
                let instant = |at: DateTime<FixedOffset>| at.timestamp_micros();
                let wanted = Wanted {
                    partition,
                    offsets: from.zip(until).map(|(from, until)| from..until),
                    instants: since.zip(before).map(|(since, before)| instant(since)..instant(before)),
                };
                let filled = backfill(&config, topic, wanted, dry_run).await?;
                say(json, &filled, || filled.text(topic))
            }
            Verb::Ledger { act: None, topic, from, until, trust, lake } => {
                let trusted = trust.as_deref().map(job::ledger::Keys::read).transpose()?;
                let shown = job::ledger::ledger(&lake.open()?, &topic, from.zip(until), trusted.as_ref()).await?;
                if let Some(metrics) = metrics {
                    job::note::ledger(&shown, metrics);
                }
                say(json, &shown, || shown.text())?;
                if shown.is_closed { Ok(()) } else { Err(job::ledger::Open.into()) }
            }
            Verb::Ledger { act: Some(act), .. } => sign(act).await,
            Verb::Replay { config, topic, reason } => {
                let config = Config::read(&config).map_err(BadConfig)?;
                let registry = Registry::new(&config.registry)?;
                let reason = reason.as_deref();
                let lake = open(&config)?;
                let formats = config.formats().map_err(BadConfig)?;
                let reading = Reading { lake: &lake, registry: &registry, decode: config.decode, formats: &formats };
                let done = job::replay::replay(&reading, &topic, reason, Clock::System).await?;
                if let Some(metrics) = metrics {
                    job::note::replayed(&done, metrics);
                }
                let done: std::collections::BTreeMap<_, _> =
                    done.into_iter().map(|(topic, done)| (topic.name(), done)).collect();
                let line = |(topic, done): (&&str, &job::replay::Replayed)| {
                    format!("{topic}: {} rejects became rows, {} are still refused", done.records, done.refused)
                };
                say(json, &done, || done.iter().map(line).collect::<Vec<_>>().join("\n"))
            }
            Verb::Maintain { dry_run, lake } => {
                let done = job::maintain::maintain(&lake.open()?, Clock::System, dry_run).await?;
                if let Some(metrics) = metrics {
                    job::note::maintained(&done, metrics);
                }
                say(json, &done, || done.iter().map(job::maintain::Maintained::text).collect::<Vec<_>>().join("\n"))
            }
            Verb::Run { tables, window, lake, rules } => {
                let definitions = job::check::load(rules.pipelines).await?;
                let lake = lake.open()?;
                let ran = match (window.day, window.week) {
                    (Some(day), _) => job::run::day(&lake, definitions, &tables, day).await?,
                    (None, Some(week)) => job::run::week(&lake, definitions, &tables, week).await?,
                    (None, None) => anyhow::bail!("name a day or a week"),
                };
                if let Some(metrics) = metrics {
                    job::note::ran(&lake, &ran, metrics).await?;
                }
                tell_ran(json, &ran)
            }
            Verb::Decide { day, lake, rules } => {
                let definitions = job::check::load(rules.pipelines).await?;
                let decided = job::decide::day(&lake.open()?, definitions, day).await?;
                if let Some(metrics) = metrics {
                    job::note::decided(&decided, metrics)?;
                }
                let verdicts: Vec<_> =
                    decided.verdicts.iter().map(|(verdict, count)| (verdict.as_str(), *count)).collect();
                let verdicts: std::collections::BTreeMap<_, _> = verdicts.into_iter().collect();
                say(json, &verdicts, || format!("{day}: {}", job::decide::words(&decided.verdicts)))
            }
            Verb::Export(ExportVerb::Blocklist { day, out, lake }) => {
                published(json, &job::export::blocklist(&lake.open()?, &out, day).await?)
            }
            Verb::Export(ExportVerb::Regulator { week, out, lake, rules }) => {
                let definitions = job::check::load(rules.pipelines).await?;
                published(json, &job::export::regulator(&lake.open()?, &definitions, &out, week).await?)
            }
            Verb::Explain { number, day, lake, rules } => {
                let number = Number::parse_given(&number).context("that is no telephone number")?;
                let definitions = job::check::load(rules.pipelines).await?;
                let explanation = job::explain::explain(&lake.open()?, &definitions, number, day).await?;
                say(json, &explanation, || explanation.text())
            }
            Verb::Reference(ReferenceVerb::Load { table, file, from, lake }) => {
                let lake = lake.open()?;
                let loaded = lake.alone(job::reference::load(&lake, table, &file, from)).await?;
                say(json, &loaded, || {
                    format!("{table} from {from}: {} begin, {} end, {} stay", loaded.begun, loaded.ended, loaded.kept)
                })
            }
            Verb::Check { rules } => {
                let definitions = job::check::check(rules.pipelines).await?;
                let count = definitions.all.len();
                say(json, &serde_json::json!({ "definitions": count }), || format!("{count} definitions hold"))
            }
            Verb::Report(ReportVerb::Parse) => job::report::parse(std::io::stdin().lock(), std::io::stdout().lock()),
        }
    }
}

async fn sign(act: LedgerVerb) -> anyhow::Result<()> {
    let note = |by, why| job::ledger::Note { by, why, public_key: String::new(), signature: String::new() };
    match act {
        LedgerVerb::Accept { topic, source, partition, from, until, by, why, key, lake } => {
            let loss = job::ledger::Loss { topic, source, partition, from, until };
            job::ledger::accept(&lake.open()?, &loss, note(by, why), &seed(&key)?, Clock::System).await
        }
        LedgerVerb::Retire { topic, source, by, why, key, lake } => {
            job::ledger::retire(&lake.open()?, topic, &source, note(by, why), &seed(&key)?, Clock::System).await
        }
    }
}

fn seed(key: &Path) -> anyhow::Result<[u8; 32]> {
    let text = std::fs::read_to_string(key).with_context(|| format!("reading {}", key.display()))?;
    let seed: Option<[u8; 32]> = hex::decode(text.trim()).ok().and_then(|seed| seed.try_into().ok());
    seed.with_context(|| format!("{} does not hold 64 hex digits", key.display()))
}

/// A result on stdout, for people or for machines.
fn say(json: bool, value: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string(value)? } else { text() };
    writeln!(std::io::stdout(), "{text}").context("writing to stdout")
}

fn tell_ran(json: bool, ran: &[crate::pipeline::run::Ran]) -> anyhow::Result<()> {
    let rows: Vec<_> = ran
        .iter()
        .map(|ran| {
            serde_json::json!({
                "table": ran.table.name(), "day": ran.day.to_string(), "rows": ran.rows,
                "version": ran.version, "took_ms": ran.took_ms,
            })
        })
        .collect();
    say(json, &rows, || {
        let line = |ran: &crate::pipeline::run::Ran| {
            format!("{:<16} {}  {:>9} rows  {:>6} ms", ran.table.name(), ran.day, ran.rows, ran.took_ms)
        };
        ran.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

fn published(json: bool, published: &crate::export::Published) -> anyhow::Result<()> {
    say(json, published, || {
        let path = published.folder.join(&published.file);
        let news = if published.is_changed { "" } else { " (unchanged)" };
        format!("{}: {} rows{news}", path.display(), published.rows)
    })
}

async fn demo(
    dir: &Path,
    operator: &OperatorArgs,
    rules: RulesArgs,
    serve: Option<std::net::SocketAddr>,
    json: bool,
) -> anyhow::Result<()> {
    let definitions = job::check::load(rules.pipelines).await?;
    let (summary, metrics) = job::demo::demo(dir, operator.options(), definitions).await?;
    say(json, &summary, || summary.text(dir))?;
    if let Some(address) = serve {
        let server = Server::bind(address, metrics, Clock::System, crate::serve::Options::default().ready_secs).await?;
        writeln!(std::io::stderr(), "metrics at http://{}/metrics until interrupted", server.address()?)?;
        tokio::select! {
            done = server.run() => done?,
            () = interrupted() => {}
        }
    }
    Ok(())
}

fn open(config: &Config) -> anyhow::Result<Lake> {
    let store = config.store().map_err(BadConfig)?;
    Lake::at(&config.lake, &store).map_err(|error| BadConfig(error).into())
}

fn site(config: &Config, purpose: Purpose, metrics: &Arc<Metrics>) -> anyhow::Result<Site> {
    Ok(Site {
        decode: config.decode,
        lake: open(config)?,
        registry: Arc::new(Registry::new(&config.registry)?),
        metrics: Arc::clone(metrics),
        clock: Clock::System,
        purpose,
    })
}

async fn backfill(config: &Path, topic: Topic, wanted: Wanted, is_dry_run: bool) -> anyhow::Result<Filled> {
    let config = Config::read(config).map_err(BadConfig)?;
    let site = site(&config, Purpose::default(), &Arc::new(Metrics::new()))?;
    let format = config.formats().map_err(BadConfig)?.of_topic(topic);
    let kafka = config.kafka.context("there is no [kafka] to read from").map_err(BadConfig)?;
    let job = Backfill { topic, kafka, options: config.ingest.share(1), format, site, wanted, is_dry_run };
    let (stop, stopped) = watch::channel(false);
    let mut working = std::pin::pin!(job::backfill::backfill(job, stopped));
    tokio::select! {
        done = &mut working => done,
        () = interrupted() => {
            stop.send_replace(true);
            working.await
        }
    }
}

async fn ingest(config: &Path, topics: Vec<Topic>, purpose: Purpose) -> anyhow::Result<()> {
    let config = Config::read(config).map_err(BadConfig)?;
    let metrics = Arc::new(Metrics::new());
    let memory_bytes = i64::try_from(config.ingest.memory_bytes).unwrap_or(i64::MAX);
    metrics.memory_budget.with_label_values(&NONE).set(memory_bytes);
    let site = site(&config, purpose, &metrics)?;
    let (stop, stopped) = watch::channel(false);
    let topics = if topics.is_empty() { Topic::ALL.to_vec() } else { topics };
    let formats = config.formats().map_err(BadConfig)?;
    let kafka = config.kafka.as_ref();
    let mut ingests = JoinSet::new();
    let count = topics.len();
    for options in config.files {
        let topic: Topic = options.topic.parse().map_err(anyhow::Error::msg)?;
        if !topics.contains(&topic) {
            continue;
        }
        let files = Files { topic, options, site: site.clone() };
        ingests.spawn(job::files::files(files, stopped.clone()));
    }
    for (topic, kafka) in topics.into_iter().filter_map(|topic| Some((topic, kafka?))) {
        let (kafka, options, site) = (kafka.clone(), config.ingest.share(count), site.clone());
        let ingest = Ingest { topic, kafka, options, format: formats.of_topic(topic), site, received: Arc::default() };
        ingests.spawn(job::ingest::ingest(ingest, stopped.clone()));
    }
    let mut servers = JoinSet::new();
    if let Some(address) = config.serve.metrics {
        servers.spawn(Server::bind(address, metrics, Clock::System, config.serve.ready_secs).await?.run());
    }
    let mut failure = None;
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            ended = ingests.join_next() => match ended {
                None => break,
                Some(ended) => {
                    // One topic that fails ends the others in good order.
                    if let Err(error) = ended.map_err(anyhow::Error::from).and_then(|done| done) {
                        stop.send_replace(true);
                        failure.get_or_insert(error);
                    }
                }
            },
            () = &mut interrupted, if !*stop.borrow() => { stop.send_replace(true); }
            Some(Ok(Err(error))) = servers.join_next() => {
                stop.send_replace(true);
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Resolves at SIGTERM or SIGINT.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
