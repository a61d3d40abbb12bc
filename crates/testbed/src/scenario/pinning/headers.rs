//! What the client's packets carry beside the 5-tuple, and that it really changes: seen on the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::Result;
use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use crate::frames::FrameTap;
use crate::lab::Lab;

/// The traffic class octet and the flow label (0 on IPv4) of each flow's packets.
#[derive(Debug)]
pub(super) struct Headers {
    tap: FrameTap,
    seen: BTreeMap<SocketAddr, BTreeSet<(u8, u32)>>,
}

impl Headers {
    /// From now on new connections negotiate ECN: their data carry ECT, their SYN didn't.
    pub(super) fn settle(lab: &Lab) -> Result<()> {
        lab.client().set(&[("ipv4/tcp_ecn", "1"), ("ipv6/auto_flowlabels", "1")])?;
        lab.servers().iter().try_for_each(|server| server.namespace().set(&[("ipv4/tcp_ecn", "1")]))
    }

    /// Sees what the client sends from now on.
    pub(super) fn watch(lab: &Lab) -> Result<Self> {
        let tap = lab.client().within(|| FrameTap::open("eth0"))??;
        Ok(Self { tap, seen: BTreeMap::new() })
    }

    /// From now on the client's packets have no flow label.
    pub(super) fn drop_flow_labels(&mut self, lab: &Lab) -> Result<()> {
        self.look()?;
        lab.client().set(&[("ipv6/auto_flowlabels", "0")])
    }

    /// Takes what was seen so far.
    pub(super) fn look(&mut self) -> Result<()> {
        let mut buffer = [0; 2048];
        while let Some(frame) = self.tap.next(&mut buffer)? {
            let Ok(packet) = SlicedPacket::from_ethernet(frame) else { continue };
            let Some(TransportSlice::Tcp(tcp)) = &packet.transport else { continue };
            let (address, class, label) = match &packet.net {
                Some(NetSlice::Ipv4(ip)) => {
                    let header = ip.header();
                    let class = header.dcp().value() << 2 | header.ecn().value();
                    (header.source_addr().into(), class, 0)
                }
                Some(NetSlice::Ipv6(ip)) => {
                    let header = ip.header();
                    (header.source_addr().into(), header.traffic_class(), header.flow_label().value())
                }
                _ => continue,
            };
            let source = SocketAddr::new(address, tcp.source_port());
            self.seen.entry(source).or_default().insert((class, label));
        }
        Ok(())
    }

    /// Whether packets of this source were seen with another DSCP, with ECN and without, and over IPv6 with another label.
    pub(super) fn changed(&self, source: SocketAddr) -> bool {
        let Some(seen) = self.seen.get(&source) else { return false };
        let several = |what: fn(&(u8, u32)) -> u32| seen.iter().map(what).collect::<BTreeSet<_>>().len() > 1;
        let dscp = several(|(class, _)| u32::from(class >> 2));
        let ecn = several(|(class, _)| u32::from(class & 3));
        let label = source.is_ipv4() || several(|(_, label)| *label);
        dscp && ecn && label
    }
}
