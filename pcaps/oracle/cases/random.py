"""Long mixes: flows, errors, fragments, strays and events in an order drawn from a fixed sequence, followed by the model."""
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6PacketTooBig

from ..case import Case
from ..config import VIP4, VIP6, basic, servers
from ..draw import Draw
from ..frames import (
    CLIENT4,
    CLIENT6,
    ether,
    fragments4,
    icmp4,
    icmp6,
    ip4,
    l4_bytes,
    quote4,
    quote6,
    tcp4,
    tcp6,
    udp,
    udp4,
    udp6,
)
from ..model import Model

TCP, UDP = 6, 17
FLAGS = ["S"] * 5 + ["A"] * 8 + ["PA"] * 4 + ["FA"] * 2 + ["R", "SA", "P", "RS"]


class Mix:
    """Frames at even milliseconds, events at odd ones: no packet comes at the very moment of a deadline."""

    def __init__(self, name, nexthops, buckets, seed, ports):
        config = basic(nexthops, buckets, dataplane={"hash_seed": seed})
        sentence = f"A long mix of flows, errors, fragments, strays and events over {len(nexthops)} nexthops, as the model says."
        self.case = Case(name, sentence, config)
        self.model = Model(nexthops, buckets, seed)
        self.draw = Draw(name)
        self.ports = ports
        self.now_ms = 0
        self.datagrams = 0

    def run(self, steps):
        weights = {self.tcp: 60, self.udp: 14, self.icmp: 8, self.fragments: 4, self.stray: 4, self.event: 6}
        actions = [action for action, weight in weights.items() for _ in range(weight)]
        self.tcp()
        for _ in range(steps):
            self.wait()
            self.draw.of(actions)()
        first, last = self.case.sent[0].record, self.case.sent[-1].record
        live = self.model.finish((last.time_ns - first.time_ns) // 10**6)
        return self.case.end(live=live, **self.model.ended)

    def wait(self):
        self.now_ms += self.draw.of([0] * 10 + [2, 10, 50, 200, 1_000, 3_000, 9_998, 10_000])
        if self.draw.below(60) == 0:
            self.now_ms += self.draw.of([59_998, 60_000, 120_000, 300_000])

    def tcp(self):
        port, flags = 1000 + self.draw.below(self.ports), self.draw.of(FLAGS)
        if self.draw.below(2):
            sent, key = self.case.send(self.now_ms, tcp4(flags, sport=port)), (CLIENT4, VIP4, port, 80, TCP)
        else:
            sent, key = self.case.send(self.now_ms, tcp6(flags, sport=port)), (CLIENT6, VIP6, port, 80, TCP)
        sent.to(*self.model.tcp(key, flags, self.now_ms))

    def udp(self):
        port = 1000 + self.draw.below(self.ports)
        if self.draw.below(2):
            sent, key = self.case.send(self.now_ms, udp4(sport=port)), (CLIENT4, VIP4, port, 53, UDP)
        else:
            sent, key = self.case.send(self.now_ms, udp6(sport=port)), (CLIENT6, VIP6, port, 53, UDP)
        sent.to(*self.model.datagram(key, self.now_ms))

    def icmp(self):
        port = 1000 + self.draw.below(self.ports)
        if self.draw.below(2):
            sent, key = self.case.send(self.now_ms, icmp4(quote4(dport=port))), (CLIENT4, VIP4, port, 80, TCP)
        else:
            error = icmp6(ICMPv6PacketTooBig(mtu=1280), quote6(dport=port))
            sent, key = self.case.send(self.now_ms, error), (CLIENT6, VIP6, port, 80, TCP)
        sent.to(*self.model.icmp_error(key, self.now_ms))

    def fragments(self):
        """A datagram in three pieces in any order: what comes before the first leaves before it, at its arrival."""
        port = 1000 + self.draw.below(self.ports)
        self.datagrams += 1
        pieces = fragments4(l4_bytes(ip4() / udp(port) / (b"x" * 40)), [16, 32], id=self.datagrams)
        early, came = [], None
        for number in self.draw.shuffled(range(3)):
            sent = self.case.send(self.now_ms, pieces[number])
            if number == 0:
                nexthop, flow = self.model.datagram((CLIENT4, VIP4, port, 53, UDP), self.now_ms)
                for held in early:
                    held.to(nexthop)
                sent.to(nexthop, flow)
                came = nexthop
            elif came:
                sent.to(came)
            else:
                early.append(sent)
            self.now_ms += 2

    def stray(self):
        kind = self.draw.below(4)
        if kind == 0:
            self.case.send(self.now_ms, ether() / ip4() / ICMP(type=8, id=1)).punt()
        elif kind == 1:
            self.case.send(self.now_ms, tcp4("S", dport=81)).punt()
        elif kind == 2:
            self.case.send(self.now_ms, bytes(tcp4("A"))[:40]).drop("ipv4_total_length")
        else:
            self.case.send(self.now_ms, tcp6("A", hlim=1)).punt()

    def event(self):
        """One change that leaves somebody to take new flows, at the odd millisecond that follows."""
        at_ms, model = self.now_ms + 1, self.model
        self.now_ms += 2
        member = self.draw.of(list(model.members.values()))
        action = self.draw.of(["drain", "activate", "weight", "down", "up", "remove", "add"])
        others = [m for m in model.takers_up(at_ms) if m is not member]
        present = member.gone_at_ms is None
        if action == "drain" and others and present:
            member.active = False
            self.case.event(at_ms, "drain", member.name)
        elif action == "activate" and (present or not member.is_gone(at_ms)):
            member.active, member.gone_at_ms = True, None
            self.case.event(at_ms, "activate", member.name)
        elif action == "weight" and others and present:
            member.weight = self.draw.of([0, 1, 1, 2, 5])
            self.case.event(at_ms, "weight", member.name, weight=member.weight)
        elif action == "down" and others and present:
            member.up = False
            self.case.event(at_ms, "down", member.name)
        elif action == "up" and present:
            member.up = True
            self.case.event(at_ms, "up", member.name)
        elif action == "remove" and others and present:
            deadline = self.draw.of([0, 4, 10_000])
            member.gone_at_ms = at_ms + deadline
            self.case.event(at_ms, "remove", member.name, deadline=f"{deadline}ms")
        elif action == "add" and member.is_gone(at_ms) and member.up:
            nexthop = self.case.row(member.name).nexthop
            member.active, member.gone_at_ms, member.weight = True, None, 1
            self.case.event(
                at_ms, "add", member.name, address=nexthop.address, mac=nexthop.mac, interface=nexthop.interface, weight=1
            )


def case_mix_one():
    return Mix("mix-1-three-nexthops", servers(3), 64, 0, 12).run(400)


def case_mix_two():
    return Mix("mix-2-five-nexthops", servers(5), 128, 77, 40).run(600)


def case_mix_three():
    nexthops = servers(4)
    for nexthop, weight in zip(nexthops, (1, 2, 3, 7)):
        nexthop.weight = weight
    return Mix("mix-3-weights", nexthops, 256, 2**62 + 1, 25).run(600)
