"""IPv4: options, TTL, header checksum, DSCP, and headers that are wrong."""
from scapy.layers.inet import IPOption_NOP, IPOption_Router_Alert, IPOption_RR, IPOption_Timestamp
from scapy.packet import Raw

from ..case import ADOPTED, CREATED, Case
from ..checksum import mended, ones_complement_sum
from ..config import basic
from ..frames import C_VLAN, ether, ip4, tcp, tcp4, udp4


def case_options():
    sentence = "IPv4 options of every length up to 40 bytes are looked through; the checksum covers them."
    case = Case("ipv4-options", sentence, basic())
    for words in range(1, 11):
        case.send(words, tcp4("S", sport=words, options=[IPOption_NOP()] * (4 * words))).to("s1", CREATED)
    case.send(11, udp4(options=[IPOption_Router_Alert()])).to("s1", CREATED)
    case.send(12, tcp4("A", sport=1, options=[IPOption_RR(length=39, routers=["0.0.0.0"] * 9)])).to("s1")
    case.send(13, tcp4("A", sport=1, options=[IPOption_Timestamp()])).to("s1")
    return case.end(live=11)


def case_ttl():
    case = Case("ipv4-ttl", "TTL 2 and 255 are forwarded one less; TTL 1 and 0 are the kernel's.", basic())
    case.send(0, tcp4("S", ttl=2)).to("s1", CREATED)
    case.send(1, tcp4("A", ttl=255)).to("s1")
    case.send(2, tcp4("A", ttl=1)).punt()
    case.send(3, tcp4("A", ttl=0)).punt()
    case.send(4, udp4(ttl=1, tags=[(C_VLAN, 5)])).punt()
    return case.end(live=1)


def case_ttl_before_malformed():
    sentence = "A TTL of 1 is the kernel's even if the rest of the packet is malformed."
    case = Case("ipv4-ttl-malformed", sentence, basic())
    case.send(0, ether() / ip4(ttl=1, len=4000, proto=6) / tcp("S")).punt()
    case.send(1, ether() / ip4(ttl=0, ihl=3, proto=6) / tcp("S")).punt()
    case.send(2, ether() / ip4(ttl=1, proto=17) / Raw(b"\x00")).punt()
    return case.end()


def case_ttl_does_not_refresh():
    sentence = "A packet that the kernel gets for its TTL neither makes nor refreshes a flow."
    case = Case("ipv4-ttl-no-refresh", sentence, basic())
    case.send(0, tcp4("S", ttl=1)).punt()
    case.send(1, tcp4("S")).to("s1", CREATED)
    case.send(9_000, tcp4("A", ttl=1)).punt()
    case.send(10_001, tcp4("A")).to("s1", ADOPTED)
    return case.end(expired=1, live=1)


def case_checksum_wrong():
    sentence = "A wrong IPv4 header checksum isn't verified: mended incrementally it stays wrong by as much."
    case = Case("ipv4-checksum-wrong", sentence, basic())
    right = int.from_bytes(bytes(tcp4("S"))[24:26], "big")
    for sport, error in enumerate((1, 0x00FF, 0x8000)):
        wrong = ones_complement_sum(right, error)
        case.send(0, tcp4("S", sport=sport, chksum=wrong)).to("s1", CREATED, chksum=mended(wrong, 64 << 8 | 6))
    return case.end(live=3)


def case_checksum_corners():
    sentence = "RFC 1624: the checksums 0x0000, 0xffff and those that mending turns into them come out by its equation 3."
    case = Case("ipv4-checksum-corners", sentence, basic())
    # Which came, and which leaves, for TTL 64 -> 63 and protocol TCP: the word 0x4006 becomes 0x3f06.
    table = {0x0000: 0x0100, 0xFFFF: 0x0100, 0xFEFF: 0x0000, 0xFEFE: 0xFFFE, 0xFF00: 0x0001, 0xFFFE: 0x00FF, 0x0001: 0x0101}
    for came, leaves in table.items():
        assert mended(came, 0x4006) == leaves, hex(mended(came, 0x4006))
        case.send(0, tcp4("A", sport=came, chksum=came)).to("s1", ADOPTED, chksum=leaves)
    return case.end(live=len(table))


def case_checksum_right_corners():
    sentence = "Right checksums of 0x0000 and 0xfeff: mending gives what computing anew gives, 0x0100 and 0x0000."
    case = Case("ipv4-checksum-right-corners", sentence, basic())
    for came in (0x0000, 0xFEFF):
        frame = tcp4("A", id=identification_for(came))
        assert bytes(frame)[24:26] == came.to_bytes(2, "big")
        case.send(0, frame).to("s1", ADOPTED if came == 0 else None)
    return case.end(live=1)


def identification_for(checksum):
    """The identification that gives tcp4("A") this checksum."""
    zero = int.from_bytes(bytes(tcp4("A", id=0))[24:26], "big")
    return ones_complement_sum(zero, checksum ^ 0xFFFF)


def case_dscp():
    sentence = "DSCP and ECN that change in mid-flow change nothing: same flow, same nexthop; they leave as they came."
    case = Case("ipv4-dscp-ecn", sentence, basic())
    case.send(0, tcp4("S", tos=0)).to("s1", CREATED)
    for number, tos in enumerate((0x01, 0x02, 0x03, 0x28, 0xB8, 0xFF)):
        case.send(1 + number, tcp4("A", tos=tos)).to("s1")
    return case.end(live=1)


def case_flags_and_id():
    sentence = "Don't-fragment, the reserved flag and the identification pass untouched; none of them makes a fragment."
    case = Case("ipv4-flags", sentence, basic())
    frame = tcp4("S")
    frame.getlayer(1).flags = "DF"
    case.send(0, frame).to("s1", CREATED)
    frame = tcp4("A", id=0xFFFF)
    frame.getlayer(1).flags = "evil"
    case.send(1, frame).to("s1")
    return case.end(live=1)


def case_header_length():
    sentence = "An IPv4 header length below 20 bytes or beyond the datagram is a drop: ipv4_header_length."
    case = Case("drop-ipv4-header-length", sentence, basic())
    for words in (0, 1, 4):
        case.send(0, ether() / ip4(ihl=words, proto=6) / tcp("S")).drop("ipv4_header_length")
    # 60 bytes of header in a datagram whose captured bytes end before that
    case.send(0, ether() / ip4(ihl=15, len=60, proto=6) / Raw(bytes(40)), cut=14 + 59).drop("ipv4_header_length")
    return case.end()


def case_total_length():
    sentence = "An IPv4 total length below the header's or beyond the frame is a drop: ipv4_total_length."
    case = Case("drop-ipv4-total-length", sentence, basic())
    for length in (0, 19, 41, 65535):
        case.send(0, ether() / ip4(len=length, proto=6) / tcp("S")).drop("ipv4_total_length")
    case.send(0, ether() / ip4(ihl=15, len=40, proto=6) / Raw(bytes(40))).drop("ipv4_total_length")
    case.send(0, bytes(tcp4("S"))[:40]).drop("ipv4_total_length")
    case.send(0, bytes(tcp4("S", tags=[(C_VLAN, 1)]))[:57]).drop("ipv4_total_length")
    return case.end()


def case_header_only():
    sentence = "An IPv4 datagram that ends with its header has no L4 header: a drop of that protocol."
    case = Case("ipv4-empty", sentence, basic())
    case.send(0, ether() / ip4(proto=6)).drop("tcp_header")
    case.send(0, ether() / ip4(proto=17)).drop("udp_header")
    case.send(0, ether() / ip4(proto=1)).drop("icmp_header")
    return case.end()


def case_options_malformed():
    sentence = "IPv4 options that fill the datagram leave no room for TCP: tcp_header."
    case = Case("ipv4-options-no-l4", sentence, basic())
    case.send(0, ether() / ip4(ihl=15, len=60, proto=6) / Raw(bytes(40))).drop("tcp_header")
    return case.end()
