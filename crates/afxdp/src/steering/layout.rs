//! Keys and values of the steering program's maps, as bytes. Counterpart of the structs in `bpf/maps.h`.

use super::FrameCounts;
use evenkeel_packet::Mac;
use std::net::IpAddr;

/// `MAX_PORT_LISTS`: port lists that one prefix can have.
pub(super) const MAX_PORT_LISTS: usize = 8;
/// `max_entries` of `interfaces` and `frame_counts`: most ports, and numbers that they can have.
pub const MAX_PORTS: usize = 256;
/// `SERVES_TCP`: every TCP port.
pub(super) const SERVES_TCP: u32 = 1;
/// `SERVES_UDP`: every UDP port.
pub(super) const SERVES_UDP: u32 = 2;
/// `SERVES_OTHER`: every protocol other than TCP, UDP and ICMP.
pub(super) const SERVES_OTHER: u32 = 4;
/// `SERVES_UNSURE`: more port lists than [`MAX_PORT_LISTS`]; the walk decides.
pub(super) const SERVES_UNSURE: u32 = 8;

/// The only key of a map with one slot.
pub(super) const ONLY: [u8; 4] = [0; 4];

/// `struct interface`.
pub(super) fn interface(own: Mac, slot: u16, queues: u32) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..6].copy_from_slice(&own.0);
    bytes[6..8].copy_from_slice(&slot.to_ne_bytes());
    bytes[8..].copy_from_slice(&queues.to_ne_bytes());
    bytes
}

/// `struct key4` or `struct key6`.
pub(super) fn prefix(address: IpAddr, len: u8) -> Vec<u8> {
    let mut bytes = u32::from(len).to_ne_bytes().to_vec();
    match address {
        IpAddr::V4(address) => bytes.extend(address.octets()),
        IpAddr::V6(address) => bytes.extend(address.octets()),
    }
    bytes
}

/// Length of [`prefix`] for an address of this family, in bytes.
pub(super) const fn prefix_len_bytes(is_v6: bool) -> u32 {
    if is_v6 { 20 } else { 8 }
}

/// Length of [`vip`] in bytes.
pub(super) const VIP_LEN_BYTES: u32 = 8 + 4 * MAX_PORT_LISTS as u32;

/// `struct vip`. At most [`MAX_PORT_LISTS`] of the lists are taken.
pub(super) fn vip(serves: u32, lists: &[u32]) -> [u8; VIP_LEN_BYTES as usize] {
    let lists = lists.get(..MAX_PORT_LISTS).unwrap_or(lists);
    let mut bytes = [0; VIP_LEN_BYTES as usize];
    let words = [serves, lists.len() as u32].into_iter().chain(lists.iter().copied());
    for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_ne_bytes());
    }
    bytes
}

/// `struct port_key`: a port that a list holds, for one protocol.
pub(super) fn port(list: u32, protocol: u8, port: u16) -> [u8; 8] {
    let [a, b, c, d] = list.to_ne_bytes();
    let [high, low] = port.to_be_bytes();
    [a, b, c, d, high, low, protocol, 0]
}

/// Length of `struct counts` in bytes.
pub(super) const COUNTS_LEN_BYTES: usize = 16;

/// `struct counts`, one per processor, summed. `None` if the kernel's answer is of another size.
pub(super) fn counts(per_processor: &[Vec<u8>]) -> Option<FrameCounts> {
    let mut sum = FrameCounts::default();
    for bytes in per_processor {
        let (passed, redirected) = bytes.split_at_checked(8)?;
        sum.passed += u64::from_ne_bytes(passed.try_into().ok()?);
        sum.redirected += u64::from_ne_bytes(redirected.try_into().ok()?);
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_the_program_reads() {
        assert_eq!(port(0x0403_0201u32.to_le(), 6, 443), [1, 2, 3, 4, 1, 187, 6, 0]);
        let [address4, address6] = ["192.0.2.0", "2001:db8::"].map(|text| text.parse().unwrap());
        assert_eq!(prefix(address4, 24)[4..], [192, 0, 2, 0]);
        assert_eq!(prefix(address4, 24).len() as u32, prefix_len_bytes(false));
        assert_eq!(prefix(address6, 32).len() as u32, prefix_len_bytes(true));
    }

    #[test]
    fn more_lists_than_fit_are_cut() {
        let lists: Vec<u32> = (1..=20).collect();
        let bytes = vip(SERVES_UNSURE, &lists);
        assert_eq!(bytes[4..8], (MAX_PORT_LISTS as u32).to_ne_bytes());
        assert_eq!(bytes[36..40], 8u32.to_ne_bytes());
    }

    #[test]
    fn counts_are_summed_over_processors() {
        let of = |passed: u64, redirected: u64| [passed.to_ne_bytes(), redirected.to_ne_bytes()].concat();
        let sum = counts(&[of(1, 20), of(300, 4000)]).unwrap();
        assert_eq!(sum, FrameCounts { passed: 301, redirected: 4020 });
        assert_eq!(counts(&[vec![0; 3]]), None);
    }
}
