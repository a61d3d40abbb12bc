//! Writing captures: nanosecond pcap, little endian, version 2.4, snaplen 65535, Ethernet.
//!
//! Every byte is given by the frames alone, so that equal replays give equal files. Source: draft-ietf-opsawg-pcap.

use std::io::{self, Write};

const MAGIC: u32 = 0xa1b2_3c4d;
const VERSION: [u16; 2] = [2, 4];
const SNAPLEN: u32 = 65535;
const ETHERNET: u32 = 1;
const SECOND_NS: u64 = 1_000_000_000;

/// Writes one capture.
#[derive(Debug)]
pub struct CaptureWriter<W> {
    to: W,
}

impl<W: Write> CaptureWriter<W> {
    /// Starts a capture.
    ///
    /// # Errors
    /// As the writer's.
    pub fn new(mut to: W) -> io::Result<Self> {
        let mut header = [0; 24];
        let words = [MAGIC, u32::from(VERSION[0]) | u32::from(VERSION[1]) << 16, 0, 0, SNAPLEN, ETHERNET];
        put_words(&mut header, &words);
        to.write_all(&header)?;
        Ok(Self { to })
    }

    /// Appends a frame.
    ///
    /// `time_ns` is in nanoseconds since 1970, `wire_len` the original length in bytes, at least that of `frame`.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the seconds or the length don't fit 32 bits; as the writer's.
    pub fn write(&mut self, time_ns: u64, wire_len: u32, frame: &[u8]) -> io::Result<()> {
        let fits = |n: u64| u32::try_from(n).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e));
        let words =
            [fits(time_ns / SECOND_NS)?, fits(time_ns % SECOND_NS)?, fits(frame.len() as u64)?, wire_len];
        let mut header = [0; 16];
        put_words(&mut header, &words);
        self.to.write_all(&header)?;
        self.to.write_all(frame)
    }

    /// Ends the capture and gives the writer back, flushed.
    ///
    /// # Errors
    /// As the writer's.
    pub fn finish(mut self) -> io::Result<W> {
        self.to.flush()?;
        Ok(self.to)
    }
}

fn put_words(to: &mut [u8], words: &[u32]) {
    for (to, word) in to.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Capture;

    #[test]
    fn the_header_is_that_of_a_little_endian_nanosecond_capture() {
        let bytes = CaptureWriter::new(Vec::new()).and_then(CaptureWriter::finish).unwrap();
        let expected =
            [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
        assert_eq!(bytes, expected);
    }

    #[test]
    fn what_was_written_is_read_again() {
        let mut writer = CaptureWriter::new(Vec::new()).unwrap();
        writer.write(1_700_000_000_123_456_789, 1500, &[7; 60]).unwrap();
        writer.write(u64::from(u32::MAX) * SECOND_NS + 999_999_999, 0, &[]).unwrap();
        let capture = Capture::parse(writer.finish().unwrap()).unwrap();
        let [first, last] = capture.records() else { panic!("two records") };
        assert_eq!((first.time_ns, first.wire_len), (1_700_000_000_123_456_789, 1500));
        assert_eq!(capture.frame(first), [7; 60]);
        assert_eq!((last.time_ns, last.wire_len), (4_294_967_295_999_999_999, 0));
        assert!(capture.frame(last).is_empty());
    }

    #[test]
    fn a_time_that_does_not_fit_is_refused() {
        let mut writer = CaptureWriter::new(Vec::new()).unwrap();
        let error = writer.write((u64::from(u32::MAX) + 1) * SECOND_NS, 60, &[0; 60]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
