//! The mixed capture, `benches/mixed.pcap`: some 4000 frames as a box on a real network may see them. See [`make`] for what is
//! in it.

mod make;

pub use make::{Expected, make};

use crate::rig::AREA;
use crate::traffic::Taker;
use evenkeel_capture::{Capture, ReadError};
use std::path::{Path, PathBuf};

/// Identifications by which datagrams of one replay are told from those of the next.
const IDS_PER_REPLAY: u16 = 256;

/// The capture, to be replayed again and again.
#[derive(Debug)]
pub struct Mixed {
    frames: Vec<Vec<u8>>,
    /// Those that are fragments of IPv4 datagrams.
    fragments: Vec<usize>,
}

/// Where the capture is.
#[must_use]
pub fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mixed.pcap")
}

impl Mixed {
    /// Reads the capture.
    ///
    /// # Errors
    /// [`ReadError`].
    ///
    /// # Panics
    /// If it has more frames than the area.
    pub fn read() -> Result<Self, ReadError> {
        let capture = Capture::read(&file())?;
        assert!(capture.records().len() <= AREA, "the area is as large as a batch");
        let frames = capture.records().iter().map(|record| capture.frame(record).to_vec());
        let frames: Vec<Vec<u8>> = frames.collect();
        let fragments = (0..frames.len()).filter(|&at| is_fragment(&frames[at])).collect();
        Ok(Self { frames, fragments })
    }

    /// Frames of one replay.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.frames.len()
    }

    /// True without a frame.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Writes all of it into the area, with the fragments of new datagrams: none waits for, or goes after, one of the
    /// replay before.
    ///
    /// # Panics
    /// If the area has too few free frames.
    pub fn write(&mut self, taker: &mut impl Taker) {
        for &at in &self.fragments {
            let frame = &mut self.frames[at];
            let id = u16::from_be_bytes([frame[18], frame[19]]).wrapping_add(IDS_PER_REPLAY);
            frame[18..20].copy_from_slice(&id.to_be_bytes());
        }
        self.frames.iter().for_each(|frame| taker.write_frame(frame));
    }
}

/// True for a fragment of an IPv4 datagram without VLAN tag.
fn is_fragment(frame: &[u8]) -> bool {
    frame[12..14] == [0x08, 0x00] && u16::from_be_bytes([frame[20], frame[21]]) & 0x3fff != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rig::Rig;

    #[test]
    fn the_capture_is_the_one_that_is_made() {
        let (bytes, _) = make();
        assert!(
            std::fs::read(file()).unwrap() == bytes,
            "run cargo run -p evenkeel-benches --bin mixed-capture"
        );
    }

    #[test]
    fn every_replay_forwards_punts_and_drops_what_it_should() {
        let (_, expected) = make();
        let mut mixed = Mixed::read().unwrap();
        let mut rig = Rig::new(1 << 16);
        for replay in 1..=3 {
            mixed.write(&mut rig);
            rig.drain();
            let packets = rig.totals().packets;
            assert_eq!(packets.received, replay * mixed.len() as u64);
            assert_eq!(packets.forwarded, replay * expected.forwarded, "replay {replay}");
            assert_eq!(packets.punted, replay * expected.punted, "replay {replay}");
            assert_eq!(packets.dropped, replay * expected.dropped, "replay {replay}");
            assert_eq!((packets.held, rig.outstanding()), (0, 0), "replay {replay}");
        }
        let flows = rig.totals().flows;
        assert_eq!(flows.created, expected.datagram_flows + 3 * expected.connections);
        assert_eq!(flows.closed, 2 * expected.connections, "a SYN ends the one of the replay before");
        assert_eq!((flows.moved, flows.untracked_packets), (0, 0));
    }
}
