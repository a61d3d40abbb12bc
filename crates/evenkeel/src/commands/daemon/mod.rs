//! The commands that ask or change the running daemon, over its API.

pub(crate) mod change;
pub(crate) mod counters;
pub(crate) mod events;
pub(crate) mod flows;
pub(crate) mod groups;
pub(crate) mod interfaces;
pub(crate) mod nexthops;
pub(crate) mod pins;
pub(crate) mod reload;
pub(crate) mod services;
pub(crate) mod status;
mod wait;

use super::Refused;
use crate::print;
use anyhow::Result;
use evenkeel_control::api::client::{Client, ClientError, DEFAULT_SOCKET};
use evenkeel_control::api::model::{Problem, ProblemItem};
use serde::Serialize;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Where the daemon is.
#[derive(clap::Args)]
#[command(next_help_heading = "The daemon")]
pub(crate) struct Connect {
    /// Its unix socket.
    #[arg(long, value_name = "PATH", default_value = DEFAULT_SOCKET)]
    socket: PathBuf,
    /// Where it listens on TCP, in place of the socket.
    #[arg(long, value_name = "http://ADDR:PORT", value_parser = authority, conflicts_with = "socket")]
    url: Option<String>,
    /// A file that holds the token for TCP.
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
}

fn authority(url: &str) -> Result<String, &'static str> {
    let authority = url.strip_prefix("http://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let is_whole = |authority: &&str| authority.contains(':') && !authority.contains(['/', '?', '#', '@']);
    authority.filter(is_whole).map(str::to_owned).ok_or("allowed: http://ADDR:PORT, as http://127.0.0.1:9080")
}

impl Connect {
    /// A client of the daemon, which is reached with the first call.
    ///
    /// # Errors
    /// [`Refused`] if there is no such token.
    pub(crate) fn client(&self) -> Result<Client> {
        let Some(authority) = &self.url else {
            return Ok(Client::unix(&self.socket)?);
        };
        let mut client = Client::tcp(authority)?;
        if let Some(file) = &self.token_file {
            let token = fs::read_to_string(file)
                .map_err(|error| Refused(format!("--token-file {}: {error}", file.display())))?;
            client.set_token(token.trim())?;
        }
        Ok(client)
    }
}

/// What a command takes that shows one answer.
#[derive(clap::Args)]
pub(crate) struct Show {
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

impl Show {
    /// Asks, and prints the answer as JSON or as text.
    fn answer<T: Serialize>(
        &self,
        ask: impl FnOnce(&Client) -> Result<T, ClientError>,
        text: impl FnOnce(&T) -> String,
    ) -> Result<()> {
        self.print(&ask(&self.connect.client()?)?, text)
    }

    fn print<T: Serialize>(&self, answer: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
        if self.json { print::print_json(answer) } else { Ok(print::print(&text(answer))?) }
    }
}

/// A failure in lines, with what an operator can do about it. Mistakes of a file stand in lines of their own:
/// `FILE:LINE:COLUMN: …`.
pub(crate) fn explained(error: &anyhow::Error, cause: &ClientError) -> String {
    if let Some(problem) = cause.problem() {
        return refused(problem);
    }
    match hint(cause) {
        Some(hint) => format!("evenkeel: {error:#}; {hint}"),
        None => format!("evenkeel: {error:#}"),
    }
}

/// HTTP's status for a token that is missing or wrong.
const UNAUTHORIZED: u16 = 401;

fn refused(problem: &Problem) -> String {
    let Problem { detail, errors, status, .. } = problem;
    if *status == UNAUTHORIZED {
        return format!("evenkeel: the daemon wants a token, which --token-file gives: {detail}");
    }
    if let [ProblemItem { field, reason }] = errors.as_slice()
        && *detail == format!("{field}: {reason}")
    {
        // the field is a place in what this program sent: of arguments it says nothing
        return format!("evenkeel: {reason}");
    }
    let mut lines: Vec<_> = errors.iter().map(|item| format!("{}: {}", item.field, item.reason)).collect();
    lines.push(format!("evenkeel: {detail}"));
    lines.join("\n")
}

fn hint(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Unreachable { source, .. } => match source.kind() {
            ErrorKind::NotFound => Some("is `evenkeel run` running, and does it listen there?"),
            ErrorKind::PermissionDenied => Some("only the user who runs the daemon may ask it there"),
            ErrorKind::ConnectionRefused => Some("nobody listens there any more: the daemon has ended"),
            _ => None,
        },
        ClientError::Foreign { .. } => Some(concat!(
            "this is evenkeel ",
            env!("CARGO_PKG_VERSION"),
            "; `evenkeel status` says which version the daemon is"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(detail: &str, errors: &[(&str, &str)]) -> Problem {
        let item =
            |(field, reason): &(&str, &str)| ProblemItem { field: (*field).into(), reason: (*reason).into() };
        Problem {
            kind: "/problems/x".into(),
            title: "x".into(),
            status: 422,
            detail: detail.into(),
            errors: errors.iter().map(item).collect(),
        }
    }

    #[test]
    fn a_refusal_is_said_once() {
        assert_eq!(
            refused(&problem("the table of pins is full", &[])),
            "evenkeel: the table of pins is full"
        );
        let unknown =
            problem("/changes/0/group: there is no group", &[("/changes/0/group", "there is no group")]);
        assert_eq!(refused(&unknown), "evenkeel: there is no group");
        let file = problem(
            "b.toml has 2 mistakes; nothing was changed",
            &[("b.toml:26:10", "`weight = 7000` is wrong"), ("b.toml", "cannot be read")],
        );
        let want = "b.toml:26:10: `weight = 7000` is wrong\nb.toml: cannot be read\n\
                    evenkeel: b.toml has 2 mistakes; nothing was changed";
        assert_eq!(refused(&file), want);
        let token = Problem {
            status: 401,
            ..problem("Authorization: is missing", &[("Authorization", "is missing")])
        };
        assert!(
            refused(&token).contains("--token-file gives: Authorization: is missing"),
            "{}",
            refused(&token)
        );
    }

    #[test]
    fn only_http_with_a_port_is_an_url() {
        assert_eq!(authority("http://127.0.0.1:9080").as_deref(), Ok("127.0.0.1:9080"));
        assert_eq!(authority("http://[2001:db8::1]:9080/").as_deref(), Ok("[2001:db8::1]:9080"));
        for wrong in
            ["127.0.0.1:9080", "https://127.0.0.1:9080", "http://127.0.0.1", "http://a:1/v1", "http://"]
        {
            assert!(authority(wrong).is_err(), "{wrong}");
        }
    }
}
