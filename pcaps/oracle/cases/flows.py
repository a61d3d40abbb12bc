"""The flow table's rows: what each kind of packet does to a known or unknown flow."""
from ..case import ADOPTED, CREATED, MOVED, Case
from ..config import basic, spare
from ..frames import tcp4, tcp6, udp4, udp6


def case_syn_creates():
    sentence = "A SYN of an unknown flow goes to the bucket's nexthop and pins the flow: it stays when new ones go elsewhere."
    case = Case("tcp-syn-creates", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1, tcp6("S")).to("s1", CREATED)
    case.turn(2)
    case.send(3, tcp4("A")).to("s1")
    case.send(4, tcp6("PA", payload=b"hello")).to("s1")
    case.send(5, tcp4("S", sport=2000)).to("s2", CREATED)
    return case.end(live={"s1": 2, "s2": 1})


def case_first_udp():
    sentence = "The first UDP packet of a flow goes to the bucket's nexthop and pins it; the next ones follow."
    case = Case("udp-first", sentence, basic(spare()))
    case.send(0, udp4()).to("s1", CREATED)
    case.send(1, udp6()).to("s1", CREATED)
    case.turn(2)
    case.send(3, udp4()).to("s1")
    case.send(4, udp6()).to("s1")
    case.send(5, udp6(sport=2000)).to("s2", CREATED)
    return case.end(live={"s1": 2, "s2": 1})


def case_adopted():
    sentence = "TCP without SYN of an unknown flow is pinned as adopted, whichever flags it has but RST and FIN."
    case = Case("tcp-adopted", sentence, basic(spare()))
    for sport, flags in enumerate(["A", "PA", "", "P", "U", "AE", "SA"]):
        case.send(sport, tcp4(flags, sport=sport)).to("s1", ADOPTED)
    case.send(8, tcp6("A")).to("s1", ADOPTED)
    case.turn(9)
    for sport in range(7):
        case.send(10, tcp4("A", sport=sport)).to("s1")
    case.send(11, tcp6("A")).to("s1")
    return case.end(live={"s1": 8})


def case_close_unknown():
    sentence = "RST or FIN of an unknown flow goes by bucket and isn't pinned, whatever other flags there are."
    case = Case("tcp-close-unknown", sentence, basic(spare()))
    for flags in ("R", "RA", "F", "FA", "FPA", "RS", "FS", "RFS"):
        case.send(0, tcp4(flags)).to("s1")
        case.send(0, tcp6(flags)).to("s1")
    case.turn(1)
    for flags in ("R", "FA", "FS"):
        case.send(2, tcp4(flags)).to("s2")
    case.send(3, tcp4("A")).to("s2", ADOPTED)
    return case.end(live={"s2": 1})


def case_flag_order():
    sentence = "RST beats FIN beats SYN: a known flow that gets any of them with others is closing, so a SYN makes a new one."
    case = Case("tcp-flag-order", sentence, basic(spare()))
    mixes = ["RS", "FS", "RF", "RFS", "RSA", "FSA"]
    for sport, flags in enumerate(mixes):
        case.send(sport, tcp4("S", sport=sport)).to("s1", CREATED)
        case.send(sport, tcp4("A", sport=sport)).to("s1")
        case.send(sport, tcp4(flags, sport=sport)).to("s1")
    case.turn(10)
    for sport, _ in enumerate(mixes):
        case.send(11 + sport, tcp4("A", sport=sport)).to("s1")
        case.send(11 + sport, tcp4("S", sport=sport)).to("s2", CREATED)
    return case.end(closed=6, live={"s2": 6})


def case_syn_on_closing():
    sentence = "A SYN on a closing flow is a new flow with the bucket's nexthop of now; the old one counts as closed."
    case = Case("tcp-syn-on-closing", sentence, basic(spare()))
    for number, close in enumerate(["R", "FA"]):
        case.send(number, tcp4("S", sport=number)).to("s1", CREATED)
        case.send(number, tcp4("A", sport=number)).to("s1")
        case.send(number, tcp4(close, sport=number)).to("s1")
    case.turn(3)
    case.send(4, tcp4("S", sport=0)).to("s2", CREATED)
    case.send(5, tcp4("S", sport=1)).to("s2", CREATED)
    case.send(6, tcp4("A", sport=0)).to("s2")
    return case.end(closed=2, live={"s2": 2})


def case_syn_on_half_open_closing():
    case = Case("tcp-syn-on-reset-half-open", "A half-open flow that was reset is closing: a SYN is a new flow.", basic())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1, tcp4("R")).to("s1")
    case.send(2, tcp4("S")).to("s1", CREATED)
    return case.end(closed=1, live=1)


def case_only_syn_leaves_closing():
    sentence = "Closing is left by a SYN alone: ACKs and SYN+ACKs are forwarded to the old nexthop and it stays closing."
    case = Case("tcp-closing-stays", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1, tcp4("A")).to("s1")
    case.send(2, tcp4("FA")).to("s1")
    case.turn(3)
    case.send(4, tcp4("A")).to("s1")
    case.send(5, tcp4("SA")).to("s1")
    case.send(6, tcp4("FA")).to("s1")
    case.send(7, tcp4("S")).to("s2", CREATED)
    return case.end(closed=1, live={"s2": 1})


def case_syn_on_known():
    sentence = "A SYN on a known flow that isn't closing is forwarded to its nexthop and changes nothing."
    case = Case("tcp-syn-on-known", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(0, tcp4("S", sport=2)).to("s1", CREATED)
    case.send(1, tcp4("A", sport=2)).to("s1")
    case.turn(2)
    case.send(3, tcp4("S", sport=1)).to("s1")
    case.send(4, tcp4("S", sport=2)).to("s1")
    case.send(20_000, tcp4("A", sport=2)).to("s1")
    return case.end(expired=1, live={"s1": 1})


def case_syn_on_expired():
    sentence = "A SYN on an expired flow is a new flow with the bucket's nexthop of now; the old one counts as expired."
    case = Case("tcp-syn-on-expired", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.turn(1)
    case.send(10_000, tcp4("S")).to("s2", CREATED)
    return case.end(expired=1, live={"s2": 1})


def case_half_open_to_established():
    sentence = "Half-open becomes established at the first packet with ACK and without SYN: from there its longer timeout counts."
    case = Case("tcp-half-open-established", sentence, basic())
    for sport, flags in enumerate(["A", "PA", "AU"]):
        case.send(sport, tcp4("S", sport=sport)).to("s1", CREATED)
        case.send(sport, tcp4(flags, sport=sport)).to("s1")
    for sport in range(3):
        case.send(11_000, tcp4("A", sport=sport)).to("s1")
    return case.end(live=3)


def case_half_open_stays():
    sentence = "Packets without ACK don't make a half-open flow established: its short timeout counts from the last of them."
    case = Case("tcp-half-open-stays", sentence, basic())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1_000, tcp4("P")).to("s1")
    case.send(10_999, tcp4("", sport=1000)).to("s1")
    case.send(20_999, tcp4("A")).to("s1", ADOPTED)
    return case.end(expired=1, live=1)


def case_known_draining():
    sentence = "A draining nexthop keeps its own flows, TCP and UDP, and takes no new ones."
    case = Case("flow-nexthop-draining", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1, udp4()).to("s1", CREATED)
    case.turn(2)
    for at_ms in (3, 4, 5):
        case.send(at_ms, tcp4("A")).to("s1")
        case.send(at_ms, udp4()).to("s1")
    case.send(6, tcp4("S", sport=2000)).to("s2", CREATED)
    return case.end(live={"s1": 2, "s2": 1})


def case_known_down():
    sentence = "A flow whose nexthop is down picks again at its next packet, is pinned there and counted as moved, once."
    case = Case("flow-nexthop-down", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(0, udp6(sport=2)).to("s1", CREATED)
    case.send(0, tcp4("S", sport=3)).to("s1", CREATED)
    case.event(1, "activate", "s2")
    case.event(1, "down", "s1")
    case.send(2, tcp4("A", sport=1)).to("s2", MOVED)
    case.send(3, udp6(sport=2)).to("s2", MOVED)
    case.send(4, tcp4("A", sport=1)).to("s2")
    case.send(5, udp6(sport=2)).to("s2")
    return case.end(live={"s1": 1, "s2": 2})


def case_moved_by_any_packet():
    sentence = "SYN, FIN and RST of a known flow whose nexthop is down move it as any packet does."
    case = Case("flow-moved-by-any-packet", sentence, basic(spare()))
    for sport in range(3):
        case.send(0, tcp4("S", sport=sport)).to("s1", CREATED)
    case.event(1, "activate", "s2")
    case.event(1, "down", "s1")
    case.send(2, tcp4("S", sport=0)).to("s2", MOVED)
    case.send(3, tcp4("FA", sport=1)).to("s2", MOVED)
    case.send(4, tcp4("R", sport=2)).to("s2", MOVED)
    case.send(5, tcp4("S", sport=1)).to("s2", CREATED)
    return case.end(closed=1, live={"s2": 3})


def case_syn_on_closing_is_not_moved():
    sentence = "A SYN on a closing flow whose nexthop is down is a new flow and counts as created, not as moved."
    case = Case("tcp-syn-on-closing-down", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.send(1, tcp4("R")).to("s1")
    case.event(2, "activate", "s2")
    case.event(2, "down", "s1")
    case.send(3, tcp4("S")).to("s2", CREATED)
    return case.end(closed=1, live={"s2": 1})


def case_down_and_up():
    sentence = "A flow that moved stays when its old nexthop is up again; one that had no packet meanwhile never moved."
    case = Case("flow-nexthop-back", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(0, tcp4("S", sport=2)).to("s1", CREATED)
    case.event(1, "activate", "s2")
    case.event(1, "down", "s1")
    case.send(2, tcp4("A", sport=1)).to("s2", MOVED)
    case.event(3, "up", "s1")
    case.send(4, tcp4("A", sport=1)).to("s2")
    case.send(5, tcp4("A", sport=2)).to("s1")
    return case.end(live={"s1": 1, "s2": 1})


def case_no_nexthop_known():
    sentence = "A known flow keeps its entry while nobody can serve it: dropped as no_nexthop until its nexthop is back."
    case = Case("flow-no-nexthop-known", sentence, basic())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.event(1, "down", "s1")
    case.send(2, tcp4("A")).drop("no_nexthop")
    case.send(3, tcp4("S", sport=2000)).drop("no_nexthop")
    case.event(4, "up", "s1")
    case.send(5, tcp4("A")).to("s1")
    return case.end(live=1)


def case_no_nexthop_known_moves():
    sentence = "A known flow that nobody could serve moves to the first nexthop that can, though its own is still down."
    case = Case("flow-no-nexthop-then-moved", sentence, basic(spare()))
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.event(1, "down", "s1")
    case.send(2, tcp4("A")).drop("no_nexthop")
    case.event(3, "activate", "s2")
    case.send(4, tcp4("A")).to("s2", MOVED)
    return case.end(live={"s2": 1})


def case_no_nexthop_new():
    sentence = "New flows of a group without a usable nexthop are dropped as no_nexthop and leave no entry."
    case = Case("drop-no-nexthop", sentence, basic())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.event(1, "drain", "s1")
    case.send(2, tcp4("S", sport=2000)).drop("no_nexthop")
    case.send(3, tcp4("A", sport=2001)).drop("no_nexthop")
    case.send(4, tcp4("R", sport=2002)).drop("no_nexthop")
    case.send(5, udp6()).drop("no_nexthop")
    case.send(6, tcp4("A")).to("s1")
    case.event(7, "activate", "s1")
    case.send(8, tcp4("A", sport=2000)).to("s1", ADOPTED)
    return case.end(live=2)


def case_weight_zero():
    sentence = "A nexthop of weight 0 takes no new flows and keeps its own; all of weight 0 is no_nexthop for new ones."
    case = Case("flow-weight-zero", sentence, basic())
    case.send(0, tcp4("S")).to("s1", CREATED)
    case.event(1, "weight", "s1", weight=0)
    case.send(2, tcp4("A")).to("s1")
    case.send(3, tcp4("S", sport=2000)).drop("no_nexthop")
    case.event(4, "weight", "s1", weight=5)
    case.send(5, tcp4("S", sport=2000)).to("s1", CREATED)
    return case.end(live=2)
