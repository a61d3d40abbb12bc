//! Why a call failed.

use super::super::model::Problem;
use std::io;
use std::time::Duration;

/// Why a call failed. The target is the path of the socket, or `HOST:PORT`.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there, or this user may not ask.
    #[error("no daemon at {target}")]
    Unreachable {
        /// Who was asked.
        target: String,
        /// What the kernel says.
        source: io::Error,
    },
    /// The connection ended before the answer.
    #[error("{target} broke off")]
    Broken {
        /// Who was asked.
        target: String,
        /// What was wrong with the connection.
        source: hyper::Error,
    },
    /// The answer took too long.
    #[error("{target} has not answered within {timeout:?}")]
    Slow {
        /// Who was asked.
        target: String,
        /// How long that was.
        timeout: Duration,
    },
    /// The daemon refused and says why. Nothing was changed.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The answer is none that this API gives.
    #[error("{target} doesn't answer as Evenkeel does: {what}")]
    Foreign {
        /// Who was asked.
        target: String,
        /// What is strange.
        what: String,
    },
    /// The token can't be sent.
    #[error("the token has characters that no token can have; allowed: printable ASCII")]
    Token,
}

impl ClientError {
    /// What the daemon says about it, if it was the daemon that refused.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// True if other arguments or another configuration would help: exit status 2.
    #[must_use]
    pub fn is_bad_input(&self) -> bool {
        match self {
            Self::Refused(problem) => super::blames_arguments(problem.status),
            Self::Token => true,
            _ => false,
        }
    }
}
