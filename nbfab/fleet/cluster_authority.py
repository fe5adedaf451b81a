"""The authority of an inventory's cluster, in a file of this machine that its user alone can read."""

from pathlib import Path

from nbfab.authority import private
from nbfab.cluster import authority
from nbfab.errors import Refused
from nbfab.fix import Command
from nbfab.fleet.state import locked, state_file


def of(inventory: Path, profile: str, now: float, *, makes: bool) -> str:
    """The authority of the cluster that the hosts of an inventory are, by profile: as `authority.make` returns it.

    If there is none, it is made, and kept if it `makes` one. Raises Refused for a file that others could read or that
    holds something else.
    """
    file = state_file(inventory, f".{profile}.cluster" if profile else ".cluster").with_suffix(".pem")
    with locked(file):
        if not file.exists():
            made = authority.make(inventory.name, now)
            if makes:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                private.write(file, made.encode())
            return made
        private.check(file)
        text = file.read_text(encoding="ascii", errors="replace")
    if not authority.is_one(text, now):
        raise Refused(f"{file} is not the authority of a cluster, or has expired", Command(f"rm {file}"))
    return text
