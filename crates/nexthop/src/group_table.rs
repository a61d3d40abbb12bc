//! The bucket table of one group, as workers read it: owners, and who stands in for those that are down.

use crate::assignment::NOBODY;
use crate::id::{MemberId, NexthopId};
use crate::liveness::Liveness;
use crate::score::Scorer;
use std::net::IpAddr;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Buckets of one group and who owns them.
#[derive(Debug, Clone)]
pub struct GroupTable {
    /// Name for operators.
    pub name: Arc<str>,
    /// Owner of each bucket, by slot, whether up or not.
    pub(crate) owners: Arc<[u16]>,
    /// Takers by slot; slots of takers that left are empty.
    pub(crate) slots: Arc<[Option<Slot>]>,
    /// Set if somebody was not usable when the table was made.
    pub(crate) standing_in: Option<StandIns>,
    /// Members that are not gone, with what they should own, in the order of the configuration.
    pub(crate) wants: Arc<[(MemberId, f64)]>,
}

/// A taker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slot {
    pub(crate) member: MemberId,
    pub(crate) nexthop: NexthopId,
    /// False while it is not known how to reach it.
    pub(crate) resolved: bool,
    pub(crate) address: IpAddr,
    pub(crate) scorer: Scorer,
}

/// The table with liveness written in.
#[derive(Debug, Clone)]
pub(crate) struct StandIns {
    /// By bucket, the slot that serves.
    serving: Arc<[u16]>,
    /// Slots that were not usable when it was written.
    unusable: Arc<[u16]>,
}

/// How much of a group one member serves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// The member.
    pub member: MemberId,
    /// Buckets that it serves.
    pub buckets: u32,
    /// Buckets that it would own by its weight alone; 0 if it takes no new flows.
    pub want: f64,
}

impl GroupTable {
    /// The bucket of a flow: the low bits of its hash.
    #[inline]
    #[must_use]
    pub fn bucket_of(&self, flow_hash: u64) -> u32 {
        (flow_hash as u32) & (self.owners.len() as u32).wrapping_sub(1)
    }

    /// Who serves each bucket, with the liveness at the time of the snapshot; `None`: nobody can.
    pub fn buckets(&self) -> impl ExactSizeIterator<Item = Option<MemberId>> {
        self.serving().iter().map(|&slot| self.member(slot))
    }

    /// Who owns each bucket, up and reachable or not; `None`: nobody takes new flows.
    pub fn owners(&self) -> impl ExactSizeIterator<Item = Option<MemberId>> {
        self.owners.iter().map(|&slot| self.member(slot))
    }

    /// XXH3-64 of who owns each bucket: sixteen bytes of address for each (IPv4 as `::ffff:a.b.c.d`, RFC 4291 §2.5.5.2), zeros for
    /// nobody. The same on all boxes with the same members, weights, admin states and seed. Takes a pass over the table.
    #[must_use]
    pub fn owners_hash(&self) -> u64 {
        let address_of = |slot: &Option<Slot>| match slot.map(|slot| slot.address) {
            Some(IpAddr::V4(v4)) => v4.to_ipv6_mapped().octets(),
            Some(IpAddr::V6(v6)) => v6.octets(),
            None => [0; 16],
        };
        let addresses: Vec<_> = self.slots.iter().map(address_of).collect();
        let mut hasher = Xxh3::new();
        for &slot in &*self.owners {
            hasher.update(addresses.get(usize::from(slot)).unwrap_or(&[0; 16]));
        }
        hasher.digest()
    }

    /// What each member that is not gone serves and should own, in the order of the configuration.
    #[must_use]
    pub fn shares(&self) -> Vec<Share> {
        let mut counts = vec![0; self.slots.len()];
        for &slot in self.serving() {
            if let Some(count) = counts.get_mut(usize::from(slot)) {
                *count += 1;
            }
        }
        let of = |member| {
            let slot = self.slots.iter().position(|slot| slot.is_some_and(|slot| slot.member == member));
            slot.and_then(|slot| counts.get(slot).copied()).unwrap_or(0)
        };
        self.wants.iter().map(|&(member, want)| Share { member, buckets: of(member), want }).collect()
    }

    /// Who takes a new flow of a bucket.
    #[inline]
    pub(crate) fn select(&self, bucket: u32, liveness: &Liveness) -> Option<MemberId> {
        let owner = self.slot(*self.owners.get(bucket as usize)?)?;
        if owner.is_usable(liveness) { Some(owner.member) } else { self.stand_in(bucket, liveness) }
    }

    /// Who takes the new flows of a bucket while its owner can't.
    #[cold]
    fn stand_in(&self, bucket: u32, liveness: &Liveness) -> Option<MemberId> {
        self.written(bucket, liveness)
            .or_else(|| self.slot(best(&self.slots, bucket, |_, slot| slot.is_usable(liveness))?))
            .map(|slot| slot.member)
    }

    /// What the table says, as long as nobody came up since it was written.
    fn written(&self, bucket: u32, liveness: &Liveness) -> Option<&Slot> {
        let StandIns { serving, unusable } = self.standing_in.as_ref()?;
        let came_up = |&slot: &u16| self.slot(slot).is_some_and(|slot| slot.is_usable(liveness));
        let slot = self.slot(*serving.get(bucket as usize)?)?;
        (slot.is_usable(liveness) && !unusable.iter().any(came_up)).then_some(slot)
    }

    fn serving(&self) -> &[u16] {
        self.standing_in.as_ref().map_or(&self.owners, |standing_in| &standing_in.serving)
    }

    #[inline]
    fn slot(&self, slot: u16) -> Option<&Slot> {
        self.slots.get(usize::from(slot))?.as_ref()
    }

    fn member(&self, slot: u16) -> Option<MemberId> {
        self.slot(slot).map(|slot| slot.member)
    }
}

impl Slot {
    #[inline]
    pub(crate) fn is_usable(&self, liveness: &Liveness) -> bool {
        self.resolved && liveness.is_up(self.nexthop)
    }
}

impl StandIns {
    /// Slots whose taker can't serve now.
    pub(crate) fn unusable(slots: &[Option<Slot>], liveness: &Liveness) -> Vec<u16> {
        let is_unusable = |slot: &Option<Slot>| slot.is_some_and(|slot| !slot.is_usable(liveness));
        (0..).zip(slots).filter(|(_, slot)| is_unusable(slot)).map(|(index, _)| index).collect()
    }

    /// True if it was written for these.
    pub(crate) fn is_for(&self, unusable: &[u16]) -> bool {
        *self.unusable == *unusable
    }

    /// Writes into the table who serves the buckets of the owners that are `unusable`, in ascending order.
    pub(crate) fn write(owners: &[u16], slots: &[Option<Slot>], unusable: &[u16]) -> Self {
        let mut can_serve: Vec<bool> = slots.iter().map(Option::is_some).collect();
        for slot in unusable {
            if let Some(can_serve) = can_serve.get_mut(usize::from(*slot)) {
                *can_serve = false;
            }
        }
        let can_serve = |slot: u16| can_serve.get(usize::from(slot)).copied().unwrap_or(false);
        let mut serving: Vec<u16> = owners.to_vec();
        for (bucket, slot) in (0..).zip(&mut serving) {
            if *slot != NOBODY && !can_serve(*slot) {
                *slot = best(slots, bucket, |index, _| can_serve(index)).unwrap_or(NOBODY);
            }
        }
        Self { serving: serving.into(), unusable: unusable.into() }
    }
}

/// The slot with the lowest (cost, address) for a bucket among those that `may` lets through.
fn best(slots: &[Option<Slot>], bucket: u32, may: impl Fn(u16, &Slot) -> bool) -> Option<u16> {
    let mut best: Option<(u64, u32, u16, &Slot)> = None;
    for (index, slot) in (0..).zip(slots) {
        let Some(slot) = slot.as_ref().filter(|slot| may(index, slot)) else { continue };
        let place = slot.scorer.places.of(bucket);
        if best.is_some_and(|(_, high, _, other)| slot.scorer.is_beaten(place, &other.scorer, high)) {
            continue;
        }
        let cost = slot.scorer.cost_at(bucket, place);
        if best.is_none_or(|(least, _, _, other)| (cost, slot.address) < (least, other.address)) {
            best = Some((cost, place, index, slot));
        }
    }
    best.map(|(_, _, index, _)| index)
}

#[cfg(test)]
mod tests {
    use crate::{AdminState, Desired, GroupSpec, Liveness, NexthopSpec};
    use evenkeel_packet::Mac;
    use std::net::IpAddr;
    use xxhash_rust::xxh3::xxh3_64;

    /// The table of a group with these nexthops, by address and weight, with its owners' addresses.
    fn hash_and_owners(nexthops: &[(&str, u16)], liveness: &Liveness) -> (u64, Vec<Option<IpAddr>>) {
        let nexthop = |&(address, weight): &(&str, u16)| NexthopSpec {
            name: address.to_owned(),
            address: address.parse().unwrap(),
            weight,
            state: AdminState::Active,
            port: None,
            mac: None,
        };
        let nexthops = nexthops.iter().map(nexthop).collect();
        let group = GroupSpec { name: "web".to_owned(), buckets: 256, nexthops };
        let mut desired = Desired::new(7, vec![Mac::default()], Vec::new(), vec![group]).unwrap();
        let snapshot = desired.snapshot(liveness);
        let (_, table) = snapshot.groups().next().unwrap();
        let owners = table.owners().map(|owner| Some(desired.member(owner?)?.address));
        (table.owners_hash(), owners.collect())
    }

    #[test]
    fn boxes_that_agree_have_the_same_hash() {
        let liveness = Liveness::new();
        let (hash, owners) = hash_and_owners(&[("198.51.100.1", 1), ("2001:db8::1", 2)], &liveness);
        let bytes = owners.iter().map(|owner| match owner.unwrap() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        });
        assert_eq!(hash, xxh3_64(&bytes.collect::<Vec<_>>().concat()));
        let other_order = hash_and_owners(&[("2001:db8::1", 2), ("198.51.100.1", 1)], &liveness).0;
        assert_eq!(hash, other_order);
        let other_weight = hash_and_owners(&[("198.51.100.1", 1), ("2001:db8::1", 1)], &liveness).0;
        assert_ne!(hash, other_weight);
        assert_eq!(hash_and_owners(&[], &liveness).0, xxh3_64(&[0; 256 * 16]), "nobody is zeros");
    }
}
