//! A check, and what it finds.

use super::facts::{Facts, Interface, Nic, Seen};
use serde::Serialize;

/// One question to the machine. Its code stays the same for good.
pub(super) struct Check {
    pub(super) code: &'static str,
    pub(super) topic: Topic,
    /// Why it matters.
    pub(super) why: &'static str,
    /// Looks at the facts; nothing is found where the question doesn't arise.
    pub(super) judge: fn(&Facts) -> Vec<Finding>,
}

/// What checks are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Topic {
    Permissions,
    Kernel,
    Cores,
    Memory,
    Interfaces,
    Daemon,
}

/// How bad it is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It could not be looked at.
    Unknown,
    /// It costs speed or may surprise.
    Warning,
    /// It doesn't work, or loses packets.
    Problem,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// The interface, if it is about one.
    pub(super) subject: Option<String>,
    pub(super) severity: Severity,
    pub(super) seen: String,
    /// Commands, or a sentence where there is none.
    pub(super) advice: Vec<String>,
}

impl Finding {
    fn new(severity: Severity, seen: impl Into<String>) -> Self {
        Self { subject: None, severity, seen: seen.into(), advice: Vec::new() }
    }

    pub(super) fn ok(seen: impl Into<String>) -> Self {
        Self::new(Severity::Ok, seen)
    }

    pub(super) fn note(seen: impl Into<String>) -> Self {
        Self::new(Severity::Note, seen)
    }

    pub(super) fn unknown(reason: impl Into<String>) -> Self {
        Self::new(Severity::Unknown, reason)
    }

    pub(super) fn warning(seen: impl Into<String>) -> Self {
        Self::new(Severity::Warning, seen)
    }

    pub(super) fn problem(seen: impl Into<String>) -> Self {
        Self::new(Severity::Problem, seen)
    }

    /// With one more thing to do.
    pub(super) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    /// About this interface.
    pub(super) fn about(mut self, subject: &str) -> Self {
        self.subject = Some(subject.to_owned());
        self
    }
}

/// Judges what was seen; what was not is unknown.
pub(super) fn if_seen<T>(seen: &Seen<T>, judge: impl FnOnce(&T) -> Finding) -> Finding {
    match seen {
        Ok(fact) => judge(fact),
        Err(reason) => Finding::unknown(reason),
    }
}

/// Judges what was seen and what is there; nothing is found of what isn't.
pub(super) fn if_there<T>(seen: &Seen<Option<T>>, judge: impl FnOnce(&T) -> Finding) -> Option<Finding> {
    match seen {
        Ok(fact) => fact.as_ref().map(judge),
        Err(reason) => Some(Finding::unknown(reason)),
    }
}

/// Judges every interface that is there.
pub(super) fn each(facts: &Facts, judge: impl Fn(&Interface, &Nic) -> Option<Finding>) -> Vec<Finding> {
    let judged = |(interface, nic): (&Interface, &Nic)| Some(judge(interface, nic)?.about(&interface.name));
    facts.nics().filter_map(judged).collect()
}

/// Numbers as the kernel lists them: `0-2,5`.
pub(super) fn list(numbers: impl IntoIterator<Item = usize>) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => ranges.push((number, number)),
        }
    }
    let text = |(first, last): &(usize, usize)| match last - first {
        0 => first.to_string(),
        _ => format!("{first}-{last}"),
    };
    ranges.iter().map(text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_listed_as_the_kernel_does() {
        assert_eq!(list([]), "");
        assert_eq!(list([3]), "3");
        assert_eq!(list([0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
    }

    #[test]
    fn the_worst_is_the_greatest() {
        assert!(Severity::Problem > Severity::Warning && Severity::Warning > Severity::Unknown);
        assert!(Severity::Unknown > Severity::Note && Severity::Note > Severity::Ok);
    }
}
