//! Which nexthop a flow takes, and why: one answer for the running daemon and for a configuration alone.

use evenkeel_nexthop::{Choice, Desired, GroupTable, Liveness, MemberId, ServiceId, Snapshot};
use evenkeel_packet::FlowKey;
use std::net::IpAddr;

/// What becomes of a packet that begins a flow, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// What is done with it.
    pub fate: Fate,
    /// The service that takes it.
    pub service: Option<String>,
    /// The group that serves the service.
    pub group: Option<String>,
    /// The bucket of the flow in the group.
    pub bucket: Option<u32>,
    /// Name of the nexthop that takes it.
    pub nexthop: Option<String>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// Why, in one sentence.
    pub why: String,
}

/// What is done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It leaves toward a nexthop.
    Forward,
    /// It is left to the kernel.
    Punt,
    /// It is dropped.
    Drop,
}

impl Fate {
    /// Its word, as in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Punt => "punt",
            Self::Drop => "drop",
        }
    }
}

impl Path {
    /// The path of a flow that the flow table doesn't know: by a static pin, else by its bucket. `desired` has the names of the snapshot's members.
    #[must_use]
    pub fn by_choice(key: &FlowKey, snapshot: &Snapshot, desired: &Desired, liveness: &Liveness) -> Self {
        let asked = Asked { snapshot, desired, liveness };
        match snapshot.classify(key) {
            Some(service) => asked.of_service(key, service),
            None => punt(key, snapshot),
        }
    }
}

fn punt(key: &FlowKey, snapshot: &Snapshot) -> Path {
    let (address, port) = (key.destination(), key.destination_port());
    let protocol = match key.protocol() {
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        number => format!("protocol {number}"),
    };
    let why = if snapshot.is_vip(address) {
        format!("punt: no service of {address} takes {protocol} port {port}, so it is left to the kernel")
    } else {
        format!("punt: {address} is no VIP, so it is left to the kernel")
    };
    Path { fate: Fate::Punt, service: None, group: None, bucket: None, nexthop: None, address: None, why }
}

/// What an answer is read from.
struct Asked<'a> {
    snapshot: &'a Snapshot,
    desired: &'a Desired,
    liveness: &'a Liveness,
}

impl Asked<'_> {
    fn of_service(&self, key: &FlowKey, service: ServiceId) -> Path {
        let hash = self.snapshot.flow_hash(key);
        let group_id = self.snapshot.group_of(service);
        let group = group_id.and_then(|group| self.snapshot.group(group));
        let bucket = group_id.map(|group| self.snapshot.bucket_of(group, hash));
        let choice = group_id.and_then(|group| self.snapshot.choose(group, key, self.liveness));
        let taker = choice.map(|choice| choice.member);
        let why = match (choice, group, bucket) {
            (Some(Choice { member, pin: Some(_) }), ..) => {
                format!("a static pin sends it to {}", self.name(member))
            }
            (_, Some(table), Some(bucket)) => self.why(table, bucket, taker),
            _ => "no_nexthop: the service has no group".to_owned(),
        };
        let taker = taker.and_then(|taker| self.desired.member(taker));
        Path {
            fate: if taker.is_some() { Fate::Forward } else { Fate::Drop },
            service: self.snapshot.services.get(service.index()).map(|service| service.name.to_string()),
            group: group.map(|group| group.name.to_string()),
            bucket,
            nexthop: taker.map(|taker| taker.name.to_owned()),
            address: taker.map(|taker| taker.address),
            why,
        }
    }

    fn name(&self, member: MemberId) -> &str {
        self.desired.member(member).map_or("?", |member| member.name)
    }

    fn why(&self, table: &GroupTable, bucket: u32, taker: Option<MemberId>) -> String {
        let group = &table.name;
        let owner = table.owners().nth(bucket as usize).flatten();
        match (taker, owner) {
            (Some(taker), Some(owner)) if taker != owner => format!(
                "bucket {bucket} of group {group} belongs to {}, which is down; {} is the next by score",
                self.name(owner),
                self.name(taker)
            ),
            (Some(taker), _) => format!("bucket {bucket} of group {group} belongs to {}", self.name(taker)),
            (None, Some(_)) => format!("no_nexthop: everybody in group {group} is down"),
            (None, None) => format!("no_nexthop: nobody in group {group} takes new flows"),
        }
    }
}
