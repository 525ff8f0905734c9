//! The compacted topic that says of each number what holds of it now.
//!
//! In: keys with their values. Out: messages at the broker, those of one key in one partition; the topic, made where it is
//! missing. Never: changes a topic that is there.

use std::time::Duration;

use anyhow::Context;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;
use serde::Deserialize;

use super::kafka;
use super::producer::{BY_KEY, Outgoing, Producer};

const TIMEOUT: Duration = Duration::from_secs(20);
/// How often a topic that was made is looked for, and the wait in between.
const LOOKS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);
/// The broker's own default.
const REPLICATION: i32 = -1;

/// Where flags go.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The topic at the broker of `[kafka]`.
    #[serde(default = "default_topic")]
    pub topic: String,
    /// Its partitions, where it has to be made.
    #[serde(default = "default_partitions")]
    pub partitions: i32,
}

impl Default for Options {
    fn default() -> Self {
        Self { topic: default_topic(), partitions: default_partitions() }
    }
}

fn default_topic() -> String {
    "sim_flag".to_owned()
}

fn default_partitions() -> i32 {
    4
}

/// A broker that flags can be sent to.
pub struct Flags {
    options: Options,
    config: ClientConfig,
    admin: AdminClient<DefaultClientContext>,
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "flags to {}", self.options.topic)
    }
}

impl Flags {
    /// Knows how to reach the broker; nothing is sent or made yet.
    pub fn connect(kafka: &kafka::Options, options: &Options) -> anyhow::Result<Self> {
        let config = kafka.sender()?;
        let admin = config.create().context("creating a client for the topic of flags")?;
        Ok(Self { options: options.clone(), config, admin })
    }

    /// The cluster's own id and the topic: what was sent is remembered under it, and under the topic's own id.
    pub fn name(&self) -> anyhow::Result<String> {
        let cluster = self.admin.inner().fetch_cluster_id(TIMEOUT).context("the broker names no cluster")?;
        Ok(format!("{cluster}/{}", self.options.topic))
    }

    /// The id by which the broker tells the topic from an earlier one of its name; none where there is no topic, or
    /// where topics have no ids.
    pub fn id(&self) -> anyhow::Result<Option<String>> {
        if !self.is_there()? {
            return Ok(None);
        }
        kafka::id_of_topic(self.admin.inner(), &self.options.topic, TIMEOUT)
    }

    fn is_there(&self) -> anyhow::Result<bool> {
        let topic = &self.options.topic;
        // All topics: to ask for one by its name makes it on some brokers, and not compacted.
        let known = self.admin.inner().fetch_metadata(None, TIMEOUT);
        let known = known.with_context(|| format!("looking for topic {topic}"))?;
        Ok(known.topics().iter().any(|known| known.name() == topic))
    }

    /// Makes the topic, compacted, where it is missing; true when it was.
    pub async fn make(&self) -> anyhow::Result<bool> {
        let Options { topic, partitions } = &self.options;
        let making = || format!("making topic {topic}");
        if self.is_there()? {
            return Ok(false);
        }
        let wanted = NewTopic::new(topic, *partitions, TopicReplication::Fixed(REPLICATION));
        let wanted = wanted.set("cleanup.policy", "compact");
        for made in self.admin.create_topics([&wanted], &AdminOptions::new()).await.with_context(making)? {
            match made {
                Ok(_) => {}
                // Another process was first.
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => return Ok(false),
                Err((_, code)) => return Err(anyhow::anyhow!("{code}")).with_context(making),
            }
        }
        // A broker may hear of it a moment after the controller has made it.
        for _ in 0..LOOKS {
            if self.is_there()? {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(anyhow::anyhow!("no broker shows it yet: run the same again")).with_context(making)
    }

    /// Sends each key with its value, or with none, and waits until the broker has all of them.
    pub fn send<'a>(
        &self,
        messages: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
        at: i64,
    ) -> anyhow::Result<()> {
        let mut producer = Producer::with(self.config.clone(), None)?;
        for (key, payload) in messages {
            let (topic, key) = (self.options.topic.as_str(), key.as_bytes());
            producer.send(Outgoing { topic, partition: BY_KEY, key, payload, at })?;
        }
        producer.flush()
    }
}
