"""What a page in Markdown holds: its blocks of code, its links, and where links can lead."""

import re
from collections.abc import Iterator
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable("table")


def _tokens(text: str) -> Iterator[Token]:
    """All tokens, those within lines too."""
    for token in _PARSER.parse(text):
        yield token
        yield from token.children or ()


def _headings(text: str) -> Iterator[str]:
    for before, token in pairwise(_PARSER.parse(text)):
        if before.type == "heading_open":
            yield token.content


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The indented blocks, which hold commands: the heading that each is under, and a line of it."""
    heading = ""
    for before, token in pairwise(_PARSER.parse(text)):
        if before.type == "heading_open":
            heading = token.content
        if token.type == "code_block":
            yield from ((heading, line) for line in token.content.splitlines() if line)


def fenced(text: str) -> Iterator[str]:
    """The lines of the blocks between fences."""
    for token in _PARSER.parse(text):
        if token.type == "fence":
            yield from token.content.splitlines()


def code(text: str) -> Iterator[str]:
    """What is set as code, in lines of text and in indented blocks."""
    yield from (token.content for token in _tokens(text) if token.type == "code_inline")
    yield from (line for _, line in commands(text))


def links(text: str) -> Iterator[str]:
    """Where links and pictures lead to."""
    for token in _tokens(text):
        if token.type in ("link_open", "image"):
            yield str(token.attrs["href" if token.type == "link_open" else "src"])


def anchors(text: str) -> set[str]:
    """What follows the # of a link to a heading, on GitHub and in the built pages."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _headings(text)}
