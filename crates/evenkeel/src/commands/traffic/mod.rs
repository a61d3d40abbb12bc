//! `evenkeel traffic`: a measuring client and server, and what can be read from their statistics.

mod analyze;
mod arguments;
mod client;
mod connect;
mod plot;
mod server;
mod statistics;

use super::Refused;
use clap::Subcommand;
use evenkeel_traffic::client::ClientError;

/// Measure how connections spread over servers, and what a change costs
///
/// Options, statistics and output are those of mconnect (`connect`) and ctraffic (`client`), with two dashes.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel traffic server --udp                                             on each server
  evenkeel traffic connect --address 192.0.2.10:5001 --nconn 100 --srccidr 198.18.0.0/16
  evenkeel traffic client --address 192.0.2.10:5003 --nconn 100 --rate 500 --timeout 30s --monitor --stats all >run.json
  evenkeel traffic analyze hosts run.json
  evenkeel traffic plot run.json --out run.svg")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Server(server::Args),
    Connect(connect::Args),
    Client(client::Args),
    Analyze(analyze::Args),
    Plot(plot::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.action {
        Action::Server(args) => server::run(args),
        Action::Connect(args) => connect::run(args),
        Action::Client(args) => client::run(args),
        Action::Analyze(args) => analyze::run(args),
        Action::Plot(args) => plot::run(args),
    }
}

/// What the user said wrong is exit status 2, what the machine lacks is 1.
fn refused(error: ClientError) -> anyhow::Error {
    match error {
        ClientError::Spec(_) | ClientError::Sources(_) => Refused(error.to_string()).into(),
        ClientError::Descriptors(_) | ClientError::Run(_) => error.into(),
    }
}
