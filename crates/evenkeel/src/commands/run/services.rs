//! The services of a configuration, as lines for the operator.

use super::say;
use evenkeel_control::Config;
use evenkeel_nexthop::{Protocol, ServiceSpec};

pub(super) fn say(config: &Config) {
    for service in &config.services {
        let served = served(service);
        say::note(format_args!(
            "service {}: {} {served} to group {}",
            service.name, service.vip, service.group
        ));
    }
}

/// Protocol and ports, a few of them if there are many.
fn served(service: &ServiceSpec) -> String {
    const SAID: usize = 8;
    let protocol = match service.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Any => "any",
    };
    let ports: Vec<_> = service.ports.iter().take(SAID).map(u16::to_string).collect();
    match service.ports.len() {
        0 => protocol.to_owned(),
        count if count > SAID => format!("{protocol} {} and {} more", ports.join(","), count - SAID),
        _ => format!("{protocol} {}", ports.join(",")),
    }
}
