//! Which neighbour entries to ask the kernel for, and which to remove: decided from a dump, without any I/O.
//!
//! An entry that is managed (`NTF_EXT_MANAGED`, Linux 5.16) is kept resolved by the kernel, which asks again every
//! few seconds. Where the kernel knows no managed entries, the same request (`NTF_USE`) asks once, and is repeated.

use crate::neighbour::{Knowledge, Neighbour, NeighbourKey};
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// Until a nexthop that doesn't answer is asked again, so that it is in use soon after it is there.
const RETRY: Duration = Duration::from_secs(1);
/// Until an entry that the kernel doesn't manage is used again; longer than it takes the kernel to see a stale one to
/// its end, shorter than the time after which it may collect it.
const REFRESH: Duration = Duration::from_secs(5);

/// What to do with one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Have the kernel resolve it and keep it so.
    Ask(NeighbourKey),
    /// It is ours and nobody needs it any more.
    Remove(NeighbourKey),
}

/// When each neighbour was asked for.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    asked: HashMap<NeighbourKey, Instant>,
}

impl Keeper {
    /// Steps to take at `now`, which count as taken, and when to look again if nothing happens before.
    pub(crate) fn steps(
        &mut self,
        needed: &BTreeSet<NeighbourKey>,
        neighbours: &HashMap<NeighbourKey, Neighbour>,
        now: Instant,
    ) -> (Vec<Step>, Option<Instant>) {
        let mut steps = Vec::new();
        let mut look_again: Option<Instant> = None;
        self.asked.retain(|key, _| needed.contains(key));
        for key in needed {
            let Some(interval) = interval(neighbours.get(key)) else { continue };
            let mut next = self.asked.get(key).map_or(now, |asked| *asked + interval);
            if next <= now {
                steps.push(Step::Ask(*key));
                self.asked.insert(*key, now);
                next = now + interval;
            }
            look_again = Some(look_again.map_or(next, |other| other.min(next)));
        }
        let left_over = neighbours.iter().filter(|(key, n)| n.is_ours && !needed.contains(key));
        steps.extend(left_over.map(|(key, _)| Step::Remove(*key)));
        (steps, look_again)
    }
}

/// How often to ask for a needed entry; never, where the kernel or somebody else sees to it.
fn interval(neighbour: Option<&Neighbour>) -> Option<Duration> {
    let Some(neighbour) = neighbour else { return Some(RETRY) };
    let is_foreign = neighbour.is_managed && !neighbour.is_ours;
    match neighbour.knowledge {
        Knowledge::Fixed(_) => None,
        _ if is_foreign => None,
        Knowledge::Failed => Some(RETRY),
        Knowledge::Known(_) | Knowledge::Asked => (!neighbour.is_managed).then_some(REFRESH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Knowledge::{Asked, Failed, Fixed, Known};

    fn key() -> NeighbourKey {
        (1, "198.51.100.1".parse().unwrap())
    }

    fn entry(knowledge: Knowledge, is_managed: bool, is_ours: bool) -> Neighbour {
        Neighbour { knowledge, is_managed, is_ours }
    }

    /// Is the entry asked for at first, after 1 s, after 5 s?
    fn asks(neighbour: Option<Neighbour>) -> [bool; 3] {
        let needed = [key()].into();
        let neighbours: HashMap<_, _> = neighbour.map(|n| (key(), n)).into_iter().collect();
        [None, Some(RETRY), Some(REFRESH)].map(|age| {
            let (start, mut keeper) = (Instant::now(), Keeper::default());
            if age.is_some() {
                keeper.asked.insert(key(), start);
            }
            let (steps, _) = keeper.steps(&needed, &neighbours, start + age.unwrap_or_default());
            steps == [Step::Ask(key())]
        })
    }

    #[test]
    fn entries_are_asked_for_by_what_they_are() {
        for (neighbour, want) in [
            (None, [true, true, true]),
            (Some(entry(Failed, true, true)), [true, true, true]),
            (Some(entry(Failed, false, false)), [true, true, true]),
            (Some(entry(Known(None), true, true)), [false, false, false]),
            (Some(entry(Asked, true, true)), [false, false, false]),
            (Some(entry(Known(None), false, true)), [true, false, true]),
            (Some(entry(Known(None), false, false)), [true, false, true]),
            (Some(entry(Asked, false, false)), [true, false, true]),
            (Some(entry(Fixed(None), false, false)), [false, false, false]),
            (Some(entry(Failed, true, false)), [false, false, false]),
            (Some(entry(Known(None), true, false)), [false, false, false]),
        ] {
            assert_eq!(asks(neighbour), want, "{neighbour:?}");
        }
    }

    #[test]
    fn says_when_to_look_again() {
        let (now, needed) = (Instant::now(), [key()].into());
        let mut keeper = Keeper::default();
        assert_eq!(keeper.steps(&needed, &HashMap::new(), now).1, Some(now + RETRY));
        let later = now + RETRY / 2;
        assert_eq!(keeper.steps(&needed, &HashMap::new(), later), (vec![], Some(now + RETRY)));
        let managed = [(key(), entry(Asked, true, true))].into();
        assert_eq!(keeper.steps(&needed, &managed, later), (vec![], None));
    }

    #[test]
    fn a_neighbour_that_was_not_needed_meanwhile_is_asked_at_once() {
        let (now, needed) = (Instant::now(), [key()].into());
        let mut keeper = Keeper::default();
        let none = HashMap::new();
        assert_eq!(keeper.steps(&needed, &none, now).0, [Step::Ask(key())]);
        assert_eq!(keeper.steps(&BTreeSet::new(), &none, now).0, []);
        assert_eq!(keeper.steps(&needed, &none, now).0, [Step::Ask(key())]);
    }

    #[test]
    fn only_our_entries_are_removed() {
        let now = Instant::now();
        for (is_ours, want) in [(true, vec![Step::Remove(key())]), (false, vec![])] {
            let neighbours = [(key(), entry(Known(None), true, is_ours))].into();
            assert_eq!(Keeper::default().steps(&BTreeSet::new(), &neighbours, now), (want, None));
        }
    }
}
