//! Following the flows of draining nexthops down to none.

use crate::print::{self, count, duration};
use anyhow::{Result, bail};
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::{ChangeResult, Nexthop, State};
use std::time::{Duration, Instant};

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Waits until the nexthops have no flow left, and says each time how many there are unless it is to be quiet. The results
/// have the last figures afterwards.
///
/// # Errors
/// Some are left after the longest time; somebody has activated one meanwhile.
pub(super) fn until_drained(
    daemon: &Client,
    results: &mut [ChangeResult],
    longest: Option<Duration>,
    quiet: bool,
) -> Result<()> {
    let (start, mut told) = (Instant::now(), None);
    loop {
        let nexthops = match results.first() {
            Some(result) => daemon.nexthops(Some(&result.group))?.nexthops,
            None => return Ok(()),
        };
        take_over(results, &nexthops);
        if let Some(active) = results.iter().find(|result| result.state == State::Active) {
            bail!("{}/{} was activated meanwhile", active.group, active.nexthop);
        }
        let left: u64 = results.iter().map(|result| result.flows_live).sum();
        if told.replace(left) != Some(left) && !quiet {
            print::print(&format!("{}  {} left{}\n", elapsed(start), count(left, "flow"), of_whom(results)))?;
        }
        if left == 0 {
            return Ok(());
        }
        let rest = longest.map(|longest| longest.saturating_sub(start.elapsed()));
        if rest.is_some_and(|rest| rest.is_zero()) {
            bail!("{} left after {}{}", count(left, "flow"), elapsed(start), of_whom(results));
        }
        std::thread::sleep(rest.map_or(LOOK, |rest| rest.min(LOOK)));
    }
}

/// Takes over state and flows; a nexthop that is forgotten has none.
fn take_over(results: &mut [ChangeResult], nexthops: &[Nexthop]) {
    for result in results {
        let now = nexthops.iter().find(|nexthop| nexthop.name == result.nexthop);
        result.flows_live = now.map_or(0, |now| now.flows_live);
        result.state = now.map_or(State::Removed, |now| now.state);
        result.removed_in_ms = now.and_then(|now| now.removed_in_ms);
    }
}

fn elapsed(start: Instant) -> String {
    duration(u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// `: s1 12, s2 3`, with several of them.
fn of_whom(results: &[ChangeResult]) -> String {
    if results.len() < 2 {
        return String::new();
    }
    let each: Vec<_> =
        results.iter().map(|result| format!("{} {}", result.nexthop, result.flows_live)).collect();
    format!(": {}", each.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::nexthops::tests::nexthop;
    use super::*;
    use evenkeel_control::api::model::{Action, Liveness};

    fn result(name: &str) -> ChangeResult {
        ChangeResult {
            group: "web".into(),
            nexthop: name.into(),
            action: Action::Drain,
            changed: true,
            state: State::Draining,
            weight: 1,
            liveness: Liveness::Up,
            flows_live: 99,
            removed_in_ms: None,
        }
    }

    #[test]
    fn the_last_figures_count_and_who_is_forgotten_has_none() {
        let mut results = [result("s1"), result("gone")];
        take_over(&mut results, &[Nexthop { state: State::Draining, ..nexthop("s1") }]);
        assert_eq!([results[0].flows_live, results[1].flows_live], [12, 0]);
        assert_eq!([results[0].state, results[1].state], [State::Draining, State::Removed]);
        assert_eq!(of_whom(&results), ": s1 12, gone 0");
        assert_eq!(of_whom(&results[..1]), "");
    }
}
