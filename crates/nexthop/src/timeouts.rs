//! How long a flow may be idle, by what its client has shown.

/// Most different sets of timeouts at a time, those included that only flows still hold.
pub const TIMEOUTS_CAPACITY: usize = 256;

/// Idle times after which a flow is over, in milliseconds, each below 2^31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timeouts {
    /// Half-open TCP: only a SYN was seen.
    pub tcp_syn_ms: u32,
    /// Established or adopted TCP.
    pub tcp_established_ms: u32,
    /// TCP after RST or FIN.
    pub tcp_closing_ms: u32,
    /// UDP and every other protocol.
    pub udp_ms: u32,
}

/// The number of a set of timeouts. A flow holds the one of its service; it is not used again while one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutsId(pub u8);

/// Sets of timeouts by their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeoutSets([Timeouts; TIMEOUTS_CAPACITY]);

impl Timeouts {
    /// What holds without a configuration.
    pub const DEFAULT: Self =
        Self { tcp_syn_ms: 10_000, tcp_established_ms: 300_000, tcp_closing_ms: 10_000, udp_ms: 60_000 };

    /// The longest of them, in milliseconds.
    #[must_use]
    pub fn longest_ms(&self) -> u32 {
        self.tcp_syn_ms.max(self.tcp_established_ms).max(self.tcp_closing_ms).max(self.udp_ms)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TimeoutSets {
    /// The same timeouts for every number.
    #[must_use]
    pub const fn all(timeouts: Timeouts) -> Self {
        Self([timeouts; TIMEOUTS_CAPACITY])
    }

    /// The set with this number.
    #[inline]
    #[must_use]
    pub fn of(&self, id: TimeoutsId) -> &Timeouts {
        // always there: as many sets as numbers
        self.0.get(usize::from(id.0)).unwrap_or(&Timeouts::DEFAULT)
    }

    pub(crate) fn set(&mut self, id: TimeoutsId, timeouts: Timeouts) {
        if let Some(set) = self.0.get_mut(usize::from(id.0)) {
            *set = timeouts;
        }
    }
}

impl Default for TimeoutSets {
    fn default() -> Self {
        Self::all(Timeouts::DEFAULT)
    }
}
