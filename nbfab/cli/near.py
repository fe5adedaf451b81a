"""Goes on as the near end of `open`, or of `fleet.open`: a small program, in the place of this one."""

import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nbfab.cli.again import place
from nbfab.ssh.process import environment
from nbfab.tunnel.browser import LOCALE
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
    os.execve(sys.executable, [sys.executable, "-ISB", "-c", code, root], environment({LOCALE: _locale()}))  # noqa: S606


def _locale() -> str:
    return json.dumps({name: value for name, value in os.environ.items() if name.startswith(("LC_", "LANG"))})


def _as_input(spec: Spec | FleetSpec) -> None:
    """Puts it on standard input; what was typed is in no file on a disk."""
    create = getattr(os, "memfd_create", None)  # not on macOS
    if create:
        read = write = create("nbfab")
    else:
        read, write = os.pipe()
    data = spec.dump().encode()
    if create:
        _write(write, data)
        os.lseek(read, 0, os.SEEK_SET)
    else:
        _in_a_child(read, write, data)
    os.dup2(read, 0)
    os.close(read)


def _in_a_child(read: int, write: int, data: bytes) -> None:
    """Writes to a pipe, which has room for 16 kB, what is read only once this process is another program."""
    if child := os.fork():
        os.close(write)
        os.waitpid(child, 0)
        return
    if not os.fork():  # of no one that would have to wait for it
        os.close(read)
        with suppress(OSError):
            _write(write, data)
    os._exit(0)


def _write(number: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(number, left) :]
