"""YAML 1.2 for files that people write: every value keeps its place, and a hostile file is refused at once.

Text stays text: of the core schema (yaml.org/spec/1.2.2, 10.3.2) only null, true, false and whole numbers are
recognized, so `no`, `022`, `22:22` and dates remain as written. Aliases and the merge key `<<` count at full size, so a
small file cannot expand into a large one. A value with a tag other than YAML's own for text and collections stays
unread.
"""

import re
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path
from typing import Any

from nbfab.errors import UsageError
from nbfab.inventory.place import Place
from nbfab.records import dataclass

LARGEST = 1_000_000  # bytes: some ten thousand hosts
MOST = 25_000  # names, values and collections; more take over a second
DEEPEST = 40


class Empty(UsageError):
    """A file with nothing in it."""


@dataclass(frozen=True)
class Node:
    """A value and its place.

    `value` is None, bool, int or str, a list of nodes, a dict of keys to (key, node), or Tagged or Faulty.
    """

    value: Any
    place: Place

    def kind(self, *, shown: bool = True) -> str:
        """What this is, for an error message; text is quoted only if it may be `shown`."""
        if isinstance(self.value, Tagged):
            return f"a tagged value ({self.value.tag[:60]})"
        # Anything longer than a word may be a misplaced password or key.
        if isinstance(self.value, str) and not (shown and re.fullmatch(r"[^@\n]{0,60}", self.value)):
            return "this text"
        names = {dict: "a mapping", Faulty: "a mapping", list: "a list", type(None): "nothing"}
        return names.get(type(self.value)) or repr(self.value)


@dataclass(frozen=True)
class Tagged:
    """Stands for a value with a tag, such as Ansible's `!vault`."""

    tag: str


@dataclass(frozen=True)
class Faulty:
    """Stands for an invalid mapping. The error is raised only if something uses it."""

    error: UsageError


def read(path: Path, name: str = "") -> Node:
    """The only document of a file. Errors call the file `name`, or by its own name.

    Raises UsageError, with the place, for anything but plain YAML 1.2 data.
    """
    try:
        if path.is_fifo() and path.parent != Path("/dev/fd"):  # except for a shell's <(command)
            raise UsageError(f"{path}: a FIFO, which might never end", "use a regular file")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    if len(data) > LARGEST:
        raise UsageError(f"{path}: larger than {LARGEST // 1_000_000} MB, so it is not a list of hosts")
    name = name or path.name
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Place(name, line).error("not UTF-8", "save the file as UTF-8") from None
    return parse(text, name)


def parse(text: str, name: str) -> Node:
    """As `read`, from text."""
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    tag = re.search(r"![^\s]{1000}", text)  # ruamel.yaml takes time quadratic in its length
    if tag:
        line, column = _position(text, tag.start())
        raise Place(name, line, column).error("a tag longer than 1,000 characters")
    try:
        return _build(_events(text), name, text)
    except UsageError:
        raise
    except MarkedYAMLError as error:
        from nbfab.inventory.malformed import explained

        raise explained(error, text, name) from None
    except YAMLError as error:
        # A character that YAML does not allow; the error's own message quotes the file, so it is not shown.
        position = getattr(error, "position", 0) or 0
        line, column = _position(text, position)
        raise Place(name, line, column).error("a character that YAML does not allow") from None
    except (ValueError, OverflowError, RecursionError, AttributeError, IndexError, AssertionError):
        raise UsageError(f"{name}: not valid YAML") from None


def _position(text: str, offset: int) -> tuple[int, int]:
    """The line and column of a character, from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _events(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML

    yield from YAML(typ="safe", pure=True).parse(text)


_PLAIN = (None, "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass
class _Open:
    """A collection that is being read: where it began, the size of all before it, and its items so far."""

    event: Any
    place: Place
    size: int
    height: int = 1
    items: list[Node] = field(default_factory=list)


def _build(events: Iterator[Any], name: str, text: str) -> Node:
    """The tree, without recursion, so that depth does no harm."""
    stack = [_Open(None, Place(name), 0)]  # the document
    anchors: dict[str, tuple[Node, int, int]] = {}  # what they refer to, its size and its height
    size = documents = 0
    for event in events:
        kind = type(event).__name__
        place = Place(name, event.start_mark.line + 1, event.start_mark.column + 1, text)
        node, began, height = None, size, 0
        size += 1
        if kind == "AliasEvent":
            if event.anchor not in anchors:
                # Not named: it may be a password, which needs quotes if it begins with *.
                raise place.error("an alias (*) without an anchor above it", "put text that begins with * in quotes")
            node, more, height = anchors[event.anchor]
            size += more
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            stack.append(_Open(event, place, began))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            ended = stack.pop()
            event, began, height = ended.event, ended.size, ended.height
            node = Node(_mapping(ended.items) if kind == "MappingEndEvent" else ended.items, ended.place)
        elif kind == "ScalarEvent":
            node = Node(_scalar(event), place)
        elif kind == "DocumentStartEvent":
            documents += 1
            if documents > 1:
                raise place.error("a second document begins here", "keep one document per file")
        if size > MOST:
            raise place.error("too large for a list of hosts", "use ranges: gpu[001:400]")
        if len(stack) + height > DEEPEST:
            raise place.error(f"nested deeper than {DEEPEST} levels")
        if node is not None:
            if getattr(event, "tag", None) not in _PLAIN:
                node = Node(Tagged(str(event.tag)), node.place)
            if event.anchor and kind != "AliasEvent":
                anchors[event.anchor] = (node, size - began, height)
            stack[-1].items.append(node)
            stack[-1].height = max(stack[-1].height, 1 + height)
    read = stack[0].items
    if read and isinstance(read[0].value, Faulty):
        raise read[0].value.error
    if not read or read[0].value is None:
        raise Empty(f"{Place(name)}: the file is empty")
    return read[0]


def _mapping(items: list[Node]) -> dict[str, tuple[Node, Node]] | Faulty:
    try:
        return _pairs(items)
    except UsageError as error:
        return Faulty(error)


def _pairs(items: list[Node]) -> dict[str, tuple[Node, Node]]:
    pairs: dict[str, tuple[Node, Node]] = {}
    merged: dict[str, tuple[Node, Node]] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key.value, (str, int)) or isinstance(key.value, bool):
            raise key.place.error(f"expected a name, not {key.kind()}")
        name = str(key.value)
        if name == "<<":
            # yaml.org/type/merge.html: keys written here take precedence over merged ones. Of two merged values the
            # first should win, but in Ansible the last does, so both are refused.
            for part in value.value if isinstance(value.value, list) else [value]:
                if not isinstance(part.value, dict):
                    raise part.place.error(f"expected a mapping to merge, not {part.kind(shown=False)}")
                if twice := merged.keys() & part.value.keys():
                    raise key.place.error(f"{shown(min(twice))} is merged twice", "write it out instead")
                merged |= part.value
        elif name in pairs:
            raise key.place.error(f"duplicate key {shown(name)}; first at {pairs[name][0].place}")
        else:
            pairs[name] = (key, value)
    return merged | pairs


def shown(name: str) -> str:
    """A key as an error may show it: without anything after a colon, which may be a value that lacks a space."""
    return repr(name.partition(":")[0][:60])


_INT = re.compile(r"0|-?[1-9][0-9]{0,15}")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}  # type: ignore[dict-item]


def _scalar(event: Any) -> Any:
    text = str(event.value)
    if event.implicit[0] and event.style is None:
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text)
    return text
