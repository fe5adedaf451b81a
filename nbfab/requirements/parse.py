"""A requirements file: its text, and that of the files it includes, become one list."""

from collections.abc import Callable

from nbfab.errors import UsageError
from nbfab.fix import Task
from nbfab.requirements.gathered import Gathered
from nbfab.requirements.lines import lines_in
from nbfab.requirements.one import requirement
from nbfab.requirements.options import FILES, HASHES, options
from nbfab.requirements.place import Place
from nbfab.requirements.requirements import Requirements

MOST = 50  # files

Load = Callable[[str, str], tuple[str, str]]
"""Reads a file that another one includes: its name as written, and what the other was; gives what it is, and its text.

Two names of one file give the same. Raises UsageError.
"""


def parse(text: str, source: str, load: Load | None = None, at: str = "") -> Requirements:
    """What a requirements file asks for. `at` is what `load` calls it. Raises UsageError."""
    reader = _Reader(load)
    reader.file(text, source, at or source, constraint=False)
    return reader.gathered.requirements(source)


class _Reader:
    def __init__(self, load: Load | None) -> None:
        self.gathered = Gathered()
        self._load = load
        self._open: list[str] = []
        self._done: set[tuple[str, bool]] = set()

    def file(self, text: str, source: str, at: str, *, constraint: bool) -> None:
        self._open.append(at)
        self._done.add((at, constraint))
        for place, line in lines_in(text, source):
            if not line.startswith("-"):
                self.gathered.add(requirement(line, place), place, constraint=constraint)
                continue
            for name, value in options(line, place):
                if name in FILES:
                    self._include(name, value, place, constraint=constraint)
                elif name == HASHES:
                    self.gathered.must_be_hashed = place
                else:
                    self.gathered.option(name, value)
        self._open.pop()

    def _include(self, name: str, written: str, place: Place, *, constraint: bool) -> None:
        if "://" in written or written.startswith("file:"):
            raise place.error("it includes a file by its URL", "download that, and name it by its path")
        if self._load is None:
            raise place.error("it includes another file, which is not at hand here", "write its lines in that place")
        if constraint and name == FILES[0]:
            raise place.error("a file of constraints asks for packages by -r", "write -c there")
        try:
            at, text = self._load(written, self._open[-1])
        except UsageError as error:
            # To name that file in place of this one is no fix.
            raise place.error(str(error), *(part for part in error.fix if not isinstance(part, Task))) from None
        if at in self._open:
            raise place.error("it includes itself, or a file that includes this one", "leave this line out")
        if len(self._done) >= MOST:
            raise place.error(f"more than {MOST} files are included", "write their lines in fewer")
        if (at, name == FILES[1]) not in self._done:
            self.file(text, written, at, constraint=name == FILES[1])
