//! One nexthop as a resource: the same changes as in a batch, one at a time.

use super::super::body::Json as Body;
use super::super::model::{
    Action, AdminState, Change, Changed, Changes, NewNexthop, Nexthop, NexthopPatch, RemoveQuery,
};
use super::super::params::{Names, Query};
use super::super::problem::{Failed, Kind};
use super::super::refusals::no_nexthop;
use super::{Daemon, answers, verbs};
use axum::Json;
use axum::extract::State;

/// One nexthop of a group.
#[utoipa::path(get, path = "/v1/groups/{group}/nexthops/{nexthop}", tag = "nexthop",
    params(("group" = String, Path, description = "Name of the group"), ("nexthop" = String, Path, description = "Its name in the group")),
    responses((status = 200, description = "The nexthop", body = Nexthop)))]
pub(super) async fn nexthop(
    State(daemon): State<Daemon>,
    Names((group, name)): Names<(String, String)>,
) -> Result<Json<Nexthop>, Failed> {
    // of several that had the name, the last one has it
    let nexthops = daemon.control.nexthops().await?.into_iter().rev();
    let found = nexthops.into_iter().find(|nexthop| nexthop.group == group && nexthop.name == name);
    found.map(answers::nexthop).map(Json).ok_or_else(|| no_nexthop(&group, &name))
}

/// Add a nexthop, active.
///
/// One that is there already with these values stays as it is.
#[utoipa::path(put, path = "/v1/groups/{group}/nexthops/{nexthop}", tag = "nexthop", request_body = NewNexthop,
    params(("group" = String, Path, description = "Name of the group"), ("nexthop" = String, Path, description = "Its name in the group")),
    responses((status = 200, description = "The nexthop after the change", body = Changed)))]
pub(super) async fn put_nexthop(
    daemon: State<Daemon>,
    Names(names): Names<(String, String)>,
    Body(new, _): Body<NewNexthop>,
) -> Result<Json<Changed>, Failed> {
    let NewNexthop { address, weight, interface, mac } = new;
    let add = Change { address: Some(address), weight, interface, mac, ..change(&names, Action::Add) };
    one(daemon, vec![add]).await
}

/// Drain a nexthop or activate it, or change its weight, or both.
#[utoipa::path(patch, path = "/v1/groups/{group}/nexthops/{nexthop}", tag = "nexthop", request_body = NexthopPatch,
    params(("group" = String, Path, description = "Name of the group"), ("nexthop" = String, Path, description = "Its name in the group")),
    responses((status = 200, description = "The nexthop after the change", body = Changed)))]
pub(super) async fn patch_nexthop(
    daemon: State<Daemon>,
    Names(names): Names<(String, String)>,
    Body(patch, _): Body<NexthopPatch>,
) -> Result<Json<Changed>, Failed> {
    if patch.state.is_none() && patch.weight.is_none() {
        return Err(Kind::Invalid.at("", "neither `state` nor `weight`; required: at least one of them"));
    }
    let state = patch.state.map(|state| match state {
        AdminState::Active => change(&names, Action::Activate),
        AdminState::Draining => change(&names, Action::Drain),
    });
    let weight = patch.weight.map(|weight| Change { weight: Some(weight), ..change(&names, Action::Weight) });
    one(daemon, state.into_iter().chain(weight).collect()).await
}

/// Remove a nexthop.
///
/// It drains until a deadline, at which what is left of its flows moves.
#[utoipa::path(delete, path = "/v1/groups/{group}/nexthops/{nexthop}", tag = "nexthop",
    params(("group" = String, Path, description = "Name of the group"), ("nexthop" = String, Path, description = "Its name in the group"), RemoveQuery),
    responses((status = 200, description = "The nexthop after the change", body = Changed)))]
pub(super) async fn delete_nexthop(
    daemon: State<Daemon>,
    Names(names): Names<(String, String)>,
    Query(query): Query<RemoveQuery>,
) -> Result<Json<Changed>, Failed> {
    one(daemon, vec![Change { deadline: query.deadline, ..change(&names, Action::Remove) }]).await
}

fn change((group, nexthop): &(String, String), action: Action) -> Change {
    let (group, nexthop) = (group.clone(), nexthop.clone());
    Change { group, nexthop, action, address: None, weight: None, interface: None, mac: None, deadline: None }
}

/// Does it as a batch; a mistake is one of the resource's own fields.
async fn one(daemon: State<Daemon>, changes: Vec<Change>) -> Result<Json<Changed>, Failed> {
    let changed = verbs::change(daemon, Body(Changes { changes }, None)).await;
    changed.map_err(Failed::outside_batch)
}
