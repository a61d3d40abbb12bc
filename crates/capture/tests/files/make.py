#!/usr/bin/env python3
"""Makes the captures beside it with other people's writers: scapy, editcap and mergecap.

The tests of the readers say what is in them. Needs python3-scapy, editcap and mergecap (wireshark-common); run it in
this directory."""
import pathlib
import subprocess

from scapy.all import IP, UDP, Ether, PcapWriter, Raw

START = 1_700_000_000


def frames():
    """Three frames, 1.5 s and 1 us apart (in us), the second one cut to 40 of 242 bytes."""
    for number, (time, length, kept) in enumerate([(0, 18, 60), (1_500_000, 200, 40), (1_500_001, 0, 42)]):
        ends = IP(src="203.0.113.5", dst="192.0.2.10", id=number) / UDP(sport=4000 + number, dport=53)
        frame = bytes(Ether(src="02:00:00:00:01:63", dst="02:00:00:00:01:01") / ends / Raw(bytes(length)))
        yield time, frame[:kept], len(frame)


def scapy(name, **options):
    with PcapWriter(name, linktype=1, **options) as writer:
        writer.write_header(None)
        for time, frame, wire_len in frames():
            ticks = time * 1000 + 7 if options.get("nano") else time
            per_second = 10**9 if options.get("nano") else 10**6
            writer.write_packet(
                frame, sec=START + ticks // per_second, usec=ticks % per_second, caplen=len(frame), wirelen=wire_len
            )


def tool(*words):
    subprocess.run(words, check=True)


scapy("scapy-micro-le.pcap", endianness="<")
scapy("scapy-micro-be.pcap", endianness=">")
scapy("scapy-nano-le.pcap", endianness="<", nano=True)
scapy("scapy-nano-be.pcap", endianness=">", nano=True)
tool("editcap", "-F", "pcapng", "scapy-micro-le.pcap", "editcap-micro.pcapng")
tool("editcap", "-F", "pcapng", "scapy-nano-be.pcap", "editcap-nano.pcapng")
tool("editcap", "-F", "nsecpcap", "editcap-micro.pcapng", "editcap-nano.pcap")
# two interfaces with a resolution each
tool("mergecap", "-F", "pcapng", "-I", "none", "-w", "mergecap.pcapng", "scapy-micro-be.pcap", "editcap-nano.pcapng")
# two sections: a pcapng file behind another is one
both = [pathlib.Path(name).read_bytes() for name in ("editcap-nano.pcapng", "editcap-micro.pcapng")]
pathlib.Path("two-sections.pcapng").write_bytes(b"".join(both))
