//! The box's own ports: their MACs, and which of them are open.

use crate::id::PortId;
use evenkeel_packet::Mac;
use std::sync::Arc;

/// The box's ports by number. A number can be opened again after it was closed.
#[derive(Debug, Clone)]
pub(super) struct Ports {
    /// That of a closed port stays: workers still know the frames that came in on it before.
    macs: Arc<[Mac]>,
    open: Vec<bool>,
}

impl Ports {
    /// Ports 0, 1, …, all open.
    pub(super) fn new(macs: Vec<Mac>) -> Self {
        Self { open: vec![true; macs.len()], macs: macs.into() }
    }

    /// MACs of all ports that there ever were, by number.
    pub(super) fn macs(&self) -> &Arc<[Mac]> {
        &self.macs
    }

    /// MAC of an open port.
    pub(super) fn mac(&self, port: PortId) -> Option<Mac> {
        let is_open = self.is_open(port);
        self.macs.get(port.index()).copied().filter(|_| is_open)
    }

    pub(super) fn is_open(&self, port: PortId) -> bool {
        self.open.get(port.index()).copied().unwrap_or(false)
    }

    /// Opens a port, or gives an open one another MAC. True if something changed.
    pub(super) fn open(&mut self, port: PortId, mac: Mac) -> bool {
        if self.mac(port) == Some(mac) {
            return false;
        }
        let len = self.macs.len().max(port.index() + 1);
        let before = self.macs.iter().copied().chain(std::iter::repeat(Mac::default())).take(len);
        self.macs = before.zip(0..).map(|(old, number)| if number == port.0 { mac } else { old }).collect();
        self.open.resize(len, false);
        if let Some(open) = self.open.get_mut(port.index()) {
            *open = true;
        }
        true
    }

    /// True if it was open.
    pub(super) fn close(&mut self, port: PortId) -> bool {
        self.open.get_mut(port.index()).is_some_and(std::mem::take)
    }
}
