"""A full flow table: unconfirmed flows make room, confirmed ones stay, and nobody is refused."""
from ..case import ADOPTED, CREATED, UNTRACKED, Case
from ..config import basic
from ..frames import icmp4, quote4, tcp4, tcp6, udp4, udp6


def capacity(number):
    return basic(dataplane={"flow_capacity": number})


def establish(case, at_ms, sport):
    case.send(at_ms, tcp4("S", sport=sport)).to("s1", CREATED)
    case.send(at_ms, tcp4("A", sport=sport)).to("s1")


def case_capacity_one():
    sentence = "A table of one flow: an unconfirmed one makes room for the next, a confirmed one leaves the next untracked."
    case = Case("table-capacity-1", sentence, capacity(1))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(1, tcp4("S", sport=2)).to("s1", CREATED)  # evicts 1
    case.send(2, tcp4("A", sport=2)).to("s1")
    case.send(3, tcp4("S", sport=3)).to("s1", UNTRACKED)
    case.send(4, tcp4("A", sport=3)).to("s1", UNTRACKED)
    case.send(5, udp6()).to("s1", UNTRACKED)
    case.send(6, tcp4("A", sport=2)).to("s1")
    return case.end(evicted=1, live=1)


def case_capacity_one_freed():
    sentence = "A confirmed flow that is over frees its place, within a second, without any packet of its own."
    case = Case("table-capacity-1-freed", sentence, capacity(1))
    establish(case, 0, 1)
    case.send(1, tcp4("S", sport=2)).to("s1", UNTRACKED)
    case.send(301_001, tcp4("S", sport=2)).to("s1", CREATED)
    case.send(301_002, tcp4("A", sport=2)).to("s1")
    return case.end(expired=1, live=1)


def case_capacity_two():
    sentence = "A table of two: one half-open flow at most (half of it), the second evicts the first; two confirmed fill it."
    case = Case("table-capacity-2", sentence, capacity(2))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(1, tcp4("S", sport=2)).to("s1", CREATED)  # evicts 1
    case.send(2, tcp4("A", sport=2)).to("s1")
    case.send(3, tcp4("S", sport=3)).to("s1", CREATED)
    case.send(4, tcp4("S", sport=4)).to("s1", CREATED)  # evicts 3
    case.send(5, tcp4("A", sport=4)).to("s1")
    case.send(6, tcp4("S", sport=5)).to("s1", UNTRACKED)
    case.send(7, tcp4("A", sport=2)).to("s1")
    case.send(8, tcp4("A", sport=4)).to("s1")
    return case.end(evicted=2, live=2)


def case_half():
    sentence = "Unconfirmed flows fill at most half of a table of ten: each further one evicts an old one of them."
    case = Case("table-unconfirmed-half", sentence, capacity(10))
    for number in range(5):
        case.send(number, tcp4("S", sport=number)).to("s1", CREATED)
    for number in range(5, 12):
        case.send(number, tcp4("S", sport=number)).to("s1", CREATED)
    return case.end(evicted=7, live=5)


def case_flood():
    sentence = "A flood of SYNs evicts no established flow, and a real new connection still succeeds."
    case = Case("table-syn-flood", sentence, capacity(10))
    for sport in range(5):
        establish(case, 0, sport)
    for number in range(100):
        case.send(1 + number, tcp4("S", sport=2000 + number, src="203.0.113.66")).to("s1", CREATED)
    for sport in range(5):
        case.send(200, tcp4("A", sport=sport)).to("s1")
    establish(case, 201, 77)
    case.send(202, tcp4("A", sport=77)).to("s1")
    # five unconfirmed ones stood; the real one evicted one of them to come in
    return case.end(evicted=96, live=10)


def case_ten_confirmed():
    sentence = "Ten confirmed flows fill a table of ten; an eleventh is forwarded by bucket and counted, packet by packet."
    case = Case("table-capacity-10", sentence, capacity(10))
    for sport in range(10):
        establish(case, sport, sport)
    for number, frame in enumerate([tcp4("S", sport=50), tcp4("A", sport=50), udp4(), tcp6("A")]):
        case.send(20 + number, frame).to("s1", UNTRACKED)
    for sport in range(10):
        case.send(30, tcp4("A", sport=sport)).to("s1")
    return case.end(live=10)


def case_full_with_unconfirmed():
    sentence = "A full table with an unconfirmed flow in it takes a new one in that one's place: nothing is untracked."
    case = Case("table-full-evicts-unconfirmed", sentence, capacity(10))
    for sport in range(9):
        establish(case, sport, sport)
    case.send(20, tcp4("S", sport=100)).to("s1", CREATED)
    case.send(21, tcp4("S", sport=101)).to("s1", CREATED)  # evicts 100
    case.send(22, tcp4("A", sport=101)).to("s1")
    case.send(23, tcp4("S", sport=102)).to("s1", UNTRACKED)
    return case.end(evicted=1, live=10)


def case_confirmed_by_second_packet():
    sentence = "UDP and adopted flows are unconfirmed with one packet and confirmed with two: then they aren't evicted."
    case = Case("table-confirmed-by-second", sentence, capacity(2))
    case.send(0, udp4(sport=1)).to("s1", CREATED)
    case.send(1, udp4(sport=2)).to("s1", CREATED)  # evicts 1
    case.send(2, udp4(sport=2)).to("s1")
    case.send(3, tcp4("A", sport=3)).to("s1", ADOPTED)
    case.send(4, tcp4("A", sport=4)).to("s1", ADOPTED)  # evicts 3
    case.send(5, tcp4("A", sport=4)).to("s1")
    case.send(6, udp6(sport=5)).to("s1", UNTRACKED)
    case.send(7, udp4(sport=2)).to("s1")
    case.send(8, tcp4("A", sport=4)).to("s1")
    return case.end(evicted=2, live=2)


def case_syn_again():
    sentence = "A SYN sent again doesn't confirm its flow: it is still evicted."
    case = Case("table-syn-again-unconfirmed", sentence, capacity(1))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(1, tcp4("S", sport=1)).to("s1")
    case.send(2, tcp4("S", sport=2)).to("s1", CREATED)  # evicts 1
    return case.end(evicted=1, live=1)


def case_closing_unknown_is_not_untracked():
    sentence = "RST, FIN and ICMP errors of unknown flows aren't pinned anyway: a full table doesn't count them as untracked."
    case = Case("table-full-not-counted", sentence, capacity(1))
    establish(case, 0, 1)
    case.send(1, tcp4("R", sport=2)).to("s1")
    case.send(2, tcp4("FA", sport=2)).to("s1")
    case.send(3, icmp4(quote4(dport=2))).to("s1")
    case.send(4, tcp4("A", sport=2)).to("s1", UNTRACKED)
    return case.end(live=1)


def case_syn_on_closing_when_full():
    sentence = "A SYN on a closing flow of a full table takes that flow's own place."
    case = Case("table-full-syn-on-closing", sentence, capacity(1))
    establish(case, 0, 1)
    case.send(1, tcp4("FA", sport=1)).to("s1")
    case.send(2, tcp4("S", sport=1)).to("s1", CREATED)
    return case.end(closed=1, live=1)


def case_both_families():
    sentence = "IPv4 and IPv6 flows share one capacity."
    case = Case("table-both-families", sentence, capacity(2))
    establish(case, 0, 1)
    case.send(1, tcp6("S", sport=2)).to("s1", CREATED)
    case.send(2, tcp6("A", sport=2)).to("s1")
    case.send(3, tcp6("S", sport=3)).to("s1", UNTRACKED)
    case.send(4, tcp4("S", sport=3)).to("s1", UNTRACKED)
    return case.end(live=2)
