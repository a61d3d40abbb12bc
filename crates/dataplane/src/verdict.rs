//! What becomes of a packet, and why a dropped one was dropped.

use evenkeel_nexthop::MemberId;
use evenkeel_packet::Malformed;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Rewritten toward a member's nexthop.
    Forward(MemberId),
    /// Left to the kernel, unchanged.
    Punt,
    /// Dropped and counted.
    Drop(DropReason),
}

macro_rules! drop_reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a packet was dropped. The number is the index of its counter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[$doc])* $name,)*
        }

        impl DropReason {
            /// All reasons, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Name of the counter.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

drop_reasons! {
    /// [`Malformed::Ipv4HeaderLength`].
    Ipv4HeaderLength = "ipv4_header_length",
    /// [`Malformed::Ipv4TotalLength`].
    Ipv4TotalLength = "ipv4_total_length",
    /// [`Malformed::Ipv6PayloadLength`].
    Ipv6PayloadLength = "ipv6_payload_length",
    /// [`Malformed::Ipv6ExtensionHeader`].
    Ipv6ExtensionHeader = "ipv6_extension_header",
    /// [`Malformed::Ipv6ExtensionCount`].
    Ipv6ExtensionCount = "ipv6_extension_count",
    /// [`Malformed::TcpHeader`].
    TcpHeader = "tcp_header",
    /// [`Malformed::UdpHeader`].
    UdpHeader = "udp_header",
    /// [`Malformed::IcmpHeader`].
    IcmpHeader = "icmp_header",
    /// [`Malformed::IcmpQuote`].
    IcmpQuote = "icmp_quote",
    /// [`Malformed::FirstFragmentHeader`].
    FirstFragmentHeader = "first_fragment_header",
    /// No nexthop of the group can be used.
    NoNexthop = "no_nexthop",
    /// The transmit ring of the egress interface was full (live only).
    TxRingFull = "tx_ring_full",
    /// The egress interface has gone, from the machine or from the configuration (live only).
    PortGone = "port_gone",
    /// The frame could not be handed back to the kernel (live only).
    PuntFailed = "punt_failed",
}

impl DropReason {
    /// Number of reasons.
    pub const COUNT: usize = Self::ALL.len();

    /// Index of the reason's counter.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// True for reasons that only a live port has: a capture can't make them happen.
    #[must_use]
    pub const fn is_live_only(self) -> bool {
        matches!(self, Self::TxRingFull | Self::PortGone | Self::PuntFailed)
    }
}

impl From<Malformed> for DropReason {
    fn from(reason: Malformed) -> Self {
        match reason {
            Malformed::Ipv4HeaderLength => Self::Ipv4HeaderLength,
            Malformed::Ipv4TotalLength => Self::Ipv4TotalLength,
            Malformed::Ipv6PayloadLength => Self::Ipv6PayloadLength,
            Malformed::Ipv6ExtensionHeader => Self::Ipv6ExtensionHeader,
            Malformed::Ipv6ExtensionCount => Self::Ipv6ExtensionCount,
            Malformed::TcpHeader => Self::TcpHeader,
            Malformed::UdpHeader => Self::UdpHeader,
            Malformed::IcmpHeader => Self::IcmpHeader,
            Malformed::IcmpQuote => Self::IcmpQuote,
            Malformed::FirstFragmentHeader => Self::FirstFragmentHeader,
        }
    }
}
