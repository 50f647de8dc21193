"""Rubbish: a file's bytes, changed at random in ways that disks, networks, editors and enemies change them."""

import re

_EXTREMES = [
    *("-1", "0", "1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 30, "2147483648", "9223372036854775808", "0.5"),
    *("null", "true", '""', '"x"', "[]", "{}", '"' + "a" * 5000 + '"', '"\\ud800"', "[" * 2000, "18446744073709551615"),
]
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(rb'"[^"\n]*"|\b\w+\b')


def mutate(content, rng):
    """Return other bytes; `rng` is a numpy Generator. Now and then two changes at once."""
    changed = content
    for _ in range(1 + int(rng.random() < 0.3)):
        changed = _KINDS[rng.integers(len(_KINDS))](changed, rng)
    return changed


def _span(content, rng, longest=64):
    start = int(rng.integers(0, max(1, len(content))))
    return start, min(len(content), start + int(rng.integers(1, longest + 1)))


def _flip_bits(content, rng):
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 9))):
        if changed:
            # the beginning, where headers are, as often as all the rest
            most = min(len(changed), 64) if rng.random() < 0.5 else len(changed)
            changed[rng.integers(most)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _cut(content, rng):
    return content[: int(rng.integers(0, len(content) + 1))]


def _drop(content, rng):
    start, stop = _span(content, rng)
    return content[:start] + content[stop:]


def _double(content, rng):
    start, stop = _span(content, rng, 4096)
    return content[:stop] + content[start:stop] + content[stop:]


def _swap(content, rng):
    (a, b), (c, d) = sorted([_span(content, rng), _span(content, rng)])
    return content if b > c else content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _overwrite(content, rng):
    start, stop = _span(content, rng)
    fill = bytes([(0, 255, 10, 127)[rng.integers(4)]]) if rng.random() < 0.5 else None
    return content[:start] + (fill * (stop - start) if fill else rng.bytes(stop - start)) + content[stop:]


def _insert(content, rng):
    start, _ = _span(content, rng)
    return content[:start] + rng.bytes(int(rng.integers(1, 200))) + content[start:]


def _replace_all(content, rng):
    return (b"", b"\n", b"\0" * 4096, rng.bytes(int(rng.integers(1, 4096))))[rng.integers(4)]


def _extreme(pattern):
    def replace(content, rng):
        """Put an extreme value in the place of a number, or of a word, as a file's own grammar has them."""
        found = list(pattern.finditer(content[:100_000]))
        if not found:
            return _overwrite(content, rng)
        start, stop = found[rng.integers(len(found))].span()
        return content[:start] + _EXTREMES[rng.integers(len(_EXTREMES))].encode() + content[stop:]

    return replace


_KINDS = [
    *(_flip_bits, _cut, _drop, _double, _swap, _overwrite, _insert, _replace_all),
    *(_extreme(_NUMBER), _extreme(_WORD)),
]
