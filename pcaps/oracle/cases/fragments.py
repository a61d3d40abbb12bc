"""Fragments: later ones follow their first, in any order of arrival, within the bounds."""
from scapy.layers.inet import IPOption_NOP
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN
from scapy.packet import Raw

from ..case import ADOPTED, CREATED, Case
from ..config import any_protocol, basic, spare
from ..frames import C_VLAN, S_VLAN, ether, fragments4, fragments6, ip4, ip6, tcp4, tcp_l4, udp, udp4, udp_l4


def case_in_order():
    sentence = "Later fragments follow their first one's nexthop, IPv4 and IPv6, though their own addresses would go elsewhere."
    case = Case("fragment-in-order", sentence, basic(spare()))
    first4, middle4, last4 = fragments4(udp_l4(), [16, 32])
    first6, middle6, last6 = fragments6(udp_l4(version=6), [16, 32])
    case.send(0, first4).to("s1", CREATED)
    case.send(0, first6).to("s1", CREATED)
    case.turn(1)
    case.send(2, middle4).to("s1")
    case.send(3, middle6).to("s1")
    case.send(4, last6).to("s1")
    case.send(5, last4).to("s1")
    return case.end(live={"s1": 2})


def case_first_is_of_a_known_flow():
    sentence = "The first fragment is a packet of its flow as any other: it and its later ones go to the flow's nexthop."
    case = Case("fragment-known-flow", sentence, basic(spare()))
    case.send(0, udp4()).to("s1", CREATED)
    case.turn(1)
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
    later = [ether() / ip4(proto=17, frag=2, id=number) / Raw(b"%08d" % number) for number in range(1026)]
    held = [case.send(number // 4, frame) for number, frame in enumerate(later[:1024])]
    for frame in later[1024:]:
        case.send(300, frame).to("s1")
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
    case.turn(1)
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
    case.turn(1)
    case.send(2, b[0]).to("s2", CREATED)
    case.send(3, a[1]).to("s1")
    case.send(4, b[1]).to("s2")
    return case.end(live={"s1": 1, "s2": 1})


def case_extensions_in_fragment():
    sentence = "Extension headers before and behind the fragment header are looked through in a first fragment."
    case = Case("fragment6-extensions", sentence, basic(spare()))
    pad = IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))])
    body = bytes(IPv6ExtHdrDestOpt(nh=17, options=[PadN(optdata=bytes(4))])) + udp_l4(version=6)
    first = ether() / ip6() / pad / IPv6ExtHdrFragment(nh=60, m=1, id=1) / Raw(body[:32])
    last = ether() / ip6() / pad / IPv6ExtHdrFragment(nh=60, offset=4, id=1) / Raw(body[32:])
    case.send(0, first).to("s1", CREATED)
    case.turn(1)
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
    case.turn(1)
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


def case_other_protocol():
    sentence = "Fragments of a protocol without ports: the first is its flow's packet, the later ones follow it."
    case = Case("fragment-other-protocol", sentence, any_protocol(spare()))
    first, last = fragments4(bytes(range(48)), [16], proto=50)
    case.send(0, first).to("s1", CREATED)
    case.turn(1)
    case.send(2, last).to("s1")
    return case.end(live={"s1": 1})


def case_first_twice():
    sentence = "An identification used again belongs to the first fragment that came last."
    case = Case("fragment-id-again", sentence, basic(spare()))
    a = fragments4(udp_l4(sport=1), [16])
    b = fragments4(udp_l4(sport=2), [16])
    case.send(0, a[0]).to("s1", CREATED)
    case.send(1, a[1]).to("s1")
    case.turn(2)
    case.send(3, b[0]).to("s2", CREATED)
    case.send(4, b[1]).to("s2")
    return case.end(live={"s1": 1, "s2": 1})
