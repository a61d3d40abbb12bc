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
            let place = table.place(&endpoint);
            if let Some(slot @ None) = table.slots.get_mut(place) {
                *slot = Some((endpoint, service));
            }
        }
        table
    }

    /// The service that is reached there.
    #[inline(always)]
    pub(crate) fn find(&self, endpoint: &Endpoint<A>) -> Option<ServiceId> {
        self.slots.get(self.place(endpoint))?.map(|(_, service)| service)
    }

    /// Where an endpoint is, or would be: at the first slot from its hash on that no other one has. There is an empty
    /// slot, or none at all.
    #[inline(always)]
    fn place(&self, endpoint: &Endpoint<A>) -> usize {
        let mask = self.slots.len().wrapping_sub(1);
        let mut place = hash(endpoint) & mask;
        while let Some(Some((other, _))) = self.slots.get(place) {
            if other == endpoint {
                break;
            }
            place = (place + 1) & mask;
        }
        place
    }
}

#[inline(always)]
fn hash<A: Bits>(endpoint: &Endpoint<A>) -> usize {
    (endpoint.address.spread_with(endpoint.port_and_protocol) >> 32) as usize
}
