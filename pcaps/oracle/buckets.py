"""Who owns which bucket, computed plainly from docs/buckets.md: all pairs, sorted, greedy. Slow and obvious."""
import ipaddress
from dataclasses import dataclass
from math import isqrt

from .xxh3 import xxh3_64


@dataclass(frozen=True)
class Taker:
    """A member that takes new flows."""

    name: str
    address: str
    weight: int = 1

    def wire(self):
        return ipaddress.ip_address(self.address).packed

    def order(self):
        address = ipaddress.ip_address(self.address)
        return address.version, int(address)


def log2_of_mantissa(mantissa):
    log = 0
    for _ in range(48):
        mantissa = (mantissa * mantissa) >> 63
        log = 2 * log
        if mantissa >= 1 << 64:
            mantissa, log = mantissa >> 1, log + 1
    return log


POINTS = [log2_of_mantissa((1 << 63) + (i << 55)) for i in range(256)] + [1 << 48]


def minus_log2(value):
    value = value or 1
    zeros = 64 - value.bit_length()
    mantissa = value << zeros
    index, rest = (mantissa >> 55) - 256, mantissa % (1 << 55)
    between = ((POINTS[index + 1] - POINTS[index]) * rest) >> 55
    return (zeros + 1 << 48) - (POINTS[index] + between)


def place(bucket, keyed, bits):
    """The bucket's place in a permutation that belongs to the taker."""
    for number in range(3):
        key = keyed(2**32 - 1 - number)
        bucket = (bucket * (key | 1) + (key >> 32)) % (1 << bits)
        bucket ^= bucket >> ((bits + 1) // 2)
    return bucket


def cost(bucket, taker, seed, buckets):
    bits = buckets.bit_length() - 1
    identity = xxh3_64(taker.wire(), seed).to_bytes(8, "little")

    def keyed(number):
        return xxh3_64(identity + number.to_bytes(4, "little"), seed)

    value = (place(bucket, keyed, bits) << (64 - bits)) + (keyed(bucket) >> bits)
    return (minus_log2(value) * (2**32 // taker.weight)) >> 43


def quotas(takers, buckets):
    total = sum(taker.weight for taker in takers)
    count = len(takers)
    if len({taker.weight for taker in takers}) == 1:
        share = (buckets << 16) // count
        slack = (54 * share + 4000 * isqrt((buckets << 32) // count)) // 10000
        return dict.fromkeys(takers, max((buckets + count - 1) // count, (slack + share) >> 16))
    up, slack = {}, {}
    for taker in takers:
        up[taker] = (buckets * taker.weight + total - 1) // total
        slack[taker] = 102 * buckets * taker.weight // (100 * total)
    return {taker: max(up[taker], slack[taker]) for taker in takers}


def owners(takers, buckets, seed=0):
    """The taker that owns each bucket."""
    pairs = []
    for bucket in range(buckets):
        pairs += [(cost(bucket, taker, seed, buckets), bucket, taker.order(), taker) for taker in takers]
    left = quotas(takers, buckets)
    table = [None] * buckets
    for _, bucket, _, taker in sorted(pairs, key=lambda pair: pair[:3]):
        if table[bucket] is None and left[taker] > 0:
            table[bucket] = taker
            left[taker] -= 1
    return table


def next_by_score(bucket, takers, buckets, seed=0):
    """The taker among these that a bucket wants most."""
    return min(takers, key=lambda taker: (cost(bucket, taker, seed, buckets), taker.order()))


def flow_bucket(source, destination, source_port, destination_port, protocol, buckets, seed=0):
    """The bucket of a 5-tuple."""
    addresses = ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
    ports = source_port.to_bytes(2, "big") + destination_port.to_bytes(2, "big")
    return xxh3_64(addresses + ports + bytes([protocol]), seed) % buckets


assert (POINTS[1], POINTS[128], POINTS[255]) == (1583169853354, 164652306267094, 280681071173261)
assert sum(POINTS) == 40298725893195603
assert cost(63, Taker("", "198.51.100.1", 3), 0, 64) == 48977058890
assert cost(1, Taker("", "198.51.100.1", 1), 0, 1 << 20) == 103771558389
assert cost(32767, Taker("", "2001:db8::1", 1), 42, 32768) == 48209269940
assert [minus_log2(h) for h in (0, 3, 0x0123456789ABCDEF)] == [18014398509481984, 17568271226504234, 2199384351256996]
