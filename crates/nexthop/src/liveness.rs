//! Liveness: who is up, in one array of atomics outside of the snapshot, so that `down` is one store.

use crate::id::NexthopId;
use std::sync::atomic::{AtomicBool, Ordering};

/// Most nexthops of a box, counting those that are gone.
pub const LIVENESS_CAPACITY: usize = 65_536;

/// Whether each nexthop is up, shared by the workers, which read it, and by whoever watches the servers.
///
/// All are up at first. Says nothing about adjacencies: a nexthop without one is not used, up or not.
pub struct Liveness {
    up: Box<[AtomicBool]>,
}

impl Liveness {
    /// All nexthops up.
    #[must_use]
    pub fn new() -> Self {
        Self { up: (0..LIVENESS_CAPACITY).map(|_| AtomicBool::new(true)).collect() }
    }

    /// False if the nexthop is down or its id is beyond [`LIVENESS_CAPACITY`]. A relaxed load.
    #[inline]
    #[must_use]
    pub fn is_up(&self, nexthop: NexthopId) -> bool {
        self.up.get(nexthop.index()).is_some_and(|up| up.load(Ordering::Relaxed))
    }

    /// Sets a nexthop up or down: all flows of all services see it at their next packet.
    ///
    /// An id beyond [`LIVENESS_CAPACITY`] is ignored; [`Desired`](crate::Desired) gives none.
    pub fn set(&self, nexthop: NexthopId, is_up: bool) {
        if let Some(up) = self.up.get(nexthop.index()) {
            up.store(is_up, Ordering::Relaxed);
        }
    }
}

impl Default for Liveness {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Liveness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let down = self.up.iter().filter(|up| !up.load(Ordering::Relaxed)).count();
        f.debug_struct("Liveness").field("down", &down).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_store_concerns_one_nexthop() {
        let liveness = Liveness::new();
        liveness.set(NexthopId(7), false);
        assert!(!liveness.is_up(NexthopId(7)));
        assert!(liveness.is_up(NexthopId(6)) && liveness.is_up(NexthopId(8)));
        liveness.set(NexthopId(7), true);
        assert!(liveness.is_up(NexthopId(7)));
    }

    #[test]
    fn beyond_the_capacity_nobody_is_up() {
        let liveness = Liveness::new();
        let beyond = NexthopId(LIVENESS_CAPACITY as u32);
        liveness.set(beyond, true);
        assert!(!liveness.is_up(beyond));
    }
}
