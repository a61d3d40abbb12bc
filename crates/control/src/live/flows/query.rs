//! Which flows are asked for.

use super::Meaning;
use crate::live::refusal::Refusal;
use evenkeel_dataplane::{Cursor, FlowRecord, FlowState};
use evenkeel_nexthop::{MemberId, Prefix, ServiceId, Snapshot};
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

/// Most flows of a page.
pub const PAGE_MAX: usize = 10_000;

/// Which flows are asked for: those to which everything given applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowQuery {
    /// Name of the group of their nexthop.
    pub group: Option<String>,
    /// Name of their nexthop, in whatever group if none is given.
    pub nexthop: Option<String>,
    /// Name of the service that takes their packets.
    pub service: Option<String>,
    /// Prefix of the client's address.
    pub source: Option<Prefix>,
    /// Prefix of the address that the client asks for.
    pub destination: Option<Prefix>,
    /// What the client has shown.
    pub state: Option<FlowState>,
    /// Number of the IP protocol.
    pub protocol: Option<u8>,
    /// Most flows of the page; taken as 1 to [`PAGE_MAX`]. Without meaning if they are only counted.
    pub limit: usize,
    /// Where the last page ended; none for the first.
    pub cursor: Option<FlowCursor>,
    /// Count all of them in one go, and list none.
    pub count_only: bool,
}

/// Where a page begins. Displays as a word without spaces, which can be read again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowCursor {
    pub(super) worker: usize,
    pub(super) cursor: Cursor,
}

/// A text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor; allowed: the cursor of the page before")]
pub struct FlowCursorError;

impl FlowCursor {
    /// The first page of a worker.
    pub(super) fn of_worker(worker: usize) -> Self {
        Self { worker, cursor: Cursor::default() }
    }
}

impl fmt::Display for FlowCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.worker, self.cursor.position)
    }
}

impl FromStr for FlowCursor {
    type Err = FlowCursorError;

    fn from_str(text: &str) -> Result<Self, FlowCursorError> {
        let mut parts = text.split('-');
        let mut next = || parts.next().ok_or(FlowCursorError);
        let (worker, position) = (next()?, next()?);
        let index = |part: &str| part.parse::<usize>().map_err(|_| FlowCursorError);
        let cursor = Cursor { position: index(position)? };
        match parts.next() {
            Some(_) => Err(FlowCursorError),
            None => Ok(Self { worker: index(worker)?, cursor }),
        }
    }
}

/// A query with ids in the place of names.
pub(super) struct Filter<'m> {
    snapshot: &'m Snapshot,
    members: Option<HashSet<MemberId>>,
    service: Option<ServiceId>,
    source: Option<Prefix>,
    destination: Option<Prefix>,
    state: Option<FlowState>,
    protocol: Option<u8>,
}

impl<'m> Filter<'m> {
    /// # Errors
    /// A group, nexthop or service that isn't there. Removed nexthops are.
    pub(super) fn new(query: &FlowQuery, meaning: &'m Meaning) -> Result<Self, Refusal> {
        let members = match (&query.group, &query.nexthop) {
            (None, None) => None,
            (group, nexthop) => Some(members(group.as_deref(), nexthop.as_deref(), meaning)?),
        };
        let service = query.service.as_deref().map(|name| service(name, &meaning.snapshot)).transpose()?;
        let FlowQuery { source, destination, state, protocol, .. } = *query;
        Ok(Self { snapshot: &meaning.snapshot, members, service, source, destination, state, protocol })
    }

    pub(super) fn takes(&self, record: &FlowRecord) -> bool {
        let FlowRecord { key, member, state, .. } = record;
        self.members.as_ref().is_none_or(|members| members.contains(member))
            && self.state.is_none_or(|wanted| wanted == *state)
            && self.protocol.is_none_or(|wanted| wanted == key.protocol())
            && self.source.is_none_or(|prefix| prefix.contains(key.source()))
            && self.destination.is_none_or(|prefix| prefix.contains(key.destination()))
            && self.service.is_none_or(|service| self.snapshot.classify(key) == Some(service))
    }
}

fn members(
    group: Option<&str>,
    nexthop: Option<&str>,
    meaning: &Meaning,
) -> Result<HashSet<MemberId>, Refusal> {
    let of_group =
        || meaning.desired.members().filter(|member| group.is_none_or(|group| member.group == group));
    let is_configured = |group: &str| meaning.desired.configured_groups().iter().any(|one| one.name == group);
    if let Some(group) = group.filter(|group| !is_configured(group) && of_group().next().is_none()) {
        return Err(Refusal::UnknownGroup { group: group.to_owned() });
    }
    let named = of_group().filter(|member| nexthop.is_none_or(|nexthop| member.name == nexthop));
    let members: HashSet<_> = named.map(|member| member.id).collect();
    match nexthop.filter(|_| members.is_empty()) {
        Some(nexthop) => Err(Refusal::UnknownNexthop { nexthop: nexthop.to_owned() }),
        None => Ok(members),
    }
}

fn service(name: &str, snapshot: &Snapshot) -> Result<ServiceId, Refusal> {
    let place = snapshot.services.iter().position(|service| *service.name == *name);
    let id = place.and_then(|place| u16::try_from(place).ok()).map(ServiceId);
    id.ok_or_else(|| Refusal::UnknownService { service: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_word_that_can_be_read_again() {
        let cursor = FlowCursor { worker: 3, cursor: Cursor { position: 16_384 } };
        assert_eq!(cursor.to_string(), "3-16384");
        assert_eq!("3-16384".parse(), Ok(cursor));
        for wrong in ["", "3", "3-1-2", "3-x", "-1-2", "99999999999999999999-1", "3 -1"] {
            assert_eq!(wrong.parse::<FlowCursor>(), Err(FlowCursorError), "{wrong}");
        }
    }
}
