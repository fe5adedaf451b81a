"""What was handed out: which sheets have a row of a host, and what its hash was when that was last compared."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

from nbfab.fleet import state
from nbfab.records import dataclass

MOST = 20_000  # rows; the oldest are forgotten


@dataclass
class Handed:
    """A row on a sheet: `place` is the machine and the profile, `digest` that of the hash when it was last compared."""

    sheet: str
    host: str
    place: str
    digest: str = ""

    @property
    def profile(self) -> str:
        """The profile that it is for."""
        return self.place.rpartition(" ")[2]


@dataclass
class Sent:
    """A password that the process `pid` has made for a host, and that is not on the `sheet` yet."""

    host: str
    place: str
    url: str
    password: str = field(repr=False)
    pid: int
    sheet: str = ""

    @property
    def abandoned(self) -> bool:
        """Whether the run that made it has ended without a word, as by SIGKILL."""
        if self.pid == os.getpid():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


@dataclass
class Record:
    """All that is known of an inventory's passwords."""

    rows: list[Handed] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)


def digest(known: str) -> str:
    """What stands for a hash; empty if there is none."""
    return hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest() if known else ""


def read(file: Path) -> Record:
    """The record in a file; what makes no sense is left out."""
    return _parse(state.read(file))


@contextmanager
def changed(file: Path) -> Iterator[Record]:
    """The record in a file, to be changed inside. Raises OSError."""
    with state.changed(file) as known:
        record = _parse(known)
        yield record
        known.clear()
        known |= {
            "rows": [asdict(row) for row in record.rows[-MOST:]],
            "sent": [asdict(sent) for sent in record.sent],
        }


def _parse(known: dict[str, Any]) -> Record:
    record = Record()
    for row in _items(known.get("rows")):
        with suppress(TypeError):
            record.rows.append(Handed(**row))
    for sent in _items(known.get("sent")):
        with suppress(TypeError):
            record.sent.append(Sent(**sent))
    return record


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
