//! How to reach a broker: what a site configures, and what librdkafka is told.
//!
//! In: a section of the configuration. Out: a client's configuration. Never: a secret in a log.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, bail};
use rdkafka::config::ClientConfig;
use serde::Deserialize;

use crate::schema::topic::Topic;

/// How to reach the broker.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Brokers as `host:port`, separated by commas.
    pub brokers: String,
    /// Consumer group; the topic's name is added, so that topics rebalance apart.
    #[serde(default = "default_group")]
    pub group: String,
    /// Of a topic that was deleted and made anew, by its name at this broker: one more than before, first 1. Its
    /// offsets begin at 0 again, and this tells them from those of the topic before.
    #[serde(default)]
    pub epochs: BTreeMap<String, u32>,
    /// What a topic is called at this broker, when not as its contract.
    #[serde(default)]
    pub topics: BTreeMap<String, String>,
    /// librdkafka's own settings, handed on as they are.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
}

impl fmt::Debug for Options {
    /// Settings may be secrets, so only their names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.settings.keys().collect();
        write!(f, "group {} at {} with {names:?}", self.group, self.brokers)
    }
}

/// A setting as it is written: in clear, or where it is kept.
#[derive(Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Setting {
    /// The value.
    Text(String),
    /// A file whose first line is the value.
    File {
        /// Its path.
        file: PathBuf,
    },
    /// An environment variable, read where the configuration is read.
    Env {
        /// Its name.
        env: String,
    },
}

impl Options {
    /// What cannot work.
    pub fn problems(&self) -> Vec<String> {
        let setting = |name: &str| match self.settings.get(name) {
            Some(Setting::Text(value)) => value.as_str(),
            _ => "",
        };
        let mut problems = Vec::new();
        if self.brokers.is_empty() {
            problems.push("kafka.brokers is empty".to_owned());
        }
        for topic in self.epochs.keys().filter(|topic| Topic::ALL.iter().all(|ours| self.source_topic(*ours) != *topic))
        {
            problems.push(format!("kafka.epochs: no topic of ours is called \"{topic}\" at this broker"));
        }
        // A member that dies between two rounds of such a rebalance is handed its old partitions when it comes back,
        // without another round: the ones it had given up then belong to nobody.
        if self.settings.contains_key("group.instance.id")
            && setting("partition.assignment.strategy").contains("cooperative")
        {
            problems.push(
                "kafka.settings: group.instance.id with cooperative-sticky can leave partitions without an owner; take \
                 range, or group.protocol = consumer"
                    .to_owned(),
            );
        }
        problems
    }

    /// What a topic is called at this broker.
    pub fn source_topic(&self, topic: Topic) -> &str {
        self.topics.get(topic.name()).map_or(topic.name(), String::as_str)
    }

    /// How often a topic was made anew.
    pub(super) fn epoch(&self, topic: &str) -> u32 {
        self.epochs.get(topic).copied().unwrap_or_default()
    }

    /// What librdkafka is told where something is sent or made: the site's settings; those of consumers it leaves aside.
    pub(in crate::source) fn sender(&self) -> anyhow::Result<ClientConfig> {
        let mut config = ClientConfig::new();
        for (key, setting) in &self.settings {
            config.set(key, setting.value().with_context(|| format!("kafka.settings.{key}"))?);
        }
        config.set("bootstrap.servers", &self.brokers).set("client.id", "callsieve");
        Ok(config)
    }

    /// What librdkafka is told: the site's settings, and those that must hold.
    pub(super) fn client(&self, topic: &str, queue_bytes: usize) -> anyhow::Result<ClientConfig> {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "callsieve")
            // One second (the default) stalls fetching whenever the local queue is full.
            .set("fetch.queue.backoff.ms", "2")
            .set("queued.max.messages.kbytes", (queue_bytes >> 10).max(1).to_string())
            // A fetch may not bring more than the queue has room for, nor less than one message.
            .set("fetch.max.bytes", queue_bytes.clamp(FETCH_BYTES_LEAST, FETCH_BYTES).to_string());
        for (key, setting) in &self.settings {
            config.set(key, setting.value().with_context(|| format!("kafka.settings.{key}"))?);
        }
        config
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", format!("{}-{topic}", self.group))
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            // An offset out of retention is an incident, never a silent jump.
            .set("auto.offset.reset", "error");
        Ok(config)
    }
}

impl fmt::Debug for Setting {
    /// It may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl Setting {
    /// The value, wherever it is kept.
    pub fn value(&self) -> anyhow::Result<String> {
        match self {
            Self::Text(value) => Ok(value.clone()),
            Self::File { file } => {
                let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
                Ok(text.lines().next().unwrap_or_default().to_owned())
            }
            Self::Env { env } => bail!("the environment variable {env} was not read"),
        }
    }
}

/// librdkafka's own default, and the largest message that a broker takes by default.
const FETCH_BYTES: usize = 50 << 20;
const FETCH_BYTES_LEAST: usize = 1 << 20;

fn default_group() -> String {
    "callsieve".to_owned()
}
