"""A model of the flow table and of what events do to a group, for cases too long to be stated frame by frame.

It follows the table of rows of docs/packet-walk.md over decoded packets (it parses nothing), with an unbounded table, and
states what it finds to a Case. Nothing in it is fast or shared with the program.
"""
from dataclasses import dataclass

from .buckets import Taker, flow_bucket, next_by_score, owners
from .case import ADOPTED, CREATED, MOVED

HALF_OPEN, ESTABLISHED, CLOSING, DATAGRAM = "half-open", "established", "closing", "datagram"
TIMEOUT_MS = {HALF_OPEN: 10_000, ESTABLISHED: 300_000, CLOSING: 10_000, DATAGRAM: 60_000}


@dataclass
class Member:
    """A nexthop of the group, present or gone."""

    name: str
    address: str
    weight: int
    active: bool = True
    up: bool = True
    gone_at_ms: int = None

    def is_gone(self, now_ms):
        return self.gone_at_ms is not None and now_ms >= self.gone_at_ms

    def takes_new(self, now_ms):
        return self.active and self.weight > 0 and self.gone_at_ms is None

    def can_serve(self, now_ms):
        return self.up and not self.is_gone(now_ms)


@dataclass
class Flow:
    state: str
    member: str
    seen_ms: int

    def is_over(self, now_ms):
        return now_ms - self.seen_ms >= TIMEOUT_MS[self.state]


class Model:
    """One group; flows by 5-tuple (source, destination, source port, destination port, protocol)."""

    def __init__(self, nexthops, buckets, seed=0):
        self.members = {n.name: Member(n.name, n.address, n.weight, n.state == "active") for n in nexthops}
        self.buckets = buckets
        self.seed = seed
        self.flows = {}
        self.ended = {"expired": 0, "closed": 0}
        self.tables = {}

    # ---- packets: each returns (nexthop, what it means to the flow table)

    def tcp(self, key, flags, now_ms):
        signal = "close" if set(flags) & set("RF") else "ack" if "A" in flags else "open" if "S" in flags else "plain"
        flow = self.known(key, now_ms)
        if flow and flow.state == CLOSING and signal == "open":
            self.end(key)
            flow = None
        if flow is None:
            if signal == "close":
                return self.by_bucket(key, now_ms), None
            return self.pin(key, HALF_OPEN if signal == "open" else ESTABLISHED, now_ms)
        if signal == "close":
            flow.state = CLOSING
        elif signal == "ack" and flow.state == HALF_OPEN:
            flow.state = ESTABLISHED
        return self.serve(key, flow, now_ms)

    def datagram(self, key, now_ms):
        flow = self.known(key, now_ms)
        return self.serve(key, flow, now_ms) if flow else self.pin(key, DATAGRAM, now_ms)

    def icmp_error(self, key, now_ms):
        flow = self.known(key, now_ms)
        if flow and self.members[flow.member].can_serve(now_ms):
            return flow.member, None
        return self.by_bucket(key, now_ms), None

    def finish(self, now_ms):
        """Ends all that is over; the rest by nexthop."""
        for key in list(self.flows):
            self.known(key, now_ms)
        live = [flow.member for flow in self.flows.values()]
        return {name: live.count(name) for name in self.members if name in live}

    # ---- the table

    def known(self, key, now_ms):
        flow = self.flows.get(key)
        if flow and flow.is_over(now_ms):
            self.end(key)
            return None
        return flow

    def end(self, key):
        self.ended["closed" if self.flows.pop(key).state == CLOSING else "expired"] += 1

    def pin(self, key, state, now_ms):
        member = self.by_bucket(key, now_ms)
        self.flows[key] = Flow(state, member, now_ms)
        return member, ADOPTED if state == ESTABLISHED else CREATED

    def serve(self, key, flow, now_ms):
        flow.seen_ms = now_ms
        if self.members[flow.member].can_serve(now_ms):
            return flow.member, None
        flow.member = self.by_bucket(key, now_ms)
        return flow.member, MOVED

    # ---- buckets

    def by_bucket(self, key, now_ms):
        bucket = flow_bucket(*key, self.buckets, self.seed)
        takers = tuple(Taker(m.name, m.address, m.weight) for m in self.members.values() if m.takes_new(now_ms))
        if takers not in self.tables:
            self.tables[takers] = owners(takers, self.buckets, self.seed)
        owner = self.tables[takers][bucket]
        up = [taker for taker in takers if self.members[taker.name].up]
        return owner.name if owner in up else next_by_score(bucket, up, self.buckets, self.seed).name

    def takers_up(self, now_ms):
        return [m for m in self.members.values() if m.takes_new(now_ms) and m.up]
