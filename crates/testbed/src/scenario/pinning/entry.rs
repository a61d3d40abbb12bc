//! The flow's entry in Evenkeel's table: listed with packets and bytes, gone when its idle time is over. The kernel's ECMP has
//! no such thing.
//!
//! A service of its own with a short idle time, over the same servers: what is drained there is drained for nobody else.

use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use evenkeel_control::api::model::{Flow, FlowQuery};

use super::{Fact, family};
use crate::lab::Lab;
use crate::lab::config::{Draining, ServiceText};
use crate::lab::daemon::Daemon;
use crate::lab::plan::{self, SINGLE4, SINGLE6};
use crate::load::session::Session;

const IDLE_TEXT: &str = "2s";
const IDLE: Duration = Duration::from_secs(2);
/// A flow that is over is freed within a second; the rest is for a busy machine.
const LATEST: Duration = Duration::from_secs(5);
const FIRST_PORT: u16 = 21_000;

/// The services, over these servers.
pub(super) fn services(members: &[(usize, Draining)]) -> [ServiceText<'static>; 2] {
    [("brief4", SINGLE4.into()), ("brief6", SINGLE6.into())].map(|(name, vip)| ServiceText {
        name,
        vip,
        protocol: "tcp",
        ports: &[80],
        members: members.to_vec(),
        idle: Some(IDLE_TEXT),
    })
}

/// Opens a session over each family, drains its server, looks at its entry until it is gone, opens another session.
///
/// # Errors
/// When a session can't be opened, or the daemon doesn't answer.
pub(super) fn look(lab: &Lab, daemon: &Daemon) -> Result<Vec<Fact>> {
    let mut facts = Vec::new();
    for (group, vip) in [("brief4", IpAddr::from(SINGLE4)), ("brief6", SINGLE6.into())] {
        let destination = SocketAddr::new(vip, 80);
        let open = |port| {
            let source = SocketAddr::new(plan::source(vip, 0), port);
            lab.client().within(|| Session::open(source, destination))?.context("a session")
        };
        let mut session = open(FIRST_PORT)?;
        daemon.command(&["drain", group, &session.server])?;
        ensure!(session.ask()? == session.server, "the session of a drained server was lost");
        let asked = Instant::now();
        let listed = listed(daemon, session.source)?.context("the flow isn't listed")?;
        let good = listed.nexthop == session.server && listed.packets >= 4 && listed.bytes > 0;
        let seen = format!("{} packets, {} bytes", listed.packets, listed.bytes);
        facts.push(Fact { what: format!("entry of a session over {}", family(vip)), seen, good });

        let gone = gone_after(daemon, session.source, asked)?;
        let seen = format!("{:.1} s", gone.as_secs_f64());
        let good = gone >= IDLE && gone < LATEST;
        facts.push(Fact {
            what: format!("it is gone after (idle time {IDLE_TEXT}), {}", family(vip)),
            seen,
            good,
        });

        let next = open(FIRST_PORT + 1)?;
        let seen = format!("{}, then {}", session.server, next.server);
        let good = next.server != session.server;
        facts.push(Fact {
            what: format!("drained server, that of a new session, {}", family(vip)),
            seen,
            good,
        });
    }
    Ok(facts)
}

/// The flow's entry.
fn listed(daemon: &Daemon, source: SocketAddr) -> Result<Option<Flow>> {
    let prefix = format!("{}/{}", source.ip(), if source.is_ipv4() { 32 } else { 128 });
    let page = daemon.api()?.flows(&FlowQuery { source: Some(prefix), ..FlowQuery::default() })?;
    Ok(page.flows.into_iter().find(|flow| flow.source == source.to_string()))
}

/// How long the entry was there, from the last packet on.
fn gone_after(daemon: &Daemon, source: SocketAddr, asked: Instant) -> Result<Duration> {
    while listed(daemon, source)?.is_some() {
        ensure!(
            asked.elapsed() < 2 * LATEST,
            "the flow of {source} is still listed after {:?}",
            asked.elapsed()
        );
        thread::sleep(Duration::from_millis(50));
    }
    Ok(asked.elapsed())
}
