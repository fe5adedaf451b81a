"""A place in an inventory, and the line there as an error shows it."""

import re
from dataclasses import field

from nbfab.errors import UsageError
from nbfab.fix import Command, Task
from nbfab.inventory.keys import KEYS
from nbfab.records import dataclass

_LINE_ENDS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as in YAML
_LONGEST = 60  # characters of an indentation, a name or a value
_PARTS = re.compile(r"((?:- +)?)([^\s:=]*)([:=]?)(.*)", re.DOTALL)
_NAME = re.compile(r"[\w.\[\]:-]+")
_MAY_BE_SECRET = re.compile("(?i)pass|secret|token|key")


@dataclass(frozen=True)
class Place:
    """A place in a file; lines and columns count from 1. Line 0 stands for the whole, where lines mean nothing.

    `text` is that of the file, for errors that show the line.
    """

    file: str
    line: int = 1
    column: int = 1
    text: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def error(self, message: str, *fix: str | Command | Task) -> UsageError:
        """An error at this place."""
        return UsageError(f"{self}: {message}", *fix)

    def shown(self, message: str, *fix: str | Command | Task) -> UsageError:
        """An error at this place that shows the line, and a caret below it."""
        return self.error(f"{message}\n{self._excerpt()}" if self.text else message, *fix)

    def _excerpt(self) -> str:
        lines = lines_of(self.text)[: self.line]
        written = lines[-1] if len(lines) == self.line else ""
        above = next((line for line in reversed(lines[:-1]) if line.strip()), "")
        line = _safe(written, above)
        before = "".join("\t" if each == "\t" else " " for each in line[: self.column - 1])
        number = f"  {self.line:>3} | "
        return f"{number}{line}\n{'| '.rjust(len(number))}{before}^"


def lines_of(text: str) -> list[str]:
    """The lines of a file, as YAML counts them."""
    return _LINE_ENDS.split(text)


def _safe(line: str, above: str) -> str:
    """A line without what may be a password: a value, unless it is one word of a key that has no secrets."""
    text = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    parts = _PARTS.fullmatch(text)
    if not parts or len(indent) > _LONGEST or len(parts[2]) > _LONGEST:
        return "..."
    dash, name, mark, value = parts.groups()
    if not mark and not _is_name(name, above.strip()):
        return f"{indent}..."
    if name in KEYS and not KEYS[name].secret and re.fullmatch(rf"[^\s:]{{0,{_LONGEST}}}", value.strip()):
        return f"{indent}{text}"
    blank = " " if value[:1].isspace() else ""
    return f"{indent}{dash}{name}{mark}{blank}{'...' if value else ''}"


def _is_name(word: str, above: str) -> bool:
    """Whether a word without a colon is meant as a name, and so not as the value of the line above."""
    key, colon, _ = above.partition(":")
    if above and not above.startswith("-") and (not colon or key in KEYS or _MAY_BE_SECRET.search(key)):
        return False
    return bool(_NAME.fullmatch(word)) and not _MAY_BE_SECRET.search(word)
