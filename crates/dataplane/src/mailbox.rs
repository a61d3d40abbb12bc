//! A worker's mailbox: how others ask what its shard holds, without ever locking it.
//!
//! The asker brings the memory for the answer, sends the question and looks now and then whether the answer is there.
//! The worker looks into its mailbox once per burst and does a bounded piece of one question. Neither waits for the
//! other: no system call, and on the worker's side no allocation.

use crate::flow_table::{FlowPage, FlowRecord};
use crossbeam::channel::{self, Receiver, Sender, TryRecvError, TrySendError};
use evenkeel_packet::FlowKey;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Questions that wait in a mailbox at the most.
const CAPACITY: usize = 16;

/// The asker's end of a worker's mailbox. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mailbox {
    questions: Sender<Question>,
    shared: Arc<Shared>,
}

/// The worker's end of its mailbox; by default of one that nobody can send to.
#[derive(Debug)]
pub struct Questions {
    waiting: Receiver<Question>,
    shared: Arc<Shared>,
}

/// Why a question has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskError {
    /// Too many questions wait already: ask again a little later.
    Busy,
    /// The worker has ended.
    Ended,
}

/// What a worker is asked.
#[derive(Debug)]
pub(crate) enum Question {
    /// Fill a page.
    Page(FlowPage, Sender<Answer>),
    /// The record of one flow.
    Flow(FlowKey, Sender<Answer>),
}

#[derive(Debug)]
pub(crate) enum Answer {
    Page(FlowPage),
    Flow(Option<FlowRecord>),
}

/// An answer to come. Whoever loses interest may drop it.
#[derive(Debug)]
pub struct Pending<T> {
    /// `None` once the answer was taken.
    answer: Option<Receiver<Answer>>,
    shared: Arc<Shared>,
    open: fn(Answer) -> Option<T>,
}

/// What both ends of a mailbox know.
#[derive(Debug, Default)]
struct Shared {
    /// Answers in which nobody is interested any more: they are freed by the next asker, not by the worker.
    abandoned: Mutex<Vec<Receiver<Answer>>>,
    /// Set when the worker's end is dropped; questions that still wait then get no answer.
    has_ended: AtomicBool,
}

/// A mailbox with both its ends.
#[must_use]
pub fn mailbox() -> (Mailbox, Questions) {
    let (questions, waiting) = channel::bounded(CAPACITY);
    let shared = Arc::new(Shared::default());
    (Mailbox { questions, shared: Arc::clone(&shared) }, Questions { waiting, shared })
}

impl Mailbox {
    /// Asks for the flows that follow the page's cursor, as many as it has room for.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn ask_page(&self, page: FlowPage) -> Result<Pending<FlowPage>, AskError> {
        self.ask(
            |answer| Question::Page(page, answer),
            |answer| match answer {
                Answer::Page(page) => Some(page),
                Answer::Flow(_) => None,
            },
        )
    }

    /// Asks for one flow. It is in the shard of one worker or of none, so all have to be asked.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn ask_flow(&self, key: FlowKey) -> Result<Pending<Option<FlowRecord>>, AskError> {
        self.ask(
            |answer| Question::Flow(key, answer),
            |answer| match answer {
                Answer::Flow(record) => Some(record),
                Answer::Page(_) => None,
            },
        )
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(Sender<Answer>) -> Question,
        open: fn(Answer) -> Option<T>,
    ) -> Result<Pending<T>, AskError> {
        let shared = Arc::clone(&self.shared);
        shared.abandoned().retain(|answer| matches!(answer.try_recv(), Err(TryRecvError::Empty)));
        let (sender, receiver) = channel::bounded(1);
        match self.questions.try_send(question(sender)) {
            Ok(()) => Ok(Pending { answer: Some(receiver), shared, open }),
            Err(TrySendError::Full(_)) => Err(AskError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(AskError::Ended),
        }
    }
}

impl<T> Pending<T> {
    /// The answer, once, if it is there. Never waits: look again in a millisecond.
    ///
    /// # Errors
    /// [`AskError::Ended`]: there will be none, or it was taken before.
    pub fn take(&mut self) -> Result<Option<T>, AskError> {
        let receiver = self.answer.as_ref().ok_or(AskError::Ended)?;
        // looked at first: what was answered before the end is there
        let has_ended = self.shared.has_ended.load(Ordering::Acquire);
        let answer = receiver.try_recv();
        if !has_ended && matches!(answer, Err(TryRecvError::Empty)) {
            return Ok(None);
        }
        self.answer = None;
        answer.ok().and_then(self.open).map(Some).ok_or(AskError::Ended)
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            self.shared.abandoned().push(answer);
        }
    }
}

impl Shared {
    /// Only askers lock it.
    fn abandoned(&self) -> MutexGuard<'_, Vec<Receiver<Answer>>> {
        self.abandoned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Questions {
    /// The next question, if one waits.
    #[inline]
    pub(crate) fn next(&self) -> Option<Question> {
        self.waiting.try_recv().ok()
    }
}

impl Default for Questions {
    fn default() -> Self {
        Self { waiting: channel::never(), shared: Arc::default() }
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::Release);
    }
}

impl std::fmt::Display for AskError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Busy => "too many questions wait for the worker",
            Self::Ended => "the worker has ended",
        })
    }
}

impl std::error::Error for AskError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow_table::Cursor;
    use evenkeel_packet::FlowKey4;

    fn page() -> FlowPage {
        FlowPage::new(Cursor::default(), 4)
    }

    #[test]
    fn a_full_mailbox_and_one_of_a_worker_that_has_ended_say_so() {
        let (mailbox, questions) = mailbox();
        let pending: Vec<_> = (0..CAPACITY).map(|_| mailbox.ask_page(page()).unwrap()).collect();
        assert_eq!(mailbox.ask_page(page()).unwrap_err(), AskError::Busy);
        drop(questions);
        assert_eq!(mailbox.ask_page(page()).unwrap_err(), AskError::Ended);
        for mut pending in pending {
            assert_eq!(pending.take(), Err(AskError::Ended));
        }
    }

    #[test]
    fn an_answer_is_there_once() {
        let (mailbox, questions) = mailbox();
        let mut pending = mailbox.ask_page(page()).unwrap();
        assert_eq!(pending.take(), Ok(None));
        let Some(Question::Page(page, answer)) = questions.next() else { panic!("a page was asked for") };
        answer.try_send(Answer::Page(page.clone())).unwrap();
        assert_eq!(pending.take(), Ok(Some(page)));
        assert_eq!(pending.take(), Err(AskError::Ended));
    }

    #[test]
    fn an_abandoned_answer_is_freed_by_the_next_asker() {
        let (mailbox, questions) = mailbox();
        drop(mailbox.ask_page(page()).unwrap());
        let Some(Question::Page(page, answer)) = questions.next() else { panic!("a page was asked for") };
        assert!(answer.try_send(Answer::Page(page)).is_ok(), "the worker would have to free the page");
        drop(answer);
        assert_eq!(mailbox.shared.abandoned().len(), 1);
        let _asked = mailbox.ask_flow(FlowKey::V4(FlowKey4::new([0; 4], [0; 4], 1, 2, 6)));
        assert!(mailbox.shared.abandoned().is_empty());
    }

    #[test]
    fn by_default_nobody_asks() {
        assert!(Questions::default().next().is_none());
    }
}
