//! When entries have to be looked at: two bytes per flow, swept through again and again.
//!
//! A flow's alarm is never later than the end of its entry. Packets refresh entries without touching alarms; the
//! sweep looks at entries whose alarm has rung, removes those that are over and sets the alarms of the others anew.
//! So a sweep over a million flows reads two megabytes and a few entries.

use super::TableError;
use super::growth::Part;

/// Length of a tick: 2^8 milliseconds.
const TICK_SHIFT: u32 = 8;
/// Farthest alarm ahead, in ticks (2.3 hours); entries that live longer are looked at in between.
const MAX_AHEAD: u32 = 32_000;

/// Alarms of one family's flows, by number. 0: no flow.
#[derive(Debug)]
pub(super) struct Alarms {
    /// As far as there ever were flows.
    ticks: Vec<u16>,
    capacity: usize,
}

/// The tick of a time; never 0.
fn tick(at_ms: u32) -> u16 {
    let tick = (at_ms >> TICK_SHIFT) as u16;
    if tick == 0 { 1 } else { tick }
}

impl Alarms {
    /// For so many flows. The memory is touched only as alarms are set.
    pub(super) fn reserve(capacity: usize) -> Result<Self, TableError> {
        let mut ticks = Vec::new();
        ticks.try_reserve_exact(capacity).map_err(|_| TableError::NoMemory(capacity))?;
        Ok(Self { ticks, capacity })
    }

    /// Where its memory is.
    pub(super) fn part(&self) -> Part {
        Part { begin: self.ticks.as_ptr().addr(), place_len: size_of::<u16>(), capacity: self.capacity }
    }

    /// Most flows.
    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Rings in the tick of `over_ms`, the earliest time at which the entry can be over.
    pub(super) fn set(&mut self, number: u32, now_ms: u32, over_ms: u32) {
        let ahead_ms = over_ms.wrapping_sub(now_ms).min(MAX_AHEAD << TICK_SHIFT);
        let number = number as usize;
        if number >= self.ticks.len() && number < self.capacity {
            self.ticks.resize(number + 1, 0);
        }
        if let Some(alarm) = self.ticks.get_mut(number) {
            *alarm = tick(now_ms.wrapping_add(ahead_ms));
        }
    }

    pub(super) fn clear(&mut self, number: u32) {
        if let Some(alarm) = self.ticks.get_mut(number as usize) {
            *alarm = 0;
        }
    }

    /// First number in `from..to` whose alarm has rung.
    pub(super) fn next_due(&self, from: usize, to: usize, now_ms: u32) -> Option<usize> {
        let now = tick(now_ms);
        self.first(from, to, |alarm| is_due(alarm, now))
    }

    /// First number in `from..to` with an alarm, which is to say with a flow.
    pub(super) fn next_set(&self, from: usize, to: usize) -> Option<usize> {
        self.first(from, to, |alarm| alarm != 0)
    }

    #[inline]
    fn first(&self, from: usize, to: usize, is_it: impl Fn(u16) -> bool) -> Option<usize> {
        let range = self.ticks.get(from..to.min(self.ticks.len()))?;
        // whole blocks first, in a form that the compiler turns into vector compares
        let blocks = range.chunks_exact(BLOCK);
        let tail = range.len() - blocks.remainder().len();
        for (number, block) in blocks.enumerate() {
            if block.iter().fold(false, |any, &alarm| any | is_it(alarm)) {
                let within = block.iter().position(|&alarm| is_it(alarm))?;
                return Some(from + number * BLOCK + within);
            }
        }
        let within = range.get(tail..)?.iter().position(|&alarm| is_it(alarm))?;
        Some(from + tail + within)
    }
}

const BLOCK: usize = 64;

fn is_due(alarm: u16, now: u16) -> bool {
    alarm != 0 && (now.wrapping_sub(alarm) as i16) >= 0
}

#[cfg(test)]
mod tests {
    use super::Alarms;

    #[test]
    fn rings_not_later_than_asked_and_not_a_tick_earlier() {
        let mut alarms = Alarms::reserve(200).unwrap();
        alarms.set(150, 1000, 11_000);
        assert_eq!(alarms.next_due(0, 200, 10_700), None);
        assert_eq!(alarms.next_due(0, 200, 11_000), Some(150));
        assert_eq!(alarms.next_due(151, 200, 11_000), None);
        alarms.clear(150);
        assert_eq!(alarms.next_due(0, 200, 11_000), None);
    }

    #[test]
    fn works_across_the_wrap_of_ticks_and_of_milliseconds() {
        let mut alarms = Alarms::reserve(10).unwrap();
        for now in [u32::MAX - 5000, (65_536 << 8) - 1000, 0] {
            alarms.set(3, now, now.wrapping_add(10_000));
            assert_eq!(alarms.next_due(0, 10, now.wrapping_add(9_000)), None, "{now}");
            assert_eq!(alarms.next_due(0, 10, now.wrapping_add(10_256)), Some(3), "{now}");
        }
    }

    #[test]
    fn far_ends_ring_early_rather_than_never() {
        let mut alarms = Alarms::reserve(10).unwrap();
        alarms.set(0, 0, 20 * 24 * 3_600_000);
        assert_eq!(alarms.next_due(0, 10, 32_000 << 8), Some(0));
    }
}
