//! Waiting for what the last owner hasn't let go of yet.
//!
//! After a process ends, the kernel frees its queues and detaches its program within some 200 ms; until then they are
//! busy. Starting again must work at once.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// How long a busy queue or interface is asked for: ten times what the kernel was seen to take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Tries until the answer is another than EBUSY, for two seconds at most.
///
/// # Errors
/// The last try's.
pub(crate) fn retry_while_busy<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && Instant::now() < end => {
                thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_busy_is_tried_again() {
        let mut errors = [libc::EBUSY, libc::EBUSY, libc::EPERM].into_iter();
        let result = retry_while_busy(|| -> io::Result<()> {
            Err(io::Error::from_raw_os_error(errors.next().expect("not asked again after EPERM")))
        });
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EPERM));
    }
}
