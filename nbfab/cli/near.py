"""Goes on as the near end of `open`: a small program, in the place of this one."""

import os
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from nbfab.cli.again import place
from nbfab.ssh.process import environment
from nbfab.tunnel.spec import Spec
from nbfab.tunnel.supervisor import ENDS

_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from nbfab.tunnel.run import main; sys.exit(main(sys.stdin.read()))"
)


def go_on(spec: Spec) -> None:
    """Becomes the near end; does not return. What that needs to know is in no argument and in no file with a name."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)  # until it waits for them: it ends in order
    spec = replace(spec, state=place())
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        file.write(spec.dump().encode())
        file.seek(0)
        os.dup2(file.fileno(), 0)
    root = str(Path(__file__).parents[2])
    # Isolated, and without what is installed: it needs the standard library alone.
    os.execve(sys.executable, [sys.executable, "-ISB", "-c", _CODE, root], environment())  # noqa: S606
