//! What an IP header says to the headers behind it, of either version; and what becomes of a packet without a flow key.

use crate::{Class, FlowKey, Fragment, FragmentKey, Malformed, NotOurs, Outcome, Packet};
use etherparse::IpNumber;

/// A datagram, or a first fragment, whose IP header and extension headers have been read.
pub(crate) trait Datagram: Copy {
    /// What comes behind the headers read.
    fn protocol(self) -> IpNumber;

    /// Place in the datagram.
    fn fragment(self) -> Fragment;

    /// As in [`Packet`].
    fn l3_offset(self) -> u8;

    /// The 5-tuple with these ports.
    fn key(self, source_port: u16, destination_port: u16) -> FlowKey;

    /// Addresses as in [`FragmentKey`].
    fn addresses(self) -> FlowKey;

    /// The outcome of a packet whose flow key is known.
    fn ours(self, key: FlowKey, class: Class) -> Outcome {
        Outcome::Ours(Packet { key, class, fragment: self.fragment(), l3_offset: self.l3_offset() })
    }

    /// The outcome of a packet that has no flow key, though its ports may be known.
    fn refused(self, refusal: Refusal, ports: Option<Ports>) -> Outcome {
        let addresses = self.addresses();
        let first = match self.fragment() {
            Fragment::First(id) => Some(FragmentKey { addresses, id }),
            Fragment::Whole | Fragment::Later(_) => None,
        };
        let reason = match refusal {
            // The walk must remember it for the later ones: see `Class::Other`.
            Refusal::NotOurs(NotOurs::IcmpOther) if first.is_some() => {
                return self.ours(self.key(0, 0), Class::Other);
            }
            Refusal::NotOurs(reason) => return Outcome::NotOurs(reason),
            Refusal::Malformed(reason) => reason,
            Refusal::Cut(_) if first.is_some() => Malformed::FirstFragmentHeader,
            Refusal::Cut(reason) => reason,
        };
        let key = ports.map(|Ports { source, destination }| self.key(source, destination));
        Outcome::Malformed { destination: addresses.destination(), key, reason, fragment: first }
    }
}

/// Ports of a TCP or UDP header of which more is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    /// The client's.
    pub(crate) source: u16,
    /// The service's.
    pub(crate) destination: u16,
}

/// Why a packet has no flow key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The kernel's.
    NotOurs(NotOurs),
    /// A field of a header is wrong.
    Malformed(Malformed),
    /// A header is not whole. In a first fragment this is [`Malformed::FirstFragmentHeader`], else the reason here.
    Cut(Malformed),
}
