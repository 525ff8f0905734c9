//! The verbs, in the order of the help, each with what it is for and an example.
//!
//! In: nothing. Out: what a command line may ask for, and under which name a scheduler's runs are noted.
//! Never: says how a verb is done; that stands beside its arguments.

use clap::Subcommand;

use super::blocklist::{BlocklistArgs, PublishVerb, ReceiptsArgs};
use super::deliver::DeliverArgs;
use super::desk::{AllowVerb, AnswerArgs, AppealVerb, AuditVerb, ReleaseArgs, ReviewArgs, UserVerb};
use super::domain::DomainVerb;
use super::ingest::{BackfillArgs, IngestArgs, ReplayArgs};
use super::lake::{MaintainArgs, ReferenceVerb};
use super::ledger::LedgerArgs;
use super::operator::{DemoArgs, SimulateArgs};
use super::package::{KeyVerb, VerifyArgs};
use super::precision::{PrecisionArgs, SampleArgs};
use super::promote::PromoteVerb;
use super::report::{AnswerArgs as ReportAnswerArgs, ReportVerb};
use super::rules::{BacktestArgs, DecideArgs, ExplainArgs, ExportVerb, RulesArgs, RunArgs, ShadowVerb, WindowArgs};
use super::scorecard::ScorecardVerb;
use super::site::LookArgs;
use super::subject::SubjectVerb;

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Shows the whole way with an embedded broker and a synthetic operator.
    #[command(after_help = "Example: callsieve demo --dir /tmp/demo --seed 11")]
    Demo(DemoArgs),
    /// Writes the synthetic operator's messages to files, or sends them to a broker.
    #[command(
        after_help = "Examples: callsieve simulate --dir /tmp/operator --days 2 --brokers 127.0.0.1:9092\n          \
        callsieve simulate --profile sichuan --seed 1 --out /tmp/rows.csv"
    )]
    Simulate(SimulateArgs),
    /// Reads topics into the lake, exactly once, until stopped.
    #[command(after_help = "Example: callsieve ingest --config site.toml\n\n\
        The tables remember the offsets. After a topic was made anew, raise its kafka.epochs by one.\n\
        Where no lake is, one begins, and a warning says so: no other verb begins one.")]
    Ingest(IngestArgs),
    /// Reads what ingest has left out, beside it: the holes in a topic's ledger, all or those within bounds.
    #[command(after_help = "Example: callsieve backfill --config site.toml --topic call_record \\\n    \
        --since 2025-01-06T00:00:00+07:00 --before 2025-01-07T00:00:00+07:00\n\n\
        Instants are those at which the broker stamped a message: give a late record time to come.")]
    Backfill(BackfillArgs),
    /// Proves that every offset is accounted for, and every record in one event; exit code 4 when not.
    #[command(
        args_conflicts_with_subcommands = true,
        after_help = "Example: callsieve ledger --lake /data/lake --topic call_record"
    )]
    Ledger(LedgerArgs),
    /// Decodes rejects again after a fix; what is a row then counts as one, and the reject stays.
    #[command(after_help = "Example: callsieve replay --config site.toml --topic call_record --reason unknown_schema")]
    Replay(ReplayArgs),
    /// Joins small files, removes rows that are past their time, and files that nothing refers to any more.
    #[command(
        after_help = "Example: callsieve maintain --lake /data/lake\n\nSafe beside running ingest and run; of two \
        at a time one ends with 7."
    )]
    Maintain(MaintainArgs),
    /// Computes tables for a day or a week.
    #[command(after_help = "Example: callsieve run --lake /data/lake --day 2025-01-06")]
    Run(RunArgs),
    /// Turns a day's evidence into verdicts, survey requests and the block list.
    #[command(after_help = "Example: callsieve decide --lake /data/lake --day 2025-01-06")]
    Decide(DecideArgs),
    /// What a person found who looked at a number's day.
    Review(ReviewArgs),
    /// Objections of subscribers, with their clock.
    #[command(subcommand)]
    Appeal(AppealVerb),
    /// Numbers that are never flagged.
    #[command(subcommand)]
    Allow(AllowVerb),
    /// Ends what is held of a number at the next `decide`, whatever the evidence.
    Release(ReleaseArgs),
    /// Releases and allowed numbers that wait for a second person.
    #[command(after_help = "Example: callsieve pending --config site.toml")]
    Pending(LookArgs),
    /// Makes what waits so, in a second person's name.
    #[command(after_help = "Example: callsieve approve 17 --by binh --config site.toml")]
    Approve(AnswerArgs),
    /// Turns down what waits.
    #[command(after_help = "Example: callsieve decline 17 --by binh --config site.toml")]
    Decline(AnswerArgs),
    /// Who works at the desk.
    #[command(subcommand)]
    User(UserVerb),
    /// The trail of all that the desk did.
    #[command(subcommand)]
    Audit(AuditVerb),
    /// Writes a list for the network or the regulator.
    #[command(subcommand)]
    Export(ExportVerb),
    /// Tells other systems what holds.
    #[command(subcommand)]
    Publish(PublishVerb),
    /// Holds what the network was asked against its receipts; exit code 5 when anything is not as asked.
    #[command(after_help = "Example: callsieve receipts --lake /data/lake --day 2025-01-06")]
    Receipts(ReceiptsArgs),
    /// Sends a published folder to a target of the site, once; exit code 5 when it has not arrived.
    #[command(after_help = "Example: callsieve deliver export/regulator/2025-W03 --to ministry --config site.toml\n\n\
        What was cut off is finished by the same command; what has arrived is not sent again.")]
    Deliver(DeliverArgs),
    /// Says whether a package or a dossier is what was signed, to the last byte; it needs nothing but the package and a public key.
    #[command(after_help = "Example: callsieve verify export/regulator/2025-W03 --key package.key.pub \\\n    \
        --previous export/regulator/2025-W02")]
    Verify(VerifyArgs),
    /// What a subscriber may ask for.
    #[command(subcommand)]
    Subject(SubjectVerb),
    /// Keys for signatures.
    #[command(subcommand)]
    Key(KeyVerb),
    /// Shows every value, threshold and point behind a number's score.
    #[command(after_help = "Example: callsieve explain 0962123456 --lake /data/lake --day 2025-01-06")]
    Explain(ExplainArgs),
    /// Tries changed definitions on days that were decided: who would be flagged, and who no longer.
    #[command(after_help = "Example: callsieve backtest --pipelines changed --lake /data/lake \\\n    \
        --from 2025-01-13 --until 2025-01-19 --html backtest.html\n\n\
        The lake is only read; what is computed lies in DIR/lake afterwards.")]
    Backtest(BacktestArgs),
    /// Changed definitions beside the live ones, day after day: they decide, and nothing follows from it.
    #[command(subcommand)]
    Shadow(ShadowVerb),
    /// Which definitions decide: one person proposes them, a second one approves.
    #[command(subcommand)]
    Promote(PromoteVerb),
    /// Whom a week's draw wants reviewed and nobody has yet; neither score nor band is shown.
    #[command(after_help = "Example: callsieve sample --week 2025-W03 --lake /data/lake --config site.toml\n\n\
        callsieve review NUMBER --day DAY … is the answer; the draw is made once the week is decided to its end.")]
    Sample(SampleArgs),
    /// How many of those flagged in a week are spam, as reviewers of its draw found.
    #[command(after_help = "Example: callsieve precision --week 2025-W03 --lake /data/lake --config site.toml --json")]
    Precision(PrecisionArgs),
    /// Scorecards out of labelled rows, and scores out of scorecards.
    #[command(subcommand)]
    Scorecard(ScorecardVerb),
    /// Reference tables.
    #[command(subcommand)]
    Reference(ReferenceVerb),
    /// Checks the definitions against the contracts, without data.
    #[command(after_help = "Example: callsieve check --pipelines pipelines")]
    Check(RulesArgs),
    /// Domains.
    #[command(subcommand)]
    Domain(DomainVerb),
    /// Citizens' reports.
    #[command(subcommand)]
    Report(ReportVerb),
}

impl Verb {
    /// The name under which its runs are noted, of a verb that a scheduler starts. What runs by the day and what runs
    /// by the week differ: the success of one is none of the other.
    pub(super) fn noted_as(&self) -> Option<&'static str> {
        match self {
            Self::Ledger(LedgerArgs { act: None, .. }) => Some("ledger"),
            Self::Replay(_) => Some("replay"),
            Self::Maintain(MaintainArgs { dry_run: false, .. }) => Some("maintain"),
            Self::Run(RunArgs { window: WindowArgs { week: None, .. }, .. }) => Some("run_day"),
            Self::Run(_) => Some("run_week"),
            Self::Decide(DecideArgs { dry_run: false, .. }) => Some("decide"),
            Self::Precision(_) => Some("precision"),
            Self::Export(ExportVerb::Blocklist(BlocklistArgs { dry_run: false, .. })) => Some("export_blocklist"),
            Self::Export(ExportVerb::Domains { .. }) => Some("export_domains"),
            Self::Export(ExportVerb::Accounts { .. }) => Some("export_accounts"),
            Self::Export(ExportVerb::Routes { .. }) => Some("export_routes"),
            Self::Export(ExportVerb::Regulator { .. }) => Some("export_regulator"),
            Self::Deliver(DeliverArgs { dry_run: false, .. }) => Some("deliver"),
            Self::Report(ReportVerb::Answer(ReportAnswerArgs { dry_run: false, .. })) => Some("report_answer"),
            _ => None,
        }
    }
}
