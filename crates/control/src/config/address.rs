//! Addresses as they are written, and which of them nobody can have.

use super::fields::Field;
use super::report::Report;
use evenkeel_nexthop::{Prefix, PrefixError};
use evenkeel_packet::Mac;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use toml::Spanned;

/// What messages say is allowed as a MAC address.
pub(crate) const MAC: &str =
    "six pairs of hexadecimal digits with colons, the address of one station, as 02:00:00:00:02:01";
/// What messages say is allowed as a nexthop's address.
pub(crate) const NEXTHOP: &str =
    "an IPv4 or IPv6 address that one server can have, as 198.51.100.1 or 2001:db8::1";
/// What messages say is allowed as a VIP.
pub(crate) const VIP: &str =
    "an IPv4 or IPv6 address or prefix that can be routed here, as 192.0.2.10, 192.0.2.0/24 or 2001:db8::10";

/// Reads a MAC address of one station.
pub(crate) fn mac(field: &Field<'_>, report: &mut Report<'_>) -> Option<Spanned<Mac>> {
    let parse = |text: &str| check_mac(text.parse().map_err(|_| "is not a MAC address".to_owned())?);
    field.parsed(MAC, parse, report)
}

/// A MAC that one station can have, or why it can't.
pub(crate) fn check_mac(mac: Mac) -> Result<Mac, String> {
    match mac {
        mac if mac == Mac::default() => Err("is the address of nobody".to_owned()),
        mac if mac.is_multicast() => Err("is a group address".to_owned()),
        mac => Ok(mac),
    }
}

/// Reads the address of one server.
pub(crate) fn nexthop(field: &Field<'_>, report: &mut Report<'_>) -> Option<Spanned<IpAddr>> {
    let parse = |text: &str| check_nexthop(text.parse().map_err(|_| not_an_address(text, "an IP address"))?);
    field.parsed(NEXTHOP, parse, report)
}

/// An address that one server can have, or why it can't.
pub(crate) fn check_nexthop(address: IpAddr) -> Result<IpAddr, String> {
    let range = RANGES.iter().find(|range| range.nexthop && range.holds(alone(address)));
    range.map_or(Ok(address), |range| Err(range.complaint()))
}

/// The prefix of this address alone.
pub(crate) fn alone(address: IpAddr) -> Prefix {
    Prefix { address, len: bits(address) }
}

/// Reads the address or prefix of a service.
pub(crate) fn vip(field: &Field<'_>, report: &mut Report<'_>) -> Option<Spanned<Prefix>> {
    field.parsed(VIP, parse_vip, report)
}

fn parse_vip(text: &str) -> Result<Prefix, String> {
    let prefix = text.parse::<Prefix>().map_err(|error| match error {
        PrefixError::Address => not_an_address(text, "an IP address or prefix"),
        PrefixError::Len { max } => format!("has a prefix length that is not a number from 0 to {max}"),
        PrefixError::HostBits => format!("has host bits set{}", without_host_bits(text)),
    })?;
    let range = RANGES.iter().find(|range| range.holds(prefix));
    range.map_or(Ok(prefix), |range| Err(range.complaint()))
}

/// What is wrong with a text that is no address, and perhaps why.
fn not_an_address(text: &str, wanted: &str) -> String {
    let why = match text {
        _ if text.contains('%') => ": it has a zone",
        _ if text.parse::<SocketAddr>().is_ok() => ": it has a port",
        _ if text.parse::<Prefix>().is_ok() => ": it has a prefix length",
        _ => "",
    };
    format!("is not {wanted}{why}")
}

/// The prefix that was probably meant.
fn without_host_bits(text: &str) -> String {
    let parts = text
        .split_once('/')
        .and_then(|(address, len)| Some((address.parse().ok()?, len.parse::<u8>().ok()?)));
    let Some((address, len)) = parts else { return String::new() };
    let host_bits = u32::from(bits(address).saturating_sub(len));
    let network: IpAddr = match address {
        IpAddr::V4(v4) => {
            Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(host_bits).unwrap_or(0)).into()
        }
        IpAddr::V6(v6) => {
            Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(host_bits).unwrap_or(0)).into()
        }
    };
    format!(" (did you mean \"{network}/{len}\"?)")
}

/// Number of bits of addresses of this family.
pub(crate) fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Addresses that a VIP can't have, and mostly no nexthop.
struct Range {
    prefix: Prefix,
    is: &'static str,
    /// False if a server can have one all the same.
    nexthop: bool,
}

impl Range {
    const fn v4(network: [u8; 4], len: u8, is: &'static str, nexthop: bool) -> Self {
        let [a, b, c, d] = network;
        Self { prefix: Prefix { address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), len }, is, nexthop }
    }

    const fn v6(network: u128, len: u8, is: &'static str, nexthop: bool) -> Self {
        Self { prefix: Prefix { address: IpAddr::V6(Ipv6Addr::from_bits(network)), len }, is, nexthop }
    }

    /// True if the whole prefix lies in this range; one that reaches beyond it can have a use (`0.0.0.0/0`).
    fn holds(&self, prefix: Prefix) -> bool {
        prefix.len >= self.prefix.len && self.prefix.contains(prefix.address)
    }

    fn complaint(&self) -> String {
        format!("is {} ({})", self.is, self.prefix)
    }
}

/// IANA special-purpose registries (RFC 6890) as far as they rule an address out. Link-local ones can't be routed to
/// the box (RFC 3927 §2.7, RFC 4291 §2.5.6), but a server beside it may have one.
const RANGES: [Range; 10] = [
    Range::v4([0, 0, 0, 0], 8, "an address of \"this network\"", true),
    Range::v4([127, 0, 0, 0], 8, "a loopback address", true),
    Range::v4([169, 254, 0, 0], 16, "a link-local address", false),
    Range::v4([224, 0, 0, 0], 4, "a multicast address", true),
    Range::v4([255, 255, 255, 255], 32, "the broadcast address", true),
    Range::v6(0, 128, "the unspecified address", true),
    Range::v6(1, 128, "the loopback address", true),
    Range::v6(0xffff << 32, 96, "an IPv4 address written as IPv6", true),
    Range::v6(0xfe80 << 112, 10, "a link-local address", false),
    Range::v6(0xff00 << 112, 8, "a multicast address", true),
];

/// True for an address that says nothing without its interface.
pub(crate) fn needs_interface(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_the_prefix_without_its_host_bits() {
        let cases = [
            ("192.0.2.255/25", " (did you mean \"192.0.2.128/25\"?)"),
            ("192.0.2.255/0", " (did you mean \"0.0.0.0/0\"?)"),
            ("2001:db8::ffff/127", " (did you mean \"2001:db8::fffe/127\"?)"),
            ("2001:db8::ffff/0", " (did you mean \"::/0\"?)"),
        ];
        for (text, hint) in cases {
            assert_eq!(without_host_bits(text), hint);
            assert!(parse_vip(text).unwrap_err().ends_with(hint));
        }
    }

    #[test]
    fn vips_are_addresses_and_prefixes() {
        let good = ["192.0.2.10", "192.0.2.0/24", "192.0.2.10/32", "0.0.0.0/0", "10.0.0.0/8", "240.0.0.0/4"];
        let good6 = ["2001:db8::10", "2001:db8::/32", "2001:DB8::10/128", "::/0", "fc00::/7", "2000::/3"];
        for text in good.into_iter().chain(good6) {
            let prefix = parse_vip(text).unwrap_or_else(|problem| panic!("{text} {problem}"));
            assert_eq!(text.contains('/'), text.ends_with(&format!("/{}", prefix.len)), "{text}");
        }
    }

    #[test]
    fn impossible_vips_are_refused_with_their_reason() {
        let cases = [
            ("", "is not an IP address or prefix"),
            ("192.0.2.310", "is not an IP address or prefix"),
            ("192.0.2.010", "is not an IP address or prefix"),
            ("192.0.2.10:80", "is not an IP address or prefix: it has a port"),
            ("fe80::1%eth0", "is not an IP address or prefix: it has a zone"),
            ("192.0.2.0/24/1", "has a prefix length that is not a number from 0 to 32"),
            ("192.0.2.0/33", "has a prefix length that is not a number from 0 to 32"),
            ("192.0.2.0/", "has a prefix length that is not a number from 0 to 32"),
            ("2001:db8::/-1", "has a prefix length that is not a number from 0 to 128"),
            ("192.0.2.1/24", "has host bits set (did you mean \"192.0.2.0/24\"?)"),
            ("2001:db8::1/64", "has host bits set (did you mean \"2001:db8::/64\"?)"),
            ("0.0.0.0", "is an address of \"this network\" (0.0.0.0/8)"),
            ("127.0.0.1", "is a loopback address (127.0.0.0/8)"),
            ("169.254.0.0/20", "is a link-local address (169.254.0.0/16)"),
            ("224.0.0.0/4", "is a multicast address (224.0.0.0/4)"),
            ("255.255.255.255", "is the broadcast address (255.255.255.255/32)"),
            ("::", "is the unspecified address (::/128)"),
            ("::1", "is the loopback address (::1/128)"),
            ("::ffff:192.0.2.10", "is an IPv4 address written as IPv6 (::ffff:0.0.0.0/96)"),
            ("fe80::1", "is a link-local address (fe80::/10)"),
            ("ff02::/16", "is a multicast address (ff00::/8)"),
        ];
        for (text, problem) in cases {
            assert_eq!(parse_vip(text), Err(problem.to_owned()), "{text}");
        }
    }
}
