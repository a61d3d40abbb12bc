//! Nexthops and how to reach them: one record for all groups that a server belongs to.

use super::ports::Ports;
use crate::id::{NexthopId, PortId};
use crate::liveness::LIVENESS_CAPACITY;
use crate::snapshot::Adjacency;
use evenkeel_packet::Mac;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// A server: address and interface.
#[derive(Debug, Clone)]
pub(super) struct Nexthop {
    pub(super) port: Option<PortId>,
    /// Given by the configuration.
    pub(super) mac: Option<Mac>,
    pub(super) adjacency: Option<Adjacency>,
}

/// All nexthops that a member names; ids of others wait to be used again.
#[derive(Debug, Clone)]
pub(super) struct Nexthops {
    ports: Ports,
    list: Vec<Nexthop>,
    by_identity: HashMap<(IpAddr, Option<PortId>), NexthopId>,
    free: Vec<NexthopId>,
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

    /// How it is reached by what the configuration says, if that is all and its port is open.
    fn static_adjacency(&self, ports: &Ports) -> Option<Adjacency> {
        let (port, destination) = (self.port?, self.mac?);
        Some(Adjacency { port, source: ports.mac(port)?, destination })
    }
}

impl Nexthops {
    pub(super) fn new(ports: Vec<Mac>) -> Self {
        let ports = Ports::new(ports);
        Self { ports, list: Vec::new(), by_identity: HashMap::new(), free: Vec::new(), version: 1 }
    }

    /// Another number after each change of how a nexthop is reached.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn ports(&self) -> &Ports {
        &self.ports
    }

    pub(super) fn find(&self, address: IpAddr, port: Option<PortId>) -> Option<NexthopId> {
        self.by_identity.get(&(address, port)).copied()
    }

    pub(super) fn nexthop(&self, id: NexthopId) -> Option<&Nexthop> {
        self.list.get(id.index())
    }

    /// True if so many that aren't there yet can be made.
    pub(super) fn has_room_for(&self, more: usize) -> bool {
        self.list.len() - self.free.len() + more <= LIVENESS_CAPACITY
    }

    /// The id of a nexthop, made if there is none.
    pub(super) fn id(&mut self, address: IpAddr, port: Option<PortId>) -> Result<NexthopId, Full> {
        if let Some(id) = self.find(address, port) {
            return Ok(id);
        }
        if !self.has_room_for(1) {
            return Err(Full);
        }
        let nexthop = Nexthop { port, mac: None, adjacency: None };
        let free = self.free.pop();
        let id = match free.and_then(|id| Some((id, self.list.get_mut(id.index())?))) {
            Some((id, slot)) => {
                *slot = nexthop;
                id
            }
            None => {
                self.list.push(nexthop);
                NexthopId(u32::try_from(self.list.len() - 1).map_err(|_| Full)?)
            }
        };
        self.by_identity.insert((address, port), id);
        Ok(id)
    }

    /// Forgets all but these; the ids of the others are used again.
    pub(super) fn keep(&mut self, named: &HashSet<NexthopId>) {
        self.by_identity.retain(|_, id| named.contains(id));
        let all = (0..self.list.len() as u32).rev().map(NexthopId);
        self.free = all.filter(|id| !named.contains(id)).collect();
    }

    /// Lets a nexthop be reached as another one is, which is the same server: what works stays until it is set anew. What
    /// the configuration says stands.
    pub(super) fn carry_over(&mut self, from: NexthopId, to: NexthopId) {
        let adjacency = self.nexthop(from).and_then(|nexthop| nexthop.adjacency);
        match self.list.get_mut(to.index()) {
            Some(nexthop) if !nexthop.is_static() => nexthop.adjacency = adjacency,
            _ => {}
        }
    }

    /// Sets the MAC that the configuration gives. Without one, what worked before stays until it is set anew.
    pub(super) fn set_mac(&mut self, id: NexthopId, mac: Option<Mac>) {
        let Some(nexthop) = self.list.get_mut(id.index()) else { return };
        self.version += 1;
        nexthop.mac = mac;
        if nexthop.is_static() {
            nexthop.adjacency = nexthop.static_adjacency(&self.ports);
        }
    }

    /// Sets what was resolved; what the configuration says stands. True if something changed.
    pub(super) fn set_adjacency(&mut self, id: NexthopId, adjacency: Option<Adjacency>) -> bool {
        let adjacency = adjacency.filter(|adjacency| self.ports.is_open(adjacency.port));
        match self.list.get_mut(id.index()) {
            Some(nexthop) if !nexthop.is_static() && nexthop.adjacency != adjacency => {
                nexthop.adjacency = adjacency;
                self.version += 1;
                true
            }
            _ => false,
        }
    }

    /// Opens a port, or gives an open one another MAC, in all adjacencies too. True if something changed.
    pub(super) fn open_port(&mut self, port: PortId, mac: Mac) -> bool {
        if !self.ports.open(port, mac) {
            return false;
        }
        self.version += 1;
        for nexthop in &mut self.list {
            match &mut nexthop.adjacency {
                Some(adjacency) if adjacency.port == port => adjacency.source = mac,
                Some(_) => {}
                None => nexthop.adjacency = nexthop.static_adjacency(&self.ports),
            }
        }
        true
    }

    /// Closes a port: nobody is reached over it any more. True if it was open.
    pub(super) fn close_port(&mut self, port: PortId) -> bool {
        if !self.ports.close(port) {
            return false;
        }
        self.version += 1;
        let is_behind = |nexthop: &&mut Nexthop| nexthop.adjacency.is_some_and(|to| to.port == port);
        self.list.iter_mut().filter(is_behind).for_each(|nexthop| nexthop.adjacency = None);
        true
    }

    /// Puts the nexthops that name one port behind another, which nobody in use names yet; ids stay.
    pub(super) fn move_port(&mut self, from: PortId, to: PortId) {
        self.version += 1;
        let moved = self.by_identity.extract_if(|&(_, port), _| port == Some(from));
        let moved: Vec<_> = moved.map(|((address, _), id)| ((address, Some(to)), id)).collect();
        for &(_, id) in &moved {
            let Some(nexthop) = self.list.get_mut(id.index()) else { continue };
            nexthop.port = Some(to);
            nexthop.adjacency = nexthop.static_adjacency(&self.ports);
        }
        self.by_identity.extend(moved);
    }
}
