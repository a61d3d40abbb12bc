//! How the mixed capture is made: frames of each sort in an order drawn from a fixed sequence.

use crate::OWN;
use crate::frames::{FRAME_LEN, Kind, ROUTER, SplitMix, VIP4, ipv4, ipv6};
use crate::rig::AREA;
use evenkeel_capture::CaptureWriter;
use std::collections::{BTreeSet, VecDeque};

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;
const PUSH: u8 = 0x18;
const FIN: u8 = 0x11;

/// Time from one frame to the next, in nanoseconds.
const GAP_NS: u64 = 1000;
/// Flows of each kind among which packets are drawn.
const FLOWS: u64 = 4096;
/// Connections and datagrams have numbers of their own above those.
const FIRST_CONNECTION: u32 = 1 << 16;
const FIRST_DATAGRAM: u32 = 1 << 17;

/// What must become of the frames of one replay.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// Frames that leave to a nexthop.
    pub forwarded: u64,
    /// Frames left to the kernel.
    pub punted: u64,
    /// Malformed frames.
    pub dropped: u64,
    /// Connections that open and close: new flows in every replay.
    pub connections: u64,
    /// Flows of datagrams, whole or in fragments: new in the first replay.
    pub datagram_flows: u64,
}

/// Draws frames until the area is full.
struct Maker {
    random: SplitMix,
    frames: Vec<Vec<u8>>,
    /// What was begun and goes on among the frames to come.
    begun: VecDeque<Vec<u8>>,
    datagrams: BTreeSet<u32>,
    expected: Expected,
}

/// The bytes of the capture, and what must become of its frames. Of a hundred draws 49 are packets of TCP over IPv4, 18
/// over IPv6, 9 behind a VLAN tag, 8 of UDP, 6 are ICMP errors of both families about such flows, 3 open a connection of
/// three packets, 3 begin a datagram in three fragments (every fourth time with the first one last), 3 are the kernel's (ARP,
/// echo, a port that nobody serves), 1 is malformed. What was begun goes on every other draw.
///
/// # Panics
/// Never: memory takes all that is written.
#[must_use]
pub fn make() -> (Vec<u8>, Expected) {
    let mut maker = Maker {
        random: SplitMix(4),
        frames: Vec::new(),
        begun: VecDeque::new(),
        datagrams: BTreeSet::new(),
        expected: Expected::default(),
    };
    // room is left for what was begun
    while maker.frames.len() + maker.begun.len() < AREA - 2 {
        maker.draw();
    }
    maker.frames.extend(maker.begun);
    let mut capture = CaptureWriter::new(Vec::new()).expect("memory takes it");
    for (frame, at) in maker.frames.iter().zip(0..) {
        capture.write(at * GAP_NS, frame.len() as u32, frame).expect("memory takes it");
    }
    maker.expected.datagram_flows = maker.datagrams.len() as u64;
    (capture.finish().expect("memory takes it"), maker.expected)
}

impl Maker {
    fn draw(&mut self) {
        if self.random.draw().is_multiple_of(2)
            && let Some(next) = self.begun.pop_front()
        {
            self.frames.push(next);
        }
        let flow = (self.random.draw() % FLOWS) as u32;
        match self.random.draw() % 100 {
            0..49 => self.established(Kind::Tcp4, flow),
            49..67 => self.established(Kind::Tcp6, flow),
            67..76 => self.established(Kind::Vlan, flow),
            76..84 => {
                self.datagrams.insert(flow);
                self.established(Kind::Udp4, flow);
            }
            84..88 => self.forward(icmp4_error(flow)),
            88..90 => self.forward(icmp6_error(flow)),
            90..93 => self.connection(),
            93..96 => self.fragments(),
            96..99 => self.of_the_kernel(),
            _ => self.malformed(flow),
        }
    }

    fn forward(&mut self, frame: Vec<u8>) {
        self.frames.push(frame);
        self.expected.forwarded += 1;
    }

    fn established(&mut self, kind: Kind, flow: u32) {
        let flags = if self.random.draw().is_multiple_of(2) { ACK } else { PUSH };
        self.forward(of_flow(kind, flags, flow));
    }

    fn connection(&mut self) {
        let flow = FIRST_CONNECTION + self.expected.connections as u32;
        self.begun.extend([ACK, FIN].map(|flags| of_flow(Kind::Tcp4, flags, flow)));
        self.forward(of_flow(Kind::Tcp4, SYN, flow));
        self.expected.forwarded += 2;
        self.expected.connections += 1;
    }

    /// A datagram of three fragments.
    fn fragments(&mut self) {
        let flow = FIRST_DATAGRAM + self.datagrams.len() as u32;
        let id = self.datagrams.range(FIRST_DATAGRAM..).count() as u16;
        self.datagrams.insert(flow);
        let [first, second, third] = [0, 3, 6].map(|offset| fragment(flow, id, offset));
        if id % 4 == 3 {
            self.frames.push(second);
            self.begun.extend([third, first]);
        } else {
            self.frames.push(first);
            self.begun.extend([second, third]);
        }
        self.expected.forwarded += 3;
    }

    fn of_the_kernel(&mut self) {
        let frame = match self.random.draw() % 3 {
            0 => arp(),
            1 => icmp4(&[8, 0, 0, 0, 0, 1, 0, 1]),
            _ => {
                let mut frame = of_flow(Kind::Tcp4, SYN, 0);
                frame[37] = 81;
                frame
            }
        };
        self.frames.push(frame);
        self.expected.punted += 1;
    }

    /// More bytes announced than came.
    fn malformed(&mut self, flow: u32) {
        let mut frame = of_flow(Kind::Tcp4, ACK, flow);
        frame[16] = 0x10;
        self.frames.push(frame);
        self.expected.dropped += 1;
    }
}

fn of_flow(kind: Kind, flags: u8, flow: u32) -> Vec<u8> {
    let mut frame = kind.template(flags);
    kind.set_flow(&mut frame, flow);
    frame
}

/// The fragment at `offset` (units of 8 bytes) of a datagram of 72 bytes with its UDP header.
fn fragment(flow: u32, id: u16, offset: u16) -> Vec<u8> {
    let mut payload = [0; 24];
    if offset == 0 {
        payload[..8].copy_from_slice(&[0x04, 0, 0, 53, 0, 72, 0, 0]);
    }
    let mut frame = ethernet();
    ipv4(&mut frame, 17, &payload);
    let more = u16::from(offset < 6) << 13;
    frame[18..20].copy_from_slice(&id.to_be_bytes());
    frame[20..22].copy_from_slice(&(more | offset).to_be_bytes());
    let ports = [frame[34], frame[35]];
    Kind::Udp4.set_flow(&mut frame, flow);
    if offset > 0 {
        // no ports there
        frame[34..36].copy_from_slice(&ports);
    }
    padded(frame)
}

/// "Fragmentation needed" (RFC 792, RFC 1191) about a packet from the VIP to the client of a TCP flow.
fn icmp4_error(flow: u32) -> Vec<u8> {
    let packet = of_flow(Kind::Tcp4, ACK, flow);
    let mut message = vec![3, 4, 0, 0, 0, 0, 5, 0];
    message.extend(answered(&packet[14..54], 12..16, 20));
    icmp4(&message)
}

/// "Packet too big" (RFC 4443 §3.2) about a packet from the VIP to the client of a TCP flow.
fn icmp6_error(flow: u32) -> Vec<u8> {
    let packet = of_flow(Kind::Tcp6, ACK, flow);
    let mut message = vec![2, 0, 0, 0, 0, 0, 5, 0];
    message.extend(answered(&packet[14..74], 8..24, 40));
    let mut frame = ethernet();
    ipv6(&mut frame, 58, &message);
    padded(frame)
}

/// A packet with addresses and ports exchanged; `source` is where its source address is, `l4` its TCP header.
fn answered(packet: &[u8], source: std::ops::Range<usize>, l4: usize) -> Vec<u8> {
    let mut answer = packet.to_vec();
    let (from, to, len) = (source.start, source.end, source.len());
    answer[from..to].copy_from_slice(&packet[to..to + len]);
    answer[to..to + len].copy_from_slice(&packet[from..to]);
    answer[l4..l4 + 2].copy_from_slice(&packet[l4 + 2..l4 + 4]);
    answer[l4 + 2..l4 + 4].copy_from_slice(&packet[l4..l4 + 2]);
    answer
}

fn icmp4(message: &[u8]) -> Vec<u8> {
    let mut frame = ethernet();
    ipv4(&mut frame, 1, message);
    padded(frame)
}

/// Who has the VIP?
fn arp() -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(ROUTER);
    frame.extend([0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1]);
    frame.extend(ROUTER);
    frame.extend([192, 0, 2, 1, 0, 0, 0, 0, 0, 0]);
    frame.extend(VIP4);
    padded(frame)
}

fn ethernet() -> Vec<u8> {
    [OWN.0, ROUTER].concat()
}

fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(FRAME_LEN), 0);
    frame
}
