"""Names of many hosts, in few words."""

import re
from collections.abc import Iterator, Sequence

MOST = 30  # names that are listed; as one of them counts a range
_NUMBERED = re.compile(r"(.*?)(\d{1,9})(\D*)")


def named(names: Sequence[str]) -> str:
    """One name, or how many there are and which: `3 hosts (gate, s[01:02])`."""
    if len(names) == 1:
        return names[0]
    words = list(_ranges(names))
    more = [f"and {len(words) - MOST} more"] if len(words) > MOST else []
    return f"{len(names)} hosts ({', '.join([*words[:MOST], *more])})"


def _ranges(names: Sequence[str]) -> Iterator[str]:
    """The names; three and more that count up, as Ansible writes them: `s[01:30]`."""
    run: list[str] = []
    for name in names:
        if run and name != _next(run[-1]):
            yield from _written(run)
            run = []
        run.append(name)
    yield from _written(run)


def _written(run: Sequence[str]) -> Iterator[str]:
    first = _NUMBERED.fullmatch(run[0]) if run else None
    last = _NUMBERED.fullmatch(run[-1]) if run else None
    if len(run) < 3 or not first or not last:
        yield from run
    else:
        yield f"{first[1]}[{first[2]}:{last[2]}]{first[3]}"


def _next(name: str) -> str:
    """The name that counts one further; empty if there is none."""
    found = _NUMBERED.fullmatch(name)
    return f"{found[1]}{int(found[2]) + 1:0{len(found[2])}}{found[3]}" if found else ""
