//! The verbs around a package that has left: `verify`, and `key`, which makes what it is signed with.
//!
//! In: a package and a public key, or where a new key goes. Out: a verdict, or a key pair. Never: prints a secret.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::lake::existing;
use super::print::say;
use crate::export::sign::PublicKey;
use crate::export::verify::verify as look_at;
use crate::job;
use crate::job::package::{OlderFormat, OtherBuild};

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The folder of the package or dossier.
    package: PathBuf,
    /// File of the public key that it has to be signed by.
    #[arg(long)]
    key: PathBuf,
    /// Folder of the package before it, which it has to follow.
    #[arg(long)]
    previous: Option<PathBuf>,
    /// Lake to make the package anew from, by the table versions in its manifest.
    #[arg(long, value_name = "LAKE")]
    recompute: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyVerb {
    /// Makes a key pair in FILE and FILE.pub, which minisign reads too.
    #[command(after_help = "Example: callsieve key new --out package.key")]
    New {
        /// File of the secret key.
        #[arg(long)]
        out: PathBuf,
    },
}

pub(super) async fn verify(args: VerifyArgs, json: bool) -> anyhow::Result<()> {
    let named = || format!("reading {}", args.key.display());
    let key = std::fs::read_to_string(&args.key).with_context(named)?;
    let key = PublicKey::read(&key).with_context(named)?;
    let mut verdict = look_at(&args.package, &key, args.previous.as_deref())?;
    anyhow::ensure!(
        args.recompute.is_none() || verdict.dossier.is_none(),
        "a dossier is made anew by export dossier: --recompute is for packages"
    );
    if let Some(lake) = args.recompute.filter(|_| verdict.is_sound) {
        let lake = existing(&lake).await?;
        match job::package::recompute(&lake, &args.package).await {
            // What can be said of it is said all the same.
            Err(other) if other.is::<OlderFormat>() || other.is::<OtherBuild>() => {
                say(json, &verdict, || verdict.text())?;
                return Err(other);
            }
            made => verdict.made_anew(made?),
        }
    }
    say(json, &verdict, || verdict.text())?;
    Ok(verdict.ensure_sound()?)
}

pub(super) fn key(verb: KeyVerb, json: bool) -> anyhow::Result<()> {
    let KeyVerb::New { out } = verb;
    let (_, made) = job::key::new(&out)?;
    say(json, &made, || made.text())
}
