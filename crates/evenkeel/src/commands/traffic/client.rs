//! `evenkeel traffic client`: continuous traffic, and which connections are lost.

use super::arguments::{From, on_end, time};
use super::refused;
use crate::commands::arguments::endpoint;
use crate::print::print_json;
use anyhow::bail;
use clap::{ArgAction, ValueEnum};
use evenkeel_traffic::client::{self, ClientSpec, Event, PACKET_LEN_BYTES};
use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedSender};

/// Send on many connections for a while, and write statistics as JSON.
///
/// Each packet is echoed. A connection is lost when its socket sees a reset, or when the echo isn't whole after a second,
/// or the server closes before; over UDP also when another server answers than before. It is counted, never tried again,
/// and a new one takes its place. Ends early with SIGINT or SIGTERM. The exit status says nothing about losses.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel traffic client --address 192.0.2.10:5003 --nconn 100 --rate 500 --monitor --timeout 30s --stats all >run.json
  evenkeel traffic client --address [2001:db8::10]:5003 --nconn 100 --srccidr 2001:db8:1::/112 --seed 1")]
pub(crate) struct Args {
    /// The server.
    #[arg(long, value_name = "ADDR:PORT", value_parser = endpoint, default_value = "[::1]:5003")]
    address: SocketAddr,
    /// Connections at once.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    nconn: u32,
    #[command(flatten)]
    from: From,
    /// Bytes of a packet, 64 to 65507.
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = packet_size)]
    psize: usize,
    /// Rate over all connections, in KB (1024 bytes) per second.
    #[arg(long, value_name = "KB", default_value_t = 10.0, value_parser = rate)]
    rate: f64,
    /// Connections that are opened at most, as a multiple of --nconn; when they are used up the exit status is 1.
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    retries: u32,
    /// Open a new connection in the place of a lost one, but not in the last two seconds.
    #[arg(long, value_name = "BOOL", action = ArgAction::Set, default_value_t = true, num_args = 0..=1,
        default_missing_value = "true", require_equals = true)]
    reconnect: bool,
    /// How long to send.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    timeout: Duration,
    /// An attempt to connect may take so long.
    #[arg(long, value_name = "TIME", default_value = "1500ms", value_parser = time)]
    connect_timeout: Duration,
    /// A packet and its echo may take so long.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = time)]
    answer_timeout: Duration,
    /// What to write at the end; `all` has each connection and a sample a second, which analyze and plot need.
    #[arg(long, value_enum, default_value_t = Statistics::Summary)]
    stats: Statistics,
    /// Write a line a second to stderr.
    #[arg(long)]
    monitor: bool,
    /// Read names of steps from stdin, one a line: each begins when it is read, and stands in the statistics.
    #[arg(long)]
    steps: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Statistics {
    None,
    Summary,
    All,
}

fn packet_size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| PACKET_LEN_BYTES.contains(size));
    size.ok_or_else(|| "allowed: 64 to 65507".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "allowed: a number above 0".to_owned())
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let spec = ClientSpec {
        transport: args.from.transport(),
        connections: args.nconn,
        retries: args.retries,
        rate_kb_per_s: args.rate,
        packet_size_bytes: args.psize,
        duration: args.timeout,
        reconnect: args.reconnect,
        sources: args.from.sources()?,
        seed: args.from.seed(),
        connect_limit: args.connect_timeout,
        answer_limit: args.answer_timeout,
        in_detail: args.stats == Statistics::All,
        ..ClientSpec::new(args.address)
    };
    let (events, heard) = mpsc::unbounded_channel();
    if args.steps {
        read_steps(events.clone())?;
    }
    on_end(move || drop(events.send(Event::End)))?;
    let mut stderr = io::stderr();
    let monitor: Option<&mut dyn Write> = if args.monitor { Some(&mut stderr) } else { None };
    let stats = client::run(&spec, heard, monitor).map_err(refused)?;
    if args.stats != Statistics::None {
        print_json(&stats)?;
    }
    if stats.unopened > 0 {
        let opened = u64::from(args.nconn) * u64::from(args.retries);
        bail!("connections ran out: {opened} were opened, more need a higher --retries");
    }
    Ok(())
}

/// Each line of stdin is a step; the end of stdin ends nothing.
fn read_steps(events: UnboundedSender<Event>) -> io::Result<()> {
    let read = move || {
        for name in io::stdin().lock().lines().map_while(Result::ok) {
            if events.send(Event::Step(name)).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("steps".to_owned()).spawn(read).map(drop)
}
