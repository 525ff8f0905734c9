//! `demo`: the whole way once, with nothing but this program.
//!
//! In: a folder and a seed. Out: an embedded broker fed by the synthetic operator, ingested, computed, decided and
//! exported; `summary.json` beside the hidden truth. Never: lets the pipeline see the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use self::ahead::Ahead;
use self::summary::Summary;
use super::desk::handout::Trail;
use super::ingest::{self, Ingest, Site};
use super::seed::Seeder;
use super::simulate;
use crate::clock::{Clock, Stopwatch};
use crate::decode::{self, Format};
use crate::domain::day::Day;
use crate::domain::seal::Seal;
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::Runner;
use crate::schema::column::survey_request;
use crate::schema::contract::Table;
use crate::schema::topic::Topic;
use crate::source::embedded::Embedded;
use crate::source::kafka::{self, Purpose, Received};
use crate::source::producer::{Producer, Throttle};
use crate::source::registry::Registry;
use crate::source::synthetic::{Operator, Options, SurveyRequest, Traffic};
use crate::telemetry::metrics::{Metrics, seconds};

mod ahead;
pub mod summary;

/// How long the books may lag behind what has been read.
const COMPLETE_WITHIN: std::time::Duration = std::time::Duration::from_secs(60);

/// What is folded ahead of everything else.
const EVENTS: [Table; 2] = [Table::CALL_EVENT, Table::SMS_EVENT];

/// What follows from the events of a day and of those before, before anything is judged.
const FEATURES: [Table; 2] = [Table::CONTACT_DAY, Table::CALLER_DAY];

/// What sums up other windows for an analyst, and judges nobody: a site computes it every day, a demo does without.
const WINDOWS: [Table; 4] = [Table::SEGMENT_DAY, Table::CALLER_HOUR, Table::CALLER_WEEK, Table::CALLER_MONTH];

/// A folder of an earlier demo holds this file, and may be emptied.
const MARKER: &str = ".callsieve-demo";

/// The key that signs the packages, and for whom they are.
const KEY: &str = "package.key";
const RECIPIENT: &str = "regulator";

/// Runs the demo in a folder.
pub async fn demo(
    folder: &Path,
    options: Options,
    definitions: Definitions,
) -> anyhow::Result<(Summary, Arc<Metrics>)> {
    let watch = Stopwatch::start();
    clear(folder, MARKER)?;
    let mut stage = Stage::open(folder, &options, definitions).await?;
    let first = options.first_day;
    // The answers of the first round arrive after half of the days, those of the second on the last.
    let (half, last) = (options.days / 2, options.days.saturating_sub(1));
    let rounds = [0..half, half..last, last..options.days];

    stage.feed(0, &[], first).await?;
    stage.seed().await?;
    let mut history = stage.ahead(stage.history.until(first).collect(), &[Table::CONTACT_DAY]);
    // All traffic is sent while the history is computed; only the answers have to wait for their questions.
    stage.feed(options.days, &[], first).await?;
    while history.next().await?.is_some() {}
    let until = first.plus(i32::try_from(options.days)?);
    stage.wait_until_complete(until).await?;
    // The first measured day completes the last one of the history.
    stage.restate().await?;
    let mut measured = stage.ahead(first.until(until).collect(), &FEATURES);
    for days in rounds.into_iter().filter(|days| !days.is_empty()) {
        for _ in days.clone() {
            let day = measured.next().await?.context("every day is computed ahead")?;
            stage.day(day).await?;
        }
        let (from, until) = (first.plus(i32::try_from(days.start)?), first.plus(i32::try_from(days.end)?));
        let requests = stage.requests(from, until).await?;
        if days.end < options.days {
            stage.feed(0, &requests, until).await?;
        }
    }
    stage.restate().await?;
    let sent = stage.finish().await?;
    let summary = stage.summary(sent, watch).await?;
    std::fs::write(folder.join("summary.json"), format!("{}\n", serde_json::to_string_pretty(&summary)?))?;
    Ok((summary, stage.metrics))
}

/// Empties a folder that an earlier run has marked as its own; anything else is left alone.
pub(super) fn clear(folder: &Path, marker: &str) -> anyhow::Result<()> {
    if folder.join(marker).exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    let is_empty = std::fs::read_dir(folder)
        .map_or(Ok(true), |mut entries| entries.next().map_or(Ok(true), |entry| entry.map(|_| false)))?;
    ensure!(is_empty, "{} holds something else; name another folder with --dir", folder.display());
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(marker), "")?;
    Ok(())
}

/// Ingest of one topic that commits often, since a day is computed as soon as it is complete.
fn ingest_of(topic: Topic, brokers: String, site: Site) -> Ingest {
    Ingest {
        topic,
        kafka: kafka::Options {
            brokers,
            group: "demo".to_owned(),
            epochs: BTreeMap::new(),
            topics: BTreeMap::new(),
            settings: BTreeMap::new(),
        },
        options: ingest::Options { flush_secs: 2, settle_secs: 2, ..ingest::Options::default().share(1) },
        format: Format::Shown,
        site,
        received: Arc::new(Received::default()),
    }
}

/// Everything that runs during a demo.
struct Stage {
    folder: PathBuf,
    options: Options,
    lake: Lake,
    runner: Runner,
    operator: Option<Operator>,
    producer: Option<Producer>,
    metrics: Arc<Metrics>,
    ingests: JoinSet<anyhow::Result<()>>,
    stop: watch::Sender<bool>,
    /// Kept for its life.
    _broker: Embedded,
    /// First day of the history, and first day that has not been computed.
    history: Day,
    next: Day,
    requests: u64,
    /// Folders of the packages, in their order.
    packages: Vec<String>,
    progress: ProgressBar,
}

impl Stage {
    async fn open(folder: &Path, options: &Options, definitions: Definitions) -> anyhow::Result<Self> {
        let lake = Lake::local(&folder.join("lake"))?;
        let operator = Operator::new(options.clone());
        simulate::write_reference(folder, &operator)?;
        // Whoever opens the lake finds every table of the contracts, be it empty.
        for table in Table::all() {
            lake.open(table).await?;
        }
        let since = options.first_day.plus(-i32::try_from(options.history_days)?);
        for (table, csv) in operator.reference() {
            let table = table.parse().map_err(anyhow::Error::msg)?;
            super::reference::load_text(&lake, table, &csv, since).await.with_context(|| format!("loading {table}"))?;
        }
        let broker = Embedded::start(Topic::ALL.map(|topic| (topic.name(), simulate::partitions(topic))))?;
        let metrics = Arc::new(Metrics::new());
        let (stop, stopped) = watch::channel(false);
        let mut throttle = Throttle::default();
        let mut ingests = JoinSet::new();
        let site = Site {
            decode: decode::Options::default(),
            seal: Seal::default(),
            lake: lake.clone(),
            registry: Arc::new(Registry::Contracts),
            metrics: Arc::clone(&metrics),
            clock: Clock::System,
            purpose: Purpose::default(),
        };
        for topic in Topic::ALL {
            let ingest = ingest_of(topic, broker.brokers(), site.clone());
            throttle.watch(topic.name(), Arc::clone(&ingest.received));
            ingests.spawn(ingest::ingest(ingest, stopped.clone()));
        }
        let producer = Producer::connect(&broker.brokers(), Some(throttle))?;
        let runner = Runner::new(lake.clone(), definitions, Clock::System);
        // Each day of the history is written, each measured one is sent and computed.
        let progress = ProgressBar::new(u64::from(options.history_days + 2 * options.days)).with_style(
            ProgressStyle::with_template("{elapsed_precise} {bar:32} {pos}/{len} {msg}").context("a template")?,
        );
        Ok(Self {
            folder: folder.to_owned(),
            options: options.clone(),
            lake,
            runner,
            operator: Some(operator),
            producer: Some(producer),
            metrics,
            ingests,
            stop,
            _broker: broker,
            history: since,
            next: options.first_day,
            requests: 0,
            packages: Vec::new(),
            progress,
        })
    }

    /// The history, straight into the lake, and its events and contacts.
    async fn seed(&mut self) -> anyhow::Result<()> {
        self.progress.set_message("writing the history");
        let mut operator = self.operator.take().context("the operator is at home between steps")?;
        let days = self.options.history_days;
        let (sender, mut traffics) = mpsc::channel::<Traffic>(1);
        let generate = tokio::task::spawn_blocking(move || {
            for _ in 0..days {
                let Some(traffic) = operator.next_day() else { break };
                if sender.blocking_send(traffic).is_err() {
                    break;
                }
            }
            operator
        });
        let mut seeder = Seeder::open(&self.lake, Clock::System.now()).await?;
        while let Some(traffic) = traffics.recv().await {
            for message in &traffic.messages {
                seeder.add(message).await?;
            }
            self.progress.inc(1);
        }
        seeder.finish().await?;
        self.operator = Some(generate.await?);
        Ok(())
    }

    /// Sends some days through the broker, and the answers to a round of survey, while ingest reads them.
    async fn feed(&mut self, days: u32, requests: &[SurveyRequest], from: Day) -> anyhow::Result<()> {
        self.progress.set_message(format!("sending traffic from {from} on"));
        let mut operator = self.operator.take().context("the operator is at home between steps")?;
        let mut producer = self.producer.take().context("the producer is at home between steps")?;
        let progress = self.progress.clone();
        let requests = requests.to_vec();
        let send = tokio::task::spawn_blocking(move || -> anyhow::Result<_> {
            if producer.sent() == 0 {
                for message in operator.subscribers() {
                    simulate::send(&mut producer, &message)?;
                }
            }
            for message in operator.answers(&requests, from) {
                simulate::send(&mut producer, &message)?;
            }
            for _ in 0..days {
                let traffic = operator.next_day().context("the operator has no more days")?;
                for message in &traffic.messages {
                    simulate::send(&mut producer, message)?;
                }
                progress.inc(1);
            }
            producer.flush()?;
            Ok((operator, producer))
        });
        let (operator, producer) = self.unless_ingest_fails(send).await???;
        let sent = producer.sent();
        (self.operator, self.producer) = (Some(operator), Some(producer));
        self.wait_for(sent).await
    }

    /// Waits for a task, or for the first ingest that ends before its time.
    async fn unless_ingest_fails<T>(
        &mut self,
        task: tokio::task::JoinHandle<T>,
    ) -> anyhow::Result<Result<T, tokio::task::JoinError>> {
        tokio::select! {
            done = task => Ok(done),
            Some(ended) = self.ingests.join_next() => {
                ended??;
                anyhow::bail!("an ingest has ended before its time")
            }
        }
    }

    /// Waits until ingest has committed this many messages.
    async fn wait_for(&mut self, sent: u64) -> anyhow::Result<()> {
        let metrics = Arc::clone(&self.metrics);
        let committed = tokio::spawn(async move {
            let count = |topic: Topic| metrics.ingest_messages.with_label_values(&[topic.name()]).get();
            while Topic::ALL.into_iter().map(count).sum::<u64>() < sent {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
        Ok(self.unless_ingest_fails(committed).await??)
    }

    /// Waits until the books show that every partition has been read beyond a day, as its decision wants it.
    async fn wait_until_complete(&mut self, last: Day) -> anyhow::Result<()> {
        let watch = Stopwatch::start();
        // Longer than any lateness that a decision waits for.
        let until = last.plus(7).ends_at();
        loop {
            let books = super::ledger::books(&mut self.runner).await?;
            let reasons = super::ledger::open_reasons_by(books, until);
            if reasons.is_empty() {
                return Ok(());
            }
            ensure!(watch.elapsed() < COMPLETE_WITHIN, "the input is not complete: {}", reasons.join("; "));
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Builds the days again that records have reached since they were built, and what follows from them.
    async fn restate(&mut self) -> anyhow::Result<()> {
        self.progress.set_message("restating what records reached late");
        super::late::restate(&mut self.runner, self.next).await?;
        Ok(())
    }

    fn ahead(&self, days: Vec<Day>, features: &'static [Table]) -> Ahead {
        Ahead::start(&self.lake, self.runner.definitions(), days, features)
    }

    async fn day(&mut self, day: Day) -> anyhow::Result<()> {
        self.progress.set_message(format!("computing {day}"));
        let mut tables = super::run::daily(self.runner.definitions())?;
        tables.retain(|table| !EVENTS.contains(table) && !FEATURES.contains(table) && !WINDOWS.contains(table));
        let mut ran = self.runner.run(&tables, day).await?;
        let decided = super::decide::run(&mut self.runner, Clock::System, day).await?;
        super::decide::note(&decided, &self.metrics)?;
        ran.extend(decided.ran);
        for ran in ran {
            self.metrics.run_rows.with_label_values(&[ran.table.name()]).inc_by(ran.rows);
            let took = std::time::Duration::from_millis(ran.took_ms);
            self.metrics.run_seconds.with_label_values(&[ran.table.name()]).observe(seconds(took));
        }
        self.next = day.plus(1);
        self.progress.inc(1);
        Ok(())
    }

    /// The survey requests of some days.
    async fn requests(&mut self, from: Day, until: Day) -> anyhow::Result<Vec<SurveyRequest>> {
        let handle = self.lake.open(Table::SURVEY_REQUEST).await?;
        let mut requests = Vec::new();
        for day in from.until(until) {
            for batch in handle.day(day).await? {
                for row in 0..batch.num_rows() {
                    requests.push(SurveyRequest {
                        request_id: survey_request::REQUEST_ID.of(&batch)?.value(row).to_owned(),
                        subject: survey_request::SUBJECT.of(&batch)?.value(row),
                        respondent: survey_request::RESPONDENT.of(&batch)?.value(row),
                    });
                }
            }
        }
        self.requests += requests.len() as u64;
        Ok(requests)
    }

    /// Ends ingest, computes the weeks, and exports.
    async fn finish(&mut self) -> anyhow::Result<u64> {
        let sent = self.producer.as_ref().map_or(0, Producer::sent);
        self.stop.send_replace(true);
        while let Some(ended) = self.ingests.join_next().await {
            ended??;
        }
        self.progress.set_message("exporting");
        let last = self.options.first_day.plus(i32::try_from(self.options.days)? - 1);
        let out = self.folder.join("export");
        let order = super::blocklist::Order::new(last, &out);
        super::blocklist::publish(&self.lake, self.runner.definitions(), &order, None, Clock::System).await?;
        let weeks: BTreeSet<_> = self.options.first_day.until(last.plus(1)).map(Day::week).collect();
        let (key, _) = super::key::new(&self.folder.join(KEY))?;
        for week in weeks {
            self.runner.run(&[Table::REGULATOR_WEEK, Table::SCAM_TREND_WEEK], week.monday()).await?;
            let (definitions, wanted) = (self.runner.definitions(), (week, RECIPIENT));
            let packaged =
                super::export::regulator(&self.lake, definitions, &out, wanted, (Some(&key), Trail::default())).await?;
            self.packages.push(format!("export/{RECIPIENT}/{}", packaged.week));
        }
        let operator = self.operator.as_ref().context("the operator is at home between steps")?;
        simulate::write_truth(&self.folder, operator)?;
        self.progress.finish_and_clear();
        Ok(sent)
    }
}
