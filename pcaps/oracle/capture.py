"""Capture files: pcap (micro- and nanoseconds, either byte order) and pcapng, of Ethernet."""
import struct

MICROSECONDS = 0xA1B2C3D4
NANOSECONDS = 0xA1B23C4D
ETHERNET = 1
SNAPLEN = 65535


class Record:
    """One captured frame: its time in nanoseconds since 1970, its bytes, its length on the wire."""

    def __init__(self, time_ns, data, wire_len=None):
        self.time_ns = time_ns
        self.data = data
        self.wire_len = len(data) if wire_len is None else wire_len


def pcap(records, magic=MICROSECONDS, order="<"):
    """The bytes of a pcap file; order is "<" (little endian) or ">"."""
    per_second = 10**9 if magic == NANOSECONDS else 10**6
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, SNAPLEN, ETHERNET)]
    for record in records:
        seconds, rest_ns = divmod(record.time_ns, 10**9)
        ticks, lost = divmod(rest_ns * per_second, 10**9)
        assert lost == 0, "this format can't hold that time"
        out.append(struct.pack(order + "IIII", seconds, ticks, len(record.data), record.wire_len))
        out.append(record.data)
    return b"".join(out)


def pcapng(records, ticks_per_second_log10=9, order="<"):
    """The bytes of a pcapng file: a section, an interface with if_tsresol, one enhanced packet block per frame."""

    def block(kind, body):
        body += bytes(-len(body) % 4)
        length = 12 + len(body)
        return struct.pack(order + "II", kind, length) + body + struct.pack(order + "I", length)

    tsresol = struct.pack(order + "HHB3xHH", 9, 1, ticks_per_second_log10, 0, 0)
    out = [
        block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
        block(1, struct.pack(order + "HHI", ETHERNET, 0, SNAPLEN) + tsresol),
    ]
    for record in records:
        ticks, lost = divmod(record.time_ns * 10**ticks_per_second_log10, 10**9)
        assert lost == 0, "this resolution can't hold that time"
        head = struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(record.data), record.wire_len)
        out.append(block(6, head + record.data))
    return b"".join(out)
