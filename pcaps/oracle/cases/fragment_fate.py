"""Fragments share the fate of their first: punts, drops, ICMP errors, a nexthop that goes down."""
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN
from scapy.packet import Raw

from ..case import CREATED, Case
from ..config import any_protocol, basic, spare
from ..frames import ROUTER4, ether, fragments4, fragments6, ip4, ip6, l4_bytes, quote4, tcp, tcp4, tcp_l4, udp_l4


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


def case_icmp_error():
    sentence = "A fragmented ICMP error follows the flow that its first fragment quotes, and its later ones follow it."
    case = Case("fragment-icmp-error", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.turn(1)
    error = bytes(ICMP(type=3, code=4) / Raw(bytes(quote4() / Raw(bytes(40)))))
    first, last = fragments4(error, [48], proto=1, src=ROUTER4)
    case.send(2, first).to("s1")
    case.send(3, last).to("s1")
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
