//! A packet and its echo: room for the server's name in front, a number at the end.

use crate::server::NAME_LEN_BYTES;
use std::ops::RangeInclusive;

/// Allowed lengths of a packet, bytes: name and number need 64, a datagram over IPv4 holds 65507.
pub const PACKET_LEN_BYTES: RangeInclusive<usize> = 64..=65507;

const NUMBER_LEN_BYTES: usize = size_of::<u64>();

/// What an echo says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Echo {
    /// It is the echo of this packet.
    Whole,
    /// It is the echo of an earlier packet.
    Stale,
    /// It is no echo of ours.
    Foreign,
}

/// The packet that is sent over and over, each time with the next number.
#[derive(Debug)]
pub(super) struct Packet {
    bytes: Vec<u8>,
    number: u64,
}

impl Packet {
    pub(super) fn new(len_bytes: usize) -> Self {
        Self { bytes: vec![0; len_bytes.max(*PACKET_LEN_BYTES.start())], number: 0 }
    }

    /// The next packet.
    pub(super) fn next(&mut self) -> &[u8] {
        self.number += 1;
        if let Some(end) = self.bytes.last_chunk_mut::<NUMBER_LEN_BYTES>() {
            *end = self.number.to_be_bytes();
        }
        &self.bytes
    }

    /// What `bytes` are, when a packet was sent last.
    pub(super) fn compare(&self, bytes: &[u8]) -> Echo {
        let number = bytes.last_chunk().map(|end| u64::from_be_bytes(*end));
        match number {
            _ if bytes.len() != self.bytes.len() => Echo::Foreign,
            Some(number) if number == self.number => Echo::Whole,
            Some(number) if (1..self.number).contains(&number) => Echo::Stale,
            _ => Echo::Foreign,
        }
    }
}

/// The name of the server that sent this echo: up to the first zero, if it gave one.
pub(super) fn name(bytes: &[u8]) -> Option<&str> {
    let name = bytes.get(..NAME_LEN_BYTES)?.split(|byte| *byte == 0).next()?;
    std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_says_whose_it_is() {
        let mut packet = Packet::new(64);
        let mut echo = packet.next().to_vec();
        assert_eq!((packet.compare(&echo), name(&echo)), (Echo::Whole, None));
        echo[..3].copy_from_slice(b"s1\0");
        assert_eq!((packet.compare(&echo), name(&echo)), (Echo::Whole, Some("s1")));
        packet.next();
        assert_eq!(packet.compare(&echo), Echo::Stale);
    }

    #[test]
    fn what_is_no_echo_is_foreign() {
        let mut packet = Packet::new(100);
        let echo = packet.next().to_vec();
        assert_eq!(packet.compare(&echo[1..]), Echo::Foreign);
        assert_eq!(packet.compare(&[]), Echo::Foreign);
        assert_eq!(packet.compare(&[0; 100]), Echo::Foreign);
        assert_eq!(packet.compare(&[0xff; 100]), Echo::Foreign);
    }
}
