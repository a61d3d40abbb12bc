//! The API of the running daemon: where it listens, and what is said about it.

use super::{Refused, say};
use anyhow::Result;
use evenkeel_control::Config;
use evenkeel_control::api::client::DEFAULT_SOCKET;
use evenkeel_control::api::{Server, ServerError};
use std::path::Path;

/// Listens before anything else starts: what can't be had is said before the first packet. `socket` is what was asked for
/// by name; the default one can be missed.
pub(super) fn bind(socket: Option<&Path>, config: &Config) -> Result<Server> {
    let default = Path::new(DEFAULT_SOCKET);
    let bound = match socket {
        Some(path) => Server::bind(path, config.api.as_ref()).map(|server| (server, None)),
        None => Server::bind_if_free(default, config.api.as_ref()),
    };
    let (server, missed) = bound.map_err(|error| match error {
        ServerError::Token(_) => Refused(error.to_string()).into(),
        _ => anyhow::Error::new(error),
    })?;
    match missed {
        None => say::note(format_args!("API on {}", socket.unwrap_or(default).display())),
        Some(error) => {
            say::note(error);
            say::note(
                "NO COMMAND can reach this daemon: no API on a unix socket; --socket PATH gives it another",
            );
        }
    }
    if let Some(api) = &config.api {
        say::note(format_args!("API {api}"));
    }
    Ok(server)
}
