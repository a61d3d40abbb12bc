//! One connection, and when it is lost the next one in its stead, until the run ends.

use super::exchange::{self, Lost, exchange};
use super::pace::Pace;
use super::packet::{self, Packet};
use super::tally::{ConnectionId, Tally};
use super::{ClientSpec, is_near_end};
use crate::connection::Connection;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Pause after an attempt to connect that failed: so much longer each time, up to the longest.
const BACK_OFF: Duration = Duration::from_millis(100);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);

/// Runs the lane with this number.
pub(super) async fn run(tally: Rc<Tally>, number: u32) {
    let mut opened = 0;
    loop {
        let Some(id) = tally.open() else { return };
        let Some(mut connection) = connect(&tally, id).await else { return };
        let (part, connected) = (part(tally.spec(), number, opened), Instant::now());
        let carried = carry(&tally, id, &mut connection, part).await;
        tally.retransmitted(id, connection.retransmits());
        match carried {
            Ok(()) => return,
            Err(lost) => tally.lose(id, lost),
        }
        drop(connection);
        if !tally.spec().reconnect {
            return;
        }
        if is_near_end(tally.deadline()) {
            return tally.ended().await;
        }
        // A server that closes at once doesn't use up all connections at once.
        sleep_until(connected + BACK_OFF).await;
        opened += 1;
    }
}

/// Tries to connect until it works; `None` when the run has ended before.
async fn connect(tally: &Tally, id: ConnectionId) -> Option<Connection> {
    let spec = tally.spec();
    let mut back_off = BACK_OFF;
    loop {
        let opening = Connection::open(spec.transport, spec.address, tally.sources(), spec.connect_limit);
        let opened = tokio::select! {
            opened = opening => opened,
            () = tally.ended() => return None,
        };
        match opened {
            Ok(connection) => {
                tally.connected(id, &connection);
                return Some(connection);
            }
            Err(error) => tally.fail_to_connect(id, &error),
        }
        tokio::select! {
            () = sleep(back_off) => {}
            () = tally.ended() => return None,
        }
        back_off = (back_off + BACK_OFF).min(LONGEST_BACK_OFF);
    }
}

/// Sends at the connection's pace until the run ends, or the connection is lost.
async fn carry(tally: &Tally, id: ConnectionId, connection: &mut Connection, part: f64) -> Result<(), Lost> {
    let spec = tally.spec();
    let mut pace = Pace::new(Instant::now(), spec.packet_interval(), part);
    let mut packet = Packet::new(spec.packet_size_bytes);
    let mut buffer = vec![0; spec.packet_size_bytes];
    let mut host: Option<String> = None;
    loop {
        tokio::select! {
            () = sleep_until(pace.due()) => {}
            lost = exchange::watch(connection) => return Err(lost),
            () = tally.ended() => return Ok(()),
        }
        tally.drop_packets(id, pace.send(Instant::now()));
        exchange(connection, &mut packet, &mut buffer, spec.answer_limit, || tally.send(id)).await?;
        match (&host, packet::name(&buffer)) {
            (None, Some(name)) => {
                tally.served_by(id, name);
                host = Some(name.to_owned());
            }
            // Over TCP only the first echo carries the name.
            (Some(host), Some(name)) if host != name => return Err(Lost::moved(host, name)),
            _ => {}
        }
        tally.receive(id);
    }
}

/// Where in its interval a connection begins: by the seed, the lane, and how many the lane has had.
fn part(spec: &ClientSpec, number: u32, opened: u32) -> f64 {
    let key = (u64::from(number) << 32 | u64::from(opened)).to_le_bytes();
    xxh3_64_with_seed(&key, spec.seed) as f64 / u64::MAX as f64
}
