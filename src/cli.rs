//! The command line: one binary, one verb for each job.
//!
//! In: arguments. Out: results on stdout, everything else on stderr, an exit code that a scheduler can act on.
//! Never: does work of its own; every verb is a file of `job`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use clap::error::ErrorKind;

use self::ledger::LedgerArgs;
use self::verb::Verb;
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::job;
use crate::telemetry;
use crate::telemetry::metrics::Metrics;

mod blocklist;
mod deliver;
mod desk;
mod domain;
mod dossier;
mod ingest;
mod lake;
mod ledger;
mod operator;
mod package;
mod precision;
mod print;
mod promote;
mod report;
mod rules;
mod scorecard;
mod site;
mod subject;
mod verb;

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
    /// Leave metrics here, for node_exporter's textfile collector: a file of its own, whose name ends in .prom, for each
    /// of run --day, run --week, decide, precision, ledger, replay, maintain, report answer, deliver and the exports
    /// blocklist, regulator, domains, accounts and routes. Any other verb leaves none, nor does a dry run.
    #[arg(long, global = true, env = "CALLSIEVE_METRICS_FILE", value_name = "FILE")]
    metrics_file: Option<PathBuf>,
}

/// Our own warnings tell of broker trouble once; librdkafka's tell of it for every connection. That a commit meets
/// another of the same partition is no error: the one that comes second reads again, or says why it cannot.
const LOG: &str = "warn,deltalake_core=error,deltalake_core::kernel::transaction=off,rdkafka=off,librdkafka=off";

/// In the words of the README.
const EXIT_CODES: &str = "Exit codes:\n\
    0  done\n\
    1  failed\n\
    2  wrong usage\n\
    3  configuration or pipelines invalid, or no lake or case store where one is named\n\
    4  input incomplete: the ledger is not closed, the day, the week or the month is not all there or was computed \
    before some of its reports came, a day to compare with is not decided or not in the shadow, a week to draw from is \
    not decided to its end, or a registry did not answer; come again\n\
    5  what stands has not arrived at its target, or the network has not done what it was asked: run deliver again, \
    look at receipts\n\
    6  refused: not in this name, not by the same person twice, not before a second person has approved, by \
    definitions that are not promoted, by a limit for the block list, since bars on it have no end, or since a later \
    list went before\n\
    7  another run holds the lake's lock, or another maintain or subject erase theirs: come again";

/// The configuration does not hold: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
struct BadConfig(anyhow::Error);

/// Ends as wrong usage where the last day lies before the first.
fn ensure_order(from: Day, until: Day) {
    if from > until {
        clap::Error::raw(ErrorKind::ValueValidation, "--from lies behind --until\n").exit();
    }
}

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
        runtime.shutdown_timeout(Duration::from_secs(1));
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
    if error.is::<crate::store::reason::Unknown>() {
        2
    } else if error.is::<BadConfig>() || error.is::<job::check::Invalid>() || error.is::<crate::store::Absent>() {
        3
    } else if error.is::<job::ledger::Open>()
        || error.is::<job::export::Incomplete>()
        || error.is::<job::unread::Unread>()
        || error.is::<job::backtest::Undecided>()
        || error.is::<job::backtest::shadow::Unseen>()
        || error.is::<job::precision::Unfinished>()
        || error.is::<job::domain::Unanswered>()
    {
        4
    } else if error.is::<job::receipts::NotAsAsked>() || error.is::<job::deliver::Undelivered>() {
        5
    } else if error.is::<crate::store::Refused>()
        || error.is::<crate::export::blocklist::limit::Refused>()
        || error.is::<crate::export::blocklist::Endless>()
        || error.is::<job::deliver::Superseded>()
        || error.is::<job::promotion::NotPromoted>()
    {
        6
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
            Verb::Demo(args) => operator::demo(args, json).await,
            Verb::Simulate(args) => operator::simulate(args, json).await,
            Verb::Ingest(args) => ingest::ingest(args).await,
            Verb::Backfill(args) => ingest::backfill(&args, json).await,
            Verb::Ledger(LedgerArgs { act: Some(act), .. }) => ledger::sign(act).await,
            Verb::Ledger(args) => ledger::ledger(&args, json, metrics).await,
            Verb::Replay(args) => ingest::replay(&args, json, metrics).await,
            Verb::Maintain(args) => lake::maintain(&args, json, metrics).await,
            Verb::Run(args) => rules::run(args, json, metrics).await,
            Verb::Decide(args) => rules::decide(args, json, metrics).await,
            Verb::Review(args) => desk::review(args, json).await,
            Verb::Appeal(verb) => desk::appeal(verb, json).await,
            Verb::Allow(verb) => desk::allow(verb, json).await,
            Verb::Release(args) => desk::release(args, json).await,
            Verb::Pending(look) => desk::pending(look, json).await,
            Verb::Approve(args) => desk::approve(args, json).await,
            Verb::Decline(args) => desk::decline(args, json).await,
            Verb::User(verb) => desk::user(verb, json).await,
            Verb::Audit(verb) => desk::audit(verb, json).await,
            Verb::Export(verb) => rules::export(verb, json).await,
            Verb::Publish(verb) => blocklist::publish(verb, json).await,
            Verb::Receipts(args) => blocklist::receipts(args, json).await,
            Verb::Deliver(args) => deliver::deliver(args, json).await,
            Verb::Verify(args) => package::verify(args, json).await,
            Verb::Subject(verb) => subject::subject(verb, json).await,
            Verb::Key(verb) => package::key(verb, json),
            Verb::Explain(args) => rules::explain(args, json).await,
            Verb::Backtest(args) => rules::backtest(args, json).await,
            Verb::Shadow(verb) => rules::shadow(verb, json).await,
            Verb::Promote(verb) => promote::promote(verb, json).await,
            Verb::Sample(args) => precision::sample(args, json).await,
            Verb::Precision(args) => precision::precision(args, json, metrics).await,
            Verb::Reference(verb) => lake::reference(verb, json).await,
            Verb::Scorecard(verb) => scorecard::scorecard(verb, json).await,
            Verb::Check(rules) => rules::check(rules, json).await,
            Verb::Domain(verb) => domain::domain(verb, json).await,
            Verb::Report(verb) => report::report(verb, json).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::blocklist::limit::Refused;
    use crate::job::receipts::NotAsAsked;
    use crate::job::unread::{Days, Unread};
    use crate::schema::contract::Table;

    #[test]
    fn what_is_refused_and_what_has_not_arrived_have_codes_of_their_own_however_it_is_told() {
        let (refused, missing) = (Refused { new: 2, cap: 1 }, NotAsAsked(3));
        let endless = crate::export::blocklist::Endless {
            day: "2025-01-06".parse().unwrap(),
            count: 1,
            first: crate::domain::number::Number::from_e164(84_962_000_001).unwrap(),
        };
        for (error, code) in [(refused.into(), 6), (anyhow::Error::from(endless), 6), (missing.into(), 5)] {
            assert_eq!(exit_code(&error.context("exporting")), code);
        }
        assert_eq!(exit_code(&anyhow::anyhow!("a full disk")), 1);
    }

    #[test]
    fn what_lacks_a_report_has_the_code_of_an_input_that_is_not_complete() {
        let day = "2025-01-06".parse().unwrap();
        let days = Days { first: day, last: day };
        let unread = Unread { table: Table::REPORT_CHECK, days, reasons: Vec::new(), mend: String::new() };
        assert_eq!(exit_code(&anyhow::Error::from(unread).context("exporting")), 4);
    }
}
