//! Colours and fonts of every figure. The colours are those of Okabe and Ito, which the colour-blind can tell apart; in
//! curves that lie in one chart dashes tell them apart as well.

use plotters::prelude::{BLACK, Color, FontStyle, IntoFont, RGBAColor, RGBColor, TextStyle};

/// Connections that are there.
pub(super) const ACTIVE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
/// Connections that were lost.
pub(super) const LOST: RGBColor = RGBColor(0xd5, 0x5e, 0x00);
/// Connections that were begun.
pub(super) const NEW: RGBColor = RGBColor(0x56, 0xb4, 0xe9);
/// Connections that are not connected yet.
pub(super) const CONNECTING: RGBColor = RGBColor(0xe6, 0x9f, 0x00);
/// What came back.
pub(super) const THROUGHPUT: RGBColor = RGBColor(0x00, 0x9e, 0x73);

/// Curves of runs in one chart: colour, and lengths of dash and gap in pixels; a gap of 0 is a whole line.
pub(super) const RUNS: [(RGBColor, i32, i32); 4] = [
    (RGBColor(0xd5, 0x5e, 0x00), 1, 0),
    (RGBColor(0x00, 0x72, 0xb2), 10, 4),
    (RGBColor(0x00, 0x9e, 0x73), 4, 4),
    (RGBColor(0xcc, 0x79, 0xa7), 14, 7),
];

pub(super) const LINE_WIDTH: u32 = 2;
pub(super) const LABEL_PX: i32 = 13;
pub(super) const TITLE_PX: i32 = 18;

/// Lines behind the curves.
pub(super) fn grid() -> RGBAColor {
    BLACK.mix(0.12)
}

/// Upright lines where steps begin.
pub(super) fn mark() -> RGBAColor {
    BLACK.mix(0.45)
}

/// Text of this size.
pub(super) fn text(size_px: i32) -> TextStyle<'static> {
    ("sans-serif", size_px).into_font().color(&BLACK)
}

/// Bold text of this size.
pub(super) fn bold(size_px: i32) -> TextStyle<'static> {
    ("sans-serif", size_px, FontStyle::Bold).into_font().color(&BLACK)
}

/// About how wide text of this size is drawn, in pixels: what an SVG says is left to its reader's font.
pub(super) fn width_px(text: &str, size_px: i32) -> i32 {
    (text.chars().count() as f64 * f64::from(size_px) * 0.56).ceil() as i32
}
