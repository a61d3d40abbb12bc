//! What was found, for people and for programs.

use super::facts::Facts;
use super::finding::{Check, Finding, Severity, Topic};
use crate::print::{count, word};
use serde::Serialize;

/// All findings, in the order of the checks.
pub(super) struct Report(Vec<(&'static Check, Finding)>);

impl Report {
    /// Judges the facts by every check.
    pub(super) fn of(checks: &'static [Check], facts: &Facts) -> Self {
        let found =
            |check: &'static Check| (check.judge)(facts).into_iter().map(move |finding| (check, finding));
        Self(checks.iter().flat_map(found).collect())
    }

    /// How many findings are so bad.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.0.iter().filter(|(_, finding)| finding.severity == severity).count()
    }

    /// By topic, the worst first. What is well stands in one line, or with what was seen if all is to be shown.
    pub(super) fn text(&self, show_all: bool) -> String {
        let mut text = String::new();
        for topic in TOPICS {
            let mut findings: Vec<_> = self.0.iter().filter(|(check, _)| check.topic == topic).collect();
            findings.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
            if findings.is_empty() {
                continue;
            }
            let is_told = |finding: &&&(&Check, Finding)| show_all || finding.1.severity != Severity::Ok;
            let told: Vec<_> = findings.iter().filter(is_told).collect();
            let well: Vec<_> = findings.iter().filter(|finding| !is_told(finding)).collect();
            text.push_str(&format!("{}\n", title(topic)));
            told.iter().for_each(|(check, finding)| text.push_str(&lines(check, finding)));
            if !well.is_empty() {
                text.push_str(&format!("  {:<9}{}\n", "ok", names(&well, &told)));
            }
            text.push('\n');
        }
        text + &self.summary() + "\n"
    }

    /// `1 problem, 2 warnings, 3 unknown, 4 notes`.
    pub(super) fn summary(&self) -> String {
        format!(
            "{}, {}, {} unknown, {}",
            count(self.count(Severity::Problem) as u64, "problem"),
            count(self.count(Severity::Warning) as u64, "warning"),
            self.count(Severity::Unknown),
            count(self.count(Severity::Note) as u64, "note"),
        )
    }

    /// What `--json` prints.
    pub(super) fn outcome(&self) -> Outcome<'_> {
        let item = |(check, finding): &'_ (&'static Check, Finding)| Item {
            code: check.code,
            topic: check.topic,
            subject: finding.subject.clone(),
            severity: finding.severity,
            seen: finding.seen.clone(),
            why: check.why,
            advice: finding.advice.clone(),
        };
        Outcome {
            problems: self.count(Severity::Problem),
            warnings: self.count(Severity::Warning),
            unknown: self.count(Severity::Unknown),
            notes: self.count(Severity::Note),
            findings: self.0.iter().map(item).collect(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// What `--json` prints. Codes and words stay as they are; there may be more of them.
#[derive(Serialize)]
pub(super) struct Outcome<'a> {
    version: &'a str,
    problems: usize,
    warnings: usize,
    unknown: usize,
    notes: usize,
    findings: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    code: &'a str,
    topic: Topic,
    subject: Option<String>,
    severity: Severity,
    seen: String,
    why: &'a str,
    advice: Vec<String>,
}

const TOPICS: [Topic; 6] =
    [Topic::Permissions, Topic::Kernel, Topic::Cores, Topic::Memory, Topic::Interfaces, Topic::Daemon];

fn title(topic: Topic) -> &'static str {
    match topic {
        Topic::Permissions => "Permissions",
        Topic::Kernel => "Kernel",
        Topic::Cores => "Cores",
        Topic::Memory => "Memory",
        Topic::Interfaces => "Interfaces",
        Topic::Daemon => "Daemon",
    }
}

/// What was seen, why it matters and what to do.
fn lines(check: &Check, finding: &Finding) -> String {
    let subject = finding.subject.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default();
    let mut text = format!("  {:<9}{:<15}  {subject}{}\n", word(finding.severity), check.code, finding.seen);
    if finding.severity > Severity::Ok {
        text.push_str(&format!("           why  {}\n", check.why));
    }
    finding.advice.iter().for_each(|advice| text.push_str(&format!("           do   {advice}\n")));
    text
}

/// The codes of what is well, each once; with whom it is well where it isn't with all.
fn names(well: &[&&(&Check, Finding)], told: &[&&(&Check, Finding)]) -> String {
    let name = |(check, finding): &(&Check, Finding)| {
        let is_told = told.iter().any(|(other, _)| other.code == check.code);
        match &finding.subject {
            Some(subject) if is_told => format!("{} ({subject})", check.code),
            _ => check.code.to_owned(),
        }
    };
    let mut names: Vec<_> = well.iter().map(|finding| name(finding)).collect();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::checks::tests::healthy;

    const CHECKS: &[Check] = &[
        Check {
            code: "first",
            topic: Topic::Kernel,
            why: "it is the first",
            judge: |_| vec![Finding::ok("well")],
        },
        Check {
            code: "second",
            topic: Topic::Kernel,
            why: "it is bad",
            judge: |_| {
                let note = Finding::note("so so").about("eth1");
                vec![
                    Finding::ok("fine").about("eth3"),
                    note,
                    Finding::problem("broken").about("eth2").advise("mend it").advise("or not"),
                ]
            },
        },
        Check { code: "third", topic: Topic::Memory, why: "-", judge: |_| Vec::new() },
    ];

    #[test]
    fn people_see_the_worst_first_and_what_to_do() {
        let want = "\
Kernel
  problem  second           eth2: broken
           why  it is bad
           do   mend it
           do   or not
  note     second           eth1: so so
           why  it is bad
  ok       first, second (eth3)

1 problem, 0 warnings, 0 unknown, 1 note
";
        assert_eq!(Report::of(CHECKS, &healthy()).text(false), want);
        let all = Report::of(CHECKS, &healthy()).text(true);
        assert!(all.contains("  ok       first            well\n"), "{all}");
    }

    #[test]
    fn programs_see_everything() {
        let json = serde_json::to_value(Report::of(CHECKS, &healthy()).outcome()).unwrap();
        assert_eq!((&json["problems"], &json["notes"]), (&1.into(), &1.into()));
        assert_eq!(json["findings"].as_array().unwrap().len(), 4);
        let worst = &json["findings"][3];
        assert_eq!(worst["code"], "second");
        assert_eq!(worst["topic"], "kernel");
        assert_eq!(worst["subject"], "eth2");
        assert_eq!(worst["severity"], "problem");
        assert_eq!(worst["advice"][1], "or not");
    }
}
