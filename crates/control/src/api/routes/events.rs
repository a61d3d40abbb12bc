//! The stream of events (server-sent events, WHATWG HTML §9.2).

use super::super::model::{self, EventQuery, Missed};
use super::super::params::Query;
use super::super::problem::{Failed, Kind};
use super::Daemon;
use crate::live::Told;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use std::sync::Arc;
use std::time::Duration;

/// Readers of events at once.
pub(super) const READERS: usize = 32;

/// After so long without an event a comment says that the daemon lives.
const SILENCE: Duration = Duration::from_secs(15);

/// The header with which a reader that comes back says what it has.
const LAST_EVENT_ID: &str = "last-event-id";

/// Changes of state as they happen (server-sent events).
///
/// Each has its number as `id`, its kind as `event`, and itself as `data`, on one line. A reader that comes back says with
/// `Last-Event-ID` or `after` which event it had last, and gets those behind it. 4096 are kept: who comes back too late, or reads
/// too slowly, gets the event `missed` with the numbers of those that are gone, and then goes on. A comment every 15
/// seconds says that the daemon lives.
#[utoipa::path(get, path = "/v1/events", tag = "state",
    params(EventQuery, ("Last-Event-ID" = Option<u64>, Header, description = "As `after`; of both, this one counts")),
    responses((status = 200, description = "The events", body = model::Event, content_type = "text/event-stream")))]
pub(super) async fn events(
    State(daemon): State<Daemon>,
    Query(query): Query<EventQuery>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, axum::Error>>>, Failed> {
    let after = last_event_id(&headers)?.or(query.after);
    let seat = Arc::clone(&daemon.readers).try_acquire_owned();
    let seat = seat.map_err(|_| Kind::Unavailable.because(format!("{READERS} readers of events already")))?;
    let subscription = daemon.control.subscribe(after);
    let stream = futures::stream::unfold((subscription, seat), |(mut subscription, seat)| async move {
        let told = subscription.next().await?;
        Some((event(told), (subscription, seat)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(SILENCE)))
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Failed> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|id| id.trim().parse().ok());
    id.map(Some).ok_or_else(|| Kind::Invalid.at("Last-Event-ID", "is no number of an event"))
}

fn event(told: Told) -> Result<Event, axum::Error> {
    match told {
        Told::Event(event) => {
            let kind = serde_json::to_value(event.kind).map_err(axum::Error::new)?;
            let kind = kind.as_str().unwrap_or_default();
            Event::default().id(event.id.to_string()).event(kind).json_data(&*event)
        }
        Told::Missed { first, last } => {
            Event::default().id(last.to_string()).event("missed").json_data(Missed { first, last })
        }
    }
}
