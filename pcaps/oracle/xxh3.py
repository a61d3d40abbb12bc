"""XXH3-64 with a seed, for inputs of 4 to 128 bytes: all that addresses, buckets and flow keys need.

Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md, "XXH3 Algorithm".
"""
import struct

MASK = (1 << 64) - 1

#: The first 128 bytes of the default secret.
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
)

PRIME32_1 = 0x9E3779B1
PRIME64_1 = 0x9E3779B185EBCA87
PRIME_MX1 = 0x165667919E3779F9
PRIME_MX2 = 0x9FB21C651E98DF25


def xxh3_64(data, seed=0):
    if 4 <= len(data) <= 8:
        return up_to_8(data, seed)
    if 9 <= len(data) <= 16:
        return up_to_16(data, seed)
    assert 17 <= len(data) <= 128, "no input of this length is hashed here"
    return up_to_128(data, seed)


def up_to_8(data, seed):
    seed ^= swap(seed & 0xFFFFFFFF, 4) << 32
    first, last = word(data, 0, 4), word(data, len(data) - 4, 4)
    flip = ((word(SECRET, 8) ^ word(SECRET, 16)) - seed) & MASK
    value = (last + (first << 32)) ^ flip
    value ^= rotate(value, 49) ^ rotate(value, 24)
    value = value * PRIME_MX2 & MASK
    value ^= (value >> 35) + len(data)
    value = value * PRIME_MX2 & MASK
    return value ^ (value >> 28)


def up_to_16(data, seed):
    low_flip = ((word(SECRET, 24) ^ word(SECRET, 32)) + seed) & MASK
    high_flip = ((word(SECRET, 40) ^ word(SECRET, 48)) - seed) & MASK
    low = word(data, 0) ^ low_flip
    high = word(data, len(data) - 8) ^ high_flip
    return avalanche(len(data) + swap(low, 8) + high + fold(low, high))


def up_to_128(data, seed):
    total = len(data) * PRIME64_1
    rounds = (len(data) - 1) // 32 + 1
    for i in range(rounds):
        total += mix(data, 16 * i, 32 * i, seed)
        total += mix(data, len(data) - 16 * (i + 1), 32 * i + 16, seed)
    return avalanche(total)


def mix(data, at, secret_at, seed):
    low = word(data, at) ^ ((word(SECRET, secret_at) + seed) & MASK)
    high = word(data, at + 8) ^ ((word(SECRET, secret_at + 8) - seed) & MASK)
    return fold(low, high)


def avalanche(value):
    value &= MASK
    value ^= value >> 37
    value = value * PRIME_MX1 & MASK
    return value ^ (value >> 32)


def fold(a, b):
    product = a * b
    return (product & MASK) ^ (product >> 64)


def word(data, at, size=8):
    return struct.unpack_from("<Q" if size == 8 else "<I", data, at)[0]


def swap(value, size):
    return int.from_bytes(value.to_bytes(size, "little"), "big")


def rotate(value, by):
    return (value << by | value >> (64 - by)) & MASK


#: From the reference implementation (python3-xxhash 3.2.0): the bytes 0, 1, 2 … of a length, and one seed.
VECTORS = {
    4: 0xBB981E431FA9E4E3,
    12: 0xC8115CCB8E7FCC9F,
    13: 0x4B8F8904F082EB3C,
    16: 0x1DCA78F4947ED52C,
    37: 0x7A9F5673DC7DA377,
}
assert {n: xxh3_64(bytes(range(n)), 0x0123456789ABCDEF) for n in VECTORS} == VECTORS
