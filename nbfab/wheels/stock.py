"""Stock: what hosts of this run need, each kind of host once, however many there are."""

import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from nbfab.errors import HostError, NbfabError
from nbfab.wheels import store
from nbfab.wheels.ask import Ask
from nbfab.wheels.fetch import Fetch
from nbfab.wheels.lock import Lock
from nbfab.wheels.parcel import Parcel
from nbfab.wheels.target import Target
from nbfab.wheels.tool import resolve

REQUIREMENTS = "requirements.txt"
_UV = ".data/scripts/uv"  # in its wheel
Answer = TypeVar("Answer")


class Stock:
    """Locks that were made in this run, and fetches that have failed: the next host that asks gets the same answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: dict[Hashable, tuple[threading.Lock, list[Any]]] = {}

    @contextmanager
    def wheelhouse(
        self, ask: Ask, target: Target, sees: Callable[[str], None], hears: Callable[[str], None]
    ) -> Iterator[Parcel]:
        """The wheels that are what is asked for, on the target. Raises NbfabError."""
        lock = self.resolved(ask, target, sees)
        name = f"wheels-{lock.digest}"

        def make(folder: Path) -> None:
            wheels = lock.missing
            sees(f"fetching {_count(wheels)} for {target}")
            Fetch(folder).all(wheels, hears)
            (folder / REQUIREMENTS).write_text(lock.requirements)

        with store.kept(name, self._at_first(name, make)) as folder:
            yield Parcel(name, folder)

    @contextmanager
    def uv(self, target: Target, sees: Callable[[str], None], hears: Callable[[str], None]) -> Iterator[Parcel]:
        """uv itself, for the target. Raises NbfabError."""
        lock = self.resolved(Ask(("uv",)), replace(target, installed=()), sees)
        name = f"uv-{lock.digest}"

        def make(folder: Path) -> None:
            sees(f"fetching uv for {target}")
            Fetch(folder).all(lock.wheels, hears)
            for file in list(folder.glob("*.whl")):
                _take_out(file, folder / "uv")
                file.unlink()
            if not (folder / "uv").exists():
                raise HostError("the wheel of uv has no program in it", "ask who runs the index")

        with store.kept(name, self._at_first(name, make)) as folder:
            yield Parcel(name, folder)

    def resolved(self, ask: Ask, target: Target, sees: Callable[[str], None]) -> Lock:
        """Which wheels these are. Raises NbfabError."""
        key = (ask, target.platform, target.version, target.installed)

        def find() -> Lock:
            sees(f"resolving what to install for {target}")
            return resolve(ask, target)

        return self._once(key, find)

    def _at_first(self, name: str, make: Callable[[Path], None]) -> Callable[[Path], None]:
        """`make`, whose failure is that of all who ask."""
        return lambda folder: self._once(name, lambda: make(folder), keeps=False)

    def _once(self, key: Hashable, function: Callable[[], Answer], *, keeps: bool = True) -> Answer:
        with self._lock:
            one, answers = self._answers.setdefault(key, (threading.Lock(), []))
        with one:
            if not answers:
                try:
                    answer: Any = function()
                except NbfabError as error:
                    answer = error
                if not keeps and not isinstance(answer, NbfabError):
                    return cast(Answer, answer)
                answers.append(answer)
            if isinstance(answers[0], NbfabError):
                raise answers[0]
            return cast(Answer, answers[0])


STOCK = Stock()
"""That of all hosts of this run."""


def _count(wheels: Sequence[object]) -> str:
    return "1 package" if len(wheels) == 1 else f"{len(wheels)} packages"


def _take_out(wheel: Path, program: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(_UV):
                with archive.open(name) as source, open(program, "wb") as out:
                    shutil.copyfileobj(source, out)
                os.chmod(program, 0o700)
