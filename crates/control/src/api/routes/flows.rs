//! The flow table, and the way of one flow.

use super::super::model::{FlowPage, FlowQuery, Path, PathQuery};
use super::super::params::Query;
use super::super::problem::Failed;
use super::super::requests;
use super::{Daemon, answers};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

/// Flows that are listed at once; who comes later waits.
pub(super) const LISTINGS: usize = 2;

/// Flows, page by page, or their count.
///
/// Everything in the query has to apply to a flow. The workers are asked between two bursts, so a million flows neither stop them nor hold
/// a part of the table. A page names its flows in no order; `cursor` leads to the next page, and a flow that lives while all
/// pages are read is in exactly one of them. With `count` all are counted in one answer.
#[utoipa::path(get, path = "/v1/flows", tag = "flows", params(FlowQuery),
    responses((status = 200, description = "A page of flows", body = FlowPage)))]
pub(super) async fn flows(
    State(daemon): State<Daemon>,
    Query(query): Query<FlowQuery>,
) -> Result<Response, Failed> {
    let query = requests::flows(query)?;
    let _turn = daemon.turn(&daemon.listings).await?;
    let page = daemon.control.flows(query).await?;
    daemon.big(|| answers::flow_page(page)).await
}

/// The way of a flow's next packet, and why.
///
/// By the entry of the flow table if the flow is known, and then what would happen without it.
#[utoipa::path(get, path = "/v1/path", tag = "flows", params(PathQuery),
    responses((status = 200, description = "The way", body = Path)))]
pub(super) async fn path(
    State(daemon): State<Daemon>,
    Query(query): Query<PathQuery>,
) -> Result<Json<Path>, Failed> {
    Ok(Json(answers::path(daemon.control.path(requests::path(&query)?).await?)))
}
