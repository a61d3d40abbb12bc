//! Who may ask: by the mode of the unix socket, by token, or on loopback anybody but a web page from elsewhere.

use super::problem::{Failed, Kind};
use super::token::{TokenError, TokenFile};
use crate::config::ApiConfig;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use std::net::IpAddr;
use std::sync::Arc;

/// What a listener asks of those who come.
#[derive(Debug)]
pub(super) enum Access {
    /// The kernel has asked already: the mode of the socket lets them connect.
    Socket,
    /// No tokens: only from this machine, and not for web pages from elsewhere.
    Loopback,
    /// A token, of which the one for writing may also read.
    Tokens(Box<Tokens>),
}

/// The tokens of a listener; at least one.
#[derive(Debug)]
pub(super) struct Tokens {
    /// None: only those who may write may read.
    read: Option<TokenFile>,
    /// None: nobody may write.
    write: Option<TokenFile>,
}

impl Access {
    /// What the TCP listener of a configuration asks.
    ///
    /// # Errors
    /// A file gives no token.
    pub(super) fn of(config: &ApiConfig) -> Result<Self, TokenError> {
        let open = |path: &Option<_>| path.as_deref().map(TokenFile::open).transpose();
        Ok(match (open(&config.read_token_file)?, open(&config.write_token_file)?) {
            (None, None) => Self::Loopback,
            (read, write) => Self::Tokens(Box::new(Tokens { read, write })),
        })
    }

    fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Failed> {
        match self {
            Self::Socket => Ok(()),
            Self::Loopback => check_names(uri, headers),
            Self::Tokens(tokens) => check_token(tokens, method, headers),
        }
    }
}

/// Lets a request through, or answers why not, before anything of its body is read.
pub(super) async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    match access.check(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(failed) => axum::response::IntoResponse::into_response(failed),
    }
}

fn check_token(tokens: &Tokens, method: &Method, headers: &HeaderMap) -> Result<(), Failed> {
    let offered = bearer(headers)?;
    let holds = |file: &Option<TokenFile>| file.as_ref().is_some_and(|file| file.holds(offered));
    // both are asked in any case: the time says nothing about which one it is
    let (may_read, may_write) = (holds(&tokens.read), holds(&tokens.write));
    let reads = *method == Method::GET || *method == Method::HEAD;
    match (may_read, may_write) {
        (_, true) => Ok(()),
        (true, false) if reads => Ok(()),
        (true, false) => Err(Kind::Forbidden.at("Authorization", "this token may only read")),
        (false, false) => Err(Kind::Unauthenticated.at("Authorization", "nobody has this token")),
    }
}

/// The token of a request (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Result<&[u8], Failed> {
    let wanted = |why: &str| {
        Kind::Unauthenticated.at("Authorization", format!("{why}; allowed: `Bearer TOKEN`, once"))
    };
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(wanted("is missing")),
        (Some(_), Some(_)) => return Err(wanted("is there twice")),
        (Some(value), None) => value.as_bytes(),
    };
    let (scheme, token) = value.split_at(value.len().min(7));
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return Err(wanted("has another scheme"));
    }
    Ok(token.trim_ascii())
}

/// A name that leads to loopback only by somebody's DNS, or a page of another site, is a browser that is being used.
fn check_names(uri: &Uri, headers: &HeaderMap) -> Result<(), Failed> {
    let refused = |field: &str, found: &str| {
        let allowed = "allowed without a token: localhost, 127.0.0.1 or [::1]";
        Err(Kind::Forbidden.at(field, format!("{found:?} is not this machine; {allowed}")))
    };
    let mut hosts = headers.get_all(HOST).iter().map(shown).peekable();
    if hosts.peek().is_none() {
        return refused("Host", "");
    }
    let host_in_line = uri.authority().map(|authority| authority.as_str().to_owned());
    for host in hosts.chain(host_in_line) {
        if !is_loopback(&host) {
            return refused("Host", &host);
        }
    }
    for origin in headers.get_all(ORIGIN).iter().map(shown) {
        let host = origin.split_once("://").map(|(_, host)| host);
        if !host.is_some_and(is_loopback) {
            return refused("Origin", &origin);
        }
    }
    Ok(())
}

fn shown(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// True for `HOST` and `HOST:PORT` of this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (axum::http::HeaderName::from_static(name), value.parse().unwrap())
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    fn status(access: &Access, method: &Method, pairs: &[(&'static str, &str)]) -> u16 {
        let checked = access.check(method, &Uri::from_static("/v1/status"), &headers(pairs));
        checked.map_or_else(|failed| failed.0.status, |()| 200)
    }

    #[test]
    fn loopback_is_for_this_machine_alone() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:8080"] {
            assert_eq!(status(&Access::Loopback, &Method::POST, &[("host", host)]), 200, "{host}");
            let origin = format!("http://{host}");
            let pairs = [("host", host), ("origin", origin.as_str())];
            assert_eq!(status(&Access::Loopback, &Method::POST, &pairs), 200, "{host}");
        }
        let strange = [
            "",
            "example.org",
            "localhost.example.org",
            "192.0.2.1",
            "[::2]",
            "[::1",
            "127.0.0.1.example.org",
            "::1",
        ];
        for host in strange {
            assert_eq!(status(&Access::Loopback, &Method::GET, &[("host", host)]), 403, "{host}");
        }
        assert_eq!(status(&Access::Loopback, &Method::GET, &[]), 403);
        let twice = [("host", "localhost"), ("host", "example.org")];
        assert_eq!(status(&Access::Loopback, &Method::GET, &twice), 403);
        for origin in ["null", "https://example.org", "http://localhost.example.org"] {
            let pairs = [("host", "localhost"), ("origin", origin)];
            assert_eq!(status(&Access::Loopback, &Method::POST, &pairs), 403, "{origin}");
        }
        let elsewhere = Uri::from_static("http://example.org/v1/status");
        assert!(
            Access::Loopback.check(&Method::GET, &elsewhere, &headers(&[("host", "localhost")])).is_err()
        );
    }

    #[test]
    fn a_read_token_reads_and_a_write_token_does_both() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, format!("{name}-token-of-some-length")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            TokenFile::open(&path).unwrap()
        };
        let both = Access::Tokens(Box::new(Tokens { read: Some(file("read")), write: Some(file("write")) }));
        let only_read = Access::Tokens(Box::new(Tokens { read: Some(file("read")), write: None }));
        let only_write = Access::Tokens(Box::new(Tokens { read: None, write: Some(file("write")) }));
        let reader = [("authorization", "Bearer read-token-of-some-length")];
        let writer = [("authorization", "bearer  write-token-of-some-length")];
        for (access, pairs, read, write) in [
            (&both, &reader, 200, 403),
            (&both, &writer, 200, 200),
            (&only_read, &reader, 200, 403),
            (&only_read, &writer, 401, 401),
            (&only_write, &reader, 401, 401),
            (&only_write, &writer, 200, 200),
        ] {
            assert_eq!(status(access, &Method::GET, pairs), read, "{access:?} {pairs:?}");
            assert_eq!(status(access, &Method::HEAD, pairs), read, "{access:?} {pairs:?}");
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(status(access, &method, pairs), write, "{access:?} {pairs:?}");
            }
        }
        for value in ["", "Bearer", "Bearer ", "Basic read-token-of-some-length", "read-token-of-some-length"]
        {
            assert_eq!(status(&both, &Method::GET, &[("authorization", value)]), 401, "{value}");
        }
        assert_eq!(status(&both, &Method::GET, &[]), 401);
        assert_eq!(status(&both, &Method::GET, &[reader[0], writer[0]]), 401, "two are none");
    }
}
