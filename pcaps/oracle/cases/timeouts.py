"""Timeouts: idle for the timeout is over, a millisecond less is not."""
from ..case import ADOPTED, CREATED, Case
from ..config import basic
from ..frames import tcp4, tcp6, udp4, udp6


def case_tcp_syn():
    case = Case("timeout-tcp-syn", "A half-open flow idle for 9.999 s is known, for 10 s (tcp_syn) it is over.", basic())
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(0, tcp4("S", sport=2)).to("s1", CREATED)
    case.send(9_999, tcp4("A", sport=1)).to("s1")
    case.send(10_000, tcp4("A", sport=2)).to("s1", ADOPTED)
    return case.end(expired=1, live=2)


def case_tcp_established():
    sentence = "An established flow idle for 299.999 s is known, for 300 s (tcp_established) it is over."
    case = Case("timeout-tcp-established", sentence, basic())
    for sport in (1, 2):
        case.send(0, tcp4("S", sport=sport)).to("s1", CREATED)
    for sport in (1, 2):
        case.send(1, tcp4("A", sport=sport)).to("s1")
    case.send(300_000, tcp4("A", sport=1)).to("s1")
    case.send(300_001, tcp4("A", sport=2)).to("s1", ADOPTED)
    return case.end(expired=1, live=2)


def case_tcp_adopted():
    sentence = "An adopted flow has the timeout of an established one from its first packet on."
    case = Case("timeout-tcp-adopted", sentence, basic())
    case.send(0, tcp6("A", sport=1)).to("s1", ADOPTED)
    case.send(0, tcp6("A", sport=2)).to("s1", ADOPTED)
    case.send(299_999, tcp6("A", sport=1)).to("s1")
    case.send(300_000, tcp6("A", sport=2)).to("s1", ADOPTED)
    return case.end(expired=1, live=2)


def case_tcp_closing():
    sentence = "A closing flow idle for 9.999 s is known, for 10 s (tcp_closing) it is over and counts as closed."
    case = Case("timeout-tcp-closing", sentence, basic())
    for sport, close in ((1, "FA"), (2, "FA"), (3, "R")):
        case.send(2, tcp4("S", sport=sport)).to("s1", CREATED)
        case.send(2, tcp4("A", sport=sport)).to("s1")
        case.send(2, tcp4(close, sport=sport)).to("s1")
    case.send(10_001, tcp4("A", sport=1)).to("s1")
    case.send(10_002, tcp4("A", sport=2)).to("s1", ADOPTED)
    return case.end(closed=2, live=2)


def case_udp():
    case = Case("timeout-udp", "A UDP flow idle for 59.999 s is known, for 60 s (udp) it is over.", basic())
    case.send(0, udp4(sport=1)).to("s1", CREATED)
    case.send(0, udp6(sport=2)).to("s1", CREATED)
    case.send(59_999, udp4(sport=1)).to("s1")
    case.send(60_000, udp6(sport=2)).to("s1", CREATED)
    return case.end(expired=1, live=2)


def case_refresh():
    sentence = "Every packet of a flow refreshes it: it lives as long as no gap is as long as its timeout."
    case = Case("timeout-refresh", sentence, basic())
    case.send(0, udp4()).to("s1", CREATED)
    for number in range(1, 6):
        case.send(59_999 * number, udp4()).to("s1")
    case.send(59_999 * 5 + 60_000, udp4()).to("s1", CREATED)
    return case.end(expired=1, live=1)


def case_configured():
    sentence = "Each configured timeout counts in place of its default, in milliseconds."
    timeouts = {"tcp_syn": "300ms", "tcp_established": "2s", "tcp_closing": "100ms", "udp": "1s"}
    case = Case("timeout-configured", sentence, basic(timeouts=timeouts))
    for sport in (1, 2):
        case.send(0, tcp4("S", sport=sport)).to("s1", CREATED)
        case.send(0, udp4(sport=sport)).to("s1", CREATED)
    case.send(299, tcp4("A", sport=1)).to("s1")
    case.send(300, tcp4("S", sport=2)).to("s1", CREATED)
    case.send(301, tcp4("R", sport=2)).to("s1")
    case.send(400, tcp4("A", sport=2)).to("s1")
    case.send(500, tcp4("A", sport=2)).to("s1", ADOPTED)
    case.send(999, udp4(sport=1)).to("s1")
    case.send(1_000, udp4(sport=2)).to("s1", CREATED)
    case.send(2_298, tcp4("A", sport=1)).to("s1")
    case.send(4_298, tcp4("A", sport=1)).to("s1", ADOPTED)
    # over at the last packet, beside those that a packet found over: both UDP flows and the adopted one of port 2
    return case.end(closed=1, expired=6, live=1)


def case_over_at_the_end():
    sentence = "Flows that are over at the last packet count as expired or closed without any packet of theirs."
    case = Case("timeout-over-at-end", sentence, basic())
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(0, udp4(sport=2)).to("s1", CREATED)
    case.send(0, tcp4("A", sport=3)).to("s1", ADOPTED)
    case.send(0, tcp4("A", sport=4)).to("s1", ADOPTED)
    case.send(1, tcp4("R", sport=4)).to("s1")
    case.send(60_000, tcp4("S", sport=5)).to("s1", CREATED)
    return case.end(expired=2, closed=1, live=2)


def case_state_sets_timeout():
    sentence = "The timeout that counts is that of the flow's state now: half-open, then established, then closing."
    case = Case("timeout-by-state", sentence, basic())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(9_000, tcp4("A")).to("s1")
    case.send(200_000, tcp4("A")).to("s1")
    case.send(200_001, tcp4("FA")).to("s1")
    case.send(210_001, tcp4("A")).to("s1", ADOPTED)
    return case.end(closed=1, live=1)


def case_whole_milliseconds():
    sentence = "Idle times are whole milliseconds: parts of one don't count."
    case = Case("timeout-whole-milliseconds", sentence, basic(timeouts={"udp": "10ms"}))
    case.send(0, udp4(sport=1)).to("s1", CREATED)
    case.send(0, udp4(sport=2), plus_ns=1_000).to("s1", CREATED)
    case.send(9, udp4(sport=1), plus_ns=999_000).to("s1")
    case.send(10, udp4(sport=2)).to("s1", CREATED)
    return case.end(expired=1, live=2)
