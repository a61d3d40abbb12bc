//! Publishing to the workers.

use evenkeel_dataplane::{Published, WorkerCounters};
use evenkeel_nexthop::Snapshot;
use std::sync::Arc;

/// Publishes to workers: makes room for the counters of new members first.
pub fn publisher(
    published: Arc<Published>,
    workers: Vec<Arc<WorkerCounters>>,
) -> impl FnMut(Snapshot) + Send {
    move |snapshot| {
        for counters in &workers {
            counters.reserve(snapshot.member_count());
        }
        published.publish(snapshot);
    }
}
