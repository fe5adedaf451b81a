"""Every environment on a host, as a table."""

from collections.abc import Mapping
from typing import Any

from nbfab.display.columns import aligned
from nbfab.display.paint import Line, Piece
from nbfab.outcome import Outcome

_HEAD = ("NAME", "KIND", "PYTHON", "IPYKERNEL", "NOTEBOOK", "USED", "FOLDER")


def lines(outcome: Outcome) -> list[Line]:
    """How many there are on a host, and a line for each."""
    found = outcome.state.get("environments") or ()
    count = f"{len(found) or 'no'} environment{'' if len(found) == 1 else 's'}"
    rows = [tuple(map(Piece, _HEAD)), *map(_row, found)] if found else []
    return [(Piece(f"{outcome.host}: ", "bold"), Piece(count)), *aligned(rows)]


def _row(found: Mapping[str, Any]) -> tuple[Piece, ...]:
    versions = (found["version"], found["ipykernel"], found["notebook"])
    used = ", ".join(filter(None, ("serves" if found["serves"] else "", "kernel" if found["kernel"] else "")))
    style = "good" if used else ""
    name, *cells = (found["name"], found["kind"], *(version or "-" for version in versions), used, found["folder"])
    return Piece(name, style), *map(Piece, cells)
