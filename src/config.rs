//! The configuration file: one per site, every module's own options side by side.
//!
//! In: a TOML file. Out: options, validated. Never: a rule: thresholds live in `pipelines/`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use serde::Deserialize;

use crate::decode::Format;
use crate::job::replay::Formats;
use crate::lake::{Lake, store};
use crate::schema::csv::Csv;
use crate::schema::topic::Topic;
use crate::source::kafka::Setting;
use crate::{decode, job, lookup, serve, source};

/// A site's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The lake: a folder, or `s3://BUCKET/PREFIX`; none where only the desk is asked.
    #[serde(default)]
    pub lake: Option<String>,
    /// The lake's store by its own settings, such as `endpoint`; they go before the environment's `AWS_…`.
    #[serde(default)]
    pub store: BTreeMap<String, Setting>,
    /// The broker; none where only files are loaded.
    #[serde(default)]
    pub kafka: Option<source::kafka::Options>,
    /// Folders in which files are dropped.
    #[serde(default)]
    pub files: Vec<source::folder::Options>,
    /// The schema registry.
    #[serde(default)]
    pub registry: source::registry::Options,
    /// How a topic's messages are written, where they do not show it themselves.
    #[serde(default)]
    pub formats: BTreeMap<String, Written>,
    /// Which times are believed.
    #[serde(default)]
    pub decode: decode::Options,
    /// When batches are committed.
    #[serde(default)]
    pub ingest: job::ingest::Options,
    /// How long what was replaced stays.
    #[serde(default)]
    pub maintain: job::maintain::Options,
    /// What citizens' words are sealed with.
    #[serde(default)]
    pub seal: job::seal::Options,
    /// Where answers to citizens go.
    #[serde(default)]
    pub answer: job::answer::Options,
    /// Where the desk keeps what it says; none where nobody reviews.
    #[serde(default)]
    pub desk: Option<job::desk::Options>,
    /// Where what holds of each number is told.
    #[serde(default)]
    pub flags: source::flag::Options,
    /// Where published folders are delivered, by name.
    #[serde(default)]
    pub delivery: BTreeMap<String, job::deliver::Options>,
    /// Which lists and registries domains are looked up in.
    #[serde(default)]
    pub lookup: lookup::Options,
    /// Where metrics are served.
    #[serde(default)]
    pub serve: serve::Options,
}

/// How messages are written that do not show it.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Written {
    /// Avro without framing.
    Avro {
        /// A file with the writer's schema; the topic's contract when none is named.
        #[serde(default)]
        schema: Option<PathBuf>,
    },
    /// One line of cells.
    Csv(Csv),
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
        let kafka = self.kafka.iter_mut().flat_map(|kafka| &mut kafka.settings).map(|at| ("kafka.settings", at));
        let kafka = kafka.map(|(section, (key, setting))| (format!("{section}.{key}"), setting));
        let store = self.store.iter_mut().map(|(key, setting)| (format!("store.{key}"), setting));
        let registry = self.registry.password.iter_mut().map(|setting| ("registry.password".to_owned(), setting));
        let desk = self.desk.iter_mut().map(|desk| ("desk.store".to_owned(), &mut desk.store));
        let buckets = self.delivery.iter_mut().filter_map(|(name, options)| match options {
            job::deliver::Options::S3(s3) => Some((name, &mut s3.store)),
            _ => None,
        });
        let buckets = buckets.flat_map(|(name, store)| store.iter_mut().map(move |at| (name, at)));
        let buckets = buckets.map(|(name, (key, setting))| (format!("delivery.{name}.store.{key}"), setting));
        let seal = self.seal.keys.iter_mut().map(|setting| ("seal.keys".to_owned(), setting));
        for (key, setting) in kafka.chain(store).chain(registry).chain(desk).chain(buckets).chain(seal) {
            let Setting::Env { env } = setting else { continue };
            match std::env::var(&env) {
                Ok(value) => *setting = Setting::Text(value),
                Err(_) => problems.push(format!("{key}: the environment has no {env}")),
            }
        }
        problems
    }

    /// How the messages of every topic at the broker are written.
    pub fn formats(&self) -> anyhow::Result<Formats> {
        let mut formats = Formats::default();
        for topic in Topic::ALL {
            let format = match self.formats.get(topic.name()) {
                None => continue,
                Some(Written::Avro { schema: None }) => Format::Avro(topic.avro().to_owned()),
                Some(Written::Avro { schema: Some(path) }) => {
                    let schema = std::fs::read_to_string(path);
                    Format::Avro(schema.with_context(|| format!("formats.{topic}: reading {}", path.display()))?)
                }
                Some(Written::Csv(csv)) => {
                    let layout = csv.layout(None).map_err(anyhow::Error::msg);
                    Format::Csv(Arc::new(layout.with_context(|| format!("formats.{topic}"))?))
                }
            };
            formats.topics.insert(topic, format);
        }
        for files in &self.files {
            if let (Ok(topic), Some(csv)) = (files.topic.parse(), &files.csv) {
                formats.files.entry(topic).or_insert_with(|| csv.clone());
            }
        }
        Ok(formats)
    }

    /// The lake that it names; none where its folder is missing.
    pub fn open_lake(&self) -> anyhow::Result<Option<Lake>> {
        Lake::existing(self.location()?, &self.store()?)
    }

    /// The same for the one verb that a lake may begin with.
    pub fn make_lake(&self) -> anyhow::Result<Lake> {
        Lake::at(self.location()?, &self.store()?)
    }

    fn location(&self) -> anyhow::Result<&str> {
        self.lake.as_deref().context("the configuration names no lake")
    }

    /// The lake's store: what the environment says, and what is configured over it.
    fn store(&self) -> anyhow::Result<store::Settings> {
        let mut configured = store::Settings::new();
        for (name, setting) in &self.store {
            configured.insert(name.clone(), setting.value().with_context(|| format!("store.{name}"))?);
        }
        Ok(store::over(store_of_environment(), configured))
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = self.ingest.problems();
        problems.extend(self.maintain.problems());
        for name in self.kafka.iter().flat_map(|kafka| kafka.topics.keys()) {
            if let Err(problem) = name.parse::<Topic>() {
                problems.push(format!("kafka.topics: {problem}"));
            }
        }
        problems.extend(self.kafka.iter().flat_map(source::kafka::Options::problems));
        problems.extend(self.registry.problems());
        problems.extend(self.lookup.problems());
        problems.extend(self.answer.problems());
        for (name, options) in &self.delivery {
            problems.extend(options.problems().into_iter().map(|problem| format!("delivery.{name}.{problem}")));
        }
        let mut mappings: BTreeMap<Topic, &Csv> = BTreeMap::new();
        for files in &self.files {
            let topic = match files.topic.parse::<Topic>() {
                Ok(topic) => topic,
                Err(problem) => {
                    problems.push(format!("files.topic: {problem}"));
                    continue;
                }
            };
            let Some(csv) = &files.csv else { continue };
            problems.extend(csv.problems(topic).into_iter().map(|problem| format!("files.csv: {problem}")));
            // A reject of a file knows its topic alone, so replay could not tell two mappings apart.
            if *mappings.entry(topic).or_insert(csv) != csv {
                problems.push(format!("files.csv: two folders of {topic} differ; give one of them a lake of its own"));
            }
        }
        for (name, written) in &self.formats {
            let topic = match name.parse::<Topic>() {
                Ok(topic) => topic,
                Err(problem) => {
                    problems.push(format!("formats: {problem}"));
                    continue;
                }
            };
            let Written::Csv(csv) = written else { continue };
            if csv.header {
                problems
                    .push(format!("formats.{name}: a message has no header; say header = false, and number columns"));
            }
            problems.extend(csv.problems(topic).into_iter().map(|problem| format!("formats.{name}: {problem}")));
        }
        problems
    }
}

/// What the environment says of a lake's store, by the names that every S3 client knows: `AWS_ENDPOINT_URL` …
pub fn store_of_environment() -> store::Settings {
    // What is no text is no setting.
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    store::known(std::env::vars_os().filter_map(text))
}
