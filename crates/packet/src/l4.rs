//! TCP and UDP headers (RFC 9293 §3.1, RFC 768); protocols without ports.

use crate::refusal::Refusal;
use crate::{Class, Fragment, Malformed, TcpSignal};
use etherparse::{IpNumber, TcpHeaderSlice, UdpHeaderSlice, err::tcp::HeaderSliceError, ip_number};

/// Payload of an IP packet, without the padding of the frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payload<'a> {
    /// What the frame holds of it.
    pub(crate) bytes: &'a [u8],
    /// Its length by the IP header, in bytes; more than there are if a capture cut the frame.
    pub(crate) declared_len: usize,
}

impl Payload<'_> {
    /// What is left behind the first `len` bytes.
    #[inline]
    pub(crate) fn behind(self, len: usize) -> Self {
        Self {
            bytes: self.bytes.get(len..).unwrap_or_default(),
            declared_len: self.declared_len.saturating_sub(len),
        }
    }
}

/// What a flow key needs of an L4 header.
#[derive(Debug, Clone, Copy)]
pub(crate) struct L4 {
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) class: Class,
}

/// Reads the L4 header of a whole datagram or of a first fragment.
#[inline]
pub(crate) fn read(protocol: IpNumber, payload: Payload<'_>, fragment: Fragment) -> Result<L4, Refusal> {
    match protocol {
        ip_number::TCP => tcp(payload),
        ip_number::UDP => udp(payload, fragment),
        _ => Ok(L4 { source_port: 0, destination_port: 0, class: Class::Other }),
    }
}

#[inline]
fn tcp(payload: Payload<'_>) -> Result<L4, Refusal> {
    let header = TcpHeaderSlice::from_slice(payload.bytes).map_err(|error| match error {
        HeaderSliceError::Len(_) => Refusal::Cut(Malformed::TcpHeader),
        HeaderSliceError::Content(_) => Refusal::Malformed(Malformed::TcpHeader),
    })?;
    Ok(L4 {
        source_port: header.source_port(),
        destination_port: header.destination_port(),
        class: Class::Tcp(signal(&header)),
    })
}

#[inline]
fn signal(header: &TcpHeaderSlice<'_>) -> TcpSignal {
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
fn udp(payload: Payload<'_>, fragment: Fragment) -> Result<L4, Refusal> {
    let header = UdpHeaderSlice::from_slice(payload.bytes).map_err(|_| Refusal::Cut(Malformed::UdpHeader))?;
    let len = usize::from(header.length());
    if len < header.slice().len() || (len > payload.declared_len && fragment == Fragment::Whole) {
        return Err(Refusal::Malformed(Malformed::UdpHeader));
    }
    Ok(L4 {
        source_port: header.source_port(),
        destination_port: header.destination_port(),
        class: Class::Udp,
    })
}
