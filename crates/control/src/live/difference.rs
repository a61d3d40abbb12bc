//! What a reload changes, item by item: the state before against the state after, so that it is what happens and not
//! what two files say.

use super::change::NexthopState;
use super::ports::Ports;
use crate::api::model;
use crate::config::Config;
use evenkeel_nexthop::{Desired, MemberId, MemberInfo, PortId, Protocol, ServiceSpec, Timeouts};
use std::collections::BTreeMap;
use std::fmt;

/// One thing that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What kind of thing it is.
    pub kind: DifferenceKind,
    /// The group of a nexthop.
    pub group: Option<String>,
    /// Its name; empty for what has none.
    pub name: String,
    /// What of it changes, as `weight`; none if the whole thing comes or goes.
    pub what: Option<&'static str>,
    /// As it was; none if it comes.
    pub from: Option<String>,
    /// As it will be; none if it goes.
    pub to: Option<String>,
}

/// Kinds of things that change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DifferenceKind {
    /// A `[[service]]`.
    Service,
    /// A `[[group]]`.
    Group,
    /// A nexthop of a group.
    Nexthop,
    /// An `[[interface]]`.
    Interface,
    /// A key of `[timeouts]`.
    Timeout,
}

impl DifferenceKind {
    /// Its word for operators.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Group => "group",
            Self::Nexthop => "nexthop",
            Self::Interface => "interface",
            Self::Timeout => "timeout",
        }
    }
}

impl Difference {
    /// Its name, with the group before it if it has one.
    #[must_use]
    pub fn subject(&self) -> String {
        match &self.group {
            Some(group) => format!("{group}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// True for what a member's own events say: that it came, is to go, its state and its weight.
    pub(super) fn is_told_of_member(&self) -> bool {
        self.kind == DifferenceKind::Nexthop && matches!(self.what, None | Some("state" | "weight"))
    }
}

/// As the API and plans say it: the whole thing is the key `added` or `removed`.
impl From<Difference> for model::Difference {
    fn from(difference: Difference) -> Self {
        let subject = difference.subject();
        let Difference { kind, what, from, to, .. } = difference;
        let key = what.unwrap_or(if to.is_some() { "added" } else { "removed" });
        let what = format!("{} {subject}", kind.word());
        Self { what: what.trim_end().to_owned(), key: key.to_owned(), from, to }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.subject())?;
        if let Some(what) = self.what {
            write!(f, ": {what}")?;
        }
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, " {from} -> {to}"),
            (None, Some(to)) => write!(f, " comes: {to}"),
            (Some(from), None) => write!(f, " goes: {from}"),
            (None, None) => Ok(()),
        }
    }
}

/// One of the two states that are compared.
pub(crate) struct Side<'s> {
    pub(crate) config: &'s Config,
    pub(crate) desired: &'s Desired,
    pub(crate) ports: &'s Ports,
}

/// What differs, in the order services, groups, nexthops, interfaces, timeouts. Members have the same ids on both sides.
pub(crate) fn differences(before: &Side<'_>, after: &Side<'_>, now_ms: u64) -> Vec<Difference> {
    let kinds =
        [DifferenceKind::Service, DifferenceKind::Group, DifferenceKind::Interface, DifferenceKind::Timeout];
    let [services, groups, interfaces, timeouts] =
        kinds.map(|kind| compare(kind, &things(kind, before), &things(kind, after)));
    let nexthops = nexthops(before, after, now_ms);
    [services, groups, nexthops, interfaces, timeouts].concat()
}

/// What is said of each thing of a kind: by name, keys and values, in order.
type Things = Vec<(String, Vec<(&'static str, String)>)>;

fn things(kind: DifferenceKind, side: &Side<'_>) -> Things {
    match kind {
        DifferenceKind::Service => {
            side.desired.services().iter().map(|spec| service(spec, &side.config.timeouts)).collect()
        }
        DifferenceKind::Group => {
            let groups = side.desired.configured_groups().iter();
            groups.map(|group| (group.name.clone(), vec![("buckets", group.buckets.to_string())])).collect()
        }
        DifferenceKind::Interface => {
            let interfaces = side.config.interfaces.iter();
            interfaces.map(|one| (one.name.clone(), vec![("mode", one.mode.word().to_owned())])).collect()
        }
        DifferenceKind::Timeout => timeouts(side.config),
        DifferenceKind::Nexthop => Vec::new(),
    }
}

/// Of its timeouts those are said that aren't as in `[timeouts]`.
fn service(spec: &ServiceSpec, general: &Timeouts) -> (String, Vec<(&'static str, String)>) {
    let protocol = match spec.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Any => "any",
    };
    let mut ports = spec.ports.clone();
    ports.sort_unstable();
    let ports = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
    let own = idle_times(&spec.timeouts).into_iter().zip(idle_times(general));
    let own = own.filter(|(own, general)| own != general);
    let own: Vec<_> = own.map(|((name, ms), _)| format!("{name} {ms}ms")).collect();
    let said = vec![
        ("vip", spec.vip.to_string()),
        ("protocol", protocol.to_owned()),
        ("ports", if ports.is_empty() { "any".to_owned() } else { ports }),
        ("group", spec.group.clone()),
        ("timeouts", if own.is_empty() { "general".to_owned() } else { own.join(" ") }),
    ];
    (spec.name.clone(), said)
}

fn timeouts(config: &Config) -> Things {
    let idle = idle_times(&config.timeouts).map(|(name, ms)| (name, u64::from(ms)));
    let all = idle.into_iter().chain([("remove", config.remove_ms)]);
    all.map(|(name, ms)| (name.to_owned(), vec![("timeout", format!("{ms}ms"))])).collect()
}

fn idle_times(timeouts: &Timeouts) -> [(&'static str, u32); 4] {
    [
        ("tcp_syn", timeouts.tcp_syn_ms),
        ("tcp_established", timeouts.tcp_established_ms),
        ("tcp_closing", timeouts.tcp_closing_ms),
        ("udp", timeouts.udp_ms),
    ]
}

fn compare(kind: DifferenceKind, before: &Things, after: &Things) -> Vec<Difference> {
    let known: BTreeMap<_, _> = before.iter().map(|(name, said)| (name, said)).collect();
    let stays: BTreeMap<_, _> = after.iter().map(|(name, said)| (name, said)).collect();
    let whole = |said: &[(&str, String)]| {
        Some(said.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", "))
    };
    let item =
        |name: &str, what, from, to| Difference { kind, group: None, name: name.to_owned(), what, from, to };
    let mut all = Vec::new();
    for (name, said) in before.iter().filter(|(name, _)| !stays.contains_key(name)) {
        all.push(item(name, None, whole(said), None));
    }
    for (name, said) in after {
        let Some(was) = known.get(name) else {
            all.push(item(name, None, None, whole(said)));
            continue;
        };
        let changed = was.iter().zip(said).filter(|(was, is)| was != is);
        all.extend(changed.map(|(was, is)| item(name, Some(is.0), Some(was.1.clone()), Some(is.1.clone()))));
    }
    all
}

/// Members that come, go, or are served otherwise.
fn nexthops(before: &Side<'_>, after: &Side<'_>, now_ms: u64) -> Vec<Difference> {
    let known: BTreeMap<MemberId, MemberInfo<'_>> =
        before.desired.members().filter(|member| !member.gone).map(|member| (member.id, member)).collect();
    let mut all = Vec::new();
    for is in after.desired.members() {
        let item = |what, from, to| {
            let (group, name) = (Some(is.group.to_owned()), is.name.to_owned());
            Difference { kind: DifferenceKind::Nexthop, group, name, what, from, to }
        };
        let Some(was) = known.get(&is.id) else {
            if !is.gone {
                let said = nexthop(&is, after.ports, now_ms);
                let said: Vec<_> = said.iter().map(|(key, value)| format!("{key} {value}")).collect();
                all.push(item(None, None, Some(said.join(", "))));
            }
            continue;
        };
        let (was, now) = (nexthop(was, before.ports, now_ms), nexthop(&is, after.ports, now_ms));
        let changed = was.into_iter().zip(now).filter(|(was, is)| was != is);
        all.extend(changed.map(|(was, is)| item(Some(is.0), Some(was.1), Some(is.1))));
    }
    all
}

fn nexthop(member: &MemberInfo<'_>, ports: &Ports, now_ms: u64) -> Vec<(&'static str, String)> {
    let state = NexthopState::of(member).word();
    let state = match member.removed_at_ms {
        Some(at_ms) => match at_ms.saturating_sub(now_ms) {
            ms if ms.is_multiple_of(1000) => format!("{state} within {}s", ms / 1000),
            ms => format!("{state} within {ms}ms"),
        },
        None => state.to_owned(),
    };
    let name_of = |port: PortId| ports.at(port).map_or_else(String::new, |port| port.name.clone());
    let by_kernel = || "by the kernel".to_owned();
    vec![
        ("name", member.name.to_owned()),
        ("address", member.address.to_string()),
        ("state", state),
        ("weight", member.weight.to_string()),
        ("interface", member.port.map_or_else(by_kernel, name_of)),
        ("mac", member.mac.map_or_else(by_kernel, |mac| mac.to_string())),
    ]
}
