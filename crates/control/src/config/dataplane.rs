//! `[dataplane]`, `[timeouts]`, and the timeouts of a service.

use super::duration;
use super::fields::{Field, Fields};
use super::report::Report;
use super::{DataplaneConfig, Idle};
use evenkeel_nexthop::Timeouts;
use std::ops::RangeInclusive;

/// Cores that Linux can name in a `cpu_set_t` (`CPU_SETSIZE`).
const CORES: RangeInclusive<u64> = 0..=1023;
const FLOW_CAPACITY: RangeInclusive<u64> = 1..=u32::MAX as u64;
const BURST: RangeInclusive<u64> = 1..=256;
const MAX_INTERFACES: RangeInclusive<u64> = 1..=128;

/// Longest timeout and deadline in milliseconds: 576 hours, the last whole day below 2^31 ms.
pub(crate) const MAX_TIMEOUT_MS: u64 = 24 * 24 * 3_600_000;

/// Reads `[dataplane]`; what is missing or wrong has its default.
pub(super) fn dataplane(table: Option<Fields<'_>>, report: &mut Report<'_>) -> DataplaneConfig {
    let mut config = DataplaneConfig::default();
    let Some(mut fields) = table else { return config };
    config.cores = fields.optional("cores").map(|field| cores(&field, report));
    if let Some(capacity) = integer(&mut fields, "flow_capacity", FLOW_CAPACITY, report) {
        config.flow_capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
    }
    if let Some(burst) = integer(&mut fields, "burst", BURST, report) {
        config.burst = usize::try_from(burst).unwrap_or(usize::MAX);
    }
    if let Some(most) = integer(&mut fields, "max_interfaces", MAX_INTERFACES, report) {
        config.max_interfaces = usize::try_from(most).unwrap_or(usize::MAX);
    }
    let words = [("sleep", Idle::Sleep), ("spin", Idle::Spin), ("busy-poll", Idle::BusyPoll)];
    if let Some(idle) = fields.optional("idle").and_then(|field| field.choice(&words, report)) {
        config.idle = idle;
    }
    if let Some(seed) = integer(&mut fields, "hash_seed", 0..=u64::MAX, report) {
        config.hash_seed = seed;
    }
    fields.finish(report);
    config
}

fn integer(
    fields: &mut Fields<'_>,
    key: &'static str,
    range: RangeInclusive<u64>,
    report: &mut Report<'_>,
) -> Option<u64> {
    fields.optional(key)?.integer(range, report)
}

fn cores(field: &Field<'_>, report: &mut Report<'_>) -> Vec<usize> {
    let cores = field.distinct_integers(CORES, report);
    cores.iter().filter_map(|core| usize::try_from(*core.get_ref()).ok()).collect()
}

/// Reads `[timeouts]`: the idle times of flows, and the deadline of removed nexthops in milliseconds.
pub(super) fn timeouts(table: Option<Fields<'_>>, report: &mut Report<'_>) -> (Timeouts, u64) {
    let mut remove_ms = super::DEFAULT_REMOVE_MS;
    let Some(mut fields) = table else { return (Timeouts::DEFAULT, remove_ms) };
    let timeouts = idle_times(&mut fields, Timeouts::DEFAULT, report);
    if let Some(read_ms) = fields.optional("remove").and_then(|field| deadline_ms(&field, report)) {
        remove_ms = read_ms;
    }
    fields.finish(report);
    (timeouts, remove_ms)
}

/// Reads the `timeouts` of a service; what it doesn't say is as in `[timeouts]`.
pub(super) fn service_timeouts(
    table: Option<Fields<'_>>,
    general: Timeouts,
    report: &mut Report<'_>,
) -> Timeouts {
    let Some(mut fields) = table else { return general };
    let timeouts = idle_times(&mut fields, general, report);
    fields.finish(report);
    timeouts
}

fn idle_times(fields: &mut Fields<'_>, general: Timeouts, report: &mut Report<'_>) -> Timeouts {
    let mut timeouts = general;
    let idle_times = [
        ("tcp_syn", &mut timeouts.tcp_syn_ms),
        ("tcp_established", &mut timeouts.tcp_established_ms),
        ("tcp_closing", &mut timeouts.tcp_closing_ms),
        ("udp", &mut timeouts.udp_ms),
    ];
    for (key, idle_ms) in idle_times {
        let read = fields.optional(key).and_then(|field| duration_ms(&field, 1, report));
        if let Some(read_ms) = read.and_then(|ms| u32::try_from(ms).ok()) {
            *idle_ms = read_ms;
        }
    }
    timeouts
}

/// Reads the deadline of a removed nexthop in milliseconds; zero is at once.
pub(crate) fn deadline_ms(field: &Field<'_>, report: &mut Report<'_>) -> Option<u64> {
    duration_ms(field, 0, report)
}

fn duration_ms(field: &Field<'_>, min_ms: u64, report: &mut Report<'_>) -> Option<u64> {
    let allowed = format!("from {min_ms}ms to 576h (24 days), {}", duration::ALLOWED);
    let parse = |text: &str| match duration::parse_ms(text)? {
        0 if min_ms > 0 => Err("is zero".to_owned()),
        ms if ms > MAX_TIMEOUT_MS => Err("is too long".to_owned()),
        ms => Ok(ms),
    };
    field.parsed(&allowed, parse, report).map(toml::Spanned::into_inner)
}
