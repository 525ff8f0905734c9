//! Attempts to deliver a folder, until one succeeds or there is no sense in another.
//!
//! In: a folder that is whole, and a target. Out: how many attempts it took, what was sent, and why it has failed.
//! Never: tries again what only a person can mend; waits longer than its bound, whatever a target asks.

use std::time::Duration;

use crate::clock::Clock;
use crate::export::delivery::parcel::Parcel;
use crate::export::delivery::{Failed, Sent, Target};

/// More would hold up a scheduler; its next run tries again.
const ATTEMPTS: u32 = 5;
/// The wait after the first attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// However long a target asks for; its answer to the next attempt is soon enough heard.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What came of them.
#[derive(Debug)]
pub struct Outcome {
    /// How many there were.
    pub attempts: u32,
    /// Files that were sent; the others were there.
    pub sent: Sent,
    /// Why the last one failed.
    pub error: Option<String>,
}

/// Delivers a folder.
pub async fn deliver(target: &Target, name: &str, parcel: &Parcel, clock: Clock) -> Outcome {
    let mut sent = Sent::new();
    let mut wait = FIRST_WAIT;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let failed = match target.send(parcel, &mut sent, clock).await {
            Ok(()) => return Outcome { attempts, sent, error: None },
            Err(failed) => failed,
        };
        if attempts == ATTEMPTS || matches!(failed, Failed::Lasting(_)) {
            return Outcome { attempts, sent, error: Some(failed.to_string()) };
        }
        // Without the reason, which names the folder: a dossier's has a number for its name.
        tracing::warn!(target_name = name, attempt = attempts, "delivery failed, trying again");
        tokio::time::sleep(pause(&failed, wait)).await;
        wait *= 2;
    }
}

/// How long is waited: as long as the target asks within our bound, and never less than without its asking.
fn pause(failed: &Failed, wait: Duration) -> Duration {
    match failed {
        Failed::Busy(_, asked) => wait.max(LONGEST_WAIT.min(*asked)),
        Failed::Passing(_) | Failed::Lasting(_) => wait,
    }
}

#[cfg(test)]
mod tests;
