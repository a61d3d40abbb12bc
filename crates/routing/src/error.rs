//! What can go wrong with the netlink sockets.

use rtnetlink::packet_core::ErrorMessage;
use std::io;

/// The kernel's state could not be read or followed.
#[derive(Debug, thiserror::Error)]
pub enum RoutingError {
    /// No netlink socket could be opened.
    #[error("netlink socket: {0}")]
    Socket(#[source] io::Error),
    /// The kernel refused a request.
    #[error("netlink request for {what}: {source}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel's answer was not of the kind that was asked for, or there was none.
    #[error("netlink request for {what}: {detail}")]
    NoAnswer {
        /// What was asked for.
        what: &'static str,
        /// What came instead.
        detail: String,
    },
}

impl RoutingError {
    /// Names a failed request.
    pub(crate) fn of(what: &'static str, error: &rtnetlink::Error) -> Self {
        match error {
            rtnetlink::Error::NetlinkError(answer) => Self::Refused { what, source: answer.to_io() },
            other => Self::NoAnswer { what, detail: other.to_string() },
        }
    }
}

/// The positive errno of a refused request, if it was refused.
pub(crate) fn refusal(error: &rtnetlink::Error) -> Option<i32> {
    match error {
        rtnetlink::Error::NetlinkError(answer) => Some(ErrorMessage::raw_code(answer).abs()),
        _ => None,
    }
}
