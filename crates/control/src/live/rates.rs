//! How fast counters grow: the difference of two samples.

use super::view::{MemberRates, Rates};
use evenkeel_dataplane::{MemberTotals, Totals, WorkerCounters};
use evenkeel_nexthop::MemberId;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two samples.
const EVERY: Duration = Duration::from_secs(1);

/// Two samples and what follows from them.
#[derive(Debug)]
pub(super) struct Sampler {
    at: Instant,
    totals: Totals,
    members: Vec<MemberTotals>,
    rates: Rates,
    /// By [`MemberId`].
    member_rates: Vec<MemberRates>,
}

impl Sampler {
    pub(super) fn new(workers: &[Arc<WorkerCounters>], now: Instant) -> Self {
        let (members, member_rates) = (Vec::new(), Vec::new());
        Self { at: now, totals: Totals::of(workers), members, rates: Rates::default(), member_rates }
    }

    /// When the next sample is due.
    pub(super) fn due(&self) -> Instant {
        self.at + EVERY
    }

    /// Takes a sample if it is due. True if it was.
    pub(super) fn sample(&mut self, workers: &[Arc<WorkerCounters>], members: usize, now: Instant) -> bool {
        if now < self.due() {
            return false;
        }
        let seconds = now.duration_since(self.at).as_secs_f64();
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let totals = Totals::of(workers);
        let (is, was) = (&totals, &self.totals);
        self.rates = Rates {
            received: rate(is.packets.received, was.packets.received),
            forwarded: rate(is.packets.forwarded, was.packets.forwarded),
            punted: rate(is.packets.punted, was.packets.punted),
            dropped: rate(is.packets.dropped, was.packets.dropped),
            flows: rate(is.flows.created + is.flows.adopted, was.flows.created + was.flows.adopted),
        };
        self.members.resize(members, MemberTotals::default());
        self.member_rates.resize(members, MemberRates::default());
        for (id, (was, rates)) in (0..).zip(self.members.iter_mut().zip(&mut self.member_rates)) {
            let is = Totals::of_member(workers, MemberId(id));
            *rates = MemberRates {
                packets: rate(is.packets, was.packets),
                bytes: rate(is.bytes, was.bytes),
                flows: rate(is.flows_created, was.flows_created),
            };
            *was = is;
        }
        (self.at, self.totals) = (now, totals);
        true
    }

    pub(super) fn rates(&self) -> Rates {
        self.rates
    }

    pub(super) fn of_member(&self, id: MemberId) -> MemberRates {
        self.member_rates.get(id.index()).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_growth_over_the_time_between_two_samples() {
        let workers = [Arc::new(WorkerCounters::default())];
        workers[0].reserve(2);
        let start = Instant::now();
        let mut sampler = Sampler::new(&workers, start);
        workers[0].received.add(300);
        workers[0].member(MemberId(1)).unwrap().bytes.add(4000);
        assert!(!sampler.sample(&workers, 2, start + EVERY / 2), "not due");
        assert!(sampler.sample(&workers, 2, start + 2 * EVERY));
        assert_eq!(sampler.rates(), Rates { received: 150.0, ..Rates::default() });
        assert_eq!(sampler.of_member(MemberId(1)).bytes, 2000.0);
        assert_eq!(sampler.of_member(MemberId(7)), MemberRates::default());
        assert!(sampler.sample(&workers, 2, start + 3 * EVERY));
        assert_eq!(sampler.rates(), Rates::default(), "nothing came since");
    }
}
