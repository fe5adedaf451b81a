"""Slips to hand out: what the handout says of each host. Contacts none of them."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from pathlib import Path

from nbfab.errors import UsageError
from nbfab.fix import Command
from nbfab.fleet import sheet
from nbfab.fleet.handout import EXPOSED
from nbfab.inventory.hosts import InventoryHost
from nbfab.names import in_url
from nbfab.records import dataclass
from nbfab.settings import Settings


@dataclass(frozen=True)
class Slip:
    """What one person needs to log in; `why_not` says why there is no password."""

    host: str
    profile: str
    url: str
    fingerprint: str = ""
    password: str = field(default="", repr=False)
    why_not: str = ""


def slips(
    hosts: Iterable[tuple[InventoryHost, Settings]], path: Path, fix: Command, says: Callable[[str], None]
) -> Sequence[Slip]:
    """A slip for each host, from the handout at `path`, which is made private, and `says` so.

    Raises UsageError if it cannot be read; `fix` makes one.
    """
    try:
        if sheet.make_private(path):
            says(EXPOSED.format(path))
        rows = list(sheet.rows(path))
    except FileNotFoundError:
        raise UsageError(f"there is no {path} yet", fix) from None
    except OSError as error:
        raise UsageError(
            f"{path} could not be read: {error.strerror}", Command(f"ls -l {shlex.quote(str(path))}")
        ) from None
    return list(_slips(hosts, path, rows))


def _slips(hosts: Iterable[tuple[InventoryHost, Settings]], path: Path, rows: Sequence[sheet.Row]) -> Iterator[Slip]:
    for host, settings in hosts:
        profile = settings.profile
        mine = [row for row in rows if row.host == sheet.cell(host.name) and row.profile in ("", profile)]
        right = next((row for row in mine if row.password and not _doubts(row)), None)
        if right:
            yield Slip(host.name, profile, right.url, right.fingerprint, right.password)
        elif mine:
            why_not = _doubts(mine[-1]) or f"its row in {path} has none"
            yield Slip(host.name, profile, mine[-1].url, mine[-1].fingerprint, why_not=why_not)
        else:
            url = "" if host.unread else f"https://{in_url(host.typed.host)}:{settings.port}/"
            yield Slip(host.name, profile, url, why_not=f"it is not in {path}")


def _doubts(row: sheet.Row) -> str:
    """Why a password may not count; empty for a note of the user's own."""
    return row.note if row.note.startswith(sheet.DOUBTS) else ""
