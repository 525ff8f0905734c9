//! Avro's binary form, written field by field.
//!
//! In: values in the order of a contract of `schemas/topic`. Out: a body in Confluent framing. Never: knows the contract:
//! whoever writes keeps its order.

use super::wire::Text;

/// A body, growing.
#[derive(Debug)]
pub struct Avro(Vec<u8>);

impl Avro {
    /// Byte 0 and the schema's id, with nothing behind them yet.
    pub fn framed(schema: u32) -> Self {
        let mut bytes = Vec::with_capacity(192);
        bytes.push(0);
        bytes.extend_from_slice(&schema.to_be_bytes());
        Self(bytes)
    }

    /// The bytes.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }

    /// An integer of either size, or an instant: zig-zag, then seven bits a byte, lowest first.
    pub fn long(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
        loop {
            let low = u8::try_from(rest & 0x7f).expect("seven bits");
            rest >>= 7;
            if rest == 0 {
                return self.0.push(low);
            }
            self.0.push(low | 0x80);
        }
    }

    /// A truth value.
    pub fn boolean(&mut self, value: bool) {
        self.0.push(u8::from(value));
    }

    /// Text.
    pub fn text(&mut self, text: &str) {
        self.long(i64::try_from(text.len()).expect("short text"));
        self.0.extend_from_slice(text.as_bytes());
    }

    /// An integer, or nothing, of a union that begins with null.
    pub fn optional_long(&mut self, value: Option<i64>) {
        self.long(i64::from(value.is_some()));
        if let Some(value) = value {
            self.long(value);
        }
    }

    /// Text, or nothing, likewise.
    pub fn optional_text(&mut self, text: Option<&Text<'_>>) {
        self.long(i64::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }
}
