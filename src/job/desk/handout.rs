//! Lists of numbers that leave the house, in the audit trail.
//!
//! In: what is about to leave, where to and how many numbers it names, and in whose name. Out: one row for each run. Never:
//! lets a list leave of which the trail of a site with a desk does not know; writes a number down.

use anyhow::ensure;
use serde_json::Value;

use crate::store::Store;

/// Where it is written down that numbers in clear leave, and in whose name; nowhere where a site has no desk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trail<'a> {
    /// The case store.
    pub store: Option<&'a Store>,
    /// User of the desk; none where a scheduler starts what nobody has asked for.
    pub by: Option<&'a str>,
}

impl Trail<'_> {
    /// Writes down what is about to leave, before it does.
    pub async fn tell(&self, what: &str, at: i64, detail: &Value) -> anyhow::Result<()> {
        match self.store {
            Some(store) => store.hand_out_list(what, (self.by, at), detail).await.map(drop),
            None => {
                ensure!(self.by.is_none(), "--by NAME is a user of a desk: name a configuration with a [desk]");
                Ok(())
            }
        }
    }
}
