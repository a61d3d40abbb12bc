//! One flow's entry: 32 bytes, so that an IPv4 flow with its key is 48 bytes and an IPv6 flow 72.

use evenkeel_nexthop::{MemberId, TimeoutSets, Timeouts, TimeoutsId};

/// What the client has shown of a flow; decides its idle timeout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FlowState {
    /// TCP of which only SYNs were seen.
    HalfOpen = 0,
    /// TCP with a packet that has ACK and no SYN, or adopted.
    Established = 1,
    /// TCP after RST or FIN.
    Closing = 2,
    /// UDP and other protocols.
    Datagram = 3,
}

impl FlowState {
    /// Idle timeout of this state in milliseconds.
    #[must_use]
    pub const fn timeout_ms(self, timeouts: &Timeouts) -> u32 {
        match self {
            Self::HalfOpen => timeouts.tcp_syn_ms,
            Self::Established => timeouts.tcp_established_ms,
            Self::Closing => timeouts.tcp_closing_ms,
            Self::Datagram => timeouts.udp_ms,
        }
    }
}

/// Where a flow stands in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct FlowEntry {
    /// Bytes seen, without FCS.
    pub bytes: u64,
    /// Packets in the low 48 bits, then the flags "confirmed", "by a static pin" and "free"; in the highest 10 bits the
    /// number of the timeouts (8 bits) and the state (2 bits), which together say where the idle time stands.
    packed: u64,
    /// Milliseconds of the worker's clock at the last packet, modulo 2^32.
    pub last_seen_ms: u32,
    /// Who serves the flow.
    pub member: MemberId,
    /// Neighbours in the list of unconfirmed flows; meaningless once confirmed. In a free place `older` is the next
    /// free one.
    pub(super) older: Link,
    pub(super) newer: Link,
}

/// Place of a flow in a shard: its number among those of its family, and the family in the highest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Link(u32);

const PACKETS_MASK: u64 = (1 << 48) - 1;
const STATE_SHIFT: u32 = 54;
const STATE_MASK: u64 = 0b11 << STATE_SHIFT;
const CONFIRMED: u64 = 1 << 48;
const BY_PIN: u64 = 1 << 49;
const FREE: u64 = 1 << 52;
const TIMEOUTS_SHIFT: u32 = 56;
const TIMEOUTS_MASK: u64 = 0xff << TIMEOUTS_SHIFT;
const IPV6: u32 = 1 << 31;

impl Link {
    /// No flow.
    pub const NONE: Self = Self(u32::MAX);

    /// IPv4 flow `number` of its shard. A shard has fewer than 2^30 of them.
    #[must_use]
    pub const fn ipv4(number: u32) -> Self {
        Self(number)
    }

    /// IPv6 flow `number` of its shard.
    #[must_use]
    pub const fn ipv6(number: u32) -> Self {
        Self(number | IPV6)
    }

    /// Number among the flows of its family.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0 & !IPV6
    }

    /// True if it is an IPv6 flow.
    #[inline]
    #[must_use]
    pub const fn is_ipv6(self) -> bool {
        self.0 & IPV6 != 0
    }

    /// Number of an IPv4 flow; 2^31 or more if it isn't one.
    #[inline]
    pub(super) const fn number4(self) -> usize {
        self.0 as usize
    }

    /// Number of an IPv6 flow; 2^31 - 1 or more if it isn't one.
    #[inline]
    pub(super) const fn number6(self) -> usize {
        (self.0 ^ IPV6) as usize
    }
}

impl FlowEntry {
    /// A flow whose first packet had `bytes` bytes. Unconfirmed.
    #[must_use]
    pub const fn new(
        member: MemberId,
        state: FlowState,
        timeouts: TimeoutsId,
        now_ms: u32,
        bytes: u64,
    ) -> Self {
        let packed = (timeouts.0 as u64) << TIMEOUTS_SHIFT | (state as u64) << STATE_SHIFT | 1;
        Self { bytes, packed, last_seen_ms: now_ms, member, older: Link::NONE, newer: Link::NONE }
    }

    /// What stands in a free place, and that `next` is the next one.
    pub(super) const fn free(next: Link) -> Self {
        Self { bytes: 0, packed: FREE, last_seen_ms: 0, member: MemberId(0), older: next, newer: Link::NONE }
    }

    /// True if no flow is here.
    #[inline]
    pub(super) const fn is_free(&self) -> bool {
        self.packed & FREE != 0
    }

    /// The next free place after this one, which is free.
    pub(super) const fn next_free(&self) -> Link {
        self.older
    }

    /// Counts a packet and refreshes the flow.
    #[inline]
    pub fn refresh(&mut self, now_ms: u32, bytes: u64) {
        self.last_seen_ms = now_ms;
        self.bytes = self.bytes.wrapping_add(bytes);
        self.packed = self.packed & !PACKETS_MASK | self.packed.wrapping_add(1) & PACKETS_MASK;
    }

    /// Packets seen, modulo 2^48.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.packed & PACKETS_MASK
    }

    /// What the client has shown.
    #[inline]
    #[must_use]
    pub const fn state(&self) -> FlowState {
        match (self.packed & STATE_MASK) >> STATE_SHIFT {
            0 => FlowState::HalfOpen,
            1 => FlowState::Established,
            2 => FlowState::Closing,
            _ => FlowState::Datagram,
        }
    }

    pub(super) fn set_state(&mut self, state: FlowState) {
        self.packed = self.packed & !STATE_MASK | (state as u64) << STATE_SHIFT;
    }

    /// True if a static pin has decided who serves it.
    #[inline]
    #[must_use]
    pub const fn is_by_pin(&self) -> bool {
        self.packed & BY_PIN != 0
    }

    /// Whether a static pin has decided.
    #[must_use]
    pub const fn by_pin(mut self, is_by_pin: bool) -> Self {
        self.packed = self.packed & !BY_PIN | if is_by_pin { BY_PIN } else { 0 };
        self
    }

    /// Which timeouts it follows.
    #[inline]
    #[must_use]
    pub const fn timeouts(&self) -> TimeoutsId {
        TimeoutsId((self.packed >> TIMEOUTS_SHIFT) as u8)
    }

    pub(super) fn set_timeouts(&mut self, timeouts: TimeoutsId) {
        self.packed = self.packed & !TIMEOUTS_MASK | u64::from(timeouts.0) << TIMEOUTS_SHIFT;
    }

    /// A flow that has shown more than a SYN or a single packet: never evicted.
    #[inline]
    #[must_use]
    pub const fn is_confirmed(&self) -> bool {
        self.packed & CONFIRMED != 0
    }

    /// True if nothing changes with a further packet: confirmed, decided by bucket, and following these timeouts.
    #[inline]
    #[must_use]
    pub const fn is_settled(&self, timeouts: TimeoutsId) -> bool {
        let settled = (timeouts.0 as u64) << TIMEOUTS_SHIFT | CONFIRMED;
        self.packed & (TIMEOUTS_MASK | CONFIRMED | BY_PIN) == settled
    }

    pub(super) fn confirm(&mut self) {
        self.packed |= CONFIRMED;
    }

    /// Idle time at which the flow is over, in milliseconds.
    #[inline]
    #[must_use]
    pub fn timeout_ms(&self, sets: &TimeoutSets) -> u32 {
        sets.idle_ms((self.packed >> STATE_SHIFT) as u16)
    }

    /// True once the flow was idle for its timeout or longer.
    #[inline]
    #[must_use]
    pub fn is_over(&self, now_ms: u32, sets: &TimeoutSets) -> bool {
        now_ms.wrapping_sub(self.last_seen_ms) >= self.timeout_ms(sets)
    }

    /// When it will be over, if no packet comes before.
    pub(super) fn over_ms(&self, sets: &TimeoutSets) -> u32 {
        self.last_seen_ms.wrapping_add(self.timeout_ms(sets))
    }
}
