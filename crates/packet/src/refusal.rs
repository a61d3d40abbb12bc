//! Why a packet has no flow key, and what that makes of the frame.

use crate::{Class, FlowKey, Fragment, FragmentKey, Malformed, NotOurs, Outcome, Packet};
use etherparse::ip_number;

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

/// What is known of a datagram whose IP header is whole, whatever comes behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Datagram {
    /// Addresses as in [`FragmentKey`].
    pub(crate) addresses: FlowKey,
    pub(crate) fragment: Fragment,
    pub(crate) l3_offset: u8,
}

impl Datagram {
    /// The outcome for a frame of this datagram that has no flow key.
    #[cold]
    pub(crate) fn refused(self, refusal: Refusal) -> Outcome {
        let first = match self.fragment {
            Fragment::First(id) => Some(FragmentKey { addresses: self.addresses, id }),
            Fragment::Whole | Fragment::Later(_) => None,
        };
        let reason = match refusal {
            Refusal::NotOurs(NotOurs::IcmpOther) if first.is_some() => return self.first_of_kernels_icmp(),
            Refusal::NotOurs(reason) => return Outcome::NotOurs(reason),
            Refusal::Malformed(reason) => reason,
            Refusal::Cut(_) if first.is_some() => Malformed::FirstFragmentHeader,
            Refusal::Cut(reason) => reason,
        };
        Outcome::Malformed { destination: self.addresses.destination(), reason, fragment: first }
    }

    /// ICMP for the kernel is otherwise not ours, but of a first fragment the walk must remember it: see
    /// [`Class::Other`].
    fn first_of_kernels_icmp(self) -> Outcome {
        let icmp = match self.addresses {
            FlowKey::V4(_) => ip_number::ICMP,
            FlowKey::V6(_) => ip_number::IPV6_ICMP,
        };
        Outcome::Ours(Packet {
            key: self.addresses.without_ports(icmp.0),
            class: Class::Other,
            fragment: self.fragment,
            l3_offset: self.l3_offset,
        })
    }
}
