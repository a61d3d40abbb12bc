"""Events: what drain, activate, remove, add, weight, down and up do to new flows and to those that are there."""
from ..case import ADOPTED, CREATED, MOVED, Case
from ..config import Config, Group, Nexthop, Service, VIP4, basic, servers, spare
from ..frames import tcp4, tcp6, udp4


def case_drain_activate():
    sentence = "drain sends new flows elsewhere and activate takes it back; no existing flow moves either time."
    case = Case("event-drain-activate", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.event(10, "activate", "s2")
    case.event(10, "drain", "s1")
    case.send(20, tcp4("S", sport=2)).to("s2", CREATED)
    case.send(21, tcp4("A", sport=1)).to("s1")
    case.event(30, "drain", "s2")
    case.event(30, "activate", "s1")
    case.send(40, tcp4("S", sport=3)).to("s1", CREATED)
    case.send(41, tcp4("A", sport=1)).to("s1")
    case.send(42, tcp4("A", sport=2)).to("s2")
    return case.end(live={"s1": 2, "s2": 1})


def case_acts_before_packets_of_its_time():
    sentence = "An event acts before the packets of its own time and after those a nanosecond earlier."
    case = Case("event-before-packets", sentence, basic(spare()))
    case.format(magic=0xA1B23C4D)
    case.event(5, "activate", "s2")
    case.event(5, "drain", "s1")
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(4, tcp4("S", sport=2), plus_ns=999_999).to("s1", CREATED)
    case.send(5, tcp4("S", sport=3)).to("s2", CREATED)
    return case.end(live={"s1": 2, "s2": 1})


def case_within_a_millisecond():
    sentence = "An event in the middle of a millisecond acts between the packets of that millisecond."
    case = Case("event-within-millisecond", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(1, tcp4("S", sport=2), plus_ns=400_000).to("s1", CREATED)
    case.event(1.5, "activate", "s2")
    case.event(1.5, "drain", "s1")
    case.send(1, tcp4("S", sport=3), plus_ns=600_000).to("s2", CREATED)
    return case.end(live={"s1": 2, "s2": 1})


def case_at_zero():
    sentence = "An event at 0 acts before the first packet; one after the last packet changes nothing that is reported."
    case = Case("event-at-zero-and-after-end", sentence, basic(spare()))
    case.event(0, "activate", "s2")
    case.event(0, "drain", "s1")
    case.send(0, tcp4("S")).to("s2", CREATED)
    case.event(60_000, "drain", "s2")
    return case.end(live={"s2": 1})


def case_same_time_in_order():
    sentence = "Events of one time act in the order of the file: the last word counts."
    case = Case("event-order", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.event(1, "activate", "s2")
    case.event(1, "drain", "s1")
    case.event(1, "activate", "s1")
    case.event(1, "drain", "s2")
    case.send(2, tcp4("S", sport=2)).to("s1", CREATED)
    return case.end(live={"s1": 2})


def case_remove():
    sentence = "remove drains with a deadline: flows stay until it, and what is left moves at its next packet after it."
    case = Case("event-remove-deadline", sentence, basic(spare()))
    case.send(0, tcp4("A", sport=1)).to("s1", ADOPTED)
    case.send(0, tcp4("A", sport=2)).to("s1", ADOPTED)
    case.event(1_000, "activate", "s2")
    case.event(1_000, "remove", "s1", deadline="5s")
    case.send(1_001, tcp4("S", sport=3)).to("s2", CREATED)
    case.send(5_999, tcp4("A", sport=1)).to("s1")
    case.send(6_001, tcp4("A", sport=1)).to("s2", MOVED)
    case.send(6_002, tcp4("A", sport=1)).to("s2")
    return case.end(live={"s1": 1, "s2": 2})


def case_remove_now():
    sentence = "remove with deadline 0s: flows move at their next packet."
    case = Case("event-remove-now", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.event(10, "activate", "s2")
    case.event(10, "remove", "s1", deadline="0s")
    case.send(11, tcp4("A", sport=1)).to("s2", MOVED)
    case.send(12, tcp6("S", sport=2)).to("s2", CREATED)
    return case.end(live={"s2": 2})


def case_remove_default():
    sentence = "remove without a deadline uses the configured one, and 300 s by default."
    case = Case("event-remove-configured", sentence, basic(spare(), timeouts={"remove": "2s"}))
    case.send(0, tcp4("A")).to("s1", ADOPTED)
    case.event(1_000, "activate", "s2")
    case.event(1_000, "remove", "s1")
    case.send(2_999, tcp4("A")).to("s1")
    case.send(3_001, tcp4("A")).to("s2", MOVED)
    return case.end(live={"s2": 1})


def case_remove_default_300():
    case = Case("event-remove-default", "remove without any deadline said gives the flows 300 s.", basic(spare()))
    case.send(0, tcp4("A")).to("s1", ADOPTED)
    case.event(1_000, "activate", "s2")
    case.event(1_000, "remove", "s1")
    case.send(200_000, tcp4("A")).to("s1")
    case.send(300_999, tcp4("A")).to("s1")
    case.send(301_001, tcp4("A")).to("s2", MOVED)
    return case.end(live={"s2": 1})


def case_remove_undone():
    sentence = "activate undoes a remove before its deadline: its flows stay and it takes new ones."
    case = Case("event-remove-undone", sentence, basic())
    case.send(0, tcp4("A", sport=1)).to("s1", ADOPTED)
    case.event(1_000, "remove", "s1", deadline="5s")
    case.send(2_000, tcp4("S", sport=2)).drop("no_nexthop")
    case.event(3_000, "activate", "s1")
    case.send(4_000, tcp4("S", sport=2)).to("s1", CREATED)
    case.send(9_000, tcp4("A", sport=1)).to("s1")
    return case.end(live=2)


def case_remove_last():
    sentence = "After the deadline of a removed nexthop that nobody replaces, its flows keep their entries and are dropped."
    case = Case("event-remove-last", sentence, basic())
    case.send(0, tcp4("A")).to("s1", ADOPTED)
    case.event(1_000, "remove", "s1", deadline="1s")
    case.send(1_500, tcp4("A")).to("s1")
    case.send(2_500, tcp4("A")).drop("no_nexthop")
    return case.end(live=1)


def case_add():
    sentence = "add takes new flows alone: with the old ones draining, they go to the added nexthop; existing ones stay."
    case = Case("event-add", sentence, basic())
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    added = Nexthop("s9", "198.51.100.9", interface="eth1")
    case.event(10, "add", "s9", address=added.address, mac=added.mac, interface=added.interface, weight=1)
    case.added(added)
    case.event(11, "drain", "s1")
    case.send(20, tcp4("S", sport=2)).to("s9", CREATED)
    case.send(21, tcp4("A", sport=1)).to("s1")
    return case.end(live={"s1": 1, "s9": 1})


def case_add_again():
    sentence = "A nexthop that was removed and is added again under its name and address takes up the flows that still hold it."
    case = Case("event-add-again", sentence, basic(spare()))
    case.send(0, tcp4("A", sport=1)).to("s1", ADOPTED)
    case.send(0, tcp4("A", sport=2)).to("s1", ADOPTED)
    case.event(10, "activate", "s2")
    case.event(10, "remove", "s1", deadline="0s")
    case.send(20, tcp4("A", sport=1)).to("s2", MOVED)
    s1 = case.config.groups[0].nexthops[0]
    case.event(30, "add", "s1", address=s1.address, mac=s1.mac, interface=s1.interface, weight=1)
    case.event(30, "drain", "s2")
    case.send(40, tcp4("A", sport=2)).to("s1")
    case.send(41, tcp4("A", sport=1)).to("s2")
    case.send(42, tcp4("S", sport=3)).to("s1", CREATED)
    return case.end(live={"s1": 2, "s2": 1})


def case_weight():
    sentence = "weight 0 ends new flows as drain does, any other weight takes them back; existing flows stay."
    case = Case("event-weight", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.event(10, "activate", "s2")
    case.event(10, "weight", "s1", weight=0)
    case.send(20, tcp4("S", sport=2)).to("s2", CREATED)
    case.send(21, tcp4("A", sport=1)).to("s1")
    case.event(30, "weight", "s1", weight=1000)
    case.event(30, "weight", "s2", weight=0)
    case.send(40, tcp4("S", sport=3)).to("s1", CREATED)
    case.send(41, tcp4("A", sport=2)).to("s2")
    return case.end(live={"s1": 2, "s2": 1})


def case_configured_weight_zero():
    sentence = "A nexthop configured with weight 0 or as draining takes no new flow from the start."
    nexthops = servers(3)
    nexthops[0].weight = 0
    nexthops[1].state = "draining"
    case = Case("config-weight-0-draining", sentence, basic(nexthops))
    for sport in range(16):
        case.send(sport, tcp4("S", sport=sport)).to("s3", CREATED)
    return case.end(live={"s3": 16})


def case_down_up():
    sentence = "down moves flows at their next packet; up takes the buckets back for new flows, moved ones stay."
    case = Case("event-down-up", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.event(10, "activate", "s2")
    case.event(10, "drain", "s2")
    case.event(10, "down", "s1")
    case.send(20, tcp4("A", sport=1)).drop("no_nexthop")
    case.event(30, "activate", "s2")
    case.send(40, tcp4("A", sport=1)).to("s2", MOVED)
    case.send(41, tcp4("S", sport=2)).to("s2", CREATED)
    case.event(50, "up", "s1")
    case.event(50, "drain", "s2")
    case.send(60, tcp4("S", sport=3)).to("s1", CREATED)
    case.send(61, tcp4("A", sport=1)).to("s2")
    return case.end(live={"s1": 1, "s2": 2})


def case_draining_and_down():
    sentence = "A draining nexthop that goes down loses its flows like any; after up it still takes no new ones."
    case = Case("event-draining-down-up", sentence, basic(spare()))
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.event(10, "activate", "s2")
    case.event(10, "drain", "s1")
    case.event(20, "down", "s1")
    case.send(30, tcp4("A", sport=1)).to("s2", MOVED)
    case.event(40, "up", "s1")
    case.send(50, tcp4("S", sport=2)).to("s2", CREATED)
    return case.end(live={"s2": 2})


def case_two_groups():
    sentence = "An event names a group: removing a nexthop there leaves its membership of another group alone."
    config = Config(
        [Service("web", VIP4, "tcp", [80], "web"), Service("dns", VIP4, "udp", [53], "dns")],
        [
            Group("web", [Nexthop("s1", "198.51.100.1"), Nexthop("s2", "198.51.100.2", state="draining")]),
            Group("dns", [Nexthop("d1", "198.51.100.1")]),
        ],
    )
    case = Case("event-one-group", sentence, config)
    case.send(0, tcp4("S", sport=1)).to("s1", CREATED)
    case.send(0, udp4(sport=1)).to("d1", CREATED)
    case.event(10, "activate", "s2")
    case.event(10, "remove", "s1", deadline="0s")
    case.send(20, tcp4("A", sport=1)).to("s2", MOVED)
    case.send(21, udp4(sport=1)).to("d1")
    case.send(22, udp4(sport=2)).to("d1", CREATED)
    return case.end(live={"s2": 1, "d1": 2})
