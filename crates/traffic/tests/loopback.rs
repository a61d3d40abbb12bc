//! Client and server over the loopback interface, with real sockets.

use evenkeel_traffic::Transport;
use evenkeel_traffic::client::{self, ClientSpec, Event};
use evenkeel_traffic::connect::{self, ConnectReport, ConnectSpec};
use evenkeel_traffic::server::{Server, ServerSpec};
use evenkeel_traffic::source::SourceSpec;
use evenkeel_traffic::stats::{Reason, Stats};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A server on ports of its own, in a thread.
struct Running {
    names: SocketAddr,
    echo: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(address: &str, host: &str) -> Self {
        let address = Some(address.parse().unwrap());
        let spec = ServerSpec { names: address, echo: address, udp: true, host: Some(host.to_owned()) };
        let server = Server::bind(&spec).unwrap();
        let (names, echo) = (server.names().unwrap(), server.echo().unwrap());
        let (stop, stopped) = oneshot::channel();
        let serve = move || server.serve(async { drop(stopped.await) }).unwrap();
        Self { names, echo, stop: Some(stop), thread: Some(thread::spawn(serve)) }
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

/// 20 connections for two seconds, each sending 25 packets a second.
fn spec(address: SocketAddr, transport: Transport) -> ClientSpec {
    ClientSpec {
        transport,
        connections: 20,
        rate_kb_per_s: 500.0,
        duration: Duration::from_secs(2),
        sources: sources(address),
        // What is tested isn't how busy the machine is.
        answer_limit: Duration::from_secs(5),
        ..ClientSpec::new(address)
    }
}

fn sources(address: SocketAddr) -> SourceSpec {
    if address.is_ipv4() { SourceSpec::cidr("127.44.0.0/16").unwrap() } else { SourceSpec::Any }
}

fn run(spec: &ClientSpec) -> Stats {
    client::run(spec, mpsc::unbounded_channel().1, None).unwrap()
}

fn connect(spec: &ConnectSpec) -> ConnectReport {
    connect::run(spec, std::future::pending()).unwrap()
}

fn is_ipv6_here() -> bool {
    let is_here = TcpListener::bind("[::1]:0").is_ok();
    if !is_here {
        eprintln!("SKIPPED: no IPv6 on this machine");
    }
    is_here
}

#[test]
fn every_packet_comes_back_over_both_families_and_transports() {
    let mut servers = vec![Running::start("127.0.0.1:0", "s1")];
    if is_ipv6_here() {
        servers.push(Running::start("[::1]:0", "s1"));
    }
    for (server, transport) in
        servers.iter().flat_map(|server| [(server, Transport::Tcp), (server, Transport::Udp)])
    {
        let stats = run(&spec(server.echo, transport));
        assert_eq!((stats.failed_connections, stats.failed_connects, stats.unopened), (0, 0, 0), "{stats:?}");
        assert_eq!((stats.sent, stats.conn_stats.len()), (stats.received, 20));
        assert!((400..=1020).contains(&(stats.sent + stats.dropped)), "{} of about 980", stats.sent);
        assert!(stats.conn_stats.iter().all(|connection| connection.host == "s1" && !connection.is_lost()));
        assert!(stats.conn_stats.iter().all(|connection| connection.ended_ns == stats.duration_ns));
        assert_eq!(stats.conn_stats.iter().map(|connection| connection.sent).sum::<u64>(), stats.sent);
        assert_eq!(stats.samples.last().unwrap().received, stats.received);
        assert_eq!((stats.samples.len(), stats.samples[0].sent), (3, 0));
    }
}

#[test]
fn the_seed_determines_every_source() {
    let server = Running::start("127.0.0.1:0", "s1");
    let locals = |seed| {
        let duration = Duration::from_millis(200);
        let sources = SourceSpec::cidr("127.45.0.0/16").unwrap();
        let spec = ClientSpec { seed, duration, sources, ..spec(server.echo, Transport::Udp) };
        let mut locals: Vec<_> =
            run(&spec).conn_stats.into_iter().map(|connection| connection.local).collect();
        locals.sort();
        locals
    };
    let first = locals(7);
    assert_eq!(first, locals(7));
    assert_ne!(first, locals(8));
}

#[test]
fn a_server_that_ends_costs_all_its_connections_and_each_is_told() {
    let mut server = Running::start("127.0.0.1:0", "s1");
    let spec = ClientSpec { duration: Duration::from_secs(4), ..spec(server.echo, Transport::Tcp) };
    let (events, heard) = mpsc::unbounded_channel();
    let client = thread::spawn(move || {
        let mut lines = Vec::new();
        let stats = client::run(&spec, heard, Some(&mut lines)).unwrap();
        (stats, String::from_utf8(lines).unwrap())
    });
    thread::sleep(Duration::from_millis(1200));
    events.send(Event::Step("stop s1".to_owned())).unwrap();
    server.stop();
    let (stats, lines) = client.join().unwrap();

    assert_eq!(stats.failed_connections, 20, "{lines}");
    assert!(stats.failed_connects >= 20 && stats.unopened == 0, "{lines}");
    let step = &stats.steps[0];
    assert_eq!(step.name, "stop s1");
    let losses: Vec<_> = stats.losses().collect();
    assert_eq!(losses.len(), 20);
    for loss in losses {
        assert!(matches!(loss.reason, Some(Reason::Reset | Reason::Ended)), "{loss:?}");
        assert_eq!(loss.host, Some("s1"));
        let after_ns = loss.time_ns.saturating_sub(step.time_ns);
        assert!(
            loss.time_ns >= step.time_ns && after_ns < 2_000_000_000,
            "lost {after_ns} ns after the stop"
        );
    }
    // Those in their stead never got a connection, and are no losses.
    let connecting = stats.conn_stats.iter().filter(|connection| connection.connect_ns == 0);
    assert_eq!(connecting.filter(|connection| connection.connect_err.contains("refused")).count(), 20);
    let lines: Vec<_> = lines.lines().collect();
    assert!(
        lines[0].starts_with("Conn act/fail/connecting: 20/0/0, Packets send/rec/dropped: "),
        "{lines:?}"
    );
    let last = lines.last().unwrap();
    assert!(last.starts_with("Conn act/fail/connecting: 0/20/20, "), "{lines:?}");
}

#[test]
fn packets_without_an_echo_are_losses() {
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let streams = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent =
        [(datagrams.local_addr().unwrap(), Transport::Udp), (streams.local_addr().unwrap(), Transport::Tcp)];
    for (address, transport) in silent {
        let answer_limit = Duration::from_millis(300);
        let duration = Duration::from_secs(60);
        let stats = run(&ClientSpec { answer_limit, duration, reconnect: false, ..spec(address, transport) });
        assert_eq!((stats.failed_connections, stats.received), (20, 0));
        assert!(stats.losses().all(|loss| loss.reason == Some(Reason::Timeout) && loss.host.is_none()));
        assert!(stats.seconds() < 30.0, "ends when nothing is left to do: {} s", stats.seconds());
    }
}

#[test]
fn a_datagram_that_nobody_takes_is_a_reset() {
    let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let stats = run(&ClientSpec { reconnect: false, ..spec(address, Transport::Udp) });
    assert_eq!(stats.failed_connections, 20);
    assert!(stats.losses().all(|loss| loss.reason == Some(Reason::Reset)), "{:?}", stats.losses().next());
}

#[test]
fn datagrams_that_another_server_answers_are_losses() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let echo = thread::spawn(move || {
        let mut datagram = [0; 2048];
        for name in ["s1", "s1", "s2"] {
            let (len, from) = socket.recv_from(&mut datagram).unwrap();
            datagram[..2].copy_from_slice(name.as_bytes());
            socket.send_to(&datagram[..len], from).unwrap();
        }
    });
    let spec =
        ClientSpec { connections: 1, rate_kb_per_s: 20.0, reconnect: false, ..spec(address, Transport::Udp) };
    let stats = run(&spec);
    echo.join().unwrap();
    let losses: Vec<_> = stats.losses().map(|loss| (loss.reason, loss.host, loss.err)).collect();
    assert_eq!(losses, [(Some(Reason::Moved), Some("s1"), "s2 answers in the place of s1")]);
}

#[test]
fn an_answer_that_stops_half_way_is_a_loss() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let half = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut packet = [0; 1024];
        stream.read_exact(&mut packet).unwrap();
        stream.write_all(&packet[..512]).unwrap();
    });
    let spec =
        ClientSpec { connections: 1, rate_kb_per_s: 50.0, reconnect: false, ..spec(address, Transport::Tcp) };
    let stats = run(&spec);
    half.join().unwrap();
    assert_eq!((stats.sent, stats.received), (1, 0));
    assert_eq!(stats.losses().next().unwrap().reason, Some(Reason::Ended));
}

#[test]
fn a_server_that_speaks_first_is_told_apart() {
    let server = Running::start("127.0.0.1:0", "s1");
    let duration = Duration::from_secs(4);
    let spec = ClientSpec { connections: 1, retries: 3, duration, ..spec(server.names, Transport::Tcp) };
    // It speaks before the first packet is sent.
    let spec = ClientSpec { rate_kb_per_s: 0.1, ..spec };
    let stats = run(&spec);
    assert_eq!((stats.failed_connections, stats.unopened, stats.conn_stats.len()), (3, 1, 3));
    assert!(stats.losses().all(|loss| loss.reason == Some(Reason::Wrong)));
}

#[test]
fn an_event_ends_a_run() {
    let server = Running::start("127.0.0.1:0", "s1");
    let spec = ClientSpec { duration: Duration::from_secs(60), ..spec(server.echo, Transport::Tcp) };
    let (events, heard) = mpsc::unbounded_channel();
    let client = thread::spawn(move || client::run(&spec, heard, None).unwrap());
    thread::sleep(Duration::from_millis(300));
    events.send(Event::End).unwrap();
    let stats = client.join().unwrap();
    assert!(stats.seconds() < 10.0 && stats.failed_connections == 0, "{stats:?}");
}

#[test]
fn names_are_counted_over_both_families_and_transports() {
    let mut servers = vec![Running::start("127.0.0.1:0", "s1")];
    if is_ipv6_here() {
        servers.push(Running::start("[::1]:0", "s1"));
    }
    for (server, transport) in
        servers.iter().flat_map(|server| [(server, Transport::Tcp), (server, Transport::Udp)])
    {
        let spec =
            ConnectSpec { transport, sources: sources(server.names), ..ConnectSpec::new(server.names, 200) };
        let report = connect(&spec);
        assert_eq!((report.hosts, report.connects), ([("s1".to_owned(), 200)].into(), 200));
        assert_eq!((report.failed_connects, report.failed_reads), (0, 0));
    }
}

#[test]
fn a_wildcard_server_answers_datagrams_from_the_address_that_was_asked() {
    let bound = if is_ipv6_here() { "[::]:0" } else { "0.0.0.0:0" };
    let server = Running::start(bound, "s1");
    // Not the address that a route would give.
    let address = SocketAddr::new("127.3.2.1".parse().unwrap(), server.names.port());
    let report = connect(&ConnectSpec { transport: Transport::Udp, ..ConnectSpec::new(address, 10) });
    assert_eq!(report.hosts.get("s1"), Some(&10), "{report:?}");
    if bound.starts_with('[') {
        let address = SocketAddr::new("::1".parse().unwrap(), server.names.port());
        let report = connect(&ConnectSpec { transport: Transport::Udp, ..ConnectSpec::new(address, 10) });
        assert_eq!(report.hosts.get("s1"), Some(&10), "{report:?}");
    }
}

#[test]
fn connections_that_fail_are_told_apart() {
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let report = connect(&ConnectSpec::new(refused, 10));
    assert_eq!((report.failed_connects, report.failed_reads, report.is_whole()), (10, 0, false));

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let spec = ConnectSpec {
        timeout: Duration::from_millis(300),
        ..ConnectSpec::new(silent.local_addr().unwrap(), 10)
    };
    let report = connect(&spec);
    assert_eq!((report.failed_connects, report.failed_reads), (0, 10));
}

#[test]
fn kept_connections_stay_until_the_time_is_over() {
    let mut server = Running::start("127.0.0.1:0", "s1");
    let spec =
        ConnectSpec { keep: true, timeout: Duration::from_secs(2), ..ConnectSpec::new(server.names, 100) };
    let report = connect(&spec);
    assert!(report.is_whole() && report.duration_ns >= 2_000_000_000, "{report:?}");

    let spec = ConnectSpec { timeout: Duration::from_secs(20), ..spec };
    let client = thread::spawn(move || connect(&spec));
    thread::sleep(Duration::from_millis(500));
    server.stop();
    let report = client.join().unwrap();
    assert_eq!(report.failed_connects + report.failed_reads, 100);
    assert!(report.failed_reads > 0, "{report:?}");
}
