"""Frames that nobody would send: cut at every length, and with bytes changed. What they are is said by the reader."""
from scapy.layers.inet import ICMP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6PacketTooBig,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.packet import Raw

from ..case import Case
from ..config import INTERFACES, any_protocol, basic
from ..draw import Draw
from ..frames import (
    C_VLAN,
    CLIENT6,
    S_VLAN,
    ether,
    fragments4,
    fragments6,
    icmp4,
    icmp6,
    ip4,
    ip6,
    l4_bytes,
    quote4,
    quote6,
    tcp,
    tcp4,
    tcp6,
    udp,
    udp4,
    udp6,
)
from ..model import Model
from ..reader import Reader

PAD = [PadN(optdata=bytes(4))]


def originals():
    """A frame of each kind."""
    routed = ether() / ip6() / IPv6ExtHdrHopByHop(options=PAD) / IPv6ExtHdrRouting(addresses=[CLIENT6], segleft=0)
    quoted = IPv6ExtHdrDestOpt(options=PAD) / tcp("A", 80, 1000)
    frames = [
        tcp4("S"),
        tcp4("PA", tags=[(S_VLAN, 1), (C_VLAN, 2)], payload=b"hello"),
        tcp4("A", options=[IPOption_NOP()] * 8),
        ether() / ip4() / tcp("S", options=[("MSS", 1460), ("NOP", None)]),
        udp4(),
        fragments4(l4_bytes(ip4() / udp() / Raw(bytes(16))), [16])[0],
        ether() / ip4() / ICMP(type=8) / Raw(bytes(8)),
        icmp4(quote4(options=[IPOption_NOP()] * 4)),
        icmp4(quote4(l4=udp(53, 1000) / Raw(bytes(4)))),
        tcp6("S", tags=[(C_VLAN, 2)]),
        udp6(),
        routed / IPv6ExtHdrDestOpt(options=PAD) / tcp("S"),
        ether() / ip6() / IPv6ExtHdrFragment(id=1) / tcp("A"),
        fragments6(l4_bytes(ip6() / udp() / Raw(bytes(16))), [16])[0],
        icmp6(ICMPv6PacketTooBig(mtu=1280), quote6(l4=quoted)),
        ether() / ip4(proto=50) / Raw(bytes(12)),
        ether() / ip6(nh=132) / Raw(bytes(12)),
    ]
    return [bytes(frame) for frame in frames]


def judged(case, frames):
    """Sends these frames at one instant and states of each what the reader says; later fragments aren't sent."""
    reader = Reader(case.config, INTERFACES["eth1"])
    model = Model(case.config.groups[0].nexthops, 64)
    for frame in frames:
        reading = reader.read(frame)
        if reading.kind == "later fragment":
            continue
        sent = case.send(0, frame)
        if reading.kind == "punt":
            sent.punt()
        elif reading.kind == "drop":
            sent.drop(reading.reason)
        elif reading.kind == "tcp":
            sent.to(*model.tcp(reading.key, reading.flags, 0))
        elif reading.kind == "datagram":
            sent.to(*model.datagram(reading.key, 0))
        else:
            sent.to("s1")
    return case.end(live=model.finish(0), **model.ended)


def case_cut():
    case = Case("hostile-cut", "Frames of every kind, cut at every length from 0 bytes on.", basic())
    return judged(case, [frame[:length] for frame in originals() for length in range(len(frame) + 1)])


def case_cut_any():
    sentence = "Frames of every kind, cut at every length and filled up again with zeros, under protocol any."
    case = Case("hostile-zeros", sentence, any_protocol())
    return judged(case, [frame[:n] + bytes(len(frame) - n) for frame in originals() for n in range(12, len(frame), 3)])


def case_changed():
    sentence = "Frames of every kind in which one to three bytes behind the MACs are others."
    case = Case("hostile-bytes", sentence, basic())
    draw, frames = Draw(case.name), originals()
    changed = []
    for _ in range(1500):
        frame = bytearray(draw.of(frames))
        for _ in range(1 + draw.below(3)):
            at = 12 + draw.below(len(frame) - 12)
            frame[at] = draw.of([0, 1, 0xFF, frame[at] ^ 1 << draw.below(8), draw.below(256)])
        changed.append(bytes(frame))
    return judged(case, changed)
