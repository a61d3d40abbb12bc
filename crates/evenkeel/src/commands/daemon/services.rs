//! `evenkeel services`: what is balanced.

use super::Show;
use crate::print::{Columns, duration, word};
use anyhow::Result;
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::{Services, Timeouts};

/// List the services, with the idle times of their flows.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evenkeel services --json")]
pub(crate) struct Args {
    #[command(flatten)]
    show: Show,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    args.show.answer(Client::services, text)
}

fn text(services: &Services) -> String {
    let headings = [
        "service",
        "vip",
        "protocol",
        "ports",
        "group",
        ">usable",
        ">tcp syn",
        ">established",
        ">closing",
        ">udp",
    ];
    let mut columns = Columns::new(&headings);
    for service in &services.services {
        let Timeouts { tcp_syn_ms, tcp_established_ms, tcp_closing_ms, udp_ms } = service.timeouts;
        let ports: Vec<_> = service.ports.iter().map(u16::to_string).collect();
        columns.line([
            service.name.clone(),
            service.vip.clone(),
            word(service.protocol),
            if ports.is_empty() { "any".to_owned() } else { ports.join(", ") },
            service.group.clone(),
            service.nexthops_usable.to_string(),
            duration(tcp_syn_ms.into()),
            duration(tcp_established_ms.into()),
            duration(tcp_closing_ms.into()),
            duration(udp_ms.into()),
        ]);
    }
    columns.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_control::api::model::{Protocol, Service};

    #[test]
    fn services_say_their_timeouts() {
        let service = Service {
            name: "dns".into(),
            vip: "2001:db8::10/128".into(),
            protocol: Protocol::Udp,
            ports: vec![53, 5353],
            group: "dns".into(),
            nexthops_usable: 3,
            timeouts: Timeouts {
                tcp_syn_ms: 10_000,
                tcp_established_ms: 300_000,
                tcp_closing_ms: 10_000,
                udp_ms: 500,
            },
        };
        let any = Service { name: "all".into(), protocol: Protocol::Any, ports: vec![], ..service.clone() };
        let want = "\
service  vip               protocol  ports     group  usable  tcp syn  established  closing    udp
dns      2001:db8::10/128  udp       53, 5353  dns         3    10.0s        5m00s    10.0s  500ms
all      2001:db8::10/128  any       any       dns         3    10.0s        5m00s    10.0s  500ms
";
        assert_eq!(text(&Services { services: vec![service, any] }), want);
    }
}
