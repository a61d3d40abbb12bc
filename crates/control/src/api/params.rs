//! Parameters in queries and paths.

use super::body::named_field;
use super::problem::{Failed, Kind};
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

/// The parameters of a query.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Failed> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let (field, reason) = (error.path().to_string(), error.inner().to_string());
        let field = named_field(&reason).map_or(field, str::to_owned);
        Kind::Invalid.at(field, reason)
    })
}

/// The names in a path: one, or as many as there are.
#[derive(Debug)]
pub(super) struct Names<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Names<T> {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failed> {
        let names = Path::from_request_parts(parts, state).await;
        names.map(|Path(names)| Self(names)).map_err(|error| Kind::Malformed.because(error.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::model::{FlowQuery, PathQuery};

    fn refused<T: DeserializeOwned + std::fmt::Debug>(query: &str) -> (String, String) {
        let failed = parse::<T>(query).unwrap_err();
        assert_eq!(failed.0.status, 422);
        let item = &failed.0.errors[0];
        (item.field.clone(), item.reason.clone())
    }

    #[test]
    fn mistakes_name_their_parameter() {
        for (query, field, reason) in [
            ("limit=many", "limit", "invalid digit found in string"),
            ("limit=-1", "limit", "invalid digit found in string"),
            ("limit=99999999999", "limit", "number too large"),
            ("state=open", "state", "unknown variant `open`"),
            ("count=yes", "count", "provided string was not `true` or `false`"),
            ("group=a&group=b", "group", "duplicate field `group`"),
            ("colour=red", "colour", "unknown field `colour`"),
        ] {
            let found = refused::<FlowQuery>(query);
            assert!(found.0 == field && found.1.contains(reason), "{query}: {found:?}");
        }
        assert_eq!(refused::<PathQuery>("source=a&destination=b").0, "protocol", "it is missing");
    }

    #[test]
    fn names_are_decoded() {
        let query: FlowQuery = parse("group=a%2Fb+c%C3%A9&limit=7").unwrap();
        assert_eq!((query.group.as_deref(), query.limit), (Some("a/b cé"), Some(7)));
        assert_eq!(parse::<FlowQuery>("").unwrap(), FlowQuery::default());
    }
}
