//! Avro in Confluent framing: byte 0, schema id, body.
//!
//! In: framed messages, and the writer's schema of every id. Out: wire structs, and refusals. A body written by the
//! contract itself is read off its bytes; any other is resolved by `arrow-avro`. Never: hands `arrow-avro` a body that
//! it has not walked to its last byte: a truncated body would take its missing bytes from the next message, and one
//! wrong byte would fail the whole batch.

use std::collections::BTreeMap;

use anyhow::Context;
use arrow::array::{Array, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use arrow_avro::reader::ReaderBuilder;
use arrow_avro::schema::{AvroSchema, Fingerprint, FingerprintAlgorithm, SchemaStore};

use self::body::Body;
use self::shape::Shape;
use super::reject::{Reason, Refusal, Rejects};
use super::row::{Cells, Place, Topical};
use crate::domain::message::{Message, Messages};
use crate::schema::topic::Topic;
use crate::schema::wire::Text;

mod body;
mod canonical;
mod shape;

/// Rows in one `arrow-avro` batch: it is fastest with batches that stay in cache.
const BATCH_ROWS: usize = 8_192;

/// How many bytes the first of the values takes that lie side by side.
pub type Length = Box<dyn Fn(&[u8]) -> Option<usize>>;

/// What tells the length of a schema's values.
pub fn walk(schema: &str) -> anyhow::Result<Length> {
    let shape = Shape::read(schema)?;
    Ok(Box::new(move |bytes| shape.length(bytes)))
}

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
    known: BTreeMap<u32, Result<Writer, Reason>>,
    /// Of bodies without framing.
    plain: Option<Writer>,
}

/// One writer's schema: walked by `shape`, decoded into the topic's contract by `decoder`.
#[derive(Debug)]
pub(super) struct Writer {
    id: u32,
    /// Field for field the topic's contract.
    is_contract: bool,
    shape: Shape,
    schema: AvroSchema,
    contract: AvroSchema,
}

impl Schemas {
    pub(super) fn new(topic: Topic) -> Self {
        Self { topic, known: BTreeMap::new(), plain: None }
    }

    pub(super) fn unknown(&self, messages: &Messages) -> Vec<u32> {
        let mut unknown = Vec::new();
        for id in messages.iter().filter_map(|message| message.payload.and_then(schema_id)) {
            let is_known = self.known.get(&id).is_some_and(|writer| !matches!(writer, Err(Reason::UnknownSchema)));
            if !is_known && !unknown.contains(&id) {
                unknown.push(id);
            }
        }
        unknown
    }

    pub(super) fn teach(&mut self, id: u32, schema: Option<&str>) {
        let writer = match schema {
            None => Err(Reason::UnknownSchema),
            Some(schema) => Writer::new(id, schema, self.topic).map_err(|error| {
                tracing::warn!(topic = %self.topic, id, error = format!("{error:#}"), "schema is of no use");
                Reason::IncompatibleSchema
            }),
        };
        self.known.insert(id, writer);
    }

    /// Teaches the schema of bodies without framing.
    pub(super) fn teach_plain(&mut self, schema: &str) -> anyhow::Result<()> {
        self.plain = Some(Writer::new(0, schema, self.topic)?);
        Ok(())
    }

    /// The writer of bodies without framing.
    pub(super) fn plain(&self) -> Result<&Writer, Refusal> {
        self.plain.as_ref().ok_or_else(|| Refusal::new(Reason::UnknownSchema, "of bodies without framing"))
    }

    /// The writer of a framed message, and its body.
    pub(super) fn writer<'m>(&self, payload: &'m [u8]) -> Result<(&Writer, &'m [u8]), Refusal> {
        let id = schema_id(payload).ok_or_else(|| Refusal::new(Reason::Truncated, "within the framing"))?;
        match self.known.get(&id) {
            Some(Ok(writer)) => Ok((writer, &payload[FRAMING..])),
            Some(Err(reason)) => Err(Refusal::new(*reason, format!("schema id {id}"))),
            None => Err(Refusal::new(Reason::UnknownSchema, format!("schema id {id}"))),
        }
    }
}

/// Bytes before the body: 0 and the schema id.
const FRAMING: usize = 5;

impl Writer {
    fn new(id: u32, schema: &str, topic: Topic) -> anyhow::Result<Self> {
        let writer = Self {
            id,
            is_contract: canonical::is_same(schema, topic.avro())?,
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

/// Messages by the writers whose schemas lead to the contract only through `arrow-avro`.
#[derive(Default)]
pub(super) struct Groups<'m>(Vec<Group<'m>>);

struct Group<'m> {
    writer: &'m Writer,
    messages: Vec<(Message<'m>, &'m [u8])>,
}

impl<'m> Groups<'m> {
    /// Reads a message written by the contract itself; puts any other by, once it is walked and sound.
    pub(super) fn read<T: Topical>(
        &mut self,
        writer: &'m Writer,
        body: &'m [u8],
        message: &Message<'m>,
        rows: &mut T,
        place: &Place<'_>,
    ) -> Result<(), Refusal> {
        if writer.is_contract {
            return rows.push(Body::whole(body, T::wire)?, place);
        }
        writer.shape.walk_whole(body)?;
        match self.0.iter_mut().find(|group| group.writer.id == writer.id) {
            Some(group) => group.messages.push((*message, body)),
            None => self.0.push(Group { writer, messages: vec![(*message, body)] }),
        }
        Ok(())
    }

    /// Decodes what was put by.
    pub(super) fn decode<'s, T: Topical>(
        self,
        rows: &mut T,
        rejects: &mut Rejects<'_>,
        place: impl Fn(&Message<'_>) -> Place<'s>,
    ) -> anyhow::Result<()> {
        self.0.iter().try_for_each(|group| group.decode(rows, rejects, &place))
    }
}

impl Group<'_> {
    fn decode<'s, T: Topical>(
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
                    Err(_) => rejects.push(&message.0, &Refusal::new(Reason::MalformedAvro, "refused by arrow-avro")),
                }
            }
        }
        Ok(())
    }

    /// Decodes messages with a fresh decoder: one that has failed has lost its place.
    fn batch(&self, messages: &[(Message<'_>, &[u8])]) -> anyhow::Result<RecordBatch> {
        let mut decoder = self.writer.decoder()?;
        let mut framed = Vec::new();
        for (_, body) in messages {
            framed.clear();
            framed.push(0);
            framed.extend_from_slice(&self.writer.id.to_be_bytes());
            framed.extend_from_slice(body);
            let taken = decoder.decode(&framed)?;
            anyhow::ensure!(taken == framed.len(), "{taken} of {} bytes decoded", framed.len());
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
    messages: &[(Message<'_>, &[u8])],
    place: impl Fn(&Message<'_>) -> Place<'s>,
) {
    for (row, (message, _)) in messages.iter().enumerate() {
        let wire = T::wire(&mut BatchRow { batch, row, column: 0 });
        let pushed = wire.map_err(|reason| Refusal::new(reason, "")).and_then(|wire| rows.push(wire, &place(message)));
        if let Err(refusal) = pushed {
            rejects.push(message, &refusal);
        }
    }
}

/// A row of a decoded batch, whose columns stand in the order of the topic's contract.
struct BatchRow<'a> {
    batch: &'a RecordBatch,
    row: usize,
    column: usize,
}

impl<'a> BatchRow<'a> {
    fn next<A: Array + 'static>(&mut self) -> Option<&'a A> {
        let column = self.batch.column(self.column);
        self.column += 1;
        let array = column.as_any().downcast_ref().expect("the reader's schema fixes the columns' types");
        column.is_valid(self.row).then_some(array)
    }

    /// What the contract does not let be null.
    fn cell<T>(&self, cell: Result<Option<T>, Reason>) -> Result<T, Reason> {
        cell?.ok_or(Reason::WrongType)
    }
}

impl<'a> Cells<'a> for BatchRow<'a> {
    fn text(&mut self) -> Result<Text<'a>, Reason> {
        let cell = self.text_or_null();
        self.cell(cell)
    }

    fn text_or_null(&mut self) -> Result<Option<Text<'a>>, Reason> {
        let row = self.row;
        Ok(self.next::<StringArray>().map(|array| Text::Borrowed(array.value(row))))
    }

    fn int(&mut self) -> Result<i32, Reason> {
        let cell = self.int_or_null();
        self.cell(cell)
    }

    fn int_or_null(&mut self) -> Result<Option<i32>, Reason> {
        let row = self.row;
        Ok(self.next::<Int32Array>().map(|array| array.value(row)))
    }

    fn long(&mut self) -> Result<i64, Reason> {
        let cell = self.long_or_null();
        self.cell(cell)
    }

    fn long_or_null(&mut self) -> Result<Option<i64>, Reason> {
        let row = self.row;
        if *self.batch.column(self.column).data_type() == DataType::Int64 {
            return Ok(self.next::<Int64Array>().map(|array| array.value(row)));
        }
        Ok(self.next::<TimestampMicrosecondArray>().map(|array| array.value(row)))
    }

    fn boolean(&mut self) -> Result<bool, Reason> {
        let row = self.row;
        let cell = Ok(self.next::<BooleanArray>().map(|array| array.value(row)));
        self.cell(cell)
    }
}
