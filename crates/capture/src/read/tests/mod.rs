//! Captures built field by field in either byte order.

use super::*;

mod damage;
mod pcap;
mod pcapng;

/// Bytes of numbers in one byte order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Little,
    Big,
}
use Order::{Big, Little};

impl Order {
    fn u16(self, n: u16) -> [u8; 2] {
        if self == Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn u32(self, n: u32) -> [u8; 4] {
        if self == Big { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|&word| self.u32(word)).collect()
    }

    fn pcap(self, magic: u32, network: u32, records: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
        let mut bytes = self.u32(magic).to_vec();
        bytes.extend([self.u16(2), self.u16(4)].as_flattened());
        bytes.extend(self.words(&[0, 0, 65535, network]));
        for &(seconds, fraction, original, frame) in records {
            bytes.extend(self.words(&[seconds, fraction, frame.len() as u32, original]));
            bytes.extend(frame);
        }
        bytes
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = 12 + body.len().next_multiple_of(4) as u32;
        let mut bytes = self.words(&[kind, length]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(self.u32(length));
        bytes
    }

    fn section(self) -> Vec<u8> {
        let mut body = self.u32(0x1a2b_3c4d).to_vec();
        body.extend([self.u16(1), self.u16(0)].as_flattened());
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = [self.u16(code), self.u16(value.len() as u16)].concat();
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn interface(self, link_type: u16, snaplen: u32, options: &[Vec<u8>]) -> Vec<u8> {
        let mut body = [self.u16(link_type), self.u16(0)].concat();
        body.extend(self.u32(snaplen));
        body.extend(options.concat());
        self.block(1, &body)
    }

    fn tsresol(self, value: u8) -> Vec<u8> {
        self.option(9, &[value])
    }

    fn tsoffset(self, seconds: i64) -> Vec<u8> {
        self.option(14, &if self == Big { seconds.to_be_bytes() } else { seconds.to_le_bytes() })
    }

    fn enhanced(self, interface: u32, ticks: u64, original: u32, frame: &[u8]) -> Vec<u8> {
        let words = [interface, (ticks >> 32) as u32, ticks as u32, frame.len() as u32, original];
        self.block(6, &[&self.words(&words), frame].concat())
    }

    fn obsolete(self, interface: u16, ticks: u64, original: u32, frame: &[u8]) -> Vec<u8> {
        let mut body = [self.u16(interface), self.u16(9)].concat();
        body.extend(self.words(&[(ticks >> 32) as u32, ticks as u32, frame.len() as u32, original]));
        body.extend(frame);
        self.block(2, &body)
    }

    fn simple(self, original: u32, frame: &[u8]) -> Vec<u8> {
        self.block(3, &[&self.u32(original), frame].concat())
    }
}

/// (time, original length, captured bytes) of all records.
fn read(bytes: Vec<u8>) -> Vec<(u64, u32, Vec<u8>)> {
    let capture = Capture::parse(bytes).unwrap();
    capture.records().iter().map(|r| (r.time_ns, r.wire_len, capture.frame(r).to_vec())).collect()
}

fn times(bytes: Vec<u8>) -> Vec<u64> {
    read(bytes).iter().map(|record| record.0).collect()
}

fn fault(bytes: Vec<u8>) -> (Place, Fault) {
    Capture::parse(bytes).unwrap_err()
}

fn inside(record: usize, offset: usize) -> Place {
    Place { offset, record, inside: true }
}

fn before(record: usize, offset: usize) -> Place {
    Place { offset, record, inside: false }
}

const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;
