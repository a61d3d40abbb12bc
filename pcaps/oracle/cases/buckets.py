"""Bucket choice among several nexthops, by the oracle's own computation of docs/buckets.md."""
from scapy.layers.inet6 import ICMPv6PacketTooBig
from scapy.packet import Raw

from ..buckets import Taker, flow_bucket, next_by_score, owners
from ..case import ADOPTED, CREATED, MOVED, Case
from ..config import VIP4, VIP6, Config, Group, Nexthop, Service, any_protocol, basic, servers
from ..frames import (
    CLIENT4,
    CLIENT6,
    ether,
    fragments4,
    icmp4,
    icmp6,
    ip4,
    ip6,
    l4_bytes,
    quote4,
    quote6,
    tcp4,
    tcp6,
    udp,
    udp4,
    udp6,
)

TCP, UDP, ESP = 6, 17, 50


class Table:
    """The bucket table that a group has now."""

    def __init__(self, nexthops, buckets=64, seed=0, down=()):
        takers = [Taker(n.name, n.address, n.weight) for n in nexthops if n.weight > 0 and n.state == "active"]
        up = [taker for taker in takers if taker.name not in down]
        self.seed = seed
        self.owner = []
        for bucket, owner in enumerate(owners(takers, buckets, seed)):
            self.owner.append(owner.name if owner in up else next_by_score(bucket, up, buckets, seed).name)

    def of(self, sport, dport, protocol, source=CLIENT4, vip=VIP4):
        """Name of the nexthop that the bucket table gives a flow."""
        return self.owner[flow_bucket(source, vip, sport, dport, protocol, len(self.owner), self.seed)]

    def of6(self, sport, dport, protocol):
        return self.of(sport, dport, protocol, CLIENT6, VIP6)


class Live:
    """Where flows are, for the counters of the report."""

    def __init__(self):
        self.at = {}

    def counts(self):
        names = list(self.at.values())
        return {name: names.count(name) for name in sorted(set(names))}


def new_flows(case, table, live, at_ms, sports):
    """A SYN of each of these ports, to the nexthop that the table says."""
    for sport in sports:
        live.at[sport] = table.of(sport, 80, TCP)
        case.send(at_ms, tcp4("S", sport=sport)).to(live.at[sport], CREATED)


def packets_of(case, live, at_ms):
    """A packet of each flow, to the nexthop where it is."""
    for sport, nexthop in live.at.items():
        case.send(at_ms, tcp4("A", sport=sport)).to(nexthop)


def spread(case, table):
    """A flow of each kind from each of 32 ports."""
    live = Live()
    for sport in range(1000, 1032):
        for kind, frame, nexthop in [
            ("tcp4", tcp4("S", sport=sport), table.of(sport, 80, TCP)),
            ("tcp6", tcp6("S", sport=sport), table.of6(sport, 80, TCP)),
            ("udp4", udp4(sport=sport), table.of(sport, 53, UDP)),
            ("udp6", udp6(sport=sport), table.of6(sport, 53, UDP)),
        ]:
            live.at[kind, sport] = nexthop
            case.send(sport - 1000, frame).to(nexthop, CREATED)
    return case.end(live=live.counts())


def case_equal_weights():
    nexthops = servers(4)
    case = Case("bucket-equal-weights", "Four nexthops of equal weight: each flow to the owner of its bucket.", basic(nexthops))
    return spread(case, Table(nexthops))


def case_weights():
    nexthops = servers(3)
    for nexthop, weight in zip(nexthops, (1, 3, 10)):
        nexthop.weight = weight
    case = Case("bucket-weights", "Weights 1, 3 and 10: each flow to the owner of its bucket.", basic(nexthops, buckets=128))
    return spread(case, Table(nexthops, 128))


def case_seed():
    nexthops = servers(4)
    seed = 0x1234_5678_9ABC
    sentence = "Another hash_seed makes another table and another way from flow to bucket."
    case = Case("bucket-hash-seed", sentence, basic(nexthops, dataplane={"hash_seed": seed}))
    return spread(case, Table(nexthops, seed=seed))


def case_ipv6_nexthops():
    nexthops = [Nexthop(f"s{n}", f"2001:db8:2::{n}") for n in (1, 2, 3)] + servers(6)[3:]
    sentence = "Nexthops of both families in one group: IPv6 addresses are hashed as 16 bytes, IPv4 ones as 4."
    case = Case("bucket-both-families", sentence, basic(nexthops, buckets=256))
    return spread(case, Table(nexthops, 256))


def case_order_of_configuration():
    nexthops = list(reversed(servers(4)))
    for number, nexthop in enumerate(nexthops):
        nexthop.name = f"other{number}"
    sentence = "Names and order of configuration aren't in the table: the addresses alone say who owns a bucket."
    case = Case("bucket-names-not-hashed", sentence, basic(nexthops))
    return spread(case, Table(nexthops))


def case_other_protocols():
    nexthops = servers(4)
    case = Case("bucket-ports-0", "Protocols without ports are hashed with ports 0.", any_protocol(nexthops))
    table, live = Table(nexthops), Live()
    for host in range(16):
        source = f"203.0.113.{host}"
        live.at[host] = table.of(0, 0, ESP, source)
        case.send(host, ether() / ip4(src=source, proto=ESP) / Raw(bytes(12))).to(live.at[host], CREATED)
    live.at["6"] = table.of6(0, 0, ESP)
    case.send(20, ether() / ip6(nh=ESP) / Raw(bytes(12))).to(live.at["6"], CREATED)
    return case.end(live=live.counts())


def case_icmp_unknown():
    nexthops = servers(4)
    sentence = "ICMP errors about unknown flows go to the bucket of the quoted 5-tuple reversed: as the flow's own packets do."
    case = Case("bucket-icmp-unknown", sentence, basic(nexthops))
    table, live = Table(nexthops), Live()
    for at_ms, sport in enumerate(range(1000, 1012)):
        live.at[4, sport], live.at[6, sport] = table.of(sport, 80, TCP), table.of6(sport, 80, TCP)
        case.send(at_ms, icmp4(quote4(dport=sport))).to(live.at[4, sport])
        case.send(at_ms, icmp6(ICMPv6PacketTooBig(), quote6(dport=sport))).to(live.at[6, sport])
        case.send(at_ms, tcp4("S", sport=sport)).to(live.at[4, sport], CREATED)
        case.send(at_ms, tcp6("A", sport=sport)).to(live.at[6, sport], ADOPTED)
    return case.end(live=live.counts())


def case_icmp_without_ports():
    nexthops = servers(4)
    sentence = "An ICMP error that quotes a later fragment goes to the bucket of addresses, protocol and ports 0."
    case = Case("bucket-icmp-without-ports", sentence, basic(nexthops))
    table = Table(nexthops)
    for host in range(8):
        client = f"203.0.113.{host}"
        quote = quote4(dst=client, proto=TCP, frag=3, l4=Raw(bytes(8)))
        case.send(host, icmp4(quote)).to(table.of(0, 0, TCP, client))
    return case.end()


def case_fragments_without_first():
    nexthops = servers(4)
    sentence = "Later fragments whose first is missing go to the bucket of addresses, protocol and ports 0."
    case = Case("bucket-fragments-without-first", sentence, basic(nexthops))
    table = Table(nexthops)
    for host in range(8):
        client = f"203.0.113.{host}"
        case.send(host, ether() / ip4(src=client, proto=UDP, frag=2, id=host) / Raw(bytes(16))).to(table.of(0, 0, UDP, client))
    return case.end()


def case_fragments_nexthop_down():
    nexthops = servers(5)
    sentence = "A later fragment whose first one's nexthop went down goes to the bucket of addresses, protocol and ports 0."
    case = Case("bucket-fragments-nexthop-down", sentence, basic(nexthops))
    table, live = Table(nexthops), Live()
    lasts = []
    for number in range(12):
        client = f"203.0.113.{number}"
        nexthop = live.at[number] = table.of(1000, 53, UDP, client)
        first, last = fragments4(l4_bytes(ip4() / udp() / Raw(bytes(32))), [16], src=client, id=number)
        case.send(0, first).to(nexthop, CREATED)
        lasts.append((client, nexthop, last))
    down = live.at[0]
    case.event(1, "down", down)
    without = Table(nexthops, down=[down])
    for client, nexthop, last in lasts:
        case.send(2, last).to(without.of(0, 0, UDP, client) if nexthop == down else nexthop)
    return case.end(live=live.counts())


def case_close_unknown():
    nexthops = servers(4)
    case = Case("bucket-close-unknown", "RST and FIN of unknown flows go to their bucket's owner.", basic(nexthops))
    table = Table(nexthops)
    for sport in range(1000, 1016):
        case.send(0, tcp4("R", sport=sport)).to(table.of(sport, 80, TCP))
        case.send(0, tcp6("FA", sport=sport)).to(table.of6(sport, 80, TCP))
    return case.end()


def case_drain():
    nexthops = servers(4)
    sentence = "drain, with others active: existing flows stay, new ones go by the table of those that are left."
    case = Case("bucket-drain", sentence, basic(nexthops))
    live = Live()
    new_flows(case, Table(nexthops), live, 0, range(1000, 1024))
    case.event(10, "drain", "s2")
    packets_of(case, live, 20)
    new_flows(case, Table([n for n in nexthops if n.name != "s2"]), live, 21, range(2000, 2024))
    case.event(30, "activate", "s2")
    packets_of(case, live, 40)
    new_flows(case, Table(nexthops), live, 41, range(3000, 3024))
    return case.end(live=live.counts())


def case_add():
    nexthops = servers(3)
    sentence = "add, with others active: existing flows stay, new ones go by the table with the added one in it."
    case = Case("bucket-add", sentence, basic(nexthops))
    live = Live()
    new_flows(case, Table(nexthops), live, 0, range(1000, 1024))
    added = Nexthop("s4", "198.51.100.4", weight=2)
    case.event(10, "add", "s4", address=added.address, mac=added.mac, interface=added.interface, weight=2)
    case.added(added)
    packets_of(case, live, 20)
    new_flows(case, Table([*nexthops, added]), live, 21, range(2000, 2048))
    return case.end(live=live.counts())


def case_weight_change():
    nexthops = servers(3)
    sentence = "weight: existing flows stay, new ones go by the table of the new weights."
    case = Case("bucket-weight-change", sentence, basic(nexthops))
    live = Live()
    new_flows(case, Table(nexthops), live, 0, range(1000, 1024))
    case.event(10, "weight", "s1", weight=7)
    packets_of(case, live, 20)
    changed = [Nexthop("s1", "198.51.100.1", weight=7), *nexthops[1:]]
    new_flows(case, Table(changed), live, 21, range(2000, 2048))
    return case.end(live=live.counts())


def case_down():
    nexthops = servers(4)
    sentence = "down: its flows and its buckets go to each bucket's next nexthop by score, everybody else's stay; up takes the buckets back."
    case = Case("bucket-down-up", sentence, basic(nexthops))
    live, table = Live(), Table(nexthops)
    new_flows(case, table, live, 0, range(1000, 1032))
    case.event(10, "down", "s3")
    without = Table(nexthops, down=["s3"])
    for sport, nexthop in live.at.items():
        live.at[sport] = without.of(sport, 80, TCP) if nexthop == "s3" else nexthop
        case.send(20, tcp4("A", sport=sport)).to(live.at[sport], MOVED if nexthop == "s3" else None)
    new_flows(case, without, live, 21, range(2000, 2024))
    case.event(30, "up", "s3")
    packets_of(case, live, 40)
    new_flows(case, table, live, 41, range(3000, 3024))
    return case.end(live=live.counts())


def case_two_down():
    nexthops = servers(5)
    sentence = "Two of five down: each of their buckets goes to the one that it wants most among those that are up."
    case = Case("bucket-two-down", sentence, basic(nexthops))
    live = Live()
    case.event(1, "down", "s1")
    case.event(1, "down", "s4")
    new_flows(case, Table(nexthops), live, 0, [1])
    moved_to = Table(nexthops, down=["s1", "s4"])
    new_flows(case, moved_to, live, 2, range(1000, 1048))
    return case.end(live=live.counts())


def case_remove():
    nexthops = servers(3)
    sentence = "remove: after the deadline the flows of the removed one move to the owner of their bucket, the others stay."
    case = Case("bucket-remove", sentence, basic(nexthops))
    live = Live()
    new_flows(case, Table(nexthops), live, 0, range(1000, 1024))
    case.event(1_000, "remove", "s2", deadline="2s")
    packets_of(case, live, 2_000)
    without = Table([n for n in nexthops if n.name != "s2"])
    for sport, nexthop in live.at.items():
        live.at[sport] = without.of(sport, 80, TCP) if nexthop == "s2" else nexthop
        case.send(4_000, tcp4("A", sport=sport)).to(live.at[sport], MOVED if nexthop == "s2" else None)
    return case.end(live=live.counts())


def case_history():
    nexthops = servers(4)
    sentence = "The table is no matter of history: after drain, add, weight and remove in between it is that of the members."
    case = Case("bucket-history", sentence, basic(nexthops[:3]))
    live = Live()
    new_flows(case, Table(nexthops[:3]), live, 0, [999])
    added = nexthops[3]
    case.event(1, "add", "s4", address=added.address, mac=added.mac, interface=added.interface, weight=5)
    case.added(added)
    case.event(2, "drain", "s1")
    case.event(3, "weight", "s2", weight=9)
    case.event(4, "weight", "s4", weight=1)
    case.event(5, "activate", "s1")
    case.event(6, "weight", "s2", weight=1)
    new_flows(case, Table(nexthops), live, 10, range(1000, 1048))
    return case.end(live=live.counts())


def case_nexthop_in_two_groups():
    shared = "198.51.100.1"
    config = Config(
        [Service("web", VIP4, "tcp", [80], "web"), Service("dns", VIP4, "udp", [53], "dns")],
        [
            Group("web", [Nexthop("w1", shared), Nexthop("w2", "198.51.100.2"), Nexthop("w3", "198.51.100.3")]),
            Group("dns", [Nexthop("d1", shared), Nexthop("d4", "198.51.100.4")], 128),
        ],
    )
    sentence = "A server in two groups: each group has its own table, and down takes the server out of both."
    case = Case("bucket-nexthop-in-two-groups", sentence, config)
    web, dns = config.groups
    live = Live()
    for at_ms, down in ((0, ()), (10, ("w1", "d1"))):
        tables = Table(web.nexthops, 64, down=down), Table(dns.nexthops, 128, down=down)
        for sport in range(1000 + at_ms, 1024 + at_ms):
            if ("tcp", sport) in live.at:
                continue
            live.at["tcp", sport], live.at["udp", sport] = tables[0].of(sport, 80, TCP), tables[1].of(sport, 53, UDP)
            case.send(at_ms, tcp4("S", sport=sport)).to(live.at["tcp", sport], CREATED)
            case.send(at_ms, udp4(sport=sport)).to(live.at["udp", sport], CREATED)
    case.event(5, "down", "d1", group="dns")
    return case.end(live=live.counts())


def case_few_buckets():
    nexthops = servers(64)
    sentence = "As many nexthops as buckets: each owns one, so every flow of a bucket goes to that one."
    case = Case("bucket-one-each", sentence, basic(nexthops))
    live = Live()
    new_flows(case, Table(nexthops), live, 0, range(1000, 1064))
    return case.end(live=live.counts())
