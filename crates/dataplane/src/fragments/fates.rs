//! What became of first fragments: later ones share it.

use crate::verdict::Verdict;
use ahash::RandomState;
use evenkeel_packet::FragmentKey;
use std::collections::{HashMap, VecDeque};

/// Datagrams that are remembered; beyond it the oldest is forgotten.
const CAPACITY: usize = 4096;
/// How long a datagram is remembered: as long as Linux waits for the rest of one (`ipfrag_time`), in milliseconds.
const LIFETIME_MS: u64 = 30_000;

/// Fates by datagram.
#[derive(Debug)]
pub(crate) struct Fates {
    by_key: HashMap<FragmentKey, (Verdict, u64), RandomState>,
    /// Keys in the order in which they were noted; a key noted again is in it twice, and its older place is void.
    order: VecDeque<(FragmentKey, u64)>,
}

impl Fates {
    pub(crate) fn new() -> Self {
        Self {
            // twice the room: hashbrown then cleans up in place and never allocates
            by_key: HashMap::with_capacity_and_hasher(2 * CAPACITY, RandomState::with_seeds(5, 6, 7, 8)),
            order: VecDeque::with_capacity(CAPACITY),
        }
    }

    /// Notes what became of a first fragment.
    pub(crate) fn note(&mut self, key: FragmentKey, fate: Verdict, now_ms: u64) {
        self.forget_old(now_ms);
        if self.order.len() == CAPACITY {
            self.forget_oldest();
        }
        self.by_key.insert(key, (fate, now_ms));
        self.order.push_back((key, now_ms));
    }

    /// What became of the first fragment of a datagram.
    pub(crate) fn of(&self, key: &FragmentKey, now_ms: u64) -> Option<Verdict> {
        let &(fate, noted_ms) = self.by_key.get(key)?;
        (now_ms.saturating_sub(noted_ms) < LIFETIME_MS).then_some(fate)
    }

    fn forget_old(&mut self, now_ms: u64) {
        while self.order.front().is_some_and(|&(_, noted_ms)| now_ms.saturating_sub(noted_ms) >= LIFETIME_MS)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((key, noted_ms)) = self.order.pop_front() else { return };
        if self.by_key.get(&key).is_some_and(|&(_, latest_ms)| latest_ms == noted_ms) {
            self.by_key.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Fates, LIFETIME_MS};
    use crate::verdict::Verdict;
    use evenkeel_packet::{FlowKey, FlowKey4, FragmentKey};

    fn key(id: u32) -> FragmentKey {
        FragmentKey { addresses: FlowKey::V4(FlowKey4::new([192, 0, 2, 1], [192, 0, 2, 2], 0, 0, 17)), id }
    }

    const PUNT: Verdict = Verdict::Punt;

    #[test]
    fn a_fate_is_known_for_its_lifetime() {
        let mut fates = Fates::new();
        fates.note(key(1), PUNT, 1000);
        assert_eq!(fates.of(&key(1), 1000 + LIFETIME_MS - 1), Some(PUNT));
        assert_eq!(fates.of(&key(1), 1000 + LIFETIME_MS), None);
        assert_eq!(fates.of(&key(2), 1000), None);
    }

    #[test]
    fn a_full_table_forgets_its_oldest_and_never_grows() {
        let mut fates = Fates::new();
        let room = fates.by_key.capacity();
        for id in 0..3 * CAPACITY as u32 {
            fates.note(key(id), PUNT, 0);
        }
        assert_eq!(fates.by_key.len(), CAPACITY);
        assert_eq!(fates.of(&key(2 * CAPACITY as u32 - 1), 0), None);
        assert_eq!(fates.of(&key(2 * CAPACITY as u32), 0), Some(PUNT));
        assert!(fates.by_key.capacity() <= room, "it has grown");
    }

    #[test]
    fn an_id_that_is_used_again_lives_from_its_last_use() {
        let mut fates = Fates::new();
        fates.note(key(1), PUNT, 0);
        fates.note(key(1), PUNT, 20_000);
        fates.note(key(2), PUNT, LIFETIME_MS);
        assert_eq!(fates.of(&key(1), 40_000), Some(PUNT));
    }
}
