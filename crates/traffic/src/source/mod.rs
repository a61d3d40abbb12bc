//! From which addresses and ports a client opens its sockets: a walk that a seed determines.
//!
//! Knows no sockets. Ports are chosen here and not by the kernel, so that a run with the same seed has the same 5-tuples.

mod permutation;

use ipnet::IpNet;
use permutation::Permutation;
use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Source ports are 16384 to 32767: below what Linux gives to others (`ip_local_port_range`).
const PORT_BITS: u32 = 14;
const FIRST_PORT: u16 = 1 << PORT_BITS;

/// Which sources a client uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SourceSpec {
    /// The address that the kernel's route gives.
    #[default]
    Any,
    /// The host addresses of a prefix.
    Cidr(IpNet),
    /// These, in their order, from the front again when all were used; the port is chosen when there is none.
    List(Vec<(IpAddr, Option<u16>)>),
}

/// Why sources can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Not a prefix.
    #[error("\"{0}\" is no prefix; allowed: ADDRESS/LENGTH, as in 198.18.0.0/16 or 2001:db8:1::/112")]
    NotACidr(String),
    /// The file can't be read.
    #[error("{}: {error}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line of the file isn't a source.
    #[error("{}:{line}:1: \"{text}\" is no source; allowed: ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT", file.display())]
    NotASource {
        /// The file.
        file: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// The file holds no source.
    #[error("{}: there is no source in it", .0.display())]
    Empty(PathBuf),
    /// A source of the other family can't reach the address.
    #[error("the sources ({sources}) and the address ({address}) are not of one family")]
    Family {
        /// A source.
        sources: String,
        /// Where to connect.
        address: SocketAddr,
    },
}

impl SourceSpec {
    /// The host addresses of a prefix; host bits that are set count for nothing.
    ///
    /// # Errors
    /// When the text isn't a prefix.
    pub fn cidr(text: &str) -> Result<Self, SourceError> {
        let net: IpNet = text.parse().map_err(|_| SourceError::NotACidr(text.to_owned()))?;
        Ok(Self::Cidr(net.trunc()))
    }

    /// A file with one source a line; empty lines and what follows a `#` are left out.
    ///
    /// # Errors
    /// When the file can't be read, at the first line that isn't a source, and when there is none.
    pub fn file(file: &Path) -> Result<Self, SourceError> {
        let unreadable = |error| SourceError::Unreadable { file: file.to_owned(), error };
        let text = fs::read_to_string(file).map_err(unreadable)?;
        let mut list = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let text = line.split('#').next().unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            let not_a_source =
                || SourceError::NotASource { file: file.to_owned(), line: index + 1, text: text.to_owned() };
            list.push(parse_listed(text).ok_or_else(not_a_source)?);
        }
        if list.is_empty() {
            return Err(SourceError::Empty(file.to_owned()));
        }
        Ok(Self::List(list))
    }

    fn example_of_other_family(&self, address: IpAddr) -> Option<IpAddr> {
        let other = |candidate: &IpAddr| candidate.is_ipv4() != address.is_ipv4();
        match self {
            Self::Any => None,
            Self::Cidr(net) => Some(net.addr()).filter(other),
            Self::List(list) => list.iter().map(|(address, _)| *address).find(|address| other(address)),
        }
    }
}

fn parse_listed(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some((address.ip(), Some(address.port()).filter(|port| *port != 0)));
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    Some((bare.parse().ok()?, None))
}

/// The seed, or one from the clock when it is 0, as mconnect has it.
pub fn seed_or_clock(seed: u64) -> u64 {
    if seed != 0 {
        return seed;
    }
    let now_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    // Kept below 2^53, so that no JSON reader rounds it.
    (now_ns as u64 & ((1 << 53) - 1)).max(1)
}

/// The walk over all sources: one for every socket that is opened.
///
/// No address comes twice before each has come once; the same holds for ports.
#[derive(Debug)]
pub struct Sources {
    spec: SourceSpec,
    unspecified: IpAddr,
    hosts: Permutation,
    ports: Permutation,
    next_host: u64,
    next_port: u64,
}

impl Sources {
    /// The walk of this seed toward `address`.
    ///
    /// # Errors
    /// When a source is of the other family.
    pub fn new(spec: &SourceSpec, address: SocketAddr, seed: u64) -> Result<Self, SourceError> {
        if let Some(other) = spec.example_of_other_family(address.ip()) {
            return Err(SourceError::Family { sources: other.to_string(), address });
        }
        let host_bits = match spec {
            SourceSpec::Cidr(net) => u32::from(net.max_prefix_len() - net.prefix_len()).min(64),
            SourceSpec::Any | SourceSpec::List(_) => 0,
        };
        let unspecified =
            if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        Ok(Self {
            spec: spec.clone(),
            unspecified,
            hosts: Permutation::new(host_bits, seed),
            ports: Permutation::new(PORT_BITS, seed),
            next_host: 0,
            next_port: 0,
        })
    }

    /// Whether sockets are bound to an address of ours, which need not be on an interface.
    pub fn are_given(&self) -> bool {
        self.spec != SourceSpec::Any
    }

    /// The next source.
    pub fn draw(&mut self) -> SocketAddr {
        let drawn = match &self.spec {
            SourceSpec::Any => (self.unspecified, None),
            SourceSpec::Cidr(net) => (draw_host(net, &self.hosts, &mut self.next_host), None),
            SourceSpec::List(list) => {
                let index = self.next_host as usize % list.len().max(1);
                self.next_host += 1;
                list.get(index).copied().unwrap_or((self.unspecified, None))
            }
        };
        let (address, port) = drawn;
        SocketAddr::new(address, port.unwrap_or_else(|| self.draw_port()))
    }

    fn draw_port(&mut self) -> u16 {
        let offset = self.ports.at(self.next_port) as u16;
        self.next_port += 1;
        FIRST_PORT + offset
    }
}

/// The next host address of the prefix in the order of the permutation; at most two are left out in a round.
fn draw_host(net: &IpNet, hosts: &Permutation, next: &mut u64) -> IpAddr {
    loop {
        let host = hosts.at(*next);
        *next = next.wrapping_add(1);
        let address = match net {
            IpNet::V4(net) => IpAddr::from(Ipv4Addr::from(u32::from(net.network()) | host as u32)),
            IpNet::V6(net) => IpAddr::from(Ipv6Addr::from(u128::from(net.network()) | u128::from(host))),
        };
        if is_host(net, address) {
            return address;
        }
    }
}

/// Whether a host may have the address: not IPv4's network and broadcast, not IPv6's subnet-router anycast (RFC 4291
/// §2.6.1); with less than two host bits every one (RFC 3021, RFC 6164).
fn is_host(net: &IpNet, address: IpAddr) -> bool {
    if net.max_prefix_len() - net.prefix_len() < 2 {
        return true;
    }
    match net {
        IpNet::V4(_) => address != net.network() && address != net.broadcast(),
        IpNet::V6(_) => address != net.network(),
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Cidr(net) => net.fmt(f),
            Self::List(list) => write!(f, "{} listed", list.len()),
        }
    }
}

#[cfg(test)]
mod tests;
