//! `evenkeel counters`: every packet's counter, once or again and again.

mod lines;

use super::Connect;
use crate::commands::arguments::duration;
use crate::print;
use anyhow::Result;
use evenkeel_control::api::model::Counters;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// Show all counters, in the order in which a packet meets them.
///
/// Drop reasons that never happened are left out unless --all is given. With --watch they are read again and again, and what
/// counts has its rate since the last reading beside it; JSON then is one line for each reading.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel counters --all
  evenkeel counters --watch 5s
  evenkeel counters --json")]
pub(crate) struct Args {
    /// Read them this often, until interrupted.
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, default_missing_value = "1s", value_parser = duration)]
    watch: Option<Duration>,
    /// Also drop reasons that never happened.
    #[arg(long)]
    all: bool,
    /// Print one line of JSON for each reading.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

/// Clears a terminal and goes to its first line.
const CLEAR: &str = "\x1b[H\x1b[2J";

pub(crate) fn run(args: &Args) -> Result<()> {
    let daemon = args.connect.client()?;
    let mut before: Option<Counters> = None;
    loop {
        let counters = daemon.counters()?;
        let text = if args.json {
            print::json_line(&counters)?
        } else {
            let gap = if before.is_none() { "" } else { "\n" };
            let start = if args.watch.is_some() && io::stdout().is_terminal() { CLEAR } else { gap };
            format!("{start}{}", lines::text(&counters, before.as_ref(), args.all))
        };
        let is_read = print::write(&text)?;
        let Some(interval) = args.watch.filter(|_| is_read) else {
            return Ok(());
        };
        before = Some(counters);
        std::thread::sleep(interval);
    }
}
