//! A lab on one machine: a client, a load balancer and servers with real nginx, each in a network namespace.
//!
//! Servers hold the VIPs on their loopback and answer the client directly, past the load balancer. The lab
//! lays the ground only: what forwards on the load balancer ([`daemon`], [`kernel`]) is started by who uses it.
//! Interfaces exist in the namespaces alone; nothing of the machine's own network is touched. One lab stands
//! at a time on a machine, the next one waits.

pub mod config;
pub mod daemon;
pub mod ground;
pub mod kernel;
pub mod namespace;
pub mod owner;
pub mod plan;
pub mod process;
pub mod server;
mod wiring;

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use nix::unistd::Uid;

use ground::Ground;
use namespace::Namespace;
use server::Server;

/// How the load balancer reaches the client and the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// `eth1` to the client, `eth2` to a switch with all servers.
    Switched,
    /// `eth1` to the client, and a link of its own to each server: `eth2`, `eth3` … It goes down with the server.
    Direct,
    /// `eth1` alone, on one switch with the client and all servers.
    OneArmed,
}

/// What to lay.
#[derive(Clone, Copy, Debug)]
pub struct LabSpec {
    /// Number of servers, 1 to 10.
    pub servers: u8,
    /// The shape of the load balancer's links.
    pub wiring: Wiring,
    /// Receive and transmit queues of each of the load balancer's interfaces, and of the client's end.
    pub queues: u8,
}

impl Default for LabSpec {
    fn default() -> Self {
        Self { servers: 3, wiring: Wiring::Switched, queues: 1 }
    }
}

/// A lab that stands. Dropping it removes everything that it laid and everything that runs in it.
#[derive(Debug)]
pub struct Lab {
    spec: LabSpec,
    client: Namespace,
    balancer: Namespace,
    switch: Namespace,
    servers: Vec<Server>,
    ground: Ground,
}

impl Lab {
    /// Lays the lab and starts nginx on every server.
    ///
    /// # Errors
    /// Without root, when a program of `scripts/setup.sh` is missing, or when the kernel refuses.
    pub fn lay(spec: LabSpec) -> Result<Self> {
        ensure!((1..=10).contains(&spec.servers), "{} servers; a lab has 1 to 10", spec.servers);
        let ground = Ground::take()?;
        fs::create_dir(ground.directory().join("www")).context("what nginx serves")?;
        let client = ground.namespace("client")?;
        let balancer = ground.namespace("lb")?;
        let switch = ground.namespace("switch")?;
        let mut servers = Vec::new();
        for number in 1..=spec.servers {
            let namespace = ground.namespace(&format!("s{number}"))?;
            servers.push(Server::new(number, namespace, ground.directory()));
        }
        let mut lab = Self { spec, client, balancer, switch, servers, ground };
        wiring::wire(&lab).context("the lab can't be wired")?;
        for server in &mut lab.servers {
            server.start_nginx()?;
        }
        Ok(lab)
    }

    /// What it was laid as.
    pub fn spec(&self) -> LabSpec {
        self.spec
    }

    /// The client's namespace.
    pub fn client(&self) -> &Namespace {
        &self.client
    }

    /// The load balancer's namespace.
    pub fn balancer(&self) -> &Namespace {
        &self.balancer
    }

    /// The switch's namespace. Its port `lb` leads to the load balancer, where one is on the switch.
    pub fn switch(&self) -> &Namespace {
        &self.switch
    }

    /// The servers, `s1` first.
    pub fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// A server to change, by its index from 0.
    ///
    /// # Panics
    /// When there is no such server.
    pub fn server_mut(&mut self, index: usize) -> &mut Server {
        &mut self.servers[index]
    }

    /// Adds an empty namespace to the lab, which is removed with it.
    ///
    /// # Errors
    /// When the lab has one of this role already.
    pub fn annex(&self, role: &str) -> Result<Namespace> {
        self.ground.namespace(role)
    }

    /// Where files of this lab belong; removed with it.
    pub fn directory(&self) -> PathBuf {
        self.ground.directory()
    }

    /// What nginx serves under `/files/`, the same on every server.
    pub fn served_files(&self) -> PathBuf {
        self.directory().join("www")
    }

    /// The load balancer's interfaces, the client's side first.
    pub fn interfaces(&self) -> Vec<String> {
        let count = match self.spec.wiring {
            Wiring::OneArmed => 1,
            Wiring::Switched => 2,
            Wiring::Direct => 1 + self.servers.len(),
        };
        (1..=count).map(|number| format!("eth{number}")).collect()
    }

    /// How the load balancer reaches server `index` (from 0): address and interface, of the VIP's family.
    pub fn nexthop(&self, index: usize, vip: IpAddr) -> (IpAddr, String) {
        let number = index as u8 + 1;
        let ((address4, address6), interface) = match self.spec.wiring {
            Wiring::OneArmed => (plan::server_switch(number), "eth1".to_owned()),
            Wiring::Switched => (plan::server_switch(number), "eth2".to_owned()),
            Wiring::Direct => (plan::server_link(number), format!("eth{}", index + 2)),
        };
        let address = if vip.is_ipv4() { address4.into() } else { address6.into() };
        (address, interface)
    }
}

/// Whether labs can be laid here, and are wanted; says aloud that a test is skipped when not.
///
/// The environment variable `EVENKEEL_LAB` says more: `off` skips, `required` doesn't allow to.
///
/// # Panics
/// With `EVENKEEL_LAB=required`, when labs can't be laid: a skip would hide that nothing was tested.
pub fn available(test: &str) -> bool {
    let wish = std::env::var("EVENKEEL_LAB").unwrap_or_default();
    if wish == "off" {
        eprintln!("SKIPPED: {test}, for EVENKEEL_LAB=off");
        return false;
    }
    let root = Uid::effective().is_root();
    assert!(root || wish != "required", "{test} needs root, and EVENKEEL_LAB=required");
    if !root {
        eprintln!("SKIPPED: {test} needs root for its network namespaces");
    }
    root
}
