//! What the control thread refuses, as problem documents.

use super::problem::{Failed, Kind};
use crate::config::Mistakes;
use crate::live::{Refusal, RefusalKind};

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.kind() {
            RefusalKind::Invalid => Kind::Invalid,
            RefusalKind::NotFound => Kind::NotFound,
            RefusalKind::Conflict | RefusalKind::Full => Kind::Conflict,
            RefusalKind::Unavailable => Kind::Unavailable,
        };
        match &refusal {
            Refusal::Config(mistakes) => of_mistakes(kind, mistakes),
            Refusal::Fixed(differences) => {
                let failed = kind.because("the configuration needs a restart of the daemon");
                differences.iter().fold(failed, |failed, difference| failed.with("config", difference))
            }
            Refusal::Change { index, reason } => {
                kind.at(format!("/changes/{index}/{}", reason.field()), reason.to_string())
            }
            Refusal::Pin(_) => match refusal.field() {
                Some(field) => kind.at(format!("/{field}"), refusal.to_string()),
                None => kind.because(refusal.to_string()),
            },
            _ => match refusal.field() {
                Some(field) => kind.at(field, refusal.to_string()),
                None => kind.because(refusal.to_string()),
            },
        }
    }
}

/// Each mistake of a configuration with its place, `FILE:LINE:COLUMN`.
fn of_mistakes(kind: Kind, mistakes: &Mistakes) -> Failed {
    let file = mistakes.file().display();
    let failed = kind.because(format!("{}; nothing was changed", mistakes.summary()));
    mistakes.list().iter().fold(failed, |failed, mistake| {
        let place = mistake.place.map_or_else(|| file.to_string(), |place| format!("{file}:{place}"));
        failed.with(place, mistake.text.as_str())
    })
}

/// There is no group of that name.
pub(super) fn no_group(name: &str) -> Failed {
    Kind::NotFound.at("group", format!("there is no group {name:?}"))
}

/// There is no nexthop of that name.
pub(super) fn no_nexthop(group: &str, name: &str) -> Failed {
    Kind::NotFound.at("nexthop", format!("there is no nexthop {name:?} in a group {group:?}"))
}
