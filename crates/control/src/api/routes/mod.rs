//! The routes, each beside its description.

mod config;
mod events;
mod flows;
mod nexthop;
mod pins;
mod state;
mod verbs;

use super::answers;
use super::openapi;
use super::problem::{Failed, Kind};
use crate::live::ControlClient;
use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Big answers that are being made at once; each may be some hundred megabytes.
const BIG_ANSWERS: usize = 2;

/// What handlers work with.
#[derive(Debug, Clone)]
struct Daemon {
    control: ControlClient,
    /// What the API says of itself.
    document: Arc<str>,
    readers: Arc<Semaphore>,
    listings: Arc<Semaphore>,
    big_answers: Arc<Semaphore>,
}

impl Daemon {
    /// Waits for one of the turns of something that is done by few at once.
    async fn turn<'t>(&self, turns: &'t Semaphore) -> Result<SemaphorePermit<'t>, Failed> {
        turns.acquire().await.map_err(|_| Kind::Unavailable.because("the daemon ends"))
    }

    /// Makes an answer that may be big, beside the control thread.
    async fn big<T: Serialize + 'static>(
        &self,
        make: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Response, Failed> {
        let gone = || Kind::Unavailable.because("the daemon ends");
        let _turn = self.big_answers.acquire().await.map_err(|_| gone())?;
        let text =
            tokio::task::spawn_blocking(move || serde_json::to_vec(&make())).await.map_err(|_| gone())?;
        let text = text.map_err(|error| Kind::Internal.because(error.to_string()))?;
        Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
    }
}

/// All routes, and what the API says of itself.
pub(super) fn router(control: ControlClient) -> Router {
    let (router, document) = described();
    let daemon = Daemon {
        control,
        document: openapi::text(&document).into(),
        readers: Arc::new(Semaphore::new(events::READERS)),
        listings: Arc::new(Semaphore::new(flows::LISTINGS)),
        big_answers: Arc::new(Semaphore::new(BIG_ANSWERS)),
    };
    router.fallback(unknown_path).method_not_allowed_fallback(unknown_method).with_state(daemon)
}

/// The routes without state, and their description.
fn described() -> (Router<Daemon>, OpenApi) {
    let (router, document) = OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(state::status))
        .routes(routes!(state::services))
        .routes(routes!(state::groups))
        .routes(routes!(state::group))
        .routes(routes!(state::buckets))
        .routes(routes!(state::nexthops))
        .routes(routes!(
            nexthop::nexthop,
            nexthop::put_nexthop,
            nexthop::patch_nexthop,
            nexthop::delete_nexthop
        ))
        .routes(routes!(state::interfaces))
        .routes(routes!(state::counters))
        .routes(routes!(flows::flows))
        .routes(routes!(flows::path))
        .routes(routes!(verbs::change))
        .routes(routes!(pins::pins, pins::pin, pins::unpin))
        .routes(routes!(config::reload))
        .routes(routes!(config::plan_of_file, config::plan))
        .routes(routes!(events::events))
        .routes(routes!(description))
        .split_for_parts();
    (router, openapi::completed(document))
}

/// This description of the API.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "description",
    responses((status = 200, description = "An OpenAPI document", content_type = "application/json")))]
async fn description(State(daemon): State<Daemon>) -> Response {
    ([(CONTENT_TYPE, "application/json")], daemon.document.to_string()).into_response()
}

async fn unknown_path(uri: Uri) -> Failed {
    let path = uri.path();
    Kind::NotFound.because(format!("there is nothing at {path:?}; /v1/openapi.json names all paths"))
}

async fn unknown_method(method: Method, uri: Uri) -> Failed {
    let path = uri.path();
    Kind::Method.because(format!("{path} knows no {method}; the header Allow names what it knows"))
}
