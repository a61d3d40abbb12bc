//! Frames to parse, and what is asked of the outcomes.

use crate::{FlowKey, FlowKey4, FlowKey6, FragmentKey, Mac, Malformed, NotOurs, Outcome, Packet, parse};
use etherparse::{IpFragOffset, IpNumber, Ipv4Header, Ipv6Header, TcpHeader, UdpHeader};
use std::net::IpAddr;

pub(crate) const OWN: Mac = Mac([2, 0, 0, 0, 1, 1]);
pub(crate) const PEER: Mac = Mac([2, 0, 0, 0, 9, 9]);

pub(crate) const CLIENT4: [u8; 4] = [203, 0, 113, 7];
pub(crate) const VIP4: [u8; 4] = [192, 0, 2, 10];
pub(crate) const ROUTER4: [u8; 4] = [198, 51, 100, 254];
pub(crate) const CLIENT6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
pub(crate) const VIP6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
pub(crate) const ROUTER6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe];

pub(crate) const CLIENT_PORT: u16 = 49152;
pub(crate) const PORT: u16 = 443;

pub(crate) const HOP_BY_HOP: u8 = 0;
pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ROUTING: u8 = 43;
pub(crate) const FRAGMENT: u8 = 44;
pub(crate) const GRE: u8 = 47;
pub(crate) const ICMPV6: u8 = 58;
pub(crate) const NO_NEXT_HEADER: u8 = 59;
pub(crate) const DESTINATION_OPTIONS: u8 = 60;
pub(crate) const SCTP: u8 = 132;

/// A frame to [`OWN`] with tags and EtherType of these values, the last one that of `l3`.
pub(crate) fn tagged(kinds: &[u16], l3: &[u8]) -> Vec<u8> {
    let mut frame = [OWN.0, PEER.0].concat();
    for (number, kind) in kinds.iter().enumerate() {
        frame.extend(kind.to_be_bytes());
        if number + 1 < kinds.len() {
            frame.extend([0x60, 100 + number as u8]);
        }
    }
    frame.extend(l3);
    frame
}

/// An untagged frame to [`OWN`], its EtherType by the version of `l3`.
pub(crate) fn frame(l3: &[u8]) -> Vec<u8> {
    tagged(&[if l3[0] >> 4 == 4 { 0x0800 } else { 0x86dd }], l3)
}

/// IPv4 from client to VIP.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_with(protocol, payload, |_| {})
}

/// IPv4 from client to VIP, its header changed before the lengths and the checksum are written.
pub(crate) fn ipv4_with(protocol: u8, payload: &[u8], change: impl FnOnce(&mut Ipv4Header)) -> Vec<u8> {
    let mut header = Ipv4Header::new(0, 64, IpNumber(protocol), CLIENT4, VIP4).unwrap();
    change(&mut header);
    header.set_payload_len(payload.len()).unwrap();
    header.header_checksum = header.calc_header_checksum();
    [&header.to_bytes(), payload].concat()
}

/// A fragment of an IPv4 datagram; offset in units of 8 bytes.
pub(crate) fn ipv4_fragment(protocol: u8, id: u16, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    ipv4_with(protocol, payload, |header| {
        header.identification = id;
        header.dont_fragment = false;
        header.more_fragments = more;
        header.fragment_offset = IpFragOffset::try_new(offset).unwrap();
    })
}

/// IPv6 from client to VIP.
pub(crate) fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    ipv6_between(CLIENT6, VIP6, next_header, payload)
}

pub(crate) fn ipv6_between(
    source: [u8; 16],
    destination: [u8; 16],
    next_header: u8,
    payload: &[u8],
) -> Vec<u8> {
    let header = Ipv6Header {
        payload_length: payload.len() as u16,
        next_header: IpNumber(next_header),
        hop_limit: 64,
        source,
        destination,
        ..Ipv6Header::default()
    };
    [&header.to_bytes()[..], payload].concat()
}

/// An extension header of `units` + 1 times 8 bytes in front of `behind`. A routing header has no segments left.
pub(crate) fn extension(next_header: u8, units: u8, behind: &[u8]) -> Vec<u8> {
    let mut header = vec![0; (usize::from(units) + 1) * 8];
    header[..2].copy_from_slice(&[next_header, units]);
    header.extend(behind);
    header
}

/// A routing header of type 4 (RFC 8754) in front of `behind`.
pub(crate) fn routing(next_header: u8, segments_left: u8, behind: &[u8]) -> Vec<u8> {
    [&[next_header, 2, 4, segments_left], &[0; 20][..], behind].concat()
}

/// A fragment header in front of `behind`; offset in units of 8 bytes.
pub(crate) fn fragment_header(next_header: u8, id: u32, offset: u16, more: bool, behind: &[u8]) -> Vec<u8> {
    let place = (offset << 3 | u16::from(more)).to_be_bytes();
    [&[next_header, 0], &place[..], &id.to_be_bytes(), behind].concat()
}

/// A TCP segment from client to service with these flags, as in byte 13 of the header, and 12 bytes of data.
pub(crate) fn tcp(flags: u8) -> Vec<u8> {
    let mut segment = TcpHeader::new(CLIENT_PORT, PORT, 1, 1024).to_bytes().to_vec();
    segment[13] = flags;
    segment.extend(*b"Hello, world");
    segment
}

/// A UDP datagram from client to service with 8 bytes of data.
pub(crate) fn udp() -> Vec<u8> {
    let header = UdpHeader { source_port: CLIENT_PORT, destination_port: PORT, length: 16, checksum: 0 };
    [&header.to_bytes()[..], b"datagram"].concat()
}

pub(crate) fn key4(source_port: u16, destination_port: u16, protocol: u8) -> FlowKey {
    FlowKey::V4(FlowKey4::new(CLIENT4, VIP4, source_port, destination_port, protocol))
}

pub(crate) fn key6(source_port: u16, destination_port: u16, protocol: u8) -> FlowKey {
    FlowKey::V6(FlowKey6::new(CLIENT6, VIP6, source_port, destination_port, protocol))
}

/// The outcome for a whole frame.
pub(crate) fn outcome(frame: &[u8]) -> Outcome {
    parse(frame, frame.len(), OWN)
}

/// The packet in a frame that must be ours.
#[track_caller]
pub(crate) fn ours(frame: &[u8]) -> Packet {
    match outcome(frame) {
        Outcome::Ours(packet) => packet,
        other => panic!("not ours but {other:?}"),
    }
}

#[track_caller]
pub(crate) fn assert_not_ours(frame: &[u8], reason: NotOurs) {
    assert_eq!(outcome(frame), Outcome::NotOurs(reason));
}

/// Asserts a malformed frame to the VIP of its family that is no first fragment.
#[track_caller]
pub(crate) fn assert_malformed(frame: &[u8], reason: Malformed) {
    assert_malformed_first(frame, reason, None);
}

/// Asserts a malformed frame to the VIP of its family, and the datagram of which it is the first fragment.
#[track_caller]
pub(crate) fn assert_malformed_first(frame: &[u8], reason: Malformed, fragment: Option<FragmentKey>) {
    let destination = if frame[12] == 0x08 { IpAddr::from(VIP4) } else { IpAddr::from(VIP6) };
    let outcome = outcome(frame);
    let Outcome::Malformed { key, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(outcome, Outcome::Malformed { destination, key, reason, fragment });
}
