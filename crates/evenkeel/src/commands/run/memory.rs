//! The memory of flows to come: a thread has the kernel find it before workers need it. With huge pages that is some
//! hundred microseconds for each, and milliseconds while the kernel has to make room for one.

use anyhow::{Context, Result};
use evenkeel_dataplane::FlowTable;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

/// Flows of every worker whose memory is found ahead: more than it can open in a pause. 17 MB of IPv4 flows.
const AHEAD_FLOWS: usize = 350_000;
const PAUSE: Duration = Duration::from_millis(50);

/// Finds the memory of the first flows now and that of others as they come, until the table is no more.
pub(super) fn keep_ahead(table: &Arc<FlowTable>) -> Result<()> {
    populate(table);
    let table = Arc::downgrade(table);
    let thread = thread::Builder::new().name("memory".into());
    thread.spawn(move || watch(&table)).context("can't start a thread")?;
    Ok(())
}

fn watch(table: &Weak<FlowTable>) {
    while let Some(table) = table.upgrade() {
        populate(&table);
        drop(table);
        thread::sleep(PAUSE);
    }
}

/// A kernel that can't do it leaves it to the workers.
fn populate(table: &FlowTable) {
    for range in table.ahead(AHEAD_FLOWS) {
        evenkeel_pages::populate(range);
    }
}
