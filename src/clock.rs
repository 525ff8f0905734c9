//! What time it is: the one door to the machine's clock.
//!
//! In: nothing, or a fixed instant in tests. Out: UTC microseconds and elapsed time. Never: is asked by a stage;
//! jobs ask and pass the answer on.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where a job takes the time from.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The machine's.
    System,
    /// Always this instant, UTC microseconds.
    Fixed(i64),
}

impl Clock {
    /// UTC microseconds now.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn now(self) -> i64 {
        match self {
            Self::Fixed(micros) => micros,
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
            }
        }
    }
}

/// A stopwatch for figures that people read; never part of a result.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts one.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since its start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
