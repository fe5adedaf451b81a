"""The kernel that `--interrupt` or `--shutdown` names, which is one on one host."""

from pathlib import Path
from shlex import join

from nbfab.cli.call import Call
from nbfab.cli.called import called
from nbfab.errors import UsageError
from nbfab.fix import Command
from nbfab.run.kernels import ACTIONS


def check_one(call: Call) -> None:
    """Raises UsageError if a kernel is named for many hosts."""
    for action in ACTIONS:
        if given := call.given.get(action):
            # `inv` knows no hosts; `fab` is beside it.
            words = [
                str(Path(word).with_name("fab")) if Path(word).name in ("inv", "invoke") else word for word in called()
            ]
            line = join([*words, "-H", "HOST", "kernels", f"--{action}={given}"])
            raise UsageError(f"--{action} takes one host: an id names a kernel there", "name that", Command(line))
