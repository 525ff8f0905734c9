//! Where published folders go: another folder, an SFTP server, an address that is posted to, a bucket.
//!
//! In: a folder that is whole, and a target. Out: its files at the target, the one that says what they are last.
//! Never: shows half of it there; sends again what stands there already; tries a second time by itself.

pub mod bucket;
pub mod local;
pub mod parcel;
pub mod sftp;
pub mod webhook;

use std::collections::BTreeSet;
use std::time::Duration;

use self::parcel::Parcel;
use crate::clock::Clock;

/// Where a folder can go.
#[derive(Debug)]
pub enum Target {
    /// Another folder, as of a mounted share.
    Local(local::Options),
    /// An SFTP server.
    Sftp(sftp::Options),
    /// An address that is posted to.
    Webhook(webhook::Options),
    /// A bucket.
    Bucket(bucket::Bucket),
}

/// The files that a run has sent, over all its attempts.
pub type Sent = BTreeSet<String>;

/// Why a folder has not arrived.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// Another attempt may do better.
    #[error("{0:#}")]
    Passing(#[from] anyhow::Error),
    /// Another attempt may do better, but the target asks for so long a pause before it.
    #[error("{0:#}")]
    Busy(anyhow::Error, Duration),
    /// No attempt will, until somebody changes something.
    #[error("{0:#}")]
    Lasting(anyhow::Error),
}

impl Failed {
    /// The same, and what was being done.
    fn while_doing(self, doing: String) -> Self {
        match self {
            Self::Passing(error) => Self::Passing(error.context(doing)),
            Self::Busy(error, pause) => Self::Busy(error.context(doing), pause),
            Self::Lasting(error) => Self::Lasting(error.context(doing)),
        }
    }
}

impl Target {
    /// Makes one attempt to bring all files there, and notes which were sent.
    pub async fn send(&self, parcel: &Parcel, sent: &mut Sent, clock: Clock) -> Result<(), Failed> {
        match self {
            Self::Local(options) => local::send(options, parcel, sent).await,
            Self::Sftp(options) => sftp::send(options, parcel, sent).await,
            Self::Webhook(options) => webhook::send(options, parcel, sent, clock).await,
            Self::Bucket(bucket) => bucket.send(parcel, sent).await,
        }
    }
}

/// What is there under a file's name has another size, so somebody else has put it there.
fn foreign(place: &str, found: u64, wanted: u64) -> Failed {
    Failed::Lasting(anyhow::anyhow!(
        "{place} is there with {found} bytes instead of {wanted}, and we have not written it: remove it there"
    ))
}

#[cfg(test)]
mod tests;
