//! Errors as they are answered: problem documents (RFC 9457), each of a kind.

use super::MEDIA_TYPE_PROBLEM;
use super::model::{Problem, ProblemItem};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// Longest detail of a problem, and longest place and reason of a mistake, in characters.
const DETAIL_CHARS: usize = 4000;
const ITEM_CHARS: usize = 1000;

/// Kinds of problems. The type of a problem document is `urn:evenkeel:problem:` and the kind's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is no HTTP, no JSON, no UTF-8.
    Malformed,
    /// A token is needed.
    Unauthenticated,
    /// The token, or the page that the request comes from, may not do that.
    Forbidden,
    /// There is nothing of that name.
    NotFound,
    /// The path knows other methods.
    Method,
    /// The request was not whole in time.
    Slow,
    /// It contradicts the present state.
    Conflict,
    /// The body is too large.
    TooLarge,
    /// Path and query are too long.
    PathTooLong,
    /// The body is of another type.
    MediaType,
    /// A value is not one that can be.
    Invalid,
    /// The header is too large.
    HeaderTooLarge,
    /// A fault of the daemon.
    Internal,
    /// There is no room for more, or the daemon ends.
    Unavailable,
}

impl Kind {
    pub(super) const ALL: &[Self] = &[
        Self::Malformed,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Method,
        Self::Slow,
        Self::Conflict,
        Self::TooLarge,
        Self::PathTooLong,
        Self::MediaType,
        Self::Invalid,
        Self::HeaderTooLarge,
        Self::Internal,
        Self::Unavailable,
    ];

    pub(super) const fn status(self) -> StatusCode {
        self.described().0
    }

    pub(super) const fn word(self) -> &'static str {
        self.described().1
    }

    pub(super) const fn title(self) -> &'static str {
        self.described().2
    }

    /// Status, word, and the kind in words.
    const fn described(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (StatusCode::BAD_REQUEST, "malformed", "The request can't be read"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated", "A token is needed"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is nothing of that name"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method", "The method is unknown here"),
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "slow", "The request took too long to arrive"),
            Self::Conflict => (StatusCode::CONFLICT, "conflict", "It contradicts the present state"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::PathTooLong => (StatusCode::URI_TOO_LONG, "path-too-long", "The path is too long"),
            Self::MediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The body is of another type")
            }
            Self::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "A value is not one that can be"),
            Self::HeaderTooLarge => {
                (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "header-too-large", "The header is too large")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "A fault of the daemon"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now"),
        }
    }

    /// A problem of this kind.
    pub(super) fn because(self, detail: impl Into<String>) -> Failed {
        let (status, word, title) = self.described();
        Failed(Box::new(Problem {
            kind: format!("urn:evenkeel:problem:{word}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: clipped(detail.into(), DETAIL_CHARS),
            errors: Vec::new(),
        }))
    }

    /// A problem of this kind with one field.
    pub(super) fn at(self, field: impl Into<String>, reason: impl Into<String>) -> Failed {
        let (field, reason) = (field.into(), reason.into());
        let place = if field.is_empty() { "the body" } else { field.as_str() };
        self.because(format!("{place}: {reason}")).with(field, reason)
    }
}

/// A request that failed; it has changed nothing.
#[derive(Debug)]
pub(super) struct Failed(pub(super) Box<Problem>);

impl Failed {
    /// The same with one more mistake.
    pub(super) fn with(mut self, field: impl Into<String>, reason: impl Into<String>) -> Self {
        let (field, reason) = (clipped(field.into(), ITEM_CHARS), clipped(reason.into(), ITEM_CHARS));
        self.0.errors.push(ProblemItem { field, reason });
        self
    }

    /// The same for a request that said in parts of its own what became a batch of changes: fields are those of the request.
    pub(super) fn outside_batch(mut self) -> Self {
        let Problem { detail, errors, .. } = &mut *self.0;
        for item in errors {
            let field = item.field.strip_prefix("/changes/").and_then(|rest| rest.split_once('/'));
            let Some((_, field)) = field else { continue };
            let field = format!("/{field}");
            if let Some(reason) = detail.strip_prefix(&item.field) {
                *detail = format!("{field}{reason}");
            }
            item.field = field;
        }
        self
    }

    /// The document.
    pub(super) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).unwrap_or_default()
    }

    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// What was sent is quoted, but not at any length.
fn clipped(text: String, most_chars: usize) -> String {
    match text.char_indices().nth(most_chars) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE_PROBLEM));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"evenkeel\""));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}
