//! TCP and UDP headers (RFC 9293 §3.1, RFC 768); protocols without ports.

use crate::datagram::{Datagram, Ports, Refusal};
use crate::{Class, Fragment, Malformed, Outcome, TcpSignal};
use etherparse::{TcpHeaderSlice, UdpHeaderSlice, err::tcp::HeaderSliceError, ip_number};

/// Payload of an IP packet, without the padding of the frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payload<'a> {
    /// What the frame holds of it.
    pub(crate) bytes: &'a [u8],
    /// Its length by the IP header, in bytes; more than there are if a capture cut the frame.
    pub(crate) declared_len: usize,
}

impl Payload<'_> {
    /// The ports, which TCP and UDP have in the same place, if they are there.
    fn ports(self) -> Option<Ports> {
        let &[s0, s1, d0, d1] = self.bytes.first_chunk()?;
        Some(Ports { source: u16::from_be_bytes([s0, s1]), destination: u16::from_be_bytes([d0, d1]) })
    }

    /// What is left behind the first `len` bytes.
    #[inline]
    pub(crate) fn behind(self, len: usize) -> Self {
        Self {
            bytes: self.bytes.get(len..).unwrap_or_default(),
            declared_len: self.declared_len.saturating_sub(len),
        }
    }
}

/// Parses the L4 header of a datagram that isn't ICMP of its own family.
pub(crate) fn parse(datagram: impl Datagram, payload: Payload<'_>) -> Outcome {
    let (source_port, destination_port, class) = match datagram.protocol() {
        ip_number::TCP => match tcp(payload) {
            Ok((source_port, destination_port, signal)) => {
                (source_port, destination_port, Class::Tcp(signal))
            }
            Err(refusal) => return datagram.refused(refusal, payload.ports()),
        },
        ip_number::UDP => match udp(payload, datagram.fragment()) {
            Ok(header) => (header.source_port(), header.destination_port(), Class::Udp),
            Err(refusal) => return datagram.refused(refusal, payload.ports()),
        },
        _ => (0, 0, Class::Other),
    };
    datagram.ours(datagram.key(source_port, destination_port), class)
}

/// Ports, and what the flags mean.
#[inline]
fn tcp(payload: Payload<'_>) -> Result<(u16, u16, TcpSignal), Refusal> {
    match TcpHeaderSlice::from_slice(payload.bytes) {
        Ok(header) => Ok((header.source_port(), header.destination_port(), signal(&header))),
        Err(HeaderSliceError::Len(_)) => tcp_without_options(payload),
        Err(HeaderSliceError::Content(_)) => Err(Refusal::Malformed(Malformed::TcpHeader)),
    }
}

/// A header whose options a capture has cut away; on the wire they must have been there.
#[cold]
#[inline(never)]
fn tcp_without_options(payload: Payload<'_>) -> Result<(u16, u16, TcpSignal), Refusal> {
    const CUT: Refusal = Refusal::Cut(Malformed::TcpHeader);
    let mut fixed: [u8; 20] = *payload.bytes.first_chunk().ok_or(CUT)?;
    let words = fixed[12] >> 4;
    if words < 5 {
        return Err(Refusal::Malformed(Malformed::TcpHeader));
    }
    if usize::from(words) * 4 > payload.declared_len {
        return Err(CUT);
    }
    fixed[12] = fixed[12] & 0x0f | 0x50;
    let header = TcpHeaderSlice::from_slice(&fixed).map_err(|_| CUT)?;
    Ok((header.source_port(), header.destination_port(), signal(&header)))
}

#[inline]
pub(crate) fn signal(header: &TcpHeaderSlice<'_>) -> TcpSignal {
    if header.rst() || header.fin() {
        TcpSignal::Close
    } else if header.ack() {
        TcpSignal::Acknowledge
    } else if header.syn() {
        TcpSignal::Open
    } else {
        TcpSignal::Plain
    }
}

/// The length of a fragmented datagram is that of all fragments together, so a first fragment's is not compared.
#[inline]
pub(crate) fn udp(payload: Payload<'_>, fragment: Fragment) -> Result<UdpHeaderSlice<'_>, Refusal> {
    let header = UdpHeaderSlice::from_slice(payload.bytes).map_err(|_| Refusal::Cut(Malformed::UdpHeader))?;
    let len = usize::from(header.length());
    if len < header.slice().len() || (len > payload.declared_len && fragment == Fragment::Whole) {
        return Err(Refusal::Malformed(Malformed::UdpHeader));
    }
    Ok(header)
}
