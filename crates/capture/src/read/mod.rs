//! Reading captures: pcap and pcapng, told apart by content.
//!
//! A file is read and checked as a whole; its frames stay where they are in it. The formats are taken apart by
//! pcap-parser; what is here says what a replay accepts and where in the file a fault is.

mod fault;
mod pcap;
mod pcapng;

pub use fault::{Fault, Place, ReadError};

use std::path::Path;

/// Captured bytes that a frame has at most.
pub const FRAME_LEN_MAX: usize = 65535;

/// Nanoseconds of a second.
const SECOND_NS: u64 = 1_000_000_000;

/// A capture in memory.
#[derive(Debug)]
pub struct Capture {
    bytes: Vec<u8>,
    records: Vec<Record>,
}

/// One captured frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// When it was captured, in nanoseconds since 1970; whole seconds fit 32 bits.
    pub time_ns: u64,
    /// Original length in bytes; never less than was captured.
    pub wire_len: u32,
    /// Captured bytes, at most [`FRAME_LEN_MAX`].
    len: u32,
    /// Where they start in the file.
    start: usize,
}

impl Capture {
    /// Reads the capture in `file`.
    ///
    /// # Errors
    /// If the file can't be read, isn't a capture of Ethernet frames or has any fault.
    pub fn read(file: &Path) -> Result<Self, ReadError> {
        let bytes = std::fs::read(file).map_err(|source| ReadError::Io { file: file.to_owned(), source })?;
        Self::parse(bytes).map_err(|(place, fault)| ReadError::Bad { file: file.to_owned(), place, fault })
    }

    /// Takes the bytes of a file as a capture.
    ///
    /// # Errors
    /// The first fault and its place.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, (Place, Fault)> {
        let mut records = Records::default();
        let read = match bytes.first_chunk() {
            Some(&magic) if pcap::MAGICS.contains(&u32::from_le_bytes(magic)) => {
                pcap::read(&bytes, &mut records)
            }
            Some(&[0x0a, 0x0d, 0x0d, 0x0a]) => pcapng::read(&bytes, &mut records),
            _ => Err(Fault::Magic(bytes.iter().take(4).copied().collect())),
        };
        match read {
            Ok(()) => Ok(Self { records: records.list, bytes }),
            Err(fault) => Err((records.place(), fault)),
        }
    }

    /// The records, in the order of the file.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The captured bytes of one of the capture's own records.
    ///
    /// # Panics
    /// If the record is another capture's and its bytes are outside of this one.
    #[must_use]
    pub fn frame(&self, record: &Record) -> &[u8] {
        &self.bytes[record.start..][..record.len as usize]
    }

    /// As [`frame`](Self::frame), to rewrite in place.
    ///
    /// # Panics
    /// As [`frame`](Self::frame).
    pub fn frame_mut(&mut self, record: &Record) -> &mut [u8] {
        &mut self.bytes[record.start..][..record.len as usize]
    }
}

/// The records found so far, and where the reader is.
#[derive(Debug, Default)]
struct Records {
    list: Vec<Record>,
    /// Start of the header, record or block that is being read.
    offset: usize,
    /// It is a record.
    inside: bool,
}

impl Records {
    /// Says that what starts at `offset` is being read; `inside` if it holds a frame.
    fn at(&mut self, offset: usize, inside: bool) {
        (self.offset, self.inside) = (offset, inside);
    }

    fn place(&self) -> Place {
        Place { offset: self.offset, record: self.list.len() + 1, inside: self.inside }
    }

    /// Takes a record whose captured bytes start at `start` and are known to be there.
    fn push(&mut self, time_ns: u64, start: usize, captured: u32, original: u32) -> Result<(), Fault> {
        if captured as usize > FRAME_LEN_MAX {
            return Err(Fault::FrameLength(captured as usize));
        }
        if captured > original {
            return Err(Fault::Lengths { captured, original });
        }
        if time_ns / SECOND_NS > u64::from(u32::MAX) {
            return Err(Fault::Time);
        }
        self.list.push(Record { time_ns, wire_len: original, len: captured, start });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
