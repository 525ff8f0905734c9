//! A broker for a test: the one of `KAFKA_BROKERS`, else the mock cluster; topics with names of their own.
//!
//! In: topics and partitions. Out: an address and a producer. Never: a topic that another test uses.

use std::time::Duration;

use callsieve::source::embedded::Embedded;
use callsieve::source::producer::{Outgoing, Producer};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication, TopicResult};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::RDKafkaErrorCode;

/// A broker with topics of its own.
pub struct Broker {
    /// Kept for its life; none when the broker is a real one.
    _embedded: Option<Embedded>,
    pub brokers: String,
    /// The topic, or what the names of several begin with.
    pub topic: String,
}

impl Broker {
    /// A topic that nobody else uses, with this many partitions.
    pub async fn with_topic(name: &str, partitions: i32) -> Self {
        let topic = format!("{name}-{}", std::process::id());
        Self::with(topic.clone(), &[topic], partitions).await
    }

    /// Several such topics, called `topic-END`.
    pub async fn with_topics(name: &str, ends: &[&str], partitions: i32) -> Self {
        let topic = format!("{name}-{}", std::process::id());
        let topics: Vec<String> = ends.iter().map(|end| format!("{topic}-{end}")).collect();
        Self::with(topic, &topics, partitions).await
    }

    async fn with(topic: String, topics: &[String], partitions: i32) -> Self {
        match std::env::var_os("KAFKA_BROKERS") {
            None => {
                let embedded = Embedded::start(topics.iter().map(|topic| (topic.as_str(), partitions))).unwrap();
                Self { brokers: embedded.brokers(), _embedded: Some(embedded), topic }
            }
            Some(brokers) => {
                let brokers = brokers.into_string().unwrap();
                for topic in topics {
                    make(&admin(&brokers), topic, partitions).await.unwrap();
                }
                Self { brokers, _embedded: None, topic }
            }
        }
    }

    /// Deletes the topic and makes it anew, which only a real broker can do.
    pub async fn make_anew(&self, partitions: i32) {
        let admin = admin(&self.brokers);
        for gone in admin.delete_topics(&[self.topic.as_str()], &AdminOptions::new()).await.unwrap() {
            gone.unwrap();
        }
        // It is gone some time after the broker has said so.
        for _ in 0..100 {
            match make(&admin, &self.topic, partitions).await {
                Ok(_) => return,
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => tokio::time::sleep(Duration::from_millis(200)).await,
                Err(error) => panic!("{error:?}"),
            }
        }
        panic!("{} is not gone after 20 s", self.topic);
    }

    /// A topic on the mock cluster, even where a real broker is about: its retention of 5 MiB is the point.
    pub fn mock_with_topic(name: &str, partitions: i32) -> Self {
        let embedded = Embedded::start([(name, partitions)]).unwrap();
        Self { brokers: embedded.brokers(), _embedded: Some(embedded), topic: name.to_owned() }
    }

    /// Sends bodies round the partitions; an empty one is a tombstone.
    pub fn send(&self, bodies: &[(i32, Vec<u8>)]) {
        self.send_to(&self.topic, bodies);
    }

    /// The same to one of several topics.
    pub fn send_to(&self, topic: &str, bodies: &[(i32, Vec<u8>)]) {
        let mut producer = Producer::connect(&self.brokers, None).unwrap();
        for (partition, body) in bodies {
            let at = 1_736_132_400_000_000;
            let (key, payload): (&[u8], _) = (b"k", Some(body.as_slice()).filter(|body| !body.is_empty()));
            producer.send(Outgoing { topic, partition: *partition, key, payload, at }).unwrap();
        }
        producer.flush().unwrap();
    }
}

fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap()
}

async fn make(admin: &AdminClient<DefaultClientContext>, topic: &str, partitions: i32) -> TopicResult {
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    admin.create_topics([&new], &AdminOptions::new()).await.unwrap().remove(0)
}
