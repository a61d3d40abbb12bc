//! Which takers may be good for one bucket: its places in the favour of all takers, computed for all at once.
//!
//! Asking looks at every taker of the group, and nearly all of its time goes into this. Arrays of plain numbers let the
//! compiler use vector instructions; numbers of 16 bits, which are enough for up to 65536 buckets, are multiplied eight
//! at a time where those of 32 bits take several instructions for four.

use crate::score::Places;

/// What places are computed from, and where reach begins, by slot.
#[derive(Debug, Clone)]
pub(super) enum Gates {
    Narrow(Lanes<u16>),
    Wide(Lanes<u32>),
}

/// The same, in numbers wide enough for the places of the group.
#[derive(Debug, Clone)]
pub(super) struct Lanes<N> {
    mask: N,
    fold: u32,
    chunks: Vec<Chunk<N>>,
    /// Slots, the last chunk's unused ones not counted.
    len: usize,
}

/// Slots that are looked at together: as many 16-bit numbers as the smallest vector registers hold.
const CHUNK: usize = 8;

/// What is needed of the slots of a chunk.
#[derive(Debug, Clone)]
struct Chunk<N> {
    /// Multipliers and addends of each round.
    rounds: [([N; CHUNK], [N; CHUNK]); 3],
    /// Lowest places within reach.
    cutoffs: [N; CHUNK],
}

/// Takers that may be good for a bucket, with its place in their favour. Its memory is used again.
pub(super) type Candidates = Vec<(u16, u32)>;

/// A cutoff that hardly any place reaches: of a slot that is empty.
pub(super) const OUT_OF_REACH: u32 = u32::MAX;

impl Gates {
    pub(super) fn new(buckets: u32) -> Self {
        if buckets <= 1 << 16 { Self::Narrow(Lanes::new(buckets)) } else { Self::Wide(Lanes::new(buckets)) }
    }

    /// Sets those of a slot, out of reach; the next one after the last makes room.
    pub(super) fn set(&mut self, slot: usize, places: &Places) {
        match self {
            Self::Narrow(lanes) => lanes.set(slot, places),
            Self::Wide(lanes) => lanes.set(slot, places),
        }
    }

    /// Sets the lowest place of a slot that is within reach.
    pub(super) fn set_cutoff(&mut self, slot: usize, cutoff: u32) {
        match self {
            Self::Narrow(lanes) => lanes.set_cutoff(slot, u16::from_place(cutoff)),
            Self::Wide(lanes) => lanes.set_cutoff(slot, cutoff),
        }
    }

    /// Lists the slots in whose reach a bucket is, or all, in ascending order. Empty ones may be among them.
    pub(super) fn candidates(&self, bucket: u32, in_reach: bool, to: &mut Candidates) {
        to.clear();
        match (self, in_reach) {
            (Self::Narrow(lanes), true) => lanes.within_reach(bucket, to),
            (Self::Wide(lanes), true) => lanes.within_reach(bucket, to),
            (Self::Narrow(lanes), false) => lanes.all(bucket, to),
            (Self::Wide(lanes), false) => lanes.all(bucket, to),
        }
    }
}

/// A number that holds a place.
pub(super) trait Number: Copy + Default + PartialOrd {
    /// The low bits; of a number that is too large, the largest.
    fn from_place(place: u32) -> Self;
    /// The low bits.
    fn low(bits: u32) -> Self;
    fn place(self) -> u32;
    /// One round of the permutation of buckets that places are.
    fn turned(self, multiplier: Self, addend: Self, mask: Self, fold: u32) -> Self;
}

macro_rules! number {
    ($number:ty) => {
        impl Number for $number {
            fn from_place(place: u32) -> Self {
                Self::try_from(place).unwrap_or(Self::MAX)
            }

            #[inline]
            fn low(bits: u32) -> Self {
                bits as Self
            }

            #[inline]
            fn place(self) -> u32 {
                u32::from(self)
            }

            #[inline]
            fn turned(self, multiplier: Self, addend: Self, mask: Self, fold: u32) -> Self {
                let product = self.wrapping_mul(multiplier).wrapping_add(addend) & mask;
                product ^ (product >> fold)
            }
        }
    };
}

number!(u16);
number!(u32);

impl<N: Number> Lanes<N> {
    fn new(buckets: u32) -> Self {
        let mask = buckets.wrapping_sub(1);
        let fold = mask.count_ones().div_ceil(2);
        Self { mask: N::low(mask), fold, chunks: Vec::new(), len: 0 }
    }

    fn set(&mut self, slot: usize, places: &Places) {
        self.len = self.len.max(slot + 1);
        if self.chunks.len() * CHUNK < self.len {
            self.chunks.push(Chunk::empty());
        }
        let Some(chunk) = self.chunks.get_mut(slot / CHUNK) else { return };
        for ((multipliers, addends), &(multiplier, addend)) in chunk.rounds.iter_mut().zip(places.rounds()) {
            set(multipliers, slot, N::low(multiplier));
            set(addends, slot, N::low(addend));
        }
        set(&mut chunk.cutoffs, slot, N::from_place(OUT_OF_REACH));
    }

    fn set_cutoff(&mut self, slot: usize, cutoff: N) {
        if let Some(chunk) = self.chunks.get_mut(slot / CHUNK) {
            set(&mut chunk.cutoffs, slot, cutoff);
        }
    }

    fn all(&self, bucket: u32, list: &mut Candidates) {
        let places = self.chunks.iter().flat_map(|chunk| chunk.places_of(bucket, self.mask, self.fold));
        list.extend((0..).zip(places.map(N::place)).take(self.len));
    }

    fn within_reach(&self, bucket: u32, list: &mut Candidates) {
        for (first, chunk) in (0..).step_by(CHUNK).zip(&self.chunks) {
            let places = chunk.places_of(bucket, self.mask, self.fold);
            let mut flags = chunk.flags(&places);
            while flags != 0 {
                let lane = flags.trailing_zeros() as u16 / 8;
                flags &= flags - 1;
                list.extend(places.get(usize::from(lane)).map(|place| (first + lane, place.place())));
            }
        }
    }
}

impl<N: Number> Chunk<N> {
    /// All of it out of reach.
    fn empty() -> Self {
        let none = [N::default(); CHUNK];
        Self { rounds: [(none, none); 3], cutoffs: [N::from_place(OUT_OF_REACH); CHUNK] }
    }

    /// The places of a bucket.
    #[inline]
    fn places_of(&self, bucket: u32, mask: N, fold: u32) -> [N; CHUNK] {
        let mut places = [N::low(bucket); CHUNK];
        for (multipliers, addends) in &self.rounds {
            for ((place, multiplier), addend) in places.iter_mut().zip(multipliers).zip(addends) {
                *place = place.turned(*multiplier, *addend, mask, fold);
            }
        }
        places
    }

    /// A byte for each place, 1 if it is within reach.
    #[inline]
    fn flags(&self, places: &[N; CHUNK]) -> u64 {
        let mut flags = [0; CHUNK];
        for ((flag, place), cutoff) in flags.iter_mut().zip(places).zip(&self.cutoffs) {
            *flag = u8::from(place >= cutoff);
        }
        u64::from_le_bytes(flags)
    }
}

/// Sets the value of a slot in its chunk.
fn set<N>(values: &mut [N; CHUNK], slot: usize, value: N) {
    if let Some(old) = values.get_mut(slot % CHUNK) {
        *old = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Scorer;

    #[test]
    fn as_one_by_one() {
        for buckets in [64, 128, 65_536, 1 << 17, 1 << 20] {
            let scorers: Vec<_> =
                (0..37).map(|n| Scorer::new([198, 51, 100, n].into(), 1, 5, buckets)).collect();
            let mut gates = Gates::new(buckets);
            let cutoff = |slot: usize| buckets / 40 * slot as u32;
            for (slot, scorer) in scorers.iter().enumerate() {
                gates.set(slot, &scorer.places);
                gates.set_cutoff(slot, cutoff(slot));
            }
            let mut candidates = Candidates::default();
            for bucket in [0, 1, 17, buckets - 1] {
                let places = scorers.iter().map(|scorer| scorer.places.of(bucket));
                let one_by_one: Vec<(u16, u32)> = (0..).zip(places).collect();
                gates.candidates(bucket, false, &mut candidates);
                assert_eq!(candidates, one_by_one);
                let is_within = |(slot, place): &&(u16, u32)| *place >= cutoff(usize::from(*slot));
                let within: Vec<_> = one_by_one.iter().filter(is_within).copied().collect();
                gates.candidates(bucket, true, &mut candidates);
                assert_eq!(candidates, within);
            }
        }
    }

    #[test]
    fn who_left_is_out_of_reach() {
        let mut gates = Gates::new(64);
        gates.set(0, &Scorer::new([198, 51, 100, 1].into(), 1, 5, 64).places);
        let mut candidates = Candidates::default();
        for bucket in 0..64 {
            gates.candidates(bucket, true, &mut candidates);
            assert!(candidates.is_empty());
        }
    }
}
