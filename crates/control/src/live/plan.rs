//! What taking up a configuration would do to buckets and to the flows that are live now. Nothing changes by it.

use super::client::{ControlClient, read};
use super::control::Control;
use super::difference::Difference;
use super::flows::PAGE_MAX;
use super::refusal::Refusal;
use super::reload::{ConfigSource, Next};
use crate::api::model::Plan;
use crate::config::Config;
use crate::plan::Planner;
use evenkeel_nexthop::Desired;
use tokio::task::spawn_blocking;

/// A change that is not made: the states before and after it, at one moment.
struct Planned {
    before: Desired,
    after: Desired,
    differences: Vec<Difference>,
    now_ms: u64,
}

impl Control {
    fn planned(&self, config: &Config) -> Result<Planned, Refusal> {
        let Next { desired: after, differences, .. } = self.foresee(config)?;
        Ok(Planned { before: self.desired.clone(), after, differences, now_ms: self.now_ms() })
    }
}

impl ControlClient {
    /// What a reload from this source would do: to buckets, and to each flow that is live now. Buckets and flows are
    /// judged beside the control thread, a page of flows at a time.
    ///
    /// # Errors
    /// What the reload would be refused for, or a worker that doesn't answer.
    pub async fn plan(&self, source: ConfigSource) -> Result<Plan, Refusal> {
        let file = self.config_file();
        let config = beside(move || read(source, file.as_deref())).await??;
        let (planned, liveness) = self
            .ask(move |control| Ok::<_, Refusal>((control.planned(&config)?, control.liveness.clone())))
            .await??;
        let Planned { before, after, differences, now_ms } = planned;
        let mut planner = beside(move || {
            let mut planner = Planner::new(before, after, liveness, now_ms);
            planner.judge([]);
            planner
        })
        .await?;
        let mut at = Some((0, Default::default()));
        while let Some((worker, cursor)) = at {
            let Some(mailbox) = self.mailboxes.get(worker) else { break };
            let page = super::flows::page(worker, mailbox, cursor, PAGE_MAX).await?;
            at = Some(if page.is_last { (worker + 1, Default::default()) } else { (worker, page.cursor) });
            planner = beside(move || {
                planner.judge(&page.records);
                planner
            })
            .await?;
        }
        beside(move || planner.plan(differences.into_iter().map(Into::into).collect())).await
    }
}

/// Works on another thread, so that the control thread goes on.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    // what fails is a panic or the end of the runtime
    spawn_blocking(work).await.map_err(|_| Refusal::Ended)
}
