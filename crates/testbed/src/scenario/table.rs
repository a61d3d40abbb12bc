//! A table for people: what it is about on the left, a column for each forwarder.

use std::fmt;

/// Rows of cells under a head; the first column is text, the others are figures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this head: a cell for each column, which may have several lines.
    pub fn new(head: impl IntoIterator<Item = impl ToString>) -> Self {
        Self { head: head.into_iter().map(|cell| cell.to_string()).collect(), rows: Vec::new() }
    }

    /// Adds a row: its name, and a cell for each further column.
    pub fn push(&mut self, name: impl Into<String>, cells: impl IntoIterator<Item = impl ToString>) {
        let cells = cells.into_iter().map(|cell| cell.to_string());
        self.rows.push([name.into()].into_iter().chain(cells).collect());
    }

    /// The head's lines, each as a row; shorter cells stand at the bottom.
    fn head_rows(&self) -> Vec<Vec<String>> {
        let height = self.head.iter().map(|cell| cell.lines().count()).max().unwrap_or(0);
        let line = |cell: &String, number: usize| {
            let missing = height - cell.lines().count();
            number
                .checked_sub(missing)
                .and_then(|number| cell.lines().nth(number))
                .unwrap_or_default()
                .to_owned()
        };
        (0..height).map(|number| self.head.iter().map(|cell| line(cell, number)).collect()).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head_rows();
        let all = || head.iter().chain(&self.rows);
        let columns = all().map(Vec::len).max().unwrap_or(0);
        let width =
            |column: usize| all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        let rule = "-".repeat(widths.iter().sum::<usize>() + 3 * columns.saturating_sub(1));
        head.iter().try_for_each(|row| write_row(f, row, &widths))?;
        writeln!(f, "{rule}")?;
        self.rows.iter().try_for_each(|row| write_row(f, row, &widths))
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &[String], widths: &[usize]) -> fmt::Result {
    for (column, (cell, &width)) in row.iter().zip(widths).enumerate() {
        match column {
            0 => write!(f, "{cell:<width$}")?,
            _ => write!(f, "   {cell:>width$}")?,
        }
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["step", "kernel", "évenkeel\nIPv4"]);
        table.push("9 servers", [57, 0]);
        let lines: Vec<_> = table.to_string().lines().map(str::to_owned).collect();
        let expected = [
            "                     évenkeel",
            "step        kernel       IPv4",
            "-----------------------------",
            "9 servers       57          0",
        ];
        assert_eq!(lines, expected);
    }
}
