//! Which topic it is that goes by a name: one that was deleted and made anew has another id.
//!
//! In: a client and a topic's name. Out: the id that the broker gave the topic (KIP-516), as Kafka's own tools show it.
//! Never: keeps anything of librdkafka's beyond the question. The crate does not wrap what is asked here, so this is
//! the one place that calls C.

use std::ffi::{CStr, CString, c_int};
use std::ptr::{self, NonNull};
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use rdkafka::bindings as native;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;

/// Asks for the id of a topic, and waits no longer than `timeout` for each of two answers; none where topics have no ids
/// (before Kafka 2.8), or where no controller is there to ask (librdkafka's mock cluster).
pub(in crate::source) fn ask<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> anyhow::Result<Option<String>> {
    let asking = || format!("asking for the id of topic {topic}");
    let metadata = client.fetch_metadata(Some(topic), timeout).with_context(asking)?;
    // SAFETY: the client is borrowed, so it lives; what it was told just now is not waited for.
    let controller = unsafe { native::rd_kafka_controllerid(client.native_ptr(), 0) };
    if !metadata.brokers().iter().any(|broker| broker.id() == controller) {
        return Ok(None);
    }
    describe(client, topic, timeout).and_then(|answer| id(&answer)).with_context(asking)
}

/// The error of a topic that is not the one that was read before.
pub fn made_anew(topic: &str, epoch: u32, before: &str, now: &str) -> anyhow::Error {
    anyhow!(
        "topic {topic} was deleted and made anew: its id was {before} and is {now} now; raise its epoch by one in the \
         configuration, kafka.epochs.\"{topic}\" = {}, and it is read from its first message; callsieve ledger shows \
         what was read of the old one, under epoch {epoch}",
        epoch.saturating_add(1)
    )
}

/// Something of librdkafka's, freed when it is dropped.
struct Owned<T> {
    pointer: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// None of a null pointer.
    ///
    /// # Safety
    ///
    /// `free` frees what `pointer` points to, and nobody else does.
    unsafe fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(pointer).map(|pointer| Self { pointer, free })
    }

    fn pointer(&self) -> *mut T {
        self.pointer.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `new` was promised that this frees it, and that nobody else does.
        unsafe { (self.free)(self.pointer()) }
    }
}

/// The broker's description of a topic.
fn describe<C: ClientContext>(
    client: &Client<C>,
    topic: &str,
    timeout: Duration,
) -> anyhow::Result<Owned<native::rd_kafka_event_t>> {
    let name = CString::new(topic)?;
    let mut names = [name.as_ptr()];
    let millis = c_int::try_from(timeout.as_millis())?;
    let operation = native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
    // It is borrowed, so it lives for longer than what is made of it here.
    let client = client.native_ptr();
    // SAFETY: the client lives, and the second function frees what the first makes.
    let options = unsafe {
        Owned::new(native::rd_kafka_AdminOptions_new(client, operation), native::rd_kafka_AdminOptions_destroy)
    };
    let options = options.context("librdkafka makes no options")?;
    // SAFETY: the options live; no room is left for words, and none are written.
    let set =
        unsafe { native::rd_kafka_AdminOptions_set_request_timeout(options.pointer(), millis, ptr::null_mut(), 0) };
    checked(set)?;
    // SAFETY: there is one name, which is copied; the second function frees what the first makes.
    let topics = unsafe {
        Owned::new(
            native::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            native::rd_kafka_TopicCollection_destroy,
        )
    };
    let topics = topics.context("librdkafka makes no list of topics")?;
    // SAFETY: the client lives, and the second function frees what the first makes.
    let queue = unsafe { Owned::new(native::rd_kafka_queue_new(client), native::rd_kafka_queue_destroy) };
    let queue = queue.context("librdkafka makes no queue")?;
    // SAFETY: all four live; names and options are copied, and an answer that comes too late finds the queue closed.
    unsafe { native::rd_kafka_DescribeTopics(client, topics.pointer(), options.pointer(), queue.pointer()) };
    // SAFETY: the queue lives; an event is ours to free, and does not need the queue any more.
    let answer =
        unsafe { Owned::new(native::rd_kafka_queue_poll(queue.pointer(), millis), native::rd_kafka_event_destroy) };
    answer.with_context(|| format!("no answer within {} s", timeout.as_secs()))
}

/// The id in a description of one topic.
fn id(answer: &Owned<native::rd_kafka_event_t>) -> anyhow::Result<Option<String>> {
    // SAFETY: the event lives.
    match checked(unsafe { native::rd_kafka_event_error(answer.pointer()) }) {
        Err(RDKafkaErrorCode::UnsupportedFeature | RDKafkaErrorCode::UnsupportedVersion) => return Ok(None),
        answered => answered?,
    }
    // SAFETY: the event lives; of another kind, it gives a null pointer.
    let result = unsafe { native::rd_kafka_event_DescribeTopics_result(answer.pointer()) };
    ensure!(!result.is_null(), "librdkafka answers another question");
    let mut count = 0;
    // SAFETY: the result is not null, and belongs to the event.
    let topics = unsafe { native::rd_kafka_DescribeTopics_result_topics(result, &raw mut count) };
    ensure!(count == 1, "the broker describes {count} topics");
    // SAFETY: there is one; it belongs to the event, like all that is asked of it below.
    let topic = unsafe { *topics };
    // SAFETY: a null pointer is an error as well, the one that says that there is none.
    checked(unsafe { native::rd_kafka_error_code(native::rd_kafka_TopicDescription_error(topic)) })?;
    // SAFETY: as above.
    let id = unsafe { native::rd_kafka_TopicDescription_topic_id(topic) };
    // SAFETY: as above.
    let bits =
        unsafe { (native::rd_kafka_Uuid_most_significant_bits(id), native::rd_kafka_Uuid_least_significant_bits(id)) };
    if bits == (0, 0) {
        return Ok(None);
    }
    // SAFETY: as above.
    let text = unsafe { native::rd_kafka_Uuid_base64str(id) };
    ensure!(!text.is_null(), "librdkafka does not spell the id");
    // SAFETY: it is a C string within the id.
    let text = unsafe { CStr::from_ptr(text) }.to_str()?;
    // Kafka's tools write it with the letters that are safe in an address.
    Ok(Some(text.replace('+', "-").replace('/', "_")))
}

fn checked(code: native::rd_kafka_resp_err_t) -> Result<(), RDKafkaErrorCode> {
    match code {
        native::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
        code => Err(code.into()),
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::config::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer as _};

    use super::*;
    use crate::clock::Stopwatch;
    use crate::source::embedded::Embedded;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn client(brokers: &str) -> BaseConsumer {
        ClientConfig::new().set("bootstrap.servers", brokers).set("group.id", "ids").create().unwrap()
    }

    #[test]
    fn a_cluster_without_a_controller_is_not_waited_for() {
        let broker = Embedded::start([("one", 1)]).unwrap();
        let watch = Stopwatch::start();
        assert_eq!(ask(client(&broker.brokers()).client(), "one", TIMEOUT).unwrap(), None);
        assert!(watch.elapsed() < TIMEOUT);
    }

    #[test]
    fn a_broker_that_does_not_answer_is_waited_for_no_longer_than_asked() {
        let watch = Stopwatch::start();
        // Nothing listens there.
        let client = client("127.0.0.1:1");
        let error = ask(client.client(), "one", Duration::from_millis(300)).unwrap_err();
        assert!(watch.elapsed() < TIMEOUT, "{error:#}");
    }
}
