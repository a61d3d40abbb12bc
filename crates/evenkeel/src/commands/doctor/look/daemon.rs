//! The running daemon, over its API.

use super::super::facts::{Daemon, Running};
use evenkeel_control::api::client::{Client, ClientError};
use std::io::ErrorKind;
use std::path::Path;

/// Asks the daemon on this socket.
pub(in super::super) fn daemon(socket: &Path) -> Daemon {
    let client = match Client::unix(socket) {
        Ok(client) => client,
        Err(error) => return Daemon::Unseen(error.to_string()),
    };
    let ask = || Ok(Running { status: client.status()?, counters: client.counters()? });
    match ask() {
        Ok(running) => Daemon::Running(Box::new(running)),
        Err(error) if is_absent(&error) => Daemon::Absent(error.to_string()),
        Err(error) => Daemon::Unseen(said(&error)),
    }
}

fn is_absent(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { source, .. } => {
            matches!(source.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
        }
        _ => false,
    }
}

/// The error with what the kernel said.
fn said(error: &ClientError) -> String {
    match error {
        ClientError::Unreachable { source, .. } => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;
    use std::thread;

    #[test]
    fn no_socket_is_absent_and_a_stranger_is_unseen() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("api.sock");
        assert!(matches!(daemon(&socket), Daemon::Absent(reason) if reason.contains("api.sock")));
        let listener = UnixListener::bind(&socket).unwrap();
        let stranger = thread::spawn(move || drop(listener.accept()));
        assert!(matches!(daemon(&socket), Daemon::Unseen(_)));
        stranger.join().unwrap();
        assert!(matches!(daemon(&socket), Daemon::Absent(_)), "nobody listens any more");
    }
}
