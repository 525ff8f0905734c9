//! The verbs of the synthetic operator: `demo` and `simulate`.
//!
//! In: a seed, sizes and a folder. Out: a demo's figures, messages with their truth, or rows of a profile's numbers.
//! Never: listens unless asked to.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::ingest::interrupted;
use super::print::say;
use super::rules::RulesArgs;
use crate::clock::Clock;
use crate::job;
use crate::serve::{self, Server};
use crate::source::synthetic;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Folder for the lake, the exports and the truth.
    #[arg(long, default_value = "callsieve-demo")]
    dir: PathBuf,
    #[command(flatten)]
    operator: OperatorArgs,
    #[command(flatten)]
    rules: RulesArgs,
    /// Keep `/metrics` open on this address after the demo.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:9464")]
    serve: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Folder for the truth, the reference tables and, without a broker, the messages.
    #[arg(long, required_unless_present = "profile")]
    dir: Option<PathBuf>,
    /// Send to this broker instead; the topics must exist (call_record 4 partitions, sms_record 2, others 1).
    #[arg(long)]
    brokers: Option<String>,
    /// Instead of messages, rows of aggregates of the numbers that another operator's published rows are like.
    #[arg(
        long,
        value_enum,
        requires = "out",
        conflicts_with_all = ["dir", "brokers", "subscribers", "days", "history_days"]
    )]
    profile: Option<Profile>,
    /// File for these rows, .csv or .parquet.
    #[arg(long, value_name = "FILE", requires = "profile")]
    out: Option<PathBuf>,
    #[command(flatten)]
    operator: OperatorArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Profile {
    /// 6,000 numbers over 240 days, answered calls only, both directions.
    Sichuan,
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

pub(super) async fn demo(args: DemoArgs, json: bool) -> anyhow::Result<()> {
    let DemoArgs { dir, operator, rules, serve: address } = args;
    let definitions = rules.load().await?;
    let (summary, metrics) = job::demo::demo(&dir, operator.options(), definitions).await?;
    say(json, &summary, || summary.text(&dir))?;
    let Some(address) = address else { return Ok(()) };
    let server = Server::bind(address, metrics, Clock::System, serve::Options::default().ready_secs).await?;
    writeln!(std::io::stderr(), "metrics at http://{}/metrics until interrupted", server.address()?)?;
    tokio::select! {
        done = server.run() => done,
        () = interrupted() => Ok(()),
    }
}

pub(super) async fn simulate(args: SimulateArgs, json: bool) -> anyhow::Result<()> {
    let SimulateArgs { dir, brokers, profile, out, operator } = args;
    if let Some((Profile::Sichuan, out)) = profile.zip(out) {
        let made = tokio::task::spawn_blocking(move || job::sample::sample(operator.seed, &out)).await??;
        return say(json, &made, || format!("{} numbers, {} of them fraud", made.numbers, made.fraud));
    }
    let dir = dir.context("--dir says where the messages go")?;
    let options = operator.options();
    let made = tokio::task::spawn_blocking(move || job::simulate::simulate(options, &dir, brokers.as_deref()));
    let made = made.await??;
    say(json, &made, || format!("{} subscriptions, messages {:?}", made.subscriptions, made.messages))
}
