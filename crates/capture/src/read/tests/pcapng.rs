//! pcapng: sections, interfaces, the three kinds of packet blocks.

use super::*;

#[test]
fn pcapng_in_both_byte_orders() {
    for order in [Little, Big] {
        let file = [
            order.section(),
            order.interface(1, 0, &[]),
            order.enhanced(0, 0x5_0000_0001, 1500, &[1, 2, 3, 4, 5]),
            order.obsolete(0, 7, 6, &[6]),
        ];
        let expected = [(0x5_0000_0001 * 1000, 1500, vec![1, 2, 3, 4, 5]), (7000, 6, vec![6])];
        assert_eq!(read(file.concat()), expected, "{order:?}");
    }
}

#[test]
fn each_interface_has_its_own_resolution_and_offset() {
    for order in [Little, Big] {
        let file = [
            order.section(),
            order.interface(1, 0, &[order.tsresol(9)]),
            order.interface(1, 0, &[order.tsresol(3), order.tsoffset(100)]),
            order.interface(1, 0, &[order.tsoffset(-2), order.tsresol(0x80 | 10)]),
            order.interface(1, 0, &[order.tsresol(12)]),
            order.interface(1, 0, &[order.tsresol(0)]),
            order.enhanced(0, 1_234_567_890_123, 1, &[1]),
            order.enhanced(1, 1_500, 1, &[1]),
            order.obsolete(2, 3 * 1024 + 512, 1, &[1]),
            order.enhanced(3, 1_999, 1, &[1]),
            order.enhanced(4, 4_294_967_295, 1, &[1]),
        ];
        let expected = [1_234_567_890_123, 101_500_000_000, 1_500_000_000, 1, 4_294_967_295_000_000_000];
        assert_eq!(times(file.concat()), expected, "{order:?}");
    }
}

#[test]
fn sections_have_their_own_interfaces_and_byte_order() {
    let file = [
        Little.section(),
        Little.interface(1, 0, &[Little.tsresol(9)]),
        Little.enhanced(0, 5, 1, &[1]),
        Big.section(),
        Big.interface(1, 0, &[]),
        Big.enhanced(0, 6, 1, &[2]),
    ];
    assert_eq!(read(file.concat()), [(5, 1, vec![1]), (6000, 1, vec![2])]);
    let mut file = file.to_vec();
    file.remove(4);
    let expected = (inside(2, 120), Fault::Interface { id: 0, described: 0 });
    assert_eq!(fault(file.concat()), expected);
}

#[test]
fn simple_packets_take_the_time_before_them_and_are_cut_by_the_snaplen() {
    for order in [Little, Big] {
        let file = [
            order.section(),
            order.interface(1, 3, &[]),
            order.simple(2, &[1, 2]),
            order.enhanced(0, 5, 1, &[3]),
            order.simple(9, &[4, 5, 6]),
            order.enhanced(0, 2, 1, &[7]),
            order.simple(1, &[8]),
        ];
        let expected = [
            (5000, 2, vec![1, 2]),
            (5000, 1, vec![3]),
            (5000, 9, vec![4, 5, 6]),
            (2000, 1, vec![7]),
            (2000, 1, vec![8]),
        ];
        assert_eq!(read(file.concat()), expected, "{order:?}");
    }
    let timeless = [Little.section(), Little.interface(1, 0, &[]), Little.simple(1, &[1])];
    assert_eq!(times(timeless.concat()), [0]);
}

#[test]
fn blocks_without_frames_are_passed_over() {
    let file = [
        Little.section(),
        Little.interface(1, 0, &[Little.option(2, b"eth1"), Little.option(0, b"")]),
        Little.interface(147, 0, &[Little.tsresol(0x7f)]),
        Little.block(4, &[0xff; 20]),
        Little.block(5, &[0xff; 8]),
        Little.block(0xbad, &[0, 0, 0, 9]),
        Little.block(0x4000_0bad, &[]),
        Little.block(0x7777_7777, &[]),
        Little.block(10, b"secrets"),
        Little.enhanced(0, 5, 1, &[1]),
    ];
    assert_eq!(times(file.concat()), [5000]);
}

#[test]
fn options_behind_the_end_do_not_count() {
    let options = [Little.option(0, b""), Little.tsresol(9)];
    let file = [Little.section(), Little.interface(1, 0, &options), Little.enhanced(0, 5, 1, &[1])];
    assert_eq!(times(file.concat()), [5000]);
}

#[test]
fn pcapng_faults_have_their_place() {
    let head = [Little.section(), Little.interface(1, 0, &[])].concat();
    let with = |blocks: &[Vec<u8>]| fault([head.clone(), blocks.concat()].concat());
    let good = Little.enhanced(0, 5, 4, &[1, 2, 3, 4]);
    let second = 48 + good.len();

    let lengths = Fault::Lengths { captured: 3, original: 2 };
    assert_eq!(with(&[good.clone(), Little.enhanced(0, 5, 2, &[1, 2, 3])]), (inside(2, second), lengths));
    let interface = Fault::Interface { id: 1, described: 1 };
    assert_eq!(with(&[good.clone(), Little.enhanced(1, 5, 1, &[1])]), (inside(2, second), interface));
    let cut = good[..good.len() - 5].to_vec();
    assert_eq!(with(&[good.clone(), cut]), (inside(2, second), Fault::Cut { missing: 5 }));

    let mut unequal = good.clone();
    unequal[good.len() - 4] = 99;
    let expected = Fault::BlockLengths { front: good.len() as u32, back: 99 };
    assert_eq!(with(&[unequal]), (inside(1, 48), expected));
    for length in [0, 8, 34] {
        let mut odd = good.clone();
        odd[4..8].copy_from_slice(&u32::to_le_bytes(length));
        assert_eq!(with(&[odd]), (inside(1, 48), Fault::BlockLength { kind: 6, length }));
    }
    let mut beyond = good.clone();
    beyond[20..24].copy_from_slice(&9u32.to_le_bytes());
    assert_eq!(with(&[beyond]), (inside(1, 48), Fault::BlockLength { kind: 6, length: 36 }));
    let short = |kind, body: &[u8]| with(&[Little.block(kind, body)]).1;
    assert_eq!(short(2, &[0; 16]), Fault::BlockLength { kind: 2, length: 28 });
    assert_eq!(short(3, &[]), Fault::BlockLength { kind: 3, length: 12 });
    assert_eq!(short(3, &[9, 0, 0, 0, 1, 2, 3, 4]), Fault::BlockLength { kind: 3, length: 20 });
    assert_eq!(short(1, &[1, 0]), Fault::BlockLength { kind: 1, length: 16 });
}

#[test]
fn pcapng_headers_that_cannot_be_followed_are_refused() {
    let mut section = Little.section();
    section[8] = 0;
    assert_eq!(fault(section), (before(1, 0), Fault::ByteOrder));
    let mut section = Big.section();
    section[13] = 2;
    let version = Fault::Version { format: "pcapng", major: 2, minor: 0, known: "1.0" };
    assert_eq!(fault(section), (before(1, 0), version));
    assert_eq!(fault(Big.section()[..10].to_vec()), (before(1, 0), Fault::Cut { missing: 18 }));

    let frame = |options: &[Vec<u8>]| {
        fault([Little.section(), Little.interface(1, 0, options), Little.enhanced(0, 5, 1, &[1])].concat()).1
    };
    assert_eq!(frame(&[Little.tsresol(39)]), Fault::Resolution(39));
    assert_eq!(frame(&[Little.tsoffset(-1)]), Fault::Time);
    assert_eq!(frame(&[Little.tsoffset(1 << 32)]), Fault::Time);
    assert_eq!(frame(&[Little.tsoffset(i64::MAX), Little.tsresol(0)]), Fault::Time);
    assert_eq!(frame(&[Little.option(13, &[4])]), Fault::FrameCheckSequence);
    let option = Fault::OptionLength { name: "if_tsoffset", length: 4, allowed: 8 };
    assert_eq!(frame(&[Little.option(14, &[0; 4])]), option);
}

#[test]
fn frames_of_another_link_type_are_refused_only_if_there_are_any() {
    let file = |interface| {
        let other = Little.interface(113, 0, &[]);
        [Little.section(), Little.interface(1, 0, &[]), other, Little.enhanced(interface, 5, 1, &[1])]
            .concat()
    };
    assert_eq!(times(file(0)), [5000]);
    assert_eq!(fault(file(1)), (inside(1, 68), Fault::LinkType(113)));
}

#[test]
fn frames_flagged_to_end_with_a_check_sequence_are_refused() {
    let words = Big.words(&[0, 0, 5, 4, 4]);
    let body = |flags: u32| [&words[..], &[1, 2, 3, 4], &Big.option(2, &Big.u32(flags))].concat();
    let file = |flags| [Big.section(), Big.interface(1, 0, &[]), Big.block(6, &body(flags))].concat();
    assert_eq!(times(file(1)), [5000]);
    assert_eq!(fault(file(4 << 5)).1, Fault::FrameCheckSequence);
}
