//! The flows of one family in a shard, by number: dense, so that a flow costs its own bytes and no free slots.
//!
//! A flow keeps its number as long as it lives. Numbers that ended flows have left are given out again before new ones,
//! so memory is touched only as far as there ever were flows at once. It is reserved at the start and never moved.

use super::TableError;
use super::entry::{FlowEntry, Link};
use super::growth::Part;
use super::unconfirmed::Entries;
use crate::prefetch;
use ahash::RandomState;
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6};
use std::hash::Hash;

/// The key of a family.
pub(super) trait Key: Copy + Eq + Hash {
    /// A key that no packet has.
    const NONE: Self;
    /// Link to the flow of a number.
    fn link(number: u32) -> Link;
    /// Number of the flow at a link; beyond any slab if it is of the other family.
    fn number(link: Link) -> usize;
}

/// A place in a slab. If it is free, its key is that of no packet, and its entry knows the next free place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flow<K> {
    pub(super) key: K,
    pub(super) entry: FlowEntry,
}

/// The flows of one family.
#[derive(Debug)]
pub(super) struct Slab<K> {
    flows: Vec<Flow<K>>,
    capacity: usize,
    len: usize,
    /// First of the free places below the length of `flows`.
    free: Link,
}

/// The flows of both families.
#[derive(Debug)]
pub(super) struct Flows {
    pub(super) v4: Slab<FlowKey4>,
    pub(super) v6: Slab<FlowKey6>,
}

impl<K: Key> Slab<K> {
    /// Room for so many flows.
    pub(super) fn reserve(capacity: usize) -> Result<Self, TableError> {
        let mut flows = Vec::new();
        flows.try_reserve_exact(capacity).map_err(|_| TableError::NoMemory(capacity))?;
        Ok(Self { flows, capacity, len: 0, free: Link::NONE })
    }

    /// Where its memory is.
    pub(super) fn part(&self) -> Part {
        Part {
            begin: self.flows.as_ptr().addr(),
            place_len: size_of::<Flow<K>>(),
            capacity: self.flows.capacity().min(self.capacity),
        }
    }

    /// Places that ever were in use.
    pub(super) const fn used(&self) -> usize {
        self.flows.len()
    }

    /// True if this very flow is at a link.
    #[inline]
    pub(super) fn has(&self, link: Link, key: &K) -> bool {
        self.flows.get(K::number(link)).is_some_and(|flow| flow.key == *key)
    }

    /// The flow at a link.
    #[inline]
    pub(super) fn flow(&self, link: Link) -> Option<&Flow<K>> {
        self.flows.get(K::number(link)).filter(|flow| !flow.entry.is_free())
    }

    /// Entry of the flow at a link, to change.
    #[inline]
    pub(super) fn entry(&mut self, link: Link) -> Option<&mut FlowEntry> {
        self.flows.get_mut(K::number(link)).map(|flow| &mut flow.entry).filter(|entry| !entry.is_free())
    }

    /// Brings in the place at a link.
    #[inline]
    pub(super) fn prefetch(&self, link: Link) {
        prefetch::value(self.flows.as_ptr().wrapping_add(K::number(link)));
    }

    /// Puts a flow into a free place; `None` if there is none.
    pub(super) fn put(&mut self, key: K, entry: FlowEntry) -> Option<Link> {
        let flow = Flow { key, entry };
        let link = self.free;
        if let Some(place) = self.flows.get_mut(K::number(link)) {
            self.free = place.entry.next_free();
            *place = flow;
            self.len += 1;
            return Some(link);
        }
        if self.flows.len() >= self.capacity {
            return None;
        }
        let link = K::link(self.flows.len() as u32);
        self.flows.push(flow);
        self.len += 1;
        Some(link)
    }

    /// Takes the flow at a link out.
    pub(super) fn take(&mut self, link: Link) -> Option<Flow<K>> {
        let place = self.flows.get_mut(K::number(link)).filter(|flow| !flow.entry.is_free())?;
        let flow = *place;
        *place = Flow { key: K::NONE, entry: FlowEntry::free(self.free) };
        self.free = link;
        self.len -= 1;
        Some(flow)
    }
}

impl Flows {
    /// Room for so many flows, however they spread over the families.
    pub(super) fn reserve(capacity: usize) -> Result<Self, TableError> {
        Ok(Self { v4: Slab::reserve(capacity)?, v6: Slab::reserve(capacity)? })
    }

    pub(super) const fn len(&self) -> usize {
        self.v4.len + self.v6.len
    }

    /// Key and entry of the flow at a link.
    pub(super) fn flow(&self, link: Link) -> Option<(FlowKey, &FlowEntry)> {
        if link.is_ipv6() {
            self.v6.flow(link).map(|flow| (FlowKey::V6(flow.key), &flow.entry))
        } else {
            self.v4.flow(link).map(|flow| (FlowKey::V4(flow.key), &flow.entry))
        }
    }

    #[inline]
    pub(super) fn prefetch(&self, link: Link) {
        if link.is_ipv6() {
            self.v6.prefetch(link);
        } else {
            self.v4.prefetch(link);
        }
    }

    pub(super) fn put(&mut self, key: &FlowKey, entry: FlowEntry) -> Option<Link> {
        match key {
            FlowKey::V4(key) => self.v4.put(*key, entry),
            FlowKey::V6(key) => self.v6.put(*key, entry),
        }
    }

    /// Takes the flow at a link out: the hash of its key and its entry.
    pub(super) fn take(&mut self, link: Link, hasher: &RandomState) -> Option<(u64, FlowEntry)> {
        if link.is_ipv6() {
            self.v6.take(link).map(|flow| (hasher.hash_one(flow.key), flow.entry))
        } else {
            self.v4.take(link).map(|flow| (hasher.hash_one(flow.key), flow.entry))
        }
    }
}

impl Entries for Flows {
    #[inline]
    fn at(&mut self, link: Link) -> Option<&mut FlowEntry> {
        if link.is_ipv6() { self.v6.entry(link) } else { self.v4.entry(link) }
    }
}

impl Key for FlowKey4 {
    const NONE: Self = Self::NONE;

    fn link(number: u32) -> Link {
        Link::ipv4(number)
    }

    #[inline]
    fn number(link: Link) -> usize {
        link.number4()
    }
}

impl Key for FlowKey6 {
    const NONE: Self = Self::NONE;

    fn link(number: u32) -> Link {
        Link::ipv6(number)
    }

    #[inline]
    fn number(link: Link) -> usize {
        link.number6()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{FlowState, TableError};
    use super::{Flow, FlowEntry, FlowKey4, FlowKey6, Key, Link, Slab};
    use evenkeel_nexthop::{MemberId, TimeoutsId};

    fn entry(n: u32) -> FlowEntry {
        FlowEntry::new(MemberId(n), FlowState::Datagram, TimeoutsId(0), 0, 60)
    }

    fn key(n: u8) -> FlowKey4 {
        FlowKey4::new([198, 51, 100, n], [192, 0, 2, 10], 1000, 80, 6)
    }

    #[test]
    fn flows_are_as_small_as_the_memory_bar_needs() {
        assert_eq!((size_of::<Flow<FlowKey4>>(), size_of::<Flow<FlowKey6>>()), (48, 72));
    }

    #[test]
    fn places_are_given_out_again_before_new_ones_up_to_the_capacity() {
        let mut slab = Slab::reserve(3).unwrap();
        let links: Vec<_> = (0..4).map(|n| slab.put(key(n), entry(u32::from(n)))).collect();
        assert_eq!(links, [Some(Link::ipv4(0)), Some(Link::ipv4(1)), Some(Link::ipv4(2)), None]);
        for n in [0, 2, 1] {
            assert_eq!(slab.take(Link::ipv4(n)).map(|flow| flow.entry.member), Some(MemberId(n)));
        }
        assert_eq!(slab.len, 0);
        let links: Vec<_> = (0..4).map(|n| slab.put(key(n), entry(0))).collect();
        assert_eq!(links, [Some(Link::ipv4(1)), Some(Link::ipv4(2)), Some(Link::ipv4(0)), None]);
    }

    #[test]
    fn a_free_place_is_no_flow() {
        let mut slab = Slab::reserve(3).unwrap();
        let link = slab.put(key(1), entry(1)).unwrap();
        assert!(slab.has(link, &key(1)) && slab.flow(link).is_some() && slab.entry(link).is_some());
        slab.take(link).unwrap();
        assert!(!slab.has(link, &key(1)) && slab.flow(link).is_none() && slab.entry(link).is_none());
        assert!(slab.take(link).is_none(), "it is taken once");
    }

    #[test]
    fn a_link_is_of_its_family() {
        for number in [0, 7, u32::MAX >> 2] {
            assert_eq!(FlowKey4::number(FlowKey4::link(number)), number as usize);
            assert_eq!(FlowKey6::number(FlowKey6::link(number)), number as usize);
            assert!(FlowKey4::number(FlowKey6::link(number)) >= 1 << 31);
            assert!(FlowKey6::number(FlowKey4::link(number)) >= 1 << 31);
        }
        assert!(FlowKey4::number(Link::NONE) > super::super::MOST_FLOWS);
        assert!(FlowKey6::number(Link::NONE) > super::super::MOST_FLOWS);
    }

    #[test]
    fn there_is_no_slab_for_more_flows_than_there_is_memory() {
        for flows in [1 << 50, usize::MAX] {
            assert_eq!(Slab::<FlowKey6>::reserve(flows).unwrap_err(), TableError::NoMemory(flows));
        }
    }
}
