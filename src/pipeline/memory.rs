//! The bound on the memory of a session.
//!
//! In: what the steps of a plan ask for. Out: yes to whoever asks first, until the bound; then to whoever has next to
//! nothing. Never: leaves a step without the little that it needs to write its rows to disk.
//!
//! In equal shares for the many steps of a plan, the largest would not get along, though others leave their share alone.
//! Given away to whoever comes first, all of it is gone when the second of two sorts begins, and that one fails.

use std::fmt;

use datafusion::common::Result;
use datafusion::execution::memory_pool::{GreedyMemoryPool, MemoryLimit, MemoryPool, MemoryReservation};

/// What every step may have, however little is left: DataFusion's sort wants 10 MiB before it can spill.
const FLOOR_BYTES: usize = 16 << 20;

/// Gives first come, first served, and to each at least a little.
#[derive(Debug)]
pub(super) struct Pool(GreedyMemoryPool);

impl Pool {
    pub(super) fn new(bytes: usize) -> Self {
        Self(GreedyMemoryPool::new(bytes))
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl MemoryPool for Pool {
    fn name(&self) -> &'static str {
        "greedy with a floor"
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.0.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.0.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let refused = self.0.try_grow(reservation, additional);
        if refused.is_err() && reservation.size() + additional <= FLOOR_BYTES {
            self.0.grow(reservation, additional);
            return Ok(());
        }
        refused
    }

    fn reserved(&self) -> usize {
        self.0.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.0.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::execution::memory_pool::MemoryConsumer;

    use super::*;

    #[test]
    fn whoever_comes_last_still_has_the_floor_and_no_more() {
        let pool: Arc<dyn MemoryPool> = Arc::new(Pool::new(4 * FLOOR_BYTES));
        let first = MemoryConsumer::new("first").register(&pool);
        first.try_grow(4 * FLOOR_BYTES).unwrap();
        assert!(first.try_grow(1).is_err(), "it has more than the floor");
        let last = MemoryConsumer::new("last").register(&pool);
        last.try_grow(FLOOR_BYTES).unwrap();
        assert!(last.try_grow(1).is_err());
        first.free();
        last.try_grow(FLOOR_BYTES).unwrap();
        assert_eq!(pool.reserved(), 2 * FLOOR_BYTES);
    }
}
