//! The blocks of an Avro container file, checked before they are read.
//!
//! In: the bytes of a file, and whoever knows where a value of a schema ends. Out: whether every block holds exactly as
//! many records as it says. Never: makes rows; arrow-avro does, but a block with bytes left over sends it round for ever.

use std::collections::HashMap;
use std::io::{ErrorKind, Read};

use anyhow::{Context, bail, ensure};

use super::Walk;

const MAGIC: &[u8] = b"Obj\x01";
/// Larger than any block that a writer makes: a file that has such a one is broken, and reading it would take all memory.
const BLOCK_BYTES: u64 = 64 << 20;

/// Fails at the first block that is not what it says.
pub(super) fn check(mut reader: impl Read, walk: Walk) -> anyhow::Result<()> {
    let mut magic = [0; 4];
    reader.read_exact(&mut magic)?;
    ensure!(magic == MAGIC, "no Avro container");
    let facts = facts(&mut reader)?;
    let fact = |name: &str| facts.get(name).map(|value| std::str::from_utf8(value)).transpose();
    let length = walk(fact("avro.schema")?.context("a container without a schema")?)?;
    let codec = fact("avro.codec")?.unwrap_or("null");
    let mut sync = [0; 16];
    reader.read_exact(&mut sync)?;
    while let Some(count) = long(&mut reader)? {
        let size = long(&mut reader)?.context("a container ends within a block")?;
        let block = bytes(&mut reader, size)?;
        let mut mark = [0; 16];
        reader.read_exact(&mut mark)?;
        ensure!(mark == sync, "a block ends elsewhere than it says");
        let block = plain(block, codec)?;
        let mut rest = block.as_slice();
        for record in 0..count {
            let length = length(rest).filter(|length| *length > 0);
            let length = length.with_context(|| format!("record {record} of {count} in a block is malformed"))?;
            rest = &rest[length..];
        }
        ensure!(rest.is_empty(), "a block of {count} records has {} bytes left", rest.len());
    }
    Ok(())
}

/// The container's own facts, by name.
fn facts(reader: &mut impl Read) -> anyhow::Result<HashMap<String, Vec<u8>>> {
    let mut facts = HashMap::new();
    loop {
        let mut count = signed(reader)?.context("a container ends within its head")?;
        if count == 0 {
            return Ok(facts);
        }
        if count < 0 {
            // A negative count is followed by the size in bytes.
            signed(reader)?;
            count = -count;
        }
        for _ in 0..count {
            let [name, value] = [(); 2].map(|()| {
                let size = long(reader)?.context("a container ends within its head")?;
                bytes(reader, size)
            });
            facts.insert(String::from_utf8(name?)?, value?);
        }
    }
}

/// A block without its compression.
fn plain(block: Vec<u8>, codec: &str) -> anyhow::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let mut within = |reader: &mut dyn Read| -> anyhow::Result<()> {
        reader.take(BLOCK_BYTES + 1).read_to_end(&mut plain)?;
        ensure!(plain.len() as u64 <= BLOCK_BYTES, "a block of more than {BLOCK_BYTES} bytes");
        Ok(())
    };
    match codec {
        "null" => return Ok(block),
        "deflate" => within(&mut flate2::read::DeflateDecoder::new(block.as_slice()))?,
        "zstandard" => within(&mut zstd::Decoder::new(block.as_slice())?)?,
        "snappy" => {
            // Four bytes of checksum follow, which arrow-avro looks at.
            let (packed, _) = block.split_last_chunk::<4>().context("a block without its checksum")?;
            let size = snap::raw::decompress_len(packed)? as u64;
            ensure!(size <= BLOCK_BYTES, "a block of more than {BLOCK_BYTES} bytes");
            return Ok(snap::raw::Decoder::new().decompress_vec(packed)?);
        }
        other => bail!("blocks are compressed by {other}"),
    }
    Ok(plain)
}

fn bytes(reader: &mut impl Read, size: u64) -> anyhow::Result<Vec<u8>> {
    ensure!(size <= BLOCK_BYTES, "a block of more than {BLOCK_BYTES} bytes");
    let mut bytes = Vec::new();
    reader.take(size).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 == size, "a container ends within a block");
    Ok(bytes)
}

/// A count or a size; nothing at the end of the file.
fn long(reader: &mut impl Read) -> anyhow::Result<Option<u64>> {
    let number = signed(reader)?;
    number.map(|number| u64::try_from(number).ok().with_context(|| format!("a count of {number}"))).transpose()
}

/// A whole number as Avro writes it; nothing at the end of the file.
fn signed(reader: &mut impl Read) -> anyhow::Result<Option<i64>> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        match reader.read_exact(&mut byte) {
            Err(error) if shift == 0 && error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed()));
        }
    }
    bail!("a number of more than ten bytes")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int32Array, RecordBatch};
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow_avro::compression::CompressionCodec;
    use arrow_avro::writer::WriterBuilder;
    use arrow_avro::writer::format::AvroOcfFormat;

    use super::*;

    /// Records of one whole number each, of one byte.
    fn container(codec: Option<CompressionCodec>, blocks: &[&[i32]]) -> Vec<u8> {
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int32, false)]));
        let writer = WriterBuilder::new(schema.as_ref().clone()).with_compression(codec);
        let mut writer = writer.build::<_, AvroOcfFormat>(Vec::new()).unwrap();
        for block in blocks {
            let column = Arc::new(Int32Array::from(block.to_vec()));
            writer.write(&RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        writer.into_inner()
    }

    fn said(bytes: &[u8]) -> String {
        let walk: Walk = |_| Ok(Box::new(|bytes: &[u8]| bytes.first().map(|_| 1)));
        check(bytes, walk).map_or_else(|error| format!("{error:#}"), |()| String::new())
    }

    #[test]
    fn sound_blocks_hold_what_they_say_whatever_their_compression() {
        let codecs = [CompressionCodec::Deflate, CompressionCodec::Snappy, CompressionCodec::ZStandard];
        for codec in [None].into_iter().chain(codecs.map(Some)) {
            assert_eq!(said(&container(codec, &[&[1, 2, 3], &[4]])), "", "{codec:?}");
        }
        assert_eq!(said(&container(None, &[])), "");
    }

    #[test]
    fn a_count_that_was_damaged_is_noticed() {
        let whole = container(None, &[&[1, 2, 3]]);
        // The block: its count, its size, three bytes, the mark.
        let at = whole.len() - 16 - 3 - 2;
        assert_eq!(whole[at..at + 2], [6, 6]);
        for (count, expect) in [
            (0, "a block of 0 records has 3 bytes left"),
            (4, "a block of 2 records has 1 bytes left"),
            (8, "record 3 of 4 in a block is malformed"),
            (1, "a count of -1"),
        ] {
            let mut bent = whole.clone();
            bent[at] = count;
            assert_eq!(said(&bent), expect);
        }
        let mut bent = whole.clone();
        bent[at + 1] = 4;
        assert_eq!(said(&bent), "a block ends elsewhere than it says");
    }

    #[test]
    fn a_file_that_was_cut_is_noticed_but_between_blocks() {
        let (whole, one, none) = (container(None, &[&[1], &[2]]), container(None, &[&[1]]), container(None, &[]));
        let sound: Vec<usize> = (0..=whole.len()).filter(|end| said(&whole[..*end]).is_empty()).collect();
        assert_eq!(sound, [none.len(), one.len(), whole.len()]);
    }
}
