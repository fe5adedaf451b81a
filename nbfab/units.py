"""Units: times and sizes in words, the same wherever they are shown."""

import time

_SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_SPANS = ((86400, "d"), (3600, "h"), (60, "min"))


def stamp(seconds: float) -> str:
    """A time, in seconds since the epoch, in UTC: as people read it and as JSON has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def span(seconds: int) -> str:
    """A time that is left, by its two largest units; less than a minute in words."""
    parts = []
    for size, unit in _SPANS:
        if seconds >= size:
            parts.append(f"{seconds // size} {unit}")
            seconds %= size
    return " ".join(parts[:2]) or "less than a minute"


def size(count: int) -> str:
    """Bytes, by the largest unit that they fill: `812 MiB`, `14.2 GiB`."""
    unit = _unit(count)
    places = 1 if unit > _SIZES.index("MiB") else 0
    return f"{_number(count, unit, places)} {_SIZES[unit]}"


def room(total: int, free: int) -> str:
    """How many bytes are free of how many: `12.3 of 62.8 GiB free`."""
    unit = _unit(total)
    return f"{_number(free, unit, 1)} of {_number(total, unit, 1)} {_SIZES[unit]} free"


def _unit(count: int) -> int:
    return min(max(count.bit_length() - 1, 0) // 10, len(_SIZES) - 1)


def _number(count: int, unit: int, places: int) -> str:
    return f"{count / (1 << (10 * unit)):.{places}f}".removesuffix(".0")
