//! What holds for any bytes: of noise, of frames that are nearly right, and of right ones.

use super::frames::*;
use crate::{Class, FlowKey, Fragment, Mac, Malformed, Outcome, Packet, parse, rewrite, winding};
use etherparse::{Ipv4Header, NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;

/// A valid frame of any kind that parse knows.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop_oneof![
        4 => Just(vec![]),
        1 => Just(vec![0x8100]),
        1 => Just(vec![0x88a8, 0x8100]),
        1 => Just(vec![0x8100, 0x88a8])
    ];
    (tags, any_packet(), 0..20usize).prop_map(|(mut kinds, packet, padding)| {
        kinds.push(if packet[0] >> 4 == 4 { 0x0800 } else { 0x86dd });
        let mut frame = tagged(&kinds, &packet);
        frame.extend(vec![0; padding]);
        frame
    })
}

fn any_packet() -> impl Strategy<Value = Vec<u8>> {
    let l4 = prop_oneof![
        any::<u8>().prop_map(|flags| (TCP, TCP, tcp(flags))),
        Just((UDP, UDP, udp())),
        Just((ICMP, ICMPV6, vec![8; 12])),
        Just((ICMP, ICMPV6, [&[3, 1, 0, 0, 0, 0, 0, 0], &ipv4(UDP, &udp())[..]].concat())),
        Just((ICMP, ICMPV6, [&[3, 0, 0, 0, 0, 0, 0, 0], &ipv6(TCP, &tcp(0x10))[..]].concat())),
        Just((SCTP, SCTP, vec![1; 16]))
    ];
    (l4, any::<bool>(), 0..11usize, 0..4u16, any::<bool>(), prop::collection::vec(0..4u8, 0..4)).prop_map(
        |((protocol4, protocol6, l4), is_v6, words, offset, more, extensions)| {
            if is_v6 {
                let (next, payload) =
                    extensions.iter().fold((protocol6, l4), |(next, behind), kind| match kind {
                        0 => (DESTINATION_OPTIONS, extension(next, 1, &behind)),
                        1 => (ROUTING, routing(next, 0, &behind)),
                        2 => (FRAGMENT, fragment_header(next, 7, offset / 3, more, &behind)),
                        _ => (HOP_BY_HOP, extension(next, 0, &behind)),
                    });
                ipv6(next, &payload)
            } else {
                ipv4_with(protocol4, &l4, |header| {
                    header.options = [1; 40][..words * 4].try_into().unwrap();
                    header.dont_fragment = false;
                    header.more_fragments = more;
                    header.fragment_offset = (offset / 3).try_into().unwrap();
                })
            }
        },
    )
}

/// A valid frame with some bytes changed and its end cut off, by the sender or by a capture; its length on the wire.
fn mutated_frame() -> impl Strategy<Value = (Vec<u8>, usize)> {
    let changes = prop::collection::vec((12..80usize, any::<u8>()), 0..6);
    let (cut, missing) = (prop_oneof![2 => Just(0), 1 => 0..60usize], prop_oneof![Just(0), 0..60usize]);
    (any_frame(), changes, cut, missing).prop_map(|(mut frame, changes, cut, missing)| {
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        frame.truncate(frame.len() - cut.min(frame.len()));
        let wire_len = frame.len() + missing;
        (frame, wire_len)
    })
}

/// Parses, asks everything of the packet, rewrites it, and checks what must hold of any bytes.
fn exercise(frame: &[u8], wire_len: usize) {
    let outcome = parse(frame, wire_len, OWN);
    assert_eq!(outcome, winding(frame, wire_len, OWN), "both ways say the same");
    if let Outcome::Ours(packet) = outcome {
        assert_consistent(&packet, frame);
        let mut after = frame.to_vec();
        rewrite(&mut after, packet.l3_offset, OWN, PEER);
        assert_only_a_hop_changed(&packet, frame, &after);
        if after[usize::from(packet.l3_offset) + if is_v4(&packet) { 8 } else { 7 }] > 1 {
            after[..6].copy_from_slice(&OWN.0);
            assert_eq!(parse(&after, wire_len, OWN), outcome);
        }
    }
}

fn is_v4(packet: &Packet) -> bool {
    matches!(packet.key, FlowKey::V4(_))
}

fn assert_consistent(packet: &Packet, frame: &[u8]) {
    assert!([14, 18, 22].contains(&packet.l3_offset));
    assert_eq!(packet.fragment_key(frame).is_some(), packet.fragment != Fragment::Whole);
    if packet.class == Class::Other {
        assert_eq!((packet.key.source_port(), packet.key.destination_port()), (0, 0));
    }
    if !matches!(packet.class, Class::IcmpError { .. }) {
        assert_eq!(packet.destination(frame), packet.key.destination());
    }
    if let (Fragment::Later(_), Some(datagram)) = (packet.fragment, packet.fragment_key(frame)) {
        assert_eq!(datagram.addresses, packet.key);
    }
}

fn assert_only_a_hop_changed(packet: &Packet, before: &[u8], after: &[u8]) {
    let l3 = usize::from(packet.l3_offset);
    let allowed = if is_v4(packet) { &[8, 10, 11][..] } else { &[7] };
    let ttl = l3 + allowed[0];
    assert_eq!(after[ttl], before[ttl] - 1);
    assert_eq!((&after[..6], &after[6..12]), (&PEER.0[..], &OWN.0[..]));
    for at in 12..before.len() {
        assert!(before[at] == after[at] || allowed.contains(&(at.wrapping_sub(l3))), "byte {at}");
    }
    if is_v4(packet) {
        let checksum_is_right = |frame: &[u8]| {
            Ipv4Header::from_slice(&frame[l3..])
                .is_ok_and(|(header, _)| header.header_checksum == header.calc_header_checksum())
        };
        assert!(!checksum_is_right(before) || checksum_is_right(after));
    }
}

/// The 5-tuple that etherparse's own parser finds, if it is TCP or UDP and no fragment.
fn sliced_tuple(frame: &[u8]) -> Option<FlowKey> {
    let sliced = SlicedPacket::from_ethernet(frame).ok()?;
    let (source_port, destination_port, protocol) = match sliced.transport? {
        TransportSlice::Tcp(tcp) => (tcp.source_port(), tcp.destination_port(), TCP),
        TransportSlice::Udp(udp) => (udp.source_port(), udp.destination_port(), UDP),
        _ => return None,
    };
    let (source, destination) = match sliced.net? {
        NetSlice::Ipv4(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        NetSlice::Ipv6(ip) => (ip.header().source_addr().into(), ip.header().destination_addr().into()),
        _ => return None,
    };
    FlowKey::new(source, destination, source_port, destination_port, protocol)
}

fn assert_agrees_with_sliced_packet(frame: &[u8]) {
    let Outcome::Ours(packet) = outcome(frame) else { return };
    if let (Class::Tcp(_) | Class::Udp, Some(sliced)) = (packet.class, sliced_tuple(frame)) {
        assert_eq!(packet.key, sliced);
    }
}

#[test]
fn plain_frames_have_a_tuple_to_agree_on() {
    for frame in [frame(&ipv4(TCP, &tcp(0x10))), tagged(&[0x88a8, 0x8100, 0x86dd], &ipv6(UDP, &udp()))] {
        assert_eq!(sliced_tuple(&frame), Some(ours(&frame).key));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn noise_parses_and_rewrites_without_panic(
        frame in prop::collection::vec(any::<u8>(), 0..200),
        missing in 0..3usize,
        l3_offset in any::<u8>(),
    ) {
        exercise(&frame, frame.len() + missing);
        let mut to_us = frame.clone();
        for (byte, own) in to_us.iter_mut().zip(OWN.0) {
            *byte = own;
        }
        exercise(&to_us, frame.len() + missing);
        let own = Mac(to_us.first_chunk().copied().unwrap_or_default());
        rewrite(&mut to_us, l3_offset, own, PEER);
    }

    #[test]
    fn frames_that_are_nearly_right_keep_all_promises((frame, wire_len) in mutated_frame()) {
        exercise(&frame, wire_len);
        assert_agrees_with_sliced_packet(&frame);
    }

    #[test]
    fn right_frames_agree_with_sliced_packet(frame in any_frame()) {
        exercise(&frame, frame.len());
        assert_agrees_with_sliced_packet(&frame);
    }

    #[test]
    fn cutting_a_frame_short_never_changes_its_flow(frame in any_frame(), len in 0..200usize) {
        let cut = &frame[..len.min(frame.len())];
        if let (Outcome::Ours(of_cut), Outcome::Ours(of_whole)) =
            (parse(cut, frame.len(), OWN), parse(&frame, frame.len(), OWN))
        {
            prop_assert_eq!(of_cut, of_whole);
        }
        if let Outcome::Malformed { reason, .. } = parse(cut, frame.len(), OWN) {
            prop_assert!(!matches!(reason, Malformed::Ipv4TotalLength | Malformed::Ipv6PayloadLength));
        }
    }

    #[test]
    fn a_mended_checksum_is_the_one_computed_anew(
        words in prop::collection::vec(any::<u16>(), 10),
        at in 0..10usize,
        less in any::<u16>(),
    ) {
        let checksum = |words: &[u16]| {
            let sum: u32 = words.iter().copied().map(u32::from).sum();
            let folded = (sum & 0xffff) + (sum >> 16);
            !(((folded & 0xffff) + (folded >> 16)) as u16)
        };
        let mut changed = words.clone();
        let less = (u32::from(less) % (u32::from(words[at]) + 1)) as u16;
        changed[at] -= less;
        // The sum of a header is never zero: its first word is not.
        prop_assume!(changed.iter().any(|&word| word != 0) && words.iter().any(|&word| word != 0));
        prop_assert_eq!(crate::checksum::mended(checksum(&words), less), checksum(&changed));
    }
}
