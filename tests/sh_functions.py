"""What the functions of the .sh files read, assign, call, and declare in the comment above them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from machine import ROOT

_FUNCTION = re.compile(r"^(\w+)\(\) \{ *\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_COMMENTS = re.compile(r"((?:^#.*\n)*)\Z", re.MULTILINE)
_USES = re.compile(r"\bUses ([a-z_0-9]+(?:, [a-z_0-9]+)*)\.")
_SETS = re.compile(r"\bSets ([a-z_0-9]+(?:, [a-z_0-9]+)*)(?:\.| to )")
_EXPANSION = re.compile(r"\$\{?#?([A-Za-z_]\w*|\d+)")
_ARITHMETIC = re.compile(r"\$\(\(([^)]*)\)\)")
_ASSIGNMENT = re.compile(r"(?<![^\s;(])(?<!-\w )([A-Za-z_]\w*)=")  # but `-v name=value` is awk's
_LOOP = re.compile(r"\bfor ([A-Za-z_]\w*) in\b")
_READ = re.compile(r"\bread((?: -r)?(?: [A-Za-z_]\w*)+)")


class Use(NamedTuple):
    """A place where a function reads or assigns a variable; an assignment counts from the end of its value on."""

    at: int
    name: str


@dataclass(frozen=True)
class Function:
    """A function of sh: its code without comments and quoted text, and the variables that it declares."""

    file: str
    name: str
    code: str
    uses: frozenset[str]
    sets: frozenset[str]

    @property
    def reads(self) -> tuple[Use, ...]:
        """Where it expands a variable or, as a number, a positional parameter."""
        found = [Use(match.start(), match[1]) for match in _EXPANSION.finditer(self.code)]
        for match in _ARITHMETIC.finditer(self.code):
            found += [Use(match.start(), name) for name in re.findall(r"(?<![\w$])[a-z_]\w*", match[1])]
        return tuple(found)

    @property
    def assigns(self) -> tuple[Use, ...]:
        """Where it gives a variable a value."""
        found = [Use(_end_of_word(self.code, match.end()), match[1]) for match in _ASSIGNMENT.finditer(self.code)]
        found += [Use(match.end(), match[1]) for match in _LOOP.finditer(self.code)]
        for match in _READ.finditer(self.code):
            found += [Use(match.end(), name) for name in match[1].replace(" -r", "").split() if name != "_"]
        return tuple(found)

    @property
    def calls(self) -> frozenset[str]:
        """The functions that it names, so that it may call them."""
        return frozenset(re.findall(r"(?<![\w$./-])\w+(?![\w=./-])", self.code)) & functions().keys() - {self.name}


def files() -> list[str]:
    """The .sh files, relative to the package."""
    return sorted(str(path.relative_to(ROOT / "nbfab")) for path in (ROOT / "nbfab").rglob("*.sh"))


@cache
def functions() -> dict[str, Function]:
    """Every function of every .sh file, by name."""
    found: dict[str, Function] = {}
    for function in (function for file in files() for function in parse(file, (ROOT / "nbfab" / file).read_text())):
        assert function.name not in found, f"two functions {function.name}"
        found[function.name] = function
    return found


@cache
def constants() -> frozenset[str]:
    """The variables that a file sets as it is read, and that no function assigns."""
    outside = "".join(_FUNCTION.sub("", bare((ROOT / "nbfab" / file).read_text())) for file in files())
    assigned = {use.name for function in functions().values() for use in function.assigns}
    return frozenset(re.findall(r"^([a-z_]\w*)=", outside, re.MULTILINE)) - assigned


def within(name: str) -> frozenset[str]:
    """A function, and every function that it calls, directly or not."""
    found, todo = {name}, [name]
    while todo:
        more = functions()[todo.pop()].calls - found
        found |= more
        todo += more
    return frozenset(found)


def needs(name: str) -> frozenset[str]:
    """The variables that have to have a value when a function is called."""
    inside = [functions()[one] for one in within(name)]
    return frozenset().union(*(one.uses for one in inside)) - frozenset().union(*(one.sets for one in inside))


def parse(file: str, text: str) -> Iterator[Function]:
    """The functions in the text of a file."""
    code = bare(text)
    for match in _FUNCTION.finditer(code):
        above = _COMMENTS.search(text, 0, match.start())
        comment = " ".join(line.strip("# ") for line in above[1].splitlines()) if above else ""
        declared = (
            frozenset(name for group in pattern.findall(comment) for name in group.split(", "))
            for pattern in (_USES, _SETS)
        )
        yield Function(file, match[1], match[2], *declared)


def bare(text: str) -> str:
    """Code of sh, with blanks in place of comments and of everything but expansions in quotes; as long as before."""
    out = list(text)
    inside: list[str] = []  # what is open at this point: " or ( or {
    at = 0
    while at < len(text):
        end = at + 1
        quoted = inside[-1:] == ['"']
        if text[at] == "\\":
            end = _blank(out, at, at + 2)
        elif text[at] == "'" and not quoted:
            end = _blank(out, at, text.index("'", at + 1) + 1)
        elif text[at] == "#" and not quoted and (at == 0 or text[at - 1] in " \t\n;("):
            end = _blank(out, at, text.find("\n", at))
        elif text[at] == '"':
            inside.pop() if quoted else inside.append('"')
        elif text.startswith(("$(", "${"), at):
            inside.append(text[at + 1])
            end = at + 2
        elif text[at] == "(" and not quoted:
            inside.append("(")
        elif inside and text[at] == {"(": ")", "{": "}"}.get(inside[-1]):
            inside.pop()
        elif quoted and text[at] == "$":
            end = _EXPANSION.match(text, at).end() if _EXPANSION.match(text, at) else end  # type: ignore[union-attr]
        elif quoted and text[at] != "\n":
            out[at] = " "
        at = end
    assert not inside, f"a {inside} without its end"
    return "".join(out)


def _blank(out: list[str], start: int, end: int) -> int:
    out[start:end] = ["\n" if character == "\n" else " " for character in out[start:end]]
    return end


def _end_of_word(code: str, at: int) -> int:
    inside: list[str] = []
    while at < len(code):
        if not inside and code[at] in " \t\n;&|)":
            break
        if code[at] == '"':
            inside.pop() if inside[-1:] == ['"'] else inside.append('"')
        elif code.startswith(("$(", "${"), at):
            at += 1
            inside.append(code[at])
        elif inside and code[at] == {"(": ")", "{": "}"}.get(inside[-1]):
            inside.pop()
        at += 1
    return at
