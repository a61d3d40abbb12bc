//! What commands write to stdout: text, columns and durations for people, JSON for programs.

mod columns;
mod quantity;

pub(crate) use columns::Columns;
pub(crate) use quantity::{count, duration, rate};

use serde::Serialize;
use std::io::{self, Write};
use std::os::fd::AsFd;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

/// Writes to stdout; a reader that has gone (`| head`) is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    write(text).map(|_| ())
}

/// Writes to stdout; false if the reader has gone and nothing need follow.
pub(crate) fn write(text: &str) -> io::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        written => written.map(|()| true),
    }
}

/// Is ready once nobody reads stdout any more; never if that can't be told, as of a file.
pub(crate) async fn reader_gone() {
    // only watched, never written through: what it is and whether it blocks don't matter
    let watched = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    match watched {
        Ok(stdout) => drop(stdout.ready(Interest::ERROR).await),
        Err(_) => std::future::pending().await,
    }
}

/// Writes a value to stdout as one line of JSON.
pub(crate) fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(print(&json_line(value)?)?)
}

/// A value as one line of JSON.
pub(crate) fn json_line(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = serde_json::to_string(value)?;
    text.push('\n');
    Ok(text)
}

/// The word that a value is in JSON, as `half_open`; empty if it is none.
pub(crate) fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}
