//! Writers' schemas before a batch is decoded.
//!
//! In: messages, and a registry that may be silent. Out: a decoder that knows every id that the registry knows. Never:
//! takes silence for an answer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Writer;
use crate::clock::Stopwatch;
use crate::domain::message::Messages;
use crate::job::ingest::{PAUSE, stopped};

/// Times that a registry is asked again for an id that it does not know.
const LOOKS: u32 = 2;
/// How long its word holds that it does not.
const REFUSED: Duration = Duration::from_secs(60);

impl Writer {
    /// Learns the schema of every id that is new; false when asked to stop before all was known.
    ///
    /// A registry that does not answer is waited for. One that does not know an id is asked again for a moment: a
    /// message may be here before its schema is.
    pub(super) async fn teach(&mut self, messages: &Messages) -> anyhow::Result<bool> {
        self.refused.retain(|_, since| since.elapsed() < REFUSED);
        let mut unknown = self.decoder.unknown_schemas(messages);
        unknown.retain(|id| !self.refused.contains_key(id));
        let (mut denied, mut stop) = (BTreeMap::<u32, u32>::new(), self.stop.clone());
        while !unknown.is_empty() {
            let mut left = Vec::new();
            for id in unknown {
                let asked = tokio::select! {
                    () = stopped(&mut stop) => return Ok(false),
                    asked = self.schema(id) => asked,
                };
                match asked {
                    Some(Some(schema)) => self.decoder.teach(id, Some(&schema)),
                    Some(None) if denied.get(&id) == Some(&LOOKS) || !self.site.registry.is_remote() => {
                        self.decoder.teach(id, None);
                        self.refused.insert(id, Stopwatch::start());
                    }
                    Some(None) => {
                        *denied.entry(id).or_default() += 1;
                        left.push(id);
                    }
                    None => left.push(id),
                }
            }
            unknown = left;
            if !unknown.is_empty() {
                tokio::select! {
                    () = stopped(&mut stop) => return Ok(false),
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
        Ok(true)
    }

    /// What the registry says of an id; when it is silent, what it said before; nothing when it never did.
    async fn schema(&self, id: u32) -> Option<Option<String>> {
        let (registry, lake) = (&self.site.registry, &self.site.lake);
        let asked = match registry.schema(id).await {
            Ok(schema) => schema,
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(topic = %self.topic, id, error, "registry does not answer, asking again");
                self.site.metrics.ingest_registry_retries.with_label_values(&[self.topic.name()]).inc();
                return lake.kept_schema(&registry.name(), id).await.map(Some);
            }
        };
        if let Some(schema) = asked.as_ref().filter(|_| registry.is_remote())
            && let Err(error) = lake.keep_schema(&registry.name(), id, schema).await
        {
            tracing::warn!(topic = %self.topic, id, error = format!("{error:#}"), "schema not kept");
        }
        Some(asked)
    }
}
