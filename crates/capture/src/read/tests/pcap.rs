//! pcap, and what is no capture at all.

use super::*;

#[test]
fn pcap_of_both_byte_orders_and_precisions() {
    for order in [Little, Big] {
        for (magic, fraction_ns) in [(MICRO, 999_999_000), (NANO, 999_999)] {
            let file = order.pcap(magic, 1, &[(1, 999_999, 1514, &[1, 2, 3]), (u32::MAX, 0, 0, &[])]);
            let expected = [
                (1_000_000_000 + fraction_ns, 1514, vec![1, 2, 3]),
                (4_294_967_295_000_000_000, 0, Vec::new()),
            ];
            assert_eq!(read(file), expected, "{order:?} {magic:x}");
        }
    }
}

#[test]
fn pcap_without_records_is_a_capture() {
    assert!(read(Little.pcap(MICRO, 1, &[])).is_empty());
}

#[test]
fn pcap_fractions_beyond_a_second_carry() {
    assert_eq!(times(Little.pcap(MICRO, 1, &[(1, 1_500_000, 1, &[1])])), [2_500_000_000]);
    let file = Little.pcap(MICRO, 1, &[(u32::MAX, 1_000_000, 1, &[1])]);
    assert_eq!(fault(file), (inside(1, 24), Fault::Time));
}

#[test]
fn frames_of_65535_bytes_and_no_longer() {
    let longest = vec![0xab; 65535];
    for order in [Little, Big] {
        let file = order.pcap(NANO, 1, &[(0, 0, 70_000, &longest)]);
        assert_eq!(read(file), [(0, 70_000, longest.clone())]);
        let file = order.pcap(NANO, 1, &[(0, 0, 65536, &[0; 65536])]);
        assert_eq!(fault(file), (inside(1, 24), Fault::FrameLength(65536)));
        let ng = [order.section(), order.interface(1, 0, &[]), order.enhanced(0, 0, 65536, &[0; 65536])];
        assert_eq!(fault(ng.concat()), (inside(1, 48), Fault::FrameLength(65536)));
    }
}

#[test]
fn a_length_that_the_file_does_not_hold_is_told_as_too_long_or_as_cut() {
    let mut file = Little.pcap(NANO, 1, &[(0, 0, 4, &[1, 2, 3, 4])]);
    file[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(fault(file.clone()).1, Fault::FrameLength(u32::MAX as usize));
    file[32..36].copy_from_slice(&100u32.to_le_bytes());
    assert_eq!(fault(file), (inside(1, 24), Fault::Cut { missing: 96 }));
}

#[test]
fn pcap_faults_have_their_place() {
    type PcapRecord<'a> = (u32, u32, u32, &'a [u8]);
    let good: PcapRecord<'_> = (0, 0, 4, &[1, 2, 3, 4]);
    let file = |network, records: &[PcapRecord<'_>]| Little.pcap(MICRO, network, records);
    assert_eq!(fault(file(113, &[])), (before(1, 0), Fault::LinkType(113)));
    assert_eq!(fault(file(0x2400_0001, &[])), (before(1, 0), Fault::FrameCheckSequence));
    let lengths = Fault::Lengths { captured: 3, original: 2 };
    assert_eq!(fault(file(1, &[good, (0, 0, 2, &[1, 2, 3])])), (inside(2, 44), lengths));
    let cut = |len| fault(file(1, &[good, good])[..len].to_vec());
    assert_eq!(cut(63), (inside(2, 44), Fault::Cut { missing: 1 }));
    assert_eq!(cut(45), (inside(2, 44), Fault::Cut { missing: 15 }));
    assert!(matches!(cut(10), (place, Fault::Cut { .. }) if place == before(1, 0)));
    let mut old = file(1, &[]);
    old[6] = 3;
    let version = Fault::Version { format: "pcap", major: 2, minor: 3, known: "2.4" };
    assert_eq!(fault(old), (before(1, 0), version));
}

#[test]
fn what_is_no_capture_is_said_to_be_none() {
    for bytes in [&b""[..], b"\xd4\xc3", b"<xml", &[0x1f, 0x8b, 8, 0], &[0x34, 0xcd, 0xb2, 0xa1]] {
        let expected = (before(1, 0), Fault::Magic(bytes.to_vec()));
        assert_eq!(fault(bytes.to_vec()), expected);
    }
}
