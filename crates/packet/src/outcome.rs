//! What parsing a frame says: ours to look up, not ours, or malformed with its reason.

use crate::flow_key::FlowKey;
use std::net::IpAddr;

/// What [`parse`](crate::parse()) found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A whole packet whose flow key is known. Whether its destination is a VIP is for the caller to look up.
    Ours(Packet),
    /// The kernel's: left alone without looking at services.
    NotOurs(NotOurs),
    /// Wrong from its destination on. Dropped if `destination` is a VIP, else the kernel's; the kernel's too if its ports
    /// could be read and there is no service for them.
    Malformed {
        /// Destination of the outer IP header.
        destination: IpAddr,
        /// 5-tuple, if the ports could be read before what is wrong.
        key: Option<FlowKey>,
        /// What is wrong.
        reason: Malformed,
        /// Set if the frame is known to be a first fragment: its later ones share its fate.
        fragment: Option<FragmentKey>,
    },
}

/// A frame that parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet {
    /// 5-tuple from client to server. Of an ICMP error: of the quoted packet, reversed. Ports are 0 for protocols
    /// without ports, for later fragments, and for quoted later fragments.
    pub key: FlowKey,
    /// What is transported.
    pub class: Class,
    /// Part of a fragmented datagram, and which. An IPv6 atomic fragment (RFC 6946) is none.
    pub fragment: Fragment,
    /// Offset of the IP header from the start of the frame, in bytes: 14, 18 or 22.
    pub l3_offset: u8,
}

/// What a packet transports, as far as the walk cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// TCP, with what its flags mean to a flow. Of a later fragment: [`Class::Other`].
    Tcp(TcpSignal),
    /// UDP.
    Udp,
    /// A protocol without ports, or a later fragment of any protocol.
    ///
    /// With the key's protocol ICMP (ICMPv6 in IPv6) it can only be a fragment. A first one is the kernel's,
    /// for the reasons of [`NotOurs::IcmpOther`], and is `Ours` only so that its later ones can follow it; whether a
    /// later one belongs to an error or to the kernel only its first one tells.
    Other,
    /// ICMP or ICMPv6 error (types 3, 11, 12; 1 to 4).
    IcmpError {
        /// The quoted packet is a later fragment: its ports can't be known.
        ports_missing: bool,
    },
}

/// What the flags of a TCP segment mean to its flow: RST beats FIN beats SYN, SYN with ACK counts as without SYN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpSignal {
    /// RST or FIN.
    Close,
    /// SYN without ACK.
    Open,
    /// ACK and none of the above (SYN with ACK included).
    Acknowledge,
    /// None of these flags.
    Plain,
}

/// Place of a frame in its datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fragment {
    /// The datagram is whole.
    Whole,
    /// First fragment; identification as on the wire.
    First(u32),
    /// Later fragment; identification as on the wire.
    Later(u32),
}

/// Identity of a fragmented datagram: (source, destination, protocol, id).
///
/// For IPv6 the protocol is the Next Header field of the fragment header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FragmentKey {
    /// Addresses and protocol, ports 0.
    pub addresses: FlowKey,
    /// Identification: 16 bits for IPv4, 32 bits for IPv6.
    pub id: u32,
}

/// Why a frame is the kernel's without a look at services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOurs {
    /// Not addressed to the interface's own MAC.
    OtherMac,
    /// Neither IPv4 nor IPv6 behind at most two VLAN tags, or too short to tell, or its version isn't its EtherType's.
    Unreadable,
    /// TTL or hop limit of 1 or less.
    TtlExpired,
    /// IPv6 routing header with segments left.
    RoutingHeader,
    /// ICMP other than the errors, or an error about ICMP; see [`Class::Other`] for first fragments.
    IcmpOther,
}

/// What is wrong with a frame. Each is a drop reason of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// IPv4 header length below 20 bytes or beyond the datagram (RFC 791 §3.1).
    Ipv4HeaderLength,
    /// IPv4 total length below the header's or beyond the frame.
    Ipv4TotalLength,
    /// IPv6 payload length beyond the frame (RFC 8200 §3).
    Ipv6PayloadLength,
    /// IPv6 extension header cut short, or hop-by-hop options not in front (RFC 8200 §4.1).
    Ipv6ExtensionHeader,
    /// More IPv6 extension headers than are followed.
    Ipv6ExtensionCount,
    /// TCP header cut short or data offset below 5 (RFC 9293 §3.1).
    TcpHeader,
    /// UDP header cut short, length below 8 or, in a whole datagram, beyond it (RFC 768).
    UdpHeader,
    /// ICMP header cut short.
    IcmpHeader,
    /// Packet quoted by an ICMP error unreadable, or its TCP or UDP header cut within the first 8 bytes (RFC 792,
    /// RFC 4443 §2.4).
    IcmpQuote,
    /// First fragment without its whole L4 header (RFC 7112 for IPv6).
    FirstFragmentHeader,
}
