//! The cores: who works where, and who else does.

use super::super::facts::{Core, Facts, IdleState, Seen, Workers};
use super::super::finding::{Finding, each, if_seen, if_there, list};
use evenkeel_control::config::Idle;
use std::collections::BTreeSet;

/// Longer than this, coming out of an idle state is felt by packets, in microseconds.
const FELT_US: u64 = 20;

pub(super) fn workers(facts: &Facts) -> Vec<Finding> {
    vec![match facts.workers() {
        Workers::Unknown(reason) => Finding::unknown(reason),
        Workers::Refused(text) => Finding::problem(text).advise("as it says, or other dataplane.cores"),
        Workers::Known(plan) => {
            let cores: Vec<_> = plan.workers.iter().map(ToString::to_string).collect();
            let seen = format!("by queue on core {}, control on core {}", cores.join(", "), plan.control);
            match more_queues(facts, cores.len()) {
                Some(count) => {
                    Finding::note(format!("{seen}; cores and queues are there for {count} workers"))
                        .advise(facts.fewer_queues(count))
                }
                None => Finding::ok(seen),
            }
        }
    }]
}

/// How many workers there could be: a core is left to control. None if there are as many.
fn more_queues(facts: &Facts, workers: usize) -> Option<usize> {
    let cores = facts.cores.available.as_ref().ok()?.len().saturating_sub(1);
    let queues = facts.nics().map(|(_, nic)| Some(nic.queues.as_ref().ok()?.as_ref()?.max as usize));
    let queues = queues.collect::<Option<Vec<_>>>()?.into_iter().min()?;
    Some(cores.min(queues)).filter(|count| *count > workers && facts.intent.dataplane.cores.is_none())
}

pub(super) fn control(facts: &Facts) -> Vec<Finding> {
    with_workers(facts, |_| match facts.workers() {
        Workers::Known(plan) if plan.is_shared() => {
            let finding = Finding::warning(format!("control shares core {} with a worker", plan.control));
            match plan.workers.len() {
                1 => finding.advise("let the process use another core"),
                count => finding.advise(facts.fewer_queues(count - 1)),
            }
        }
        _ => Finding::ok("control has a core without a worker"),
    })
}

pub(super) fn isolation(facts: &Facts) -> Vec<Finding> {
    with_workers(facts, |workers| {
        if_seen(&facts.cores.isolated, |isolated| {
            let others = list(workers.difference(isolated).copied());
            if others.is_empty() {
                return Finding::ok("the workers' cores are isolated");
            }
            let cores = list(workers.iter().copied());
            Finding::warning(format!("the scheduler uses core {others} for other tasks too")).advise(format!(
                "on the kernel's command line: isolcpus=managed_irq,domain,{cores} nohz_full={cores} rcu_nocbs={cores}"
            ))
        })
    })
}

pub(super) fn siblings(facts: &Facts) -> Vec<Finding> {
    with_workers(facts, |workers| {
        if_seen(&of_workers(facts, workers, |core| &core.siblings), |siblings| {
            let others = |(core, siblings): &(usize, BTreeSet<usize>)| {
                siblings.iter().copied().filter(|sibling| sibling != core).collect::<BTreeSet<_>>()
            };
            let others: BTreeSet<_> = siblings.iter().flat_map(others).collect();
            let shared: Vec<_> = others.intersection(workers).copied().collect();
            if !shared.is_empty() {
                return Finding::warning(format!("workers on core {} share physical cores", list(shared)))
                    .advise("dataplane.cores with one thread of each physical core, and as many queues");
            }
            if !others.is_empty() {
                let words: Vec<_> = others.iter().map(ToString::to_string).collect();
                return Finding::note(format!(
                    "workers share their physical cores with core {}",
                    list(others)
                ))
                .advise(for_cores(&words.join(" "), "echo 0 > /sys/devices/system/cpu/cpu$core/online"));
            }
            Finding::ok("workers have physical cores of their own")
        })
    })
}

pub(super) fn interrupts(facts: &Facts) -> Vec<Finding> {
    let Workers::Known(plan) = facts.workers() else { return Vec::new() };
    if facts.intent.dataplane.idle == Idle::BusyPoll {
        return vec![Finding::ok("workers do their work on their own cores")];
    }
    let workers: BTreeSet<_> = plan.workers.iter().copied().collect();
    each(facts, |_, nic| {
        Some(if_seen(&nic.interrupts, |interrupts| {
            let is_shared = |cores: &BTreeSet<usize>| !cores.is_disjoint(&workers);
            let shared: Vec<_> = interrupts.iter().filter(|interrupt| is_shared(&interrupt.cores)).collect();
            if shared.is_empty() {
                return Finding::ok(match interrupts.len() {
                    0 => "none of its own".to_owned(),
                    count => format!("all {count} on cores without a worker"),
                });
            }
            let numbers: Vec<_> = shared.iter().map(|interrupt| interrupt.number.to_string()).collect();
            let seen = format!("interrupts on workers' cores: {}", numbers.join(", "));
            let finding = Finding::warning(seen);
            if plan.is_shared() {
                return finding.advise("every core has a worker: leave one without, by fewer queues");
            }
            let to = plan.control;
            finding.advise(format!(
                "for irq in {}; do echo {to} > /proc/irq/$irq/smp_affinity_list; done",
                numbers.join(" ")
            ))
        }))
    })
}

pub(super) fn balancer(facts: &Facts) -> Vec<Finding> {
    vec![if_seen(&facts.kernel.balances_interrupts, |runs| {
        if !runs {
            return Finding::ok("irqbalance doesn't run");
        }
        Finding::warning("irqbalance runs").advise(
            "systemctl disable --now irqbalance  # or IRQBALANCE_BANNED_CPULIST with the workers' cores",
        )
    })]
}

pub(super) fn governor(facts: &Facts) -> Vec<Finding> {
    with_workers(facts, |workers| {
        if_seen(&of_workers(facts, workers, |core| &core.governor), |governors| {
            let slow: Vec<_> = governors.iter().filter(|(_, governor)| governor != "performance").collect();
            let Some((_, governor)) = slow.first() else { return Finding::ok("performance") };
            let cores: Vec<_> = slow.iter().map(|(core, _)| core.to_string()).collect();
            Finding::warning(format!("{governor} on core {}", cores.join(", "))).advise(for_cores(
                &cores.join(" "),
                "echo performance > /sys/devices/system/cpu/cpu$core/cpufreq/scaling_governor",
            ))
        })
    })
}

pub(super) fn idle_states(facts: &Facts) -> Vec<Finding> {
    if facts.intent.dataplane.idle != Idle::Sleep {
        return vec![Finding::ok("workers never wait")];
    }
    with_workers(facts, |workers| {
        if_seen(&of_workers(facts, workers, |core| &core.idle_states), |states| {
            let is_deep = |state: &&IdleState| state.is_allowed && state.exit_us > FELT_US;
            let deep: Vec<_> = states.iter().flat_map(|(_, states)| states.iter().filter(is_deep)).collect();
            let Some(deepest) = deep.iter().max_by_key(|state| state.exit_us) else {
                return Finding::ok(format!("waking up takes {FELT_US} us at the most"));
            };
            let numbers: BTreeSet<_> = deep.iter().map(|state| state.number.to_string()).collect();
            let numbers: Vec<_> = numbers.into_iter().collect();
            let cores: Vec<_> = workers.iter().map(ToString::to_string).collect();
            let disable = format!(
                "for state in {}; do echo 1 > /sys/devices/system/cpu/cpu$core/cpuidle/state$state/disable; done",
                numbers.join(" ")
            );
            Finding::warning(format!("waking up from {} takes {} us", deepest.name, deepest.exit_us))
                .advise(for_cores(&cores.join(" "), &disable))
                .advise("dataplane.idle = \"spin\"  # or this, which takes the whole core")
        })
    })
}

pub(super) fn numa(facts: &Facts) -> Vec<Finding> {
    let Workers::Known(plan) = facts.workers() else { return Vec::new() };
    let workers: BTreeSet<_> = plan.workers.iter().copied().collect();
    each(facts, |_, nic| {
        if_there(&nic.numa_node, |node| {
            if_seen(&of_workers(facts, &workers, |core| &core.numa_node), |nodes| {
                let far: Vec<_> = nodes.iter().filter(|(_, of)| of != node).map(|(core, _)| *core).collect();
                if far.is_empty() {
                    return Finding::ok(format!("card and workers are on node {node}"));
                }
                let near = |(number, core): (&usize, &Core)| {
                    (core.numa_node.as_ref() == Ok(node)).then_some(*number)
                };
                let near = list(facts.cores.each.iter().filter_map(near));
                Finding::warning(format!("the card is on node {node}, workers on core {} aren't", list(far)))
                    .advise(format!("dataplane.cores out of {near}"))
            })
        })
    })
}

/// Judges the workers' cores; nothing is found where they aren't known, which `workers` says.
fn with_workers(facts: &Facts, judge: impl FnOnce(&BTreeSet<usize>) -> Finding) -> Vec<Finding> {
    match facts.workers() {
        Workers::Known(plan) => vec![judge(&plan.workers.into_iter().collect())],
        Workers::Refused(_) | Workers::Unknown(_) => Vec::new(),
    }
}

/// Something of each worker's core.
fn of_workers<T: Clone>(
    facts: &Facts,
    workers: &BTreeSet<usize>,
    what: impl Fn(&Core) -> &Seen<T>,
) -> Seen<Vec<(usize, T)>> {
    let of = |number: &usize| {
        let core = facts.cores.each.get(number).ok_or_else(|| format!("core {number} isn't shown"))?;
        Ok((*number, what(core).clone()?))
    };
    workers.iter().map(of).collect()
}

fn for_cores(cores: &str, command: &str) -> String {
    format!("for core in {cores}; do {command}; done")
}
