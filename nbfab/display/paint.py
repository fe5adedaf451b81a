"""Paint: text some of which stands out, on a terminal that can show that."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from nbfab.text import clean, clean_line

# What SGR calls them (ECMA-48, 8.3.117).
STYLES = {"bold": "1", "good": "32", "bad": "31", "mixed": "33"}


class Piece(NamedTuple):
    """A part of a line, and how it looks."""

    text: str
    style: str = ""


Line = str | Sequence[Piece]


class Painted(str):
    """Lines in which some pieces have a style. As a string it is plain text; `coloured` is for a terminal."""

    __slots__ = ("coloured",)
    coloured: str

    def __new__(cls, lines: Sequence[Line]) -> Self:
        """All of the text is made safe here, so that no escape sequence is in it but those of the styles."""
        pieces = [[Piece(clean(line))] if isinstance(line, str) else _clean(line) for line in lines]
        self = super().__new__(cls, "\n".join("".join(piece.text for piece in line) for line in pieces))
        self.coloured = "\n".join("".join(map(_paint, line)) for line in pieces)
        return self


def has_colours(stream: Any) -> bool:
    """Whether a stream is to be written in colour: https://no-color.org, https://force-color.org."""
    if os.environ.get("NO_COLOR") or is_dumb():
        return False
    return bool(os.environ.get("FORCE_COLOR")) or bool(stream.isatty())


def is_dumb() -> bool:
    """Whether the terminal understands no escape sequences."""
    return os.environ.get("TERM", "").lower() in ("dumb", "unknown")


def _clean(line: Sequence[Piece]) -> list[Piece]:
    return [Piece(clean_line(piece.text), piece.style) for piece in line]


def _paint(piece: Piece) -> str:
    codes = ";".join(STYLES[style] for style in piece.style.split())
    return f"\x1b[{codes}m{piece.text}\x1b[0m" if codes and piece.text else piece.text
