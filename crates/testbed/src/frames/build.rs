//! Frames from clients that nobody is, written byte by byte as a client would: servers have no route back to them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Result, bail};
use etherparse::{IpNumber, NetSlice, PacketBuilder, SlicedPacket, TransportSlice};

use super::mac_of;
use crate::lab::Lab;

/// The MACs of a link.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Whose interface it seems to come from.
    pub near: [u8; 6],
    /// Whom it is for.
    pub far: [u8; 6],
}

/// What a TCP segment says; every one but a SYN has ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// The first of a connection.
    Syn,
    /// One without payload in mid-connection.
    Ack,
    /// The last one.
    Fin,
}

/// Client number `number` of a VIP's family: `198.18.128.0/17` or `2001:db8:f::/96`, behind the lab's own sources.
pub fn client(vip: IpAddr, number: u32) -> SocketAddr {
    let port = 1024 + (number % 60_000) as u16;
    let [_, _, high, low] = number.to_be_bytes();
    match vip {
        IpAddr::V4(_) => (Ipv4Addr::new(198, 18, 128 | high, low), port).into(),
        IpAddr::V6(_) => (Ipv6Addr::new(0x2001, 0xdb8, 0xf, 0, 0, 0, high.into(), low.into()), port).into(),
    }
}

impl Link {
    /// From the client to the load balancer, over the link that they have for themselves.
    ///
    /// # Errors
    /// When they have none.
    pub fn to_balancer(lab: &Lab) -> Result<Self> {
        let near = lab.client().within(|| mac_of("eth0"))??;
        Ok(Self { near, far: lab.balancer().within(|| mac_of("eth1"))?? })
    }

    /// A TCP segment without payload.
    ///
    /// # Errors
    /// When the ends are of different families.
    pub fn tcp(&self, source: SocketAddr, destination: SocketAddr, segment: Segment) -> Result<Vec<u8>> {
        let tcp = match (source.ip(), destination.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => self.ethernet().ipv4(from.octets(), to.octets(), 64),
            (IpAddr::V6(from), IpAddr::V6(to)) => self.ethernet().ipv6(from.octets(), to.octets(), 64),
            _ => bail!("{source} and {destination} are of different families"),
        }
        .tcp(source.port(), destination.port(), 1, 64_240);
        let segment = match segment {
            Segment::Syn => tcp.syn(),
            Segment::Ack => tcp.ack(1),
            Segment::Fin => tcp.fin().ack(1),
        };
        let mut frame = Vec::with_capacity(segment.size(0));
        segment.write(&mut frame, &[])?;
        Ok(frame)
    }

    /// A UDP datagram of 18 bytes.
    ///
    /// # Errors
    /// When the ends are of different families.
    pub fn udp(&self, source: SocketAddr, destination: SocketAddr) -> Result<Vec<u8>> {
        let udp = match (source.ip(), destination.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => self.ethernet().ipv4(from.octets(), to.octets(), 64),
            (IpAddr::V6(from), IpAddr::V6(to)) => self.ethernet().ipv6(from.octets(), to.octets(), 64),
            _ => bail!("{source} and {destination} are of different families"),
        }
        .udp(source.port(), destination.port());
        let mut frame = Vec::with_capacity(udp.size(18));
        udp.write(&mut frame, &[0; 18])?;
        Ok(frame)
    }

    fn ethernet(&self) -> etherparse::PacketBuilderStep<etherparse::Ethernet2Header> {
        PacketBuilder::ethernet2(self.near, self.far)
    }
}

/// Whom a frame is for, and which flow it is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Destination MAC.
    pub to: [u8; 6],
    /// The client's end.
    pub source: SocketAddr,
    /// The service's.
    pub destination: SocketAddr,
    /// TCP or UDP, by its number.
    pub protocol: u8,
}

impl Seen {
    /// A TCP segment or a UDP datagram; `None` for anything else.
    pub fn of(frame: &[u8]) -> Option<Self> {
        let packet = SlicedPacket::from_ethernet(frame).ok()?;
        let (source_port, destination_port, protocol) = match packet.transport.as_ref()? {
            TransportSlice::Tcp(tcp) => (tcp.source_port(), tcp.destination_port(), IpNumber::TCP),
            TransportSlice::Udp(udp) => (udp.source_port(), udp.destination_port(), IpNumber::UDP),
            _ => return None,
        };
        let (source, destination): (IpAddr, IpAddr) = match packet.net.as_ref()? {
            NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
            NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
            NetSlice::Arp(_) => return None,
        };
        Some(Self {
            to: frame.first_chunk().copied()?,
            source: (source, source_port).into(),
            destination: (destination, destination_port).into(),
            protocol: protocol.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::plan::{WEB4, WEB6};

    #[test]
    fn what_is_built_is_seen() {
        let link = Link { near: [2; 6], far: [4; 6] };
        for vip in [IpAddr::from(WEB4), IpAddr::from(WEB6)] {
            let (source, destination) = (client(vip, 70_000), SocketAddr::new(vip, 80));
            let tcp = Seen::of(&link.tcp(source, destination, Segment::Syn).unwrap()).unwrap();
            assert_eq!(tcp, Seen { to: [4; 6], source, destination, protocol: 6 });
            let udp = Seen::of(&link.udp(source, destination).unwrap()).unwrap();
            assert_eq!(udp, Seen { protocol: 17, ..tcp });
        }
        assert_eq!(Seen::of(&[0; 60]), None);
    }

    #[test]
    fn clients_differ() {
        let number = |vip: IpAddr| {
            (0..1 << 16).map(|number| client(vip, number)).collect::<std::collections::BTreeSet<_>>()
        };
        // 32768 addresses of IPv4, each with several ports.
        assert!(number(WEB4.into()).len() == 1 << 16 && number(WEB6.into()).len() == 1 << 16);
        assert!(client(WEB4.into(), u32::MAX).ip() <= IpAddr::from([198, 18, 255, 255]));
    }
}
