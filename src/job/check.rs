//! `check`: definitions against contracts, in seconds, without data and without a broker.
//!
//! In: the pipelines folder. Out: every problem, each with its file. Never: touches a lake.

use std::path::PathBuf;

use crate::pipeline::check::problems;
use crate::pipeline::definition::Definitions;
use crate::pipeline::run::folder;

/// The definitions do not hold: exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Invalid(pub Vec<String>);

/// Reads and checks the definitions.
pub async fn check(pipelines: Option<PathBuf>) -> anyhow::Result<Definitions> {
    let folder = folder(pipelines);
    let definitions = Definitions::read(&folder).map_err(|error| Invalid(vec![format!("{error:#}")]))?;
    let problems = problems(&definitions).await?;
    if problems.is_empty() { Ok(definitions) } else { Err(Invalid(problems).into()) }
}
