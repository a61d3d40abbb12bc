//! The sockets that are bound to one UMEM. Unsafe: a descriptor that libxdp owns is made to lead elsewhere.
//!
//! The first socket of a UMEM has the UMEM's own descriptor, and libxdp closes that one with the UMEM only; later
//! sockets are bound by naming it. So that the first one can be closed before, its descriptor is made to lead to another
//! socket of the UMEM then: it stays open, and names one that is bound.

#![expect(unsafe_code, reason = "dup3 replaces a descriptor that is known by its number only")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The sockets of one UMEM, from whatever thread.
#[derive(Debug, Default)]
pub(crate) struct Bound(Mutex<Sockets>);

#[derive(Debug, Default)]
struct Sockets {
    /// The UMEM's own descriptor, once there is a socket.
    own: Option<RawFd>,
    /// A descriptor of each socket that has not been let go.
    sockets: Vec<Weak<OwnedFd>>,
}

impl Bound {
    /// Enters a socket that was just bound, and returns another descriptor of it.
    ///
    /// # Errors
    /// If there are no descriptors left.
    pub(crate) fn enter(&self, socket: BorrowedFd<'_>) -> io::Result<Arc<OwnedFd>> {
        let descriptor = Arc::new(socket.try_clone_to_owned()?);
        let mut sockets = self.sockets();
        sockets.own.get_or_insert(socket.as_raw_fd());
        sockets.sockets.retain(|other| other.strong_count() > 0);
        sockets.sockets.push(Arc::downgrade(&descriptor));
        Ok(descriptor)
    }

    /// Sees to it that the UMEM's own descriptor does not keep this socket open.
    ///
    /// # Errors
    /// ENOTCONN if it is the last one: it stays open for as long as the UMEM is there.
    pub(crate) fn let_go(&self, socket: &Arc<OwnedFd>) -> io::Result<()> {
        let mut sockets = self.sockets();
        sockets
            .sockets
            .retain(|other| other.strong_count() > 0 && !std::ptr::eq(other.as_ptr(), &raw const **socket));
        let other = sockets.sockets.iter().find_map(Weak::upgrade);
        let other = other.ok_or_else(|| io::Error::from_raw_os_error(libc::ENOTCONN))?;
        let Some(own) = sockets.own else { return Ok(()) };
        // SAFETY: both are open descriptors of AF_XDP sockets: `other` is held here, and libxdp keeps `own` open until
        // it deletes the UMEM, for which it is the same which of its sockets it leads to.
        let result = unsafe { libc::dup3(other.as_raw_fd(), own, libc::O_CLOEXEC) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn sockets(&self) -> MutexGuard<'_, Sockets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::{AsFd, FromRawFd, IntoRawFd};

    #[test]
    fn the_umems_own_descriptor_leads_to_a_socket_that_stays() {
        let bound = Bound::default();
        let pipe = || io::pipe().unwrap();
        let ((mut first_end, first), (mut second_end, second)) = (pipe(), pipe());
        let own = OwnedFd::from(first).into_raw_fd();
        // SAFETY: it was just given up.
        let own = unsafe { File::from_raw_fd(own) };
        let first = bound.enter(own.as_fd()).unwrap();
        assert_eq!(bound.let_go(&first).unwrap_err().raw_os_error(), Some(libc::ENOTCONN), "the last one");
        drop(first);
        let first = bound.enter(own.as_fd()).unwrap();
        let kept = bound.enter(second.as_fd()).unwrap();
        bound.let_go(&first).unwrap();
        drop(first);
        assert_eq!(first_end.read(&mut [0]).unwrap(), 0, "nobody has the first any more");
        (&own).write_all(&[7]).unwrap();
        let mut byte = [0];
        second_end.read_exact(&mut byte).unwrap();
        assert_eq!(byte, [7]);
        drop(kept);
    }
}
