//! `deliver`: a published folder to a target of the site, once.
//!
//! In: a folder that is whole, a target, and what the table `delivery` says of both. Out: the folder at the target, and a
//! row for what was intended and what came of it. Never: sends what the table says is done; says that something is done
//! which has not arrived.

pub mod attempt;

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::Array;
use serde::{Deserialize, Serialize};

use self::attempt::Outcome;
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
    /// Why the last one failed.
    pub error: Option<String>,
}

/// Delivers a folder to a target, unless the table says that it has arrived there.
pub async fn deliver(
    lake: &Lake,
    (name, target): (&str, &Target),
    parcel: &Parcel,
    is_dry_run: bool,
    clock: Clock,
) -> anyhow::Result<Delivered> {
    refuse_shadow(lake)?;
    let noted = match lake.find(Table::DELIVERY).await? {
        Some(table) => states(&table, name, parcel).await?,
        None => Vec::new(),
    };
    if noted.iter().any(|state| state == DONE) {
        return Ok(delivered(name, parcel, State::Known, None));
    }
    if is_dry_run {
        return Ok(delivered(name, parcel, State::Wanted, None));
    }
    let mut table = lake.open(Table::DELIVERY).await?;
    note(&mut table, name, parcel, None, clock).await?;
    let outcome = attempt::deliver(target, name, parcel, clock).await;
    note(&mut table, name, parcel, Some(&outcome), clock).await?;
    let state = if outcome.error.is_none() { State::Done } else { State::Failed };
    Ok(delivered(name, parcel, state, Some(outcome)))
}

const INTENDED: &str = "intended";
const DONE: &str = "done";
const FAILED: &str = "failed";

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

/// Writes down what is intended, or what came of it.
async fn note(
    table: &mut Handle,
    name: &str,
    parcel: &Parcel,
    outcome: Option<&Outcome>,
    clock: Clock,
) -> anyhow::Result<()> {
    let error = outcome.and_then(|outcome| outcome.error.as_deref());
    let state = match (outcome, error) {
        (None, _) => INTENDED,
        (Some(_), None) => DONE,
        (Some(_), Some(_)) => FAILED,
    };
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

impl Delivered {
    /// Fails when it has not arrived.
    pub fn verdict(&self) -> Result<(), Undelivered> {
        match &self.error {
            None => Ok(()),
            Some(error) => {
                Err(Undelivered { folder: self.folder.clone(), target: self.target.clone(), error: error.clone() })
            }
        }
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
        }
    }
}

#[cfg(test)]
mod tests;
