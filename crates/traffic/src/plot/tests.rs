use super::*;
use crate::stats::{ConnStats, Sample, Step};

/// Twenty seconds, with as many connections lost at each of three steps.
fn stats(lost_per_step: u64) -> Stats {
    let summary = r#"{"Started":"2026-01-01T00:00:00Z","Duration":20000000000,"Rate":500,"Connections":100,"PacketSize":1024,
        "FailedConnections":0,"Sent":0,"Received":0,"Dropped":0,"Retransmits":0,"FailedConnects":0}"#;
    let mut stats = Stats::read(summary.as_bytes()).unwrap();
    let second_ns = 1_000_000_000;
    let connection = |started_ns, ended_ns, err: &str| ConnStats {
        started_ns,
        connect_ns: started_ns + 1,
        ended_ns,
        err: err.into(),
        ..ConnStats::default()
    };
    for step in 1..=3 {
        let time_ns = step * 5 * second_ns;
        stats.steps.push(Step { time_ns, name: format!("remove s{step}") });
        stats.conn_stats.extend((0..lost_per_step).map(|_| connection(0, time_ns + second_ns / 5, "reset")));
    }
    stats.conn_stats.extend((0..100).map(|_| connection(0, 20 * second_ns, "")));
    stats.samples = (0..=20)
        .map(|second| Sample { time_ns: second * second_ns, received: second * 500, ..Sample::default() })
        .collect();
    stats
}

#[test]
fn a_figure_of_two_runs_names_them_their_losses_and_the_steps() {
    let (kernel, evenkeel) = (stats(50), stats(0));
    let runs = [
        Run { title: "kernel multipath".into(), stats: &kernel },
        Run { title: "evenkeel".into(), stats: &evenkeel },
    ];
    let svg = svg("Targets <10 to 4>", &runs).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    for text in [
        "kernel multipath: 150 lost",
        "evenkeel: 0 lost",
        "Targets &lt;10 to 4&gt;",
        "1 remove s1 · 2 remove s2",
    ] {
        assert!(svg.contains(text), "{text}: {svg}");
    }
}

#[test]
fn as_many_runs_as_there_are_colours_are_drawn() {
    let stats = stats(1);
    let run = Run { title: "run".into(), stats: &stats };
    assert!(svg("", &vec![run.clone(); MOST_RUNS]).is_ok());
    assert!(matches!(svg("", &vec![run; MOST_RUNS + 1]), Err(PlotError::Runs(5))));
    assert_eq!(svg("", &[]).unwrap_err().to_string(), "a figure shows 1 to 4 runs, not 0");
}

#[test]
fn the_key_is_cut_into_lines_that_fit() {
    let mut stats = stats(0);
    stats.steps =
        (0..30).map(|second| Step { time_ns: second, name: format!("drain server {second}") }).collect();
    let curves = Curves::of(&Run { title: String::new(), stats: &stats }).unwrap();
    let lines = key(&curves, 500);
    assert!(
        lines.len() > 3 && lines.iter().all(|line| style::width_px(line, style::LABEL_PX) <= 500),
        "{lines:?}"
    );
    assert!(lines.concat().contains("30 drain server 29"));
}

#[test]
fn losses_of_a_long_run_are_still_seen() {
    let mut stats = stats(50);
    stats.duration_ns = 3600 * 1_000_000_000;
    let svg = svg("", &[Run { title: "run".into(), stats: &stats }]).unwrap();
    let bars: Vec<_> =
        svg.lines().filter(|line| line.starts_with("<rect") && line.contains("#D55E00")).collect();
    // One in the legend, and one for each step.
    assert_eq!(bars.len(), 4, "{bars:?}");
    assert!(bars.iter().all(|bar| !bar.contains("width=\"0\"")), "{bars:?}");
}
