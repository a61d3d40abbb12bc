//! What happens, on stderr: a thread of its own reads the control thread's log, so that a reader who is slow or gone
//! holds up nobody.

use super::say;
use anyhow::{Context, Result};
use evenkeel_control::live::{Subscription, Told};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Longest time that the end waits for the last lines.
const LAST_LINES: Duration = Duration::from_millis(200);

/// The thread that prints.
pub(super) struct Printer(JoinHandle<()>);

impl Printer {
    /// Prints every event as a line, until the control thread has ended.
    pub(super) fn start(mut subscription: Subscription) -> Result<Self> {
        let print = move || {
            while let Some(told) = subscription.next_blocking() {
                match told {
                    Told::Event(event) => say::note(&event.text),
                    Told::Missed { first, last } => {
                        say::note(format_args!("{} events were not printed in time", last - first + 1));
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("events".to_owned()).spawn(print);
        Ok(Self(thread.context("can't start the thread that prints events")?))
    }

    /// Waits until the last event is printed, if that isn't long.
    pub(super) fn finish(self) {
        let begin = Instant::now();
        while !self.0.is_finished() && begin.elapsed() < LAST_LINES {
            sleep(Duration::from_millis(1));
        }
    }
}
