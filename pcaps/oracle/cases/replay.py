"""Replay itself: formats of captures, timestamps and their order."""
from ..capture import MICROSECONDS, NANOSECONDS
from ..case import ADOPTED, CREATED, Case
from ..config import basic
from ..frames import tcp4, tcp6, udp4


def plain(case):
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1, tcp4("A"), plus_ns=2_000).to("s1")
    case.send(1_500, tcp6("S"), plus_ns=999_000).to("s1", CREATED)
    case.send(1_501, tcp4("S", dport=81)).punt()
    return case.end(live=2)


def case_nanoseconds():
    sentence = "Nanosecond pcap: every nanosecond of a timestamp is in the output."
    case = Case("format-pcap-nanoseconds", sentence, basic())
    case.format(magic=NANOSECONDS)
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(0, tcp4("A"), plus_ns=1).to("s1")
    case.send(1, tcp4("A"), plus_ns=999_999).to("s1")
    case.send(2, tcp4("S", dport=81), plus_ns=123_457).punt()
    return case.end(live=1)


def case_big_endian():
    case = Case("format-pcap-big-endian", "Microsecond pcap written by a big-endian machine.", basic())
    case.format(magic=MICROSECONDS, order=">")
    return plain(case)


def case_big_endian_nanoseconds():
    case = Case("format-pcap-nanoseconds-big-endian", "Nanosecond pcap written by a big-endian machine.", basic())
    case.format(magic=NANOSECONDS, order=">")
    return plain(case)


def case_pcapng():
    case = Case("format-pcapng", "pcapng with nanosecond timestamps.", basic())
    case.format(file="pcapng", ticks_per_second_log10=9)
    case.send(2_000, tcp4("A", payload=bytes(100)), plus_ns=7, cut=60).to("s1", ADOPTED)
    case.send(2_001, tcp4("A", payload=bytes(3)), plus_ns=1).to("s1")
    return case.end(live=1)


def case_pcapng_microseconds():
    case = Case("format-pcapng-microseconds", "pcapng with the resolution of microseconds, big endian.", basic())
    case.format(file="pcapng", ticks_per_second_log10=6, order=">")
    return plain(case)


def case_pcapng_milliseconds():
    case = Case("format-pcapng-milliseconds", "pcapng whose if_tsresol says milliseconds.", basic())
    case.format(file="pcapng", ticks_per_second_log10=3)
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(9_999, tcp4("A")).to("s1")
    return case.end(live=1)


def case_out_of_order():
    sentence = "Frames whose timestamps are out of order in the file are taken in order of time."
    case = Case("replay-out-of-order", sentence, basic(), out_of_order=True)
    second = case.send(5, tcp4("A"))
    first = case.send(0, tcp4("S"))
    fourth = case.send(9, tcp4("S"))
    third = case.send(7, tcp4("FA"))
    first.to("s1", CREATED)
    second.to("s1")
    third.to("s1")
    fourth.to("s1", CREATED)
    return case.end(closed=1, live=1)


def case_far_apart():
    sentence = "Days without a packet are no trouble: everything is over, and the clock goes on."
    case = Case("replay-days-apart", sentence, basic())
    case.send(0, tcp4("A")).to("s1", ADOPTED)
    case.send(0, udp4()).to("s1", CREATED)
    case.send(60 * 86_400_000, tcp4("A")).to("s1", ADOPTED)
    case.send(60 * 86_400_000 + 1, udp4()).to("s1", CREATED)
    return case.end(expired=2, live=2)


def case_one_instant():
    sentence = "Many frames of one instant, more than a burst, are walked in the order of the file."
    case = Case("replay-one-instant", sentence, basic(dataplane={"burst": 4}))
    for sport in range(20):
        case.send(0, tcp4("S", sport=sport)).to("s1", CREATED)
        case.send(0, tcp4("FA", sport=sport)).to("s1")
        case.send(0, tcp4("S", sport=sport)).to("s1", CREATED)
    return case.end(closed=20, live=20)


def case_empty():
    case = Case("replay-empty", "A capture without a frame makes empty captures and a report of zeros.", basic())
    return case.end()
