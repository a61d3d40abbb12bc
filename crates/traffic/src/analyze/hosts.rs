//! On which servers connections were lost, and on which they lasted.

use super::AnalysisError;
use crate::stats::Stats;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Connections on which a server had answered, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hosts {
    /// Those that were lost.
    pub lost: BTreeMap<String, u64>,
    /// Those that were there at the end.
    pub lasting: BTreeMap<String, u64>,
}

impl Hosts {
    /// From a run with connections.
    ///
    /// # Errors
    /// When there are none, or one ends before it begins.
    pub fn of(stats: &Stats) -> Result<Self, AnalysisError> {
        let mut hosts = Self::default();
        for connection in super::connections(stats)?.iter().filter(|connection| !connection.host.is_empty()) {
            let of = if connection.is_lost() { &mut hosts.lost } else { &mut hosts.lasting };
            *of.entry(connection.host.clone()).or_default() += 1;
        }
        Ok(hosts)
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, hosts) in [("Lost", &self.lost), ("Lasting", &self.lasting)] {
            writeln!(f, "{name} connections: {}", hosts.values().sum::<u64>())?;
            hosts.iter().try_for_each(|(host, count)| writeln!(f, "  {host} {count}"))?;
        }
        Ok(())
    }
}
