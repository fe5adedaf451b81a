"""What is wrong with a file that is no YAML, for people who have not met it before.

It goes by the lines themselves: what the parser says is meant for those who know its grammar.
"""

import re
from typing import Any

from nbfab.errors import UsageError
from nbfab.inventory.place import Place, lines_of

# Of a line without its indentation.
_PAIR = re.compile(r":(\s|$)")
_WITH_VALUE = re.compile(r"[^:]+:\s+[^\s#&|>]")
_TWO_NAMES = re.compile(r"[\w.\[\]:-]+: +[\w-]+(?=:(\s|$))")
_NO_SPACE = re.compile(r"[^\s:=]+:(?=\S)")
_EQUALS = re.compile(r"[\w.-]+ *(?==)")
_ENDS = {"[": "]", "{": "}", '"': '"', "'": "'"}


def explained(error: Any, text: str, name: str) -> UsageError:
    """The error for a `MarkedYAMLError`: the line, what is wrong there, and how to write it."""
    return _Malformed(error, text, name).error()


class _Malformed:
    def __init__(self, error: Any, text: str, name: str) -> None:
        self._problem = str(error.problem or error.context or "not valid YAML")
        self._began, self._mark = error.context_mark, error.problem_mark or error.context_mark
        self._text, self._name = text, name
        self._lines = lines_of(text)

    def error(self) -> UsageError:
        """The first explanation that fits; the parser's own words if none does."""
        if self._mark is None:
            return Place(self._name).error(self._problem)
        line, column = self._mark.line, self._mark.column
        found = self._tab(line, column) or self._quotes(line, column) or self._not_closed() or self._no_colon(line)
        return found or self._two_names(line) or self._indent(line) or self._at(line, column, self._problem)

    def _at(self, line: int, column: int, message: str, *fix: str) -> UsageError:
        return Place(self._name, line + 1, column + 1, self._text).shown(message, *fix)

    def _tab(self, line: int, column: int) -> UsageError | None:
        written = self._line(line)
        at = written.find("\t")
        if at < 0 or (at != column and written[:at].strip()):
            return None
        return self._at(
            line, at, "a tab where YAML requires spaces", "put spaces there, as many as the lines beside it have"
        )

    def _quotes(self, line: int, column: int) -> UsageError | None:
        """A value that begins with a character that means something else in YAML."""
        written = self._line(line)
        for at in (column, column - 1):
            if at > 0 and written[at : at + 1] in tuple("@`%*&!") and written[at - 1] in " [":
                return self._at(line, at, f"text that begins with {written[at]} needs quotes", 'put "" around it')
        return None

    def _not_closed(self) -> UsageError | None:
        if self._began is None:
            return None
        line, column = self._began.line, self._began.column
        begin = self._line(line)[column : column + 1]
        if begin not in _ENDS:
            return None
        return self._at(line, column, f"a {begin} that is not closed", f"put {_ENDS[begin]} where it ends")

    def _no_colon(self, line: int) -> UsageError | None:
        """The line, or the one above it, if it is no name with a colon and a space after that."""
        above = self._above(line)[:1]
        if self._line(line).strip() and above and self._width(line) < self._width(above[0]):
            above = []
        for number in (line, *above):
            text, width = self._line(number).strip(), self._width(number)
            if not text or text.startswith(("#", "- ", '"', "'", "[", "{", "---")) or _PAIR.search(text):
                continue
            if text.startswith("-"):
                return self._at(number, width + 1, "no space after the dash", "put a space after each dash")
            if match := _NO_SPACE.match(text):
                return self._at(number, width + match.end(), "no space after the colon", "put a space there")
            if match := _EQUALS.match(text):
                return self._at(number, width + match.end(), "= in place of a colon", "write a colon and a space there")
            first = len(text.split()[0])
            return self._at(number, width + first, "no colon after the name", "put a colon there")
        return None

    def _two_names(self, line: int) -> UsageError | None:
        match = _TWO_NAMES.match(self._line(line).strip())
        fix = "put the second one on the next line, indented further"
        return self._at(line, self._width(line) + match.end(), "two names in one line", fix) if match else None

    def _indent(self, line: int) -> UsageError | None:
        """A line whose indentation fits none above it, or that is below a value and indented further."""
        width, above = self._width(line), self._above(line)
        text = self._line(line).strip()
        if not text or not above:
            return None
        last = self._width(above[0])
        if width > last and _WITH_VALUE.match(self._line(above[0]).strip()):
            error = "this line is indented further than the one above it, which has a value already"
            return self._at(line, width, error, f"indent it by {_spaces(last)}, as line {above[0] + 1}")
        levels: dict[int, int] = {}  # the indentations that are open here, and the last line of each
        for number in reversed(above):
            levels = {level: of for level, of in levels.items() if level < self._width(number)}
            levels[self._width(number)] = number
        if width not in levels:
            near = [max(lower) for lower in [[level for level in levels if level < width]] if lower]
            near += [min(higher) for higher in [[level for level in levels if level > width]] if higher]
            fix = ", or by ".join(f"{_spaces(level)}, as line {levels[level] + 1}" for level in near)
            error = f"this line is indented by {_spaces(width)}, which fits none above it"
            return self._at(line, width, error, f"indent it by {fix}")
        if text.startswith("- ") != self._line(levels[width]).strip().startswith("- "):
            fix = "begin each of these lines with a dash and a space, or none"
            return self._at(line, width, "lines with a dash and lines without one", fix)
        return None

    def _line(self, number: int) -> str:
        return self._lines[number] if number < len(self._lines) else ""

    def _above(self, line: int) -> list[int]:
        """The lines above that have something in them, the nearest first."""
        numbers = range(min(line, len(self._lines)) - 1, -1, -1)
        return [number for number in numbers if self._lines[number].strip() and self._lines[number].lstrip()[0] != "#"]

    def _width(self, number: int) -> int:
        return len(self._line(number)) - len(self._line(number).lstrip(" "))


def _spaces(count: int) -> str:
    return f"{count} space{'' if count == 1 else 's'}"
