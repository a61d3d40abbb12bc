//! Changing nexthops, in batches.

use super::super::body::Json as Body;
use super::super::model::{Changed, Changes};
use super::super::problem::Failed;
use super::super::requests;
use super::{Daemon, answers};
use axum::Json;
use axum::extract::State;

/// Drain, activate, remove and add nexthops, change weights.
///
/// A batch, done whole or not at all, in the order of the list. What is so already is no error and changes nothing, so that a
/// batch may be sent again when its answer was lost. When the answer comes, workers have the snapshot that shows it.
#[utoipa::path(post, path = "/v1/changes", tag = "changes", request_body = Changes,
    responses((status = 200, description = "The nexthops after the batch", body = Changed)))]
pub(super) async fn change(
    State(daemon): State<Daemon>,
    Body(changes, _): Body<Changes>,
) -> Result<Json<Changed>, Failed> {
    let actions: Vec<_> = changes.changes.iter().map(|change| change.action).collect();
    let changed = daemon.control.change(requests::changes(changes)?).await?;
    Ok(Json(answers::changed(changed, &actions)))
}
