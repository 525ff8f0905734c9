//! A Kafka broker inside the process: librdkafka's mock cluster, which speaks the real protocol.
//!
//! In: topics and their partitions. Out: an address for consumers and producers. Never: keeps more than 5 MiB of a
//! partition; whoever produces has to wait for whoever consumes (`producer::Throttle`).

use anyhow::Context;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

/// The broker; it ends with the value.
pub struct Embedded {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Embedded {
    /// Starts a broker with these topics.
    pub fn start<'a>(topics: impl IntoIterator<Item = (&'a str, i32)>) -> anyhow::Result<Self> {
        let cluster = MockCluster::new(1).context("starting the embedded broker")?;
        for (topic, partitions) in topics {
            cluster.create_topic(topic, partitions, 1).with_context(|| format!("creating topic {topic}"))?;
        }
        Ok(Self { cluster })
    }

    /// Where it listens.
    pub fn brokers(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "embedded broker at {}", self.brokers())
    }
}
