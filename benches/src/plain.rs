//! The plain way to do it, as the baseline of ratios: etherparse's `SlicedPacket`, dashmap as it comes, one packet after
//! the other. It knows established flows and rewrites; nothing else that the walk does.

use dashmap::DashMap;
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6, Mac};

const SOURCE: Mac = Mac([2, 0, 0, 0, 2, 1]);
const SERVER: Mac = Mac([2, 0, 0, 0, 2, 2]);

/// What the plain table keeps per flow.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    nexthop: u32,
    last_seen_ms: u32,
    packets: u64,
    bytes: u64,
}

/// A plain forwarder.
#[derive(Debug)]
pub struct Plain {
    table: DashMap<FlowKey, Entry, ahash::RandomState>,
    forwarded: u64,
}

impl Default for Plain {
    fn default() -> Self {
        let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
        Self { table: DashMap::with_hasher(hasher), forwarded: 0 }
    }
}

impl Plain {
    /// Enters the flow of a frame.
    pub fn establish(&mut self, frame: &[u8]) {
        if let Some((key, _)) = flow_key(frame) {
            self.table.insert(key, Entry::default());
        }
    }

    /// Forwards a frame of a known flow.
    pub fn forward(&mut self, frame: &mut [u8]) {
        let Some((key, l3_offset)) = flow_key(frame) else { return };
        if let Some(mut entry) = self.table.get_mut(&key) {
            entry.packets += 1;
            entry.bytes += frame.len() as u64;
            entry.last_seen_ms = entry.nexthop + 1;
            evenkeel_packet::rewrite(frame, l3_offset, SOURCE, SERVER);
            self.forwarded += 1;
        }
    }

    /// Frames forwarded.
    #[must_use]
    pub const fn forwarded(&self) -> u64 {
        self.forwarded
    }
}

fn flow_key(frame: &[u8]) -> Option<(FlowKey, u8)> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let (source_port, destination_port) = match packet.transport? {
        TransportSlice::Tcp(tcp) => (tcp.source_port(), tcp.destination_port()),
        TransportSlice::Udp(udp) => (udp.source_port(), udp.destination_port()),
        _ => return None,
    };
    let l3_offset = 14 + 4 * packet.link_exts.len() as u8;
    let key = match packet.net? {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            let protocol = header.protocol().0;
            let (source, destination) = (header.source(), header.destination());
            FlowKey::V4(FlowKey4::new(source, destination, source_port, destination_port, protocol))
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            let (source, destination) = (header.source(), header.destination());
            let protocol = header.next_header().0;
            FlowKey::V6(FlowKey6::new(source, destination, source_port, destination_port, protocol))
        }
        NetSlice::Arp(_) => return None,
    };
    Some((key, l3_offset))
}
