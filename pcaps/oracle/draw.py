"""Numbers that look random and are the same on every machine and with every version of Python."""
import hashlib


class Draw:
    """A sequence of numbers that depends on its name alone."""

    def __init__(self, name):
        self.name = name
        self.count = 0

    def below(self, bound):
        self.count += 1
        digest = hashlib.sha256(f"{self.name} {self.count}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % bound

    def of(self, items):
        return items[self.below(len(items))]

    def shuffled(self, items):
        items = list(items)
        return [items.pop(self.below(len(items))) for _ in range(len(items))]
