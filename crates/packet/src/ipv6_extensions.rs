//! IPv6 extension headers (RFC 8200 §4): a bounded walk along the chain.

use crate::datagram::Refusal;
use crate::{Fragment, Malformed, NotOurs};
use etherparse::{IpNumber, Ipv6FragmentHeaderSlice, Ipv6RawExtHeaderSlice, ip_number};

/// Extension headers that are followed; a packet with more is malformed. Each kind may come once and destination
/// options twice (RFC 8200 §4.1), which makes five.
pub(crate) const MAX_EXTENSIONS: usize = 8;

/// How far a chain of extension headers has been followed. After an error it stands where the error is.
#[derive(Debug)]
pub(crate) struct Chain {
    /// What comes next: at the end the upper-layer protocol, of a later fragment the fragment header's Next Header.
    pub(crate) protocol: IpNumber,
    /// Length of the headers followed, in bytes.
    pub(crate) len_bytes: usize,
    /// By the fragment header; an atomic fragment (RFC 6946) is whole.
    pub(crate) fragment: Fragment,
    /// Next Header of the fragment header, of an atomic one too; without one, of the IPv6 header.
    pub(crate) fragment_protocol: IpNumber,
    fragment_header_seen: bool,
}

impl Chain {
    /// A chain of which nothing has been followed, behind an IPv6 header with this Next Header.
    #[inline]
    pub(crate) fn new(next_header: IpNumber) -> Self {
        Self {
            protocol: next_header,
            len_bytes: 0,
            fragment: Fragment::Whole,
            fragment_protocol: next_header,
            fragment_header_seen: false,
        }
    }

    /// Follows the chain at the start of `payload`, the payload of the IPv6 header, up to the upper-layer header or
    /// behind the fragment header of a later fragment.
    #[inline]
    pub(crate) fn follow(&mut self, payload: &[u8]) -> Result<(), Refusal> {
        if is_extension(self.protocol) { self.follow_headers(payload) } else { Ok(()) }
    }

    fn follow_headers(&mut self, payload: &[u8]) -> Result<(), Refusal> {
        for _ in 0..MAX_EXTENSIONS {
            let rest = payload.get(self.len_bytes..).unwrap_or_default();
            match self.protocol {
                ip_number::IPV6_FRAGMENTATION_HEADER => self.fragment_header(rest)?,
                ip_number::IPV6_HEADER_HOP_BY_HOP if self.len_bytes > 0 => {
                    return Err(Refusal::Malformed(Malformed::Ipv6ExtensionHeader));
                }
                _ => self.header(rest)?,
            }
            if matches!(self.fragment, Fragment::Later(_)) || !is_extension(self.protocol) {
                return Ok(());
            }
        }
        Err(Refusal::Malformed(Malformed::Ipv6ExtensionCount))
    }

    /// Hop-by-hop options, destination options or routing header.
    fn header(&mut self, rest: &[u8]) -> Result<(), Refusal> {
        let header = Ipv6RawExtHeaderSlice::from_slice(rest)
            .map_err(|_| Refusal::Cut(Malformed::Ipv6ExtensionHeader))?;
        if self.protocol == ip_number::IPV6_ROUTE_HEADER {
            // Segments Left, in every type of routing header (RFC 8200 §4.4).
            let [_next, _len, _type, segments_left, ..] = header.slice() else {
                return Err(Refusal::Cut(Malformed::Ipv6ExtensionHeader));
            };
            if *segments_left > 0 {
                return Err(Refusal::NotOurs(NotOurs::RoutingHeader));
            }
        }
        self.protocol = header.next_header();
        self.len_bytes += header.slice().len();
        Ok(())
    }

    fn fragment_header(&mut self, rest: &[u8]) -> Result<(), Refusal> {
        let header = Ipv6FragmentHeaderSlice::from_slice(rest)
            .map_err(|_| Refusal::Cut(Malformed::Ipv6ExtensionHeader))?;
        if self.fragment_header_seen {
            return Err(Refusal::Malformed(Malformed::Ipv6ExtensionHeader));
        }
        self.fragment_header_seen = true;
        self.fragment = match (header.fragment_offset().value(), header.more_fragments()) {
            (0, false) => Fragment::Whole,
            (0, true) => Fragment::First(header.identification()),
            _ => Fragment::Later(header.identification()),
        };
        self.protocol = header.next_header();
        self.fragment_protocol = header.next_header();
        self.len_bytes += header.slice().len();
        Ok(())
    }
}

#[inline]
pub(crate) fn is_extension(protocol: IpNumber) -> bool {
    matches!(
        protocol,
        ip_number::IPV6_HEADER_HOP_BY_HOP
            | ip_number::IPV6_ROUTE_HEADER
            | ip_number::IPV6_FRAGMENTATION_HEADER
            | ip_number::IPV6_DESTINATION_OPTIONS
    )
}
