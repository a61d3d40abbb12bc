//! The heads of requests, within bounds, and what the heads of all answers say.

use super::problem::Kind;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Longest path and query together, in bytes: a name of 255 characters is at most 3060 bytes when it is encoded.
const PATH_BYTES: usize = 8 << 10;

/// All headers together, in bytes.
const HEADER_BYTES: usize = 16 << 10;

/// Refuses heads that are too large; answers are not for keeping, and are what they say that they are.
pub(super) async fn bound(request: Request, next: Next) -> Response {
    let path_bytes = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    let header_bytes: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let mut response = if path_bytes > PATH_BYTES {
        let detail = format!("path and query are {path_bytes} bytes; allowed: at most {PATH_BYTES}");
        Kind::PathTooLong.because(detail).into_response()
    } else if header_bytes > HEADER_BYTES {
        let detail = format!("the headers are {header_bytes} bytes; allowed: at most {HEADER_BYTES}");
        Kind::HeaderTooLarge.because(detail).into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
