//! Services by whole address, protocol and listed port, in one hash table with open addressing: one probe for most packets.

use crate::id::ServiceId;
use crate::service_table::Bits;

/// Where a service is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Endpoint<A> {
    address: A,
    /// Port, then protocol in the low 8 bits.
    port_and_protocol: u32,
}

impl<A> Endpoint<A> {
    #[inline(always)]
    pub(crate) fn new(address: A, protocol: u8, port: u16) -> Self {
        Self { address, port_and_protocol: u32::from(port) << 8 | u32::from(protocol) }
    }
}

/// A table that is at most half full.
#[derive(Debug)]
pub(crate) struct ExactServices<A> {
    slots: Vec<Option<(Endpoint<A>, ServiceId)>>,
}

impl<A> Default for ExactServices<A> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}

impl<A: Bits> ExactServices<A> {
    /// The table of these services; an endpoint given twice has its first.
    pub(crate) fn new(services: Vec<(Endpoint<A>, ServiceId)>) -> Self {
        let size = if services.is_empty() { 0 } else { (2 * services.len()).next_power_of_two() };
        let mut table = Self { slots: vec![None; size] };
        for (endpoint, service) in services {
            if table.find(&endpoint).is_none() {
                let free =
                    table.places(&endpoint).find(|&at| table.slots.get(at).is_some_and(Option::is_none));
                if let Some(slot) = free.and_then(|at| table.slots.get_mut(at)) {
                    *slot = Some((endpoint, service));
                }
            }
        }
        table
    }

    /// The service that is reached there.
    #[inline(always)]
    pub(crate) fn find(&self, endpoint: &Endpoint<A>) -> Option<ServiceId> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = hash(endpoint);
        // there is an empty slot, or none at all
        while let Some(Some((other, service))) = self.slots.get(at & mask) {
            if other == endpoint {
                return Some(*service);
            }
            at = at.wrapping_add(1);
        }
        None
    }

    /// Where an endpoint may be, in order.
    fn places(&self, endpoint: &Endpoint<A>) -> impl Iterator<Item = usize> + use<A> {
        let (start, size) = (hash(endpoint), self.slots.len());
        (0..size).map(move |step| start.wrapping_add(step) & (size - 1))
    }
}

#[inline(always)]
fn hash<A: Bits>(endpoint: &Endpoint<A>) -> usize {
    (endpoint.address.spread_with(endpoint.port_and_protocol) >> 32) as usize
}
