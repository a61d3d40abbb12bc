//! Later fragments that came before their first: held for a while, in order of arrival.

use crate::port::Received;
use ahash::RandomState;
use evenkeel_packet::FragmentKey;
use std::collections::HashMap;

/// Frames held at the most, per worker.
pub(crate) const CAPACITY: usize = 1024;
/// How long a frame waits for its first, in milliseconds.
const PATIENCE_MS: u64 = 1000;

/// A frame that waits, with what was learned of it.
struct Waiting<F, T> {
    received: Received<F>,
    note: T,
    key: FragmentKey,
    since_ms: u64,
    /// Neighbours in order of arrival over all datagrams.
    earlier: Option<usize>,
    later: Option<usize>,
    /// Next frame of the same datagram.
    next: Option<usize>,
}

/// The held frames of a worker; `T` is what the walk wants to remember of each.
pub(crate) struct Held<F, T> {
    slots: Vec<Option<Waiting<F, T>>>,
    free: Vec<usize>,
    /// First and last frame of each datagram.
    datagrams: HashMap<FragmentKey, (usize, usize), RandomState>,
    earliest: Option<usize>,
    latest: Option<usize>,
}

impl<F, T> Held<F, T> {
    pub(crate) fn new() -> Self {
        Self {
            slots: (0..CAPACITY).map(|_| None).collect(),
            free: (0..CAPACITY).rev().collect(),
            datagrams: HashMap::with_capacity_and_hasher(
                2 * CAPACITY,
                RandomState::with_seeds(9, 10, 11, 12),
            ),
            earliest: None,
            latest: None,
        }
    }

    /// Frames held now.
    pub(crate) fn len(&self) -> usize {
        CAPACITY - self.free.len()
    }

    /// Holds a frame; it comes back if there is no room.
    pub(crate) fn hold(
        &mut self,
        key: FragmentKey,
        received: Received<F>,
        note: T,
        now_ms: u64,
    ) -> Result<(), (Received<F>, T)> {
        let Some(index) = self.free.pop() else { return Err((received, note)) };
        let waiting =
            Waiting { received, note, key, since_ms: now_ms, earlier: self.latest, later: None, next: None };
        if let Some(latest) = self.latest.and_then(|latest| self.at(latest)) {
            latest.later = Some(index);
        }
        self.earliest = self.earliest.or(Some(index));
        self.latest = Some(index);
        let last = self.datagrams.get(&key).map(|&(_, last)| last);
        if let Some(last) = last.and_then(|last| self.at(last)) {
            last.next = Some(index);
        }
        self.datagrams.entry(key).and_modify(|(_, last)| *last = index).or_insert((index, index));
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Some(waiting);
        }
        Ok(())
    }

    /// Takes the earliest frame of a datagram.
    pub(crate) fn release(&mut self, key: &FragmentKey) -> Option<(Received<F>, T)> {
        let &(first, _) = self.datagrams.get(key)?;
        self.take(first)
    }

    /// Takes the earliest frame of all if its patience is over by now.
    pub(crate) fn release_overdue(&mut self, now_ms: u64) -> Option<(Received<F>, T)> {
        let earliest = self.earliest?;
        let since_ms = self.at(earliest)?.since_ms;
        if now_ms.saturating_sub(since_ms) < PATIENCE_MS {
            return None;
        }
        self.take(earliest)
    }

    /// Takes the earliest frame of all.
    pub(crate) fn release_any(&mut self) -> Option<(Received<F>, T)> {
        self.take(self.earliest?)
    }

    fn at(&mut self, index: usize) -> Option<&mut Waiting<F, T>> {
        self.slots.get_mut(index)?.as_mut()
    }

    /// Takes the frame at `index`, which is the first of its datagram.
    fn take(&mut self, index: usize) -> Option<(Received<F>, T)> {
        let waiting = self.slots.get_mut(index)?.take()?;
        self.free.push(index);
        match waiting.earlier.and_then(|earlier| self.at(earlier)) {
            Some(earlier) => earlier.later = waiting.later,
            None => self.earliest = waiting.later,
        }
        match waiting.later.and_then(|later| self.at(later)) {
            Some(later) => later.earlier = waiting.earlier,
            None => self.latest = waiting.earlier,
        }
        match waiting.next {
            Some(next) => {
                self.datagrams.entry(waiting.key).and_modify(|(first, _)| *first = next);
            }
            None => {
                self.datagrams.remove(&waiting.key);
            }
        }
        Some((waiting.received, waiting.note))
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, Held};
    use crate::port::Received;
    use evenkeel_nexthop::PortId;
    use evenkeel_packet::{FlowKey, FlowKey4, FragmentKey};

    fn key(id: u32) -> FragmentKey {
        FragmentKey { addresses: FlowKey::V4(FlowKey4::new([192, 0, 2, 1], [192, 0, 2, 2], 0, 0, 17)), id }
    }

    fn frame(number: u32) -> Received<u32> {
        Received { frame: number, port: PortId(0), wire_len: 60 }
    }

    fn number(taken: Option<(Received<u32>, ())>) -> Option<u32> {
        taken.map(|(received, ())| received.frame)
    }

    #[test]
    fn frames_of_a_datagram_leave_in_order_of_arrival() {
        let mut held = Held::new();
        for (id, frames) in [(1, 10), (2, 20), (1, 11), (2, 21), (1, 12)] {
            assert!(held.hold(key(id), frame(frames), (), 0).is_ok());
        }
        assert_eq!([(); 4].map(|()| number(held.release(&key(1)))), [Some(10), Some(11), Some(12), None]);
        assert_eq!(number(held.release_overdue(999)), None);
        assert_eq!([(); 3].map(|()| number(held.release_overdue(1000))), [Some(20), Some(21), None]);
        assert_eq!(held.len(), 0);
    }

    #[test]
    fn beyond_its_bound_a_frame_comes_back() {
        let mut held = Held::new();
        for n in 0..CAPACITY as u32 {
            assert!(held.hold(key(n % 7), frame(n), (), 0).is_ok());
        }
        assert!(held.hold(key(0), frame(9999), (), 0).is_err());
        assert_eq!(number(held.release(&key(3))), Some(3));
        assert!(held.hold(key(0), frame(9999), (), 0).is_ok());
        let mut seen = 0;
        while held.release_any().is_some() {
            seen += 1;
        }
        assert_eq!((seen, held.len(), held.datagrams.len()), (CAPACITY, 0, 0));
    }
}
