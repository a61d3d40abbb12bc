//! The unix socket as a file: made for its owner alone, in place of one that nobody listens at any more, and removed at
//! the end.

use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
#[error("API socket {}: {problem}", .path.display())]
pub struct SocketError {
    path: PathBuf,
    problem: SocketProblem,
}

/// What is in the way of a socket.
#[derive(Debug, thiserror::Error)]
enum SocketProblem {
    /// Another process listens there.
    #[error("another process listens there")]
    Owned,
    /// A file that is no socket stays.
    #[error("there is a file that is no socket")]
    NoSocket,
    /// What the kernel says.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A listening socket and its file, which goes when this is dropped.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode: a file that another process has put in its place stays.
    identity: (u64, u64),
}

/// Listens at a path.
///
/// # Errors
/// [`SocketError`]; what is there stays.
pub(super) fn listen(path: &Path) -> Result<(UnixListener, SocketFile), SocketError> {
    listen_at(path).map_err(|problem| SocketError { path: path.to_owned(), problem })
}

fn listen_at(path: &Path) -> Result<(UnixListener, SocketFile), SocketProblem> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
    }
    need_no_owner(path)?;
    // under another name until its mode is right: nobody can connect in between, and the old one is there until the new one is
    let begun = begun(path);
    let bound = (|| {
        let listener = UnixListener::bind(&begun)?;
        fs::set_permissions(&begun, Permissions::from_mode(0o600))?;
        let metadata = fs::metadata(&begun)?;
        listener.set_nonblocking(true)?;
        fs::rename(&begun, path)?;
        Ok((listener, SocketFile { path: path.to_owned(), identity: (metadata.dev(), metadata.ino()) }))
    })();
    if bound.is_err() {
        // the first failure is the one that is told
        let _ = fs::remove_file(&begun);
    }
    bound.map_err(SocketProblem::Io)
}

/// Name of a socket that is not yet in its place.
fn begun(path: &Path) -> PathBuf {
    path.with_file_name(format!(".{}", std::process::id()))
}

/// Refuses a path where somebody listens, or where something else is than a socket.
fn need_no_owner(path: &Path) -> Result<(), SocketProblem> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
        Ok(metadata) if !metadata.file_type().is_socket() => return Err(SocketProblem::NoSocket),
        Ok(_) => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // an owner whose queue is full is one too
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Ok(()) => Err(SocketProblem::Owned),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(SocketProblem::Owned),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let found = fs::symlink_metadata(&self.path).map(|metadata| (metadata.dev(), metadata.ino()));
        if found.is_ok_and(|found| found == self.identity) {
            // a file that stays is replaced by the next start
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_socket_is_for_its_owner_and_goes_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/evenkeel/api.sock");
        let (listener, file) = listen(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap()) & 0o022), (0o600, 0));
        UnixStream::connect(&path).unwrap();
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing beside it");
        drop((listener, file));
        assert!(!path.exists() && path.parent().unwrap().exists());
    }

    #[test]
    fn a_living_owner_is_respected_and_a_stale_socket_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.sock");
        let owner = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        owner.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        owner.listen(8).unwrap();
        let error = listen(&path).unwrap_err().to_string();
        assert!(error.ends_with("api.sock: another process listens there"), "{error}");
        // one whose queue is full answers nobody, and lives
        let waiting: Vec<_> = (0..100).map_while(|_| asked(&path)).collect();
        assert!(waiting.len() < 100, "the queue is full");
        assert!(listen(&path).unwrap_err().to_string().ends_with("another process listens there"));
        drop(owner);
        assert!(path.exists());
        let (_listener, _file) = listen(&path).unwrap();
        UnixStream::connect(&path).unwrap();
    }

    fn asked(path: &Path) -> Option<Socket> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.connect(&SockAddr::unix(path).unwrap()).ok().map(|()| socket)
    }

    #[test]
    fn other_files_and_other_sockets_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.sock");
        fs::write(&path, "text").unwrap();
        assert!(listen(&path).unwrap_err().to_string().ends_with("there is a file that is no socket"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        fs::remove_file(&path).unwrap();
        let (listener, file) = listen(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop((listener, file));
        assert!(path.exists(), "it is the other's");
    }

    #[test]
    fn what_the_kernel_refuses_is_said() {
        let error = listen(Path::new("/proc/none/api.sock")).unwrap_err().to_string();
        assert!(error.starts_with("API socket /proc/none/api.sock: "), "{error}");
        let directory = tempfile::tempdir().unwrap();
        let long = directory.path().join("x".repeat(200)).join("api.sock");
        assert!(listen(&long).is_err(), "longer than sun_path");
    }
}
