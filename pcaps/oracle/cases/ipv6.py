"""IPv6: extension headers, hop limit, flow label, and headers that are wrong."""
from scapy.layers.inet import UDP
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN
from scapy.packet import Raw

from ..case import ADOPTED, CREATED, Case
from ..config import VIP6, basic
from ..frames import CLIENT6, C_VLAN, ether, ip6, tcp, tcp6, udp, udp6

HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION, TCP_PROTOCOL, UDP_PROTOCOL = 0, 43, 44, 60, 6, 17


def chain(*headers, l4=None, **ip):
    """An IPv6 packet with these extension headers before its L4 header."""
    packet = ether() / ip6(**ip)
    for header in headers:
        packet = packet / header
    return packet / (tcp("S") if l4 is None else l4)


def hop_by_hop(size=4):
    return IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(size))])


def destination(size=4):
    return IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(size))])


def routing(segments_left=0, addresses=(CLIENT6,)):
    return IPv6ExtHdrRouting(type=0, addresses=list(addresses), segleft=segments_left)


def atomic(id=7):
    return IPv6ExtHdrFragment(offset=0, m=0, id=id)


def case_each_extension():
    sentence = "Each IPv6 extension header (hop-by-hop, routing, destination options, atomic fragment) is looked through."
    case = Case("ipv6-extension-each", sentence, basic())
    for sport, header in enumerate([hop_by_hop(), routing(), destination(), atomic()]):
        case.send(sport, chain(header, l4=tcp("S", sport=sport))).to("s1", CREATED)
        case.send(sport, chain(header, l4=udp(sport=sport) / Raw(b"query"))).to("s1", CREATED)
    return case.end(live=8)


def case_all_extensions():
    sentence = "All extension headers in the order of RFC 8200, of several lengths, are looked through."
    case = Case("ipv6-extension-all", sentence, basic())
    headers = [hop_by_hop(36), destination(12), routing(0, [CLIENT6, VIP6]), atomic(), destination(252)]
    case.send(0, chain(*headers)).to("s1", CREATED)
    case.send(1, chain(destination(), destination(), routing(), destination(), l4=tcp("A"))).to("s1")
    case.send(2, tcp6("A")).to("s1")
    return case.end(live=1)


def case_extensions_at_bound():
    case = Case("ipv6-extension-eight", "Eight extension headers are followed, whichever they are.", basic())
    case.send(0, chain(*[destination()] * 8)).to("s1", CREATED)
    case.send(1, chain(hop_by_hop(), *[destination()] * 6, routing(), l4=tcp("A"))).to("s1")
    case.send(2, chain(hop_by_hop(), *[destination()] * 6, atomic(), l4=tcp("A"))).to("s1")
    return case.end(live=1)


def case_extensions_over_bound():
    sentence = "More than eight extension headers are a drop: ipv6_extension_count."
    case = Case("drop-ipv6-extension-count", sentence, basic())
    case.send(0, chain(*[destination()] * 9)).drop("ipv6_extension_count")
    case.send(1, chain(hop_by_hop(), *[destination()] * 7, atomic())).drop("ipv6_extension_count")
    case.send(2, chain(*[destination()] * 40)).drop("ipv6_extension_count")
    return case.end()


def case_extension_cut():
    sentence = "An extension header that the datagram cuts, or hop-by-hop options not in front: ipv6_extension_header."
    case = Case("drop-ipv6-extension-header", sentence, basic())
    reason = "ipv6_extension_header"
    for kind in (HOP_BY_HOP, ROUTING, DESTINATION):
        case.send(0, ether() / ip6(nh=kind)).drop(reason)
        case.send(0, ether() / ip6(nh=kind) / Raw(b"\x06")).drop(reason)
        case.send(0, ether() / ip6(nh=kind) / Raw(b"\x06\x00\x01\x04\x00\x00\x00")).drop(reason)
        case.send(0, ether() / ip6(nh=kind) / Raw(b"\x06\x01" + bytes(13))).drop(reason)
        case.send(0, ether() / ip6(nh=kind) / Raw(b"\x06\xff" + bytes(200))).drop(reason)
    case.send(0, ether() / ip6(nh=FRAGMENT) / Raw(b"\x06\x00\x00\x00\x00\x00\x00")).drop(reason)
    case.send(1, chain(destination(), hop_by_hop())).drop(reason)
    case.send(1, chain(hop_by_hop(), hop_by_hop())).drop(reason)
    return case.end()


def case_two_fragment_headers():
    case = Case("ipv6-two-fragment-headers", "A second fragment header is a drop: ipv6_extension_header.", basic())
    case.send(0, chain(atomic(1), atomic(2))).drop("ipv6_extension_header")
    return case.end()


def case_routing_segments_left():
    sentence = "A routing header with segments left is the kernel's, whatever follows it; with none left it is looked through."
    case = Case("ipv6-routing-segments-left", sentence, basic())
    case.send(0, chain(routing(segments_left=1))).punt()
    case.send(1, chain(hop_by_hop(), routing(segments_left=2, addresses=[CLIENT6, VIP6]))).punt()
    segment_routing = bytes([TCP_PROTOCOL, 2, 4, 1, 0, 0, 0, 0]) + bytes(16)
    case.send(2, ether() / ip6(nh=ROUTING) / Raw(segment_routing + bytes(tcp("S")))).punt()
    case.send(3, chain(routing(segments_left=1), l4=Raw(b"\x00"))).punt()
    case.send(4, chain(routing(segments_left=0))).to("s1", CREATED)
    return case.end(live=1)


def case_atomic_fragment():
    sentence = "An atomic fragment (offset 0, no more) is no fragment (RFC 6946): same flow as without the header."
    case = Case("ipv6-atomic-fragment", sentence, basic())
    case.send(0, chain(atomic(1))).to("s1", CREATED)
    case.send(1, chain(atomic(1), l4=tcp("A"))).to("s1")
    case.send(2, tcp6("A")).to("s1")
    cut = Raw(bytes(tcp("A"))[:19])
    case.send(3, ether() / ip6(nh=FRAGMENT) / IPv6ExtHdrFragment(nh=TCP_PROTOCOL, id=9) / cut).drop("tcp_header")
    cut = Raw(bytes(udp())[:7])
    case.send(4, ether() / ip6(nh=FRAGMENT) / IPv6ExtHdrFragment(nh=UDP_PROTOCOL, id=9) / cut).drop("udp_header")
    return case.end(live=1)


def case_hop_limit():
    case = Case("ipv6-hop-limit", "Hop limit 2 and 255 are forwarded one less; 1 and 0 are the kernel's.", basic())
    case.send(0, tcp6("S", hlim=2)).to("s1", CREATED)
    case.send(1, tcp6("A", hlim=255)).to("s1")
    case.send(2, tcp6("A", hlim=1)).punt()
    case.send(3, tcp6("A", hlim=0)).punt()
    case.send(4, udp6(hlim=1, tags=[(C_VLAN, 5)])).punt()
    case.send(5, ether() / ip6(hlim=1, plen=3000, nh=6) / tcp("S")).punt()
    return case.end(live=1)


def case_flow_label():
    sentence = "Flow label and traffic class that change in mid-flow change nothing: same flow, same nexthop."
    case = Case("ipv6-flow-label", sentence, basic())
    case.send(0, tcp6("S", fl=0x12345)).to("s1", CREATED)
    case.send(1, tcp6("A", fl=0)).to("s1")
    case.send(2, tcp6("A", fl=0xFFFFF, tc=0xB8)).to("s1")
    case.send(3, tcp6("A", tc=0x03)).to("s1")
    return case.end(live=1)


def case_payload_length():
    sentence = "An IPv6 payload length beyond the frame is a drop: ipv6_payload_length."
    case = Case("drop-ipv6-payload-length", sentence, basic())
    for length in (21, 1000, 65535):
        case.send(0, ether() / ip6(plen=length, nh=6) / tcp("S")).drop("ipv6_payload_length")
    case.send(0, bytes(tcp6("S"))[:73]).drop("ipv6_payload_length")
    case.send(0, bytes(tcp6("S"))[:54]).drop("ipv6_payload_length")
    return case.end()


def case_payload_length_short():
    sentence = "An IPv6 payload that ends within the L4 header, or before it, is a drop of that protocol."
    case = Case("ipv6-short-payload", sentence, basic())
    case.send(0, ether() / ip6(nh=6)).drop("tcp_header")
    case.send(0, ether() / ip6(nh=17)).drop("udp_header")
    case.send(0, ether() / ip6(nh=58)).drop("icmp_header")
    case.send(0, ether() / ip6(plen=0, nh=6) / tcp("S")).drop("tcp_header")
    case.send(0, ether() / ip6(plen=27, nh=60) / destination() / tcp("S")).drop("tcp_header")
    return case.end()


def case_behind_extensions_malformed():
    sentence = "A TCP or UDP header that is wrong behind extension headers is a drop all the same."
    case = Case("ipv6-extension-l4-wrong", sentence, basic())
    case.send(0, chain(hop_by_hop(), destination(), l4=tcp("S", dataofs=4))).drop("tcp_header")
    case.send(1, chain(destination(), l4=UDP(sport=1, dport=53, len=7))).drop("udp_header")
    return case.end()


def case_adopted_behind_extensions():
    case = Case("ipv6-extension-adopted", "A flow is adopted behind extension headers as without.", basic())
    case.send(0, chain(destination(), l4=tcp("A"))).to("s1", ADOPTED)
    case.send(1, tcp6("A")).to("s1")
    return case.end(live=1)
