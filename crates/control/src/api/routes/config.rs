//! Whole configurations: taking one up, and what it would do.

use super::super::body::{CONFIG_BYTES, Json as Body};
use super::super::model::{Plan, PlanRequest, Reload, Reloaded};
use super::super::problem::Failed;
use super::super::requests;
use super::{Daemon, answers};
use crate::live::ConfigSource;
use axum::Json;
use axum::extract::State;
use axum::response::Response;

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

/// What a reload of the daemon's file would do now.
///
/// To buckets and to live flows; nothing is changed.
#[utoipa::path(get, path = "/v1/plan", tag = "configuration",
    responses((status = 200, description = "The plan", body = Plan)))]
pub(super) async fn plan_of_file(State(daemon): State<Daemon>) -> Result<Response, Failed> {
    planned(&daemon, ConfigSource::File).await
}

/// What another configuration would do now.
///
/// To buckets and to live flows; nothing is changed.
#[utoipa::path(post, path = "/v1/plan", tag = "configuration", request_body = PlanRequest,
    responses((status = 200, description = "The plan", body = Plan)))]
pub(super) async fn plan(
    State(daemon): State<Daemon>,
    Body(request, _large): Body<PlanRequest, CONFIG_BYTES>,
) -> Result<Response, Failed> {
    planned(&daemon, requests::text(request.config, request.file)?).await
}

/// A plan looks at every flow: it is one of the listings.
async fn planned(daemon: &Daemon, source: ConfigSource) -> Result<Response, Failed> {
    let _turn = daemon.turn(&daemon.listings).await?;
    let plan = daemon.control.plan(source).await?;
    daemon.big(|| plan).await
}
