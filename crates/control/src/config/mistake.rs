//! What is wrong with a file that a user wrote, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A place in a text file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters (not bytes), from 1; a tab is one character.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Where it is; `None` if the file could not be read at all.
    pub place: Option<Place>,
    /// What is wrong with the quoted value, and what is allowed; one line.
    pub text: String,
}

/// All mistakes of one file, in the order of their places; at least one.
///
/// Displayed as one `FILE:LINE:COLUMN: what is wrong; what is allowed` per line, without a newline at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    file: PathBuf,
    list: Vec<Mistake>,
}

impl Mistakes {
    pub(crate) fn new(file: &Path, list: Vec<Mistake>) -> Self {
        Self { file: file.to_owned(), list }
    }

    pub(crate) fn unreadable(file: &Path, error: &io::Error) -> Self {
        Self::new(file, vec![Mistake { place: None, text: format!("cannot be read: {error}") }])
    }

    /// The file that they are in, as it was named.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The mistakes, in the order of their places.
    #[must_use]
    pub fn list(&self) -> &[Mistake] {
        &self.list
    }

    /// `FILE has 2 mistakes`.
    pub(crate) fn summary(&self) -> String {
        let noun = if self.list.len() == 1 { "mistake" } else { "mistakes" };
        format!("{} has {} {noun}", self.file.display(), self.list.len())
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        for (index, mistake) in self.list.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            match mistake.place {
                Some(place) => write!(f, "{newline}{file}:{place}: {}", mistake.text)?,
                None => write!(f, "{newline}{file}: {}", mistake.text)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}
