"""Goes on as the near end of `open`, or of `fleet.open`: a small program, in the place of this one."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from nbfab.cli.again import place
from nbfab.ssh.process import environment
from nbfab.tunnel.found import FleetSpec
from nbfab.tunnel.spec import Spec
from nbfab.tunnel.supervisor import ENDS

_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from nbfab.tunnel.{} import main; sys.exit(main(sys.stdin.read()))"
)


def go_on(spec: Spec | FleetSpec) -> None:
    """Becomes the near end; does not return. What that needs to know is in no argument and in no file with a name."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)  # until it waits for them: it ends in order
    if isinstance(spec, Spec):
        spec = replace(spec, state=place())
    sys.stdout.flush()
    sys.stderr.flush()
    _as_input(spec)
    root = str(Path(__file__).parents[2])
    # Isolated, and without what is installed: it needs the standard library alone.
    code = _CODE.format("fleet_run" if isinstance(spec, FleetSpec) else "run")
    os.execve(sys.executable, [sys.executable, "-ISB", "-c", code, root], environment())  # noqa: S606


def _as_input(spec: Spec | FleetSpec) -> None:
    """Puts it on standard input; what was typed is in no file on a disk."""
    create = getattr(os, "memfd_create", None)  # not on macOS
    if create:
        read = write = create("nbfab")
    else:
        read, write = os.pipe()
        os.set_blocking(write, False)  # it has room for 16 kB at least
    data = spec.dump().encode()
    if os.write(write, data) < len(data):
        raise OSError("what is to be passed on is too long")
    if create:
        os.lseek(read, 0, os.SEEK_SET)
    else:
        os.close(write)
    os.dup2(read, 0)
    os.close(read)
