//! What operators changed, remembered across a restart in a state file.
//!
//! The file is derived from the state: it has each member that is otherwise than the configuration says, with what the
//! configuration said of it then. So a remembered change counts as it would in a reload: while the configuration says
//! the same. Moments are by the wall clock.

mod document;
mod pin;
mod recall;
mod writer;

pub use document::default_state_file;

use super::control::Control;
use super::event::LiveEvent;
use document::Document;
use recall::recall;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
pub(super) use writer::{Picture, Writer};

impl Control {
    /// Takes up what the state file remembers. One that can't be read or doesn't fit is told and ignored.
    pub(super) fn recall(&mut self, file: &Path) {
        let document = match Document::read(file) {
            Ok(Some(document)) => document,
            Ok(None) => return,
            Err(error) => return self.put_aside(file, &error),
        };
        let before = self.desired.clone();
        let now = self.now_ms();
        let recalled = recall(&mut self.desired, &document, &self.ports, &self.liveness, now, unix_ms());
        self.asked_deadlines.extend(recalled.asked_deadlines);
        self.publish();
        self.news_between(&before, &self.desired).iter().for_each(|event| self.tell(event));
        for text in recalled.forgotten {
            self.tell(&LiveEvent::Warning(text));
        }
    }

    /// Keeps a state file that is of no use from being written over.
    fn put_aside(&mut self, file: &Path, error: &io::Error) {
        let aside = file.with_extension("unread");
        let kept = match std::fs::rename(file, &aside) {
            Ok(()) => format!("; it is kept as {}", aside.display()),
            // the next change writes over it
            Err(_) => String::new(),
        };
        let text = format!("{} is ignored, nothing is remembered: {error}{kept}", file.display());
        self.tell(&LiveEvent::Warning(text));
    }

    /// Has the state as it is now remembered, beside this thread.
    pub(super) fn remember(&self) {
        let Some(writer) = &self.writer else { return };
        writer.write(Picture {
            desired: self.desired.clone(),
            ports: self.ports.clone(),
            asked_deadlines: self.asked_deadlines.clone(),
            now_ms: self.now_ms(),
            unix_ms: unix_ms(),
        });
    }
}

/// Milliseconds of the wall clock since 1970; 0 before.
fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
