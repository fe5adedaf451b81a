"""A place in a file of requirements. No error at it repeats what may be a secret."""

from nbfab.errors import UsageError
from nbfab.fix import Command, Task
from nbfab.records import dataclass

_LONGEST = 60  # characters of a line that an error shows
_MAY_BE_SECRET = set("@:/\\$%?&")  # in a URL with a token, whole or mistyped


@dataclass(frozen=True)
class Place:
    """A line of a file, counted from 1; 0 stands for the whole, where lines mean nothing to people."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def error(self, message: str, *fix: str | Command | Task) -> UsageError:
        """An error at this place."""
        return UsageError(f"{self}: {message}", *fix)


def shown(text: str) -> str:
    """What was written, in quotation marks, if that can hold no secret and is short."""
    if len(text) > _LONGEST or _MAY_BE_SECRET & set(text) or not text.isprintable():
        return "this line"
    return f'"{text}"'
