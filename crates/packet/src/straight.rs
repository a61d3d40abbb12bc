//! The straight way: a whole TCP or UDP datagram right behind its IP header, which is nearly all there is.
//!
//! It says the same as [`parse`](crate::parse()), in what fits into registers. What it doesn't take is begun anew by the
//! winding way, which reads any frame.

use crate::l4::{self, Payload};
use crate::{Class, FlowKey, FlowKey4, FlowKey6, Fragment, Mac, Outcome, Packet, TcpSignal, ethernet};
use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice, TcpHeaderSlice, ether_type, ip_number};

/// Length of an IPv6 header in bytes.
const IPV6_LEN: usize = 40;

/// A whole TCP or UDP datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Straight {
    /// Over IPv4.
    V4(Segment<FlowKey4>),
    /// Over IPv6 without extension headers.
    V6(Segment<FlowKey6>),
}

/// A TCP segment or UDP datagram of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<K> {
    /// 5-tuple from client to server.
    pub key: K,
    /// What TCP's flags mean to the flow; `None`: UDP.
    pub tcp: Option<TcpSignal>,
    /// Offset of the IP header from the start of the frame, in bytes: 14, 18 or 22.
    pub l3_offset: u8,
}

/// Reads a frame as [`parse`](crate::parse()) does, if it is one of the many. `None` says nothing about it.
#[inline(always)]
#[must_use]
pub fn straight(frame: &[u8], wire_len: usize, own: Mac) -> Option<Straight> {
    let (kind, l3_offset) = ethernet::strip(frame, own).ok()?;
    let l3 = frame.get(l3_offset..)?;
    let datagram_wire_len = wire_len.checked_sub(l3_offset)?;
    match kind {
        ether_type::IPV4 => {
            let (key, tcp) = ipv4(l3, datagram_wire_len)?;
            Some(Straight::V4(Segment { key, tcp, l3_offset: l3_offset as u8 }))
        }
        ether_type::IPV6 => {
            let (key, tcp) = ipv6(l3, datagram_wire_len)?;
            Some(Straight::V6(Segment { key, tcp, l3_offset: l3_offset as u8 }))
        }
        _ => None,
    }
}

/// Ports, and what TCP's flags mean.
type L4 = (u16, u16, Option<TcpSignal>);

#[inline(always)]
fn ipv4(l3: &[u8], wire_len: usize) -> Option<(FlowKey4, Option<TcpSignal>)> {
    let header = Ipv4HeaderSlice::from_slice(l3).ok()?;
    let (header_len, total_len) = (header.slice().len(), usize::from(header.total_len()));
    if header.ttl() <= 1 || total_len > wire_len || header.is_fragmenting_payload() {
        return None;
    }
    // none if the total length is less than the header's
    let bytes = l3.get(header_len..total_len.min(l3.len()))?;
    let protocol = header.protocol();
    let (source_port, destination_port, tcp) =
        l4(protocol, Payload { bytes, declared_len: total_len - header_len })?;
    let (source, destination) = (header.source(), header.destination());
    Some((FlowKey4::new(source, destination, source_port, destination_port, protocol.0), tcp))
}

#[inline(always)]
fn ipv6(l3: &[u8], wire_len: usize) -> Option<(FlowKey6, Option<TcpSignal>)> {
    let header = Ipv6HeaderSlice::from_slice(l3).ok()?;
    let declared_len = usize::from(header.payload_length());
    let end = IPV6_LEN + declared_len;
    if header.hop_limit() <= 1 || end > wire_len {
        return None;
    }
    let bytes = l3.get(IPV6_LEN..end.min(l3.len()))?;
    let protocol = header.next_header();
    let (source_port, destination_port, tcp) = l4(protocol, Payload { bytes, declared_len })?;
    let (source, destination) = (header.source(), header.destination());
    Some((FlowKey6::new(source, destination, source_port, destination_port, protocol.0), tcp))
}

#[inline(always)]
fn l4(protocol: IpNumber, payload: Payload<'_>) -> Option<L4> {
    match protocol {
        ip_number::TCP => {
            let header = TcpHeaderSlice::from_slice(payload.bytes).ok()?;
            Some((header.source_port(), header.destination_port(), Some(l4::signal(&header))))
        }
        ip_number::UDP => {
            let header = l4::udp(payload, Fragment::Whole).ok()?;
            Some((header.source_port(), header.destination_port(), None))
        }
        _ => None,
    }
}

impl From<Straight> for Outcome {
    fn from(straight: Straight) -> Self {
        let (key, tcp, l3_offset) = match straight {
            Straight::V4(Segment { key, tcp, l3_offset }) => (FlowKey::V4(key), tcp, l3_offset),
            Straight::V6(Segment { key, tcp, l3_offset }) => (FlowKey::V6(key), tcp, l3_offset),
        };
        let class = tcp.map_or(Class::Udp, Class::Tcp);
        Self::Ours(Packet { key, class, fragment: Fragment::Whole, l3_offset })
    }
}
