//! What each step cost.

use super::AnalysisError;
use crate::stats::{Reason, Stats, seconds};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The steps of a run in their order; the first one is its beginning.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Steps {
    /// In their order.
    pub steps: Vec<StepLosses>,
}

/// What was lost from one step to the next.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepLosses {
    /// When it began, seconds.
    pub time_s: f64,
    /// Its name.
    pub name: String,
    /// Connections lost until the next step.
    pub lost: u64,
    /// Why.
    pub reasons: BTreeMap<Reason, u64>,
    /// Of which server they were, as far as one had answered.
    pub hosts: BTreeMap<String, u64>,
}

impl Steps {
    /// From a run with connections; one without steps is one step.
    ///
    /// # Errors
    /// When there are no connections, or one ends before it begins.
    pub fn of(stats: &Stats) -> Result<Self, AnalysisError> {
        super::connections(stats)?;
        let mut named = stats.steps.clone();
        named.sort_by_key(|step| step.time_ns);
        let begins_ns: Vec<_> = std::iter::once(0).chain(named.iter().map(|step| step.time_ns)).collect();
        let names = std::iter::once("start").chain(named.iter().map(|step| step.name.as_str()));
        let mut steps: Vec<_> = names.zip(&begins_ns).map(|(name, ns)| StepLosses::new(name, *ns)).collect();
        for loss in stats.losses() {
            let index = begins_ns.partition_point(|begin_ns| *begin_ns <= loss.time_ns).saturating_sub(1);
            let Some(step) = steps.get_mut(index) else { continue };
            step.lost += 1;
            if let Some(reason) = loss.reason {
                *step.reasons.entry(reason).or_default() += 1;
            }
            if let Some(host) = loss.host {
                *step.hosts.entry(host.to_owned()).or_default() += 1;
            }
        }
        Ok(Self { steps })
    }
}

impl StepLosses {
    fn new(name: &str, begin_ns: u64) -> Self {
        let (reasons, hosts) = (BTreeMap::new(), BTreeMap::new());
        Self { time_s: seconds(begin_ns), name: name.to_owned(), lost: 0, reasons, hosts }
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Time Lost Step")?;
        self.steps.iter().try_for_each(|step| {
            write!(f, "{:.3} {} {}", step.time_s, step.lost, step.name)?;
            let reasons: Vec<_> =
                step.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            if reasons.is_empty() { writeln!(f) } else { writeln!(f, " ({})", reasons.join(", ")) }
        })
    }
}
