//! Static pins.

use super::super::body::Json as Body;
use super::super::model::{Pin, PinChanged, PinQuery, Pins};
use super::super::params::Query;
use super::super::problem::Failed;
use super::super::requests;
use super::{Daemon, answers};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

/// All static pins.
#[utoipa::path(get, path = "/v1/pins", tag = "pins",
    responses((status = 200, description = "The pins", body = Pins)))]
pub(super) async fn pins(State(daemon): State<Daemon>) -> Result<Response, Failed> {
    let pins = daemon.control.pins().await?;
    daemon.big(|| Pins { pins: pins.into_iter().map(answers::pin).collect() }).await
}

/// Send new flows of a 5-tuple or of a source prefix to one nexthop.
///
/// Known flows stay where they are. A group has one pin for the same flows: another one takes its place, the same one again changes nothing.
#[utoipa::path(post, path = "/v1/pins", tag = "pins", request_body = Pin,
    responses((status = 200, description = "Whether there was none such", body = PinChanged)))]
pub(super) async fn pin(
    State(daemon): State<Daemon>,
    Body(pin, _): Body<Pin>,
) -> Result<Json<PinChanged>, Failed> {
    let changed = daemon.control.pin(requests::pin(pin)?).await?;
    Ok(Json(PinChanged { changed }))
}

/// End a static pin.
///
/// Flows that it decided stay where they are. That there is none is no error.
#[utoipa::path(delete, path = "/v1/pins", tag = "pins", params(PinQuery),
    responses((status = 200, description = "Whether there was one", body = PinChanged)))]
pub(super) async fn unpin(
    State(daemon): State<Daemon>,
    Query(query): Query<PinQuery>,
) -> Result<Json<PinChanged>, Failed> {
    let (group, matches) = requests::unpin(query)?;
    let changed = daemon.control.unpin(group, matches).await?;
    Ok(Json(PinChanged { changed }))
}
