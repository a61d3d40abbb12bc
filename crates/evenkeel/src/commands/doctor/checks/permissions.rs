//! Whether this process may do what forwarding needs.

use super::super::facts::{Daemon, Facts, Seen};
use super::super::finding::{Finding, if_seen};
use evenkeel_afxdp::{Capability, memory_len_bytes};

pub(super) fn capabilities(facts: &Facts) -> Vec<Finding> {
    vec![match (&facts.daemon, &facts.process.missing) {
        (Daemon::Running(_), _) => Finding::ok("the daemon has them"),
        (_, Err(reason)) => Finding::unknown(reason),
        (_, Ok(missing)) if missing.is_empty() => Finding::ok("all that are needed"),
        (Daemon::Unseen(_), Ok(missing)) => {
            Finding::unknown(format!("whether the daemon has what this process lacks: {}", names(missing)))
        }
        (Daemon::Absent(_), Ok(missing)) => lacking(missing),
    }]
}

fn lacking(missing: &[Capability]) -> Finding {
    Finding::problem(format!("this process lacks {}", names(missing))).advise(
        "setcap cap_net_admin,cap_net_raw,cap_bpf,cap_ipc_lock+ep $(which evenkeel)  # or run it as root",
    )
}

fn names(missing: &[Capability]) -> String {
    missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

pub(super) fn memlock(facts: &Facts) -> Vec<Finding> {
    if facts.running().is_some() {
        return vec![Finding::ok("the daemon got its memory")];
    }
    vec![if_seen(&facts.process.memlock, |memlock| {
        let Some(limit_bytes) = memlock.limit_bytes.filter(|_| !memlock.is_exempt) else {
            return Finding::ok("no limit");
        };
        let need_bytes = match need_bytes(facts) {
            Ok(need_bytes) => need_bytes,
            Err(reason) => return Finding::unknown(format!("what is needed: {reason}")),
        };
        let (limit, need) = (mib(limit_bytes), mib(need_bytes));
        if need_bytes <= limit_bytes {
            return Finding::ok(format!("{limit}, {need} needed"));
        }
        let seen = format!("{limit} may be locked, the workers need {need}");
        if matches!(facts.daemon, Daemon::Unseen(_)) {
            return Finding::unknown(format!("whether the daemon may do what this process may not: {seen}"));
        }
        Finding::problem(seen)
            .advise("setcap cap_net_admin,cap_net_raw,cap_bpf,cap_ipc_lock+ep $(which evenkeel)")
            .advise("ulimit -l unlimited  # or this in the shell, LimitMEMLOCK=infinity in a unit")
    })]
}

/// Memory of all workers' frames.
fn need_bytes(facts: &Facts) -> Seen<u64> {
    let interfaces = facts.nics().count();
    let mtu = facts.nics().map(|(_, nic)| nic.link.mtu).max().unwrap_or_default();
    let queue_bytes = memory_len_bytes(interfaces, facts.intent.dataplane.max_interfaces, mtu);
    Ok(queue_bytes * facts.queues()? as u64)
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
