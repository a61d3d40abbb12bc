//! Reading the running state.

use super::super::model::{
    Buckets, Counters, Group, Groups, Interfaces, NexthopQuery, Nexthops, Services, Status,
};
use super::super::params::{Names, Query};
use super::super::problem::Failed;
use super::super::refusals::no_group;
use super::{Daemon, answers};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

/// The daemon itself.
///
/// Version, uptime, configuration, capacities.
#[utoipa::path(get, path = "/v1/status", tag = "state",
    responses((status = 200, description = "The daemon", body = Status)))]
pub(super) async fn status(State(daemon): State<Daemon>) -> Result<Json<Status>, Failed> {
    Ok(Json(answers::status(daemon.control.status().await?)))
}

/// All services.
///
/// In the order of the configuration.
#[utoipa::path(get, path = "/v1/services", tag = "state",
    responses((status = 200, description = "The services", body = Services)))]
pub(super) async fn services(State(daemon): State<Daemon>) -> Result<Response, Failed> {
    let services = daemon.control.services().await?;
    daemon.big(|| answers::services(services)).await
}

/// All groups with their nexthops.
///
/// In the order of the configuration; removed nexthops are not among them.
#[utoipa::path(get, path = "/v1/groups", tag = "state",
    responses((status = 200, description = "The groups", body = Groups)))]
pub(super) async fn groups(State(daemon): State<Daemon>) -> Result<Response, Failed> {
    let (groups, nexthops) = (daemon.control.groups().await?, daemon.control.nexthops().await?);
    daemon.big(|| answers::groups(groups, nexthops)).await
}

/// One group with its nexthops.
#[utoipa::path(get, path = "/v1/groups/{group}", tag = "state",
    params(("group" = String, Path, description = "Name of the group")),
    responses((status = 200, description = "The group", body = Group)))]
pub(super) async fn group(
    State(daemon): State<Daemon>,
    Names(name): Names<String>,
) -> Result<Response, Failed> {
    let (groups, nexthops) = (daemon.control.groups().await?, daemon.control.nexthops().await?);
    let group = groups.into_iter().find(|group| group.name == name).ok_or_else(|| no_group(&name))?;
    daemon.big(|| answers::group(group, nexthops)).await
}

/// The bucket table of one group.
///
/// Who serves each bucket, and how many each nexthop serves. A table of 1,048,576 buckets is some ten megabytes.
#[utoipa::path(get, path = "/v1/groups/{group}/buckets", tag = "state",
    params(("group" = String, Path, description = "Name of the group")),
    responses((status = 200, description = "The buckets", body = Buckets)))]
pub(super) async fn buckets(
    State(daemon): State<Daemon>,
    Names(name): Names<String>,
) -> Result<Response, Failed> {
    let buckets = daemon.control.buckets(&name).await?;
    daemon.big(|| answers::buckets(buckets)).await
}

/// All nexthops, or those of one group.
///
/// In the order of the configuration, then of adding. Removed ones are among them until they are forgotten.
#[utoipa::path(get, path = "/v1/nexthops", tag = "state", params(NexthopQuery),
    responses((status = 200, description = "The nexthops", body = Nexthops)))]
pub(super) async fn nexthops(
    State(daemon): State<Daemon>,
    Query(query): Query<NexthopQuery>,
) -> Result<Response, Failed> {
    let mut nexthops = daemon.control.nexthops().await?;
    if let Some(name) = &query.group {
        nexthops.retain(|nexthop| nexthop.group == *name);
        let is_known =
            !nexthops.is_empty() || daemon.control.groups().await?.iter().any(|group| group.name == *name);
        if !is_known {
            return Err(no_group(name));
        }
    }
    daemon.big(|| Nexthops { nexthops: nexthops.into_iter().map(answers::nexthop).collect() }).await
}

/// All interfaces.
///
/// In the order of the configuration, with what the kernel counts of them.
#[utoipa::path(get, path = "/v1/interfaces", tag = "state",
    responses((status = 200, description = "The interfaces", body = Interfaces)))]
pub(super) async fn interfaces(State(daemon): State<Daemon>) -> Result<Json<Interfaces>, Failed> {
    let interfaces = daemon.control.interfaces().await?;
    Ok(Json(Interfaces { interfaces: interfaces.into_iter().map(answers::interface).collect() }))
}

/// All counters.
///
/// Frames, drops by reason, flows, nexthops, workers, interfaces, time in the box.
#[utoipa::path(get, path = "/v1/counters", tag = "state",
    responses((status = 200, description = "The counters", body = Counters)))]
pub(super) async fn counters(State(daemon): State<Daemon>) -> Result<Response, Failed> {
    let (counters, nexthops) = (daemon.control.counters().await?, daemon.control.nexthops().await?);
    let interfaces = daemon.control.interfaces().await?;
    daemon.big(move || answers::counters(&counters, nexthops, interfaces)).await
}
