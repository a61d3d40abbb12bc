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

/// Idle times of one set.
const KINDS: usize = 4;

/// Sets of timeouts by their number: all idle times in one table, since every packet of a known flow asks for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeoutSets([[u32; KINDS]; TIMEOUTS_CAPACITY]);

impl Timeouts {
    /// What holds without a configuration.
    pub const DEFAULT: Self =
        Self { tcp_syn_ms: 10_000, tcp_established_ms: 300_000, tcp_closing_ms: 10_000, udp_ms: 60_000 };

    /// All of them, in the order of their fields.
    const fn all(self) -> [u32; KINDS] {
        [self.tcp_syn_ms, self.tcp_established_ms, self.tcp_closing_ms, self.udp_ms]
    }

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
        Self([timeouts.all(); TIMEOUTS_CAPACITY])
    }

    /// The set with this number.
    #[must_use]
    pub fn of(&self, id: TimeoutsId) -> Timeouts {
        // always there: as many sets as numbers
        let set = self.0.get(usize::from(id.0)).copied().unwrap_or_default();
        let [tcp_syn_ms, tcp_established_ms, tcp_closing_ms, udp_ms] = set;
        Timeouts { tcp_syn_ms, tcp_established_ms, tcp_closing_ms, udp_ms }
    }

    /// One idle time in milliseconds: of the set with the number `place / 4` the one for half-open (`place % 4` is 0),
    /// established (1) or closing TCP (2), or for all else (3). `place` counts modulo 1024.
    #[inline]
    #[must_use]
    pub fn idle_ms(&self, place: u16) -> u32 {
        let all = self.0.as_flattened();
        all.get(usize::from(place) % all.len()).copied().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, id: TimeoutsId, timeouts: Timeouts) {
        if let Some(set) = self.0.get_mut(usize::from(id.0)) {
            *set = timeouts.all();
        }
    }
}

impl Default for TimeoutSets {
    fn default() -> Self {
        Self::all(Timeouts::DEFAULT)
    }
}
