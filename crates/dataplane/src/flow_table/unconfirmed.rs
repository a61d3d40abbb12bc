//! The list of unconfirmed flows of a shard, oldest first, threaded through the entries themselves.

use super::entry::{FlowEntry, Link};

/// Ends and length of the list.
#[derive(Debug)]
pub(super) struct Unconfirmed {
    oldest: Link,
    newest: Link,
    len: usize,
}

/// Access to the entries that the list runs through.
pub(super) trait Entries {
    /// The entry at a link, if there is one.
    fn at(&mut self, link: Link) -> Option<&mut FlowEntry>;
}

impl Unconfirmed {
    pub(super) const fn new() -> Self {
        Self { oldest: Link::NONE, newest: Link::NONE, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) const fn oldest(&self) -> Option<Link> {
        if self.len == 0 { None } else { Some(self.oldest) }
    }

    /// Appends an entry that isn't in the list.
    pub(super) fn push(&mut self, entries: &mut impl Entries, link: Link) {
        let newest = self.newest;
        if let Some(entry) = entries.at(link) {
            (entry.older, entry.newer) = (newest, Link::NONE);
        }
        match entries.at(newest) {
            Some(entry) => entry.newer = link,
            None => self.oldest = link,
        }
        self.newest = link;
        self.len += 1;
    }

    /// Takes an entry of the list out, given its two neighbours.
    pub(super) fn unlink(&mut self, entries: &mut impl Entries, older: Link, newer: Link) {
        match entries.at(older) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match entries.at(newer) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        self.len = self.len.saturating_sub(1);
    }
}
