//! Captures of other people's writers (`files/make.py`) are read as they say.

use evenkeel_capture::{Capture, Record};
use std::path::{Path, PathBuf};

const START_NS: u64 = 1_700_000_000_000_000_000;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)
}

/// (time from the start, captured length, original length) of each record.
fn outline(capture: &Capture) -> Vec<(u64, usize, u32)> {
    let line = |r: &Record| (r.time_ns - START_NS, capture.frame(r).len(), r.wire_len);
    capture.records().iter().map(line).collect()
}

/// The three frames, `late_ns` later than whole microseconds.
fn three(late_ns: u64) -> [(u64, usize, u32); 3] {
    [(late_ns, 60, 60), (1_500_000_000 + late_ns, 40, 242), (1_500_001_000 + late_ns, 42, 42)]
}

#[test]
fn each_writer_byte_order_and_precision() {
    for (name, late_ns) in [
        ("scapy-micro-le.pcap", 0),
        ("scapy-micro-be.pcap", 0),
        ("scapy-nano-le.pcap", 7),
        ("scapy-nano-be.pcap", 7),
        ("editcap-micro.pcapng", 0),
        ("editcap-nano.pcapng", 7),
        ("editcap-nano.pcap", 0),
    ] {
        let capture = Capture::read(&file(name)).unwrap();
        assert_eq!(outline(&capture), three(late_ns), "{name}");
        for (number, record) in capture.records().iter().enumerate() {
            let frame = capture.frame(record);
            assert_eq!(frame[..6], [2, 0, 0, 0, 1, 1], "{name}");
            // the source port tells the frames apart
            assert_eq!(frame[34..36], (4000 + number as u16).to_be_bytes(), "{name}");
        }
    }
}

#[test]
fn interfaces_and_sections_of_one_file_have_their_own_resolutions() {
    let mut both = [three(0), three(7)].concat();
    let merged = Capture::read(&file("mergecap.pcapng")).unwrap();
    let mut outlined = outline(&merged);
    outlined.sort_unstable();
    both.sort_unstable();
    assert_eq!(outlined, both);

    let sections = Capture::read(&file("two-sections.pcapng")).unwrap();
    assert_eq!(outline(&sections), [three(7), three(0)].concat());
}
