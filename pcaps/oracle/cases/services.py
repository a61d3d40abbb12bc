"""Services: which of those that match serves a packet, and what services and groups may share."""
from scapy.packet import Raw

from ..case import ADOPTED, CREATED, MOVED, Case
from ..config import Config, Group, INTERFACES, Nexthop, Service, VIP4, VIP6, basic, servers
from ..frames import ether, icmp4, ip4, ip6, quote4, tcp4, tcp6, udp4, udp6


def by_group(services, **more):
    """A configuration in which each service has a group of its own, named as it, with one nexthop: s1, s2 … in order."""
    groups, own = [], []
    for number, (name, vip, protocol, ports) in enumerate(services, 1):
        own.append(Service(name, vip, protocol, ports, name))
        groups.append(Group(name, [Nexthop(f"s{number}", f"198.51.100.{number}")]))
    return Config(own, groups, **more)


def case_longest_prefix():
    sentence = "Among services that match, the longest prefix serves, whatever their order in the configuration."
    config = by_group(
        [
            ("wide", "192.0.2.0/24", "tcp", [80]),
            ("host", "192.0.2.10", "tcp", [80]),
            ("half", "192.0.2.0/25", "tcp", [80]),
            ("wide6", "2001:db8:0:1::/64", "tcp", [80]),
            ("host6", "2001:db8:0:1::10/128", "tcp", [80]),
            ("site6", "2001:db8::/48", "tcp", [80]),
        ]
    )
    case = Case("service-longest-prefix", sentence, config)
    case.send(0, tcp4("S", dst="192.0.2.10")).to("s2", CREATED)
    case.send(1, tcp4("S", dst="192.0.2.11")).to("s3", CREATED)
    case.send(2, tcp4("S", dst="192.0.2.127")).to("s3", CREATED)
    case.send(3, tcp4("S", dst="192.0.2.128")).to("s1", CREATED)
    case.send(4, tcp4("S", dst="192.0.3.0")).punt()
    case.send(5, tcp6("S", dst="2001:db8:0:1::10")).to("s5", CREATED)
    case.send(6, tcp6("S", dst="2001:db8:0:1:ffff::")).to("s4", CREATED)
    case.send(7, tcp6("S", dst="2001:db8:0:2::1")).to("s6", CREATED)
    case.send(8, tcp6("S", dst="2001:db8:1::1")).punt()
    return case.end(live={"s1": 1, "s2": 1, "s3": 2, "s4": 1, "s5": 1, "s6": 1})


def case_fallback():
    sentence = "A longer prefix that doesn't match wholly (other port or protocol) leaves the packet to a shorter one."
    config = by_group(
        [
            ("host", "192.0.2.10", "tcp", [443]),
            ("half", "192.0.2.0/25", "udp", [53]),
            ("wide", "192.0.2.0/24", "tcp", [80]),
            ("rest", "192.0.2.0/24", "any", None),
        ]
    )
    case = Case("service-fallback", sentence, config)
    case.send(0, tcp4("S", dport=443)).to("s1", CREATED)
    case.send(1, udp4(dport=53)).to("s2", CREATED)
    case.send(2, tcp4("S", dport=80)).to("s3", CREATED)
    case.send(3, tcp4("S", dport=22)).to("s4", CREATED)
    case.send(4, udp4(dport=443)).to("s4", CREATED)
    case.send(5, ether() / ip4(proto=47) / Raw(bytes(8))).to("s4", CREATED)
    return case.end(live={"s1": 1, "s2": 1, "s3": 1, "s4": 3})


def case_exact_protocol():
    sentence = "With one prefix, the exact protocol serves before any, even against a listed port."
    config = by_group(
        [
            ("any-listed", VIP4, "any", [80, 53]),
            ("tcp-all", VIP4, "tcp", None),
            ("any-all", VIP4, "any", None),
        ]
    )
    case = Case("service-exact-protocol", sentence, config)
    case.send(0, tcp4("S", dport=80)).to("s2", CREATED)
    case.send(1, tcp4("S", dport=53)).to("s2", CREATED)
    case.send(2, udp4(dport=80)).to("s1", CREATED)
    case.send(3, udp4(dport=54)).to("s3", CREATED)
    return case.end(live={"s1": 1, "s2": 2, "s3": 1})


def case_listed_port():
    sentence = "With one prefix and protocol, a listed port serves before any port."
    config = by_group(
        [
            ("all", VIP4, "tcp", None),
            ("web", VIP4, "tcp", [80, 443]),
            ("mail", VIP4, "tcp", [25]),
            ("all6", VIP6, "udp", None),
            ("dns6", VIP6, "udp", [53]),
        ]
    )
    case = Case("service-listed-port", sentence, config)
    for number, (port, nexthop) in enumerate({80: "s2", 443: "s2", 25: "s3", 26: "s1", 0: "s1"}.items()):
        case.send(number, tcp4("S", dport=port)).to(nexthop, CREATED)
    case.send(8, udp6(dport=53)).to("s5", CREATED)
    case.send(9, udp6(dport=54)).to("s4", CREATED)
    return case.end(live={"s1": 2, "s2": 2, "s3": 1, "s4": 1, "s5": 1})


def case_any_with_ports():
    sentence = "A service of any protocol with listed ports takes TCP and UDP to them, and no protocol without ports."
    case = Case("service-any-with-ports", sentence, by_group([("both", VIP4, "any", [53]), ("both6", VIP6, "any", [53])]))
    case.send(0, tcp4("S", dport=53)).to("s1", CREATED)
    case.send(1, udp4(dport=53)).to("s1", CREATED)
    case.send(2, tcp4("S", dport=54)).punt()
    case.send(3, ether() / ip4(proto=47) / Raw(bytes(8))).punt()
    case.send(4, udp6(dport=53)).to("s2", CREATED)
    case.send(5, ether() / ip6(nh=132) / Raw(b"\x00\x35\x00\x35" + bytes(8))).punt()
    return case.end(live={"s1": 2, "s2": 1})


def case_prefix_lengths():
    sentence = "Prefixes of every kind of length match: /0, /1, /31, /32, ::/0, /127, /128."
    config = by_group(
        [
            ("default", "0.0.0.0/0", "tcp", [80]),
            ("half", "128.0.0.0/1", "tcp", [80]),
            ("pair", "192.0.2.10/31", "tcp", [80]),
            ("host", "192.0.2.11/32", "tcp", [80]),
            ("default6", "::/0", "tcp", [80]),
            ("pair6", "2001:db8:0:1::10/127", "tcp", [80]),
            ("host6", "2001:db8:0:1::11", "tcp", [80]),
        ]
    )
    case = Case("service-prefix-lengths", sentence, config)
    case.send(0, tcp4("S", dst="100.64.0.1", src="198.51.100.77")).to("s1", CREATED)
    case.send(1, tcp4("S", dst="198.51.100.200")).to("s2", CREATED)
    case.send(2, tcp4("S", dst="192.0.2.10")).to("s3", CREATED)
    case.send(3, tcp4("S", dst="192.0.2.11")).to("s4", CREATED)
    case.send(4, tcp6("S", dst="2001:db8:ffff::1")).to("s5", CREATED)
    case.send(5, tcp6("S", dst="2001:db8:0:1::10")).to("s6", CREATED)
    case.send(6, tcp6("S", dst="2001:db8:0:1::11")).to("s7", CREATED)
    return case.end(live={f"s{n}": 1 for n in range(1, 8)})


def case_prefix_flows():
    sentence = "Every address of a prefix VIP is a destination of its own: same client, same ports, different flows."
    config = by_group([("net", "192.0.2.0/28", "tcp", [80])])
    case = Case("service-prefix-flows", sentence, config)
    for host in range(16):
        case.send(host, tcp4("S", dst=f"192.0.2.{host}")).to("s1", CREATED)
    return case.end(live=16)


def case_control_ports():
    sentence = "A service takes every TCP and UDP port that it names: ssh, BGP and BFD to a VIP aren't the kernel's then."
    config = Config(
        [Service("all", VIP4, "any"), Service("bfd6", VIP6, "udp", [3784])],
        [Group("web", servers(1))],
    )
    case = Case("service-control-ports", sentence, config)
    case.send(0, tcp4("S", dport=22)).to("s1", CREATED)
    case.send(1, tcp4("S", dport=179)).to("s1", CREATED)
    case.send(2, udp4(dport=3784, ttl=255)).to("s1", CREATED)
    case.send(3, udp6(dport=3784, hlim=255)).to("s1", CREATED)
    case.send(4, tcp6("S", dport=22)).punt()
    return case.end(live=4)


def case_ipv6_nexthop():
    sentence = "An IPv4 VIP may be served by an IPv6 nexthop and the reverse: only the MACs matter."
    config = Config(
        [Service("web4", VIP4, "tcp", [80], "six"), Service("web6", VIP6, "tcp", [80], "four")],
        [Group("six", [Nexthop("s6", "2001:db8:2::1")]), Group("four", [Nexthop("s4", "198.51.100.4")])],
    )
    case = Case("service-other-family-nexthop", sentence, config)
    case.send(0, tcp4("S")).to("s6", CREATED)
    case.send(1, tcp6("S")).to("s4", CREATED)
    case.send(2, icmp4(quote4())).to("s6")
    return case.end(live={"s6": 1, "s4": 1})


def case_one_armed():
    sentence = "One-armed: the way in is the way out, with the interface's own MAC as source."
    config = basic([Nexthop("s1", "198.51.100.1", interface="eth1")])
    del config.interfaces["eth2"]
    case = Case("ports-one-armed", sentence, config)
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1, tcp6("A")).to("s1", ADOPTED)
    return case.end(live=2)


def case_two_way():
    sentence = "Two interfaces, both in and out: a frame leaves by its nexthop's interface with that one's MAC."
    config = Config(
        [Service("web", VIP4, "tcp", [80], "web"), Service("dns", VIP4, "udp", [53], "dns")],
        [
            Group("web", [Nexthop("s1", "198.51.100.1", interface="eth2")]),
            Group("dns", [Nexthop("s2", "198.51.100.2", interface="eth1")]),
        ],
    )
    case = Case("ports-two-way", sentence, config)
    eth2 = INTERFACES["eth2"]
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(1, tcp4("S", sport=2, dst_mac=eth2), port="eth2").to("s1", CREATED)
    case.send(2, udp4(sport=1)).to("s2", CREATED)
    case.send(3, udp4(sport=2, dst_mac=eth2), port="eth2").to("s2", CREATED)
    case.send(4, tcp4("A", sport=1, dst_mac=eth2), port="eth2").to("s1")
    case.send(5, tcp4("A", sport=1), port="eth2").punt()
    return case.end(live={"s1": 2, "s2": 2})


def case_unused_interface():
    sentence = "An interface where nothing leaves has an empty capture, and one without input takes no part."
    config = basic()
    config.interfaces = {"eth1": INTERFACES["eth1"], "eth2": INTERFACES["eth2"], "eth3": "02:00:00:00:03:01"}
    case = Case("ports-unused", sentence, config)
    case.send(0, tcp4("S")).to("s1", CREATED)
    return case.end(live=1)


def case_equal_times():
    sentence = "Frames of two inputs with one timestamp are taken in the order of the inputs, then of the file."
    case = Case("ports-equal-times", sentence, basic())
    eth2 = INTERFACES["eth2"]
    a1 = case.send(0, tcp4("S", sport=1))
    a2 = case.send(0, tcp4("S", sport=2))
    a3 = case.send(1, tcp4("S", sport=3))
    b1 = case.send(0, tcp4("S", sport=4, dst_mac=eth2), port="eth2")
    b2 = case.send(1, tcp4("S", sport=5, dst_mac=eth2), port="eth2")
    b3 = case.send(1, tcp4("S", sport=6, dst_mac=eth2), port="eth2")
    for sent in (a1, a2, b1, a3, b2, b3):
        sent.to("s1", CREATED)
    return case.end(live=6)


def case_interleaved_inputs():
    sentence = "Frames of two inputs are taken in order of their timestamps, to the nanosecond."
    case = Case("ports-interleaved", sentence, basic())
    case.format(magic=0xA1B23C4D)
    eth2 = INTERFACES["eth2"]
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(5, tcp4("R", dst_mac=eth2), port="eth2", plus_ns=1).to("s1")
    case.send(5, tcp4("S"), plus_ns=2).to("s1", CREATED)
    case.send(5, tcp4("R", dst_mac=eth2), port="eth2", plus_ns=3).to("s1")
    case.send(5, tcp4("S"), plus_ns=4).to("s1", CREATED)
    return case.end(closed=2, live=1)


def case_shared_group():
    sentence = "Several services may share a group: they share its nexthops, and their flows count together."
    case = Case("group-shared-by-services", sentence, basic())
    for number, frame in enumerate([tcp4("S"), tcp6("S"), udp4(), udp6()]):
        case.send(number, frame).to("s1", CREATED)
    return case.end(live=4)


def two_groups():
    """A server that belongs to two groups, and one spare server in each."""
    return Config(
        [Service("web", VIP4, "tcp", [80], "web"), Service("dns", VIP4, "udp", [53], "dns")],
        [
            Group("web", [Nexthop("s1", "198.51.100.1"), Nexthop("s2", "198.51.100.2", state="draining")]),
            Group("dns", [Nexthop("d1", "198.51.100.1"), Nexthop("d2", "198.51.100.3", state="draining", mac="02:00:00:00:0b:03")]),
        ],
    )


def case_down_is_one_thing():
    sentence = "A nexthop of two groups is one server: down said of it in one group moves its flows in both."
    case = Case("group-down-is-one-thing", sentence, two_groups())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(0, udp4()).to("d1", CREATED)
    case.event(1, "activate", "s2")
    case.event(1, "activate", "d2", group="dns")
    case.event(2, "down", "s1")
    case.send(3, tcp4("A")).to("s2", MOVED)
    case.send(4, udp4()).to("d2", MOVED)
    return case.end(live={"s2": 1, "d2": 1})


def case_admin_state_is_the_memberships():
    sentence = "Admin state belongs to the membership: draining in one group, the same server takes new flows in the other."
    case = Case("group-admin-state-apart", sentence, two_groups())
    case.event(1, "activate", "s2")
    case.event(1, "drain", "s1")
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(2, tcp4("S", sport=2)).to("s2", CREATED)
    case.send(3, udp4()).to("d1", CREATED)
    case.send(4, tcp4("A", sport=1)).to("s1")
    return case.end(live={"s1": 1, "s2": 1, "d1": 1})
