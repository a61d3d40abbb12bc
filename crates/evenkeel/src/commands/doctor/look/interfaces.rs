//! The interfaces of this network namespace, and what their drivers tell.

use super::super::facts::{Deferral, Interface, Nic, Peer, Seen};
use super::files::{Files, value};
use super::interrupts::{interrupts, numa_node};
use evenkeel_afxdp::ethtool::{self, FlowKind};
use evenkeel_afxdp::xdp_state;
use evenkeel_control::config::Mode;
use evenkeel_routing::{Link, Other, Standing, read_links, read_standings};
use std::io::{self, ErrorKind};

pub(super) fn interfaces(files: &Files, named: Vec<(String, Mode)>) -> Vec<Interface> {
    let links = read_links().map_err(|error| error.to_string());
    let standings = read_standings().map_err(|error| error.to_string());
    let look = |(name, mode): (String, Mode)| {
        let nic = links.as_ref().map_err(Clone::clone).map(|links| {
            let link = links.iter().find(|link| link.name == name)?;
            Some(nic(files, link, links, &standings))
        });
        Interface { name, mode, nic }
    };
    named.into_iter().map(look).collect()
}

fn nic(files: &Files, link: &Link, links: &[Link], standings: &Seen<Vec<Standing>>) -> Nic {
    let name = link.name.as_str();
    let driver = ethtool::driver(name).map_err(|error| format!("the driver of {name}: {error}"));
    let bus_address = driver.as_ref().map(|driver| driver.bus_address.as_str()).map_err(Clone::clone);
    let standing = standings.as_ref().map_err(Clone::clone).and_then(|standings| {
        let standing = standings.iter().find(|standing| standing.ifindex == link.ifindex);
        standing.copied().ok_or_else(|| format!("{name} has just gone"))
    });
    let is_veth = driver.as_ref().is_ok_and(|driver| driver.name == "veth");
    Nic {
        link: link.clone(),
        master: standing.as_ref().map_err(Clone::clone).map(|standing| {
            let master = standing.master?;
            Some(named(links, master).map_or_else(|| format!("interface {master}"), |link| link.name.clone()))
        }),
        queues: if_told(name, "queues", ethtool::receive_queues(name)),
        ring: if_told(name, "the ring", ethtool::receive_ring(name)),
        coalescing: if_told(name, "coalescing", ethtool::coalescing(name)),
        hash: FlowKind::ALL
            .map(|kind| (kind, if_told(name, "hash fields", ethtool::hash_fields(name, kind))))
            .to_vec(),
        offloads: ethtool::offloads(name).map_err(|error| format!("the offloads of {name}: {error}")),
        xdp: xdp_state(link.ifindex).map_err(|error| format!("XDP at {name}: {error}")),
        interrupts: bus_address.clone().and_then(|address| interrupts(files, name, address)),
        deferral: deferral(files, name),
        numa_node: bus_address.and_then(|address| numa_node(files, address)),
        rp_filter: rp_filter(files, name),
        peer: is_veth.then(|| peer(&standing?, links)),
        driver,
    }
}

/// What a driver tells; none if it has nothing of the kind.
fn if_told<T>(name: &str, what: &str, answer: io::Result<T>) -> Seen<Option<T>> {
    match answer {
        Ok(told) => Ok(Some(told)),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(format!("{what} of {name}: {error}")),
    }
}

/// The stricter of the interface's and everybody's.
fn rp_filter(files: &Files, name: &str) -> Seen<u64> {
    let of = |name: &str| value::<u64>(&files.proc(format!("sys/net/ipv4/conf/{name}/rp_filter")));
    Ok(of("all")?.max(of(name)?))
}

fn deferral(files: &Files, name: &str) -> Seen<Deferral> {
    let of = |setting: &str| value(&files.sys(format!("class/net/{name}/{setting}")));
    Ok(Deferral { polls: of("napi_defer_hard_irqs")?, time_ns: of("gro_flush_timeout")? })
}

fn peer(standing: &Standing, links: &[Link]) -> Seen<Peer> {
    match standing.other {
        Some(Other::Here(ifindex)) => {
            let link =
                named(links, ifindex).ok_or_else(|| format!("the other end, {ifindex}, isn't shown"))?;
            let offloads = ethtool::offloads(&link.name)
                .map_err(|error| format!("the offloads of {}: {error}", link.name));
            Ok(Peer::Here { name: link.name.clone(), mtu: link.mtu, offloads })
        }
        Some(Other::Elsewhere { ifindex, namespace }) => Ok(Peer::Elsewhere { ifindex, namespace }),
        None => Err("the kernel doesn't tell the other end".to_owned()),
    }
}

fn named(links: &[Link], ifindex: u32) -> Option<&Link> {
    links.iter().find(|link| link.ifindex == ifindex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_there_and_another_isnt() {
        let named = vec![("lo".to_owned(), Mode::Auto), ("none1".to_owned(), Mode::Auto)];
        let [lo, none] = <[Interface; 2]>::try_from(interfaces(&Files::of_this_machine(), named)).unwrap();
        assert!(none.nic.unwrap().is_none());
        let nic = lo.nic.unwrap().unwrap();
        assert_eq!((nic.link.name.as_str(), nic.link.mac), ("lo", None));
        assert!(nic.offloads.is_ok() && nic.xdp.is_ok() && nic.rp_filter.is_ok());
        assert!(nic.deferral.is_ok(), "{:?}", nic.deferral);
        assert!(nic.peer.is_none() && nic.master == Ok(None));
        assert_eq!(nic.ring, Ok(None), "what a driver doesn't have is no failure");
    }
}
