//! Attaching an XDP program by a link. Unsafe: libbpf is called directly, since libbpf-rs gives a link no mode.

#![expect(unsafe_code, reason = "bpf_link_create has no safe wrapper that takes the mode")]

use libbpf_rs::libbpf_sys::{BPF_XDP, bpf_link_create, bpf_link_create_opts};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Attaches `program` to the interface with this index for as long as the returned descriptor is open, and so no
/// longer than the process lives, however it ends. `flags` is one of `XDP_FLAGS_…_MODE`.
///
/// # Errors
/// The kernel's: EBUSY if a program is attached already, EOPNOTSUPP if the driver doesn't know this mode.
pub(super) fn attach(program: BorrowedFd<'_>, ifindex: u32, flags: u32) -> io::Result<OwnedFd> {
    let options =
        bpf_link_create_opts { sz: size_of::<bpf_link_create_opts>() as u64, flags, ..Default::default() };
    let ifindex = i32::try_from(ifindex).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
    // SAFETY: `options` is a whole bpf_link_create_opts that says its own size, and outlives the call; the descriptor
    // is borrowed for as long.
    let fd = unsafe { bpf_link_create(program.as_raw_fd(), ifindex, BPF_XDP, &options) };
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
