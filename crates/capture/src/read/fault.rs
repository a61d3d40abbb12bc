//! What is wrong with a capture, and where in the file.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A capture that can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be read at all.
    #[error("{}: cannot be read", file.display())]
    Io {
        /// The file, as it was named.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file isn't a capture, is damaged, or holds something that a replay has no use for.
    #[error("{}: {place}: {fault}", file.display())]
    Bad {
        /// The file, as it was named.
        file: PathBuf,
        /// Where in it.
        place: Place,
        /// What is wrong.
        fault: Fault,
    },
}

/// A place in a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Offset in the file at which the faulty header, record or block starts, in bytes.
    pub offset: usize,
    /// Number of the record, from 1; of the next one if the fault is in a header or a block that holds no frame.
    pub record: usize,
    /// The fault is in that record itself.
    pub inside: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, record, inside } = self;
        let relation = if *inside { "" } else { "before " };
        write!(f, "{relation}record {record}, byte {offset}")
    }
}

/// What is wrong with a capture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The first four bytes are not those of a known format.
    #[error("starts with {0:02x?}: neither pcap (micro- or nanoseconds) nor pcapng")]
    Magic(Vec<u8>),
    /// A version that isn't known.
    #[error("{format} of version {major}.{minor}; {known} is known")]
    Version {
        /// "pcap" or "pcapng".
        format: &'static str,
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
        /// The known versions.
        known: &'static str,
    },
    /// The file ends within a header, a record or a block.
    #[error("the file is cut: {missing} more bytes should follow")]
    Cut {
        /// Bytes that are missing at least.
        missing: usize,
    },
    /// Frames of another kind.
    #[error("link type {0}; only Ethernet (1) can be replayed")]
    LinkType(u32),
    /// Frames that end with a frame check sequence.
    #[error("frames with a frame check sequence (FCS); only frames without can be replayed")]
    FrameCheckSequence,
    /// More bytes than a frame can have.
    #[error("a frame of {0} captured bytes; at most 65535 are allowed")]
    FrameLength(usize),
    /// More bytes were captured than the frame had.
    #[error(
        "{captured} captured bytes of a frame of {original}; no more than the original length is allowed"
    )]
    Lengths {
        /// Captured length in bytes.
        captured: u32,
        /// Original length in bytes.
        original: u32,
    },
    /// A time that the output's format can't hold.
    #[error("a time outside of the years 1970 to 2105, which is what pcap can hold")]
    Time,
    /// Block length that no block can have, or not one of this type.
    #[error(
        "a block of type {kind:#010x} of {length} bytes; a multiple of 4 is allowed, and enough for its fields"
    )]
    BlockLength {
        /// Block type.
        kind: u32,
        /// Length at the front of the block, in bytes.
        length: u32,
    },
    /// The two lengths of a block differ.
    #[error("a block of {front} bytes that says {back} at its end; both must be equal")]
    BlockLengths {
        /// Length at the front of the block, in bytes.
        front: u32,
        /// Length at its end, in bytes.
        back: u32,
    },
    /// A section header without a known byte-order magic.
    #[error("a section header without the byte-order magic 0x1a2b3c4d")]
    ByteOrder,
    /// A frame of an interface that the section doesn't describe.
    #[error("interface {id}, and the section describes {described} so far")]
    Interface {
        /// Interface of the frame.
        id: u32,
        /// Interfaces described so far.
        described: usize,
    },
    /// A resolution of timestamps that can't be computed with.
    #[error("if_tsresol {0:#04x}; 10^-38 and 2^-127 seconds are the finest allowed")]
    Resolution(u8),
    /// An option whose length isn't the one that the format gives it.
    #[error("option {name} of {length} bytes; {allowed} is allowed")]
    OptionLength {
        /// Name of the option.
        name: &'static str,
        /// Its length in bytes.
        length: usize,
        /// What its length must be.
        allowed: usize,
    },
}
