//! Static pins, as answers hold them.

use super::super::model::{Pin, Protocol};
use super::flow::end;
use crate::live::PinView;
use evenkeel_nexthop::{PinMatch, PinSpec};

pub(in super::super) fn pin(pin: PinView) -> Pin {
    let PinSpec { matches, group, nexthop, idle_ms, hard_ms } = pin.info.spec;
    let (source, destination, protocol) = match matches {
        PinMatch::Source(prefix) => (prefix.to_string(), None, None),
        PinMatch::Flow(key) => {
            let source = end(key.source(), key.source_port());
            let destination = end(key.destination(), key.destination_port());
            (source, Some(destination), Some(protocol(key.protocol())))
        }
    };
    Pin {
        group,
        nexthop,
        source,
        destination,
        protocol,
        idle_timeout: idle_ms.map(duration),
        hard_timeout: hard_ms.map(duration),
        packets: pin.totals.packets,
        bytes: pin.totals.bytes,
        idle_ms: pin.idle_ms,
        age_ms: pin.age_ms,
    }
}

/// A 5-tuple of a request is of one of two.
const fn protocol(number: u8) -> Protocol {
    match number {
        17 => Protocol::Udp,
        _ => Protocol::Tcp,
    }
}

/// As requests and the configuration write it.
fn duration(ms: u64) -> String {
    match ms {
        ms if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}
