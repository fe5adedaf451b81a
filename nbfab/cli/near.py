"""Goes on as the near end of `open`, or of `fleet.open`: a small program, in the place of this one."""

import os
import signal
import sys
import tempfile
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
    with tempfile.TemporaryFile() as file:
        file.write(spec.dump().encode())
        file.seek(0)
        os.dup2(file.fileno(), 0)
    root = str(Path(__file__).parents[2])
    # Isolated, and without what is installed: it needs the standard library alone.
    code = _CODE.format("fleet_run" if isinstance(spec, FleetSpec) else "run")
    os.execve(sys.executable, [sys.executable, "-ISB", "-c", code, root], environment())  # noqa: S606
