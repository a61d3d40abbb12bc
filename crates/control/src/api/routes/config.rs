//! Whole configurations: taking one up, and what it would do.

use super::super::body::{CONFIG_BYTES, Json as Body};
use super::super::model::{Reload, Reloaded};
use super::super::problem::Failed;
use super::super::requests;
use super::{Daemon, answers};
use axum::Json;
use axum::extract::State;

/// Take up another configuration, whole or not at all.
///
/// The daemon's file again, or the text in the request, which counts until the next reload. With `dry_run` only the difference
/// is told. Operators' changes of nexthops that the configuration says nothing new of stay.
#[utoipa::path(post, path = "/v1/reload", tag = "configuration", request_body = Reload,
    responses((status = 200, description = "The difference", body = Reloaded)))]
pub(super) async fn reload(
    State(daemon): State<Daemon>,
    Body(reload, _large): Body<Reload, CONFIG_BYTES>,
) -> Result<Json<Reloaded>, Failed> {
    let (source, dry_run) = requests::reload(reload)?;
    Ok(Json(answers::reloaded(daemon.control.reload(source, dry_run).await?)))
}
