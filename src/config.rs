//! The configuration file: one per site, every module's own options side by side.
//!
//! In: a TOML file. Out: options, validated. Never: a rule: thresholds live in `pipelines/`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use crate::schema::topic::Topic;
use crate::source::kafka::Setting;
use crate::{decode, job, serve, source};

/// A site's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of the lake.
    pub lake: PathBuf,
    /// The broker; none where only files are loaded.
    #[serde(default)]
    pub kafka: Option<source::kafka::Options>,
    /// Folders in which files are dropped.
    #[serde(default)]
    pub files: Vec<source::folder::Options>,
    /// The schema registry.
    #[serde(default)]
    pub registry: source::registry::Options,
    /// Which times are believed.
    #[serde(default)]
    pub decode: decode::Options,
    /// When batches are committed.
    #[serde(default)]
    pub ingest: job::ingest::Options,
    /// Where metrics are served.
    #[serde(default)]
    pub serve: serve::Options,
}

impl Config {
    /// Reads a configuration, or says everything that is wrong with it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let mut config: Self =
            toml::from_str(&text).with_context(|| format!("{} is no configuration", path.display()))?;
        let mut problems = config.problems();
        problems.extend(config.read_environment());
        anyhow::ensure!(problems.is_empty(), "{}: {}", path.display(), problems.join("; "));
        Ok(config)
    }

    /// Puts the values of environment variables where settings name them.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    fn read_environment(&mut self) -> Vec<String> {
        let mut problems = Vec::new();
        let settings = self.kafka.iter_mut().flat_map(|kafka| &mut kafka.settings);
        for (key, setting) in settings {
            let Setting::Env { env } = setting else { continue };
            match std::env::var(&env) {
                Ok(value) => *setting = Setting::Text(value),
                Err(_) => problems.push(format!("kafka.settings.{key}: the environment has no {env}")),
            }
        }
        problems
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = self.ingest.problems();
        for name in self.kafka.iter().flat_map(|kafka| kafka.topics.keys()) {
            if let Err(problem) = name.parse::<Topic>() {
                problems.push(format!("kafka.topics: {problem}"));
            }
        }
        problems.extend(self.kafka.iter().flat_map(source::kafka::Options::problems));
        for files in &self.files {
            if let Err(problem) = files.topic.parse::<Topic>() {
                problems.push(format!("files.topic: {problem}"));
            }
        }
        if self.kafka.is_none() && self.files.is_empty() {
            problems.push("neither kafka nor files is configured".to_owned());
        }
        problems
    }
}
