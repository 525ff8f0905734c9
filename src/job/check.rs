//! `check`: definitions against contracts, in seconds, without data and without a broker.
//!
//! In: the pipelines folder. Out: every problem, each with its file. Never: touches a lake.

use std::path::PathBuf;

use crate::export::notice;
use crate::pipeline::check::{contradictions, problems};
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::folder;

/// The definitions do not hold: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Invalid(pub Vec<String>);

/// Reads the definitions and makes sure that they can run.
pub async fn load(pipelines: Option<PathBuf>) -> anyhow::Result<Definitions> {
    let definitions = read(pipelines)?;
    let problems = contradictions(&definitions).await?;
    if problems.is_empty() { Ok(definitions) } else { Err(Invalid(problems).into()) }
}

/// Reads the definitions and finds everything that is wrong with them.
pub async fn check(pipelines: Option<PathBuf>) -> anyhow::Result<Definitions> {
    let definitions = read(pipelines.clone())?;
    let mut problems = problems(&definitions).await?;
    // Whoever tells nobody needs no templates.
    if folder(pipelines.clone()).join(notice::FILE).exists() {
        problems.extend(super::notice::templates(pipelines).err().map(|error| format!("{error:#}")));
    }
    if problems.is_empty() { Ok(definitions) } else { Err(Invalid(problems).into()) }
}

fn read(pipelines: Option<PathBuf>) -> anyhow::Result<Definitions> {
    Definitions::read(&folder(pipelines)).map_err(|error| Invalid(vec![format!("{error:#}")]).into())
}
