"""Ranges in host names, in Ansible's notation."""

import itertools
import re
from collections.abc import Iterator, Sequence

from nbfab.inventory.place import Place

MOST = 10_000  # hosts
LONGEST = 300  # characters of a pattern; a host name has at most 253

_RANGE = re.compile(r"\[([0-9]*|[a-zA-Z]):([0-9]+|[a-zA-Z])(?::([0-9]+))?\]")


def expand(pattern: str, place: Place) -> Iterator[str]:
    """The names that a pattern stands for: `gpu[01:30]`, `[a:f]`, `[:10:5]` (from 0), as in Ansible."""
    if len(pattern) > LONGEST:
        raise place.error(f"a name longer than {LONGEST} characters: {pattern[:60]!r}...")
    texts = _RANGE.split(pattern)
    fixed, choices, size = texts[::4], [], 1
    for first, last, step in zip(texts[1::4], texts[2::4], texts[3::4], strict=True):
        choices.append(_choices(first, last, step, pattern, place))
        size *= len(choices[-1])
        if size > MOST:
            raise place.error(f"{pattern[:60]!r} stands for more than {MOST} hosts")
    for chosen in itertools.product(*choices):
        yield fixed[0] + "".join(text + rest for text, rest in zip(chosen, fixed[1:], strict=True))


def _choices(first: str, last: str, step: str | None, pattern: str, place: Place) -> Sequence[str]:
    first = first or "0"
    by = int(step[:9]) if step else 1
    if first.isdigit() and last.isdigit() and len(first) < 10 and len(last) < 10 and int(first) <= int(last) and by:
        if int(last) - int(first) > MOST * by:
            raise place.error(f"{pattern[:60]!r} stands for more than {MOST} hosts")
        return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1, by)]
    if first.isalpha() and last.isalpha() and first.islower() == last.islower() and first <= last and by:
        return [chr(code) for code in range(ord(first), ord(last) + 1, by)]
    raise place.error(f"{pattern[:60]!r} is not a valid range", "write it as gpu[01:30] or gpu[a:f]")
