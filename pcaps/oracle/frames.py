"""Frames: short ways to write the packets of the cases with scapy. Nothing is filled in from this machine."""
from scapy.config import conf
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from .config import INTERFACES, VIP4, VIP6

conf.route6_autoconf = False

CLIENT4 = "203.0.113.5"
CLIENT6 = "2001:db8:c::5"
ROUTER4 = "203.0.113.254"
ROUTER6 = "2001:db8:c::fe"
CLIENT_MAC = "02:00:00:00:0c:01"

C_VLAN = 0x8100
S_VLAN = 0x88A8


def ether(*tags, dst=INTERFACES["eth1"], kind=None):
    """Ethernet header from the client's side; each tag is (EtherType of the tag, VLAN id)."""
    if not tags:
        return Ether(dst=dst, src=CLIENT_MAC) if kind is None else Ether(dst=dst, src=CLIENT_MAC, type=kind)
    head = Ether(dst=dst, src=CLIENT_MAC, type=tags[0][0])
    for number, (_, vlan) in enumerate(tags):
        inner = tags[number + 1][0] if number + 1 < len(tags) else kind
        head = head / (Dot1Q(vlan=vlan) if inner is None else Dot1Q(vlan=vlan, type=inner))
    return head


def ip4(**fields):
    return IP(**{"src": CLIENT4, "dst": VIP4, "ttl": 64, "id": 1, **fields})


def ip6(**fields):
    return IPv6(**{"src": CLIENT6, "dst": VIP6, "hlim": 64, "fl": 0, **fields})


def tcp(flags="S", sport=1000, dport=80, **fields):
    return TCP(sport=sport, dport=dport, flags=flags, seq=1, ack=0, window=8192, **fields)


def udp(sport=1000, dport=53, **fields):
    return UDP(sport=sport, dport=dport, **fields)


def tcp4(flags="S", sport=1000, dport=80, payload=b"", tags=(), dst_mac=INTERFACES["eth1"], **ip):
    return ether(*tags, dst=dst_mac) / ip4(**ip) / with_payload(tcp(flags, sport, dport), payload)


def tcp6(flags="S", sport=1000, dport=80, payload=b"", tags=(), dst_mac=INTERFACES["eth1"], **ip):
    return ether(*tags, dst=dst_mac) / ip6(**ip) / with_payload(tcp(flags, sport, dport), payload)


def udp4(sport=1000, dport=53, payload=b"query", tags=(), dst_mac=INTERFACES["eth1"], **ip):
    return ether(*tags, dst=dst_mac) / ip4(**ip) / with_payload(udp(sport, dport), payload)


def udp6(sport=1000, dport=53, payload=b"query", tags=(), dst_mac=INTERFACES["eth1"], **ip):
    return ether(*tags, dst=dst_mac) / ip6(**ip) / with_payload(udp(sport, dport), payload)


def with_payload(layer, payload):
    return layer / Raw(payload) if payload else layer


def l4_bytes(packet):
    """The bytes behind the IP header of a packet without Ethernet, IP options or extension headers."""
    return bytes(packet)[20 if packet.version == 4 else 40 :]


def udp_l4(sport=1000, dport=53, size=40, version=4):
    """UDP header and payload: size bytes in all."""
    ip = ip4 if version == 4 else ip6
    return l4_bytes(ip() / udp(sport, dport) / Raw(bytes(range(size - 8))))


def tcp_l4(flags, sport=1000, size=48, version=4):
    ip = ip4 if version == 4 else ip6
    return l4_bytes(ip() / tcp(flags, sport) / Raw(bytes(range(size - 20))))


def fragments4(l4, cuts, proto=17, tags=(), **ip):
    """IPv4 fragments of a datagram whose payload is l4, cut at these offsets (multiples of 8)."""
    out = []
    for start, end in pieces(l4, cuts):
        more = "MF" if end < len(l4) else 0
        out.append(ether(*tags) / ip4(proto=proto, flags=more, frag=start // 8, **ip) / Raw(l4[start:end]))
    return out


def fragments6(l4, cuts, proto=17, tags=(), id=1, **ip):
    """IPv6 fragments of a datagram whose payload is l4, cut at these offsets (multiples of 8)."""
    out = []
    for start, end in pieces(l4, cuts):
        more = int(end < len(l4))
        head = IPv6ExtHdrFragment(nh=proto, offset=start // 8, m=more, id=id)
        out.append(ether(*tags) / ip6(nh=44, **ip) / head / Raw(l4[start:end]))
    return out


def pieces(l4, cuts):
    edges = [0, *cuts, len(l4)]
    assert all(cut % 8 == 0 for cut in cuts)
    return list(zip(edges, edges[1:]))


def icmp4(quote, type=3, code=1, tags=(), **ip):
    """An ICMP error from a router on the way, quoting these bytes."""
    return ether(*tags) / ip4(**{"src": ROUTER4, **ip}) / ICMP(type=type, code=code) / Raw(bytes(quote))


def quote4(sport=80, dport=1000, src=VIP4, dst=CLIENT4, l4=None, **ip):
    """What a router quotes: the server's answer to the client, as it died on the way (TTL 0)."""
    return ip4(**{"src": src, "dst": dst, "ttl": 0, **ip}) / (tcp("A", sport, dport) if l4 is None else l4)


def quote6(sport=80, dport=1000, src=VIP6, dst=CLIENT6, l4=None, **ip):
    return ip6(**{"src": src, "dst": dst, "hlim": 0, **ip}) / (tcp("A", sport, dport) if l4 is None else l4)


def icmp6(error, quote, tags=(), **ip):
    """An ICMPv6 error (a scapy ICMPv6 layer) from a router on the way, quoting these bytes."""
    return ether(*tags) / ip6(**{"src": ROUTER6, **ip}) / error / Raw(bytes(quote))
