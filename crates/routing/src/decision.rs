//! From the kernel's state to an answer: the decision, without any I/O.

use crate::link::Link;
use crate::neighbour::{Knowledge, Neighbour, NeighbourKey};
use crate::reach::{Reach, Target, Unresolved};
use crate::route::Route;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

/// The kernel's state, as far as it matters.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    /// The listed interfaces, by number; none where one has gone.
    pub(crate) links: BTreeMap<u32, Option<Link>>,
    /// Ways to the addresses of targets without a given interface.
    pub(crate) routes: HashMap<IpAddr, Route>,
    /// Names of unlisted interfaces that routes lead to.
    pub(crate) unlisted: HashMap<u32, String>,
    /// Neighbours on listed interfaces.
    pub(crate) neighbours: HashMap<NeighbourKey, Neighbour>,
    /// The errno with which the kernel refused to look for a neighbour.
    pub(crate) refused: HashMap<NeighbourKey, i32>,
}

impl Picture {
    /// The neighbour entry that a target needs: none if its MAC is given or if it is unresolved for another reason.
    pub(crate) fn needed_neighbour(&self, target: &Target) -> Option<NeighbourKey> {
        let link = self.egress(target).ok()?;
        target.mac.is_none().then_some((link.ifindex, target.address))
    }

    /// How a target is reached; `before` is the last answer.
    ///
    /// An entry that has vanished (flushed by hand, or by the kernel for want of room) says nothing about the server:
    /// while the kernel asks anew, the last MAC stays, so that no flow moves.
    pub(crate) fn reach(&self, target: &Target, before: Option<&Reach>) -> Reach {
        let link = match self.egress(target) {
            Ok(link) => link,
            Err(reason) => return Reach::Unresolved(reason),
        };
        let ifindex = link.ifindex;
        if let Some(mac) = target.mac {
            return Reach::Resolved { ifindex, mac };
        }
        let key = (ifindex, target.address);
        let name = link.name.clone();
        let knowledge = self.neighbours.get(&key).map(|n| n.knowledge);
        match (knowledge, self.refused.get(&key), before) {
            (Some(Knowledge::Known(Some(mac)) | Knowledge::Fixed(Some(mac))), _, _) => {
                Reach::Resolved { ifindex, mac }
            }
            (Some(Knowledge::Known(None) | Knowledge::Fixed(None)), _, _) => {
                Reach::Unresolved(Unresolved::NoMac { name })
            }
            (Some(Knowledge::Failed), _, _) => Reach::Unresolved(Unresolved::NoAnswer { name }),
            (None, Some(&errno), _) => Reach::Unresolved(Unresolved::Refused { name, errno }),
            (None | Some(Knowledge::Asked), _, Some(Reach::Resolved { ifindex: last, mac }))
                if *last == ifindex =>
            {
                Reach::Resolved { ifindex, mac: *mac }
            }
            (None | Some(Knowledge::Asked), _, _) => Reach::Unresolved(Unresolved::NoAnswer { name }),
        }
    }

    /// The interface over which a target is reached, up.
    fn egress(&self, target: &Target) -> Result<&Link, Unresolved> {
        let ifindex = match target.ifindex {
            Some(ifindex) => ifindex,
            None => match self.routes.get(&target.address) {
                Some(Route::OnLink { ifindex }) => *ifindex,
                Some(Route::Gateway { ifindex, .. }) if target.mac.is_some() => *ifindex,
                Some(Route::Gateway { gateway, .. }) => {
                    return Err(Unresolved::Gateway { gateway: *gateway });
                }
                Some(Route::Local) => return Err(Unresolved::Local),
                Some(Route::None) | None => return Err(Unresolved::NoRoute),
            },
        };
        let link = match self.links.get(&ifindex) {
            Some(Some(link)) => link,
            Some(None) => return Err(Unresolved::InterfaceGone { ifindex }),
            None if target.ifindex.is_some() => return Err(Unresolved::InterfaceGone { ifindex }),
            None => {
                let name = self.unlisted.get(&ifindex).cloned();
                let name = name.unwrap_or_else(|| format!("interface number {ifindex}"));
                return Err(Unresolved::UnlistedInterface { name });
            }
        };
        if link.is_up() {
            Ok(link)
        } else {
            Err(Unresolved::LinkDown { name: link.name.clone(), by_admin: !link.is_admin_up })
        }
    }
}

#[cfg(test)]
#[path = "decision/tests.rs"]
mod tests;
