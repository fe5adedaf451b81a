"""Questions to a person: a password, a yes. Where nobody can answer, the safe answer is taken."""

import getpass
import os
import sys

from nbfab.errors import Interrupted, UsageError
from nbfab.inventory import InventoryHost
from nbfab.passwords import SHORTEST, Password, generate


def given_password(from_stdin: bool) -> Password | None:
    """The password that stands in NBFAB_PASSWORD or on standard input; None if there is none.

    Of standard input the end of its only line is left out, and nothing else. Raises UsageError for a weak one.
    """
    if from_stdin:
        text = sys.stdin.read().removesuffix("\n").removesuffix("\r")
        if not text:
            raise UsageError(
                "--password-stdin: there is no password on standard input", "leave it out to have one typed, or made"
            )
    else:
        text = os.environ.get("NBFAB_PASSWORD", "")
    return Password(text) if text else None


def password_of(host: InventoryHost) -> Password | None:
    """The password that an inventory gives a host by `password_env` or `password_hash`. Raises UsageError."""
    key, value = host.password
    if key == "password_hash":
        return Password(known=value)
    if key != "password_env":
        return None
    text = os.environ.get(value, "")
    if not text:
        raise host.place.error(
            f"the password of {host.name} shall be in {value}, which is not set", f"export {value}=..."
        )
    return Password(text)


def ask_password() -> Password:
    """A password typed twice, without an echo; a generated one for an empty answer, or where nobody can type."""
    question = f"Password for the notebook (at least {SHORTEST} characters; empty: one is made): "
    return (typed_password(question) if somebody() else None) or generate()


def ask_new_password() -> Password | None:
    """A new password in place of one that is there; None, to keep it, for an empty answer or where nobody can type."""
    return typed_password("New password for the notebook (empty: keep the one it has): ") if somebody() else None


def typed_password(question: str = "Password for the notebooks, one for all: ") -> Password | None:
    """A password typed twice, without an echo; None for an empty answer. Raises Interrupted at the end of input."""
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
        if getpass.getpass("The same again: ") == first:
            return password
        print("those were not the same", file=sys.stderr)


def confirm(question: str) -> bool:
    """Whether there is a person at the terminal who says yes."""
    return somebody() and yes(question)


def yes(question: str) -> bool:
    """Whether the answer is yes; the end of input (Control-D) is none."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # standard output may be a document
    answer = sys.stdin.readline()
    if not answer:
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")


def somebody() -> bool:
    """Whether there is a person at a terminal."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
