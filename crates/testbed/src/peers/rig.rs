//! The wires of one run: a client and a server, each in a namespace, with the load balancer's namespace between them.
//!
//! One queue on every interface. Nobody but the generator sends a frame: no IPv6, no ARP is needed.

use std::path::PathBuf;

use anyhow::{Context, Result};
use nix::net::if_::if_nametoindex;

use crate::lab::ground::Ground;
use crate::lab::namespace::Namespace;
use crate::lab::plan;

/// The core of whoever makes frames, and of the kernel's work on them until the load balancer has them.
pub(super) const GENERATOR_CORE: usize = 0;
/// The core of whoever forwards them.
pub(super) const FORWARDER_CORE: usize = 1;

/// The client's interface and the server's.
pub(super) const OUTSIDE: &str = "eth0";
/// The load balancer's interface toward the client.
pub(super) const INGRESS: &str = "eth1";
/// The load balancer's interface toward the server.
pub(super) const EGRESS: &str = "eth2";

pub(super) const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 1, 2];
pub(super) const INGRESS_MAC: [u8; 6] = [2, 0, 0, 0, 1, 1];
const EGRESS_MAC: [u8; 6] = [2, 0, 0, 0, 2, 1];
pub(super) const SERVER_MAC: [u8; 6] = [2, 0, 0, 0, 2, 2];

/// The namespaces of one run; dropping it removes them.
#[derive(Debug)]
pub struct Rig {
    client: Namespace,
    balancer: Namespace,
    server: Namespace,
    ground: Ground,
}

impl Rig {
    /// Lays them.
    ///
    /// # Errors
    /// Without root, or when the kernel refuses.
    pub fn lay() -> Result<Self> {
        let ground = Ground::take()?;
        let namespace = |role| {
            let namespace = ground.namespace(role)?;
            let quiet = ["all", "default"].map(|what| format!("ipv6/conf/{what}/disable_ipv6"));
            namespace.set(&quiet.each_ref().map(|setting| (setting.as_str(), "1")))?;
            Ok::<_, anyhow::Error>(namespace)
        };
        let (client, balancer, server) = (namespace("client")?, namespace("lb")?, namespace("server")?);
        cable(&balancer, (INGRESS, INGRESS_MAC), &client, CLIENT_MAC)?;
        cable(&balancer, (EGRESS, EGRESS_MAC), &server, SERVER_MAC)?;
        balancer.ip(&format!(
            "addr add {}/24 dev {INGRESS}\naddr add {}/24 dev {EGRESS}\n",
            plan::BALANCER4,
            plan::BALANCER_SWITCH4
        ))?;
        Ok(Self { client, balancer, server, ground })
    }

    pub(super) fn client(&self) -> &Namespace {
        &self.client
    }

    pub(super) fn balancer(&self) -> &Namespace {
        &self.balancer
    }

    pub(super) fn server(&self) -> &Namespace {
        &self.server
    }

    /// Where files of this run belong.
    pub(super) fn directory(&self) -> PathBuf {
        self.ground.directory()
    }
}

/// A cable from an interface of the load balancer to the outside.
fn cable(balancer: &Namespace, near: (&str, [u8; 6]), far: &Namespace, far_mac: [u8; 6]) -> Result<()> {
    let (interface, near_mac) = near;
    balancer.ip(&format!(
        "link add {interface} address {} type veth peer name {OUTSIDE} address {} netns {}\nlink set {interface} up\n",
        mac_text(near_mac),
        mac_text(far_mac),
        far.path().display()
    ))?;
    far.ip(&format!("link set {OUTSIDE} up\n"))
}

/// A MAC as configurations and commands have it.
pub(super) fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

/// The kernel's number of an interface of the calling thread's namespace.
pub(super) fn index_of(interface: &str) -> Result<u32> {
    if_nametoindex(interface).with_context(|| format!("there is no interface {interface}"))
}
