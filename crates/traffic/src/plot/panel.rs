//! One chart of a figure: its frame, its curves, the marks of steps, and the legend above it.

use super::style;
use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
pub(super) type Drawn = Result<(), Box<dyn std::error::Error>>;

const LABELS_LEFT_PX: u32 = 62;
const MARGIN_LEFT_PX: u32 = 10;
/// Where the values begin, and the legend.
pub(super) const LEFT_PX: i32 = (LABELS_LEFT_PX + MARGIN_LEFT_PX) as i32;
const LABELS_BELOW_PX: u32 = 40;
const MARGIN_RIGHT_PX: u32 = 20;
/// Room above a chart for the legend and, below that, the numbers of the steps.
const HEAD_PX: u32 = 40;
const SWATCH_PX: i32 = 22;
/// A curve that stays at 0 lies above the axis: so much of the values' range is below 0.
const BELOW_ZERO: f64 = 0.03;
const NARROWEST_SECOND_PX: f64 = 6.0;

/// A line of the legend, and how its curve is drawn.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) colour: RGBColor,
    pub(super) shape: Shape,
}

/// How values are drawn.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A line, with dashes and gaps of so many pixels; a gap of 0 is a whole line.
    Line(i32, i32),
    /// A bar before each point, between these shares of a second.
    Bars(f64, f64),
}

/// The frame of a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// Where the time ends, seconds.
    pub(super) end_s: f64,
    /// Where the values end.
    pub(super) top: f64,
    /// Name and unit of the values.
    pub(super) name: &'a str,
}

/// Draws a chart: each curve with its entry in the legend, later ones over earlier ones; steps by their times.
pub(super) fn draw(
    area: &Area<'_>,
    frame: Frame<'_>,
    curves: &[(Entry, Vec<(f64, f64)>)],
    steps_s: &[f64],
) -> Drawn {
    let mut chart = ChartBuilder::on(area)
        .margin_top(HEAD_PX)
        .margin_left(MARGIN_LEFT_PX)
        .margin_right(MARGIN_RIGHT_PX)
        .x_label_area_size(LABELS_BELOW_PX)
        .y_label_area_size(LABELS_LEFT_PX)
        .build_cartesian_2d(0.0..frame.end_s, -frame.top * BELOW_ZERO..frame.top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(style::grid())
        .light_line_style(TRANSPARENT)
        .label_style(style::text(style::LABEL_PX))
        .axis_desc_style(style::text(style::LABEL_PX))
        .x_labels(10)
        .y_labels(5)
        .x_label_formatter(&|seconds| format!("{seconds:.0}"))
        .y_label_formatter(&|value| format!("{value:.0}"))
        .x_desc("Time (s)")
        .y_desc(frame.name)
        .draw()?;
    draw_marks(area, &mut chart, frame.top, steps_s)?;
    for (entry, points) in curves {
        draw_curve(&mut chart, frame, entry, points)?;
    }
    draw_legend(area, curves.iter().map(|(entry, _)| entry))
}

fn draw_curve(chart: &mut Chart<'_, '_>, frame: Frame<'_>, entry: &Entry, points: &[(f64, f64)]) -> Drawn {
    let line = entry.colour.stroke_width(style::LINE_WIDTH);
    let points = points.iter().copied();
    match entry.shape {
        Shape::Line(_, 0) => drop(chart.draw_series(LineSeries::new(points, line))?),
        Shape::Line(dash, gap) => drop(chart.draw_series(DashedLineSeries::new(points, dash, gap, line))?),
        Shape::Bars(from, to) => {
            let (width_px, _) = chart.plotting_area().dim_in_pixel();
            // In a long run a second is less than a pixel: its bars are drawn wider, so that they are seen.
            let second = (NARROWEST_SECOND_PX * frame.end_s / f64::from(width_px)).max(1.0);
            let (from, to) = (from * second, to * second);
            let bars = points.filter(|(_, value)| *value > 0.0).map(|(end_s, value)| {
                Rectangle::new([(end_s - 1.0 + from, 0.0), (end_s - 1.0 + to, value)], entry.colour.filled())
            });
            chart.draw_series(bars)?;
        }
    }
    Ok(())
}

/// Upright lines, each with its number above it where there is room.
fn draw_marks(area: &Area<'_>, chart: &mut Chart<'_, '_>, top: f64, steps_s: &[f64]) -> Drawn {
    let (left, above) = area.get_base_pixel();
    let mut free_from = i32::MIN;
    for (number, &time_s) in (1..).zip(steps_s) {
        let upright = DashedLineSeries::new(
            [(time_s, -top * BELOW_ZERO), (time_s, top)],
            3,
            3,
            style::mark().stroke_width(1),
        );
        chart.draw_series(upright)?;
        let (x, y) = chart.backend_coord(&(time_s, top));
        let text = number.to_string();
        let half = style::width_px(&text, style::LABEL_PX) / 2 + 2;
        if x - half > free_from {
            let centred = style::text(style::LABEL_PX).pos(Pos::new(HPos::Center, VPos::Bottom));
            area.draw_text(&text, &centred, (x - left, y - above - 3))?;
            free_from = x + half;
        }
    }
    Ok(())
}

fn draw_legend<'a>(area: &Area<'_>, entries: impl Iterator<Item = &'a Entry>) -> Drawn {
    let mut x = LEFT_PX;
    let y = 12;
    for Entry { name, colour, shape } in entries {
        match shape {
            Shape::Bars(..) => {
                area.draw(&Rectangle::new([(x + 5, y - 6), (x + SWATCH_PX - 5, y + 6)], colour.filled()))?;
            }
            Shape::Line(dash, gap) => {
                let (dash, step) = (*dash, if *gap == 0 { SWATCH_PX } else { dash + gap });
                let mut from = 0;
                while from < SWATCH_PX {
                    let to = if *gap == 0 { SWATCH_PX } else { (from + dash).min(SWATCH_PX) };
                    let line = colour.stroke_width(style::LINE_WIDTH + 1);
                    area.draw(&PathElement::new([(x + from, y), (x + to, y)], line))?;
                    from += step.max(1);
                }
            }
        }
        let beside = style::text(style::LABEL_PX).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw_text(name, &beside, (x + SWATCH_PX + 6, y))?;
        x += SWATCH_PX + 6 + style::width_px(name, style::LABEL_PX) + 18;
    }
    Ok(())
}
