//! Memory: huge pages, and room for the flow table.

use super::super::facts::{Facts, HugePages, Seen};
use super::super::finding::{Finding, if_seen};
use evenkeel_afxdp::memory_len_bytes;

/// What a flow takes in a full table at the most, in bytes: of IPv4, and of IPv6.
const FLOW_BYTES: [u64; 2] = [64, 96];

pub(super) fn huge_pages(facts: &Facts) -> Vec<Finding> {
    vec![if_seen(&facts.memory.huge, |huge| {
        let need = match need(facts, huge) {
            Ok(need) => need,
            Err(reason) => return Finding::unknown(format!("how many are needed: {reason}")),
        };
        // a daemon that runs has its own already
        let free = if facts.running().is_some() { huge.total } else { huge.free };
        let seen = format!("{free} of {} are free, the workers' frames need {need}", huge.total);
        if free >= need {
            return Finding::ok(seen);
        }
        let total = huge.total - free + need;
        Finding::note(seen).advise(format!("sysctl -w vm.nr_hugepages={total}  # before run"))
    })]
}

/// Huge pages for the frames of all workers.
fn need(facts: &Facts, huge: &HugePages) -> Seen<u64> {
    let interfaces = facts.nics().count();
    let mtu = facts.nics().map(|(_, nic)| nic.link.mtu).max().unwrap_or_default();
    let queue_bytes = memory_len_bytes(interfaces, facts.intent.dataplane.max_interfaces, mtu);
    Ok(queue_bytes.div_ceil(huge.len_bytes.max(1)) * facts.queues()? as u64)
}

pub(super) fn transparent(facts: &Facts) -> Vec<Finding> {
    vec![if_seen(&facts.memory.transparent, |word| match word.as_str() {
        "never" => Finding::warning("transparent huge pages are off")
            .advise("echo madvise > /sys/kernel/mm/transparent_hugepage/enabled  # before run"),
        word => Finding::ok(word),
    })]
}

pub(super) fn flows(facts: &Facts) -> Vec<Finding> {
    let capacity = facts.intent.dataplane.flow_capacity as u64;
    let [least, most] = FLOW_BYTES.map(|flow_bytes| capacity.saturating_mul(flow_bytes));
    // of what is available a daemon that runs has taken its part
    let (room, name) = match facts.running() {
        Some(_) => (&facts.memory.total_bytes, "in all"),
        None => (&facts.memory.available_bytes, "available"),
    };
    vec![if_seen(room, |room| {
        let seen = format!("{capacity} flows take up to {}; {} {name}", mib(most), mib(*room));
        let finding = match *room {
            room if least > room => Finding::problem(seen),
            room if most > room => Finding::warning(seen),
            _ => return Finding::ok(seen),
        };
        let fits = room / FLOW_BYTES[1];
        finding.advise(format!("dataplane.flow_capacity = {fits}  # at the most"))
    })]
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}
