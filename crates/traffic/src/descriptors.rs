//! How many sockets this process may have open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;

/// File descriptors left to everything but the sockets that are counted: standard streams, the runtime, listeners.
const RESERVED: u64 = 64;

/// Why so many sockets can't be had.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorError {
    /// The hard limit is too low.
    #[error(
        "{wanted} connections need {} file descriptors, and the hard limit is {limit}: raise it with ulimit -n or LimitNOFILE=",
        wanted + RESERVED
    )]
    TooFew {
        /// Sockets asked for.
        wanted: u64,
        /// The hard limit of the process.
        limit: u64,
    },
    /// The limit could not be read or raised.
    #[error("the limit of open files (RLIMIT_NOFILE) can't be read or raised")]
    Limit(#[source] io::Error),
}

/// Raises the soft limit of open files to the hard one; how many sockets fit below it.
///
/// # Errors
/// When the limit can't be read or raised.
pub fn raise() -> Result<u64, DescriptorError> {
    let limit = |error| DescriptorError::Limit(io::Error::from(error));
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(limit)?;
    if soft < hard {
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_err(limit)?;
    }
    Ok(hard.saturating_sub(RESERVED))
}

/// Makes sure that `wanted` sockets can be open at once.
///
/// # Errors
/// When the hard limit is below that, and when it can't be read or raised.
pub fn provide(wanted: usize) -> Result<(), DescriptorError> {
    let wanted = wanted as u64;
    let free = raise()?;
    if wanted > free {
        return Err(DescriptorError::TooFew { wanted, limit: free + RESERVED });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_many_are_missing() {
        let Err(error) = provide(u32::MAX as usize) else {
            // A hard limit above four billion is none.
            return;
        };
        let text = error.to_string();
        assert!(text.contains("4294967295 connections need 4294967359 file descriptors"), "{text}");
    }

    #[test]
    fn raises_the_soft_limit_to_the_hard_one() {
        raise().unwrap();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(soft, hard);
        provide(1).unwrap();
    }
}
