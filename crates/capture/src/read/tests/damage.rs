//! What is said of damaged captures, and that none of them does harm.

use super::*;
use proptest::prelude::*;

#[test]
fn a_message_names_file_record_and_offset() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("in.pcap");
    std::fs::write(&file, Little.pcap(MICRO, 1, &[(0, 0, 0, &[1])])).unwrap();
    let message = Capture::read(&file).unwrap_err().to_string();
    let expected = "in.pcap: record 1, byte 24: 1 captured bytes of a frame of 0; no more than the original \
                    length is allowed";
    assert!(message.ends_with(expected), "{message}");
    let message = Capture::read(&dir.path().join("none.pcap")).unwrap_err().to_string();
    assert!(message.ends_with("none.pcap: cannot be read"), "{message}");
}

/// A capture with all that the readers know.
fn rich(order: Order) -> Vec<u8> {
    [
        order.section(),
        order.interface(1, 60, &[order.tsresol(9), order.tsoffset(3), order.option(2, b"eth1")]),
        order.enhanced(0, 5, 70, &[1; 60]),
        order.simple(70, &[2; 60]),
        order.obsolete(0, 6, 9, &[3; 9]),
        order.block(5, &[0; 12]),
        order.section(),
        order.interface(1, 0, &[]),
        order.enhanced(0, 7, 5, &[4; 5]),
    ]
    .concat()
}

fn any_capture() -> impl Strategy<Value = Vec<u8>> {
    let records: [(u32, u32, u32, &[u8]); 2] = [(1, 2, 60, &[1; 60]), (2, 3, 1500, &[2; 40])];
    prop::sample::select(vec![
        rich(Little),
        rich(Big),
        Little.pcap(MICRO, 1, &records),
        Big.pcap(NANO, 1, &records),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_captures_never_panic_and_what_is_read_lies_within(
        mut bytes in any_capture(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()));
        }
        let len = bytes.len();
        match Capture::parse(bytes) {
            Ok(capture) => {
                for record in capture.records() {
                    prop_assert!(capture.frame(record).len() <= record.wire_len as usize);
                }
            }
            Err((place, fault)) => {
                prop_assert!(place.offset <= len && place.record >= 1);
                prop_assert!(!fault.to_string().is_empty());
            }
        }
    }

    #[test]
    fn any_bytes_behind_a_magic_never_panic(
        magic in prop::sample::select(vec![vec![0xd4, 0xc3, 0xb2, 0xa1], Little.section(), Big.section()]),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = Capture::parse([magic, bytes].concat());
    }
}
