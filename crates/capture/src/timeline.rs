//! The frames of all inputs in the order in which they arrive.

use crate::read::{Capture, Record};
use evenkeel_nexthop::PortId;

/// A capture and the interface on which its frames came in.
#[derive(Debug)]
pub struct Input {
    /// The interface.
    pub port: PortId,
    /// What came in.
    pub capture: Capture,
}

/// One frame's place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Time from the first frame of all inputs, in nanoseconds.
    pub(crate) at_ns: u64,
    pub(crate) input: usize,
    /// Time since 1970, lengths, and where the frame lies.
    pub(crate) record: Record,
}

/// Sorts the records of all inputs by time; those of one time stay in the order of inputs, then of the file.
pub(crate) fn merge(inputs: &[Input]) -> Vec<Arrival> {
    let mut arrivals: Vec<Arrival> =
        Vec::with_capacity(inputs.iter().map(|i| i.capture.records().len()).sum());
    for (input, Input { capture, .. }) in inputs.iter().enumerate() {
        arrivals.extend(capture.records().iter().map(|&record| Arrival { at_ns: 0, input, record }));
    }
    arrivals.sort_by_key(|arrival| arrival.record.time_ns);
    let start_ns = arrivals.first().map_or(0, |first| first.record.time_ns);
    for arrival in &mut arrivals {
        arrival.at_ns = arrival.record.time_ns - start_ns;
    }
    arrivals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::CaptureWriter;

    fn input(port: u16, frames: &[(u64, u8)]) -> Input {
        let mut writer = CaptureWriter::new(Vec::new()).unwrap();
        for &(time_ns, tag) in frames {
            writer.write(time_ns, 1, &[tag]).unwrap();
        }
        Input { port: PortId(port), capture: Capture::parse(writer.finish().unwrap()).unwrap() }
    }

    fn order(inputs: &[Input]) -> Vec<(u64, u8)> {
        let tag = |a: &Arrival| inputs[a.input].capture.frame(&a.record)[0];
        merge(inputs).iter().map(|a| (a.at_ns, tag(a))).collect()
    }

    #[test]
    fn time_starts_at_the_first_frame_of_any_input() {
        let inputs = [input(0, &[(5_000, 1)]), input(1, &[(4_999, 2)])];
        assert_eq!(order(&inputs), [(0, 2), (1, 1)]);
    }

    #[test]
    fn ties_go_by_input_then_by_file() {
        let inputs = [input(1, &[(10, 1), (20, 2), (10, 3)]), input(0, &[(10, 4), (20, 5)])];
        assert_eq!(order(&inputs), [(0, 1), (0, 3), (0, 4), (10, 2), (10, 5)]);
    }

    #[test]
    fn a_file_out_of_order_is_sorted() {
        assert_eq!(order(&[input(0, &[(30, 1), (10, 2), (20, 3)])]), [(0, 2), (10, 3), (20, 1)]);
    }

    #[test]
    fn no_frames_make_no_arrivals() {
        assert!(merge(&[input(0, &[])]).is_empty() && merge(&[]).is_empty());
    }
}
