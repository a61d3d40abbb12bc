//! Nexthops and how to reach them: one record for all groups that a server belongs to.

use crate::id::{NexthopId, PortId};
use crate::liveness::LIVENESS_CAPACITY;
use crate::snapshot::Adjacency;
use evenkeel_packet::Mac;
use std::collections::HashMap;
use std::net::IpAddr;

/// A server: address and interface.
#[derive(Debug, Clone)]
pub(super) struct Nexthop {
    pub(super) port: Option<PortId>,
    /// Given by the configuration.
    pub(super) mac: Option<Mac>,
    pub(super) adjacency: Option<Adjacency>,
}

/// All nexthops that there ever were; ids are not used again.
#[derive(Debug, Clone)]
pub(super) struct Nexthops {
    /// MACs of the box by port.
    ports: Vec<Mac>,
    list: Vec<Nexthop>,
    by_identity: HashMap<(IpAddr, Option<PortId>), NexthopId>,
    /// Counts changes of adjacencies.
    version: u64,
}

/// There is no id for another nexthop.
#[derive(Debug)]
pub(super) struct Full;

impl Nexthop {
    /// True if the configuration says all of how to reach it.
    fn is_static(&self) -> bool {
        self.port.is_some() && self.mac.is_some()
    }
}

impl Nexthops {
    pub(super) fn new(ports: Vec<Mac>) -> Self {
        Self { ports, list: Vec::new(), by_identity: HashMap::new(), version: 1 }
    }

    /// Another number after each change of how a nexthop is reached.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn port_count(&self) -> usize {
        self.ports.len()
    }

    pub(super) fn find(&self, address: IpAddr, port: Option<PortId>) -> Option<NexthopId> {
        self.by_identity.get(&(address, port)).copied()
    }

    pub(super) fn nexthop(&self, id: NexthopId) -> Option<&Nexthop> {
        self.list.get(id.index())
    }

    /// True if so many that aren't there yet can be made.
    pub(super) fn has_room_for(&self, more: usize) -> bool {
        self.list.len() + more <= LIVENESS_CAPACITY
    }

    /// The id of a nexthop, made if there is none.
    pub(super) fn id(&mut self, address: IpAddr, port: Option<PortId>) -> Result<NexthopId, Full> {
        if let Some(id) = self.find(address, port) {
            return Ok(id);
        }
        if !self.has_room_for(1) {
            return Err(Full);
        }
        let id = NexthopId(u32::try_from(self.list.len()).map_err(|_| Full)?);
        self.list.push(Nexthop { port, mac: None, adjacency: None });
        self.by_identity.insert((address, port), id);
        Ok(id)
    }

    /// Sets the MAC that the configuration gives. Without one, what was resolved before stays until it is set anew.
    pub(super) fn set_mac(&mut self, id: NexthopId, mac: Option<Mac>) {
        let Some(nexthop) = self.list.get_mut(id.index()) else { return };
        self.version += 1;
        let was_static = nexthop.is_static();
        nexthop.mac = mac;
        if let (Some(port), Some(destination)) = (nexthop.port, mac) {
            let source = self.ports.get(port.index());
            nexthop.adjacency = source.map(|&source| Adjacency { port, source, destination });
        } else if was_static {
            nexthop.adjacency = None;
        }
    }

    /// Sets what was resolved; what the configuration says stands. True if something changed.
    pub(super) fn set_adjacency(&mut self, id: NexthopId, adjacency: Option<Adjacency>) -> bool {
        match self.list.get_mut(id.index()) {
            Some(nexthop) if !nexthop.is_static() && nexthop.adjacency != adjacency => {
                nexthop.adjacency = adjacency;
                self.version += 1;
                true
            }
            _ => false,
        }
    }

    /// Sets the box's own MAC on a port, of all adjacencies too. True if something changed.
    pub(super) fn set_port_mac(&mut self, port: PortId, mac: Mac) -> bool {
        match self.ports.get_mut(port.index()) {
            Some(own) if *own != mac => *own = mac,
            _ => return false,
        }
        let adjacencies = self.list.iter_mut().filter_map(|nexthop| nexthop.adjacency.as_mut());
        adjacencies.filter(|adjacency| adjacency.port == port).for_each(|adjacency| adjacency.source = mac);
        true
    }
}
