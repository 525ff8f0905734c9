//! The keys that citizens' words are sealed with.
//!
//! In: a section of the configuration. Out: the keys, read. Never: a key in a message.

use anyhow::Context;
use serde::Deserialize;

use crate::domain::seal::Seal;
use crate::source::kafka::Setting;

/// Where the keys are, as `[seal]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Keys of 64 hex digits, in the order in which they came; the last one seals, each opens what it has sealed. None,
    /// and words lie in clear. A key that is taken from the list leaves what it has sealed closed for ever.
    pub keys: Vec<Setting>,
}

impl Options {
    /// Reads the keys.
    pub fn open(&self) -> anyhow::Result<Seal> {
        let read =
            |(place, key): (usize, &Setting)| key.value().with_context(|| format!("seal.keys, number {}", place + 1));
        let keys = self.keys.iter().enumerate().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        Seal::new(&keys).map_err(|problem| anyhow::anyhow!("seal.keys: {problem}"))
    }
}
