//! Frames of clients: written once, then only addressed anew. The last four bytes say whose frame it is.

use crate::flows::Signal;
use crate::world::{self, PORTS, SCTP, TARGETS};
use etherparse::{IpHeaders, IpNumber, Ipv4Header, Ipv6Header, PacketBuilder, PacketBuilderStep};
use std::collections::HashMap;
use std::net::IpAddr;

const CLIENT: [u8; 6] = [2, 0, 0, 0, 1, 99];
/// Room for the number at the end.
const TAIL: [u8; 8] = [0; 8];

/// A frame by target and signal.
pub(crate) struct Frames {
    templates: HashMap<(u8, Signal), Template>,
}

struct Template {
    bytes: Vec<u8>,
    /// Offset of the client's address in bytes.
    address: usize,
    /// Offset of the client's port, where there is one.
    port: Option<usize>,
}

impl Frames {
    pub(crate) fn new() -> Self {
        let targets = 0..TARGETS.len() as u8;
        let templates = targets.flat_map(|target| {
            let possible = Signal::ALL.into_iter().filter(move |signal| signal.is_possible(target));
            possible.map(move |signal| ((target, signal), Template::new(target, signal)))
        });
        Self { templates: templates.collect() }
    }

    /// The frame of a client, with a number at its end.
    pub(crate) fn frame(&mut self, target: u8, client: u32, signal: Signal, number: u32) -> &[u8] {
        let template = self.templates.get_mut(&(target, signal)).expect("all are there");
        let (address, port) = world::source(target, client);
        template.set(address, port);
        let end = template.bytes.len() - 4;
        template.bytes[end..].copy_from_slice(&number.to_be_bytes());
        &template.bytes
    }
}

/// The number at the end of a frame.
pub(crate) fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(*frame.last_chunk().expect("frames are longer"))
}

impl Template {
    fn new(target: u8, signal: Signal) -> Self {
        let (vip, protocol, _) = TARGETS[usize::from(target)];
        let is_ipv6 = vip.contains(':');
        let bytes = if signal == Signal::IcmpError { icmp_error(target) } else { packet(target, signal) };
        // within the packet that an ICMP error quotes, the client is the destination
        let (l3, address) = match (signal == Signal::IcmpError, is_ipv6) {
            (false, false) => (14, 12),
            (false, true) => (14, 8),
            (true, false) => (14 + 20 + 8, 16),
            (true, true) => (14 + 40 + 8, 24),
        };
        let l4 = l3 + if is_ipv6 { 40 } else { 20 } + if signal == Signal::IcmpError { 2 } else { 0 };
        Self { bytes, address: l3 + address, port: (protocol != SCTP).then_some(l4) }
    }

    fn set(&mut self, address: IpAddr, port: u16) {
        let Self { bytes, address: at, port: port_at } = self;
        match address {
            IpAddr::V4(address) => bytes[*at..*at + 4].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => bytes[*at..*at + 16].copy_from_slice(&address.octets()),
        }
        if let Some(at) = *port_at {
            bytes[at..at + 2].copy_from_slice(&port.to_be_bytes());
        }
    }
}

fn from_client(source: IpAddr, destination: IpAddr) -> PacketBuilderStep<IpHeaders> {
    PacketBuilder::ethernet2(CLIENT, PORTS[0].0).ip(headers(source, destination))
}

fn headers(source: IpAddr, destination: IpAddr) -> IpHeaders {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let header = Ipv4Header::new(0, 64, IpNumber(0), source.octets(), destination.octets());
            IpHeaders::Ipv4(header.expect("it is short"), Default::default())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let (source, destination) = (source.octets(), destination.octets());
            let header = Ipv6Header { source, destination, hop_limit: 64, ..Default::default() };
            IpHeaders::Ipv6(header, Default::default())
        }
        _ => panic!("two families"),
    }
}

fn packet(target: u8, signal: Signal) -> Vec<u8> {
    let (vip, protocol, port) = TARGETS[usize::from(target)];
    let (source, source_port) = world::source(target, 0);
    let ip = from_client(source, vip.parse().expect("an address"));
    let mut frame = Vec::new();
    let written = match signal {
        Signal::Datagram if protocol == SCTP => ip.write(&mut frame, IpNumber(SCTP), &[TAIL; 2].concat()),
        Signal::Datagram => ip.udp(source_port, port).write(&mut frame, &TAIL),
        _ => {
            let tcp = ip.tcp(source_port, port, 1, 1024);
            let tcp = match signal {
                Signal::Syn => tcp.syn(),
                Signal::Fin => tcp.fin().ack(1),
                Signal::Rst => tcp.rst(),
                _ => tcp.ack(1),
            };
            tcp.write(&mut frame, &TAIL)
        }
    };
    written.expect("memory takes it");
    frame
}

/// "Fragmentation needed" or "packet too big" about a packet from the VIP to the client.
fn icmp_error(target: u8) -> Vec<u8> {
    let (vip, protocol, port) = TARGETS[usize::from(target)];
    let vip: IpAddr = vip.parse().expect("an address");
    let (client, client_port) = world::source(target, 0);
    let quoted = PacketBuilder::ip(headers(vip, client));
    let (mut quote, mut frame) = (Vec::new(), Vec::new());
    if protocol == 6 {
        quoted.tcp(port, client_port, 1, 1).write(&mut quote, &TAIL).expect("memory takes it");
    } else {
        quoted.udp(port, client_port).write(&mut quote, &TAIL).expect("memory takes it");
    }
    let router: IpAddr =
        if vip.is_ipv4() { [203, 0, 113, 77].into() } else { [0x2001, 0xdb8, 9, 0, 0, 0, 0, 7].into() };
    let ip = from_client(router, vip);
    let written = if vip.is_ipv4() {
        ip.icmpv4_raw(3, 4, [0, 0, 5, 0]).write(&mut frame, &quote)
    } else {
        ip.icmpv6_raw(2, 0, [0, 0, 5, 0]).write(&mut frame, &quote)
    };
    written.expect("memory takes it");
    frame
}
