//! The API over TCP: tokens, and on loopback without them no web page's errand.

mod daemon;
mod plant;

use daemon::{Daemon, free_port, request, send_tcp};
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::{Action, Change, Changes};
use evenkeel_control::api::{Server, ServerError};
use evenkeel_control::config::ApiConfig;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

const READ: &str = "read-token-0123456789";
const WRITE: &str = "write-token-0123456789";

fn token_file(directory: &Path, name: &str, token: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, format!("{token}\n")).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

fn listening(read: Option<PathBuf>, write: Option<PathBuf>) -> (Daemon, u16) {
    let port = free_port();
    let listen = ([127, 0, 0, 1], port).into();
    let config = ApiConfig { listen, read_token_file: read, write_token_file: write };
    (Daemon::start_with(Some(&config)), port)
}

fn drain() -> Changes {
    let (group, nexthop) = ("web".to_owned(), "s1".to_owned());
    let drain = Change {
        group,
        nexthop,
        action: Action::Drain,
        address: None,
        weight: None,
        interface: None,
        mac: None,
        deadline: None,
    };
    Changes { changes: vec![drain] }
}

fn client(port: u16, token: Option<&str>) -> Client {
    let mut client = Client::tcp(&format!("127.0.0.1:{port}")).unwrap();
    if let Some(token) = token {
        client.set_token(token).unwrap();
    }
    client
}

#[test]
fn a_token_opens_what_it_is_for() {
    let directory = tempfile::tempdir().unwrap();
    let read = token_file(directory.path(), "read", READ);
    let write = token_file(directory.path(), "write", WRITE);
    let (daemon, port) = listening(Some(read.clone()), Some(write));
    let status = |token| client(port, token).status().map_err(|error| error.problem().unwrap().status);
    let change =
        |token| client(port, token).change(&drain()).map_err(|error| error.problem().unwrap().status);
    assert_eq!(
        [status(None).unwrap_err(), status(Some("another-token-0123456789")).unwrap_err()],
        [401, 401]
    );
    assert_eq!([change(None).unwrap_err(), change(Some(READ)).unwrap_err()], [401, 403]);
    assert!(status(Some(READ)).is_ok() && status(Some(WRITE)).is_ok());
    assert!(
        !daemon
            .client()
            .nexthop("web", "s1")
            .unwrap()
            .state
            .eq(&evenkeel_control::api::model::State::Draining)
    );
    assert!(change(Some(WRITE)).unwrap().results[0].changed);

    let answer = send_tcp(port, request("GET", "/v1/status", None).as_bytes());
    assert_eq!((answer.status, answer.problem()), (401, vec!["Authorization".to_owned()]));
    assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
    let unknown = send_tcp(port, request("GET", "/none", None).as_bytes());
    assert_eq!(unknown.status, 401, "without a token not even paths are told");

    std::fs::write(&read, "new-read-token-0123456789").unwrap();
    assert!(status(Some("new-read-token-0123456789")).is_ok(), "the file is read again");
    assert_eq!(status(Some(READ)).unwrap_err(), 401);
    std::fs::set_permissions(&read, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(status(Some("new-read-token-0123456789")).unwrap_err(), 401, "others can read it");
    assert!(daemon.status().generation > 0, "the unix socket asks for none");
}

#[test]
fn loopback_without_a_token_is_for_this_machine_alone() {
    let (daemon, port) = listening(None, None);
    assert!(client(port, None).status().is_ok());
    let body = serde_json::to_string(&drain()).unwrap();
    let post = request("POST", "/v1/changes", Some(&body));
    let host = |host: &str, request: &str| request.replace("Host: localhost", &format!("Host: {host}"));
    let refused = [
        (host("attacker.example", &request("GET", "/v1/status", None)), 403, "Host"),
        (host("attacker.example:80", &post), 403, "Host"),
        (host("localhost\r\nOrigin: https://attacker.example", &post), 403, "Origin"),
        (host("localhost\r\nOrigin: null", &post), 403, "Origin"),
        (post.replace("application/json", "text/plain"), 415, "Content-Type"),
        (post.replace("application/json", "multipart/form-data; boundary=x"), 415, "Content-Type"),
        (request("GET", "http://attacker.example/v1/status", None), 403, "Host"),
        ("GET /v1/status HTTP/1.0\r\n\r\n".to_owned(), 403, "Host"),
    ];
    for (request, status, field) in refused {
        let answer = send_tcp(port, request.as_bytes());
        assert_eq!((answer.status, answer.problem()), (status, vec![field.to_owned()]), "{request}");
    }
    let asked_first =
        host("localhost\r\nOrigin: https://attacker.example", &request("OPTIONS", "/v1/changes", None));
    let preflight = send_tcp(port, asked_first.as_bytes());
    assert!(preflight.status == 403 && !preflight.head.contains("access-control"), "{preflight:?}");
    assert_eq!(
        daemon.client().nexthop("web", "s1").unwrap().state,
        evenkeel_control::api::model::State::Active
    );
    let origin = host(&format!("localhost:{port}\r\nOrigin: http://localhost:{port}"), &post);
    assert_eq!(send_tcp(port, origin.as_bytes()).status, 200);
}

#[test]
fn without_its_token_or_its_port_it_does_not_start() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("api.sock");
    let listen = ([127, 0, 0, 1], free_port()).into();
    let missing =
        ApiConfig { listen, read_token_file: Some(directory.path().join("none")), write_token_file: None };
    let error = Server::bind(&socket, Some(&missing)).unwrap_err();
    assert!(
        matches!(error, ServerError::Token(_)) && error.to_string().starts_with("[api] token file /"),
        "{error}"
    );
    let owner = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken =
        ApiConfig { listen: owner.local_addr().unwrap(), read_token_file: None, write_token_file: None };
    let error = Server::bind(&socket, Some(&taken)).unwrap_err();
    assert!(error.to_string().starts_with("[api] can't listen at 127.0.0.1:"), "{error}");
    assert!(!socket.exists(), "nothing is left");
}

#[test]
fn a_socket_that_another_daemon_has_is_missed_only_where_it_may_be() {
    let daemon = Daemon::start();
    assert!(matches!(Server::bind(&daemon.socket(), None).unwrap_err(), ServerError::Socket(_)));
    let (_without, why) = Server::bind_if_free(&daemon.socket(), None).unwrap();
    assert!(why.unwrap().to_string().ends_with("another process listens there"));
    assert!(daemon.status().generation > 0, "the owner has its socket");
}
