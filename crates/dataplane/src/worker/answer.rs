//! Answering questions: a bounded piece per poll, after the packets of the burst are on their way.

use super::Worker;
use crate::mailbox::{Answer, Question};
use crate::port::PortIo;
use crate::walk::View;
use std::sync::Arc;

/// Most flows that one poll copies, and most slots that it passes: a few microseconds, less than a full burst takes.
pub(super) const ENTRIES_PER_POLL: usize = 256;
const SLOTS_PER_POLL: usize = 1 << 14;

impl<P: PortIo> Worker<P> {
    /// Goes on with the question in work, or takes the next one. While there are any, the worker doesn't sleep.
    #[inline]
    pub(super) fn answer(&mut self, view: &View<'_>) {
        if let Some(question) = self.asked.take().or_else(|| self.spec.questions.next()) {
            self.is_behind = true;
            self.work_on(question, view);
        }
    }

    /// Nobody may be interested in the answer any more: then it is left lying.
    #[cold]
    fn work_on(&mut self, question: Question, view: &View<'_>) {
        let now_ms = view.now_ms as u32;
        let (table, counters) = (Arc::clone(&self.spec.table), Arc::clone(&self.spec.counters));
        let Some(shard) = table.lock(self.spec.index, &counters, &view.snapshot.timeouts) else { return };
        match question {
            Question::Flow(key, answer) => {
                let record = shard.record(&key, table.hash(&key), now_ms);
                let _ = answer.try_send(Answer::Flow(record));
            }
            Question::Page(mut page, answer) => {
                if shard.list(&mut page, ENTRIES_PER_POLL, SLOTS_PER_POLL, now_ms) {
                    let _ = answer.try_send(Answer::Page(page));
                } else {
                    self.asked = Some(Question::Page(page, answer));
                }
            }
        }
    }
}
