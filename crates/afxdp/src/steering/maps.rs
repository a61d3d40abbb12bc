//! The steering program's maps: filled, exchanged, read.

use super::layout;
use super::rules::{ListedPort, Rules, Vip};
use super::{FrameCounts, SteeringError};
use evenkeel_nexthop::ServiceSpec;
use evenkeel_packet::Mac;
use libbpf_rs::libbpf_sys::{BPF_F_NO_PREALLOC, bpf_map_create_opts};
use libbpf_rs::{MapCore, MapFlags, MapHandle, MapType, Object, OpenObject, Result};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Ports that the services may list, each counted once per prefix and protocol. The map holds as many again, since old
/// and new lists are in it together for a moment.
pub(super) const MAX_LISTED_PORTS: usize = 1 << 17;

/// Handles to the maps, and what is in them.
#[derive(Debug)]
pub(super) struct Maps {
    interfaces: MapHandle,
    frame_counts: MapHandle,
    sockets: MapHandle,
    vips4: MapHandle,
    vips6: MapHandle,
    ports: MapHandle,
    /// Queues of each interface.
    queues: u32,
    listed: Vec<ListedPort>,
    next_list: u32,
}

/// Gives the maps their sizes before the program is loaded.
pub(super) fn size(open: &mut OpenObject, sockets: u32) -> Result<()> {
    for mut map in open.maps_mut() {
        match map.name().to_str() {
            Some("sockets") => map.set_max_entries(sockets.max(1))?,
            Some("ports") => map.set_max_entries(2 * MAX_LISTED_PORTS as u32)?,
            _ => {}
        }
    }
    Ok(())
}

/// Whether the map holds the ports that these services list.
pub(super) fn check_services(services: &[ServiceSpec]) -> Result<(), SteeringError> {
    match Rules::new(services, 0).ports.len() {
        count if count > MAX_LISTED_PORTS => Err(SteeringError::TooManyPorts(count)),
        _ => Ok(()),
    }
}

impl Maps {
    /// Finds the maps of a loaded program.
    pub(super) fn of(object: &Object, queues: u32) -> Result<Self> {
        let map = |name: &str| {
            let found = object.maps().find(|map| map.name() == name);
            let missing = || libbpf_rs::Error::from_raw_os_error(libc::ENOENT);
            MapHandle::try_from(&found.ok_or_else(missing)?)
        };
        Ok(Self {
            interfaces: map("interfaces")?,
            frame_counts: map("frame_counts")?,
            sockets: map("sockets")?,
            vips4: map("vips4")?,
            vips6: map("vips6")?,
            ports: map("ports")?,
            queues,
            listed: Vec::new(),
            next_list: 0,
        })
    }

    pub(super) fn set_interface(&self, ifindex: u32, own: Mac, slot: u16) -> Result<(), SteeringError> {
        let value = layout::interface(own, slot, self.queues);
        self.interfaces
            .update(&ifindex.to_ne_bytes(), &value, MapFlags::ANY)
            .map_err(|source| SteeringError::Map { action: "making an interface known to the maps", source })
    }

    /// The program leaves frames of this interface to the kernel from now on.
    pub(super) fn forget_interface(&self, ifindex: u32) {
        // One that isn't there is forgotten already, and nothing else can go wrong.
        let _ = self.interfaces.delete(&ifindex.to_ne_bytes());
    }

    pub(super) fn set_socket(
        &self,
        slot: u16,
        queue: u32,
        socket: BorrowedFd<'_>,
    ) -> Result<(), SteeringError> {
        let key = (u32::from(slot) * self.queues + queue).to_ne_bytes();
        let value = socket.as_raw_fd().to_ne_bytes();
        self.sockets
            .update(&key, &value, MapFlags::ANY)
            .map_err(|source| SteeringError::Map { action: "putting a socket into the maps", source })
    }

    /// Starts the counts of a slot anew.
    pub(super) fn clear_counts(&self, slot: u16) -> Result<(), SteeringError> {
        let processors = libbpf_rs::num_possible_cpus();
        processors
            .and_then(|count| {
                let zero = vec![vec![0; layout::COUNTS_LEN_BYTES]; count];
                self.frame_counts.update_percpu(&u32::from(slot).to_ne_bytes(), &zero, MapFlags::ANY)
            })
            .map_err(|source| SteeringError::Map { action: "clearing the frame counts", source })
    }

    pub(super) fn counts(&self, slot: u16) -> Result<FrameCounts, SteeringError> {
        let slot = u32::from(slot);
        let read = self.frame_counts.lookup_percpu(&slot.to_ne_bytes(), MapFlags::ANY);
        read.and_then(|found| {
            let counts = found.and_then(|per_processor| layout::counts(&per_processor));
            counts.ok_or_else(|| libbpf_rs::Error::from_raw_os_error(libc::EINVAL))
        })
        .map_err(|source| SteeringError::Map { action: "reading the frame counts", source })
    }

    /// Puts new rules in force. The new port lists come first, beside the old ones; then the tries that name them are
    /// exchanged, each by one store; the old lists go last, when no packet can name them any more: the kernel returns
    /// from the exchange of an inner map only when every program that saw the old one has ended.
    pub(super) fn set_services(&mut self, services: &[ServiceSpec]) -> Result<(), SteeringError> {
        let rules = Rules::new(services, self.next_list);
        if rules.ports.len() > MAX_LISTED_PORTS {
            return Err(SteeringError::TooManyPorts(rules.ports.len()));
        }
        let put = self.put(&rules);
        // After a failure the new lists go again, unless one of the tries names them already.
        let gone = match &put {
            Ok(()) => std::mem::replace(&mut self.listed, rules.ports),
            Err(PutError { exchanged: false, .. }) => rules.ports,
            Err(PutError { exchanged: true, .. }) => Vec::new(),
        };
        self.next_list = rules.next_list;
        for port in gone {
            // One that isn't there was not put in either.
            let _ = self.ports.delete(&layout::port(port.list, port.protocol, port.port));
        }
        put.map_err(|error| SteeringError::Map {
            action: "putting services into the maps",
            source: error.source,
        })
    }

    fn put(&self, rules: &Rules) -> std::result::Result<(), PutError> {
        let before = |source| PutError { exchanged: false, source };
        for port in &rules.ports {
            let key = layout::port(port.list, port.protocol, port.port);
            self.ports.update(&key, &[1], MapFlags::ANY).map_err(before)?;
        }
        let of_family = |is_v6| rules.vips.iter().filter(move |vip| vip.address.is_ipv6() == is_v6);
        let new4 = trie(of_family(false), false).map_err(before)?;
        let new6 = trie(of_family(true), true).map_err(before)?;
        exchange(&self.vips4, &new4).map_err(before)?;
        exchange(&self.vips6, &new6).map_err(|source| PutError { exchanged: true, source })
    }
}

/// Why new rules are not in force, and whether a part of them is.
struct PutError {
    exchanged: bool,
    source: libbpf_rs::Error,
}

/// Makes one trie the only inner map of `outer`.
fn exchange(outer: &MapHandle, inner: &MapHandle) -> Result<()> {
    outer.update(&layout::ONLY, &inner.as_fd().as_raw_fd().to_ne_bytes(), MapFlags::ANY)
}

/// A new trie with these VIPs, which are all of one family.
fn trie<'a>(vips: impl Iterator<Item = &'a Vip> + Clone, is_v6: bool) -> Result<MapHandle> {
    let options = bpf_map_create_opts {
        sz: size_of::<bpf_map_create_opts>() as u64,
        map_flags: BPF_F_NO_PREALLOC,
        ..Default::default()
    };
    let size = vips.clone().count().max(1) as u32;
    let key_len = layout::prefix_len_bytes(is_v6);
    let trie =
        MapHandle::create(MapType::LpmTrie, Some("vips"), key_len, layout::VIP_LEN_BYTES, size, &options)?;
    for vip in vips {
        let key = layout::prefix(vip.address, vip.len);
        trie.update(&key, &layout::vip(vip.serves, &vip.lists), MapFlags::ANY)?;
    }
    Ok(trie)
}
