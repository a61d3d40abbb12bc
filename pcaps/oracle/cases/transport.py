"""TCP, UDP and the protocols without ports: headers that are wrong, and what a service of any protocol takes."""
from scapy.layers.inet import ICMP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6MLReport, ICMPv6ND_RA
from scapy.packet import Raw

from ..case import ADOPTED, CREATED, Case
from ..config import Config, Group, Service, VIP4, any_protocol, basic, servers
from ..frames import C_VLAN, ether, ip4, ip6, tcp, tcp4, tcp6, udp, udp4, udp6

SCTP, GRE, ESP, AH, NO_NEXT_HEADER, ICMP4, ICMP6 = 132, 47, 50, 51, 59, 1, 58


def case_tcp_header():
    sentence = "A TCP header cut short, or with a data offset below 5 or beyond the datagram, is a drop: tcp_header."
    case = Case("drop-tcp-header", sentence, basic())
    whole = bytes(tcp("S"))
    for ip in (ip4(proto=6), ip6(nh=6)):
        for length in (1, 3, 4, 13, 19):
            case.send(0, ether() / ip / Raw(whole[:length])).drop("tcp_header")
        for offset in (0, 1, 4, 6, 15):
            case.send(0, ether() / ip / tcp("S", dataofs=offset)).drop("tcp_header")
    case.send(1, ether() / ip4() / tcp("S", dataofs=6) / Raw(b"\x01\x01\x01\x00")).to("s1", CREATED)
    return case.end(live=1)


def case_udp_header():
    sentence = "A UDP header cut short, or with a length below 8 or beyond the datagram, is a drop: udp_header."
    case = Case("drop-udp-header", sentence, basic())
    whole = bytes(udp())
    for ip in (ip4(proto=17), ip6(nh=17)):
        for length in (1, 3, 4, 7):
            case.send(0, ether() / ip / Raw(whole[:length])).drop("udp_header")
        for length in (0, 1, 7, 14, 65535):
            case.send(0, ether() / ip / UDP(sport=1000, dport=53, len=length) / Raw(b"query")).drop("udp_header")
    return case.end()


def case_malformed_without_service():
    sentence = "A wrong TCP or UDP header for a VIP is the kernel's if its ports can be read and have no service, else a drop."
    case = Case("kernel-malformed-no-service", sentence, basic())
    for ip4_or_6 in (ip4, ip6):
        case.send(0, ether() / ip4_or_6() / tcp("S", dport=81, dataofs=4)).punt()
        case.send(0, ether() / ip4_or_6() / tcp("S", dport=81, dataofs=15)).punt()
        case.send(0, ether() / ip4_or_6() / UDP(sport=1000, dport=80, len=7)).punt()
        case.send(0, ether() / ip4_or_6() / UDP(sport=1000, dport=99, len=65535)).punt()
    for length in (4, 10, 19):
        case.send(1, ether() / ip4(proto=6) / Raw(bytes(tcp("S", dport=81))[:length])).punt()
        case.send(1, ether() / ip6(nh=6) / Raw(bytes(tcp("S", dport=80))[:length])).drop("tcp_header")
    case.send(2, ether() / ip4(proto=6) / Raw(bytes(tcp("S", dport=81))[:3])).drop("tcp_header")
    case.send(2, ether() / ip4(proto=17) / Raw(bytes(udp(dport=99))[:3])).drop("udp_header")
    return case.end()


def case_udp_lengths():
    sentence = "A UDP length of 8, or below what the datagram holds, is right; the checksum (0 too) isn't looked at."
    case = Case("udp-length-right", sentence, basic())
    case.send(0, udp4(payload=b"")).to("s1", CREATED)
    case.send(1, udp6(payload=b"")).to("s1", CREATED)
    case.send(2, ether() / ip4() / UDP(sport=1000, dport=53, len=10, chksum=0) / Raw(b"query")).to("s1")
    case.send(3, ether() / ip6() / UDP(sport=1000, dport=53, len=8, chksum=0xBAD) / Raw(b"query")).to("s1")
    return case.end(live=2)


def case_ports_at_edges():
    sentence = "Ports 0 and 65535 are ports like others: a service of any port takes them, and they make flows of their own."
    config = Config([Service("all", VIP4, "tcp")], [Group("web", servers(1))])
    case = Case("tcp-ports-edges", sentence, config)
    for number, (sport, dport) in enumerate([(0, 0), (0, 65535), (65535, 0), (65535, 65535), (1, 0)]):
        case.send(number, tcp4("S", sport=sport, dport=dport)).to("s1", CREATED)
    return case.end(live=5)


def case_same_numbers_are_other_flows():
    sentence = "Flows are told apart by every part of the 5-tuple: addresses, ports, protocol and family."
    case = Case("flow-every-field", sentence, any_protocol())
    case.send(0, tcp4("S", sport=1000, dport=80)).to("s1", CREATED)
    case.send(1, tcp4("S", sport=1001, dport=80)).to("s1", CREATED)
    case.send(2, tcp4("S", sport=1000, dport=81)).to("s1", CREATED)
    case.send(3, tcp4("S", sport=1000, dport=80, src="203.0.113.6")).to("s1", CREATED)
    case.send(4, udp4(sport=1000, dport=80)).to("s1", CREATED)
    case.send(5, tcp6("S", sport=1000, dport=80)).to("s1", CREATED)
    case.send(6, udp6(sport=1000, dport=80)).to("s1", CREATED)
    case.send(7, tcp4("S", sport=80, dport=1000)).to("s1", CREATED)
    return case.end(live=8)


def case_other_protocols():
    sentence = "Under protocol any SCTP, GRE, ESP, AH and what else there is are flows as UDP with ports 0."
    case = Case("protocol-any-others", sentence, any_protocol())
    for at_ms, protocol in enumerate((SCTP, GRE, ESP, AH, 2, 4, 41, 89, 253, 255)):
        case.send(at_ms, ether() / ip4(proto=protocol) / Raw(b"\x12\x34\x56\x78" + bytes(12))).to("s1", CREATED)
        # other bytes where ports would be: the same flow
        case.send(at_ms, ether() / ip4(proto=protocol) / Raw(b"\x99\x99\x88\x88" + bytes(20))).to("s1")
    for at_ms, protocol in enumerate((SCTP, GRE, ESP, AH, NO_NEXT_HEADER), 20):
        case.send(at_ms, ether() / ip6(nh=protocol) / Raw(b"\x12\x34\x56\x78" + bytes(12))).to("s1", CREATED)
        case.send(at_ms, ether() / ip6(nh=protocol) / Raw(b"\x99\x99\x88\x88" + bytes(20))).to("s1")
    return case.end(live=15)


def case_other_protocols_empty():
    sentence = "A datagram of a protocol without ports may be empty: nothing of it is read."
    case = Case("protocol-any-empty", sentence, any_protocol())
    case.send(0, ether() / ip4(proto=ESP)).to("s1", CREATED)
    case.send(1, ether() / ip6(nh=NO_NEXT_HEADER)).to("s1", CREATED)
    case.send(2, ether() / ip4(proto=GRE) / Raw(b"\x00")).to("s1", CREATED)
    return case.end(live=3)


def case_foreign_icmp():
    sentence = "ICMPv6 in IPv4 and ICMP in IPv6 are no ICMP of theirs: protocols without ports."
    case = Case("protocol-any-foreign-icmp", sentence, any_protocol())
    case.send(0, ether() / ip4(proto=ICMP6) / Raw(b"\x80\x00" + bytes(6))).to("s1", CREATED)
    case.send(1, ether() / ip6(nh=ICMP4) / Raw(b"\x08\x00" + bytes(6))).to("s1", CREATED)
    return case.end(live=2)


def case_echo():
    sentence = "Echo requests to a VIP are the kernel's, IPv4 and IPv6, tagged or not."
    case = Case("kernel-echo", sentence, basic())
    case.send(0, ether() / ip4() / ICMP(type=8, id=1, seq=1) / Raw(b"ping")).punt()
    case.send(1, ether() / ip6() / ICMPv6EchoRequest(id=1, seq=1, data=b"ping")).punt()
    case.send(2, ether((C_VLAN, 3)) / ip4() / ICMP(type=8, id=1, seq=1) / Raw(b"ping")).punt()
    return case.end()


def case_icmp_under_any():
    sentence = "ICMP other than errors is the kernel's for protocol any too: echo, redirect, source quench, timestamp, MLD, RA."
    case = Case("kernel-icmp-protocol-any", sentence, any_protocol())
    for kind in (0, 4, 5, 8, 9, 10, 13, 14, 17, 40, 255):
        case.send(0, ether() / ip4(proto=ICMP4) / Raw(bytes([kind]) + bytes(15))).punt()
    case.send(1, ether() / ip6() / ICMPv6EchoRequest(data=b"ping")).punt()
    case.send(1, ether() / ip6() / ICMPv6MLReport()).punt()
    case.send(1, ether() / ip6() / ICMPv6ND_RA()).punt()
    for kind in (0, 5, 100, 127, 128, 129, 255):
        case.send(2, ether() / ip6(nh=ICMP6) / Raw(bytes([kind]) + bytes(7))).punt()
    return case.end()


def case_icmp_echo_short():
    sentence = "An echo request too short for its own header is the kernel's: its type is readable and no error."
    case = Case("kernel-echo-short", sentence, basic())
    case.send(0, ether() / ip4(proto=ICMP4) / Raw(b"\x08")).punt()
    case.send(1, ether() / ip6(nh=ICMP6) / Raw(b"\x80\x00\x00")).punt()
    return case.end()


def case_tcp_under_any():
    sentence = "Under protocol any TCP keeps its states: a SYN creates, a FIN closes, a SYN on the closing flow is a new one."
    case = Case("protocol-any-tcp", sentence, any_protocol())
    case.send(0, tcp4("S", dport=22)).to("s1", CREATED)
    case.send(1, tcp4("A", dport=22)).to("s1")
    case.send(2, tcp4("FA", dport=22)).to("s1")
    case.send(3, tcp4("S", dport=22)).to("s1", CREATED)
    case.send(4, udp4(dport=3784)).to("s1", CREATED)
    case.send(5, tcp6("A", dport=179)).to("s1", ADOPTED)
    return case.end(closed=1, live=3)
