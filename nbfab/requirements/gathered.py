"""Requirements while they are gathered, and what has to be true of all of them together."""

import shlex

from nbfab.fix import Command
from nbfab.requirements.options import INDEX, ORDER
from nbfab.requirements.place import Place
from nbfab.requirements.requirements import Requirements, name_of


class Gathered:
    """Requirements, options and constraints, from any number of files; `must_be_hashed` is where one asks for that."""

    def __init__(self) -> None:
        self.must_be_hashed: Place | None = None
        self._wanted: dict[str, Place] = {}
        self._constraints: dict[str, None] = {}
        self._options: dict[tuple[str, str], None] = {}

    def add(self, line: str, place: Place, *, constraint: bool = False) -> None:
        """One requirement, as `one.requirement` makes it. Raises UsageError for a constraint that is none."""
        if not constraint:
            self._wanted.setdefault(line, place)
            return
        if "[" in line.split("@")[0].split(";")[0]:
            raise place.error("a constraint has extras, which pip refuses", "leave out the [...]")
        self._constraints[line] = None

    def option(self, name: str, value: str = "") -> None:
        """One option; of several indexes in place of the usual one, the last counts."""
        if name == INDEX:
            self._options = {each: None for each in self._options if each[0] != INDEX}
        self._options[name, value] = None

    def requirements(self, source: str, python: str = "", *, mixed: bool = False) -> Requirements:
        """All of it. Raises UsageError if it is nothing, or some have hashes and others not, unless `mixed`."""
        if not self._wanted:
            raise Place(source).error("it names no packages", "name a file that does")
        lines = list(self._wanted)
        bare = [line for line in lines if " --hash=" not in line]
        if bare and mixed:
            lines = list(dict.fromkeys(line.partition(" --hash=")[0] for line in lines))
        elif bare and (self.must_be_hashed or len(bare) < len(lines)):
            why = "--require-hashes is there" if len(bare) == len(lines) else "others have one"
            raise self._wanted[bare[0]].error(
                f"{name_of(bare[0])} has no hash, and {why}: pip wants one for each, or for none",
                "this writes all of them; then name the file that it makes",
                Command(f"uv pip compile --generate-hashes {shlex.quote(source)} -o requirements.hashed.txt"),
            )
        chosen = sorted(self._options, key=lambda each: ORDER.index(each[0]))
        options = [f"{name} {value}".strip() for name, value in chosen]
        return Requirements(source, (*options, *lines), tuple(self._constraints), python)
