//! What a client measured, as JSON: ctraffic's keys and meaning, and a few of our own beside them.
//!
//! Durations are in nanoseconds from the start of the run. What ctraffic wrote can be read too.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;

/// The statistics of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stats {
    /// When it started.
    pub started: Timestamp,
    /// How long it took, ns.
    #[serde(rename = "Duration")]
    pub duration_ns: u64,
    /// The rate asked for, over all connections, in KB (1024 bytes) per second.
    #[serde(rename = "Rate")]
    pub rate_kb_per_s: f64,
    /// Connections to be held at once.
    pub connections: u64,
    /// Bytes of a packet.
    #[serde(rename = "PacketSize")]
    pub packet_size_bytes: u64,
    /// Connections that were lost.
    pub failed_connections: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets whose echo came, whole.
    pub received: u64,
    /// Packets that were not sent because the echo before them was late.
    pub dropped: u64,
    /// TCP segments sent again, by the kernel's count.
    pub retransmits: u64,
    /// Attempts to connect that failed; they are no lost connections.
    pub failed_connects: u64,
    /// Connections that were not opened anew because as many had been opened as `--retries` allows.
    #[serde(default)]
    pub unopened: u64,
    /// Determines the source addresses and ports.
    #[serde(default)]
    pub seed: u64,
    /// Where packets were sent.
    #[serde(default)]
    pub address: String,
    /// `tcp` or `udp`.
    #[serde(default)]
    pub transport: String,
    /// Moments that were given a name during the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Each connection, in the order in which they were opened; with `--stats all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub conn_stats: Vec<ConnStats>,
    /// The counts once a second; with `--stats all`.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "null_is_empty")]
    pub samples: Vec<Sample>,
}

/// One connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ConnStats {
    /// When it was first tried, ns.
    #[serde(rename = "Started")]
    pub started_ns: u64,
    /// When it was connected, ns; 0: never.
    #[serde(rename = "Connect")]
    pub connect_ns: u64,
    /// When it was lost, else the end of the run, ns.
    #[serde(rename = "Ended")]
    pub ended_ns: u64,
    /// Why it was lost, in words; empty when it was not.
    pub err: String,
    /// Why it was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Packets sent.
    pub sent: u64,
    /// Echoes that came.
    pub received: u64,
    /// Packets not sent because an echo was late.
    pub dropped: u64,
    /// TCP segments sent again.
    pub retransmits: u64,
    /// Attempts to connect that failed.
    #[serde(default)]
    pub failed_connects: u64,
    /// Why the last of these failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub connect_err: String,
    /// Our address and port.
    #[serde(default)]
    pub local: String,
    /// The server's address and port, as we know it.
    #[serde(default)]
    pub remote: String,
    /// The server that answered first; empty: none did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sample {
    /// The moment, ns.
    #[serde(rename = "Time")]
    pub time_ns: u64,
    /// Packets sent so far.
    pub sent: u64,
    /// Echoes so far.
    pub received: u64,
    /// Packets not sent so far because an echo was late.
    pub dropped: u64,
}

/// A moment with a name: something was changed then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Step {
    /// The moment, ns.
    #[serde(rename = "Time")]
    pub time_ns: u64,
    /// What was done.
    pub name: String,
}

/// Why a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The socket saw a reset, or for UDP an ICMP "port unreachable".
    Reset,
    /// The answer was not whole in time.
    Timeout,
    /// The other side closed before the answer was whole.
    Ended,
    /// The network said that the server can't be reached.
    Unreachable,
    /// Another server answered than before (UDP: TCP would see a reset).
    Moved,
    /// What came isn't the echo of what was sent.
    Wrong,
    /// Any other error of the socket.
    Other,
}

/// A connection that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss<'a> {
    /// When, ns.
    pub time_ns: u64,
    /// Why; `None` in statistics that ctraffic wrote.
    pub reason: Option<Reason>,
    /// The server that it was lost on; `None` when none had answered.
    pub host: Option<&'a str>,
    /// Our address and port.
    pub local: &'a str,
    /// Why, in words.
    pub err: &'a str,
}

impl Stats {
    /// Reads statistics that were written with `--stats`.
    ///
    /// # Errors
    /// When the text is not such JSON; the error names line and column.
    pub fn read(input: impl io::Read) -> serde_json::Result<Self> {
        serde_json::from_reader(io::BufReader::new(input))
    }

    /// The lost connections in the order in which they were opened; needs the statistics of `--stats all`.
    pub fn losses(&self) -> impl Iterator<Item = Loss<'_>> {
        self.conn_stats.iter().filter(|connection| connection.is_lost()).map(|connection| Loss {
            time_ns: connection.ended_ns,
            reason: connection.reason,
            host: Some(connection.host.as_str()).filter(|host| !host.is_empty()),
            local: &connection.local,
            err: &connection.err,
        })
    }

    /// The length of the run in seconds.
    pub fn seconds(&self) -> f64 {
        seconds(self.duration_ns)
    }
}

impl ConnStats {
    /// Whether it was lost; one that never connected was not.
    pub fn is_lost(&self) -> bool {
        !self.err.is_empty()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Ended => "ended",
            Self::Unreachable => "unreachable",
            Self::Moved => "moved",
            Self::Wrong => "wrong",
            Self::Other => "other",
        })
    }
}

/// Nanoseconds as seconds.
pub(crate) fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

/// Go writes a list without items as null.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As ctraffic writes it: keys, order and numbers.
    const THEIRS: &str = r#"{"Started":"2019-01-21T09:40:08.293474852+01:00","Duration":59993832043,"Rate":100,
        "Connections":2,"PacketSize":1024,"FailedConnections":1,"Sent":5994,"Received":5990,"Dropped":3,
        "Retransmits":2,"FailedConnects":4,
        "ConnStats":[{"Started":1,"Connect":2,"Ended":3,"Err":"EOF","Sent":4,"Received":5,"Dropped":6,"Retransmits":7,
            "Local":"192.0.2.1:40000","Remote":"192.0.2.10:5003","Host":"s1"},
            {"Started":4,"Connect":0,"Ended":59,"Err":"","Sent":0,"Received":0,"Dropped":0,"Retransmits":0,
            "Local":"","Remote":""}],
        "Samples":null}"#;

    #[test]
    fn reads_what_ctraffic_wrote() {
        let stats = Stats::read(THEIRS.as_bytes()).unwrap();
        assert_eq!(stats.started.to_string(), "2019-01-21T08:40:08.293474852Z");
        assert_eq!(
            (stats.duration_ns, stats.packet_size_bytes, stats.failed_connects),
            (59_993_832_043, 1024, 4)
        );
        assert!(stats.samples.is_empty());
        let losses: Vec<_> = stats.losses().collect();
        let loss = Loss { time_ns: 3, reason: None, host: Some("s1"), local: "192.0.2.1:40000", err: "EOF" };
        assert_eq!(losses, [loss]);
    }

    #[test]
    fn writes_the_keys_that_ctraffic_reads() {
        let mut stats = Stats::read(THEIRS.as_bytes()).unwrap();
        stats.samples.push(Sample { time_ns: 1, ..Sample::default() });
        let ours = serde_json::to_value(&stats).unwrap();
        let theirs: serde_json::Value = serde_json::from_str(THEIRS).unwrap();
        for (key, value) in theirs.as_object().unwrap() {
            match key.as_str() {
                "Started" | "ConnStats" | "Samples" => assert!(ours.get(key).is_some(), "{key}"),
                "Rate" => assert_eq!(ours[key].as_f64(), value.as_f64()),
                _ => assert_eq!(&ours[key], value, "{key}"),
            }
        }
        for key in theirs["ConnStats"][0].as_object().unwrap().keys() {
            assert_eq!(ours["ConnStats"][0][key], theirs["ConnStats"][0][key], "{key}");
        }
        assert_eq!(
            ours["Samples"][0],
            serde_json::json!({"Time": 1, "Sent": 0, "Received": 0, "Dropped": 0})
        );
    }

    #[test]
    fn a_summary_has_no_lists() {
        let mut stats = Stats::read(THEIRS.as_bytes()).unwrap();
        stats.conn_stats.clear();
        let ours = serde_json::to_value(&stats).unwrap();
        assert!(["ConnStats", "Samples", "Steps"].iter().all(|key| ours.get(*key).is_none()), "{ours}");
    }
}
