//! Allowing the process to lock memory. Unsafe: a system call.

#![expect(unsafe_code, reason = "setrlimit takes a pointer to a struct")]

/// Lifts the limit on locked memory (`RLIMIT_MEMLOCK`), to which UMEM counts unless the process has `CAP_IPC_LOCK`. Not
/// being allowed to is no error here: if the memory doesn't suffice, making the UMEM says so.
pub(crate) fn lift_limit() {
    let unlimited = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the pointer leads to a whole rlimit, which outlives the call.
    let _ = unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const unlimited) };
}
