//! Tokens and the files that hold them. A file is read again when it changes, so that a token can be changed at any time.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;

/// Shortest token in bytes: 16 random printable ones can't be guessed over a network.
const MIN_BYTES: usize = 16;
/// Longest file of a token, in bytes.
const MAX_FILE_BYTES: u64 = 4096;
/// Bits of a mode that such a file may not have: read by others, written by anybody but its owner.
const FORBIDDEN_MODE: u32 = 0o026;

/// What a request is compared with.
#[derive(Clone)]
struct Token(Vec<u8>);

impl Token {
    /// Takes as long whatever the first difference is.
    fn is(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}

/// A token never shows.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Why a file gives no token.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .path.display())]
pub struct TokenError {
    path: PathBuf,
    problem: TokenProblem,
}

/// What is wrong with the file of a token.
#[derive(Debug, thiserror::Error)]
enum TokenProblem {
    /// It can't be read.
    #[error("can't be read: {0}")]
    Read(#[from] io::Error),
    /// It is a device, a pipe, a directory.
    #[error("is no regular file")]
    NotAFile,
    /// Others can read it, or write it.
    #[error("has mode {0:04o}; allowed: at most 0640, not to be read by others or written by its group")]
    Open(u32),
    /// No token, or one that can be guessed.
    #[error(
        "holds no token; allowed: one line of {MIN_BYTES} or more printable ASCII characters without spaces"
    )]
    Form,
}

/// A token in a file.
#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    known: Mutex<Known>,
}

/// What the file held when it was last read.
#[derive(Debug, Clone)]
struct Known {
    /// None when it could not be read.
    version: Option<Version>,
    /// None if it gives none now: nobody gets in with it.
    token: Option<Token>,
}

/// What changes with a file: device, inode, size, mode, and the last change of its inode in seconds and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version(u64, u64, u64, u32, i64, i64);

impl TokenFile {
    /// Reads the token for the first time.
    ///
    /// # Errors
    /// The file gives no token.
    pub(super) fn open(path: &Path) -> Result<Self, TokenError> {
        let (token, version) = read(path).map_err(|problem| TokenError { path: path.to_owned(), problem })?;
        let known = Mutex::new(Known { version: Some(version), token: Some(token) });
        Ok(Self { path: path.to_owned(), known })
    }

    /// True if this is the token that the file holds now.
    pub(super) fn holds(&self, offered: &[u8]) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let version = std::fs::metadata(&self.path).ok().map(|metadata| version(&metadata));
        if version.is_none() || version != known.version {
            *known = match read(&self.path) {
                Ok((token, version)) => Known { version: Some(version), token: Some(token) },
                Err(_) => Known { version, token: None },
            };
        }
        known.token.as_ref().is_some_and(|token| token.is(offered))
    }
}

fn read(path: &Path) -> Result<(Token, Version), TokenProblem> {
    // a pipe would wait for its writer
    if !std::fs::metadata(path)?.is_file() {
        return Err(TokenProblem::NotAFile);
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let mode = metadata.mode() & 0o7777;
    if mode & FORBIDDEN_MODE != 0 {
        return Err(TokenProblem::Open(mode));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    let token = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let is_printable = token.iter().all(u8::is_ascii_graphic);
    if token.len() < MIN_BYTES || bytes.len() as u64 > MAX_FILE_BYTES || !is_printable {
        return Err(TokenProblem::Form);
    }
    Ok((Token(token.to_vec()), version(&metadata)))
}

fn version(metadata: &std::fs::Metadata) -> Version {
    Version(
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        metadata.mode(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    const TOKEN: &str = "correct-horse-battery";

    fn file(text: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (directory, path)
    }

    #[test]
    fn a_token_is_one_line_that_others_cannot_read() {
        for (text, mode, want) in [
            (format!("{TOKEN}\n"), 0o600, None),
            (TOKEN.to_owned(), 0o640, None),
            (TOKEN.to_owned(), 0o644, Some("has mode 0644; allowed: at most 0640")),
            (TOKEN.to_owned(), 0o660, Some("has mode 0660")),
            ("fifteen--bytes-".to_owned(), 0o600, Some("holds no token; allowed: one line of 16 or more")),
            (String::new(), 0o600, Some("holds no token")),
            (format!("{TOKEN}\n\n"), 0o600, Some("holds no token")),
            (format!("{TOKEN} "), 0o600, Some("holds no token")),
            (format!("{TOKEN}ü"), 0o600, Some("holds no token")),
            ("x".repeat(5000), 0o600, Some("holds no token")),
        ] {
            let (_directory, path) = file(text.as_bytes(), mode);
            let opened = TokenFile::open(&path).map(|file| file.holds(TOKEN.as_bytes()));
            match want {
                None => assert!(opened.unwrap()),
                Some(want) => {
                    let error = opened.unwrap_err().to_string();
                    assert!(error.contains(want) && error.starts_with(path.to_str().unwrap()), "{error}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_file_gives_no_token() {
        let directory = tempfile::tempdir().unwrap();
        let error = |path: &Path| TokenFile::open(path).unwrap_err().to_string();
        assert!(error(&directory.path().join("none")).contains("can't be read: No such file"));
        assert!(error(directory.path()).contains("is no regular file"));
        assert!(error(Path::new("/dev/zero")).contains("is no regular file"));
    }

    #[test]
    fn a_changed_file_counts_at_once_and_a_bad_one_lets_nobody_in() {
        let (_directory, path) = file(TOKEN.as_bytes(), 0o600);
        let token = TokenFile::open(&path).unwrap();
        assert!(token.holds(TOKEN.as_bytes()));
        assert!(!token.holds(b"another-token-of-some-length") && !token.holds(b""));
        fs::write(&path, "another-token-of-some-length").unwrap();
        assert!(token.holds(b"another-token-of-some-length") && !token.holds(TOKEN.as_bytes()));
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(!token.holds(b"another-token-of-some-length"));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(token.holds(b"another-token-of-some-length"));
        fs::remove_file(&path).unwrap();
        assert!(!token.holds(b"another-token-of-some-length"));
    }

    #[test]
    fn a_token_never_shows() {
        let (_directory, path) = file(TOKEN.as_bytes(), 0o600);
        assert!(!format!("{:?}", TokenFile::open(&path).unwrap()).contains("horse"));
    }
}
