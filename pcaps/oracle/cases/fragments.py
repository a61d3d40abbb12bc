"""Fragments: later ones follow their first, in any order of arrival, within the bounds."""
from scapy.layers.inet import ICMP, IPOption_NOP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN
from scapy.packet import Raw

from ..case import ADOPTED, CREATED, Case
from ..config import VIP4, VIP6, any_protocol, basic, servers
from ..frames import (
    C_VLAN,
    CLIENT4,
    CLIENT6,
    ROUTER4,
    ROUTER6,
    S_VLAN,
    ether,
    fragments4,
    fragments6,
    ip4,
    ip6,
    l4_bytes,
    quote4,
    quote6,
    tcp,
    tcp4,
    udp,
    udp4,
)


def udp_l4(sport=1000, dport=53, size=40, version=4):
    """UDP header and payload as bytes: size bytes in all."""
    ip = ip4 if version == 4 else ip6
    return l4_bytes(ip() / udp(sport, dport) / Raw(bytes(range(size - 8))))


def tcp_l4(flags, sport=1000, size=48, version=4):
    ip = ip4 if version == 4 else ip6
    return l4_bytes(ip() / tcp(flags, sport) / Raw(bytes(range(size - 20))))


def spare():
    s1, s2 = servers(2)
    s2.state = "draining"
    return [s1, s2]


def turn(case, at_ms):
    case.event(at_ms, "drain", "s1")
    case.event(at_ms, "activate", "s2")


def case_in_order():
    sentence = "Later fragments follow their first one's nexthop, IPv4 and IPv6, though their own addresses would go elsewhere."
    case = Case("fragment-in-order", sentence, basic(spare()))
    first4, middle4, last4 = fragments4(udp_l4(), [16, 32])
    first6, middle6, last6 = fragments6(udp_l4(version=6), [16, 32])
    case.send(0, first4).to("s1", CREATED)
    case.send(0, first6).to("s1", CREATED)
    turn(case, 1)
    case.send(2, middle4).to("s1")
    case.send(3, middle6).to("s1")
    case.send(4, last6).to("s1")
    case.send(5, last4).to("s1")
    return case.end(live={"s1": 2})


def case_first_is_of_a_known_flow():
    sentence = "The first fragment is a packet of its flow as any other: it and its later ones go to the flow's nexthop."
    case = Case("fragment-known-flow", sentence, basic(spare()))
    case.send(0, udp4()).to("s1", CREATED)
    turn(case, 1)
    for number, frame in enumerate(fragments4(udp_l4(), [16, 32], id=9)):
        case.send(2 + number, frame).to("s1")
    return case.end(live={"s1": 1})


def case_tcp():
    sentence = "A fragmented TCP segment counts by the flags of its first fragment; the later ones change no state."
    case = Case("fragment-tcp", sentence, basic())
    first, last = fragments4(tcp_l4("PA"), [24], proto=6)
    case.send(0, first).to("s1", ADOPTED)
    case.send(1, last).to("s1")
    first, last = fragments4(tcp_l4("FA"), [24], proto=6, id=2)
    case.send(2, first).to("s1")
    case.send(3, last).to("s1")
    case.send(4, tcp4("S")).to("s1", CREATED)
    return case.end(closed=1, live=1)


def case_later_first():
    sentence = "Later fragments that come before their first are held and leave in order of arrival, before it."
    case = Case("fragment-later-before-first", sentence, basic(spare()))
    first, middle, last = fragments4(udp_l4(), [16, 32])
    held = [case.send(0, last), case.send(1, middle)]
    case.send(2, tcp4("S")).to("s1", CREATED)
    came = case.send(3, first)
    for frame in held:
        frame.to("s1")
    came.to("s1", CREATED)
    return case.end(live={"s1": 2})


def case_later_first_v6():
    sentence = "IPv6 fragments in reverse order are held and leave in order of arrival, before their first."
    case = Case("fragment6-later-before-first", sentence, basic())
    first, second, third, fourth = fragments6(udp_l4(size=80, version=6), [16, 32, 48])
    sent = [case.send(number, frame) for number, frame in enumerate((fourth, third, second, first))]
    for number, frame in enumerate(sent):
        frame.to("s1", CREATED if number == 3 else None)
    return case.end(live=1)


def case_around_first():
    sentence = "Fragments before and after their first: what came before leaves before it, what comes after leaves at once."
    case = Case("fragment-around-first", sentence, basic())
    first, second, third, fourth = fragments4(udp_l4(size=80), [16, 32, 48])
    early = case.send(0, third)
    came = case.send(1, first)
    early.to("s1")
    came.to("s1", CREATED)
    case.send(2, fourth).to("s1")
    case.send(3, second).to("s1")
    return case.end(live=1)


def case_first_missing():
    sentence = "Later fragments whose first doesn't come within a second leave by the bucket of their addresses, not pinned."
    case = Case("fragment-first-missing", sentence, basic(spare()))
    _, middle, last = fragments4(udp_l4(), [16, 32])
    held = [case.send(0, last), case.send(100, middle)]
    case.send(500, tcp4("S", sport=1)).to("s1", CREATED)
    for frame in held:
        frame.to("s1")
    case.send(1_200, tcp4("S", sport=2)).to("s1", CREATED)
    return case.end(live={"s1": 2})


def case_held_at_the_end():
    sentence = "Fragments that are still held when the capture ends leave by the bucket of their addresses: none is lost."
    case = Case("fragment-held-at-end", sentence, basic())
    _, last4 = fragments4(udp_l4(), [16])
    _, last6 = fragments6(udp_l4(version=6), [16])
    held = [case.send(0, last4), case.send(1, last6)]
    case.send(2, tcp4("S")).to("s1", CREATED)
    for frame in held:
        frame.to("s1")
    return case.end(live=1)


def case_first_within_the_second():
    sentence = "A first fragment 990 ms after its later one finds it still held."
    case = Case("fragment-held-990-ms", sentence, basic(spare()))
    first, last = fragments4(udp_l4(), [16])
    held = case.send(0, last)
    case.send(989, tcp4("S")).to("s1", CREATED)
    came = case.send(990, first)
    held.to("s1")
    came.to("s1", CREATED)
    return case.end(live={"s1": 2})


def case_late_first():
    sentence = "A first fragment after the second is over is served as any packet; those that waited for it have left."
    case = Case("fragment-first-too-late", sentence, basic())
    first, last = fragments4(udp_l4(), [16])
    case.send(0, last).to("s1")
    case.send(1_500, first).to("s1", CREATED)
    return case.end(live=1)


def case_bound():
    sentence = "1024 fragments are held; the next ones leave at once by the bucket of their addresses."
    case = Case("fragment-bound-1024", sentence, basic())
    first, last = fragments4(udp_l4(size=24), [16])
    held = [case.send(number // 4, ether() / ip4(proto=17, frag=2, id=number) / Raw(b"%08d" % number)) for number in range(1024)]
    for number in (1024, 1025):
        case.send(300, ether() / ip4(proto=17, frag=2, id=number) / Raw(b"%08d" % number)).to("s1")
    first.getlayer(1).id = 5
    came = case.send(400, first)
    held[5].to("s1")
    came.to("s1", CREATED)
    # one place is free again
    again = case.send(401, ether() / ip4(proto=17, frag=2, id=2000) / Raw(b"again..."))
    for number, frame in enumerate(held):
        if number != 5:
            frame.to("s1")
    again.to("s1")
    return case.end(live=1)


def case_interleaved():
    sentence = "Datagrams that are interleaved are told apart by source, destination, protocol and identification."
    case = Case("fragment-interleaved", sentence, basic(spare()))
    a = fragments4(udp_l4(sport=1), [16, 32], id=1)
    b = fragments4(udp_l4(sport=2), [16, 32], id=2)
    c = fragments4(udp_l4(sport=3), [16, 32], id=1, src="203.0.113.6")
    d = fragments4(tcp_l4("A", sport=4), [24, 40], proto=6, id=1)
    case.send(0, a[0]).to("s1", CREATED)
    case.send(0, d[0]).to("s1", ADOPTED)
    turn(case, 1)
    case.send(2, b[0]).to("s2", CREATED)
    case.send(3, c[0]).to("s2", CREATED)
    for number, (frame, nexthop) in enumerate(
        [(a[1], "s1"), (b[1], "s2"), (c[1], "s2"), (d[1], "s1"), (d[2], "s1"), (c[2], "s2"), (b[2], "s2"), (a[2], "s1")]
    ):
        case.send(4 + number, frame).to(nexthop)
    return case.end(live={"s1": 2, "s2": 2})


def case_v6_ids():
    sentence = "All 32 bits of an IPv6 identification count."
    case = Case("fragment6-identification", sentence, basic(spare()))
    a = fragments6(udp_l4(sport=1, version=6), [16], id=0x00010005)
    b = fragments6(udp_l4(sport=2, version=6), [16], id=0x00020005)
    case.send(0, a[0]).to("s1", CREATED)
    turn(case, 1)
    case.send(2, b[0]).to("s2", CREATED)
    case.send(3, a[1]).to("s1")
    case.send(4, b[1]).to("s2")
    return case.end(live={"s1": 1, "s2": 1})


def case_fate_punt():
    sentence = "Later fragments share the fate of a first that is the kernel's: a fragmented echo request, a port without service."
    case = Case("fragment-fate-punt", sentence, any_protocol())
    case.config.services[0].ports = [53]
    echo = bytes(ICMP(type=8) / Raw(bytes(range(32))))
    first, last = fragments4(echo, [16], proto=1, id=1)
    case.send(0, first).punt()
    case.send(1, last).punt()
    first, last = fragments4(echo, [16], proto=1, id=2)
    held = case.send(2, last)
    came = case.send(3, first)
    held.punt()
    came.punt()
    first, last = fragments4(udp_l4(dport=99), [16], id=3)
    case.send(4, first).punt()
    case.send(5, last).punt()
    first, last = fragments4(udp_l4(dport=99), [16], id=4)
    held = case.send(6, last)
    came = case.send(7, first)
    held.punt()
    came.punt()
    return case.end()


def case_first_malformed_without_service():
    sentence = "A first fragment cut within its L4 header, behind ports without a service, is the kernel's with its later ones."
    case = Case("fragment-first-cut-no-service", sentence, basic())
    first, last = fragments4(udp_l4(dport=99), [16], id=1)
    tcp_first, tcp_last = fragments4(l4_bytes(ip4() / tcp("S", dport=81)), [8], proto=6, id=2)
    case.send(0, first).punt()
    case.send(1, last).punt()
    case.send(2, tcp_first).punt()
    case.send(3, tcp_last).punt()
    return case.end()


def case_fate_drop():
    sentence = "Later fragments of a dropped first are dropped for the same reason, whichever came first."
    case = Case("fragment-fate-drop", sentence, basic())
    case.config.groups[0].nexthops[0].state = "draining"
    first, last = fragments4(udp_l4(), [16], id=1)
    case.send(0, first).drop("no_nexthop")
    case.send(1, last).drop("no_nexthop")
    first, last = fragments6(udp_l4(version=6), [16], id=2)
    held = case.send(2, last)
    came = case.send(3, first)
    held.drop("no_nexthop")
    came.drop("no_nexthop")
    return case.end()


def case_first_without_header():
    sentence = "A first fragment without its whole L4 header is a drop, first_fragment_header, and so are its later ones."
    case = Case("drop-first-fragment-header", sentence, basic())
    reason = "first_fragment_header"
    for number, cut in enumerate((8, 16)):
        first, last = fragments4(tcp_l4("S"), [cut], proto=6, id=number)
        case.send(number, first).drop(reason)
        case.send(number, last).drop(reason)
    first, last = fragments6(tcp_l4("S", version=6), [16], proto=6, id=1)
    held = case.send(2, last)
    came = case.send(3, first)
    held.drop(reason)
    came.drop(reason)
    # TCP options beyond the fragment are part of the header
    options = l4_bytes(ip4() / tcp("S", options=[("NOP", None)] * 20))
    first, last = fragments4(options, [32], proto=6, id=5)
    case.send(4, first).drop(reason)
    case.send(5, last).drop(reason)
    return case.end()


def case_first_too_short():
    sentence = "A first fragment with less than a UDP header, or an ICMP error's 8 bytes, is a drop: first_fragment_header."
    case = Case("fragment-first-short", sentence, basic())
    reason = "first_fragment_header"
    case.send(0, ether() / ip4(proto=17, flags="MF", id=1) / Raw(udp_l4()[:7])).drop(reason)
    case.send(1, ether() / ip4(proto=17, flags="MF", id=2)).drop(reason)
    case.send(2, ether() / ip6(nh=44) / IPv6ExtHdrFragment(nh=17, m=1, id=3) / Raw(udp_l4()[:7])).drop(reason)
    case.send(3, ether() / ip4(proto=1, flags="MF", id=4) / Raw(b"\x03\x01\x00\x00")).drop(reason)
    return case.end()


def case_first_extensions_cut():
    sentence = "An IPv6 first fragment whose extension headers go on in the next one is a drop: first_fragment_header."
    case = Case("fragment6-first-extensions-cut", sentence, basic())
    body = bytes(IPv6ExtHdrDestOpt(nh=17, options=[PadN(optdata=bytes(20))])) + udp_l4(version=6)
    first, last = fragments6(body, [16], proto=60, id=1)
    case.send(0, first).drop("first_fragment_header")
    case.send(1, last).drop("first_fragment_header")
    return case.end()


def case_extensions_in_fragment():
    sentence = "Extension headers before and behind the fragment header are looked through in a first fragment."
    case = Case("fragment6-extensions", sentence, basic(spare()))
    pad = IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))])
    body = bytes(IPv6ExtHdrDestOpt(nh=17, options=[PadN(optdata=bytes(4))])) + udp_l4(version=6)
    first = ether() / ip6() / pad / IPv6ExtHdrFragment(nh=60, m=1, id=1) / Raw(body[:32])
    last = ether() / ip6() / pad / IPv6ExtHdrFragment(nh=60, offset=4, id=1) / Raw(body[32:])
    case.send(0, first).to("s1", CREATED)
    turn(case, 1)
    case.send(2, last).to("s1")
    case.send(3, udp6_packet()).to("s1")
    return case.end(live={"s1": 1})


def udp6_packet():
    return ether() / ip6() / udp() / Raw(b"query")


def case_options_in_fragments():
    case = Case("fragment-ipv4-options", "Fragments with IPv4 options follow their first like any.", basic(spare()))
    l4 = udp_l4()
    first = ether() / ip4(proto=17, flags="MF", options=[IPOption_NOP()] * 4) / Raw(l4[:16])
    last = ether() / ip4(proto=17, frag=2, options=[IPOption_NOP()] * 8) / Raw(l4[16:])
    case.send(0, first).to("s1", CREATED)
    turn(case, 1)
    case.send(2, last).to("s1")
    return case.end(live={"s1": 1})


def case_qinq():
    sentence = "Fragments behind two VLAN tags are held and follow their first like any, tags untouched."
    case = Case("fragment-qinq", sentence, basic())
    tags = [(S_VLAN, 10), (C_VLAN, 20)]
    first, last = fragments4(udp_l4(), [16], tags=tags)
    held = case.send(0, last)
    came = case.send(1, first)
    held.to("s1")
    came.to("s1", CREATED)
    first, last = fragments6(udp_l4(version=6), [16], tags=tags)
    case.send(2, first).to("s1", CREATED)
    case.send(3, last).to("s1")
    return case.end(live=2)


def case_tiny_later():
    sentence = "A later fragment may be tiny, even empty, and its bytes look like anything: no L4 header is read in it."
    case = Case("fragment-later-tiny", sentence, basic())
    first, _ = fragments4(udp_l4(), [16])
    case.send(0, first).to("s1", CREATED)
    case.send(1, ether() / ip4(proto=17, frag=2, flags="MF")).to("s1")
    case.send(2, ether() / ip4(proto=17, frag=2) / Raw(b"\x00")).to("s1")
    case.send(3, ether() / ip4(proto=17, frag=8191) / Raw(b"\xff\xff\xff\xff\x00\x00\x00\x00")).to("s1")
    return case.end(live=1)


def case_no_vip():
    sentence = "Fragments for an address that is no VIP are the kernel's at once: nothing is held for them."
    case = Case("fragment-no-vip", sentence, basic())
    first, last = fragments4(udp_l4(), [16], dst="192.0.2.99")
    case.send(0, last).punt()
    case.send(1, first).punt()
    first, last = fragments6(udp_l4(version=6), [16], dst="2001:db8:0:1::99")
    case.send(2, last).punt()
    case.send(3, first).punt()
    return case.end()


def case_ttl():
    sentence = "A later fragment with a TTL of 1 is the kernel's, also when its first was forwarded."
    case = Case("fragment-ttl", sentence, basic())
    first, last = fragments4(udp_l4(), [16])
    case.send(0, first).to("s1", CREATED)
    last.getlayer(1).ttl = 1
    case.send(1, last).punt()
    last = last.copy()
    last.getlayer(1).ttl = 64
    case.send(2, last).to("s1")
    return case.end(live=1)


def case_icmp_error():
    sentence = "A fragmented ICMP error follows the flow that its first fragment quotes, and its later ones follow it."
    case = Case("fragment-icmp-error", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    turn(case, 1)
    error = bytes(ICMP(type=3, code=4) / Raw(bytes(quote4() / Raw(bytes(40)))))
    first, last = fragments4(error, [48], proto=1, src=ROUTER4)
    case.send(2, first).to("s1")
    case.send(3, last).to("s1")
    return case.end(live={"s1": 1})


def case_other_protocol():
    sentence = "Fragments of a protocol without ports: the first is its flow's packet, the later ones follow it."
    case = Case("fragment-other-protocol", sentence, any_protocol(spare()))
    first, last = fragments4(bytes(range(48)), [16], proto=50)
    case.send(0, first).to("s1", CREATED)
    turn(case, 1)
    case.send(2, last).to("s1")
    return case.end(live={"s1": 1})


def case_nexthop_down():
    sentence = "A later fragment whose first one's nexthop went down meanwhile goes by the bucket of its addresses."
    case = Case("fragment-nexthop-down", sentence, basic(spare()))
    first, middle, last = fragments4(udp_l4(), [16, 32])
    case.send(0, first).to("s1", CREATED)
    case.send(1, middle).to("s1")
    case.event(2, "activate", "s2")
    case.event(2, "down", "s1")
    case.send(3, last).to("s2")
    return case.end(live={"s1": 1})


def case_first_twice():
    sentence = "An identification used again belongs to the first fragment that came last."
    case = Case("fragment-id-again", sentence, basic(spare()))
    a = fragments4(udp_l4(sport=1), [16])
    b = fragments4(udp_l4(sport=2), [16])
    case.send(0, a[0]).to("s1", CREATED)
    case.send(1, a[1]).to("s1")
    turn(case, 2)
    case.send(3, b[0]).to("s2", CREATED)
    case.send(4, b[1]).to("s2")
    return case.end(live={"s1": 1, "s2": 1})
