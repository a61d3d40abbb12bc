//! Columns for people: a line of headings, no borders, two spaces between columns, numbers to the right.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, Table, Width};
use std::fmt;

/// Spaces between two columns.
const GAP: u16 = 2;

/// Lines of cells below headings. A heading that begins with `>` stands to the right, as do the cells below it.
pub(crate) struct Columns {
    headings: Vec<&'static str>,
    table: Table,
    /// Least widths, so that what is printed in pieces stays in line.
    least: Vec<u16>,
    has_headings: bool,
}

impl Columns {
    /// Headings without lines.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self {
            headings: headings.to_vec(),
            table: empty(),
            least: vec![0; headings.len()],
            has_headings: true,
        }
    }

    /// Lines alone; of the headings only the side counts.
    pub(crate) fn without_headings(headings: &[&'static str]) -> Self {
        Self { has_headings: false, ..Self::new(headings) }
    }

    /// Adds a line with a cell for each heading.
    pub(crate) fn line<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.headings.len(), "a cell for each heading");
        self.table.add_row(cells);
    }

    /// True without a line.
    pub(crate) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The lines so far as text; those that follow stand below without headings, in columns at least as wide.
    pub(crate) fn take(&mut self) -> String {
        self.lay_out();
        let text = self.text();
        let widths = self.table.column_max_content_widths();
        self.least = self.least.iter().zip(widths).map(|(least, width)| width.max(*least)).collect();
        self.table = empty();
        self.has_headings = false;
        text
    }

    fn lay_out(&mut self) {
        if self.has_headings {
            self.table.set_header(self.headings.iter().map(|heading| heading.trim_start_matches('>')));
        }
        self.table.discover_columns();
        let asked = self.headings.iter().zip(&self.least);
        for (column, (heading, least)) in self.table.column_iter_mut().zip(asked) {
            column
                .set_padding((0, GAP))
                .set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + GAP)));
            if heading.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }

    fn text(&self) -> String {
        let lines = self.table.lines().map(|line| line.trim_end().to_owned() + "\n");
        lines.collect()
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut whole = Self {
            headings: self.headings.clone(),
            table: self.table.clone(),
            least: self.least.clone(),
            has_headings: self.has_headings,
        };
        whole.lay_out();
        f.write_str(&whole.text())
    }
}

fn empty() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

#[cfg(test)]
mod tests {
    use super::Columns;

    fn cells<const N: usize>(cells: [&str; N]) -> [String; N] {
        cells.map(str::to_owned)
    }

    #[test]
    fn words_stand_to_the_left_and_numbers_to_the_right() {
        let mut columns = Columns::new(&["nexthop", ">buckets", "state"]);
        columns.line(cells(["s1", "5", "active"]));
        columns.line(cells(["a-long-one", "1234567890", ""]));
        let want = "nexthop        buckets  state\n\
                    s1                   5  active\n\
                    a-long-one  1234567890\n";
        assert_eq!(columns.to_string(), want);
    }

    #[test]
    fn pieces_stay_in_line() {
        let mut columns = Columns::new(&["source", ">bytes"]);
        columns.line(cells(["198.51.100.1:1000", "7"]));
        assert_eq!(columns.take(), "source             bytes\n198.51.100.1:1000      7\n");
        assert!(columns.is_empty());
        columns.line(cells(["192.0.2.1:9", "10"]));
        assert_eq!(columns.take(), "192.0.2.1:9           10\n");
    }

    #[test]
    fn headings_stand_alone_without_lines() {
        assert_eq!(Columns::new(&["a", ">b"]).to_string(), "a  b\n");
    }
}
