//! The calls, each named after its operation in the API's description. Their errors are [`ClientError`]s, all of them.

#![expect(clippy::missing_errors_doc, reason = "said once, above")]

use super::super::model::{
    Buckets, Changed, Changes, Counters, FlowPage, FlowQuery, Group, Groups, Interfaces, NewNexthop, Nexthop,
    NexthopPatch, NexthopQuery, Nexthops, Path, PathQuery, Pin, PinChanged, PinQuery, Pins, Plan,
    PlanRequest, Reload, Reloaded, RemoveQuery, Services, Status,
};
use super::{Client, ClientError};
use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A call's result.
type Answer<T> = Result<T, ClientError>;

/// What a call without a body sends.
const NOTHING: Option<&()> = None;

/// What stays as it is in a segment of a path (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Client {
    /// The daemon itself.
    pub fn status(&self) -> Answer<Status> {
        self.read("/v1/status")
    }

    /// All services.
    pub fn services(&self) -> Answer<Services> {
        self.read("/v1/services")
    }

    /// All groups with their nexthops.
    pub fn groups(&self) -> Answer<Groups> {
        self.read("/v1/groups")
    }

    /// One group.
    pub fn group(&self, name: &str) -> Answer<Group> {
        self.read(&format!("/v1/groups/{}", segment(name)))
    }

    /// The bucket table of one group.
    pub fn buckets(&self, group: &str) -> Answer<Buckets> {
        self.read(&format!("/v1/groups/{}/buckets", segment(group)))
    }

    /// All nexthops, or those of one group; removed ones too until they are forgotten.
    pub fn nexthops(&self, group: Option<&str>) -> Answer<Nexthops> {
        self.query("/v1/nexthops", &NexthopQuery { group: group.map(str::to_owned) })
    }

    /// One nexthop of a group.
    pub fn nexthop(&self, group: &str, name: &str) -> Answer<Nexthop> {
        self.read(&nexthop_path(group, name))
    }

    /// Adds a nexthop, active.
    pub fn put_nexthop(&self, group: &str, name: &str, new: &NewNexthop) -> Answer<Changed> {
        self.call(Method::PUT, &nexthop_path(group, name), Some(new))
    }

    /// Drains a nexthop or activates it, or changes its weight.
    pub fn patch_nexthop(&self, group: &str, name: &str, patch: &NexthopPatch) -> Answer<Changed> {
        self.call(Method::PATCH, &nexthop_path(group, name), Some(patch))
    }

    /// Removes a nexthop; `deadline` as in the configuration.
    pub fn delete_nexthop(&self, group: &str, name: &str, deadline: Option<&str>) -> Answer<Changed> {
        let query = RemoveQuery { deadline: deadline.map(str::to_owned) };
        self.call(Method::DELETE, &with_query(&nexthop_path(group, name), &query)?, NOTHING)
    }

    /// All interfaces.
    pub fn interfaces(&self) -> Answer<Interfaces> {
        self.read("/v1/interfaces")
    }

    /// All counters.
    pub fn counters(&self) -> Answer<Counters> {
        self.read("/v1/counters")
    }

    /// A page of flows, or their count.
    pub fn flows(&self, query: &FlowQuery) -> Answer<FlowPage> {
        self.query("/v1/flows", query)
    }

    /// The way of a flow's next packet.
    pub fn path(&self, query: &PathQuery) -> Answer<Path> {
        self.query("/v1/path", query)
    }

    /// All static pins.
    pub fn pins(&self) -> Answer<Pins> {
        self.read("/v1/pins")
    }

    /// Makes a static pin, or another one of it for the same flows.
    pub fn pin(&self, pin: &Pin) -> Answer<PinChanged> {
        self.call(Method::POST, "/v1/pins", Some(pin))
    }

    /// Ends a static pin.
    pub fn unpin(&self, pin: &PinQuery) -> Answer<PinChanged> {
        self.call(Method::DELETE, &with_query("/v1/pins", pin)?, NOTHING)
    }

    /// Does a batch of changes, whole or not at all.
    pub fn change(&self, changes: &Changes) -> Answer<Changed> {
        self.call(Method::POST, "/v1/changes", Some(changes))
    }

    /// Takes up another configuration, whole or not at all.
    pub fn reload(&self, reload: &Reload) -> Answer<Reloaded> {
        self.call(Method::POST, "/v1/reload", Some(reload))
    }

    /// What a reload of the daemon's own file would do.
    pub fn plan_of_file(&self) -> Answer<Plan> {
        self.read("/v1/plan")
    }

    /// What another configuration would do.
    pub fn plan(&self, config: &PlanRequest) -> Answer<Plan> {
        self.call(Method::POST, "/v1/plan", Some(config))
    }

    fn read<T: DeserializeOwned>(&self, resource: &str) -> Answer<T> {
        self.call(Method::GET, resource, NOTHING)
    }

    fn query<T: DeserializeOwned>(&self, resource: &str, query: &impl Serialize) -> Answer<T> {
        self.read(&with_query(resource, query)?)
    }
}

/// A name as a segment of a path.
fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

fn nexthop_path(group: &str, name: &str) -> String {
    format!("/v1/groups/{}/nexthops/{}", segment(group), segment(name))
}

fn with_query(resource: &str, query: &impl Serialize) -> Answer<String> {
    let query = serde_urlencoded::to_string(query)
        .map_err(|error| ClientError::Foreign { target: resource.to_owned(), what: error.to_string() })?;
    Ok(if query.is_empty() { resource.to_owned() } else { format!("{resource}?{query}") })
}
