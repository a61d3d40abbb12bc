//! A figure of one run, or of up to four beside each other: connections lost over time, connections, throughput.

mod curves;
mod panel;
mod style;

use crate::analyze::{AnalysisError, Second};
use crate::stats::Stats;
use curves::Curves;
use panel::{Area, Drawn, Entry, Frame, Shape};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Runs in a figure, at most.
pub const MOST_RUNS: usize = style::RUNS.len();

const ONE_RUN_PX: u32 = 860;
const COLUMN_PX: u32 = 640;
const TITLE_PX: u32 = 40;
const LOST_PX: u32 = 280;
const RUN_TITLE_PX: u32 = 34;
const CONNECTIONS_PX: u32 = 300;
const THROUGHPUT_PX: u32 = 230;
const KEY_LINE_PX: u32 = 18;

/// A run, and what it is called in the figure.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// Its name.
    pub title: String,
    /// Its statistics, with connections and samples.
    pub stats: &'a Stats,
}

/// Why there is no figure.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// None, or too many.
    #[error("a figure shows 1 to {MOST_RUNS} runs, not {0}")]
    Runs(usize),
    /// Not the statistics of a run in detail.
    #[error("{title}: {source}")]
    Analysis {
        /// The run.
        title: String,
        /// What is wrong with it.
        source: AnalysisError,
    },
    /// The library refused.
    #[error("the figure can't be drawn: {0}")]
    Draw(String),
}

/// The figure as SVG. Runs have the same scales, so that what is higher is more.
///
/// # Errors
/// When there are no runs or too many, or one has no details.
pub fn svg(title: &str, runs: &[Run<'_>]) -> Result<String, PlotError> {
    if runs.is_empty() || runs.len() > MOST_RUNS {
        return Err(PlotError::Runs(runs.len()));
    }
    let curves: Vec<_> = runs.iter().map(Curves::of).collect::<Result<_, _>>()?;
    let figure = Figure::of(title, &curves);
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, figure.size_px()).into_drawing_area();
    figure.draw(&root).map_err(|error| PlotError::Draw(error.to_string()))?;
    root.present().map_err(|error| PlotError::Draw(error.to_string()))?;
    drop(root);
    Ok(svg)
}

/// Where everything stands, and the scales that all runs share.
struct Figure<'a> {
    title: &'a str,
    runs: &'a [Curves],
    column_px: u32,
    /// What the numbers of the steps mean: one key below each run, or one for all.
    keys: Vec<Vec<String>>,
    end_s: f64,
    most_lost: f64,
    most_connections: f64,
    most_throughput: f64,
}

impl<'a> Figure<'a> {
    fn of(title: &'a str, runs: &'a [Curves]) -> Self {
        let column_px = if runs.len() == 1 { ONE_RUN_PX } else { COLUMN_PX };
        let most = |values: &mut dyn Iterator<Item = f64>, least: f64, above: f64| {
            (values.fold(0.0, f64::max) * above).max(least)
        };
        let connections = |run: &Curves| {
            let counts: [fn(&Second) -> u64; 4] =
                [|one| one.active, |one| one.connecting, |one| one.new, |one| one.failed];
            counts.into_iter().map(|count| run.most(count)).max().unwrap_or(0) as f64
        };
        let throughput = runs.iter().flat_map(|run| &run.throughput).map(|(_, kb_per_s)| *kb_per_s);
        Self {
            title,
            runs,
            column_px,
            keys: keys(runs, column_px),
            end_s: most(&mut runs.iter().map(|run| run.end_s), 1.0, 1.0),
            most_lost: most(&mut runs.iter().map(|run| run.losses_s.len() as f64), 5.0, 1.08),
            most_connections: most(&mut runs.iter().map(connections), 5.0, 1.08),
            most_throughput: most(&mut { throughput }, 5.0, 1.15),
        }
    }

    fn size_px(&self) -> (u32, u32) {
        let lines = self.keys.iter().map(Vec::len).max().unwrap_or(0) as u32;
        let key_px = if lines == 0 { 0 } else { (lines + 1) * KEY_LINE_PX };
        let height_px = self.title_px() + LOST_PX + RUN_TITLE_PX + CONNECTIONS_PX + THROUGHPUT_PX + key_px;
        (self.column_px * self.runs.len() as u32, height_px)
    }

    fn title_px(&self) -> u32 {
        if self.title.is_empty() { 8 } else { TITLE_PX }
    }

    fn draw(&self, root: &Area<'_>) -> Drawn {
        root.fill(&WHITE)?;
        let (width_px, height_px) = self.size_px();
        let title = style::bold(style::TITLE_PX).pos(Pos::new(HPos::Center, VPos::Center));
        root.draw_text(self.title, &title, (width_px as i32 / 2, TITLE_PX as i32 / 2))?;
        let top_px = self.title_px();
        self.draw_lost(&part(root, (0, top_px), (width_px, LOST_PX)))?;
        let top_px = top_px + LOST_PX;
        for (number, run) in (0..).zip(self.runs) {
            let column = part(root, (number * self.column_px, top_px), (self.column_px, height_px - top_px));
            self.draw_run(&column, run)?;
        }
        let top_px = top_px + RUN_TITLE_PX + CONNECTIONS_PX + THROUGHPUT_PX + KEY_LINE_PX / 2;
        for (number, key) in (0..).zip(&self.keys) {
            for (line, text) in (0..).zip(key) {
                let left_px = (number * self.column_px) as i32 + panel::LEFT_PX;
                let at = (left_px, (top_px + line * KEY_LINE_PX) as i32);
                root.draw_text(text, &style::text(style::LABEL_PX), at)?;
            }
        }
        Ok(())
    }

    /// The losses of all runs, summed over time.
    fn draw_lost(&self, area: &Area<'_>) -> Drawn {
        let curves = self.runs.iter().zip(style::RUNS).map(|(run, (colour, dash, gap))| {
            let name = format!("{}: {} lost", run.title, run.losses_s.len());
            (Entry { name, colour, shape: Shape::Line(dash, gap) }, run.lost())
        });
        let curves: Vec<_> = curves.collect();
        // One mark for all runs, or none: else nobody could tell whose it is.
        let steps = match self.runs.split_first() {
            Some((first, _)) if have_one_key(self.runs) => times(first),
            _ => Vec::new(),
        };
        let frame = Frame { end_s: self.end_s, top: self.most_lost, name: "Connections lost, sum" };
        panel::draw(area, frame, &curves, &steps)
    }

    fn draw_run(&self, column: &Area<'_>, run: &Curves) -> Drawn {
        let title = style::bold(style::LABEL_PX + 1).pos(Pos::new(HPos::Left, VPos::Center));
        column.draw_text(&run.title, &title, (panel::LEFT_PX, RUN_TITLE_PX as i32 / 2))?;
        let steps = times(run);
        let entry = |name: &str, colour, shape| Entry { name: name.to_owned(), colour, shape };
        let connections = [
            (entry("new per s", style::NEW, Shape::Bars(0.1, 0.5)), run.at_ends(|second| second.new)),
            (entry("lost per s", style::LOST, Shape::Bars(0.5, 0.9)), run.at_ends(|second| second.failed)),
            (entry("active", style::ACTIVE, Shape::Line(1, 0)), run.at_ends(|second| second.active)),
            (
                entry("connecting", style::CONNECTING, Shape::Line(6, 3)),
                run.at_ends(|second| second.connecting),
            ),
        ];
        let frame = Frame { end_s: self.end_s, top: self.most_connections, name: "Connections" };
        let area = part(column, (0, RUN_TITLE_PX), (self.column_px, CONNECTIONS_PX));
        panel::draw(&area, frame, &connections, &steps)?;
        let throughput = [(entry("echoed", style::THROUGHPUT, Shape::Line(1, 0)), run.throughput.clone())];
        let frame = Frame { end_s: self.end_s, top: self.most_throughput, name: "Throughput (KB/s)" };
        let area = part(column, (0, RUN_TITLE_PX + CONNECTIONS_PX), (self.column_px, THROUGHPUT_PX));
        panel::draw(&area, frame, &throughput, &steps)
    }
}

fn part<'a>(area: &Area<'a>, corner_px: (u32, u32), size_px: (u32, u32)) -> Area<'a> {
    area.clone().shrink((corner_px.0 as i32, corner_px.1 as i32), (size_px.0 as i32, size_px.1 as i32))
}

fn times(run: &Curves) -> Vec<f64> {
    run.steps.iter().map(|(time_s, _)| *time_s).collect()
}

/// Whether a number means the same step in all runs.
fn have_one_key(runs: &[Curves]) -> bool {
    runs.split_first().is_some_and(|(first, others)| others.iter().all(|other| first.has_steps_of(other)))
}

fn keys(runs: &[Curves], column_px: u32) -> Vec<Vec<String>> {
    let (keyed, columns) = if have_one_key(runs) { (1, runs.len() as u32) } else { (runs.len(), 1) };
    let width_px = (column_px * columns) as i32 - panel::LEFT_PX;
    runs.iter().take(keyed).map(|run| key(run, width_px)).collect()
}

/// What the numbers of the steps mean, in lines of at most this width.
fn key(run: &Curves, width_px: i32) -> Vec<String> {
    const BETWEEN: &str = " · ";
    let mut lines: Vec<String> = Vec::new();
    for (number, (_, name)) in (1..).zip(&run.steps) {
        let entry = format!("{number} {name}");
        let longer = lines.last().map(|line| format!("{line}{BETWEEN}{entry}"));
        match (lines.last_mut(), longer) {
            (Some(line), Some(longer)) if style::width_px(&longer, style::LABEL_PX) < width_px => {
                *line = longer;
            }
            _ => lines.push(entry),
        }
    }
    lines
}

#[cfg(test)]
mod tests;
