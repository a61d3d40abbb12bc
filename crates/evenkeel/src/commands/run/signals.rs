//! SIGTERM, SIGINT and SIGHUP as values.

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGTERM or SIGINT.
    End,
    /// SIGHUP.
    Reload,
}

/// Signals that were caught and not yet waited for.
pub(super) struct Signals(Receiver<Signal>);

impl Signals {
    /// Catches them from now on.
    pub(super) fn catch() -> Result<Self> {
        let mut caught =
            signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]).context("can't catch signals")?;
        let (send, receive) = channel();
        let thread = move || {
            for signal in caught.forever() {
                let signal = if signal == SIGHUP { Signal::Reload } else { Signal::End };
                if send.send(signal).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(thread)
            .context("can't catch signals")?;
        Ok(Self(receive))
    }

    /// The next signal; none if `timeout` passes first.
    pub(super) fn wait(&self, timeout: Duration) -> Option<Signal> {
        match self.0.recv_timeout(timeout) {
            Ok(signal) => Some(signal),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Signal::End),
        }
    }
}
