//! How long a flow may be idle, by what its client has shown.

/// Idle times after which a flow is over, in milliseconds, each below 2^31.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Default for Timeouts {
    fn default() -> Self {
        Self { tcp_syn_ms: 10_000, tcp_established_ms: 300_000, tcp_closing_ms: 10_000, udp_ms: 60_000 }
    }
}
