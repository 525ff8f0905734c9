//! The verb `ledger`, and the signed acts below it.
//!
//! In: a lake, and whose keys are trusted or who signs. Out: the proof, or something given up. Never: signs without a
//! name and a reason.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::ingest::topic;
use super::lake::LakeArgs;
use super::print::say;
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::export::sign::SecretKey;
use crate::job;
use crate::job::ledger::Open;
use crate::job::ledger::act::{self, Keys, Loss, Note, Retirement};
use crate::schema::topic::Topic;
use crate::telemetry::metrics::Metrics;

#[derive(Debug, Args)]
pub(super) struct LedgerArgs {
    #[command(subcommand)]
    pub(super) act: Option<LedgerVerb>,
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
}

#[derive(Debug, Subcommand)]
pub(super) enum LedgerVerb {
    /// Gives up offsets that cannot be had any more, those that come next or that the ledger misses: signed, and shown
    /// by every ledger from then on.
    #[command(
        after_help = "Example: callsieve ledger accept --topic call_record --source 4L6g/call_record/0 --partition 2 \\\n    \
        --from 1000 --until 1500 --by 'N. V. An' --why 'broker disk lost' --key accept.key --lake /data/lake\n\n\
        callsieve key new --out accept.key makes the key; a file of 64 hex digits is one as well."
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
        /// Why the messages cannot be had any more.
        #[arg(long)]
        why: String,
        #[command(flatten)]
        signer: SignerArgs,
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
        /// Why it is not read any more.
        #[arg(long)]
        why: String,
        #[command(flatten)]
        signer: SignerArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct SignerArgs {
    /// Who signs.
    #[arg(long)]
    by: String,
    /// File of a secret key, or of an Ed25519 seed in 64 hex digits.
    #[arg(long)]
    key: PathBuf,
    #[command(flatten)]
    lake: LakeArgs,
}

impl SignerArgs {
    fn seed(&self) -> anyhow::Result<[u8; 32]> {
        let key = self.key.display();
        let text = std::fs::read_to_string(&self.key).with_context(|| format!("reading {key}"))?;
        if text.starts_with("untrusted comment:") {
            return Ok(SecretKey::read(&text).with_context(|| format!("reading {key}"))?.seed());
        }
        let seed: Option<[u8; 32]> = hex::decode(text.trim()).ok().and_then(|seed| seed.try_into().ok());
        seed.with_context(|| format!("{key} does not hold 64 hex digits"))
    }

    /// What is signed along with an act; the job fills in key and signature.
    fn note(self, why: String) -> Note {
        Note { by: self.by, why, public_key: String::new(), signature: String::new() }
    }
}

pub(super) async fn ledger(args: &LedgerArgs, json: bool, metrics: Option<&Metrics>) -> anyhow::Result<()> {
    let trusted = args.trust.as_deref().map(Keys::read).transpose()?;
    let days = args.from.zip(args.until);
    let shown = job::ledger::ledger(&args.lake.open().await?, &args.topic, days, trusted.as_ref()).await?;
    if let Some(metrics) = metrics {
        job::note::ledger(&shown, metrics);
    }
    say(json, &shown, || shown.text())?;
    if shown.is_closed { Ok(()) } else { Err(Open.into()) }
}

pub(super) async fn sign(act: LedgerVerb) -> anyhow::Result<()> {
    match act {
        LedgerVerb::Accept { topic, source, partition, from, until, why, signer } => {
            let (lake, seed) = (signer.lake.open().await?, signer.seed()?);
            let loss = Loss { topic, source, partition, from, until };
            act::accept(&lake, &loss, signer.note(why), &seed, Clock::System).await
        }
        LedgerVerb::Retire { topic, source, why, signer } => {
            let (lake, seed) = (signer.lake.open().await?, signer.seed()?);
            let retirement = Retirement { topic, source };
            act::retire(&lake, &retirement, signer.note(why), &seed, Clock::System).await
        }
    }
}
