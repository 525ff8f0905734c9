//! A site's desk, and in whose name something is done there or looked at.
//!
//! In: arguments, and a site's configuration. Out: its desk, its store, or leave to go on. Never: a desk that the
//! configuration does not name.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::BadConfig;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::seal::Seal;
use crate::job;
use crate::job::desk::{Desk, Hand, Look};
use crate::lake::Lake;
use crate::pipeline::definition::Definitions;
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct SiteArgs {
    /// The site's configuration, with a `[desk]`.
    #[arg(long, env = "CALLSIEVE_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct HandArgs {
    /// In whose name.
    #[arg(long)]
    by: String,
    /// Say what would be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Show the number in clear; that it was shown is written down.
    #[arg(long = "reveal")]
    in_clear: bool,
    #[command(flatten)]
    pub(super) site: SiteArgs,
}

#[derive(Debug, Args)]
pub(super) struct LookArgs {
    /// Show numbers in clear; that they were shown is written down.
    #[arg(long = "reveal", requires = "by")]
    in_clear: bool,
    /// To whom.
    #[arg(long)]
    by: Option<String>,
    #[command(flatten)]
    pub(super) site: SiteArgs,
}

impl SiteArgs {
    pub(super) async fn desk(&self) -> anyhow::Result<Desk> {
        Desk::open(&self.options()?).await
    }

    /// The same for who may be the first to work there.
    pub(super) async fn begin_desk(&self) -> anyhow::Result<Desk> {
        Desk::begin(&self.options()?).await
    }

    fn options(&self) -> anyhow::Result<job::desk::Options> {
        let config = Config::read(&self.config).map_err(BadConfig)?;
        let options = config.desk.with_context(|| format!("{} has no [desk]", self.config.display()));
        Ok(options.map_err(BadConfig)?)
    }

    /// Lets definitions pass as [`admit`] does.
    pub(super) async fn admit(&self, lake: &Lake, definitions: &Definitions) -> anyhow::Result<()> {
        admit(Some(&self.config), lake, definitions, false).await
    }

    /// How long versions of before can be read.
    pub(super) fn maintain(&self) -> anyhow::Result<job::maintain::Options> {
        Ok(Config::read(&self.config).map_err(BadConfig)?.maintain)
    }

    /// What opens the words of citizens.
    pub(super) fn seal(&self) -> anyhow::Result<Seal> {
        let config = Config::read(&self.config).map_err(BadConfig)?;
        Ok(config.seal.open().map_err(BadConfig)?)
    }
}

impl HandArgs {
    pub(super) fn hand(&self) -> Hand<'_> {
        Hand { by: &self.by, at: Clock::System.now(), is_dry_run: self.dry_run, in_clear: self.in_clear }
    }
}

impl LookArgs {
    pub(super) fn look(&self) -> Look<'_> {
        Look { by: self.by.as_deref().filter(|_| self.in_clear), at: Clock::System.now() }
    }
}

/// The store of a site's desk, where a configuration is named and has one.
pub(super) async fn store(config: Option<&PathBuf>) -> anyhow::Result<Option<Store>> {
    let Some(config) = config else { return Ok(None) };
    match Config::read(config).map_err(BadConfig)?.desk {
        Some(options) => Ok(Some(options.open().await?)),
        None => Ok(None),
    }
}

/// Lets definitions pass where a site asks for promoted ones and these are. A lake of such a site asks by itself, so that
/// nobody gets around it by another configuration or by none; a dry run makes no lake one of such a site.
pub(super) async fn admit(
    config: Option<&PathBuf>,
    lake: &Lake,
    definitions: &Definitions,
    is_dry_run: bool,
) -> anyhow::Result<()> {
    let desk = match config {
        Some(config) => Config::read(config).map_err(BadConfig)?.desk,
        None => None,
    };
    let is_asked = desk.as_ref().is_some_and(|options| options.require_promotion);
    if !is_asked && !job::promotion::is_required(lake).await? {
        return Ok(());
    }
    let store = match desk {
        Some(options) => Some(options.open().await?),
        None => None,
    };
    if is_dry_run {
        job::promotion::look(store.as_ref(), lake, definitions).await
    } else {
        job::promotion::admit(store.as_ref(), lake, definitions).await
    }
}
