//! One run at a time over a lake.
//!
//! In: the lake's folder. Out: a lock held until it is dropped, or the news that another run holds it.
//! Never: waits; the scheduler comes again.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::Context;

/// Another run holds the lock: exit code 7.
#[derive(Debug, thiserror::Error)]
#[error("another run holds {0}; wait for it to end")]
pub struct Held(String);

/// The lock; it goes with the value, and with the process.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

/// Takes the lock of a lake.
pub fn take(lake: &Path) -> anyhow::Result<Lock> {
    std::fs::create_dir_all(lake).with_context(|| format!("creating {}", lake.display()))?;
    let path = lake.join(".run.lock");
    let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(Held(path.display().to_string()).into()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", path.display())),
    }
}
