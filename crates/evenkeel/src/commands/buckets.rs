//! `evenkeel buckets`: which nexthop every bucket belongs to.

use super::{Refused, offline};
use crate::print::{Columns, print, print_json};
use evenkeel_control::Config;
use evenkeel_nexthop::{GroupTable, MemberId, MemberInfo};
use serde::Serialize;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Print the bucket table of each group of a configuration.
///
/// The table is a function of the configuration alone, the same on every box that has it. Every nexthop counts as up. In JSON the buckets are listed by number, each with the name of its nexthop or null where
/// nobody can serve; `want` is the share that the weights ask for, in buckets.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  evenkeel buckets --config evenkeel.toml --group web --json")]
pub(crate) struct Args {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// This group only.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Print one line of JSON with the nexthop of each bucket.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let config = Config::read(&args.config)?;
    if let Some(name) = &args.group
        && !config.groups.iter().any(|group| group.name == *name)
    {
        return Err(unknown_group(name, args, &config).into());
    }
    let (snapshot, desired) = offline::snapshot(&config)?;
    let members = desired.members().map(|member| (member.id, member)).collect();
    let is_asked = |table: &&GroupTable| args.group.as_deref().is_none_or(|name| name == &*table.name);
    let tables = snapshot.groups().map(|(_, table)| table).filter(is_asked);
    let tables = Tables { groups: tables.map(|table| Table::of(table, &members)).collect() };
    if args.json {
        return print_json(&tables);
    }
    let texts: Vec<_> = tables.groups.iter().map(Table::text).collect();
    Ok(print(&texts.join("\n"))?)
}

fn unknown_group(name: &str, args: &Args, config: &Config) -> Refused {
    let known: Vec<_> = config.groups.iter().map(|group| format!("\"{}\"", group.name)).collect();
    let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
    Refused(format!("--group \"{name}\" is no group of {}; allowed: {known}", args.config.display()))
}

/// What `--json` prints.
#[derive(Serialize)]
struct Tables<'a> {
    groups: Vec<Table<'a>>,
}

#[derive(Serialize)]
struct Table<'a> {
    name: &'a str,
    /// Name of the nexthop of each bucket.
    buckets: Vec<Option<&'a str>>,
    shares: Vec<Share<'a>>,
}

#[derive(Serialize)]
struct Share<'a> {
    nexthop: &'a str,
    buckets: u32,
    want: f64,
    #[serde(skip)]
    address: IpAddr,
}

impl<'a> Table<'a> {
    fn of(table: &'a GroupTable, members: &HashMap<MemberId, MemberInfo<'a>>) -> Self {
        let name = |member| members.get(&member).map(|member| member.name);
        let shares = table.shares().into_iter().filter_map(|share| {
            let member = members.get(&share.member)?;
            Some(Share {
                nexthop: member.name,
                buckets: share.buckets,
                want: share.want,
                address: member.address,
            })
        });
        Self {
            name: &table.name,
            buckets: table.buckets().map(|owner| owner.and_then(name)).collect(),
            shares: shares.collect(),
        }
    }

    /// The shares as columns: more than a screen of buckets serves nobody.
    fn text(&self) -> String {
        let mut columns = Columns::new(&["nexthop", "address", ">buckets", ">want"]);
        for Share { nexthop, buckets, want, address } in &self.shares {
            columns.line([
                (*nexthop).to_owned(),
                address.to_string(),
                buckets.to_string(),
                format!("{want:.1}"),
            ]);
        }
        let nobody = self.buckets.iter().filter(|owner| owner.is_none()).count();
        if nobody > 0 {
            columns.line(["nobody".to_owned(), "-".to_owned(), nobody.to_string(), String::new()]);
        }
        format!("group {}: {} buckets\n{columns}", self.name, self.buckets.len())
    }
}
