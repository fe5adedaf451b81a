"""Questions at a terminal. If no one is there to answer, the safe answer is taken."""

import sys

from nbfab.display.output import complain, typed, typed_unseen
from nbfab.errors import Interrupted, UsageError
from nbfab.passwords import Password
from nbfab.text import one_line


def someone_is_there() -> bool:
    """Whether someone sits at a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def types_password(question: str) -> Password | None:
    """A password that is typed twice, unseen; None for an empty answer. Raises Interrupted at the end of input."""
    if not someone_is_there():
        return None
    try:
        return _typed_twice(question)
    except EOFError:
        complain("")
        raise Interrupted("no password was typed", "run it again") from None


def _typed_twice(question: str) -> Password | None:
    while True:
        first = typed_unseen(question)
        if not first:
            return None
        try:
            password = Password(first)
        except UsageError as error:
            complain(str(error))
            continue
        if typed_unseen("Type it again: ") == first:
            return password
        complain("those were not the same")


def chooses_passphrase() -> str:
    """A new passphrase that is typed twice, unseen; empty if none is, or no one is there."""
    if not someone_is_there():
        return ""
    try:
        while first := typed_unseen("Passphrase for the authority's key: "):
            if typed_unseen("Type it again: ") == first:
                return first
            complain("those were not the same")
    except EOFError:
        complain("")
    return ""


def confirms(question: str) -> bool:
    """Whether the answer is yes; the end of input (Control-D) is no."""
    if not someone_is_there():
        return False
    answer = typed(f"{one_line(question)} [y/N] ")
    if not answer:
        complain("")
    return answer.strip().lower() in ("y", "yes")


def answers(prompt: str, *, echo: bool = False) -> str | None:
    """What is typed at a prompt; None at the end of input."""
    if not echo:
        try:
            return typed_unseen(prompt)
        except EOFError:
            return None
    line = typed(prompt)
    return line.rstrip("\n") if line else None
