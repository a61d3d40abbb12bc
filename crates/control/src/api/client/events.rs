//! The stream of events (`text/event-stream`, WHATWG HTML §9.2), read one by one.

use super::super::model::{Event, Missed};
use super::{Client, ClientError};
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::{Bytes, Incoming};
use std::fmt;
use std::pin::Pin;

/// Longest event that is read, in bytes.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// What the stream tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Something happened.
    Event(Event),
    /// Events happened that are no longer kept: this reader was too slow, or came back too late.
    Missed(Missed),
}

/// The events as they happen. Ends when the daemon ends; a silence longer than the client's timeout is an error, as the
/// daemon says at least every 15 seconds that it lives.
pub struct Events<'c> {
    client: &'c Client,
    body: Incoming,
    /// Bytes that are not yet a whole event.
    unread: Vec<u8>,
    /// What ends them before the daemon does.
    end: Pin<Box<dyn Future<Output = ()>>>,
    is_cut: bool,
}

impl Client {
    /// Opens the stream of events: those after the event of number `after` as far as they are kept, else those from now on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn events(&self, after: Option<u64>) -> Result<Events<'_>, ClientError> {
        let query = after.map_or_else(String::new, |after| format!("?after={after}"));
        let resource = format!("/v1/events{query}");
        let response = self.in_time(self.send(Method::GET, &resource, None::<&()>))?;
        let (body, end) = (response.into_body(), Box::pin(std::future::pending()));
        Ok(Events { client: self, body, unread: Vec::new(), end, is_cut: false })
    }
}

impl Iterator for Events<'_> {
    type Item = Result<Told, ClientError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while let Some(block) = take_block(&mut self.unread) {
                match told(&block) {
                    Ok(None) => {}
                    Ok(Some(told)) => return Some(Ok(told)),
                    Err(error) => return Some(Err(self.client.foreign(error.to_string()))),
                }
            }
            if self.unread.len() > MAX_EVENT_BYTES {
                return Some(Err(self.client.foreign("an event without end".to_owned())));
            }
            match self.read_on() {
                Ok(Some(bytes)) => self.unread.extend_from_slice(&bytes),
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Events<'_> {
    /// The same, but they end at once when this is ready, also in the middle of a silence. It runs on a tokio runtime
    /// with I/O.
    #[must_use]
    pub fn until(mut self, end: impl Future<Output = ()> + 'static) -> Self {
        self.end = Box::pin(end);
        self
    }

    /// True if they have ended by [`until`](Self::until), and not with the daemon.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What comes next; none at the end.
    fn read_on(&mut self) -> Result<Option<Bytes>, ClientError> {
        if self.is_cut {
            return Ok(None);
        }
        let Self { client, body, end, is_cut, .. } = self;
        client.in_time(async {
            let frame = tokio::select! {
                biased;
                () = end => {
                    *is_cut = true;
                    return Ok(None);
                }
                frame = body.frame() => frame.transpose(),
            };
            let frame = frame.map_err(|source| ClientError::Broken { target: client.name(), source })?;
            Ok(frame.map(|frame| frame.into_data().unwrap_or_default()))
        })
    }
}

impl fmt::Debug for Events<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("unread", &self.unread)
            .field("is_cut", &self.is_cut)
            .finish_non_exhaustive()
    }
}

/// The lines before the first empty one, which goes too.
fn take_block(unread: &mut Vec<u8>) -> Option<String> {
    let end = unread.windows(2).position(|pair| pair == b"\n\n")?;
    let rest = unread.split_off(end + 2);
    let block = std::mem::replace(unread, rest);
    Some(String::from_utf8_lossy(&block).into_owned())
}

/// What a block tells; nothing if it is a comment.
fn told(block: &str) -> serde_json::Result<Option<Told>> {
    let (mut kind, mut data) = ("", String::new());
    for (field, value) in block.lines().filter_map(|line| line.split_once(':')) {
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => kind = value,
            "data" => data.push_str(value),
            _ => {}
        }
    }
    match (kind, data.as_str()) {
        (_, "") => Ok(None),
        ("missed", data) => Ok(Some(Told::Missed(serde_json::from_str(data)?))),
        (_, data) => Ok(Some(Told::Event(serde_json::from_str(data)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::model::EventKind;

    fn all(bytes: &[u8]) -> Vec<Told> {
        let mut unread = bytes.to_vec();
        std::iter::from_fn(|| take_block(&mut unread)).filter_map(|block| told(&block).unwrap()).collect()
    }

    #[test]
    fn events_comments_and_gaps_are_told_apart() {
        let stream = b": alive\n\nevent: missed\ndata: {\"first\":1,\"last\":6}\n\nid: 7\nevent: drained\ndata: \
            {\"id\":7,\"time\":\"2026-11-27T02:00:00.000Z\",\"generation\":3,\"kind\":\"drained\",\"subject\":\"web/s1\",\
            \"text\":\"web/s1 has no flow left\"}\n\nid: 8\n";
        let told = all(stream);
        assert_eq!(told[0], Told::Missed(Missed { first: 1, last: 6 }));
        let Told::Event(event) = &told[1] else { panic!("{told:?}") };
        assert_eq!((event.id, event.kind, event.subject.as_str()), (7, EventKind::Drained, "web/s1"));
        assert_eq!(told.len(), 2, "the third is not whole");
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        assert!(told("event: drained\ndata: {}\n\n").is_err());
    }
}
