"""The Internet checksum, mended: RFC 1624."""


def ones_complement_sum(a, b):
    total = a + b
    return (total & 0xFFFF) + (total >> 16)


def mended(checksum, word):
    """Equation 3, HC' = ~(~HC + ~m + m'), for a word m whose high byte (TTL) becomes one less."""
    total = (checksum ^ 0xFFFF) + (word ^ 0xFFFF) + (word - 0x100)
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
