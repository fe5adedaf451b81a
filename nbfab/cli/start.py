"""The console script `nbfab`: while Fabric is being imported, it opens a session through the user's ControlMaster."""

import gc
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbfab.ssh.early import Early


def main() -> None:
    """Runs `nbfab`."""
    early = None
    try:
        early = begin(sys.argv[1:])
        gc.disable()  # until all is imported, none of which is garbage
        from nbfab.cli.program import main
    except KeyboardInterrupt:  # before there was anything to tell
        if early:
            early.close()
        sys.exit(130)
    try:
        main(early)
    finally:
        if early:
            early.close()


def begin(words: Sequence[str]) -> "Early | None":
    """Begins a session to the one host that the words seem to name; Fabric may read them otherwise."""
    values = {flag: value for flag, value in pairwise(words) if flag in ("-H", "-S")}
    if "-H" not in values or {"-h", "--help", "--list", "close", "list"} & {*words}:
        return None
    from nbfab.errors import HostStringError
    from nbfab.names import split_hosts
    from nbfab.ssh.early import Early
    from nbfab.ssh.options import SshOptions

    try:
        hosts = split_hosts(values["-H"])
    except HostStringError:
        return None
    return Early(hosts[0], SshOptions(config=values.get("-S", ""))) if len(hosts) == 1 else None
