//! Where reading a file puts what is wrong with it: mistakes and warnings by place.

use super::mistake::{Mistake, Mistakes};
use super::source::Source;
use std::ops::Range;
use std::path::Path;

/// The mistakes and warnings of one text while it is read.
pub(crate) struct Report<'t> {
    file: &'t Path,
    source: Source<'t>,
    mistakes: Vec<(usize, String)>,
    warnings: Vec<(usize, String)>,
}

impl<'t> Report<'t> {
    pub(crate) fn new(file: &'t Path, text: &'t str) -> Self {
        Self { file, source: Source::new(text), mistakes: Vec::new(), warnings: Vec::new() }
    }

    /// Notes a mistake at a byte offset.
    pub(crate) fn mistake(&mut self, offset: usize, text: String) {
        self.mistakes.push((offset, text));
    }

    /// True if something was wrong.
    pub(crate) fn has_mistakes(&self) -> bool {
        !self.mistakes.is_empty()
    }

    /// Notes what is allowed but probably not meant.
    pub(crate) fn warning(&mut self, offset: usize, text: String) {
        self.warnings.push((offset, text));
    }

    /// The text of a span, as it can be quoted in a message.
    pub(crate) fn quote(&self, span: &Range<usize>) -> String {
        self.source.quote(span)
    }

    /// `line N` of an offset, for messages that point at a second place.
    pub(crate) fn line(&self, offset: usize) -> String {
        format!("line {}", self.source.place(offset).line)
    }

    /// The warnings as `FILE:LINE:COLUMN: warning: text` in order of place, or all mistakes.
    pub(crate) fn finish(mut self) -> Result<Vec<String>, Mistakes> {
        self.mistakes.sort_by_key(|(offset, _)| *offset);
        self.mistakes.dedup();
        self.warnings.sort_by_key(|(offset, _)| *offset);
        if self.mistakes.is_empty() {
            let (file, source) = (self.file.display(), &self.source);
            let warning = |(offset, text)| format!("{file}:{}: warning: {text}", source.place(offset));
            return Ok(self.warnings.into_iter().map(warning).collect());
        }
        let placed = |(offset, text)| Mistake { place: Some(self.source.place(offset)), text };
        Err(Mistakes::new(self.file, self.mistakes.into_iter().map(placed).collect()))
    }
}
