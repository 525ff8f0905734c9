//! Avro in Confluent framing: byte 0, schema id, body.
//!
//! In: framed messages, and the writer's schema of every id. Out: wire structs read off `arrow-avro` batches, and
//! refusals. Never: hands `arrow-avro` a body that it has not walked to its last byte: a truncated body would take
//! its missing bytes from the next message, and one wrong byte would fail the whole batch.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use arrow::array::{
    Array, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::TimestampMicrosecondType;
use arrow_avro::reader::ReaderBuilder;
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};

use self::shape::Shape;
use super::reject::{Reason, Refusal, Rejects};
use super::row::{Place, Topical};
use crate::domain::message::{Message, Messages};
use crate::schema::topic::Topic;
use crate::schema::wire::Text;

mod shape;

/// Rows in one `arrow-avro` batch: it is fastest with batches that stay in cache.
const BATCH_ROWS: usize = 8_192;

/// The schema id of a framed body.
pub(super) fn schema_id(payload: &[u8]) -> Option<u32> {
    match payload {
        [0, a, b, c, d, ..] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => None,
    }
}

/// The writer's schemas that a topic has met, by id.
#[derive(Debug)]
pub(super) struct Schemas {
    topic: Topic,
    known: HashMap<u32, Result<Arc<Writer>, Reason>>,
}

/// One writer's schema: walked by `shape`, decoded into the topic's contract by `decoder`.
#[derive(Debug)]
struct Writer {
    id: u32,
    shape: Shape,
    schema: AvroSchema,
    contract: AvroSchema,
}

impl Schemas {
    pub(super) fn new(topic: Topic) -> Self {
        Self { topic, known: HashMap::new() }
    }

    pub(super) fn unknown(&self, messages: &Messages) -> Vec<u32> {
        let mut unknown = Vec::new();
        for id in messages.iter().filter_map(|message| message.payload.and_then(schema_id)) {
            if !self.known.contains_key(&id) && !unknown.contains(&id) {
                unknown.push(id);
            }
        }
        unknown
    }

    pub(super) fn teach(&mut self, id: u32, schema: Option<&str>) {
        let writer = match schema {
            None => Err(Reason::UnknownSchema),
            Some(schema) => Writer::new(id, schema, self.topic).map(Arc::new).map_err(|error| {
                tracing::warn!(topic = %self.topic, id, error = format!("{error:#}"), "schema is of no use");
                Reason::IncompatibleSchema
            }),
        };
        self.known.insert(id, writer);
    }

    /// Walks every body; the sound ones come back by schema, the others go to the rejects.
    pub(super) fn group<'m>(&self, framed: Vec<Message<'m>>, rejects: &mut Rejects<'_>) -> Vec<Group<'m>> {
        let mut groups: Vec<Group<'m>> = Vec::new();
        for message in framed {
            match self.walk(&message) {
                Err(refusal) => rejects.push(&message, &refusal),
                Ok(writer) => match groups.iter_mut().find(|group| group.writer.id == writer.id) {
                    Some(group) => group.messages.push(message),
                    None => groups.push(Group { writer: Arc::clone(writer), messages: vec![message] }),
                },
            }
        }
        groups
    }

    fn walk(&self, message: &Message<'_>) -> Result<&Arc<Writer>, Refusal> {
        let payload = message.payload.unwrap_or_default();
        let id = schema_id(payload).ok_or_else(|| Refusal::new(Reason::Truncated, "within the framing"))?;
        let writer = match self.known.get(&id) {
            Some(Ok(writer)) => writer,
            Some(Err(reason)) => return Err(Refusal::new(*reason, format!("schema id {id}"))),
            None => return Err(Refusal::new(Reason::UnknownSchema, format!("schema id {id}"))),
        };
        writer.shape.walk_whole(&payload[5..])?;
        Ok(writer)
    }
}

impl Writer {
    fn new(id: u32, schema: &str, topic: Topic) -> anyhow::Result<Self> {
        let writer = Self {
            id,
            shape: Shape::read(schema)?,
            schema: AvroSchema::new(schema.to_owned()),
            contract: AvroSchema::new(topic.avro().to_owned()),
        };
        // Built once here, so that an incompatible schema is found before a message meets it.
        writer.decoder()?;
        Ok(writer)
    }

    fn decoder(&self) -> anyhow::Result<arrow_avro::reader::Decoder> {
        let mut store = SchemaStore::new_with_type(FingerprintAlgorithm::Id);
        let fingerprint = store.set(Fingerprint::Id(self.id), self.schema.clone())?;
        let decoder = ReaderBuilder::new()
            .with_batch_size(BATCH_ROWS)
            .with_reader_schema(self.contract.clone())
            .with_writer_schema_store(store)
            .with_active_fingerprint(fingerprint)
            .build_decoder()?;
        Ok(decoder)
    }
}

/// Sound messages of one writer's schema.
pub(super) struct Group<'m> {
    writer: Arc<Writer>,
    messages: Vec<Message<'m>>,
}

impl Group<'_> {
    pub(super) fn decode<'s, T: Topical>(
        &self,
        rows: &mut T,
        rejects: &mut Rejects<'_>,
        place: impl Fn(&Message<'_>) -> Place<'s>,
    ) -> anyhow::Result<()> {
        for messages in self.messages.chunks(BATCH_ROWS) {
            if let Ok(batch) = self.batch(messages) {
                push(rows, rejects, &batch, messages, &place);
                continue;
            }
            // A body that the walk found sound and `arrow-avro` does not: that message alone is refused.
            for message in messages {
                let alone = std::slice::from_ref(message);
                match self.batch(alone) {
                    Ok(batch) => push(rows, rejects, &batch, alone, &place),
                    Err(_) => rejects.push(message, &Refusal::new(Reason::MalformedAvro, "refused by arrow-avro")),
                }
            }
        }
        Ok(())
    }

    /// Decodes messages with a fresh decoder: one that has failed has lost its place.
    fn batch(&self, messages: &[Message<'_>]) -> anyhow::Result<RecordBatch> {
        let mut decoder = self.writer.decoder()?;
        for message in messages {
            let payload = message.payload.unwrap_or_default();
            let taken = decoder.decode(payload)?;
            anyhow::ensure!(taken == payload.len(), "{taken} of {} bytes decoded", payload.len());
        }
        let batch = decoder.flush()?.context("no batch of decoded messages")?;
        anyhow::ensure!(batch.num_rows() == messages.len(), "{} rows of {}", batch.num_rows(), messages.len());
        Ok(batch)
    }
}

fn push<'s, T: Topical>(
    rows: &mut T,
    rejects: &mut Rejects<'_>,
    batch: &RecordBatch,
    messages: &[Message<'_>],
    place: impl Fn(&Message<'_>) -> Place<'s>,
) {
    let fields = Fields(batch);
    for (row, message) in messages.iter().enumerate() {
        if let Err(refusal) = rows.push(T::wire(&fields, row), &place(message)) {
            rejects.push(message, &refusal);
        }
    }
}

/// The columns of a decoded batch, which stand in the order of the topic's contract.
pub(super) struct Fields<'a>(&'a RecordBatch);

impl<'a> Fields<'a> {
    pub(super) fn text(&self, column: usize, row: usize) -> Text<'a> {
        Text::Borrowed(self.array::<StringArray>(column).value(row))
    }

    pub(super) fn text_or_null(&self, column: usize, row: usize) -> Option<Text<'a>> {
        let array = self.array::<StringArray>(column);
        array.is_valid(row).then(|| Text::Borrowed(array.value(row)))
    }

    pub(super) fn int(&self, column: usize, row: usize) -> i32 {
        self.array::<Int32Array>(column).value(row)
    }

    pub(super) fn int_or_null(&self, column: usize, row: usize) -> Option<i32> {
        let array = self.array::<Int32Array>(column);
        array.is_valid(row).then(|| array.value(row))
    }

    pub(super) fn long_or_null(&self, column: usize, row: usize) -> Option<i64> {
        let array = self.array::<Int64Array>(column);
        array.is_valid(row).then(|| array.value(row))
    }

    pub(super) fn boolean(&self, column: usize, row: usize) -> bool {
        self.array::<BooleanArray>(column).value(row)
    }

    pub(super) fn instant(&self, column: usize, row: usize) -> i64 {
        self.0.column(column).as_primitive::<TimestampMicrosecondType>().value(row)
    }

    pub(super) fn instant_or_null(&self, column: usize, row: usize) -> Option<i64> {
        let array = self.array::<TimestampMicrosecondArray>(column);
        array.is_valid(row).then(|| array.value(row))
    }

    fn array<A: Array + 'static>(&self, column: usize) -> &'a A {
        self.0.column(column).as_any().downcast_ref().expect("the reader's schema fixes the columns' types")
    }
}
