//! Which sets of timeouts there are, by number: a number stays what it is as long as a service or a flow holds it.

use crate::timeouts::{TIMEOUTS_CAPACITY, TimeoutSets, Timeouts, TimeoutsId};
use std::sync::Arc;

/// How long a worker may go on with an old snapshot, and the sweep take to free what is over, in milliseconds; much
/// more than either does.
const GRACE_MS: u64 = 60_000;

/// The sets, and who holds them.
#[derive(Debug, Clone)]
pub(super) struct TimeoutTable {
    sets: Arc<TimeoutSets>,
    held: [Held; TIMEOUTS_CAPACITY],
}

/// Who holds a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Free,
    ByServices,
    /// By flows that had no packet since: they are over by then.
    ByFlows {
        until_ms: u64,
    },
}

/// There is no number for another set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl TimeoutTable {
    pub(super) fn new() -> Self {
        Self { sets: Arc::default(), held: [Held::Free; TIMEOUTS_CAPACITY] }
    }

    pub(super) fn sets(&self) -> &Arc<TimeoutSets> {
        &self.sets
    }

    /// The table once services have these timeouts and no others.
    pub(super) fn with(&self, wanted: impl Iterator<Item = Timeouts>, now_ms: u64) -> Result<Self, Full> {
        let mut table = self.clone();
        let sets = Arc::make_mut(&mut table.sets);
        for (id, held) in ids().zip(&mut table.held) {
            match *held {
                Held::ByServices => {
                    let longest_ms = u64::from(sets.of(id).longest_ms());
                    *held = Held::ByFlows { until_ms: now_ms.saturating_add(longest_ms + GRACE_MS) };
                }
                Held::ByFlows { until_ms } if until_ms <= now_ms => *held = Held::Free,
                Held::ByFlows { .. } | Held::Free => {}
            }
        }
        for timeouts in wanted {
            let known =
                ids().zip(&table.held).find(|(id, held)| **held != Held::Free && sets.of(*id) == timeouts);
            let free = || ids().zip(&table.held).find(|(_, held)| **held == Held::Free);
            let (id, _) = known.or_else(free).ok_or(Full)?;
            sets.set(id, timeouts);
            if let Some(held) = table.held.get_mut(usize::from(id.0)) {
                *held = Held::ByServices;
            }
        }
        Ok(table)
    }

    /// The number of a set that services have.
    pub(super) fn id(&self, timeouts: &Timeouts) -> Option<TimeoutsId> {
        let held =
            |(id, held): &(TimeoutsId, &Held)| **held == Held::ByServices && self.sets.of(*id) == *timeouts;
        ids().zip(&self.held).find(held).map(|(id, _)| id)
    }
}

fn ids() -> impl Iterator<Item = TimeoutsId> {
    (0..=u8::MAX).map(TimeoutsId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeouts(udp_ms: u32) -> Timeouts {
        Timeouts { udp_ms, ..Timeouts::DEFAULT }
    }

    #[test]
    fn a_number_stays_what_it_is_while_flows_may_hold_it() {
        let (old, new) = (timeouts(1), timeouts(400_000));
        let table = TimeoutTable::new().with([old].into_iter(), 0).unwrap();
        let id = table.id(&old).unwrap();
        let table = table.with([new].into_iter(), 1000).unwrap();
        assert_eq!((table.id(&old), table.sets().of(id)), (None, old));
        assert_ne!(table.id(&new), Some(id));
        // services take it up again
        let again = table.with([new, old, old].into_iter(), 2000).unwrap();
        assert_eq!(again.id(&old), Some(id));
        // its flows are over: the number is free
        let later_ms = 1000 + u64::from(old.longest_ms()) + GRACE_MS;
        let still = table.with([new, timeouts(2)].into_iter(), later_ms - 1).unwrap();
        assert_eq!(still.sets().of(id), old);
        let free = table.with([new, timeouts(2)].into_iter(), later_ms).unwrap();
        assert_eq!(free.id(&timeouts(2)), Some(id));
    }

    #[test]
    fn more_sets_than_numbers_are_refused_until_flows_have_let_go() {
        let most = TIMEOUTS_CAPACITY as u32;
        let full = TimeoutTable::new().with((1..=most).map(timeouts), 0).unwrap();
        assert_eq!(full.with((1..=most + 1).map(timeouts), 0).unwrap_err(), Full);
        assert_eq!(full.with((2..=most + 1).map(timeouts), 5).unwrap_err(), Full);
        let emptied = full.with([timeouts(1)].into_iter(), 5).unwrap();
        assert!(emptied.with([timeouts(9999)].into_iter(), 6).is_err());
        assert!(emptied.with([timeouts(9999)].into_iter(), 5 + 300_000 + GRACE_MS).is_ok());
    }
}
