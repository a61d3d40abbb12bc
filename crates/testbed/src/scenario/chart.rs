//! Charts as SVG: connections lost over time, a line for each forwarder; or all that `evenkeel traffic` measured.

use anyhow::{Result, anyhow};
use evenkeel_traffic::plot;
use evenkeel_traffic::stats::Stats;
use plotters::prelude::*;

use crate::forwarder::Kind;
use crate::load::StepTally;

const SIZE: (u32, u32) = (960, 480);

/// What is drawn.
#[derive(Debug)]
pub enum Chart {
    /// Connections lost, summed.
    Lost {
        /// Above it.
        title: String,
        /// One for each forwarder.
        lines: Vec<Line>,
    },
    /// What `evenkeel traffic` measured: connections lost, connections, throughput.
    Traffic {
        /// What tells it from the scenario's other charts, in the name of its file.
        name: String,
        /// Above it.
        title: String,
        /// The statistics by forwarder.
        runs: Vec<(String, Stats)>,
    },
}

/// The connections that one forwarder lost.
#[derive(Clone, Debug)]
pub struct Line {
    /// Who forwarded.
    pub kind: Kind,
    /// When each was lost, in seconds from the start of the load, in order.
    pub lost_s: Vec<f64>,
    /// When each step began, in seconds from the start of the load.
    pub steps_s: Vec<f64>,
    /// When the load ended.
    pub end_s: f64,
}

impl Line {
    /// From the counts of a load.
    pub fn of_lost(kind: Kind, steps: &[StepTally]) -> Self {
        let mut lost_s: Vec<_> = steps.iter().flat_map(|step| &step.lost).map(|lost| lost.at_s).collect();
        lost_s.sort_unstable_by(f64::total_cmp);
        let end_s = steps.last().map_or(0.0, |step| step.began_s + step.seconds);
        Self { kind, lost_s, steps_s: steps.iter().map(|step| step.began_s).collect(), end_s }
    }

    /// Corners of the sum over time: it stays until the next loss, and rises there.
    fn corners(&self) -> Vec<(f64, f64)> {
        let mut corners = vec![(0.0, 0.0)];
        for (number, &at) in self.lost_s.iter().enumerate() {
            corners.extend([(at, number as f64), (at, number as f64 + 1.0)]);
        }
        corners.push((self.end_s, self.lost_s.len() as f64));
        corners
    }
}

impl Chart {
    /// What tells it from the scenario's other charts; empty when it is the only one.
    pub fn name(&self) -> &str {
        match self {
            Self::Lost { .. } => "",
            Self::Traffic { name, .. } => name,
        }
    }

    /// The chart as SVG.
    ///
    /// # Errors
    /// When it can't be drawn.
    pub fn svg(&self) -> Result<String> {
        match self {
            Self::Lost { title, lines } => {
                let mut svg = String::new();
                draw_lost(&mut svg, title, lines)
                    .map_err(|error| anyhow!("the chart can't be drawn: {error}"))?;
                Ok(svg)
            }
            Self::Traffic { title, runs, .. } => {
                let runs = runs.iter().map(|(title, stats)| plot::Run { title: title.clone(), stats });
                Ok(plot::svg(title, &runs.collect::<Vec<_>>())?)
            }
        }
    }
}

fn draw_lost(svg: &mut String, title: &str, lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let end_s = lines.iter().map(|line| line.end_s).fold(1.0, f64::max);
    let most = lines.iter().map(|line| line.lost_s.len()).max().unwrap_or(0);
    let height = (most as f64 * 1.05).max(10.0);
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..end_s, 0.0..height)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .y_label_formatter(&|lost| format!("{lost:.0}"))
        .x_label_formatter(&|seconds| format!("{seconds:.0}"))
        .x_desc("seconds; upright lines: a step begins")
        .y_desc("connections lost, sum")
        .draw()?;
    for line in lines {
        let colour = colour(line.kind);
        chart
            .draw_series(LineSeries::new(line.corners(), colour.stroke_width(2)))?
            .label(format!("{}: {} lost", line.kind, line.lost_s.len()))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
    }
    let marked = |&at_s: &f64| PathElement::new([(at_s, 0.0), (at_s, height)], BLACK.mix(0.25));
    if let Some(line) = lines.first() {
        chart.draw_series(line.steps_s.iter().map(marked))?;
    }
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}

/// The same in every chart.
fn colour(kind: Kind) -> RGBColor {
    match kind {
        Kind::Kernel => RGBColor(200, 40, 40),
        Kind::Resilient => RGBColor(230, 150, 20),
        Kind::Evenkeel => RGBColor(20, 90, 180),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(kind: Kind, lost_s: &[f64]) -> Line {
        Line { kind, lost_s: lost_s.to_vec(), steps_s: vec![0.0, 2.0], end_s: 4.0 }
    }

    #[test]
    fn the_sum_rises_at_each_loss() {
        let corners = line(Kind::Kernel, &[1.0, 2.5]).corners();
        let expected = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (2.5, 1.0), (2.5, 2.0), (4.0, 2.0)];
        assert_eq!(corners, expected);
    }

    #[test]
    fn the_svg_names_every_line_with_its_sum() {
        let lines = vec![line(Kind::Kernel, &[1.0, 2.5]), line(Kind::Evenkeel, &[])];
        let svg = Chart::Lost { title: "lost".into(), lines }.svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        assert!(svg.contains("kernel multipath: 2 lost") && svg.contains("evenkeel: 0 lost"), "{svg}");
    }
}
