//! JSON bodies: read within bounds of size and time, refused with the place of the first mistake.

use super::problem::{Failed, Kind};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};
use std::error::Error;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);

/// A body that holds a configuration: 16 MiB is enough for 100 groups of 1000 nexthops.
pub(super) const CONFIG_BYTES: usize = 16 << 20;
/// Any other body: enough for the longest batch of changes.
pub(super) const BODY_BYTES: usize = 1 << 20;

/// Bodies above [`BODY_BYTES`] that are in memory at once, of all listeners.
static LARGE_BODIES: Semaphore = Semaphore::const_new(4);

/// A JSON body of at most `MAX_BYTES`, and its place among the large ones, to be kept until the request is answered.
#[derive(Debug)]
pub(super) struct Json<T, const MAX_BYTES: usize = BODY_BYTES>(
    pub(super) T,
    pub(super) Option<SemaphorePermit<'static>>,
);

impl<S: Sync, T: DeserializeOwned + Serialize, const MAX_BYTES: usize> FromRequest<S> for Json<T, MAX_BYTES> {
    type Rejection = Failed;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failed> {
        let (head, body) = request.into_parts();
        need_no_query(&head.uri)?;
        need_json(&head.headers)?;
        let large = if MAX_BYTES > BODY_BYTES { Some(large_body().await?) } else { None };
        let text = read(&head.headers, body, MAX_BYTES).await?;
        parse(&text).map(|value| Self(value, large))
    }
}

async fn large_body() -> Result<SemaphorePermit<'static>, Failed> {
    let turn = tokio::time::timeout(ARRIVAL, LARGE_BODIES.acquire()).await;
    let turn = turn.map_err(|_| Kind::Unavailable.because("too many configurations at once"))?;
    turn.map_err(|_| Kind::Unavailable.because("the daemon ends"))
}

/// What is wanted is in the body: a query would be missed.
fn need_no_query(uri: &Uri) -> Result<(), Failed> {
    match uri.query().filter(|query| !query.is_empty()) {
        Some(query) => {
            let name = query.split(['=', '&']).next().unwrap_or_default();
            Err(Kind::Invalid.at(name, "a request with a body takes no query"))
        }
        None => Ok(()),
    }
}

/// A page in a browser can send other types to other sites without being asked back (Fetch §2.2.2); JSON it can't.
fn need_json(headers: &HeaderMap) -> Result<(), Failed> {
    let found = headers.get(CONTENT_TYPE).map(|kind| String::from_utf8_lossy(kind.as_bytes()));
    let essence = found.as_deref().and_then(|kind| kind.split(';').next()).map(str::trim);
    if essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    let found = found.map_or("no type".to_owned(), |found| format!("{found:?}"));
    Err(Kind::MediaType.at("Content-Type", format!("the body has {found}; allowed: application/json")))
}

async fn read(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Bytes, Failed> {
    let too_large = || Kind::TooLarge.because(format!("the body is longer than {max_bytes} bytes"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max_bytes as u64) {
        return Err(too_large());
    }
    let read = tokio::time::timeout(ARRIVAL, to_bytes(body, max_bytes)).await;
    let read = read.map_err(|_| {
        Kind::Slow.because(format!("the body was not whole within {} seconds", ARRIVAL.as_secs()))
    })?;
    read.map_err(|error| match error.source() {
        Some(source) if source.is::<http_body_util::LengthLimitError>() => too_large(),
        _ => Kind::Malformed.because(format!("the body can't be read: {error}")),
    })
}

fn parse<T: DeserializeOwned + Serialize>(text: &[u8]) -> Result<T, Failed> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let kind = match error.inner().classify() {
            Category::Data => Kind::Invalid,
            Category::Io | Category::Syntax | Category::Eof => Kind::Malformed,
        };
        let reason = error.inner().to_string();
        let named = named_field(&reason).map(|name| format!("/{}", escaped(name)));
        kind.at(pointer(error.path()) + &named.unwrap_or_default(), reason)
    })?;
    json.end().map_err(|error| Kind::Malformed.at("", error.to_string()))?;
    let internal = |error: serde_json::Error| Kind::Internal.because(error.to_string());
    let said: Value = serde_json::from_slice(text).map_err(internal)?;
    let meant = serde_json::to_value(&value).map_err(internal)?;
    match array_for_object(&said, &meant) {
        Some(place) => Err(Kind::Invalid.at(place, "invalid type: sequence, expected an object")),
        None => Ok(value),
    }
}

/// The place of an array that was taken for an object, its members by their order: serde takes one where a struct is meant.
fn array_for_object(said: &Value, meant: &Value) -> Option<String> {
    match (said, meant) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Array(said), Value::Array(meant)) => {
            let pairs = said.iter().zip(meant).enumerate();
            let place = |(index, (said, meant))| Some(format!("/{index}{}", array_for_object(said, meant)?));
            pairs.filter_map(place).next()
        }
        (Value::Object(said), Value::Object(meant)) => {
            let place = |(key, said): (&String, &Value)| {
                Some(format!("/{}{}", escaped(key), array_for_object(said, meant.get(key)?)?))
            };
            said.iter().filter_map(place).next()
        }
        _ => None,
    }
}

/// The place as a JSON pointer (RFC 6901).
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer += &format!("/{index}"),
            Segment::Map { key } => pointer += &format!("/{}", escaped(key)),
            // a variant is a value, not a place; what is not known is no place either
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A field that is missing, or there twice, is named by serde's message alone.
pub(super) fn named_field(reason: &str) -> Option<&str> {
    let rest =
        ["missing field `", "duplicate field `"].iter().find_map(|begin| reason.strip_prefix(begin))?;
    rest.split_once('`').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::model::Changes;

    fn refused(text: &str) -> (u16, String, String) {
        let failed = parse::<Changes>(text.as_bytes()).unwrap_err();
        let item = failed.0.errors[0].clone();
        (failed.0.status, item.field, item.reason)
    }

    #[test]
    fn mistakes_have_their_place() {
        let change = |more: &str| {
            format!(
                r#"{{"changes":[{{"group":"web","nexthop":"s1","action":"drain"}},{{"group":"web",{more}}}]}}"#
            )
        };
        for (text, status, field, reason) in [
            (String::new(), 400, "", "EOF while parsing a value"),
            ("{".to_owned(), 400, "", "EOF while parsing an object"),
            (r#"{"changes":[]} x"#.to_owned(), 400, "", "trailing characters"),
            ("[]".to_owned(), 422, "", "invalid length 0, expected struct Changes"),
            ("[[]]".to_owned(), 422, "", "invalid type: sequence, expected an object"),
            ("7".to_owned(), 422, "", "invalid type: integer `7`, expected struct Changes"),
            ("{}".to_owned(), 422, "/changes", "missing field `changes`"),
            (r#"{"changes":[],"a/b~":1}"#.to_owned(), 422, "/a~1b~0", "unknown field `a/b~`"),
            (r#"{"changes":[],"changes":[]}"#.to_owned(), 422, "/changes", "duplicate field `changes`"),
            (change(r#""nexthop":7"#), 422, "/changes/1/nexthop", "invalid type: integer `7`"),
            (
                change(r#""nexthop":"s1","action":"drian""#),
                422,
                "/changes/1/action",
                "unknown variant `drian`",
            ),
            (change(r#""weight":70000"#), 422, "/changes/1/weight", "invalid value: integer `70000`"),
            (change(r#""weight":-1"#), 422, "/changes/1/weight", "invalid value: integer `-1`"),
            (change(r#""address":"198.51.100""#), 422, "/changes/1/address", "invalid IP address syntax"),
            (change(r#""nexthop":"s1""#), 422, "/changes/1/action", "missing field `action`"),
            (
                format!(r#"{{"changes":[{}"#, "[".repeat(100_000)),
                422,
                "/changes/0/0",
                "invalid type: sequence",
            ),
        ] {
            let found = refused(&text);
            assert_eq!((found.0, found.1.as_str()), (status, field), "{found:?} {text:.100}");
            assert!(found.2.contains(reason), "{found:?}");
        }
    }
}
