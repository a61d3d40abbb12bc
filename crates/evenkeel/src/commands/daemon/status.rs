//! `evenkeel status`: the running daemon itself.

use super::Show;
use crate::print::{Columns, duration};
use anyhow::Result;
use evenkeel_control::api::client::Client;
use evenkeel_control::api::model::Status;

/// Say which daemon runs, and how full its flow table is.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  evenkeel status --json\n  evenkeel status --socket /run/evenkeel/api.sock"
)]
pub(crate) struct Args {
    #[command(flatten)]
    show: Show,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    args.show.answer(Client::status, text)
}

fn text(status: &Status) -> String {
    let mut columns = Columns::without_headings(&["what", "value"]);
    let mut line = |what: &str, value: String| columns.line([what.to_owned(), value]);
    let share = 100.0 * status.flows_live as f64 / status.flow_capacity.max(1) as f64;
    line("version", status.version.clone());
    line("ready for", duration(status.uptime_ms));
    line("configuration", status.config.clone());
    line("remembered in", status.state_file.clone().unwrap_or_else(|| "nothing is remembered".to_owned()));
    if let Some(fault) = &status.state_fault {
        line("", format!("can't be written, changes are not remembered: {fault}"));
    }
    line("generation", status.generation.to_string());
    line("hash seed", status.hash_seed.to_string());
    line("workers", status.workers.to_string());
    line("flows", format!("{} of {} ({share:.1} %)", status.flows_live, status.flow_capacity));
    columns.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daemon_in_lines() {
        let status = Status {
            version: "0.1.0".into(),
            uptime_ms: 7_380_000,
            generation: 42,
            config: "/etc/evenkeel/evenkeel.toml".into(),
            state_file: None,
            state_fault: None,
            hash_seed: 7,
            workers: 2,
            flow_capacity: 1_000_000,
            flows_live: 2500,
        };
        let want = "\
version        0.1.0
ready for      2h03m
configuration  /etc/evenkeel/evenkeel.toml
remembered in  nothing is remembered
generation     42
hash seed      7
workers        2
flows          2500 of 1000000 (0.2 %)
";
        assert_eq!(text(&status), want);
        let (state_file, fault) = (Some("/x/s.json".to_owned()), Some("disk full".to_owned()));
        let failing = text(&Status { state_file, state_fault: fault, ..status });
        let lines = "remembered in  /x/s.json\n               can't be written, changes are not remembered: disk full\n";
        assert!(failing.contains(lines), "{failing}");
    }
}
