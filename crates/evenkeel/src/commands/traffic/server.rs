//! `evenkeel traffic server`: what the traffic clients connect to.

use super::arguments::on_end;
use crate::commands::Refused;
use crate::commands::arguments::endpoint;
use evenkeel_traffic::server::{Server, ServerError, ServerSpec};
use std::net::{Ipv6Addr, SocketAddr};
use tokio::sync::oneshot;

const NAMES_PORT: u16 = 5001;
const ECHO_PORT: u16 = 5003;

/// Serve `traffic connect` and `traffic client`, until SIGTERM or SIGINT.
///
/// Without an address it listens on ports 5001 and 5003 of every address, IPv4 and IPv6; with one or both of them, there
/// only. Says `ready` on stderr once clients can connect.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel traffic server --udp
  evenkeel traffic server --address 192.0.2.10:5001 --echo-address 192.0.2.10:5003 --host s1")]
pub(crate) struct Args {
    /// Where to say the name to everybody who connects (mconnect's server).
    #[arg(long, value_name = "ADDR:PORT", value_parser = endpoint)]
    address: Option<SocketAddr>,
    /// Where to echo, with the name in the first bytes (ctraffic's server).
    #[arg(long, value_name = "ADDR:PORT", value_parser = endpoint)]
    echo_address: Option<SocketAddr>,
    /// Answer datagrams on the same ports too.
    #[arg(long)]
    udp: bool,
    /// The name, at most 55 bytes; default: the host's.
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let (names, echo) = match (args.address, args.echo_address) {
        (None, None) => (Some(on_any(NAMES_PORT)), Some(on_any(ECHO_PORT))),
        given => given,
    };
    let spec = ServerSpec { names, echo, udp: args.udp, host: args.host.clone() };
    let server = Server::bind(&spec).map_err(|error| match error {
        ServerError::Name(_) => Refused(error.to_string()).into(),
        error => anyhow::Error::from(error),
    })?;
    let (stop, stopped) = oneshot::channel::<()>();
    let mut stop = Some(stop);
    on_end(move || drop(stop.take()))?;
    eprintln!("ready: {}", described(&server));
    server.serve(async { drop(stopped.await) })?;
    Ok(())
}

fn on_any(port: u16) -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, port).into()
}

fn described(server: &Server) -> String {
    let names = server.names().map(|address| format!("says its name on {address}"));
    let echo = server.echo().map(|address| format!("echoes on {address}"));
    let parts: Vec<_> = names.into_iter().chain(echo).collect();
    format!("{} {}", server.host(), parts.join(", "))
}
