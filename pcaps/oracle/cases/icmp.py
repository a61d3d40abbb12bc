"""ICMP and ICMPv6 errors: they follow the flow of the packet that they quote."""
from scapy.layers.inet import ICMP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6PacketTooBig,
    ICMPv6ParamProblem,
    ICMPv6TimeExceeded,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.packet import Raw

from ..case import ADOPTED, CREATED, MOVED, Case
from ..config import Config, Group, Nexthop, Service, VIP4, any_protocol, basic, servers, spare
from ..frames import (
    CLIENT4,
    C_VLAN,
    ROUTER6,
    S_VLAN,
    ether,
    icmp4,
    icmp6,
    ip4,
    ip6,
    quote4,
    quote6,
    tcp,
    tcp4,
    tcp6,
    udp,
    udp4,
    udp6,
)

ERRORS4 = {3: range(16), 11: (0, 1), 12: (0, 1, 2)}
ERRORS6 = (ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded, ICMPv6ParamProblem)


def turned(name, sentence, config=None):
    """A case whose known flows (port 1000, both families) are on s1 while everything unknown goes to s2."""
    case = Case(name, sentence, config or basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(0, tcp6("S")).to("s1", CREATED)
    case.event(5, "drain", "s1")
    case.event(5, "activate", "s2")
    return case


def case_known_v4():
    sentence = "ICMP errors of types 3, 11 and 12, every code, follow the known flow that they quote, not the bucket."
    case = turned("icmp4-known-flow", sentence)
    for kind, codes in ERRORS4.items():
        for code in codes:
            case.send(10, icmp4(quote4(), type=kind, code=code)).to("s1")
    return case.end(live={"s1": 2})


def case_known_v6():
    sentence = "ICMPv6 errors of types 1 to 4 follow the known flow that they quote, not the bucket."
    case = turned("icmp6-known-flow", sentence)
    for error in ERRORS6:
        case.send(10, icmp6(error(), quote6())).to("s1")
        case.send(10, icmp6(error(code=1), quote6())).to("s1")
    return case.end(live={"s1": 2})


def case_unknown():
    sentence = "An ICMP error about an unknown flow goes by bucket and isn't pinned: the flow is created by its own packet."
    case = turned("icmp-unknown-flow", sentence)
    case.send(10, icmp4(quote4(dport=2000))).to("s2")
    case.send(11, icmp6(ICMPv6PacketTooBig(), quote6(dport=2000))).to("s2")
    case.send(12, tcp4("S", sport=2000)).to("s2", CREATED)
    case.send(13, tcp6("A", sport=2000)).to("s2", ADOPTED)
    return case.end(live={"s1": 2, "s2": 2})


def case_nexthop_down():
    sentence = "An ICMP error whose flow's nexthop is down goes by bucket and doesn't move the flow; its next packet does."
    case = Case("icmp-nexthop-down", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.event(5, "activate", "s2")
    case.event(5, "down", "s1")
    case.send(10, icmp4(quote4())).to("s2")
    case.send(11, tcp4("A")).to("s2", MOVED)
    case.send(12, icmp4(quote4())).to("s2")
    return case.end(live={"s2": 1})


def case_not_moved_by_icmp():
    sentence = "An ICMP error during a short outage leaves the flow where it was: after up it is served by the same nexthop."
    case = Case("icmp-nexthop-down-up", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.event(5, "activate", "s2")
    case.event(5, "down", "s1")
    case.event(15, "up", "s1")
    case.send(10, icmp4(quote4())).to("s2")
    case.send(20, tcp4("A")).to("s1")
    return case.end(live={"s1": 1})


def case_no_nexthop():
    sentence = "An ICMP error for a group that nobody serves is a drop: no_nexthop."
    nexthops = servers(1)
    nexthops[0].state = "draining"
    case = Case("icmp-no-nexthop", sentence, basic(nexthops))
    case.send(0, icmp4(quote4())).drop("no_nexthop")
    case.send(1, icmp6(ICMPv6DestUnreach(), quote6())).drop("no_nexthop")
    return case.end()


def case_does_not_refresh():
    sentence = "ICMP errors don't refresh their flow: it is over when its own packets have been away for the timeout."
    case = Case("icmp-no-refresh", sentence, basic())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(9_000, icmp4(quote4())).to("s1")
    case.send(10_001, tcp4("A")).to("s1", ADOPTED)
    return case.end(expired=1, live=1)


def case_does_not_close():
    sentence = "A quoted RST, FIN or SYN changes nothing about the flow: it is the quote's, not the flow's."
    case = Case("icmp-quoted-flags", sentence, basic())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1, tcp4("A")).to("s1")
    for flags in ("R", "FA", "S", "SA"):
        case.send(2, icmp4(quote4(l4=tcp(flags, 80, 1000)))).to("s1")
    case.send(3, tcp4("S")).to("s1")
    case.send(20_000, tcp4("A")).to("s1")
    return case.end(live=1)


def case_cut_quote():
    sentence = "A quote may end after 8 bytes of L4: the ports are all that is needed."
    case = turned("icmp-quote-8-bytes", sentence)
    case.send(10, icmp4(bytes(quote4())[:28])).to("s1")
    case.send(11, icmp6(ICMPv6TimeExceeded(), bytes(quote6())[:48])).to("s1")
    return case.end(live={"s1": 2})


def case_quote_options():
    sentence = "A quoted packet may carry IPv4 options or IPv6 extension headers: its ports are found behind them."
    case = turned("icmp-quote-options", sentence)
    for count in (4, 20, 40):
        quote = quote4(options=[IPOption_NOP()] * count)
        case.send(10, icmp4(bytes(quote)[: 20 + count + 8])).to("s1")
    pad = [PadN(optdata=bytes(4))]
    for headers in (
        [IPv6ExtHdrHopByHop(options=pad)],
        [IPv6ExtHdrDestOpt(options=pad)],
        [IPv6ExtHdrRouting(addresses=[ROUTER6], segleft=0)],
        [IPv6ExtHdrHopByHop(options=pad), IPv6ExtHdrDestOpt(options=pad), IPv6ExtHdrFragment(id=5)],
        [IPv6ExtHdrDestOpt(options=pad)] * 8,
    ):
        l4 = headers[0]
        for header in [*headers[1:], tcp("A", 80, 1000)]:
            l4 = l4 / header
        case.send(11, icmp6(ICMPv6PacketTooBig(mtu=1280), quote6(l4=l4))).to("s1")
    return case.end(live={"s1": 2})


def case_outer_options():
    sentence = "An ICMP error may itself come with IPv4 options, extension headers, VLAN tags and padding."
    case = turned("icmp-outer-options", sentence)
    case.send(10, icmp4(quote4(), options=[IPOption_NOP()] * 8)).to("s1")
    case.send(11, icmp4(quote4(), tags=[(S_VLAN, 1), (C_VLAN, 2)])).to("s1")
    pad = IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))])
    case.send(12, ether() / ip6(src=ROUTER6) / pad / ICMPv6TimeExceeded() / Raw(bytes(quote6()))).to("s1")
    case.send(13, icmp6(ICMPv6PacketTooBig(), quote6(), tags=[(C_VLAN, 9)])).to("s1")
    return case.end(live={"s1": 2})


def case_quoted_udp():
    sentence = "ICMP errors follow UDP flows as they follow TCP flows."
    case = Case("icmp-quoted-udp", sentence, basic(spare()))
    case.send(0, udp4()).to("s1", CREATED)
    case.send(0, udp6()).to("s1", CREATED)
    case.event(5, "drain", "s1")
    case.event(5, "activate", "s2")
    case.send(10, icmp4(quote4(l4=udp(53, 1000) / Raw(b"answer")), code=3)).to("s1")
    case.send(11, icmp6(ICMPv6DestUnreach(code=4), quote6(l4=udp(53, 1000) / Raw(b"answer")))).to("s1")
    case.send(12, icmp4(quote4(l4=udp(53, 2000) / Raw(b"answer")), code=3)).to("s2")
    return case.end(live={"s1": 2})


def case_quoted_other():
    sentence = "A quoted protocol without ports is looked up with ports 0; nothing behind its IP header is needed."
    case = Case("icmp-quoted-other", sentence, any_protocol(spare()))
    case.send(0, ether() / ip4(proto=50) / Raw(bytes(16))).to("s1", CREATED)
    case.send(0, ether() / ip6(nh=132) / Raw(bytes(16))).to("s1", CREATED)
    case.event(5, "drain", "s1")
    case.event(5, "activate", "s2")
    case.send(10, icmp4(quote4(proto=50, l4=Raw(bytes(8))))).to("s1")
    case.send(11, icmp4(bytes(quote4(proto=50, l4=Raw(bytes(8))))[:20])).to("s1")
    case.send(12, icmp6(ICMPv6TimeExceeded(), quote6(nh=132, l4=Raw(bytes(8))))).to("s1")
    case.send(13, icmp4(quote4(proto=47, l4=Raw(bytes(8))))).to("s2")
    return case.end(live={"s1": 2})


def case_quote_no_vip():
    sentence = "An ICMP error that quotes a packet whose source is no VIP is the kernel's."
    case = Case("icmp-quote-no-vip", sentence, basic())
    case.send(0, icmp4(quote4(src="192.0.2.99"))).punt()
    case.send(1, icmp4(quote4(src=CLIENT4, dst=VIP4))).punt()
    case.send(2, icmp6(ICMPv6PacketTooBig(), quote6(src="2001:db8:0:1::99"))).punt()
    return case.end()


def case_quote_no_service():
    sentence = "An ICMP error that quotes a VIP's packet from a port or of a protocol without a service is the kernel's."
    case = Case("icmp-quote-no-service", sentence, basic())
    case.send(0, icmp4(quote4(sport=8080))).punt()
    case.send(1, icmp4(quote4(l4=udp(80, 1000)))).punt()
    case.send(2, icmp6(ICMPv6DestUnreach(), quote6(sport=443))).punt()
    case.send(3, icmp4(quote4(proto=50, l4=Raw(bytes(8))))).punt()
    return case.end()


def case_quote_icmp():
    sentence = "An ICMP error about ICMP (an echo reply of the box) is the kernel's, for protocol any too."
    case = Case("icmp-quote-icmp", sentence, any_protocol())
    case.send(0, icmp4(quote4(l4=ICMP(type=0) / Raw(bytes(8))))).punt()
    case.send(1, icmp6(ICMPv6DestUnreach(), quote6(nh=58, l4=Raw(b"\x81" + bytes(7))))).punt()
    return case.end()


def case_quote_later_fragment():
    sentence = "A quoted later fragment has no ports: by the bucket of addresses and protocol, not pinned, not its flow's nexthop."
    case = turned("icmp-quote-later-fragment", sentence)
    case.send(10, icmp4(quote4(proto=6, frag=10, l4=Raw(bytes(8))))).to("s2")
    later = IPv6ExtHdrFragment(nh=6, offset=10, m=0, id=3) / Raw(bytes(8))
    case.send(11, icmp6(ICMPv6TimeExceeded(), quote6(l4=later))).to("s2")
    return case.end(live={"s1": 2})


def case_quote_first_fragment():
    sentence = "A quoted first fragment shows its ports: the error follows its flow."
    case = turned("icmp-quote-first-fragment", sentence)
    frame = quote4()
    frame.flags = "MF"
    case.send(10, icmp4(frame)).to("s1")
    first = IPv6ExtHdrFragment(nh=6, offset=0, m=1, id=3) / tcp("A", 80, 1000)
    case.send(11, icmp6(ICMPv6TimeExceeded(), quote6(l4=first))).to("s1")
    return case.end(live={"s1": 2})


def case_other_vip_in_quote():
    sentence = "Service and flow of an ICMP error are those of the quoted packet, whichever VIP the error itself is for."
    config = Config(
        services=[Service("web", VIP4, "tcp", [80], "web"), Service("mail", "192.0.2.20", "tcp", [25], "mail")],
        groups=[Group("web", [Nexthop("s1", "198.51.100.1")]), Group("mail", [Nexthop("s2", "198.51.100.2")])],
    )
    case = Case("icmp-quote-other-vip", sentence, config)
    case.send(0, icmp4(quote4(), dst="192.0.2.20")).to("s1")
    case.send(1, icmp4(quote4(src="192.0.2.20", sport=25))).to("s2")
    return case.end()


def case_outer_no_vip():
    sentence = "An ICMP error for an address that is no VIP is the kernel's though it quotes a VIP's packet."
    case = Case("icmp-outer-no-vip", sentence, basic())
    case.send(0, icmp4(quote4(), dst="192.0.2.99")).punt()
    case.send(1, icmp6(ICMPv6PacketTooBig(), quote6(), dst="2001:db8:0:1::99")).punt()
    return case.end()


def case_header_cut():
    sentence = "An ICMP error cut within its own header, or ICMP without a byte, is a drop: icmp_header."
    case = Case("drop-icmp-header", sentence, basic())
    for length in (1, 2, 4, 7):
        case.send(0, ether() / ip4(proto=1) / Raw((b"\x03" + bytes(7))[:length])).drop("icmp_header")
        case.send(0, ether() / ip6(nh=58) / Raw((b"\x02" + bytes(7))[:length])).drop("icmp_header")
    case.send(1, ether() / ip4(proto=1)).drop("icmp_header")
    case.send(1, ether() / ip6(nh=58)).drop("icmp_header")
    return case.end()


def case_quote_wrong():
    sentence = "A quoted packet that can't be read, or is cut within its first 8 bytes of L4, is a drop: icmp_quote."
    case = Case("drop-icmp-quote", sentence, basic())
    whole4, whole6 = bytes(quote4()), bytes(quote6())
    for length in (0, 1, 19, 20, 24, 27):
        case.send(0, icmp4(whole4[:length])).drop("icmp_quote")
    case.send(1, icmp4(quote4(ihl=4))).drop("icmp_quote")
    case.send(1, icmp4(quote4(version=6))).drop("icmp_quote")
    case.send(1, icmp4(bytes(quote4(ihl=15))[:59])).drop("icmp_quote")
    case.send(1, icmp4(whole6)).drop("icmp_quote")
    for length in (0, 1, 39, 40, 44, 47):
        case.send(2, icmp6(ICMPv6PacketTooBig(), whole6[:length])).drop("icmp_quote")
    case.send(3, icmp6(ICMPv6PacketTooBig(), quote6(version=4))).drop("icmp_quote")
    case.send(3, icmp6(ICMPv6PacketTooBig(), bytes(quote6(nh=60, l4=Raw(b"\x06\x01" + bytes(14))))[:50])).drop("icmp_quote")
    case.send(3, icmp6(ICMPv6PacketTooBig(), whole4)).drop("icmp_quote")
    nine = bytes([60, 0, 1, 4, 0, 0, 0, 0]) * 8 + bytes([6, 0, 1, 4, 0, 0, 0, 0])
    case.send(4, icmp6(ICMPv6PacketTooBig(), quote6(nh=60, l4=Raw(nine + bytes(tcp("A", 80, 1000)))))).drop("icmp_quote")
    return case.end()


def case_quote_total_length():
    sentence = "The quoted packet's own lengths, TTL and checksum aren't judged: only a part of it is there."
    case = turned("icmp-quote-lengths", sentence)
    case.send(10, icmp4(bytes(quote4(len=1500, chksum=0xBAD, ttl=0))[:28])).to("s1")
    case.send(11, icmp6(ICMPv6PacketTooBig(), bytes(quote6(plen=1400, hlim=0))[:48])).to("s1")
    return case.end(live={"s1": 2})
