//! How many flows are asked of a worker at once, when a page may have fewer than the table and the filter takes few of them.
//!
//! A question costs a millisecond whatever it brings, so a filter that takes one flow of a million must not be asked a
//! page's length at a time. More are asked while few are taken; if that brings more than the page has room for, the same
//! place is asked again for fewer.

use super::PAGE_MAX;

/// How many flows the next question is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room(usize);

impl Room {
    /// For a page that has room for `left` flows, at least one.
    pub(super) fn of(left: usize) -> Self {
        Self(left.clamp(1, PAGE_MAX))
    }

    /// Flows to be asked for.
    pub(super) fn count(self) -> usize {
        self.0
    }

    /// The room of the next question after one that brought `read` flows, of which the filter took `taken`, for a page
    /// that has room for `left`. `Err`: they don't fit, and the same place is to be asked again.
    pub(super) fn after(self, read: usize, taken: usize, left: usize) -> Result<Self, Self> {
        match left.checked_sub(taken) {
            // as many as are left always fit
            None => Err(Self((self.0 / 2).max(left))),
            Some(_) if taken * 2 <= read => Ok(Self((self.0 * 2).min(PAGE_MAX))),
            Some(left) => Ok(Self::of(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a page of at most `limit` of a million flows, of which every `nth` is taken. Returns the number of questions
    /// and the flows of the page.
    fn questions(limit: usize, nth: usize) -> (usize, usize) {
        const FLOWS: usize = 1_000_000;
        let (mut at, mut page, mut asked, mut room) = (0, 0, 0, Room::of(limit));
        while at < FLOWS && page < limit {
            let end = (at + room.count()).min(FLOWS);
            let taken = (at..end).filter(|flow| flow % nth == nth - 1).count();
            asked += 1;
            room = match room.after(end - at, taken, limit - page) {
                Ok(next) => {
                    (at, page) = (end, page + taken);
                    next
                }
                Err(fewer) => fewer,
            };
        }
        (asked, page)
    }

    #[test]
    fn a_filter_that_takes_little_costs_few_questions() {
        for limit in [1, 2, 1000, PAGE_MAX] {
            let (asked, page) = questions(limit, usize::MAX);
            assert!(asked <= 1_000_000 / PAGE_MAX + 15 && page == 0, "{limit}: {asked} questions");
        }
        for (limit, nth) in [(1, 999_999), (1, 500_000), (10, 7), (10, 90_000), (PAGE_MAX, 90), (1000, 2)] {
            let (asked, page) = questions(limit, nth);
            assert!(asked <= 1_000_000 / PAGE_MAX + 60, "{limit}, {nth}: {asked} questions");
            assert_eq!(
                page,
                limit.min(1_000_000 / nth),
                "{limit}, {nth}: never more than the page has room for"
            );
        }
    }

    #[test]
    fn a_page_of_everything_is_one_question() {
        for limit in [1, 1000, PAGE_MAX] {
            assert_eq!(questions(limit, 1), (1, limit));
        }
    }

    #[test]
    fn what_does_not_fit_is_asked_for_again_until_it_does() {
        let mut room = Room(PAGE_MAX);
        for _ in 0..14 {
            room = room.after(room.count(), room.count(), 3).unwrap_err();
            if room.count() == 3 {
                return;
            }
        }
        panic!("{room:?}");
    }
}
