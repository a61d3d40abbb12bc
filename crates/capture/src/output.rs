//! The files that a replay leaves: all of them, or none.
//!
//! They are written into a directory of their own within the output directory and renamed at the end. Files that
//! were there before and have the name of one of them are replaced at that moment; others aren't touched.

use crate::write::CaptureWriter;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Name of the report's file.
pub(crate) const REPORT: &str = "report.json";
/// Names of the captures of frames that did not leave by an interface.
pub(crate) const PUNT: &str = "punt";
pub(crate) const DROP: &str = "drop";

/// Name of a capture's file.
pub(crate) fn capture_name(stem: &str) -> String {
    format!("{stem}.pcap")
}

/// Something could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written", file.display())]
pub struct WriteError {
    /// What was being written.
    pub file: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl WriteError {
    fn of(file: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { file: file.to_owned(), source }
    }
}

/// Captures that are being written into an output directory.
#[derive(Debug)]
pub(crate) struct Output {
    dir: PathBuf,
    /// Holds everything until the end; removed when dropped.
    staging: TempDir,
}

impl Output {
    /// Makes the output directory if there is none.
    pub(crate) fn in_dir(dir: &Path) -> Result<Self, WriteError> {
        std::fs::create_dir_all(dir).map_err(WriteError::of(dir))?;
        let staging = tempfile::Builder::new().prefix(".replay-").tempdir_in(dir);
        Ok(Self { dir: dir.to_owned(), staging: staging.map_err(WriteError::of(dir))? })
    }

    /// Starts the capture with this name, without extension.
    pub(crate) fn capture(&self, stem: &str) -> Result<CaptureWriter<BufWriter<File>>, WriteError> {
        let name = capture_name(stem);
        File::create(self.staging.path().join(&name))
            .and_then(|file| CaptureWriter::new(BufWriter::new(file)))
            .map_err(WriteError::of(&self.dir.join(name)))
    }

    /// Puts finished captures and the report in their places, the report last.
    pub(crate) fn publish(self, stems: &[String], report: &str) -> Result<(), WriteError> {
        let staged = self.staging.path();
        std::fs::write(staged.join(REPORT), report).map_err(WriteError::of(&self.dir.join(REPORT)))?;
        let captures = stems.iter().map(|stem| capture_name(stem));
        for name in captures.chain([REPORT.to_owned()]) {
            let file = self.dir.join(&name);
            std::fs::rename(staged.join(&name), &file).map_err(WriteError::of(&file))?;
        }
        self.staging.close().map_err(WriteError::of(&self.dir))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let name = |entry: io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn files_appear_at_the_end_and_replace_only_their_names() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("eth1.pcap", "old"), ("report.json", "old"), ("notes.txt", "mine")] {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let output = Output::in_dir(dir.path()).unwrap();
        output.capture("eth1").and_then(|c| c.finish().map_err(WriteError::of(dir.path()))).unwrap();
        assert_eq!(std::fs::read(dir.path().join("eth1.pcap")).unwrap(), b"old");
        output.publish(&["eth1".to_owned()], "{}\n").unwrap();
        assert_eq!(names(dir.path()), ["eth1.pcap", "notes.txt", "report.json"]);
        assert_eq!(std::fs::read(dir.path().join("eth1.pcap")).unwrap().len(), 24);
        assert_eq!(std::fs::read(dir.path().join("report.json")).unwrap(), b"{}\n");
        assert_eq!(std::fs::read(dir.path().join("notes.txt")).unwrap(), b"mine");
    }

    #[test]
    fn an_output_that_is_given_up_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let output = Output::in_dir(dir.path()).unwrap();
        drop(output.capture("eth1").unwrap());
        drop(output);
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let error = Output::in_dir(&dir.path().join("file/out")).unwrap_err();
        assert!(error.to_string().ends_with("file/out: cannot be written"), "{error}");
    }
}
