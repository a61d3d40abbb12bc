//! What was served and what was lost, step by step.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::Serialize;

use super::Cause;

/// The counts of all steps; the last one is under way.
#[derive(Debug)]
pub(super) struct Tally {
    started: Instant,
    steps: Mutex<Vec<(Instant, StepTally)>>,
}

/// The counts of one step.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StepTally {
    /// Its name.
    pub step: String,
    /// When it began, in seconds from the start of the load.
    pub began_s: f64,
    /// How long it took.
    pub seconds: f64,
    /// Whole responses by server.
    pub responses: BTreeMap<String, u64>,
    /// Connections that had their first response in this step, by server.
    pub opened: BTreeMap<String, u64>,
    /// Connections lost in this step.
    pub lost: Vec<Lost>,
}

/// One lost connection.
#[derive(Clone, Debug, Serialize)]
pub struct Lost {
    /// The address of the service.
    pub vip: IpAddr,
    /// Who had answered on it before; `None` when nobody had.
    pub server: Option<String>,
    /// Why.
    pub cause: Cause,
    /// When, in seconds from the start of the load.
    pub at_s: f64,
}

impl StepTally {
    /// Connections lost although this server was not theirs.
    pub fn lost_beside(&self, server: &str) -> usize {
        self.lost.iter().filter(|lost| lost.server.as_deref() != Some(server)).count()
    }

    /// The lost connections by cause.
    pub fn causes(&self) -> BTreeMap<Cause, usize> {
        let mut causes = BTreeMap::new();
        for lost in &self.lost {
            *causes.entry(lost.cause).or_default() += 1;
        }
        causes
    }
}

impl Tally {
    pub(super) fn new(step: &str) -> Self {
        let tally = Self { started: Instant::now(), steps: Mutex::new(Vec::new()) };
        tally.begin(step);
        tally
    }

    /// Ends the step that is under way and begins the next.
    pub(super) fn begin(&self, step: &str) {
        let mut steps = self.locked();
        end_step(&mut steps);
        let began_s = self.started.elapsed().as_secs_f64();
        steps.push((Instant::now(), StepTally { step: step.to_owned(), began_s, ..StepTally::default() }));
    }

    /// A connection had its first response.
    pub(super) fn open(&self, server: &str) {
        self.count(|step| *step.opened.entry(server.to_owned()).or_default() += 1);
    }

    /// A response is whole.
    pub(super) fn answer(&self, server: &str) {
        self.count(|step| *step.responses.entry(server.to_owned()).or_default() += 1);
    }

    /// A connection was lost.
    pub(super) fn lose(&self, vip: IpAddr, server: Option<String>, cause: Cause) {
        let at_s = self.started.elapsed().as_secs_f64();
        self.count(|step| step.lost.push(Lost { vip, server, cause, at_s }));
    }

    /// All steps; the last one ends now.
    pub(super) fn steps(&self) -> Vec<StepTally> {
        let mut steps = self.locked();
        end_step(&mut steps);
        steps.iter().map(|(_, step)| step.clone()).collect()
    }

    fn count(&self, count: impl FnOnce(&mut StepTally)) {
        if let Some((_, step)) = self.locked().last_mut() {
            count(step);
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<(Instant, StepTally)>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end_step(steps: &mut [(Instant, StepTally)]) {
    if let Some((began, step)) = steps.last_mut() {
        step.seconds = began.elapsed().as_secs_f64();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::plan::WEB4;

    #[test]
    fn counts_for_the_step_under_way() {
        let tally = Tally::new("steady");
        tally.open("s1");
        tally.answer("s1");
        tally.begin("kill");
        tally.answer("s1");
        tally.lose(WEB4.into(), Some("s2".into()), Cause::Timeout);
        tally.lose(WEB4.into(), Some("s1".into()), Cause::Reset);
        tally.lose(WEB4.into(), None, Cause::Reset);
        let steps = tally.steps();
        assert_eq!(steps.iter().map(|step| step.step.as_str()).collect::<Vec<_>>(), ["steady", "kill"]);
        assert_eq!((steps[0].opened["s1"], steps[0].responses["s1"], steps[0].lost.len()), (1, 1, 0));
        assert_eq!((steps[1].opened.len(), steps[1].responses["s1"]), (0, 1));
        assert_eq!(steps[1].lost_beside("s2"), 2);
        assert_eq!(steps[1].causes(), [(Cause::Reset, 2), (Cause::Timeout, 1)].into());
    }
}
