//! `deliver`: a published folder to a target of the site, once.
//!
//! In: a folder that is whole, a target, and what the table `delivery` says of both. Out: the folder at the target, and a
//! row for what was intended and what came of it. Never: sends what the table says is done; says that something is done
//! which has not arrived; sends a block list behind a later one unless it is told to.

pub mod attempt;
mod turn;

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::Array;
use serde::{Deserialize, Serialize};

use self::attempt::Outcome;
use self::turn::Turn;
use super::export::refuse_shadow;
use crate::clock::Clock;
use crate::domain::day::Day;
use crate::export::delivery::bucket::Bucket;
use crate::export::delivery::parcel::Parcel;
use crate::export::delivery::{Target, local, sftp, webhook};
use crate::lake::store::{self, Settings};
use crate::lake::{Handle, Lake};
use crate::schema::column::delivery as column;
use crate::schema::contract::Table;
use crate::schema::sheet::Sheet;
use crate::source::kafka::Setting;

/// A target of the site, as `[delivery.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Options {
    /// Another folder, as of a mounted share.
    Folder(local::Options),
    /// An SFTP server.
    Sftp(sftp::Options),
    /// An address that is posted to.
    Webhook(webhook::Options),
    /// A bucket.
    S3(S3),
}

/// `kind = "s3"`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// `s3://BUCKET/PREFIX`.
    pub url: String,
    /// The store by its own settings, such as `endpoint`; they go before the environment's `AWS_…`. `timeout` is how long
    /// one object may take, `30 seconds` when none is named: more for a slow line.
    #[serde(default)]
    pub store: BTreeMap<String, Setting>,
}

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::Sftp(options) => options.problems(),
            Self::Webhook(options) => options.problems(),
            Self::Folder(_) | Self::S3(_) => Vec::new(),
        }
    }

    /// The target; `environment` is what the environment says of buckets.
    pub fn target(&self, environment: Settings) -> anyhow::Result<Target> {
        Ok(match self {
            Self::Folder(options) => Target::Local(options.clone()),
            Self::Sftp(options) => Target::Sftp(options.clone()),
            Self::Webhook(options) => Target::Webhook(options.clone()),
            Self::S3(S3 { url, store: settings }) => {
                let mut configured = Settings::new();
                for (name, setting) in settings {
                    configured.insert(name.clone(), setting.value().with_context(|| format!("store.{name}"))?);
                }
                let (store, prefix) = store::bucket(url, &store::over(environment, configured))?;
                Target::Bucket(Bucket { store, prefix })
            }
        })
    }
}

/// What stands, but has not arrived: exit code 5.
#[derive(Debug, thiserror::Error)]
#[error("{folder} has not arrived at {target}, and is as it was here; run the same again: {error}")]
pub struct Undelivered {
    folder: String,
    target: String,
    error: String,
}

/// What another has undone at its target, and so is not sent: exit code 6.
#[derive(Debug, thiserror::Error)]
#[error(
    "{folder} is not sent to {target}: {error}; what it alone gives back or bars is in callsieve receipts, and \
     --out-of-turn sends it all the same"
)]
pub struct Superseded {
    folder: String,
    target: String,
    error: String,
}

/// How a folder is to be delivered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Order {
    /// Whether nothing is sent.
    pub is_dry_run: bool,
    /// Whether it goes though one that comes before it has not arrived, or one that comes behind it has.
    pub is_out_of_turn: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has arrived.
    Done,
    /// It had arrived before, as the table says.
    Known,
    /// It would be sent.
    Wanted,
    /// It waits for one that comes before it.
    Held,
    /// One that comes behind it went before it.
    Superseded,
    /// It has not arrived.
    Failed,
}

/// A delivery.
#[derive(Debug, Serialize)]
pub struct Delivered {
    /// The target's name.
    pub target: String,
    /// The folder, as `KIND/NAME`.
    pub folder: String,
    /// Its name at the target.
    pub place: String,
    /// SHA-256 of what says what its files are, hex.
    pub manifest_sha256: String,
    /// What came of it.
    pub state: State,
    /// Files that it has.
    pub files: usize,
    /// Files that were sent now; the others were there.
    pub sent: usize,
    /// Attempts that were made.
    pub attempts: u32,
    /// Why the last one failed, or why there was none.
    pub error: Option<String>,
}

/// Delivers a folder to a target, unless the table says that it has arrived there, or that it is not its turn.
pub async fn deliver(
    lake: &Lake,
    (name, target): (&str, &Target),
    parcel: &Parcel,
    order: Order,
    clock: Clock,
) -> anyhow::Result<Delivered> {
    refuse_shadow(lake)?;
    let (noted, mut turn) = match lake.find(Table::DELIVERY).await? {
        Some(table) => (states(&table, name, parcel).await?, Turn::read(&table, name, &parcel.name).await?),
        None => (Vec::new(), Turn::Due),
    };
    if noted.iter().any(|state| state == DONE) {
        return Ok(delivered(name, parcel, State::Known, None));
    }
    if order.is_out_of_turn {
        turn = Turn::Due;
    }
    match turn {
        Turn::Due if order.is_dry_run => return Ok(delivered(name, parcel, State::Wanted, None)),
        Turn::Due => {}
        Turn::Early(first) => return Ok(held(name, parcel, &first)),
        Turn::Late(later) => {
            // Once is enough, however often it is tried.
            if !order.is_dry_run && !noted.iter().any(|state| state == SUPERSEDED) {
                note(&mut lake.open(Table::DELIVERY).await?, name, parcel, SUPERSEDED, None, clock).await?;
            }
            return Ok(superseded(name, parcel, &later));
        }
    }
    let mut table = lake.open(Table::DELIVERY).await?;
    note(&mut table, name, parcel, INTENDED, None, clock).await?;
    let outcome = attempt::deliver(target, name, parcel, clock).await;
    let (state, word) = if outcome.error.is_none() { (State::Done, DONE) } else { (State::Failed, FAILED) };
    note(&mut table, name, parcel, word, Some(&outcome), clock).await?;
    Ok(delivered(name, parcel, state, Some(outcome)))
}

const INTENDED: &str = "intended";
const DONE: &str = "done";
const FAILED: &str = "failed";
const SUPERSEDED: &str = "superseded";

/// What the table says of a folder at a target.
async fn states(table: &Handle, name: &str, parcel: &Parcel) -> anyhow::Result<Vec<String>> {
    let mut states = Vec::new();
    for batch in table.rows_with(column::MANIFEST_SHA256.name, &parcel.manifest_sha256, &[]).await? {
        let (targets, folders) = (column::TARGET.of(&batch)?, column::FOLDER.of(&batch)?);
        let (words, signatures) = (column::STATE.of(&batch)?, column::SIGNATURE_SHA256.of(&batch)?);
        let signed = |row: usize| signatures.is_valid(row).then(|| signatures.value(row));
        let own = (0..batch.num_rows())
            .filter(|row| targets.value(*row) == name && folders.value(*row) == parcel.name)
            .filter(|row| signed(*row) == parcel.signature_sha256());
        states.extend(own.map(|row| words.value(row).to_owned()));
    }
    Ok(states)
}

/// Writes down what is intended, what came of it, or that nothing will.
async fn note(
    table: &mut Handle,
    name: &str,
    parcel: &Parcel,
    state: &str,
    outcome: Option<&Outcome>,
    clock: Clock,
) -> anyhow::Result<()> {
    let error = outcome.and_then(|outcome| outcome.error.as_deref());
    let (attempts, sent) = outcome.map_or((0, 0), |outcome| (outcome.attempts, outcome.sent.len()));
    let at = clock.now();
    let mut sheet = Sheet::new(Table::DELIVERY.contract());
    let row = sheet.row().day(Day::of(at)).text(name).text(&parcel.name).text(&parcel.manifest_sha256).text(state);
    let row = row.int64(attempts.into()).int64(i64::try_from(sent)?).text_or_null(error).instant(at);
    row.text_or_null(parcel.signature_sha256()).end();
    let noted = table.append(&[sheet.finish()], &[]).await;
    noted.with_context(|| format!("writing down that the delivery of {} to {name} is {state}", parcel.name))?;
    Ok(())
}

fn delivered(name: &str, parcel: &Parcel, state: State, outcome: Option<Outcome>) -> Delivered {
    Delivered {
        target: name.to_owned(),
        folder: parcel.name.clone(),
        place: parcel.place(),
        manifest_sha256: parcel.manifest_sha256.clone(),
        state,
        files: parcel.files.len(),
        sent: outcome.as_ref().map_or(0, |outcome| outcome.sent.len()),
        attempts: outcome.as_ref().map_or(0, |outcome| outcome.attempts),
        error: outcome.and_then(|outcome| outcome.error),
    }
}

/// It waits for another, which says why it has not arrived itself.
fn held(name: &str, parcel: &Parcel, first: &str) -> Delivered {
    let error = format!("{first} comes before it and has not arrived; deliver that first, or name --out-of-turn");
    Delivered { error: Some(error), ..delivered(name, parcel, State::Held, None) }
}

/// It is not to be sent any more.
fn superseded(name: &str, parcel: &Parcel, later: &str) -> Delivered {
    let error = format!("{later} went there before it, and it would do again what that has undone");
    Delivered { error: Some(error), ..delivered(name, parcel, State::Superseded, None) }
}

impl Delivered {
    /// Fails when it has not arrived.
    pub fn verdict(&self) -> anyhow::Result<()> {
        let Some(error) = self.error.clone() else { return Ok(()) };
        let (folder, target) = (self.folder.clone(), self.target.clone());
        if self.state == State::Superseded {
            return Err(Superseded { folder, target, error }.into());
        }
        Err(Undelivered { folder, target, error }.into())
    }

    /// The same for people.
    pub fn text(&self) -> String {
        let Self { target, folder, place, files, sent, attempts, .. } = self;
        let tries = if *attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
        match self.state {
            State::Done => format!("{folder} is at {target} as {place}: {sent} of {files} files sent, {tries}"),
            State::Known => format!(
                "{folder} is at {target} as {place} already, says the table delivery: nothing is sent; a target that has \
                 moved or lost it takes it under another name in [delivery]"
            ),
            State::Wanted => format!("{folder} would go to {target} as {place}: {files} files"),
            State::Failed => format!("{folder} has not arrived at {target}: {sent} of {files} files sent, {tries}"),
            State::Held => format!("{folder} waits for one that comes before it at {target}: nothing is sent"),
            State::Superseded => format!("{folder} is not sent: a later one went to {target} before it"),
        }
    }
}

#[cfg(test)]
mod tests;
