//! The bytes of one Avro value, read front to back.
//!
//! In: a body. Out: its primitives in the order in which they are asked for, or why the bytes are none. Never:
//! allocates; reads past the end.

use crate::decode::reject::{Reason, Refusal};
use crate::decode::row::Cells;
use crate::schema::wire::Text;

/// What is left of a body.
#[derive(Debug)]
pub(super) struct Body<'a> {
    rest: &'a [u8],
    size: usize,
}

impl<'a> Body<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, size: bytes.len() }
    }

    /// Takes a value that must be all there is.
    pub(super) fn whole<T>(bytes: &'a [u8], read: impl FnOnce(&mut Self) -> Result<T, Reason>) -> Result<T, Refusal> {
        let mut body = Self::new(bytes);
        let value = read(&mut body);
        let at = || format!("at byte {}", body.size - body.rest.len());
        match value {
            Err(reason) => Err(Refusal::new(reason, at())),
            Ok(_) if !body.rest.is_empty() => Err(Refusal::new(Reason::TrailingBytes, at())),
            Ok(value) => Ok(value),
        }
    }

    /// Bytes that were not asked for yet.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, size: usize) -> Result<&'a [u8], Reason> {
        let (taken, left) = self.rest.split_at_checked(size).ok_or(Reason::Truncated)?;
        self.rest = left;
        Ok(taken)
    }

    /// A zig-zag variable-length integer.
    pub(super) fn long(&mut self) -> Result<i64, Reason> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte, left @ ..] = self.rest else { return Err(Reason::Truncated) };
            self.rest = left;
            if shift == 63 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(Reason::MalformedAvro)
    }

    pub(super) fn int(&mut self) -> Result<i32, Reason> {
        i32::try_from(self.long()?).map_err(|_| Reason::MalformedAvro)
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Reason> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Reason::MalformedAvro),
        }
    }

    /// The place of a branch or a symbol among so many.
    pub(super) fn index(&mut self, length: usize) -> Result<usize, Reason> {
        let index = usize::try_from(self.long()?).map_err(|_| Reason::MalformedAvro)?;
        if index < length { Ok(index) } else { Err(Reason::MalformedAvro) }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Reason> {
        let size = usize::try_from(self.long()?).map_err(|_| Reason::MalformedAvro)?;
        self.take(size)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Reason> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Reason::InvalidUtf8)
    }

    /// Blocks of items, until an empty one.
    pub(super) fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Reason>) -> Result<(), Reason> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // A negative count is followed by the block's size in bytes.
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                item(self)?;
            }
        }
    }

    /// A union of null and something, in this order, as every contract has it.
    fn or_null<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Reason>) -> Result<Option<T>, Reason> {
        match self.index(2)? {
            0 => Ok(None),
            _ => read(self).map(Some),
        }
    }
}

impl<'a> Cells<'a> for Body<'a> {
    fn text(&mut self) -> Result<Text<'a>, Reason> {
        Self::text(self).map(Text::Borrowed)
    }

    fn text_or_null(&mut self) -> Result<Option<Text<'a>>, Reason> {
        self.or_null(|body| body.text().map(Text::Borrowed))
    }

    fn added_text(&mut self) -> Result<Option<Text<'a>>, Reason> {
        if self.rest.is_empty() { Ok(None) } else { self.text_or_null() }
    }

    fn int(&mut self) -> Result<i32, Reason> {
        Self::int(self)
    }

    fn int_or_null(&mut self) -> Result<Option<i32>, Reason> {
        self.or_null(Self::int)
    }

    fn long(&mut self) -> Result<i64, Reason> {
        Self::long(self)
    }

    fn long_or_null(&mut self) -> Result<Option<i64>, Reason> {
        self.or_null(Self::long)
    }

    fn boolean(&mut self) -> Result<bool, Reason> {
        Self::boolean(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::row::Topical;
    use crate::decode::subscriber::Rows;

    fn text(text: &str) -> Vec<u8> {
        let mut bytes = vec![u8::try_from(text.len() * 2).unwrap()];
        bytes.extend_from_slice(text.as_bytes());
        bytes
    }

    #[test]
    fn a_subscription_ends_with_its_lock_or_as_it_did_before_there_were_locks() {
        // Number, activated, no end, segment, no identity, no epoch, no dealer, changed.
        let before = [text("0912345678"), vec![2, 0], text("prepaid"), vec![0, 0, 0, 4]].concat();
        let read = |more: Vec<u8>| {
            let bytes = [before.clone(), more].concat();
            let read = Body::whole(&bytes, Rows::wire);
            read.map(|wire| wire.lock_reason.map(|reason| reason.to_string()))
        };
        assert_eq!(read(vec![]), Ok(None));
        assert_eq!(read(vec![0]), Ok(None));
        assert_eq!(read([vec![2], text("device")].concat()), Ok(Some("device".to_owned())));
        assert_eq!(read(vec![2]), Err(Refusal::new(Reason::Truncated, "at byte 26")));
        assert_eq!(read(vec![0, 0]), Err(Refusal::new(Reason::TrailingBytes, "at byte 26")));
    }
}
