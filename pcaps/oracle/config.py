"""Configurations: services, groups and nexthops as Python values, written as TOML."""
import ipaddress
from dataclasses import dataclass, field

#: MAC of each interface of the box.
INTERFACES = {"eth1": "02:00:00:00:01:01", "eth2": "02:00:00:00:02:01"}

VIP4 = "192.0.2.10"
VIP6 = "2001:db8:0:1::10"


@dataclass
class Nexthop:
    """A server. Its MAC, if not given, ends in the number of its name: s7 has 02:00:00:00:0b:07."""

    name: str
    address: str
    weight: int = 1
    state: str = "active"
    interface: str = "eth2"
    mac: str = ""

    def __post_init__(self):
        if not self.mac:
            number = int("".join(c for c in self.name if c.isdigit()))
            self.mac = f"02:00:00:00:0b:{number:02x}"


@dataclass
class Group:
    name: str
    nexthops: list
    buckets: int = 64


@dataclass
class Service:
    name: str
    vip: str
    protocol: str
    ports: list = None
    group: str = "web"


@dataclass
class Config:
    """A configuration; what isn't given here has the program's default."""

    services: list
    groups: list
    interfaces: dict = field(default_factory=lambda: dict(INTERFACES))
    dataplane: dict = field(default_factory=dict)
    timeouts: dict = field(default_factory=dict)

    def toml(self):
        parts = []
        if self.dataplane:
            parts.append(table("[dataplane]", self.dataplane))
        if self.timeouts:
            parts.append(table("[timeouts]", self.timeouts))
        for name, mac in self.interfaces.items():
            parts.append(table("[[interface]]", {"name": name, "mac": mac}))
        for service in self.services:
            parts.append(table("[[service]]", vars(service)))
        for group in self.groups:
            parts.append(table("[[group]]", {"name": group.name, "buckets": group.buckets}))
            parts += [table("[[group.nexthop]]", vars(nexthop)) for nexthop in group.nexthops]
        return "\n".join(parts)


def table(head, values):
    return head + "\n" + "".join(f"{key} = {literal(v)}\n" for key, v in values.items() if v is not None)


def literal(value):
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return str(value)


def servers(count):
    """Nexthops s1, s2 …, weight 1, all behind eth2."""
    return [Nexthop(f"s{n}", str(ipaddress.ip_address("198.51.100.0") + n)) for n in range(1, count + 1)]


def spare():
    """One nexthop that takes new flows, s1, and one that doesn't yet, s2."""
    s1, s2 = servers(2)
    s2.state = "draining"
    return [s1, s2]


def basic(nexthops=None, buckets=64, dataplane=None, timeouts=None):
    """TCP port 80 and UDP port 53 of one VIP per family, served by one group: one nexthop unless more are given."""
    return Config(
        services=[
            Service("web4", VIP4, "tcp", [80]),
            Service("web6", VIP6, "tcp", [80]),
            Service("dns4", VIP4, "udp", [53]),
            Service("dns6", VIP6, "udp", [53]),
        ],
        groups=[Group("web", nexthops or servers(1), buckets)],
        dataplane=dataplane or {},
        timeouts=timeouts or {},
    )


def any_protocol(nexthops=None):
    """Every protocol and port of one VIP per family, served by one group."""
    return Config(
        services=[Service("all4", VIP4, "any"), Service("all6", VIP6, "any")],
        groups=[Group("web", nexthops or servers(1))],
    )
