"""What this machine keeps of an inventory's cluster: its authority, for its user alone, and where its scheduler is."""

import shlex
from contextlib import suppress
from pathlib import Path

from nbfab.authority import private
from nbfab.cluster import authority
from nbfab.cluster.decide import Scheduler
from nbfab.cluster.member import is_place
from nbfab.errors import Refused, UsageError
from nbfab.fix import Command
from nbfab.fleet.state import changed, locked, read, state_file


class Kept:
    """The files of the cluster that the hosts of an inventory are, by profile."""

    def __init__(self, inventory: Path, profile: str = "") -> None:
        self._name = inventory.name
        self._file = state_file(inventory, f".{profile}.cluster" if profile else ".cluster")

    def authority(self, now: float, *, makes: bool) -> str:
        """The cluster's authority, as `authority.make` returns it; one that is made is kept if it `makes` one.

        Raises Refused for a file that others could read, or that holds something else, and UsageError.
        """
        file = self._file.with_suffix(".pem")
        with locked(file):
            if not file.exists():
                made = authority.make(self._name, now)
                if makes:
                    self._write(file, made)
                return made
            private.check(file)
            text = file.read_text(encoding="ascii", errors="replace")
        if not authority.is_one(text, now):
            raise Refused(
                f"{file} is not the authority of a cluster, or has expired", Command(f"rm {shlex.quote(str(file))}")
            )
        return text

    def _write(self, file: Path, text: str) -> None:
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            private.write(file, text.encode())
        except OSError as error:
            raise UsageError(f"{file} could not be written: {error.strerror}") from None

    @property
    def scheduler(self) -> Scheduler | None:
        """Where the scheduler was last; None if that is not known."""
        known = read(self._file)
        name, at = str(known.get("name", "")), str(known.get("at", ""))
        versions = known.get("versions")
        had = {str(key): str(value) for key, value in versions.items()} if isinstance(versions, dict) else {}
        return Scheduler(name, at, had) if name and is_place(at) else None

    def remember(self, scheduler: Scheduler) -> None:
        """Remembers where the scheduler is, for a run that leaves its host out."""
        with suppress(OSError), changed(self._file) as known:
            known |= {**scheduler._asdict(), "versions": dict(scheduler.versions)}
