//! `evenkeel flows`: the flow table of the running daemon, page by page.

use super::Connect;
use crate::commands::arguments::{flow_state, protocol};
use crate::print::{self, Columns, count, duration, word};
use anyhow::Result;
use evenkeel_control::api::model::{Flow, FlowPage, FlowQuery, FlowState, Protocol};

/// List the flows of the flow table, or count them.
///
/// Filters narrow the list: a flow is in it if everything given applies. The workers go on meanwhile: the list is read in
/// pieces, so a flow that comes or ends while it is read may be in it or not. JSON is one object, written as it is read.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  evenkeel flows --group web --nexthop s1
  evenkeel flows --source 203.0.113.0/24 --state established --json
  evenkeel flows --nexthop s1 --count")]
pub(crate) struct Args {
    /// Only flows of this group.
    #[arg(long, value_name = "NAME")]
    group: Option<String>,
    /// Only flows that this nexthop serves.
    #[arg(long, value_name = "NAME")]
    nexthop: Option<String>,
    /// Only flows of this service.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Only flows of clients in this prefix.
    #[arg(long, value_name = "PREFIX")]
    source: Option<String>,
    /// Only flows to service addresses in this prefix.
    #[arg(long, value_name = "PREFIX")]
    destination: Option<String>,
    /// Only flows in this state.
    #[arg(long, value_parser = flow_state())]
    state: Option<FlowState>,
    /// Only flows of this protocol.
    #[arg(long, value_parser = protocol())]
    protocol: Option<Protocol>,
    /// Only say how many there are.
    #[arg(long)]
    count: bool,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connect: Connect,
}

/// Flows of a page: what is in memory at once.
const PAGE: u32 = 5000;

pub(crate) fn run(args: &Args) -> Result<()> {
    let daemon = args.connect.client()?;
    let mut query = query(args);
    if args.count {
        let page = daemon.flows(&query)?;
        return if args.json { print::print_json(&page) } else { Ok(print::print(&total(&page))?) };
    }
    let mut list: Box<dyn List> = if args.json { Box::new(Json::default()) } else { Box::new(Text::new()) };
    loop {
        let page = daemon.flows(&query)?;
        if !print::write(&list.page(&page)?)? {
            return Ok(());
        }
        if page.cursor.is_none() {
            return Ok(print::print(&list.end()?)?);
        }
        query.cursor = page.cursor;
    }
}

fn query(args: &Args) -> FlowQuery {
    FlowQuery {
        group: args.group.clone(),
        nexthop: args.nexthop.clone(),
        service: args.service.clone(),
        source: args.source.clone(),
        destination: args.destination.clone(),
        state: args.state,
        protocol: args.protocol,
        limit: (!args.count).then_some(PAGE),
        cursor: None,
        count: args.count.then_some(true),
    }
}

/// `3 flows, 20 packets, 1200 bytes`.
fn total(page: &FlowPage) -> String {
    let FlowPage { found, packets, bytes, .. } = page;
    format!("{}, {}, {}\n", count(*found, "flow"), count(*packets, "packet"), count(*bytes, "byte"))
}

/// A list that is written as its pages come.
trait List {
    /// Text of a page.
    fn page(&mut self, page: &FlowPage) -> Result<String>;
    /// Text after the last page.
    fn end(&mut self) -> Result<String>;
}

/// Sums of the pages so far.
fn add(sum: &mut FlowPage, page: &FlowPage) {
    sum.found += page.found;
    sum.packets += page.packets;
    sum.bytes += page.bytes;
}

fn nothing() -> FlowPage {
    FlowPage { flows: Vec::new(), found: 0, packets: 0, bytes: 0, cursor: None }
}

/// Columns and a line of sums.
struct Text {
    columns: Columns,
    sum: FlowPage,
}

impl Text {
    fn new() -> Self {
        let headings = [
            "protocol",
            "source",
            "destination",
            "service",
            "nexthop",
            "state",
            ">packets",
            ">bytes",
            ">idle",
            ">over in",
        ];
        Self { columns: Columns::new(&headings), sum: nothing() }
    }
}

impl List for Text {
    fn page(&mut self, page: &FlowPage) -> Result<String> {
        add(&mut self.sum, page);
        for flow in &page.flows {
            self.columns.line(cells(flow));
        }
        Ok(if self.columns.is_empty() { String::new() } else { self.columns.take() })
    }

    fn end(&mut self) -> Result<String> {
        Ok(total(&self.sum))
    }
}

fn cells(flow: &Flow) -> [String; 10] {
    let by = if flow.by_pin { " by pin" } else { "" };
    [
        flow.protocol.clone(),
        flow.source.clone(),
        flow.destination.clone(),
        flow.service.clone().unwrap_or_else(|| "-".to_owned()),
        format!("{}/{}{by}", flow.group, flow.nexthop),
        word(flow.state),
        flow.packets.to_string(),
        flow.bytes.to_string(),
        duration(flow.idle_ms),
        duration(flow.over_in_ms),
    ]
}

/// One [`FlowPage`] that holds all pages: its flows first, its sums at the end.
struct Json {
    sum: FlowPage,
    before: &'static str,
}

impl Default for Json {
    fn default() -> Self {
        Self { sum: nothing(), before: "{\"flows\":[" }
    }
}

impl List for Json {
    fn page(&mut self, page: &FlowPage) -> Result<String> {
        add(&mut self.sum, page);
        let mut text = String::new();
        for flow in &page.flows {
            text += std::mem::replace(&mut self.before, ",");
            text += &serde_json::to_string(flow)?;
        }
        Ok(text)
    }

    fn end(&mut self) -> Result<String> {
        let open = if self.before == "," { "" } else { self.before };
        // what the flows stand in is written already: the rest of the same object
        let rest = serde_json::to_string(&self.sum)?.replacen("{\"flows\":[", open, 1);
        Ok(rest + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(port: u16, by_pin: bool) -> Flow {
        Flow {
            source: format!("203.0.113.5:{port}"),
            destination: "192.0.2.10:80".into(),
            protocol: "tcp".into(),
            service: (!by_pin).then(|| "web".into()),
            group: "web".into(),
            nexthop: "s1".into(),
            address: [198, 51, 100, 1].into(),
            state: if by_pin { FlowState::HalfOpen } else { FlowState::Established },
            by_pin,
            packets: 12,
            bytes: 1640,
            idle_ms: 1234,
            over_in_ms: 298_766,
            worker: 0,
        }
    }

    fn page(flows: Vec<Flow>, cursor: Option<&str>) -> FlowPage {
        let found = flows.len() as u64;
        let cursor = cursor.map(Into::into);
        FlowPage { flows, found, packets: 12 * found, bytes: 1640 * found, cursor }
    }

    fn written(list: &mut dyn List) -> String {
        let pages = [page(vec![flow(1000, false)], Some("a")), page(vec![flow(7, true)], None)];
        let text: String = pages.iter().map(|page| list.page(page).unwrap()).collect();
        text + &list.end().unwrap()
    }

    #[test]
    fn pages_are_one_table() {
        let want = "\
protocol  source            destination    service  nexthop  state        packets  bytes  idle  over in
tcp       203.0.113.5:1000  192.0.2.10:80  web      web/s1   established       12   1640  1.2s    4m59s
tcp       203.0.113.5:7     192.0.2.10:80  -        web/s1 by pin  half_open         12   1640  1.2s    4m59s
2 flows, 24 packets, 3280 bytes
";
        assert_eq!(written(&mut Text::new()), want);
        assert_eq!(Text::new().end().unwrap(), "0 flows, 0 packets, 0 bytes\n");
    }

    #[test]
    fn pages_are_one_object() {
        let whole: FlowPage = serde_json::from_str(&written(&mut Json::default())).unwrap();
        assert_eq!(whole, page(vec![flow(1000, false), flow(7, true)], None));
        let empty: FlowPage = serde_json::from_str(&Json::default().end().unwrap()).unwrap();
        assert_eq!(empty, nothing());
    }
}
