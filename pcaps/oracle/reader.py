"""A second reading of frames, from docs/packet-walk.md and the RFCs: what is in any bytes, however cut or mangled.

For cases whose frames are too many or too broken to be stated one by one. Written to be read, top down, in the order
in which a frame is judged; it shares nothing with the program.
"""
import ipaddress
from dataclasses import dataclass

TCP, UDP, ICMP4, ICMP6 = 6, 17, 1, 58
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
ERRORS = {ICMP4: (3, 11, 12), ICMP6: (1, 2, 3, 4)}
MOST_EXTENSIONS = 8


@dataclass(frozen=True)
class Reading:
    """What a frame is: "punt", "drop" (and why), "tcp", "datagram", "icmp error" (of which flow), or "later fragment"."""

    kind: str
    reason: str = None
    key: tuple = None
    flags: str = ""
    l3: int = None


class Kernels(Exception):
    """It is the kernel's, whatever it is for."""


class SegmentsLeft(Kernels):
    """An IPv6 routing header that isn't used up: the destination isn't the last one."""


class Wrong(Exception):
    """It is malformed; ports: the protocol and destination port, if they could be read before what is wrong."""

    def __init__(self, reason, ports=None):
        self.reason = reason
        self.ports = ports


class Reader:
    """Reads frames for one configuration; own is the MAC of the interface where they come in."""

    def __init__(self, config, own):
        self.services = [(ipaddress.ip_network(s.vip), s.protocol, s.ports) for s in config.services]
        self.own = bytes.fromhex(own.replace(":", ""))

    def read(self, frame):
        try:
            l3, kind = self.ethernet(frame)
            packet = Packet4(frame[l3:]) if kind == 0x0800 else Packet6(frame[l3:])
        except Kernels:
            return Reading("punt")
        if not self.is_vip(packet.destination):
            return Reading("punt")
        try:
            packet.read_lengths()
            return self.judge(packet, l3)
        except Kernels:
            return Reading("punt")
        except Wrong as wrong:
            without_service = wrong.ports and not self.serves(packet.destination, *wrong.ports)
            return Reading("punt") if without_service else Reading("drop", wrong.reason)

    def ethernet(self, frame):
        """Offset of the IP header and its EtherType, behind at most two tags."""
        if len(frame) < 14 or frame[:6] != self.own:
            raise Kernels
        at = 12
        while number(frame, at) in (0x8100, 0x88A8):
            at += 4
        if at > 12 + 2 * 4 or number(frame, at) not in (0x0800, 0x86DD):
            raise Kernels
        return at + 2, number(frame, at)

    def judge(self, packet, l3):
        if packet.fragment == "later":
            return Reading("later fragment")
        icmp = ICMP4 if packet.version == 4 else ICMP6
        if packet.protocol == icmp:
            key = packet.quoted_flow(icmp)
            return self.served("icmp error", key, l3)
        sport, dport, flags = packet.ports()
        key = (str(packet.source), str(packet.destination), sport, dport, packet.protocol)
        return self.served("tcp" if packet.protocol == TCP else "datagram", key, l3, flags)

    def served(self, kind, key, l3, flags=""):
        _, vip, _, port, protocol = key
        if not self.serves(ipaddress.ip_address(vip), protocol, port):
            return Reading("punt")
        return Reading(kind, None, key, flags, l3)

    def is_vip(self, address):
        return any(address in prefix for prefix, _, _ in self.services if prefix.version == address.version)

    def serves(self, address, protocol, port):
        """Whether any service takes this; port None: it can't be known."""
        for prefix, name, ports in self.services:
            covered = prefix.version == address.version and address in prefix
            if covered and name in ("any", {TCP: "tcp", UDP: "udp"}.get(protocol)):
                if ports is None or (protocol in (TCP, UDP) and (port is None or port in ports)):
                    return True
        return False


class Packet:
    """What IPv4 and IPv6 have in common: a payload of a protocol, and whether it is a fragment."""

    fragment = None

    def ports(self):
        """Source port, destination port and TCP flags; 0 for protocols without."""
        l4, first = self.payload, self.fragment == "first"
        if self.protocol not in (TCP, UDP):
            return 0, 0, ""
        name = "tcp_header" if self.protocol == TCP else "udp_header"
        seen = (self.protocol, number(l4, 2)) if len(l4) >= 4 else None
        cut = Wrong("first_fragment_header" if first else name, seen)
        if len(l4) < (20 if self.protocol == TCP else 8):
            raise cut
        if self.protocol == UDP:
            length = number(l4, 4)
            if length < 8 or (length > len(l4) and not first):
                raise Wrong(name, seen)
            return number(l4, 0), number(l4, 2), ""
        header = (l4[12] >> 4) * 4
        if header < 20:
            raise Wrong(name, seen)
        if header > len(l4):
            raise cut
        flags = "".join(letter for bit, letter in enumerate("FSRPAUEC") if l4[13] >> bit & 1)
        return number(l4, 0), number(l4, 2), flags

    def quoted_flow(self, icmp):
        """The quoted packet's flow, as its client sends it."""
        message = self.payload
        cut = Wrong("first_fragment_header" if self.fragment == "first" else "icmp_header")
        if not message:
            raise cut
        if message[0] not in ERRORS[icmp]:
            raise Kernels
        if len(message) < 8:
            raise cut
        try:
            quote = (Packet4 if self.version == 4 else Packet6)(message[8:], quoted=True)
            quote.read_headers()
        except SegmentsLeft:
            raise
        except (Kernels, Wrong):
            raise Wrong("icmp_quote") from None
        if quote.protocol == icmp:
            raise Kernels
        sport = dport = 0
        if quote.protocol in (TCP, UDP):
            if quote.fragment == "later":
                sport = None
            elif len(quote.payload) < 8:
                raise Wrong("icmp_quote")
            else:
                sport, dport = number(quote.payload, 0), number(quote.payload, 2)
        return str(quote.destination), str(quote.source), dport, sport, quote.protocol


class Packet4(Packet):
    version = 4

    def __init__(self, data, quoted=False):
        if len(data) < 20 or data[0] >> 4 != 4 or (data[8] <= 1 and not quoted):
            raise Kernels
        self.data = data
        self.header = (data[0] & 15) * 4
        self.source, self.destination = ipaddress.ip_address(data[12:16]), ipaddress.ip_address(data[16:20])

    def read_lengths(self):
        total = number(self.data, 2)
        if self.header < 20:
            raise Wrong("ipv4_header_length")
        if not self.header <= total <= len(self.data):
            raise Wrong("ipv4_total_length")
        self.data = self.data[:total]
        self.read_headers()

    def read_headers(self):
        if not 20 <= self.header <= len(self.data):
            raise Wrong("ipv4_header_length")
        self.protocol = self.data[9]
        self.payload = self.data[self.header :]
        place = number(self.data, 6)
        if place & 0x1FFF:
            self.fragment = "later"
        elif place & 0x2000:
            self.fragment = "first"


class Packet6(Packet):
    version = 6

    def __init__(self, data, quoted=False):
        if len(data) < 40 or data[0] >> 4 != 6 or (data[7] <= 1 and not quoted):
            raise Kernels
        self.data = data
        self.source, self.destination = ipaddress.ip_address(data[8:24]), ipaddress.ip_address(data[24:40])

    def read_lengths(self):
        length = number(self.data, 4)
        if length > len(self.data) - 40:
            raise Wrong("ipv6_payload_length")
        self.data = self.data[: 40 + length]
        self.read_headers()

    def read_headers(self):
        self.protocol, self.payload = self.data[6], self.data[40:]
        count, whole = 0, True
        while self.protocol in (HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION) and self.fragment != "later":
            count += 1
            if count > MOST_EXTENSIONS:
                raise Wrong("ipv6_extension_count")
            if self.protocol == HOP_BY_HOP and count > 1 or self.protocol == FRAGMENT and not whole:
                raise Wrong("ipv6_extension_header")
            whole = whole and self.protocol != FRAGMENT
            self.extension()

    def extension(self):
        """Steps over one extension header."""
        cut = Wrong("first_fragment_header" if self.fragment == "first" else "ipv6_extension_header")
        if len(self.payload) < 8:
            raise cut
        size = 8 if self.protocol == FRAGMENT else (self.payload[1] + 1) * 8
        if len(self.payload) < size:
            raise cut
        if self.protocol == ROUTING and self.payload[3] > 0:
            raise SegmentsLeft
        if self.protocol == FRAGMENT:
            place = number(self.payload, 2)
            self.fragment = "later" if place >> 3 else "first" if place & 1 else None
        self.protocol, self.payload = self.payload[0], self.payload[size:]


def number(data, at):
    return int.from_bytes(data[at : at + 2], "big")
