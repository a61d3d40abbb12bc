//! A line of memory and what two workers do with it.

use std::collections::BTreeSet;

/// What each of two workers does with a line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Line {
    /// Reads, by worker.
    pub reads: [u64; 2],
    /// Writes, by worker; a read-modify-write is one of each.
    pub writes: [u64; 2],
    /// Where in the program it is read and written: addresses, as the program's file has them.
    pub(super) read_at: BTreeSet<u64>,
    pub(super) written_at: BTreeSet<u64>,
}

impl Line {
    /// True if one worker writes it and the other one touches it.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        let [reads, other_reads] = self.reads;
        let [writes, other_writes] = self.writes;
        (writes > 0 && other_reads + other_writes > 0) || (other_writes > 0 && reads > 0)
    }

    /// How often it comes over from the other core at the most, if both work at once: each touch of the one that follows a
    /// write of the other, and each write that follows a touch. There can't be more than twice as many as there are of the
    /// rarer.
    #[must_use]
    pub fn transfers(&self) -> u64 {
        let touches = |worker: usize| self.reads[worker] + self.writes[worker];
        let between = |writer: usize| 2 * self.writes[writer].min(touches(1 - writer));
        between(0).max(between(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(reads: [u64; 2], writes: [u64; 2]) -> Line {
        Line { reads, writes, ..Line::default() }
    }

    #[test]
    fn a_line_is_shared_if_it_is_written_and_touched_by_another() {
        assert!(!line([9, 9], [0, 0]).is_shared());
        assert!(!line([9, 0], [9, 0]).is_shared());
        assert!(line([0, 1], [1, 0]).is_shared());
        assert!(line([1, 0], [0, 1]).is_shared());
        assert!(line([0, 0], [1, 1]).is_shared());
    }

    #[test]
    fn what_is_rare_on_one_side_comes_over_rarely() {
        assert_eq!(line([0, 3], [1000, 0]).transfers(), 6);
        assert_eq!(line([1000, 1000], [2, 0]).transfers(), 4);
        assert_eq!(line([10, 10], [10, 10]).transfers(), 20);
    }
}
