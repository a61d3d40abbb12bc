//! What is drawn of a run: curves and marks as numbers. Knows no drawing.

use super::{PlotError, Run};
use crate::analyze::{Connections, Second, Throughput};
use crate::stats::seconds;

/// The curves of one run; times in seconds from its start.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curves {
    pub(super) title: String,
    pub(super) end_s: f64,
    /// When each connection was lost, in order.
    pub(super) losses_s: Vec<f64>,
    pub(super) seconds: Vec<Second>,
    /// Time and KB per second.
    pub(super) throughput: Vec<(f64, f64)>,
    /// Time and name, in order of time.
    pub(super) steps: Vec<(f64, String)>,
}

impl Curves {
    pub(super) fn of(run: &Run<'_>) -> Result<Self, PlotError> {
        let wrong = |source| PlotError::Analysis { title: run.title.clone(), source };
        let mut losses_s: Vec<_> = run.stats.losses().map(|loss| seconds(loss.time_ns)).collect();
        losses_s.sort_unstable_by(f64::total_cmp);
        let mut steps: Vec<_> =
            run.stats.steps.iter().map(|step| (seconds(step.time_ns), step.name.clone())).collect();
        steps.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let throughput = Throughput::of(run.stats).map_err(wrong)?.intervals;
        Ok(Self {
            title: run.title.clone(),
            end_s: run.stats.seconds(),
            losses_s,
            seconds: Connections::of(run.stats).map_err(wrong)?.seconds,
            throughput: throughput.iter().map(|each| (each.time_s, each.throughput_kb_per_s)).collect(),
            steps,
        })
    }

    /// Connections lost so far: it stays until a loss, and rises there.
    pub(super) fn lost(&self) -> Vec<(f64, f64)> {
        let mut corners = vec![(0.0, 0.0)];
        for (number, &time_s) in self.losses_s.iter().enumerate() {
            corners.extend([(time_s, number as f64), (time_s, number as f64 + 1.0)]);
        }
        corners.push((self.end_s, self.losses_s.len() as f64));
        corners
    }

    /// Counts of the end of each second, as points there.
    pub(super) fn at_ends(&self, count: impl Fn(&Second) -> u64) -> Vec<(f64, f64)> {
        self.seconds.iter().map(|second| (second.time_s + 0.5, count(second) as f64)).collect()
    }

    /// The most of a count in any second.
    pub(super) fn most(&self, count: impl Fn(&Second) -> u64) -> u64 {
        self.seconds.iter().map(count).max().unwrap_or(0)
    }

    /// Whether another run had the same steps at nearly the same times, so that one mark says both.
    pub(super) fn has_steps_of(&self, other: &Self) -> bool {
        let is_one = |(one, other): (&(f64, String), &(f64, String))| {
            one.1 == other.1 && (one.0 - other.0).abs() < 0.5
        };
        self.steps.len() == other.steps.len() && self.steps.iter().zip(&other.steps).all(is_one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{ConnStats, Sample, Stats, Step};

    fn stats() -> Stats {
        let summary = r#"{"Started":"2026-01-01T00:00:00Z","Duration":3000000000,"Rate":100,"Connections":2,"PacketSize":1024,
            "FailedConnections":2,"Sent":0,"Received":0,"Dropped":0,"Retransmits":0,"FailedConnects":0}"#;
        let mut stats = Stats::read(summary.as_bytes()).unwrap();
        let connection = |started_ns, ended_ns, err: &str| ConnStats {
            started_ns,
            connect_ns: started_ns + 1,
            ended_ns,
            err: err.into(),
            ..ConnStats::default()
        };
        stats.conn_stats = vec![
            connection(0, 2_500_000_000, "reset"),
            connection(0, 1_200_000_000, "reset"),
            connection(1_200_000_000, 3_000_000_000, ""),
        ];
        stats.samples = [0, 100, 300, 300]
            .iter()
            .zip(0..)
            .map(|(&received, second)| Sample {
                time_ns: second * 1_000_000_000,
                received,
                ..Sample::default()
            })
            .collect();
        let step = |time_ns, name: &str| Step { time_ns, name: name.into() };
        stats.steps = vec![step(2_400_000_000, "remove s2"), step(1_100_000_000, "remove s1")];
        stats
    }

    fn curves(stats: &Stats) -> Curves {
        Curves::of(&Run { title: "evenkeel".into(), stats }).unwrap()
    }

    #[test]
    fn the_sum_of_losses_rises_where_each_was() {
        let expected = [(0.0, 0.0), (1.2, 0.0), (1.2, 1.0), (2.5, 1.0), (2.5, 2.0), (3.0, 2.0)];
        assert_eq!(curves(&stats()).lost(), expected);
    }

    #[test]
    fn counts_stand_at_the_ends_of_their_seconds() {
        let curves = curves(&stats());
        assert_eq!(curves.at_ends(|second| second.active), [(1.0, 2.0), (2.0, 2.0), (3.0, 1.0)]);
        assert_eq!(curves.at_ends(|second| second.failed), [(1.0, 0.0), (2.0, 1.0), (3.0, 1.0)]);
        assert_eq!(curves.most(|second| second.new), 2);
    }

    #[test]
    fn throughput_stands_in_the_middle_of_its_interval() {
        assert_eq!(curves(&stats()).throughput, [(0.5, 100.0), (1.5, 200.0), (2.5, 0.0)]);
    }

    #[test]
    fn steps_are_in_order_of_time_and_compared_by_name_and_time() {
        let one = curves(&stats());
        assert_eq!(one.steps, [(1.1, "remove s1".to_owned()), (2.4, "remove s2".to_owned())]);
        let mut other = one.clone();
        other.steps[1].0 += 0.2;
        assert!(one.has_steps_of(&other));
        other.steps[1].0 += 0.5;
        assert!(!one.has_steps_of(&other));
        other.steps.pop();
        assert!(!one.has_steps_of(&other));
    }

    #[test]
    fn a_run_without_details_is_named() {
        let mut stats = stats();
        stats.samples.clear();
        let error = Curves::of(&Run { title: "multipath".into(), stats: &stats }).unwrap_err().to_string();
        assert!(error.starts_with("multipath: there are no samples"), "{error}");
    }
}
