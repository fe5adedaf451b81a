"""What a file asks for, of whatever kind it was."""

import hashlib

from nbfab.records import dataclass


@dataclass(frozen=True)
class Requirements:
    """Packages that are wanted: `lines` are options for the index, then requirements, as pip and uv read them.

    `source` is the file's name without its folder, for messages. `constraints` are lines for pip's and uv's
    `--constraint`. `python` is the versions that the project allows (`>=3.11`), empty if it says nothing.
    """

    source: str
    lines: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    python: str = ""

    @property
    def text(self) -> str:
        """The lines as a file."""
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def packages(self) -> tuple[str, ...]:
        """The lines that are no options."""
        return tuple(line for line in self.lines if not line.startswith("-"))

    @property
    def options(self) -> tuple[str, ...]:
        """The lines that are options."""
        return tuple(line for line in self.lines if line.startswith("-"))

    @property
    def names(self) -> tuple[str, ...]:
        """The packages' names, in order, each once, as PEP 503 writes them: `scikit-learn`."""
        return tuple(dict.fromkeys(name_of(line) for line in self.packages))

    @property
    def hashed(self) -> bool:
        """Whether what is downloaded can be checked: every package has a hash."""
        return bool(self.packages) and all(" --hash=" in line for line in self.packages)

    @property
    def pre(self) -> bool:
        """Whether releases before the final one count; uv takes that on its command line only."""
        return "--pre" in self.lines

    @property
    def digest(self) -> str:
        """SHA-256 of what is asked for, as hex digits: another order, spelling or comment makes no other digest."""
        parts = [*self.options, *sorted(self.packages)]
        if self.constraints:
            parts += ["--constraint", *sorted(self.constraints)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def name_of(line: str) -> str:
    """The name that a requirement line of this package's begins with."""
    return line[: next((at for at, each in enumerate(line) if not (each.isalnum() or each == "-")), None)]
