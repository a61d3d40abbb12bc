//! Network namespaces for the live tests: a client, the load balancer and a server that holds the VIPs, which answers
//! through the load balancer's kernel. Everything is removed when the lab is dropped. Needs root.

#![allow(dead_code, reason = "every test file uses a part of the lab")]

use evenkeel_afxdp::{Binder, Interface, Mode, PuntDevice, Queue, Steering};
use evenkeel_dataplane::{PortIo, Received, Unsent};
use evenkeel_nexthop::{PortId, Protocol, ServiceSpec, Timeouts};
use evenkeel_packet::Mac;
use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::net::UdpSocket;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Addresses of the load balancer towards the client and the server, of the client, and VIPs on the server.
pub(crate) const VIP4: &str = "192.0.2.10";
pub(crate) const VIP6: &str = "2001:db8:a::10";
/// VIPs on the load balancer itself.
pub(crate) const LOCAL4: &str = "192.0.2.20";
pub(crate) const LOCAL6: &str = "2001:db8:a::20";

pub(crate) const LB_MACS: [Mac; 2] = [Mac([2, 0, 0, 0, 1, 1]), Mac([2, 0, 0, 0, 2, 1])];
pub(crate) const SERVER_MAC: Mac = Mac([2, 0, 0, 0, 2, 2]);

/// After which an answer counts as lost. Long, since the machine may be busy with other tests.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

static LABS: AtomicUsize = AtomicUsize::new(0);

/// A lab; its namespaces are called `ek-afxdp-PID-NUMBER-ROLE`.
pub(crate) struct Lab {
    prefix: String,
    roles: Vec<&'static str>,
}

impl Lab {
    fn with(roles: &[&'static str]) -> Self {
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let lab = Self { prefix: format!("ek-afxdp-{}-{number}", std::process::id()), roles: roles.to_vec() };
        for role in roles {
            sh(&format!("ip netns add {}", lab.namespace(role)));
            lab.ip(role, "link set lo up");
            lab.sh_in(role, "for f in all default; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done");
        }
        lab
    }

    /// Client and server on interfaces of their own; all links have two queues.
    pub(crate) fn two_armed() -> Self {
        let lab = Self::with(&["cl", "lb", "sv"]);
        lab.link("cl", "cl0", "02:00:00:00:01:02", "lb", "eth1", "02:00:00:00:01:01");
        lab.link("lb", "eth2", "02:00:00:00:02:01", "sv", "sv0", "02:00:00:00:02:02");
        lab.address("cl", "cl0", &["198.51.100.2/24", "2001:db8:1::2/64"]);
        lab.address("lb", "eth1", &["198.51.100.1/24", "2001:db8:1::1/64"]);
        lab.address("lb", "eth2", &["203.0.113.1/24", "2001:db8:2::1/64"]);
        lab.address("sv", "sv0", &["203.0.113.2/24", "2001:db8:2::2/64"]);
        lab.default_routes("cl", "198.51.100.1", "2001:db8:1::1");
        lab.default_routes("sv", "203.0.113.1", "2001:db8:2::1");
        lab.finish();
        lab
    }

    /// All on one wire: in and out on one interface of the load balancer.
    pub(crate) fn one_armed() -> Self {
        let lab = Self::with(&["cl", "lb", "sv", "sw"]);
        lab.ip("sw", "link add br0 type bridge");
        lab.ip("sw", "link set br0 up");
        for (role, interface, mac, port) in [
            ("cl", "cl0", "02:00:00:00:01:02", "p1"),
            ("lb", "eth1", "02:00:00:00:01:01", "p2"),
            ("sv", "sv0", "02:00:00:00:02:02", "p3"),
        ] {
            lab.link(role, interface, mac, "sw", port, "02:00:00:00:03:01");
            lab.ip("sw", &format!("link set {port} master br0"));
        }
        lab.address("cl", "cl0", &["198.51.100.2/24", "2001:db8:1::2/64"]);
        lab.address("lb", "eth1", &["198.51.100.1/24", "2001:db8:1::1/64"]);
        lab.address("sv", "sv0", &["198.51.100.3/24", "2001:db8:1::3/64"]);
        lab.default_routes("cl", "198.51.100.1", "2001:db8:1::1");
        lab.finish();
        lab
    }

    fn finish(&self) {
        self.address("sv", "lo", &["192.0.2.10/32", "2001:db8:a::10/128"]);
        self.address("lb", "lo", &["192.0.2.20/32", "2001:db8:a::20/128"]);
        self.sh_in(
            "lb",
            "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding",
        );
        self.sh_in("lb", "for f in all default; do echo 0 > /proc/sys/net/ipv4/conf/$f/send_redirects; done");
    }

    /// A veth without checksum offload: frames that come out of it carry finished checksums.
    fn link(&self, role: &str, name: &str, mac: &str, peer_role: &str, peer: &str, peer_mac: &str) {
        let (here, there) = (self.namespace(role), self.namespace(peer_role));
        let queues = "numrxqueues 2 numtxqueues 2";
        sh(&format!(
            "ip link add {name} netns {here} address {mac} {queues} type veth \
             peer name {peer} netns {there} address {peer_mac} {queues}"
        ));
        for (role, name) in [(role, name), (peer_role, peer)] {
            self.sh_in(role, &format!("ethtool -K {name} tx off >/dev/null"));
            self.sh_in(role, &format!("echo 0 > /proc/sys/net/ipv6/conf/{name}/accept_dad"));
            self.ip(role, &format!("link set {name} up"));
        }
    }

    fn address(&self, role: &str, interface: &str, addresses: &[&str]) {
        for address in addresses {
            let nodad = if address.contains(':') { " nodad" } else { "" };
            self.ip(role, &format!("address add {address} dev {interface}{nodad}"));
        }
    }

    fn default_routes(&self, role: &str, via4: &str, via6: &str) {
        self.ip(role, &format!("route add default via {via4}"));
        self.ip(role, &format!("route add default via {via6}"));
    }

    pub(crate) fn namespace(&self, role: &str) -> String {
        format!("{}-{role}", self.prefix)
    }

    /// Runs `ip` in a namespace and returns what it prints.
    pub(crate) fn ip(&self, role: &str, arguments: &str) -> String {
        sh(&format!("ip -n {} {arguments}", self.namespace(role)))
    }

    pub(crate) fn sh_in(&self, role: &str, script: &str) -> String {
        sh(&format!("ip netns exec {} sh -c '{script}'", self.namespace(role)))
    }

    /// Runs `work` on a thread in a namespace.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        role: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let namespace = self.namespace(role);
        thread::spawn(move || {
            enter(&namespace);
            work()
        })
    }

    /// UDP echo on these addresses and port 7 until `stop`.
    pub(crate) fn echo(&self, role: &str, addresses: &[&str], stop: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
        let server = |address: &&str| {
            let (address, stop) = (format!("{}:7", bracketed(address)), Arc::clone(stop));
            self.spawn(role, move || echo(&address, &stop))
        };
        addresses.iter().map(server).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for role in &self.roles {
            let _ = Command::new("ip").args(["netns", "del", &self.namespace(role)]).status();
        }
    }
}

/// Moves the calling thread into a network namespace.
pub(crate) fn enter(namespace: &str) {
    let file = File::open(format!("/run/netns/{namespace}")).expect("the namespace is there");
    setns(file, CloneFlags::CLONE_NEWNET).expect("the namespace can be entered; this test needs root");
}

/// Runs a shell command; fails aloud.
pub(crate) fn sh(command: &str) -> String {
    let output = Command::new("sh").args(["-c", command]).output().expect("sh runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {error} (this test needs root, iproute2 and ethtool)");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

fn echo(address: &str, stop: &AtomicBool) {
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut buffer = [0; 2048];
    while !stop.load(Ordering::Relaxed) {
        if let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..len], from);
        }
    }
}

/// Sends `count` datagrams of `len` bytes to port 7 of `address` from `sockets` sockets, some at a time, and returns
/// how many came back unchanged within `deadline`.
pub(crate) fn ping_pong(
    address: &str,
    sockets: usize,
    count: usize,
    len: usize,
    deadline: Duration,
) -> usize {
    let local = if address.contains(':') { "[::]:0" } else { "0.0.0.0:0" };
    let end = Instant::now() + deadline;
    let sockets: Vec<UdpSocket> = (0..sockets).map(|_| UdpSocket::bind(local).unwrap()).collect();
    for socket in &sockets {
        socket.connect(format!("{}:7", bracketed(address))).unwrap();
        socket.set_read_timeout(Some(ANSWER_TIMEOUT)).unwrap();
    }
    let mut back = 0;
    for round in 0..count / sockets.len() {
        let payload = vec![round as u8; len];
        for socket in &sockets {
            let _ = socket.send(&payload);
        }
        for socket in &sockets {
            let mut buffer = vec![0; len + 1];
            if socket.recv(&mut buffer).is_ok_and(|len| buffer[..len] == payload) {
                back += 1;
            }
        }
        if Instant::now() > end {
            break;
        }
    }
    back
}

pub(crate) fn service(vip: &str, ports: &[u16]) -> ServiceSpec {
    ServiceSpec {
        name: vip.to_owned(),
        vip: vip.parse().unwrap(),
        protocol: Protocol::Any,
        ports: ports.to_vec(),
        group: "g".to_owned(),
        timeouts: Timeouts::DEFAULT,
    }
}

/// What a worker does with every frame that comes to it.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Sends it to the server through this port.
    Forward(PortId),
    /// Hands it back to the kernel.
    Punt,
}

/// What a worker is asked to do between two bursts.
type Order = Box<dyn FnOnce(&mut Queue, &mut Act) + Send>;

/// A load balancer in the namespace that the calling thread is in.
pub(crate) struct Balancer {
    pub(crate) steering: Steering,
    /// One for each worker.
    pub(crate) binders: Vec<Binder>,
    orders: Vec<Sender<Order>>,
    workers: Vec<JoinHandle<(usize, Queue)>>,
    stop: Arc<AtomicBool>,
    namespace: String,
}

impl Balancer {
    /// One worker for each queue of these interfaces.
    pub(crate) fn start(namespace: &str, interfaces: &[&str], services: &[ServiceSpec], act: Act) -> Self {
        Self::start_in(Mode::Auto, namespace, interfaces, services, act)
    }

    /// The same in another mode.
    pub(crate) fn start_in(
        mode: Mode,
        namespace: &str,
        interfaces: &[&str],
        services: &[ServiceSpec],
        act: Act,
    ) -> Self {
        let open = |name: &&str| Interface::open(name, mode).unwrap();
        let interfaces: Vec<_> = interfaces.iter().map(open).collect();
        let queues = evenkeel_afxdp::equal_queues(&interfaces).unwrap();
        let punt = Arc::new(PuntDevice::open(1500).unwrap());
        let mut steering = Steering::load(queues, services).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (mut binders, mut orders) = (Vec::new(), Vec::new());
        let workers = (0..queues).map(|number| {
            let queue = Queue::open(number, &interfaces, interfaces.len(), &punt).unwrap();
            binders.push(queue.binder());
            let (order, ordered) = channel();
            orders.push(order);
            queue.handles().iter().for_each(|socket| steering.connect(socket).unwrap());
            let stop = Arc::clone(&stop);
            thread::spawn(move || work(queue, act, &ordered, &stop))
        });
        let workers = workers.collect();
        for (port, interface) in (0..).map(PortId).zip(&interfaces) {
            steering.attach(port, interface).unwrap();
            steering.open(port).unwrap();
        }
        Self { steering, binders, orders, workers, stop, namespace: namespace.to_owned() }
    }

    /// Has a worker do something between two bursts, and returns what came of it.
    pub(crate) fn order<T: Send + 'static>(
        &self,
        worker: usize,
        order: impl FnOnce(&mut Queue, &mut Act) -> T + Send + 'static,
    ) -> T {
        let (done, result) = channel();
        let order = Box::new(move |queue: &mut Queue, act: &mut Act| done.send(order(queue, act)).unwrap());
        self.orders[worker].send(order).unwrap();
        result.recv().unwrap()
    }

    /// Stops the workers, and returns how many packets each received, and its queue.
    pub(crate) fn halt(self) -> Vec<(usize, Queue)> {
        self.stop.store(true, Ordering::Relaxed);
        self.workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    }

    /// Stops the workers, waits until all that they sent has come back to them, checks that no frame is missing, and
    /// returns how many packets each received.
    pub(crate) fn stop(self) -> Vec<usize> {
        let namespace = self.namespace.clone();
        let mut received = Vec::new();
        for (count, mut queue) in self.halt() {
            let end = Instant::now() + Duration::from_secs(2);
            let mut late = Vec::new();
            while queue.census().sending > 0 && Instant::now() < end {
                queue.wait(1).unwrap();
                queue.receive(64, &mut late);
            }
            let late_count = late.len();
            for Received { frame, port, .. } in late {
                queue.discard(port, frame, evenkeel_dataplane::DropReason::NoNexthop);
            }
            let census = queue.census();
            assert!(census.is_whole(), "{census:?}");
            assert_eq!((census.held, census.sending), (0, 0), "{census:?} in {namespace}");
            for socket in queue.handles() {
                let statistics = socket.statistics().unwrap().unwrap();
                assert_eq!(statistics.rx_invalid_descriptors, 0, "{statistics:?}");
                assert_eq!(statistics.tx_invalid_descriptors, 0, "{statistics:?}");
                assert_eq!(statistics.rx_ring_full, 0, "{statistics:?}");
            }
            received.push(count + late_count);
        }
        received
    }
}

fn work(mut queue: Queue, mut act: Act, orders: &Receiver<Order>, stop: &AtomicBool) -> (usize, Queue) {
    let mut burst = Vec::with_capacity(64);
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        for order in orders.try_iter() {
            order(&mut queue, &mut act);
        }
        queue.receive(64, &mut burst);
        if burst.is_empty() {
            queue.wait(10).unwrap();
        }
        count += burst.len();
        for received in burst.drain(..) {
            handle(&mut queue, received, act);
        }
        queue.flush();
    }
    (count, queue)
}

fn handle(queue: &mut Queue, received: Received<evenkeel_afxdp::Frame>, act: Act) {
    let Received { mut frame, port, wire_len } = received;
    assert_eq!(queue.bytes(&frame).len(), wire_len as usize);
    match act {
        Act::Punt => assert!(queue.punt(port, frame)),
        Act::Forward(egress) => {
            let bytes = queue.bytes_mut(&mut frame);
            bytes[..6].copy_from_slice(&SERVER_MAC.0);
            bytes[6..12].copy_from_slice(&LB_MACS[egress.index().min(1)].0);
            if let Err(Unsent { frame, reason }) = queue.transmit(egress, frame) {
                queue.discard(port, frame, reason);
            }
        }
    }
}
