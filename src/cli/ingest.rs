//! The verbs that take in, by a site's configuration: `ingest`, `backfill` and `replay`.
//!
//! In: a configuration. Out: jobs that run until they are done, or until SIGTERM or SIGINT. Never: leaves a job before
//! it has ended in good order.

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use chrono::{DateTime, FixedOffset};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::BadConfig;
use super::lake::of_site;
use super::print::{self, say};
use crate::clock::Clock;
use crate::config::Config;
use crate::job;
use crate::job::backfill::{Backfill, Wanted};
use crate::job::files::Files;
use crate::job::ingest::{Ingest, Site};
use crate::job::replay::Reading;
use crate::lake::Lake;
use crate::schema::contract::Table;
use crate::schema::topic::Topic;
use crate::serve::Server;
use crate::source::kafka::Purpose;
use crate::source::registry::Registry;
use crate::telemetry::metrics::{Metrics, NONE};

#[derive(Debug, Args)]
pub(super) struct IngestArgs {
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
}

#[derive(Debug, Args)]
pub(super) struct BackfillArgs {
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
}

impl BackfillArgs {
    fn wanted(&self) -> Wanted {
        let instant = |at: DateTime<FixedOffset>| at.timestamp_micros();
        Wanted {
            partition: self.partition,
            offsets: self.from.zip(self.until).map(|(from, until)| from..until),
            instants: self.since.zip(self.before).map(|(since, before)| instant(since)..instant(before)),
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The site's configuration.
    #[arg(long)]
    config: PathBuf,
    /// Only these topics.
    #[arg(long, value_parser = topic)]
    topic: Vec<Topic>,
    /// Only rejects of this reason.
    #[arg(long)]
    reason: Option<String>,
}

pub(super) fn topic(name: &str) -> Result<Topic, String> {
    name.parse()
}

pub(super) async fn ingest(args: IngestArgs) -> anyhow::Result<()> {
    let config = Config::read(&args.config).map_err(BadConfig)?;
    if config.kafka.is_none() && config.files.is_empty() {
        return Err(BadConfig(anyhow!("{}: neither kafka nor files is configured", args.config.display())).into());
    }
    let metrics = Arc::new(Metrics::new());
    let memory_bytes = i64::try_from(config.ingest.memory_bytes).unwrap_or(i64::MAX);
    metrics.memory_budget.with_label_values(&NONE).set(memory_bytes);
    let purpose = Purpose { until_caught_up: args.until_caught_up, newest_first: args.newest_first };
    let site = site(&config, begin(&config).await?, purpose, &metrics)?;
    if !site.seal.has_key() {
        tracing::info!("no key is configured, words of citizens lie in clear");
    }
    let topics = if args.topic.is_empty() { Topic::ALL.to_vec() } else { args.topic };
    let (stop, stopped) = watch::channel(false);
    let ingests = start(&config, &topics, &site, &stopped)?;
    let mut servers = JoinSet::new();
    if let Some(address) = config.serve.metrics {
        servers.spawn(Server::bind(address, metrics, Clock::System, config.serve.ready_secs).await?.run());
    }
    until_ended(ingests, servers, &stop).await
}

pub(super) async fn backfill(args: &BackfillArgs, json: bool) -> anyhow::Result<()> {
    let config = Config::read(&args.config).map_err(BadConfig)?;
    let lake = of_site(&config).await?;
    let site = site(&config, lake, Purpose::default(), &Arc::new(Metrics::new()))?;
    let (topic, wanted, is_dry_run) = (args.topic, args.wanted(), args.dry_run);
    let format = config.formats().map_err(BadConfig)?.of_topic(topic);
    let kafka = config.kafka.with_context(|| format!("{} has no [kafka] to read from", args.config.display()));
    let kafka = kafka.map_err(BadConfig)?;
    let job = Backfill { topic, kafka, options: config.ingest.share(1), format, site, wanted, is_dry_run };
    let (stop, stopped) = watch::channel(false);
    let mut working = pin!(job::backfill::backfill(job, stopped));
    let filled = tokio::select! {
        done = &mut working => done?,
        () = interrupted() => {
            stop.send_replace(true);
            working.await?
        }
    };
    say(json, &filled, || filled.text(topic))
}

pub(super) async fn replay(args: &ReplayArgs, json: bool, metrics: Option<&Metrics>) -> anyhow::Result<()> {
    let config = Config::read(&args.config).map_err(BadConfig)?;
    let registry = Registry::new(&config.registry)?;
    let lake = of_site(&config).await?;
    let (formats, seal) = (config.formats().map_err(BadConfig)?, config.seal.open().map_err(BadConfig)?);
    let reading = Reading { lake: &lake, registry: &registry, decode: config.decode, formats: &formats, seal: &seal };
    let done = job::replay::replay(&reading, &args.topic, args.reason.as_deref(), Clock::System).await?;
    if let Some(metrics) = metrics {
        job::note::replayed(&done, metrics);
    }
    print::replayed(json, &done)
}

/// Resolves at SIGTERM or SIGINT.
pub(super) async fn interrupted() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// The lake that a configuration names, which begins with what is read into it. On a site's first day that is right, and
/// on no other: a path that is misspelt, or a disk that is not mounted, is told of here.
async fn begin(config: &Config) -> anyhow::Result<Lake> {
    let lake = config.make_lake().map_err(BadConfig)?;
    // A store that does not answer is for whoever writes to it to tell of.
    if matches!(lake.is_begun().await, Ok(false)) {
        let location = config.lake.as_deref().unwrap_or_default();
        tracing::warn!(
            lake = location,
            "no lake is there, so a new one begins; if one was, stop ingest and see to path and disk"
        );
        // It is there from now on, though nothing may have come yet: reference tables are loaded next.
        lake.open(Table::REJECT).await?;
    }
    Ok(lake)
}

fn site(config: &Config, lake: Lake, purpose: Purpose, metrics: &Arc<Metrics>) -> anyhow::Result<Site> {
    Ok(Site {
        decode: config.decode,
        seal: config.seal.open().map_err(BadConfig)?,
        lake,
        registry: Arc::new(Registry::new(&config.registry)?),
        metrics: Arc::clone(metrics),
        clock: Clock::System,
        purpose,
    })
}

/// Starts each topic's ingest, from its folders and from the broker.
fn start(
    config: &Config,
    topics: &[Topic],
    site: &Site,
    stopped: &watch::Receiver<bool>,
) -> anyhow::Result<JoinSet<anyhow::Result<()>>> {
    let formats = config.formats().map_err(BadConfig)?;
    let mut ingests = JoinSet::new();
    for options in &config.files {
        let topic: Topic = options.topic.parse().map_err(anyhow::Error::msg)?;
        if topics.contains(&topic) {
            let files = Files { topic, options: options.clone(), site: site.clone() };
            ingests.spawn(job::files::files(files, stopped.clone()));
        }
    }
    let Some(kafka) = &config.kafka else { return Ok(ingests) };
    for &topic in topics {
        let (kafka, options, site) = (kafka.clone(), config.ingest.share(topics.len()), site.clone());
        let ingest = Ingest { topic, kafka, options, format: formats.of_topic(topic), site, received: Arc::default() };
        ingests.spawn(job::ingest::ingest(ingest, stopped.clone()));
    }
    Ok(ingests)
}

/// Waits until every ingest has ended; a signal stops them all, and so does the first that fails.
async fn until_ended(
    mut ingests: JoinSet<anyhow::Result<()>>,
    mut servers: JoinSet<anyhow::Result<()>>,
    stop: &watch::Sender<bool>,
) -> anyhow::Result<()> {
    let mut failure = None;
    let mut signal = pin!(interrupted());
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
            () = &mut signal, if !*stop.borrow() => { stop.send_replace(true); }
            Some(Ok(Err(error))) = servers.join_next() => {
                stop.send_replace(true);
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(()), Err)
}
