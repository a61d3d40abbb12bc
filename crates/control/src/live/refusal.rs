//! Why something was not done. Whatever is refused has changed nothing.

use super::plant::PlantError;
use crate::config::Mistakes;
use evenkeel_nexthop::{ChangeError, DesiredError, PinError};

/// Why a request was refused, whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One change of a batch makes no sense.
    #[error("{reason}")]
    Change {
        /// Its place in the batch, from 0.
        index: usize,
        /// What is wrong with it.
        reason: RefusedChange,
    },
    /// A batch is too long.
    #[error("{count} changes at once; at most {max} are taken", max = super::BATCH_MAX)]
    TooManyChanges {
        /// Its length.
        count: usize,
    },
    /// The configuration has mistakes.
    #[error("{0}")]
    Config(Mistakes),
    /// The daemon was not started from a file, so there is none to read again.
    #[error("there is no configuration file to read again")]
    NoConfigFile,
    /// The configuration differs in what can't change while the workers run.
    #[error("needs a restart: {}", .0.join("; "))]
    Fixed(Vec<String>),
    /// The configuration can't be made a desired state.
    #[error(transparent)]
    Desired(#[from] DesiredError),
    /// The box can't take it up.
    #[error(transparent)]
    Plant(#[from] PlantError),
    /// A static pin makes no sense in this state.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// No group has this name.
    #[error("there is no group \"{group}\"")]
    UnknownGroup {
        /// The name.
        group: String,
    },
    /// No group has a nexthop of this name.
    #[error("there is no nexthop \"{nexthop}\"")]
    UnknownNexthop {
        /// The name.
        nexthop: String,
    },
    /// No service has this name.
    #[error("there is no service \"{service}\"")]
    UnknownService {
        /// The name.
        service: String,
    },
    /// A static pin for a flow that no service of the group takes: more likely a slip than meant.
    #[error("no service of group \"{group}\" takes {flow}")]
    NotServed {
        /// The group.
        group: String,
        /// The flow, with its protocol.
        flow: String,
    },
    /// A worker doesn't answer in time, or has ended.
    #[error("worker {worker} does not answer")]
    NoAnswer {
        /// Its number.
        worker: usize,
    },
    /// The control thread has ended.
    #[error("the control thread has ended")]
    Ended,
}

/// What is wrong with one change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedChange {
    /// It makes no sense in this state.
    #[error(transparent)]
    State(#[from] ChangeError),
    /// A value is not one that can be.
    #[error("{field} \"{value}\" {problem}; allowed: {allowed}")]
    Value {
        /// The field.
        field: &'static str,
        /// What it is.
        value: String,
        /// What is wrong with it.
        problem: String,
        /// What is allowed.
        allowed: String,
    },
}

/// What kind of refusal it is, for those who answer with status codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The request is wrong by itself.
    Invalid,
    /// It names what isn't there.
    NotFound,
    /// It contradicts the present state.
    Conflict,
    /// There is no room for more.
    Full,
    /// Nobody can answer now.
    Unavailable,
}

impl Refusal {
    /// What kind of refusal it is.
    #[must_use]
    pub const fn kind(&self) -> RefusalKind {
        match self {
            Self::Change { reason, .. } => reason.kind(),
            Self::TooManyChanges { .. } | Self::Config(_) | Self::Desired(_) | Self::NotServed { .. } => {
                RefusalKind::Invalid
            }
            Self::NoConfigFile | Self::Fixed(_) | Self::Plant(_) => RefusalKind::Conflict,
            Self::UnknownGroup { .. } | Self::UnknownNexthop { .. } | Self::UnknownService { .. } => {
                RefusalKind::NotFound
            }
            Self::Pin(PinError::UnknownGroup { .. } | PinError::UnknownNexthop { .. }) => {
                RefusalKind::NotFound
            }
            Self::Pin(PinError::Removed { .. }) => RefusalKind::Conflict,
            Self::Pin(PinError::ZeroTimeout) => RefusalKind::Invalid,
            Self::Pin(PinError::Full) => RefusalKind::Full,
            Self::NoAnswer { .. } | Self::Ended => RefusalKind::Unavailable,
        }
    }

    /// The field of the request that is to blame, as `changes[2].weight`; none if it is the whole.
    #[must_use]
    pub fn field(&self) -> Option<String> {
        match self {
            Self::Change { index, reason } => Some(format!("changes[{index}].{}", reason.field())),
            Self::TooManyChanges { .. } => Some("changes".to_owned()),
            Self::UnknownGroup { .. } => Some("group".to_owned()),
            Self::UnknownNexthop { .. } => Some("nexthop".to_owned()),
            Self::UnknownService { .. } => Some("service".to_owned()),
            Self::NotServed { .. } => Some("destination".to_owned()),
            Self::Pin(PinError::UnknownGroup { .. }) => Some("group".to_owned()),
            Self::Pin(PinError::UnknownNexthop { .. } | PinError::Removed { .. }) => {
                Some("nexthop".to_owned())
            }
            _ => None,
        }
    }
}

impl RefusedChange {
    const fn kind(&self) -> RefusalKind {
        match self {
            Self::Value { .. }
            | Self::State(ChangeError::Weight { .. } | ChangeError::UnknownPort { .. }) => {
                RefusalKind::Invalid
            }
            Self::State(ChangeError::UnknownGroup { .. } | ChangeError::UnknownNexthop { .. }) => {
                RefusalKind::NotFound
            }
            Self::State(ChangeError::NoBucket { .. } | ChangeError::TooManyNexthops) => RefusalKind::Full,
            Self::State(_) => RefusalKind::Conflict,
        }
    }

    /// The field of the change that is to blame.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Value { field, .. } => field,
            Self::State(error) => match error {
                ChangeError::UnknownGroup { .. } | ChangeError::NoBucket { .. } => "group",
                ChangeError::AddressPresent { .. } => "address",
                ChangeError::Weight { .. } => "weight",
                ChangeError::UnknownPort { .. } => "interface",
                ChangeError::OtherMac { .. } => "mac",
                _ => "nexthop",
            },
        }
    }
}
