"""The kernel that `--interrupt` or `--shutdown` names, which is one on one host."""

import shlex
from pathlib import Path

from nbfab.cli.call import Call
from nbfab.cli.options import NAMING
from nbfab.errors import UsageError
from nbfab.fix import Command


def check_one(call: Call) -> None:
    """Raises UsageError if a kernel is named for many hosts."""
    for action in NAMING:
        if given := call.given.get(action):
            line = call.command(("-H", "HOST"))("kernels", f"--{action}={given}")
            # `inv` knows no hosts; `fab` is beside it.
            words = (_by_fab(word) for word in shlex.split(line))
            raise UsageError(
                f"--{action} takes one host: an id names a kernel there",
                "name it in the place of HOST",
                Command(shlex.join(words)),
            )


def _by_fab(word: str) -> str:
    return str(Path(word).with_name("fab")) if Path(word).name in ("inv", "invoke") else word
