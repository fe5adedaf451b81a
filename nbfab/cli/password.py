"""The password that is given for all hosts of a run."""

import os
import sys

from nbfab.errors import UsageError
from nbfab.passwords import Password


def given(from_stdin: bool) -> Password | None:
    """The password in NBFAB_PASSWORD or on standard input; None if there is none.

    Of standard input only the line end is left out. Raises UsageError for a weak password.
    """
    if from_stdin:
        text = sys.stdin.read().removesuffix("\n").removesuffix("\r")
        if not text:
            raise UsageError(
                "--password-stdin: there is no password on standard input",
                "omit it, and a password is typed or generated",
            )
    else:
        text = os.environ.get("NBFAB_PASSWORD", "")
    return Password(text) if text else None
