//! Port I/O on captures: frames come in at their times, and leave into a capture per interface.
//!
//! Frames stay where they lie in their input and are rewritten there. Nothing here knows why a frame leaves by which
//! way. The port has a window of time: the worker receives what lies before its end, and nothing else.

use crate::timeline::{Arrival, Input, merge};
use crate::write::CaptureWriter;
use evenkeel_dataplane::{DropReason, PortIo, Received, Unsent};
use evenkeel_nexthop::PortId;
use std::io::{self, Write};

/// A handle of one frame: its place in the order of arrival.
#[derive(Debug)]
pub struct CaptureFrame(usize);

/// Where frames go: a capture per interface, by [`PortId`], and those of the kernel's and the dropped ones.
#[derive(Debug)]
pub struct Exits<W> {
    /// Frames that leave by an interface.
    pub ports: Vec<CaptureWriter<W>>,
    /// Frames left to the kernel.
    pub punt: CaptureWriter<W>,
    /// Dropped frames.
    pub drop: CaptureWriter<W>,
}

impl<W: Write> Exits<W> {
    /// Ends all captures and gives the writers back, flushed: those of the interfaces, then punt and drop.
    ///
    /// # Errors
    /// As the writers'.
    pub fn finish(self) -> io::Result<Vec<W>> {
        self.ports.into_iter().chain([self.punt, self.drop]).map(CaptureWriter::finish).collect()
    }
}

/// Port I/O on captures.
#[derive(Debug)]
pub struct CapturePort<W> {
    inputs: Vec<Input>,
    arrivals: Vec<Arrival>,
    /// The next frame to come in.
    next: usize,
    /// Frames before this time may come in, in nanoseconds from the first frame.
    window_end_ns: u64,
    exits: Exits<W>,
    /// The first failure of an exit; nothing is written after it.
    failure: Option<io::Error>,
}

impl<W: Write> CapturePort<W> {
    /// Frames of all inputs in order of time; of one time in the order of inputs, then of the file. The window is empty.
    #[must_use]
    pub fn new(inputs: Vec<Input>, exits: Exits<W>) -> Self {
        Self { arrivals: merge(&inputs), inputs, next: 0, window_end_ns: 0, exits, failure: None }
    }

    /// Frames of all inputs.
    #[must_use]
    pub fn frame_count(&self) -> usize {
        self.arrivals.len()
    }

    /// When the next frame comes in, in nanoseconds from the first one; `None` if all have.
    #[must_use]
    pub fn next_arrival_ns(&self) -> Option<u64> {
        self.arrivals.get(self.next).map(|arrival| arrival.at_ns)
    }

    /// Lets the frames come in that arrive before `end_ns`.
    pub fn open_until(&mut self, end_ns: u64) {
        self.window_end_ns = end_ns;
    }

    /// True if a frame within the window has not come in yet.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        self.next_arrival_ns().is_some_and(|at_ns| at_ns < self.window_end_ns)
    }

    /// The exits, with all that left by them.
    ///
    /// # Errors
    /// The first failure of an exit.
    pub fn into_exits(self) -> io::Result<Exits<W>> {
        self.failure.map_or(Ok(self.exits), Err)
    }

    /// Writes a frame as it is now, with the time at which it came in.
    fn leave(
        &mut self,
        frame: &CaptureFrame,
        exit: impl FnOnce(&mut Exits<W>) -> Option<&mut CaptureWriter<W>>,
    ) {
        if self.failure.is_some() {
            return;
        }
        let Arrival { input, record, .. } = self.arrivals[frame.0];
        let bytes = self.inputs[input].capture.frame(&record);
        let written = match exit(&mut self.exits) {
            Some(to) => to.write(record.time_ns, record.wire_len, bytes),
            None => {
                Err(io::Error::new(io::ErrorKind::NotFound, "a frame left by an interface without a capture"))
            }
        };
        self.failure = written.err();
    }
}

impl<W: Write> PortIo for CapturePort<W> {
    type Frame = CaptureFrame;

    fn receive(&mut self, max: usize, burst: &mut Vec<Received<CaptureFrame>>) {
        let waiting = self.arrivals[self.next..].iter().take(max);
        let waiting = waiting.take_while(|arrival| arrival.at_ns < self.window_end_ns);
        let before = burst.len();
        burst.extend(waiting.zip(self.next..).map(|(arrival, number)| Received {
            frame: CaptureFrame(number),
            port: self.inputs[arrival.input].port,
            wire_len: arrival.record.wire_len,
        }));
        self.next += burst.len() - before;
    }

    fn bytes<'a>(&'a self, frame: &'a CaptureFrame) -> &'a [u8] {
        let Arrival { input, record, .. } = &self.arrivals[frame.0];
        self.inputs[*input].capture.frame(record)
    }

    fn bytes_mut<'a>(&'a mut self, frame: &'a mut CaptureFrame) -> &'a mut [u8] {
        let Arrival { input, record, .. } = &self.arrivals[frame.0];
        self.inputs[*input].capture.frame_mut(record)
    }

    fn transmit(&mut self, port: PortId, frame: CaptureFrame) -> Result<(), Unsent<CaptureFrame>> {
        self.leave(&frame, |exits| exits.ports.get_mut(port.index()));
        Ok(())
    }

    fn punt(&mut self, _port: PortId, frame: CaptureFrame) -> bool {
        self.leave(&frame, |exits| Some(&mut exits.punt));
        true
    }

    fn discard(&mut self, _port: PortId, frame: CaptureFrame, _reason: DropReason) {
        self.leave(&frame, |exits| Some(&mut exits.drop));
    }

    fn flush(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Capture;

    fn input(port: u16, frames: &[(u64, u32, &[u8])]) -> Input {
        let mut writer = CaptureWriter::new(Vec::new()).unwrap();
        for &(time_ns, wire_len, frame) in frames {
            writer.write(time_ns, wire_len, frame).unwrap();
        }
        Input { port: PortId(port), capture: Capture::parse(writer.finish().unwrap()).unwrap() }
    }

    fn port(inputs: Vec<Input>) -> CapturePort<Vec<u8>> {
        let writer = || CaptureWriter::new(Vec::new()).unwrap();
        CapturePort::new(inputs, Exits { ports: vec![writer(), writer()], punt: writer(), drop: writer() })
    }

    fn read(writer: CaptureWriter<Vec<u8>>) -> Vec<(u64, u32, Vec<u8>)> {
        let capture = Capture::parse(writer.finish().unwrap()).unwrap();
        capture.records().iter().map(|r| (r.time_ns, r.wire_len, capture.frame(r).to_vec())).collect()
    }

    #[test]
    fn frames_come_in_within_the_window_and_the_burst() {
        let mut port = port(vec![input(1, &[(100, 9, &[1]), (103, 9, &[2])]), input(0, &[(101, 7, &[3])])]);
        let mut burst = Vec::new();
        port.receive(64, &mut burst);
        assert!(burst.is_empty() && !port.has_waiting());
        port.open_until(3);
        assert!(port.has_waiting());
        port.receive(1, &mut burst);
        port.receive(64, &mut burst);
        let got: Vec<_> = burst.iter().map(|r| (r.port, r.wire_len, port.bytes(&r.frame).to_vec())).collect();
        assert_eq!(got, [(PortId(1), 9, vec![1]), (PortId(0), 7, vec![3])]);
        assert!(!port.has_waiting());
        assert_eq!(port.next_arrival_ns(), Some(3));
        port.open_until(u64::MAX);
        port.receive(64, &mut burst);
        assert_eq!((burst.len(), port.next_arrival_ns()), (3, None));
    }

    #[test]
    fn frames_leave_by_their_exit_with_the_time_at_which_they_came_in() {
        let frames: [(u64, u32, &[u8]); 3] = [(100, 9, &[1, 1]), (200, 9, &[2, 2]), (300, 70, &[3, 3])];
        let mut port = port(vec![input(0, &frames)]);
        port.open_until(u64::MAX);
        let mut burst = Vec::new();
        port.receive(64, &mut burst);
        let mut frames = burst.into_iter().map(|received| received.frame);
        let (first, second, mut third) =
            (frames.next().unwrap(), frames.next().unwrap(), frames.next().unwrap());
        port.bytes_mut(&mut third)[0] = 0xee;
        assert!(port.transmit(PortId(1), third).is_ok());
        assert!(port.punt(PortId(0), second));
        port.discard(PortId(0), first, DropReason::TcpHeader);
        let Exits { ports, punt, drop } = port.into_exits().unwrap();
        let mut ports = ports.into_iter();
        assert_eq!(read(ports.next().unwrap()), []);
        assert_eq!(read(ports.next().unwrap()), [(300, 70, vec![0xee, 3])]);
        assert_eq!(read(punt), [(200, 9, vec![2, 2])]);
        assert_eq!(read(drop), [(100, 9, vec![1, 1])]);
    }

    #[test]
    fn a_failing_exit_is_told_at_the_end() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                // the header of the file still fits
                if bytes.len() == 24 { Ok(24) } else { Err(io::ErrorKind::StorageFull.into()) }
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let writer = || CaptureWriter::new(Full).unwrap();
        let exits = Exits { ports: vec![writer()], punt: writer(), drop: writer() };
        let mut port = CapturePort::new(vec![input(0, &[(1, 1, &[1])])], exits);
        port.open_until(1);
        let mut burst = Vec::new();
        port.receive(1, &mut burst);
        assert!(port.transmit(PortId(0), burst.remove(0).frame).is_ok());
        assert_eq!(port.into_exits().err().map(|e| e.kind()), Some(io::ErrorKind::StorageFull));
    }
}
