//! The thread that writes the state file, so that a slow disk holds up nobody.

use super::document::Document;
use crate::live::ports::Ports;
use evenkeel_nexthop::Desired;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

/// Longest time that the end waits for the last state to be written.
const LAST_WRITE: Duration = Duration::from_millis(300);

/// A state, and the moment at which it was.
pub(in super::super) struct Picture {
    pub(super) desired: Desired,
    pub(super) ports: Ports,
    /// By group and address, in milliseconds.
    pub(super) asked_deadlines: HashMap<(String, IpAddr), u64>,
    pub(super) now_ms: u64,
    pub(super) unix_ms: u64,
}

/// Writes states to a file. Of states that come faster than they can be written, the last one counts. Dropping it
/// waits for that one.
pub(in super::super) struct Writer {
    file: PathBuf,
    desk: Arc<Desk>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    picture: Option<Picture>,
    has_ended: bool,
    /// Why the last write failed.
    fault: Option<String>,
}

impl Writer {
    /// Starts the thread. `told` hears what begins to fail, once, and what works again.
    pub(in super::super) fn start(file: PathBuf, told: impl Fn(String) + Send + 'static) -> io::Result<Self> {
        let desk = Arc::new(Desk::default());
        let (own, target) = (Arc::clone(&desk), file.clone());
        let write = move || {
            let (mut last, mut is_failing) = (None, false);
            while let Some(picture) = own.next() {
                let document = Document::of(&picture);
                if last.as_ref() == Some(&document) && !is_failing {
                    continue;
                }
                let written = document.write(&target);
                match (&written, is_failing) {
                    (Err(error), false) => {
                        told(format!(
                            "{} can't be written, changes are not remembered: {error}",
                            target.display()
                        ));
                    }
                    (Ok(()), true) => told(format!("{} is written again", target.display())),
                    _ => {}
                }
                own.lock().fault = written.as_ref().err().map(ToString::to_string);
                (last, is_failing) = (Some(document), written.is_err());
            }
        };
        let thread = std::thread::Builder::new().name("state-file".to_owned()).spawn(write)?;
        Ok(Self { file, desk, thread })
    }

    /// Where it writes.
    pub(in super::super) fn file(&self) -> &Path {
        &self.file
    }

    /// Why the last state could not be written; none if it was, or if there was none yet.
    pub(in super::super) fn fault(&self) -> Option<String> {
        self.desk.lock().fault.clone()
    }

    /// Has a state written. Doesn't wait.
    pub(in super::super) fn write(&self, picture: Picture) {
        self.desk.lock().picture = Some(picture);
        self.desk.changed.notify_one();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.desk.lock().has_ended = true;
        self.desk.changed.notify_one();
        let begin = Instant::now();
        while !self.thread.is_finished() && begin.elapsed() < LAST_WRITE {
            sleep(Duration::from_millis(1));
        }
    }
}

impl Desk {
    /// Waits for the next state; none at the end.
    fn next(&self) -> Option<Picture> {
        let mut waiting = self.lock();
        loop {
            if let Some(picture) = waiting.picture.take() {
                return Some(picture);
            }
            if waiting.has_ended {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
