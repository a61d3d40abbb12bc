//! The plain way to do it, as the baseline of ratios: etherparse's `SlicedPacket`, dashmap as it comes, one packet after
//! the other. It knows flows, opens those that it doesn't know and rewrites; nothing else that the walk does.

use crate::frames::Kind;
use crate::rig::AREA;
use crate::traffic::Taker;
use dashmap::DashMap;
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use evenkeel_dataplane::memory::FRAME_SPACING;
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

/// A plain forwarder, with frames in an area like the worker's.
#[derive(Debug)]
pub struct Plain {
    table: DashMap<FlowKey, Entry, ahash::RandomState>,
    area: Vec<u8>,
    /// Lengths of the frames that are written.
    written: Vec<u16>,
    forwarded: u64,
}

impl Default for Plain {
    fn default() -> Self {
        let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
        Self {
            table: DashMap::with_hasher(hasher),
            area: vec![0; AREA * FRAME_SPACING],
            written: Vec::with_capacity(AREA),
            forwarded: 0,
        }
    }
}

impl Taker for Plain {
    fn write_frame(&mut self, frame: &[u8]) {
        let start = self.written.len() * FRAME_SPACING;
        self.area[start..start + frame.len()].copy_from_slice(frame);
        self.written.push(frame.len() as u16);
    }

    fn drain(&mut self) {
        for (frame, &len) in self.area.chunks_exact_mut(FRAME_SPACING).zip(&self.written) {
            self.forwarded += u64::from(forward(&self.table, &mut frame[..usize::from(len)]));
        }
        self.written.clear();
    }

    fn end(&mut self, kind: Kind, flows: &[u32]) {
        for &flow in flows {
            self.table.remove(&kind.key(flow)).expect("the flow is there");
        }
    }
}

impl Plain {
    /// Frames forwarded.
    #[must_use]
    pub const fn forwarded(&self) -> u64 {
        self.forwarded
    }
}

/// Forwards one frame; false if it can't be told which flow it belongs to.
fn forward(table: &DashMap<FlowKey, Entry, ahash::RandomState>, frame: &mut [u8]) -> bool {
    let Some((key, l3_offset)) = flow_key(frame) else { return false };
    let mut entry = table.entry(key).or_default();
    entry.packets += 1;
    entry.bytes += frame.len() as u64;
    entry.last_seen_ms = entry.nexthop + 1;
    evenkeel_packet::rewrite(frame, l3_offset, SOURCE, SERVER);
    true
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
