//! When entries have to be looked at: two bytes per slot, swept through again and again.
//!
//! A slot's alarm is never later than the end of its entry. Packets refresh entries without touching alarms; the
//! sweep looks at entries whose alarm has rung, removes those that are over and sets the alarms of the others anew.
//! So a sweep over a million flows reads two megabytes and a few entries.

/// Length of a tick: 2^8 milliseconds.
const TICK_SHIFT: u32 = 8;
/// Farthest alarm ahead, in ticks (2.3 hours); entries that live longer are looked at in between.
const MAX_AHEAD: u32 = 32_000;

/// Alarms of one table, by slot. 0: no entry.
#[derive(Debug)]
pub(super) struct Alarms {
    ticks: Vec<u16>,
}

/// The tick of a time; never 0.
fn tick(at_ms: u32) -> u16 {
    let tick = (at_ms >> TICK_SHIFT) as u16;
    if tick == 0 { 1 } else { tick }
}

impl Alarms {
    /// For a table of `slots` slots. The memory is touched only as alarms are set.
    pub(super) fn new(slots: usize) -> Self {
        Self { ticks: vec![0; slots] }
    }

    pub(super) fn len(&self) -> usize {
        self.ticks.len()
    }

    /// Rings in the tick of `over_ms`, the earliest time at which the entry can be over.
    pub(super) fn set(&mut self, slot: u32, now_ms: u32, over_ms: u32) {
        let ahead_ms = over_ms.wrapping_sub(now_ms).min(MAX_AHEAD << TICK_SHIFT);
        if let Some(alarm) = self.ticks.get_mut(slot as usize) {
            *alarm = tick(now_ms.wrapping_add(ahead_ms));
        }
    }

    pub(super) fn clear(&mut self, slot: u32) {
        if let Some(alarm) = self.ticks.get_mut(slot as usize) {
            *alarm = 0;
        }
    }

    pub(super) fn clear_all(&mut self) {
        self.ticks.fill(0);
    }

    /// First slot in `from..to` whose alarm has rung.
    pub(super) fn next_due(&self, from: usize, to: usize, now_ms: u32) -> Option<usize> {
        let now = tick(now_ms);
        self.first(from, to, |alarm| is_due(alarm, now))
    }

    /// First slot in `from..to` with an alarm, which is to say with an entry.
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
        let mut alarms = Alarms::new(200);
        alarms.set(150, 1000, 11_000);
        assert_eq!(alarms.next_due(0, 200, 10_700), None);
        assert_eq!(alarms.next_due(0, 200, 11_000), Some(150));
        assert_eq!(alarms.next_due(151, 200, 11_000), None);
        alarms.clear(150);
        assert_eq!(alarms.next_due(0, 200, 11_000), None);
    }

    #[test]
    fn works_across_the_wrap_of_ticks_and_of_milliseconds() {
        let mut alarms = Alarms::new(10);
        for now in [u32::MAX - 5000, (65_536 << 8) - 1000, 0] {
            alarms.set(3, now, now.wrapping_add(10_000));
            assert_eq!(alarms.next_due(0, 10, now.wrapping_add(9_000)), None, "{now}");
            assert_eq!(alarms.next_due(0, 10, now.wrapping_add(10_256)), Some(3), "{now}");
        }
    }

    #[test]
    fn far_ends_ring_early_rather_than_never() {
        let mut alarms = Alarms::new(10);
        alarms.set(0, 0, 20 * 24 * 3_600_000);
        assert_eq!(alarms.next_due(0, 10, 32_000 << 8), Some(0));
    }
}
