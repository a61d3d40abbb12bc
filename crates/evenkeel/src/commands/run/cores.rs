//! Which core each thread gets.

use anyhow::{Result, bail};

/// Cores of the workers, by queue, and of the control thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Plan {
    pub(in super::super) workers: Vec<usize>,
    pub(in super::super) control: usize,
}

impl Plan {
    /// Plans for `queues` workers on a box with the cores `available`; `wanted` are the configured ones.
    /// `fewer_queues` says which commands give every interface so many queues.
    ///
    /// Without configured cores workers take one each from the highest down, core 0 last. Control takes the lowest
    /// core that has no worker, else it shares core 0 (or the lowest core that the process may use).
    pub(in super::super) fn new(
        queues: usize,
        wanted: Option<&[usize]>,
        available: &[usize],
        fewer_queues: impl Fn(usize) -> String,
    ) -> Result<Self> {
        let workers = match wanted {
            Some(cores) => {
                if cores.len() != queues {
                    bail!(
                        "dataplane.cores lists {} cores, but every interface has {queues} receive queues: one core per \
                         queue is needed{}",
                        cores.len(),
                        match cores.len() {
                            count if (1..queues).contains(&count) => format!(", or {}", fewer_queues(count)),
                            _ => String::new(),
                        }
                    );
                }
                if let Some(missing) = cores.iter().find(|core| !available.contains(core)) {
                    bail!("dataplane.cores lists core {missing}; this process may use {available:?}");
                }
                cores.to_vec()
            }
            None => {
                let mut cores = available.to_vec();
                cores.sort_unstable_by(|a, b| b.cmp(a));
                if cores.len() < queues {
                    bail!(
                        "every interface has {queues} receive queues, and this process may use {} cores: lower the \
                         number of queues with {}",
                        cores.len(),
                        fewer_queues(cores.len().max(1))
                    );
                }
                cores.truncate(queues);
                cores
            }
        };
        let free = available.iter().copied().filter(|core| !workers.contains(core)).min();
        let control = free.or_else(|| available.iter().copied().min()).unwrap_or(0);
        Ok(Self { workers, control })
    }

    /// True if the control thread shares a worker's core.
    pub(in super::super) fn is_shared(&self) -> bool {
        self.workers.contains(&self.control)
    }
}

#[cfg(test)]
mod tests {
    use super::Plan;

    fn plan(queues: usize, wanted: Option<&[usize]>, cores: usize) -> Option<(Vec<usize>, usize, bool)> {
        let available: Vec<usize> = (0..cores).collect();
        let plan = Plan::new(queues, wanted, &available, |_| String::new()).ok()?;
        let shared = plan.is_shared();
        Some((plan.workers, plan.control, shared))
    }

    #[test]
    fn workers_take_the_highest_cores_and_core_0_last() {
        assert_eq!(plan(1, None, 2), Some((vec![1], 0, false)));
        assert_eq!(plan(2, None, 2), Some((vec![1, 0], 0, true)));
        assert_eq!(plan(2, None, 4), Some((vec![3, 2], 0, false)));
        assert_eq!(plan(3, None, 2), None);
    }

    #[test]
    fn configured_cores_are_taken_in_order_and_must_fit() {
        assert_eq!(plan(2, Some(&[0, 2]), 4), Some((vec![0, 2], 1, false)));
        assert_eq!(plan(2, Some(&[1]), 4), None);
        assert_eq!(plan(1, Some(&[7]), 4), None);
    }

    #[test]
    fn a_refusal_says_which_commands_help() {
        let remedy = |count: usize| format!("ethtool -L eth1 rx {count}");
        for wanted in [None, Some(&[0, 1][..])] {
            let error = Plan::new(4, wanted, &[0, 1], remedy).unwrap_err().to_string();
            assert!(error.ends_with("ethtool -L eth1 rx 2"), "{error}");
        }
    }
}
