"""A case: what is sent, and for each frame what is expected of it. The report follows from these statements.

    case = Case("name", "One sentence.", config)
    case.send(0, tcp4("S")).to("s1", CREATED)       # at 0 ms; leaves to s1 and is the first of a new flow
    case.send(5, arp).punt()
    case.end(live=1)

Frames leave in the order in which their verdicts are stated: a frame that is held is sent early and stated late.
"""
import json

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from . import capture
from .capture import Record
from .checksum import mended
from .config import literal

#: Time of the first millisecond of every case, in seconds since 1970.
EPOCH_S = 1_700_000_000

#: Every drop reason, in the order of the report; the last two happen on live interfaces only.
DROP_REASONS = [
    "ipv4_header_length",
    "ipv4_total_length",
    "ipv6_payload_length",
    "ipv6_extension_header",
    "ipv6_extension_count",
    "tcp_header",
    "udp_header",
    "icmp_header",
    "icmp_quote",
    "first_fragment_header",
    "no_nexthop",
    "tx_ring_full",
    "punt_failed",
]

# What a forwarded packet means to the flow table, besides being forwarded.
CREATED = "created"  # first packet of a new flow
ADOPTED = "adopted"  # first packet of a flow seen in mid-connection
MOVED = "moved"  # its flow had another nexthop before
UNTRACKED = "untracked"  # by bucket, because the table is full


class Sent:
    """A frame on its way in; one of its methods states what becomes of it."""

    def __init__(self, case, packet, record, port):
        self.case = case
        self.packet = packet
        self.record = record
        self.port = port
        self.stated = False

    def to(self, nexthop, flow=None, chksum=None):
        """Forwarded to this nexthop ("s1", or "group/s1"). chksum: the IPv4 checksum when the one that came was wrong."""
        self._once()
        row = self.case.row(nexthop)
        edited = forwarded(self.packet, row.nexthop, self.case.config.interfaces, chksum)
        data = bytes(edited)[: len(self.record.data)]
        only_the_rewrite(self.record.data, data)
        out = Record(self.record.time_ns, data, self.record.wire_len)
        self.case.out[row.nexthop.interface].append(out)
        self.case.packets["forwarded"] += 1
        row.packets += 1
        row.bytes += self.record.wire_len
        if flow in (CREATED, ADOPTED):
            row.flows_created += 1
        if flow is not None:
            self.case.counted[flow] += 1

    def punt(self):
        """Left to the kernel."""
        self._once()
        self.case.out["punt"].append(self.record)
        self.case.packets["punted"] += 1

    def drop(self, reason):
        """Dropped and counted."""
        self._once()
        self.case.out["drop"].append(self.record)
        self.case.packets["dropped"] += 1
        self.case.drops[reason] += 1

    def _once(self):
        assert not self.stated, "one verdict per frame"
        self.stated = True


class Row:
    """A nexthop's line of the report."""

    def __init__(self, group, nexthop):
        self.group = group
        self.nexthop = nexthop
        self.packets = self.bytes = self.flows_created = self.flows_live = 0

    def report(self):
        return {
            "group": self.group,
            "name": self.nexthop.name,
            "address": self.nexthop.address,
            "packets": self.packets,
            "bytes": self.bytes,
            "flows_created": self.flows_created,
            "flows_live": self.flows_live,
        }


class Case:
    def __init__(self, name, sentence, config, out_of_order=False):
        self.name = name
        self.sentence = sentence
        self.config = config
        self.out_of_order = out_of_order
        self.latest_ns = {}
        self.sent = []
        self.events = []
        self.rows = [Row(group.name, nexthop) for group in config.groups for nexthop in group.nexthops]
        self.out = {name: [] for name in [*config.interfaces, "punt", "drop"]}
        self.packets = {"forwarded": 0, "punted": 0, "dropped": 0}
        self.drops = dict.fromkeys(DROP_REASONS, 0)
        self.counted = dict.fromkeys([CREATED, ADOPTED, MOVED, UNTRACKED], 0)
        self.ended = None
        self.formats = {}

    # ---- what goes in

    def send(self, at_ms, packet, port=None, plus_ns=0, cut=None):
        """Sends a frame (scapy packet or bytes) at this time; cut: the capture kept only so many bytes of it."""
        data = bytes(packet)
        port = port or next(iter(self.config.interfaces))
        record = Record(EPOCH_S * 10**9 + at_ms * 10**6 + plus_ns, data[:cut], len(data))
        in_order = record.time_ns >= self.latest_ns.get(port, 0)
        assert in_order or self.out_of_order, f"{self.name}: {at_ms} ms is earlier than the frame before"
        self.latest_ns[port] = record.time_ns
        sent = Sent(self, packet, record, port)
        self.sent.append(sent)
        return sent

    def event(self, at_ms, action, nexthop, group="web", **more):
        """An event at this time from the first packet; more: deadline, weight, address, mac, interface."""
        fields = {"at": f"{at_ms}ms", "action": action, "group": group, "nexthop": nexthop, **more}
        self.events.append(fields)

    def turn(self, at_ms):
        """From here on new flows go to s2 instead of s1."""
        self.event(at_ms, "drain", "s1")
        self.event(at_ms, "activate", "s2")

    def added(self, nexthop, group="web"):
        """From here on this nexthop is listed in the report."""
        self.rows.append(Row(group, nexthop))

    def format(self, **how):
        """How inputs are written: file="pcap" (magic, order) or "pcapng" (ticks_per_second_log10, order)."""
        self.formats = how

    # ---- what comes out

    def row(self, name):
        """The line of a nexthop, by NAME or GROUP/NAME."""
        found = [r for r in self.rows if name in (r.nexthop.name, f"{r.group}/{r.nexthop.name}")]
        assert len(found) == 1, f"{name}: {len(found)} nexthops"
        return found[0]

    def end(self, live=0, expired=0, closed=0, evicted=0):
        """What has become of the flows at the last packet. live: a number, or {nexthop: number} if there are several."""
        by_nexthop = live if isinstance(live, dict) else ({self.rows[0].nexthop.name: live} if live else {})
        assert isinstance(live, dict) or not live or len(self.rows) == 1, "whose flows are live?"
        for name, count in by_nexthop.items():
            self.row(name).flows_live = count
        self.ended = {"expired": expired, "closed": closed, "evicted": evicted, "live": sum(by_nexthop.values())}
        begun = self.counted[CREATED] + self.counted[ADOPTED]
        assert begun == sum(self.ended.values()), f"{self.name}: {begun} flows begun, {self.ended} ended or live"
        return self

    def report(self):
        received = sum(self.packets.values())
        assert received == len(self.sent), f"{self.name}: {len(self.sent)} frames, {received} verdicts"
        assert self.ended is not None, f"{self.name}: no end"
        return {
            "packets": {"received": received, **self.packets},
            "drops": self.drops,
            "flows": {
                "created": self.counted[CREATED],
                "adopted": self.counted[ADOPTED],
                "expired": self.ended["expired"],
                "closed": self.ended["closed"],
                "evicted": self.ended["evicted"],
                "moved": self.counted[MOVED],
                "untracked_packets": self.counted[UNTRACKED],
                "live": self.ended["live"],
            },
            "nexthops": [row.report() for row in self.rows],
        }

    # ---- files

    def write(self, directory):
        report = self.report()
        expected = directory / "expected"
        expected.mkdir(parents=True)
        (directory / "case.txt").write_text(self.sentence + "\n")
        (directory / "config.toml").write_text(self.config.toml())
        if self.events:
            text = "\n".join("[[event]]\n" + toml_lines(event) for event in self.events)
            (directory / "events.toml").write_text(text)
        for name, data in self.inputs():
            (directory / name).write_bytes(data)
        for name, records in self.out.items():
            (expected / f"{name}.pcap").write_bytes(capture.pcap(records, capture.NANOSECONDS))
        (expected / "report.json").write_text(json.dumps(report, indent=2) + "\n")

    def inputs(self):
        """(file name, bytes) of each input: in.pcap for the first interface alone, else IFACE.in.pcap for each used."""
        used = [name for name in self.config.interfaces if any(sent.port == name for sent in self.sent)]
        used = used or [next(iter(self.config.interfaces))]
        for name in used:
            records = [sent.record for sent in self.sent if sent.port == name]
            alone = used == [next(iter(self.config.interfaces))]
            yield ("in.pcap" if alone else f"{name}.in.pcap"), self.in_format(records)

    def in_format(self, records):
        how = dict(self.formats)
        if how.pop("file", "pcap") == "pcapng":
            return capture.pcapng(records, **how)
        return capture.pcap(records, **how)


def toml_lines(fields):
    return "".join(f"{key} = {literal(value)}\n" for key, value in fields.items())


def forwarded(packet, nexthop, interfaces, chksum):
    """The packet as it leaves to a nexthop: both MACs and TTL or hop limit; scapy computes the checksum anew."""
    if isinstance(packet, bytes):
        return rewritten(packet, nexthop, interfaces)
    out = packet.copy()
    out[Ether].src = interfaces[nexthop.interface]
    out[Ether].dst = nexthop.mac
    outer = outer_ip(out)
    if outer.version == 4:
        outer.ttl -= 1
        assert (packet[IP].chksum is None) == (chksum is None), "a stated checksum needs a stated result"
        outer.chksum = chksum
    else:
        outer.hlim -= 1
    return out


def rewritten(frame, nexthop, interfaces):
    """The same of bytes that scapy may not understand: the checksum is mended, as a wrong one stays wrong."""
    out = bytearray(frame)
    out[:12] = bytes.fromhex((nexthop.mac + interfaces[nexthop.interface]).replace(":", ""))
    l3 = ip_offset(frame)
    if frame[l3] >> 4 == 6:
        out[l3 + 7] -= 1
    else:
        checksum, word = (int.from_bytes(frame[l3 + at : l3 + at + 2], "big") for at in (10, 8))
        out[l3 + 8] -= 1
        out[l3 + 10 : l3 + 12] = mended(checksum, word).to_bytes(2, "big")
    return bytes(out)


def ip_offset(frame):
    at = 12
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return at + 2


def outer_ip(packet):
    layer = packet
    while not isinstance(layer, (IP, IPv6)):
        layer = layer.payload
    return layer


def only_the_rewrite(before, after):
    """Nothing may differ but the MACs, TTL or hop limit, and the IPv4 header checksum."""
    assert len(before) == len(after)
    l3 = ip_offset(before)
    allowed = {*range(12)} | ({l3 + 8, l3 + 10, l3 + 11} if before[l3] >> 4 == 4 else {l3 + 7})
    different = {i for i, (a, b) in enumerate(zip(before, after)) if a != b}
    assert different <= allowed, f"differs at {sorted(different - allowed)}"
