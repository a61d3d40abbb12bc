//! The log of events: a bounded ring that any number of readers follow, each at its own pace.
//!
//! Writing never waits for a reader. Who lags behind more than the ring holds is told what it missed.

use crate::api::model::Event;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Events that are kept.
pub const KEPT_EVENTS: usize = 4096;

/// What a reader is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The next event.
    Event(Arc<Event>),
    /// Events that are no longer kept; the next ones follow.
    Missed {
        /// Number of the first.
        first: u64,
        /// Number of the last.
        last: u64,
    },
}

/// Writes the log. Dropping it ends the subscriptions, after what they have not read yet.
#[derive(Debug)]
pub(super) struct Log {
    ring: Arc<Ring>,
    latest: watch::Sender<u64>,
}

/// Where subscriptions come from.
#[derive(Debug, Clone)]
pub(super) struct LogReader {
    ring: Arc<Ring>,
    latest: watch::Receiver<u64>,
}

/// A reader of the log.
#[derive(Debug)]
pub struct Subscription {
    ring: Arc<Ring>,
    latest: watch::Receiver<u64>,
    /// Number of the next event to be read.
    next: u64,
}

#[derive(Debug, Default)]
struct Ring {
    kept: Mutex<Kept>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Arc<Event>>,
    /// Number of the newest event; 0 before the first.
    last: u64,
    has_ended: bool,
}

impl Log {
    /// An empty log, and where its readers come from.
    pub(super) fn new() -> (Self, LogReader) {
        let ring = Arc::new(Ring::default());
        let (latest, seen) = watch::channel(0);
        (Self { ring: Arc::clone(&ring), latest }, LogReader { ring, latest: seen })
    }

    /// Numbers an event and writes it; the oldest makes room.
    pub(super) fn write(&self, event: Event) {
        let mut kept = self.ring.lock();
        kept.last += 1;
        let id = kept.last;
        if kept.events.len() == KEPT_EVENTS {
            kept.events.pop_front();
        }
        kept.events.push_back(Arc::new(Event { id, ..event }));
        drop(kept);
        self.ring.grown.notify_all();
        self.latest.send_replace(id);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.ring.lock().has_ended = true;
        self.ring.grown.notify_all();
    }
}

impl LogReader {
    /// Begins behind the event of this number, or with what happens next. A number that was not given yet is one of an
    /// earlier run: all that is kept is news then.
    pub(super) fn subscribe(&self, after: Option<u64>) -> Subscription {
        let last = self.ring.lock().last;
        let after = after.map_or(last, |after| if after > last { 0 } else { after });
        Subscription { ring: Arc::clone(&self.ring), latest: self.latest.clone(), next: after + 1 }
    }
}

impl Subscription {
    /// Waits for the next event; none when the control thread has ended. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            self.latest.mark_unchanged();
            if let Some(told) = self.ring.lock().read(&mut self.next) {
                return told;
            }
            // an error is the end, which the ring has noted before
            let _ = self.latest.changed().await;
        }
    }

    /// As [`next`](Self::next), for threads without a runtime.
    pub fn next_blocking(&mut self) -> Option<Told> {
        let mut kept = self.ring.lock();
        loop {
            if let Some(told) = kept.read(&mut self.next) {
                return told;
            }
            kept = self.ring.grown.wait(kept).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Ring {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// What a reader hears next, and none of it at the end; `None` if it has to wait.
    fn read(&self, next: &mut u64) -> Option<Option<Told>> {
        let first = self.last + 1 - self.events.len() as u64;
        if *next < first {
            let missed = Told::Missed { first: *next, last: first - 1 };
            *next = first;
            return Some(Some(missed));
        }
        match usize::try_from(*next - first).ok().and_then(|index| self.events.get(index)) {
            Some(event) => {
                *next += 1;
                Some(Some(Told::Event(Arc::clone(event))))
            }
            None => self.has_ended.then_some(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::model::EventKind;

    fn event(text: &str) -> Event {
        Event {
            id: 0,
            time: String::new(),
            generation: 1,
            kind: EventKind::Warning,
            subject: String::new(),
            text: text.to_owned(),
        }
    }

    fn heard(subscription: &mut Subscription) -> String {
        match subscription.next_blocking() {
            Some(Told::Event(event)) => format!("{} {}", event.id, event.text),
            Some(Told::Missed { first, last }) => format!("missed {first} to {last}"),
            None => "end".to_owned(),
        }
    }

    #[test]
    fn every_reader_hears_all_from_where_it_began() {
        let (log, reader) = Log::new();
        let mut from_now = reader.subscribe(None);
        log.write(event("a"));
        log.write(event("b"));
        let (mut all, mut behind_a) = (reader.subscribe(Some(0)), reader.subscribe(Some(1)));
        assert_eq!([heard(&mut from_now), heard(&mut from_now)], ["1 a", "2 b"]);
        assert_eq!([heard(&mut all), heard(&mut behind_a)], ["1 a", "2 b"]);
        let mut of_an_earlier_run = reader.subscribe(Some(99));
        assert_eq!(heard(&mut of_an_earlier_run), "1 a");
        drop(log);
        assert_eq!([heard(&mut all), heard(&mut all), heard(&mut behind_a)], ["2 b", "end", "end"]);
    }

    #[test]
    fn who_lags_behind_is_told_and_goes_on_with_what_is_kept() {
        let (log, reader) = Log::new();
        let mut slow = reader.subscribe(None);
        for number in 1..=KEPT_EVENTS + 3 {
            log.write(event(&number.to_string()));
        }
        assert_eq!([heard(&mut slow), heard(&mut slow)], ["missed 1 to 3", "4 4"]);
    }

    #[tokio::test]
    async fn waiting_ends_with_the_next_event_or_with_the_log() {
        let (log, reader) = Log::new();
        let mut subscription = reader.subscribe(None);
        let writes = async {
            tokio::task::yield_now().await;
            log.write(event("a"));
            tokio::task::yield_now().await;
            drop(log);
        };
        let reads = async { (subscription.next().await, subscription.next().await) };
        let (_, (first, second)) = tokio::join!(writes, reads);
        assert!(matches!(first, Some(Told::Event(event)) if event.text == "a"));
        assert_eq!(second, None);
    }
}
