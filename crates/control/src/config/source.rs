//! The text of a file: reading it within bounds, places in it, and quotations from it.

use super::mistake::{Mistake, Mistakes, Place};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

/// Longest file that is read, in bytes: four times what 100 groups of 1000 nexthops need.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Longest quotation, in characters.
const MAX_QUOTE_CHARS: usize = 80;

/// Reads a file as text, without a byte order mark.
pub(crate) fn read_text(file: &Path) -> Result<String, Mistakes> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|opened| opened.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(|error| Mistakes::unreadable(file, &error))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Mistakes::unreadable(file, &io::Error::other("it is longer than 64 MiB")));
    }
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(.."\u{feff}".len());
    }
    String::from_utf8(bytes)
        .map_err(|error| not_utf8(file, error.as_bytes(), error.utf8_error().valid_up_to()))
}

/// The one mistake of a file that is no text: the place is that of the first wrong byte.
fn not_utf8(file: &Path, bytes: &[u8], valid_up_to: usize) -> Mistakes {
    let (valid, wrong) = bytes.split_at(valid_up_to);
    let place = Source::new(&String::from_utf8_lossy(valid)).place(valid_up_to);
    let byte = wrong.first().copied().unwrap_or_default();
    let text = format!("not TOML: byte 0x{byte:02x} is not UTF-8; allowed: text in UTF-8");
    Mistakes::new(file, vec![Mistake { place: Some(place), text }])
}

/// A text with its lines.
pub(crate) struct Source<'t> {
    text: &'t str,
    /// Byte offset of the start of each line, ascending; the first is 0.
    line_starts: Vec<usize>,
}

impl<'t> Source<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self { text, line_starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// Place of a byte offset; an offset behind the end is the end.
    pub(crate) fn place(&self, offset: usize) -> Place {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let start = self.line_starts[line - 1];
        Place { line, column: self.text[start..offset].chars().count() + 1 }
    }

    /// The line of an offset, as a quotation.
    pub(crate) fn quote_line(&self, offset: usize) -> String {
        let line = self.place(offset).line;
        let start = self.line_starts[line - 1];
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        let text = self.text[start..end].trim();
        let start = start + self.text[start..end].find(text).unwrap_or(0);
        self.quote(&(start..start + text.len()))
    }

    /// The text of a span on one line and of bounded length, without control characters.
    pub(crate) fn quote(&self, span: &Range<usize>) -> String {
        let text = self.text.get(span.clone()).unwrap_or_default();
        let mut quote = String::with_capacity(text.len().min(MAX_QUOTE_CHARS));
        for (count, character) in text.chars().enumerate() {
            if count == MAX_QUOTE_CHARS {
                quote.push('…');
                break;
            }
            if character.is_control() {
                quote.extend(character.escape_debug());
            } else {
                quote.push(character);
            }
        }
        quote
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let source = Source::new("a = 1\nß = \"x\"\n\tb");
        let place = |offset| source.place(offset).to_string();
        assert_eq!([place(0), place(4), place(5)], ["1:1", "1:5", "1:6"]);
        assert_eq!(place(6), "2:1");
        assert_eq!(place(11), "2:5", "ß is two bytes and one character");
        assert_eq!(place(16), "3:2", "a tab is one character");
        assert_eq!(place(1000), "3:3", "behind the end is the end");
        assert_eq!(Source::new("").place(0).to_string(), "1:1");
    }

    #[test]
    fn quotes_are_short_and_on_one_line() {
        let source = Source::new("x = \"\"\"a\n\u{1b}[31mb\"\"\"");
        assert_eq!(source.quote(&(4..18)), "\"\"\"a\\n\\u{1b}[31mb\"\"\"");
        let long = "y".repeat(200);
        assert_eq!(Source::new(&long).quote(&(0..200)).chars().count(), MAX_QUOTE_CHARS + 1);
        assert_eq!(source.quote(&(500..600)), "", "a span that is not in the text");
        assert_eq!(Source::new("a\r\n  b = ß  \r\nc").quote_line(7), "b = ß");
        assert_eq!(Source::new("a\n").quote_line(2), "", "the line behind the last newline is empty");
    }
}
