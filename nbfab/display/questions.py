"""Questions at a terminal. If no one is there to answer, the safe answer is taken."""

import getpass
import sys

from nbfab.errors import Interrupted, UsageError
from nbfab.passwords import Password


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
        print(file=sys.stderr)
        raise Interrupted("no password was typed", "run it again") from None


def _typed_twice(question: str) -> Password | None:
    while True:
        first = getpass.getpass(question)
        if not first:
            return None
        try:
            password = Password(first)
        except UsageError as error:
            print(error, file=sys.stderr)
            continue
        if getpass.getpass("Type it again: ") == first:
            return password
        print("those were not the same", file=sys.stderr)


def confirms(question: str) -> bool:
    """Whether the answer is yes; the end of input (Control-D) is no."""
    if not someone_is_there():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # standard output may be a document
    answer = sys.stdin.readline()
    if not answer:
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")


def answers(prompt: str, *, echo: bool = False) -> str | None:
    """What is typed at a prompt; None at the end of input."""
    if not echo:
        try:
            return getpass.getpass(prompt)
        except EOFError:
            return None
    print(prompt, end="", file=sys.stderr, flush=True)  # standard output may be a document
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None
