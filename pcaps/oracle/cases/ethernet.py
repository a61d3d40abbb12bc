"""Ethernet: VLAN tags, padding, frames that aren't addressed to the box, frames that aren't IP, and cut captures."""
from scapy.layers.inet6 import ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr
from scapy.layers.l2 import ARP
from scapy.packet import Padding, Raw

from ..case import ADOPTED, CREATED, Case
from ..config import INTERFACES, VIP4, VIP6, basic
from ..frames import C_VLAN, CLIENT_MAC, S_VLAN, ether, ip4, ip6, tcp, tcp4, tcp6, udp4, udp6


def case_untagged():
    case = Case("ethernet-untagged", "A TCP SYN without VLAN tag is forwarded: MACs, TTL and checksum change.", basic())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1, tcp6("S")).to("s1", CREATED)
    return case.end(live=2)


def case_one_tag():
    case = Case("vlan-one-tag", "One VLAN tag, 0x8100 or 0x88a8, is looked through and leaves as it came.", basic())
    case.send(0, tcp4("S", sport=1, tags=[(C_VLAN, 100)])).to("s1", CREATED)
    case.send(1, tcp4("S", sport=2, tags=[(S_VLAN, 200)])).to("s1", CREATED)
    case.send(2, tcp6("S", sport=3, tags=[(C_VLAN, 100)])).to("s1", CREATED)
    case.send(3, udp6(sport=4, tags=[(S_VLAN, 4094)])).to("s1", CREATED)
    return case.end(live=4)


def case_two_tags():
    case = Case("vlan-two-tags", "Two VLAN tags in any order of kinds are looked through and leave as they came.", basic())
    pairs = [(outer, inner) for outer in (C_VLAN, S_VLAN) for inner in (C_VLAN, S_VLAN)]
    for number, (outer, inner) in enumerate(pairs):
        case.send(number, tcp4("S", sport=number, tags=[(outer, 10), (inner, 20)])).to("s1", CREATED)
        case.send(number, tcp6("S", sport=number, tags=[(outer, 10), (inner, 20)])).to("s1", CREATED)
    return case.end(live=8)


def case_three_tags():
    case = Case("vlan-three-tags", "A frame behind three VLAN tags is the kernel's.", basic())
    case.send(0, tcp4("S", tags=[(S_VLAN, 1), (C_VLAN, 2), (C_VLAN, 3)])).punt()
    case.send(1, tcp6("S", tags=[(C_VLAN, 1), (C_VLAN, 2), (S_VLAN, 3)])).punt()
    return case.end()


def case_vlan_is_no_part_of_a_flow():
    sentence = "VLAN tags are no part of the flow: the same 5-tuple with other tags, or none, is the same flow."
    case = Case("vlan-not-in-flow", sentence, basic())
    case.send(0, tcp4("S", tags=[(C_VLAN, 100)])).to("s1", CREATED)
    case.send(1, tcp4("A", tags=[(C_VLAN, 200)])).to("s1")
    case.send(2, tcp4("A", tags=[(S_VLAN, 1), (C_VLAN, 2)])).to("s1")
    case.send(3, tcp4("A")).to("s1")
    return case.end(live=1)


def case_vlan_priority():
    sentence = "Priority and drop-eligible bits of a VLAN tag, and VLAN 0, leave as they came."
    case = Case("vlan-priority-bits", sentence, basic())
    frame = tcp4("S", tags=[(C_VLAN, 0)])
    frame.getlayer(1).prio = 5
    frame.getlayer(1).id = 1
    case.send(0, frame).to("s1", CREATED)
    return case.end(live=1)


def case_cut_tag():
    case = Case("vlan-cut", "A frame that ends within a VLAN tag is unreadable: the kernel's.", basic())
    data = bytes(tcp4("S", tags=[(C_VLAN, 1), (C_VLAN, 2)]))
    for length in (14, 16, 17, 18, 20, 21, 22):
        case.send(0, data[:length]).punt()
    return case.end()


def case_other_tag_type():
    sentence = "Tags of other EtherTypes (0x9100, MPLS 0x8847, PPPoE 0x8864) aren't looked through: the kernel's."
    case = Case("vlan-unknown-tag", sentence, basic())
    for kind in (0x9100, 0x8847, 0x8864):
        case.send(0, ether(kind=kind) / Raw(b"\x00\x01\x08\x00") / ip4() / tcp("S")).punt()
    return case.end()


def case_padding():
    sentence = "Ethernet padding behind the IP packet leaves as it came and counts in bytes."
    case = Case("ethernet-padding", sentence, basic())
    case.send(0, tcp4("S") / Padding(bytes(6))).to("s1", CREATED)
    case.send(1, tcp4("A") / Padding(b"\xde\xad\xbe\xef\x00\x01")).to("s1")
    case.send(2, udp6(payload=b"q") / Padding(b"trailer of 20 bytes.")).to("s1", CREATED)
    return case.end(live=2)


def case_padding_is_no_payload():
    sentence = "Padding doesn't count as payload: an L4 header that is whole only with the padding is cut."
    case = Case("ethernet-padding-no-payload", sentence, basic())
    data = bytes(ether() / ip4(len=20 + 19, proto=6) / tcp("S"))
    case.send(0, data).drop("tcp_header")
    data = bytes(ether() / ip4(len=20 + 7, proto=17) / Raw(bytes.fromhex("03e8003500080000")))
    case.send(0, data).drop("udp_header")
    data = bytes(ether() / ip6(plen=19, nh=6) / tcp("S"))
    case.send(0, data).drop("tcp_header")
    return case.end()


def case_other_mac():
    sentence = "Frames for another MAC, broadcast and multicast stay with the kernel though their destination is a VIP."
    case = Case("ethernet-other-mac", sentence, basic())
    others = [INTERFACES["eth2"], "02:00:00:00:01:02", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01"]
    for mac in others:
        case.send(0, tcp4("S", dst_mac=mac)).punt()
        case.send(0, tcp6("S", dst_mac=mac, tags=[(C_VLAN, 7)])).punt()
    return case.end()


def case_other_mac_malformed():
    case = Case("ethernet-other-mac-malformed", "A malformed frame for another MAC isn't dropped: the kernel's.", basic())
    case.send(0, ether(dst=INTERFACES["eth2"]) / ip4(ihl=4, proto=6) / tcp("S")).punt()
    case.send(0, ether(dst=INTERFACES["eth2"]) / ip6(plen=2000, nh=6) / tcp("S")).punt()
    return case.end()


def case_arp_and_nd():
    sentence = "ARP and neighbour discovery for a VIP stay with the kernel, unicast and broadcast."
    case = Case("kernel-arp-nd", sentence, basic())
    arp = ARP(hwsrc=CLIENT_MAC, psrc="203.0.113.5", pdst=VIP4, hwdst="00:00:00:00:00:00")
    case.send(0, ether(dst="ff:ff:ff:ff:ff:ff") / arp).punt()
    case.send(1, ether() / arp).punt()
    solicitation = ICMPv6ND_NS(tgt=VIP6) / ICMPv6NDOptSrcLLAddr(lladdr=CLIENT_MAC)
    case.send(2, ether(dst="33:33:ff:00:00:10") / ip6(dst="ff02::1:ff00:10", hlim=255) / solicitation).punt()
    case.send(3, ether() / ip6(hlim=255) / solicitation).punt()
    return case.end()


def case_not_ip():
    sentence = "Frames whose EtherType is neither IPv4 nor IPv6 (LLDP, 802.3 length, 0x88b5) stay with the kernel."
    case = Case("kernel-not-ip", sentence, basic())
    for kind in (0x88CC, 60, 0x05DC, 0x88B5, 0x0806, 0):
        case.send(0, ether(kind=kind) / Raw(bytes(ip4() / tcp("S")))).punt()
    return case.end()


def case_short():
    sentence = "A frame too short for its destination to be read is the kernel's: 0 to 13 bytes, and a cut IP header."
    case = Case("ethernet-short", sentence, basic())
    data4, data6 = bytes(tcp4("S")), bytes(tcp6("S"))
    for length in (0, 1, 6, 12, 13, 14, 15, 33):
        case.send(0, data4[:length]).punt()
    for length in (14, 15, 38, 53):
        case.send(0, data6[:length]).punt()
    return case.end()


def case_version():
    sentence = "An IP version that isn't its EtherType's makes the destination unreadable: the kernel's."
    case = Case("ethernet-ip-version", sentence, basic())
    for version in (0, 5, 6, 15):
        case.send(0, ether(kind=0x0800) / ip4(version=version) / tcp("S")).punt()
    for version in (0, 4, 5, 7):
        case.send(0, ether(kind=0x86DD) / ip6(version=version) / tcp("S")).punt()
    case.send(0, ether(kind=0x0800) / ip6() / tcp("S")).punt()
    case.send(0, ether(kind=0x86DD) / ip4() / tcp("S")).punt()
    return case.end()


def case_no_service():
    sentence = "Packets for an address that is no VIP, or a port or protocol of a VIP without a service, are the kernel's."
    case = Case("kernel-no-service", sentence, basic())
    case.send(0, tcp4("S", dst="192.0.2.11")).punt()
    case.send(0, tcp4("S", dport=81)).punt()
    case.send(0, tcp4("S", dport=53)).punt()
    case.send(0, udp4(dport=80)).punt()
    case.send(0, tcp6("S", dst="2001:db8:0:1::11")).punt()
    case.send(0, tcp6("A", dport=22)).punt()
    case.send(0, udp6(dport=80)).punt()
    case.send(0, ether() / ip4(proto=47) / Raw(bytes(8))).punt()
    case.send(0, ether() / ip6(nh=132) / Raw(bytes(12))).punt()
    return case.end()


def case_malformed_without_vip():
    sentence = "A malformed packet whose destination is no VIP is the kernel's, not a drop."
    case = Case("kernel-malformed-no-vip", sentence, basic())
    other4, other6 = "192.0.2.200", "2001:db8:0:1::200"
    case.send(0, ether() / ip4(dst=other4, ihl=4, proto=6) / tcp("S")).punt()
    case.send(0, ether() / ip4(dst=other4, len=2000, proto=6) / tcp("S")).punt()
    case.send(0, ether() / ip4(dst=other4, proto=6) / Raw(bytes(10))).punt()
    case.send(0, ether() / ip4(dst=other4, proto=17) / Raw(bytes(7))).punt()
    case.send(0, ether() / ip4(dst=other4, proto=1) / Raw(b"\x03\x01\x00")).punt()
    case.send(0, ether() / ip6(dst=other6, plen=2000, nh=6) / tcp("S")).punt()
    case.send(0, ether() / ip6(dst=other6, nh=60) / Raw(b"\x06\x07" + bytes(6))).punt()
    return case.end()


def case_capture_cut():
    sentence = "A frame that the capture cut behind its headers is judged by its original length and leaves cut."
    case = Case("capture-cut", sentence, basic())
    case.send(0, tcp4("A", payload=bytes(range(200))), cut=54).to("s1", ADOPTED)
    case.send(1, tcp4("A", payload=bytes(range(200))), cut=100).to("s1")
    case.send(2, tcp6("A", payload=bytes(range(200))), cut=74).to("s1", ADOPTED)
    case.send(3, udp4(payload=bytes(400)), cut=42).to("s1", CREATED)
    case.send(4, udp6(payload=bytes(400), tags=[(S_VLAN, 1), (C_VLAN, 2)]), cut=70).to("s1", CREATED)
    return case.end(live=4)


def case_capture_cut_headers():
    sentence = "A capture that cut into the headers: what isn't there counts as cut, so the frame is dropped or the kernel's."
    case = Case("capture-cut-headers", sentence, basic())
    case.send(0, tcp4("A", payload=bytes(200)), cut=53).drop("tcp_header")
    case.send(1, udp4(payload=bytes(200)), cut=41).drop("udp_header")
    case.send(2, tcp6("A", payload=bytes(200)), cut=73).drop("tcp_header")
    case.send(3, tcp4("A", payload=bytes(200)), cut=33).punt()
    case.send(4, tcp6("A", payload=bytes(200)), cut=53).punt()
    case.send(5, tcp4("A", payload=bytes(200)), cut=13).punt()
    return case.end()


def case_jumbo():
    case = Case("ethernet-jumbo", "Frames of 9000 bytes are forwarded whole, in both families.", basic())
    case.send(0, tcp4("A", payload=bytes(9000 - 54))).to("s1", ADOPTED)
    case.send(1, tcp6("A", payload=bytes(9000 - 74))).to("s1", ADOPTED)
    return case.end(live=2)


def case_largest():
    case = Case("ethernet-65535", "The largest frame that a capture may hold, 65535 bytes, is forwarded whole.", basic())
    case.send(0, tcp4("A", payload=bytes(65535 - 54))).to("s1", ADOPTED)
    return case.end(live=1)


def case_payload():
    sentence = "Payload and TCP options pass untouched, and wrong L4 checksums too: they aren't looked at."
    case = Case("ethernet-payload", sentence, basic())
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]
    case.send(0, ether() / ip4() / tcp("S", options=options)).to("s1", CREATED)
    case.send(1, ether() / ip4() / tcp("A", chksum=0xDEAD) / Raw(b"GET / HTTP/1.1\r\n\r\n")).to("s1")
    case.send(2, ether() / ip6() / tcp("S", options=[("NOP", None)] * 40)).to("s1", CREATED)
    case.send(3, ether() / ip6() / tcp("PA", chksum=0) / Raw(bytes(range(256)))).to("s1")
    return case.end(live=2)
