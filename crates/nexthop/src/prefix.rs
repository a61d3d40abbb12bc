//! Address prefixes of both families.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An address prefix; the bits behind it are 0. A single address is a prefix of full length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Prefix {
    /// First address of the prefix.
    pub address: IpAddr,
    /// Number of leading bits that count: 0 to 32, or to 128 for IPv6.
    pub len: u8,
}

/// Why a text is not a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// Not an address, alone or before a slash.
    #[error("not an IPv4 or IPv6 address or prefix")]
    Address,
    /// The length is no number or too large.
    #[error("the prefix length is not a number from 0 to {max}")]
    Len {
        /// Bits of an address of this family.
        max: u8,
    },
    /// An address within the prefix instead of its first.
    #[error("host bits are set")]
    HostBits,
}

impl Prefix {
    /// The prefix of this length.
    ///
    /// # Errors
    /// The length is beyond the family's, or host bits are set.
    pub fn new(address: IpAddr, len: u8) -> Result<Self, PrefixError> {
        let max = if address.is_ipv4() { 32 } else { 128 };
        if len > max {
            return Err(PrefixError::Len { max });
        }
        let prefix = Self { address, len };
        if prefix.contains(address) && prefix.first_bits() == bits(address) {
            Ok(prefix)
        } else {
            Err(PrefixError::HostBits)
        }
    }

    /// True if the address lies in the prefix.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && bits(address) & self.mask() == self.first_bits()
    }

    /// The leading bits that count, from the highest bit of the word on.
    fn mask(&self) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(self.len.min(128))).unwrap_or(0)
    }

    fn first_bits(&self) -> u128 {
        bits(self.address) & self.mask()
    }
}

/// An address from the highest bit of the word on.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The first address of the prefix of this length around an address.
pub(crate) fn truncated(address: IpAddr, len: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(len.into())).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(len.into())).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

impl FromStr for Prefix {
    type Err = PrefixError;

    /// Reads `ADDRESS` or `ADDRESS/LEN`.
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| PrefixError::Address)?;
        let max = if address.is_ipv4() { 32 } else { 128 };
        let len = match len {
            None => max,
            Some(len) if len.bytes().all(|b| b.is_ascii_digit()) => {
                len.parse().map_err(|_| PrefixError::Len { max })?
            }
            Some(_) => return Err(PrefixError::Len { max }),
        };
        Self::new(address, len)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn reads_addresses_and_prefixes_of_both_families() {
        assert_eq!(prefix("192.0.2.10"), Prefix { address: [192, 0, 2, 10].into(), len: 32 });
        assert_eq!(prefix("192.0.2.0/24").to_string(), "192.0.2.0/24");
        assert_eq!(prefix("2001:db8::/32").len, 32);
        assert_eq!(prefix("2001:db8::1").len, 128);
        assert_eq!(prefix("0.0.0.0/0").len, 0);
        assert_eq!(prefix("::/0").len, 0);
    }

    #[test]
    fn refuses_what_is_no_prefix() {
        let error = |text: &str| text.parse::<Prefix>().unwrap_err();
        assert_eq!(error("192.0.2.310"), PrefixError::Address);
        assert_eq!(error("/24"), PrefixError::Address);
        assert_eq!(error("192.0.2.0/33"), PrefixError::Len { max: 32 });
        assert_eq!(error("192.0.2.0/+8"), PrefixError::Len { max: 32 });
        assert_eq!(error("192.0.2.0/"), PrefixError::Len { max: 32 });
        assert_eq!(error("2001:db8::/129"), PrefixError::Len { max: 128 });
        assert_eq!(error("192.0.2.11/31"), PrefixError::HostBits);
        assert_eq!(error("2001:db8::1/64"), PrefixError::HostBits);
    }

    #[test]
    fn contains_its_addresses_and_no_others() {
        let contains = |text: &str, address: &str| prefix(text).contains(address.parse().unwrap());
        assert!(contains("192.0.2.0/30", "192.0.2.3"));
        assert!(!contains("192.0.2.0/30", "192.0.2.4"));
        assert!(contains("0.0.0.0/0", "203.0.113.9"));
        assert!(!contains("0.0.0.0/0", "::"));
        assert!(!contains("::/0", "0.0.0.0"));
        assert!(contains("2001:db8::/33", "2001:db8:7fff::1"));
        assert!(!contains("2001:db8::/33", "2001:db8:8000::1"));
    }
}
