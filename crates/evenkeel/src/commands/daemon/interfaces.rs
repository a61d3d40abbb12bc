//! `evenkeel interfaces`: where frames come in and leave.

use super::Show;
use crate::print::Columns;
use anyhow::Result;
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::{InterfaceQueue, Interfaces};

/// List the interfaces, and what the kernel counts of their sockets.
///
/// `to workers` and `to kernel` are frames as the XDP program sent them; the second table has a line for each queue.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evenkeel interfaces --json")]
pub(crate) struct Args {
    #[command(flatten)]
    show: Show,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    args.show.answer(Client::interfaces, text)
}

fn text(interfaces: &Interfaces) -> String {
    let headings = [
        "interface",
        ">number",
        "link",
        "mac",
        ">mtu",
        "xdp",
        "access",
        ">queues",
        ">to workers",
        ">to kernel",
    ];
    let mut columns = Columns::new(&headings);
    for interface in &interfaces.interfaces {
        columns.line([
            interface.name.clone(),
            interface.ifindex.to_string(),
            if interface.up { "up" } else { "down" }.to_owned(),
            interface.mac.clone(),
            interface.mtu.to_string(),
            interface.xdp.clone(),
            interface.access.clone(),
            interface.queues.len().to_string(),
            interface.xdp_redirected.to_string(),
            interface.xdp_passed.to_string(),
        ]);
    }
    format!("{columns}\n{}", queues(interfaces))
}

/// A line for each socket: frames that never reached a worker, and wrong descriptors.
fn queues(interfaces: &Interfaces) -> String {
    let headings = [
        "interface",
        ">queue",
        ">rx ring full",
        ">fill ring empty",
        ">rx dropped",
        ">rx invalid",
        ">tx invalid",
    ];
    let mut columns = Columns::new(&headings);
    for interface in &interfaces.interfaces {
        for InterfaceQueue {
            queue,
            rx_ring_full,
            rx_fill_ring_empty,
            rx_dropped,
            rx_invalid_descriptors,
            tx_invalid_descriptors,
        } in &interface.queues
        {
            columns.line([
                interface.name.clone(),
                queue.to_string(),
                rx_ring_full.to_string(),
                rx_fill_ring_empty.to_string(),
                rx_dropped.to_string(),
                rx_invalid_descriptors.to_string(),
                tx_invalid_descriptors.to_string(),
            ]);
        }
    }
    columns.to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use evenkeel_control::api::model::Interface;

    pub(crate) fn interface(name: &str, up: bool) -> Interface {
        Interface {
            name: name.into(),
            ifindex: 12,
            mac: "02:00:00:00:01:01".into(),
            mtu: 1500,
            up,
            xdp: "native".into(),
            access: "copy".into(),
            xdp_passed: 7,
            xdp_redirected: 123_456,
            queues: vec![InterfaceQueue { queue: 0, rx_ring_full: 3, ..InterfaceQueue::default() }],
        }
    }

    #[test]
    fn interfaces_then_their_queues() {
        let want = "\
interface  number  link  mac                 mtu  xdp     access  queues  to workers  to kernel
eth1           12  up    02:00:00:00:01:01  1500  native  copy         1      123456          7
eth2           12  down  02:00:00:00:01:01  1500  native  copy         1      123456          7

interface  queue  rx ring full  fill ring empty  rx dropped  rx invalid  tx invalid
eth1           0             3                0           0           0           0
eth2           0             3                0           0           0           0
";
        assert_eq!(
            text(&Interfaces { interfaces: vec![interface("eth1", true), interface("eth2", false)] }),
            want
        );
    }
}
