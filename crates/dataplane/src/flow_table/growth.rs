//! Where the flows to come will stand. A shard's memory is reserved at the start and touched as it gets more flows than ever
//! before. Whoever has time may have the kernel find that memory before a worker needs it, which would have to wait.

use super::shard::Books;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far one shard has touched what is reserved for it.
#[derive(Debug)]
pub(super) struct Growth {
    parts: [Part; 4],
    /// Places that ever were in use, by family.
    used: [AtomicUsize; 2],
}

/// Reserved memory that is used from its beginning on; it never moves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Address of the first place.
    pub(super) begin: usize,
    /// Bytes of a place.
    pub(super) place_len: usize,
    pub(super) capacity: usize,
}

impl Growth {
    pub(super) fn of(books: &Books) -> Self {
        let (flows, alarms) = (&books.flows, [&books.alarms4, &books.alarms6]);
        let parts = [flows.v4.part(), alarms[0].part(), flows.v6.part(), alarms[1].part()];
        Self { parts, used: [AtomicUsize::new(0), AtomicUsize::new(0)] }
    }

    /// The owner tells how many places of each family were in use so far.
    #[inline]
    pub(super) fn tell(&self, v4: usize, v6: usize) {
        let [used4, used6] = &self.used;
        used4.store(v4, Ordering::Relaxed);
        used6.store(v6, Ordering::Relaxed);
    }

    /// Addresses of the next `flows` places of each family, in each of its parts; of a family without flows fewer.
    pub(super) fn ahead(&self, flows: usize) -> impl Iterator<Item = Range<usize>> {
        let [used4, used6] = self.used.each_ref().map(|used| used.load(Ordering::Relaxed));
        self.parts.into_iter().zip([used4, used4, used6, used6]).map(move |(part, used)| {
            let flows = if used == 0 { flows / 16 } else { flows };
            let (from, to) = (used.min(part.capacity), used.saturating_add(flows).min(part.capacity));
            part.begin + from * part.place_len..part.begin + to * part.place_len
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sweep, shard::Books};
    use super::Growth;

    #[test]
    fn what_comes_next_is_told_up_to_the_end_of_what_is_reserved() {
        let growth = Growth::of(&Books::reserve(1000, 1000, Sweep::Paced).unwrap());
        let lens = |growth: &Growth| growth.ahead(160).map(|range| range.len()).collect::<Vec<_>>();
        assert_eq!(lens(&growth), [480, 20, 720, 20]);
        let first: Vec<_> = growth.ahead(160).collect();
        growth.tell(10, 990);
        assert_eq!(lens(&growth), [160 * 48, 320, 720, 20]);
        let next: Vec<_> = growth.ahead(160).collect();
        assert_eq!((next[0].start - first[0].start, next[2].start - first[2].start), (10 * 48, 990 * 72));
        growth.tell(1000, 1000);
        assert_eq!(lens(&growth), [0, 0, 0, 0]);
    }
}
