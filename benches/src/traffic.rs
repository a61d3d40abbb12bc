//! What a case of the walk sends, batch by batch, to the worker and in the same way to the plain forwarder.

use crate::frames::{Kind, permutation};
use crate::mixed::Mixed;
use crate::rig::AREA;
use std::ops::Range;

const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// New flows that are opened before all of them are ended: enough that what they touch is no longer at hand.
const OPENED: u32 = 1 << 18;

/// Who takes frames: a worker or the plain forwarder.
pub trait Taker {
    /// Writes a frame into the area, as a NIC would.
    ///
    /// # Panics
    /// If no frame of the area is free, or it is too long.
    fn write_frame(&mut self, frame: &[u8]);

    /// Takes all that is written.
    fn drain(&mut self);

    /// Ends flows at once, without packets or time.
    ///
    /// # Panics
    /// If one isn't there.
    fn end(&mut self, kind: Kind, flows: &[u32]);

    /// Writes one frame each of `flows`.
    fn write(&mut self, kind: Kind, frame: &mut [u8], flows: &[u32]) {
        for &flow in flows {
            kind.set_flow(frame, flow);
            self.write_frame(frame);
        }
    }

    /// Opens and establishes flows, in this order.
    fn establish(&mut self, kind: Kind, flows: &[u32]) {
        for flows in flows.chunks(AREA) {
            for flags in [SYN, ACK] {
                self.write(kind, &mut kind.template(flags), flows);
                self.drain();
            }
        }
    }
}

/// Packets of a case. Nothing here is on the clock.
#[derive(Debug)]
pub enum Traffic {
    /// Packets of established flows.
    Established(Round),
    /// SYNs of new flows, beside so many established ones.
    First(Round, u32),
    /// The mixed capture.
    Mixed(Box<Mixed>),
}

/// Packets of one kind, of flows in random order, round and round.
#[derive(Debug)]
pub struct Round {
    kind: Kind,
    frame: Vec<u8>,
    flows: Vec<u32>,
    at: usize,
}

impl Traffic {
    /// Packets of `flows` established flows.
    #[must_use]
    pub fn established(kind: Kind, flows: u32) -> Self {
        Self::Established(Round::new(kind, ACK, 0..flows))
    }

    /// New flows beside `flows` established ones.
    #[must_use]
    pub fn first(kind: Kind, flows: u32) -> Self {
        Self::First(Round::new(kind, SYN, flows..flows + OPENED.min(flows / 2)), flows)
    }

    /// The mixed capture.
    ///
    /// # Panics
    /// If it can't be read.
    #[must_use]
    pub fn mixed() -> Self {
        Self::Mixed(Box::new(Mixed::read().expect("the capture is there")))
    }

    /// Gets a taker as far as it must be before the first packet counts.
    pub fn prepare(&mut self, taker: &mut impl Taker) {
        match self {
            Self::Established(round) => taker.establish(round.kind, &round.flows),
            Self::First(new, flows) => {
                taker.establish(new.kind, &permutation(*flows, 1));
                // once round, so that all memory was used before
                while !new.is_over() {
                    new.write(taker, AREA);
                    taker.drain();
                }
            }
            Self::Mixed(mixed) => {
                mixed.write(taker);
                taker.drain();
            }
        }
    }

    /// Writes a batch of at most `most` packets and at most an area; how many. The capture is always written whole.
    pub fn write(&mut self, taker: &mut impl Taker, most: usize) -> usize {
        let most = most.min(AREA);
        match self {
            Self::Established(round) => {
                let mut written = 0;
                while written < most {
                    written += round.write(taker, most - written);
                }
                written
            }
            Self::First(new, _) => {
                if new.is_over() {
                    taker.end(new.kind, &new.flows);
                }
                new.write(taker, most)
            }
            Self::Mixed(mixed) => {
                mixed.write(taker);
                mixed.len()
            }
        }
    }
}

impl Round {
    fn new(kind: Kind, flags: u8, flows: Range<u32>) -> Self {
        let order = permutation(flows.len() as u32, 2).into_iter().map(|flow| flows.start + flow);
        Self { kind, frame: kind.template(flags), flows: order.collect(), at: 0 }
    }

    fn is_over(&self) -> bool {
        self.at == self.flows.len()
    }

    /// Writes the next flows, at most `most` and those up to the end of the round.
    fn write(&mut self, taker: &mut impl Taker, most: usize) -> usize {
        let begin = if self.is_over() { 0 } else { self.at };
        self.at = self.flows.len().min(begin + most);
        let flows = &self.flows[begin..self.at];
        taker.write(self.kind, &mut self.frame, flows);
        flows.len()
    }
}
