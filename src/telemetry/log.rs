//! Logs on stderr: plain for a terminal, JSON for a machine.
//!
//! In: the level, from `--log` or `CALLSIEVE_LOG`. Out: lines. Never: anything on stdout, which holds results.

use std::io::IsTerminal;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

/// What tells of every scan of a table at the level at which we tell of commits; a filter that names it goes before this.
const CHATTY: &str = "buoyant_kernel=warn";

/// Starts logging; once in a process.
pub fn start(filter: &str) -> anyhow::Result<()> {
    let asked = format!("{CHATTY},{filter}");
    let filter = EnvFilter::try_new(asked).with_context(|| format!("\"{filter}\" is no log filter"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        log.with_target(false).try_init()
    } else {
        log.json().flatten_event(true).try_init()
    };
    started.map_err(|error| anyhow::anyhow!("starting the log: {error}"))
}
