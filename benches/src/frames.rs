//! Frames of generated traffic, with fixed seeds: the same bytes on every machine.

use crate::OWN;
use evenkeel_packet::{FlowKey, FlowKey4, FlowKey6};

/// Length of a generated frame without FCS, in bytes: the smallest that Ethernet has.
pub const FRAME_LEN: usize = 60;

/// MAC of the router from which everything comes.
pub(crate) const ROUTER: [u8; 6] = [2, 0, 0, 0, 1, 99];
const CLIENT4: [u8; 4] = [198, 18, 0, 1];
const CLIENT6: [u8; 16] = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
pub(crate) const VIP4: [u8; 4] = [192, 0, 2, 10];
const VIP6: [u8; 16] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];

/// A permutation of `0..count`, the same each time: what makes access to flows uniform.
#[must_use]
pub fn permutation(count: u32, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    let mut random = SplitMix(seed);
    for at in (1..order.len()).rev() {
        order.swap(at, (random.draw() % (at as u64 + 1)) as usize);
    }
    order
}

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug, Clone, Copy)]
pub struct SplitMix(pub u64);

impl SplitMix {
    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// Kind of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// TCP over IPv4 to 192.0.2.10:80.
    Tcp4,
    /// TCP over IPv6 to `2001:db8::10`, port 80.
    Tcp6,
    /// UDP over IPv4 to 192.0.2.10:53.
    Udp4,
    /// TCP over IPv4 behind one VLAN tag.
    Vlan,
}

impl Kind {
    /// A frame whose flow is set by [`set_flow`](Self::set_flow); `flags` are TCP's.
    #[must_use]
    pub fn template(self, flags: u8) -> Vec<u8> {
        let mut frame = Vec::with_capacity(FRAME_LEN + 20);
        self.write(&mut frame, flags);
        frame
    }

    /// The same, written behind what `frame` holds; it should hold nothing.
    pub fn write(self, frame: &mut Vec<u8>, flags: u8) {
        frame.extend(OWN.0);
        frame.extend(ROUTER);
        match self {
            Self::Tcp4 => ipv4(frame, 6, &tcp(flags)),
            Self::Udp4 => ipv4(frame, 17, &udp()),
            Self::Vlan => {
                frame.extend([0x81, 0x00, 0, 100]);
                ipv4(frame, 6, &tcp(flags));
            }
            Self::Tcp6 => ipv6(frame, 6, &tcp(flags)),
        }
        frame.resize(frame.len().max(FRAME_LEN), 0);
    }

    /// Makes the frame one of flow `flow`: source address and port are a function of the number.
    pub fn set_flow(self, frame: &mut [u8], flow: u32) {
        let port = (1024 + (flow & 0x7fff) as u16).to_be_bytes();
        let client = (flow >> 15).to_be_bytes();
        let (source, l4) = match self {
            Self::Tcp4 | Self::Udp4 => (26, 34),
            Self::Vlan => (30, 38),
            Self::Tcp6 => (34, 54),
        };
        frame[source + 1..source + 4].copy_from_slice(&client[1..]);
        frame[l4..l4 + 2].copy_from_slice(&port);
    }

    /// Key of the flow that [`set_flow`](Self::set_flow) makes.
    #[must_use]
    pub fn key(self, flow: u32) -> FlowKey {
        let port = 1024 + (flow & 0x7fff) as u16;
        let [_, client @ ..] = (flow >> 15).to_be_bytes();
        if self == Self::Tcp6 {
            let mut source = CLIENT6;
            source[13..].copy_from_slice(&client);
            return FlowKey::V6(FlowKey6::new(source, VIP6, port, 80, 6));
        }
        let mut source = CLIENT4;
        source[1..].copy_from_slice(&client);
        let (to_port, protocol) = if self == Self::Udp4 { (53, 17) } else { (80, 6) };
        FlowKey::V4(FlowKey4::new(source, VIP4, port, to_port, protocol))
    }
}

pub(crate) fn ipv4(frame: &mut Vec<u8>, protocol: u8, l4: &[u8]) {
    frame.extend([0x08, 0x00]);
    let total_len = (20 + l4.len()) as u16;
    frame.extend([0x45, 0]);
    frame.extend(total_len.to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, protocol, 0, 0]);
    frame.extend(CLIENT4);
    frame.extend(VIP4);
    frame.extend(l4);
}

pub(crate) fn ipv6(frame: &mut Vec<u8>, protocol: u8, l4: &[u8]) {
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend((l4.len() as u16).to_be_bytes());
    frame.extend([protocol, 64]);
    frame.extend(CLIENT6);
    frame.extend(VIP6);
    frame.extend(l4);
}

fn tcp(flags: u8) -> [u8; 20] {
    [0x04, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0x20, 0, 0, 0, 0, 0]
}

fn udp() -> [u8; 18] {
    [0x04, 0, 0, 53, 0, 18, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_packet::Outcome;

    #[test]
    fn the_key_of_a_flow_is_that_of_its_frame() {
        for kind in [Kind::Tcp4, Kind::Tcp6, Kind::Udp4, Kind::Vlan] {
            let mut frame = kind.template(0x10);
            kind.set_flow(&mut frame, 0x00ab_cdef);
            let Outcome::Ours(packet) = evenkeel_packet::parse(&frame, frame.len(), OWN) else {
                panic!("{kind:?} is ours")
            };
            assert_eq!(packet.key, kind.key(0x00ab_cdef));
        }
    }
}
