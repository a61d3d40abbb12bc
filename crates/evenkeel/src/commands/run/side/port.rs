//! One interface in use: what is known of it, and what the kernel counts there.

use evenkeel_afxdp::{Attachment, FrameCounts, Interface, SocketHandle, Steering};
use evenkeel_control::live::{InterfaceStatus, LivePort, SocketCounts};
use evenkeel_nexthop::PortId;

/// An interface in use.
#[derive(Debug, Clone)]
pub(in super::super) struct Port {
    pub(super) port: PortId,
    pub(in super::super) interface: Interface,
    /// None before the XDP program is attached.
    pub(super) attachment: Option<Attachment>,
    /// One for each worker.
    pub(in super::super) sockets: Vec<SocketHandle>,
}

impl Port {
    /// An interface that has neither program nor sockets yet.
    pub(in super::super) fn new(port: PortId, interface: Interface) -> Self {
        Self { port, interface, attachment: None, sockets: Vec::new() }
    }

    pub(super) fn live(&self) -> LivePort {
        LivePort {
            port: self.port,
            name: self.interface.name.clone(),
            ifindex: self.interface.index,
            mac: self.interface.mac,
        }
    }

    pub(super) fn status(&self, steering: &Steering, access: &str) -> InterfaceStatus {
        // what can't be read is shown as 0; the end of the run says why
        let FrameCounts { passed, redirected } = steering.counts(self.port).unwrap_or_default();
        InterfaceStatus {
            port: self.live(),
            mtu: self.interface.mtu,
            queues: self.interface.queues,
            attachment: self.attachment.map(|attachment| attachment.to_string()),
            access: Some(access.to_owned()),
            passed,
            redirected,
            sockets: self.sockets.iter().filter_map(socket_counts).collect(),
        }
    }

    /// What the XDP program and the sockets counted.
    pub(super) fn kernel_lines(&self, steering: &Steering) -> Vec<String> {
        let name = &self.interface.name;
        let mut lines = vec![match steering.counts(self.port) {
            Ok(counts) => format!("{name}: xdp passed {} redirected {}", counts.passed, counts.redirected),
            Err(error) => format!("{name}: the XDP program's counters can't be read: {error}"),
        }];
        lines.extend(self.sockets.iter().map(|socket| {
            let queue = socket.queue();
            match socket.statistics() {
                Ok(Some(s)) => format!(
                    "{name} queue {queue}: rx ring full {} rx fill ring empty {} rx dropped {} rx invalid {} tx invalid {}",
                    s.rx_ring_full,
                    s.rx_fill_ring_empty,
                    s.rx_dropped,
                    s.rx_invalid_descriptors,
                    s.tx_invalid_descriptors
                ),
                Ok(None) => format!("{name} queue {queue}: closed"),
                Err(error) => format!("{name} queue {queue}: statistics can't be read: {error}"),
            }
        }));
        lines
    }
}

fn socket_counts(socket: &SocketHandle) -> Option<SocketCounts> {
    let read = socket.statistics().ok()??;
    Some(SocketCounts {
        rx_ring_full: read.rx_ring_full,
        rx_fill_ring_empty: read.rx_fill_ring_empty,
        rx_dropped: read.rx_dropped,
        rx_invalid_descriptors: read.rx_invalid_descriptors,
        tx_invalid_descriptors: read.tx_invalid_descriptors,
    })
}
