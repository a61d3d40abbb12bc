//! Answering questions: a bounded piece per poll, after the packets of the burst are on their way.

use super::WorkerSpec;
use crate::mailbox::{Answer, Question};
use crate::walk::View;

/// Most flows that one poll copies, and most slots that it passes: a few microseconds, less than a full burst takes.
pub(super) const ENTRIES_PER_POLL: usize = 64;
const SLOTS_PER_POLL: usize = 1 << 12;

/// Goes on with the question in work, or takes the next one. While there are any, the worker is behind and doesn't
/// sleep.
#[inline]
pub(super) fn answer(asked: &mut Option<Question>, view: &View<'_>, spec: &WorkerSpec, is_behind: &mut bool) {
    if let Some(question) = asked.take().or_else(|| spec.questions.next()) {
        *is_behind = true;
        *asked = work_on(question, view, spec);
    }
}

/// Works on a question; what is left of it. Nobody may be interested in the answer any more: then it is left lying.
#[cold]
fn work_on(question: Question, view: &View<'_>, spec: &WorkerSpec) -> Option<Question> {
    let now_ms = view.now_ms as u32;
    let shard = spec.table.lock(spec.index, &spec.counters, &view.snapshot.timeouts)?;
    match question {
        Question::Flow(key, answer) => {
            let record = shard.record(&key, spec.table.hash(&key), now_ms);
            let _ = answer.try_send(Answer::Flow(record));
            None
        }
        Question::Page(mut page, answer) => {
            if !shard.list(&mut page, ENTRIES_PER_POLL, SLOTS_PER_POLL, now_ms) {
                return Some(Question::Page(page, answer));
            }
            let _ = answer.try_send(Answer::Page(page));
            None
        }
    }
}
