"""Children: programs of ours, each in a session of its own, and how they are ended."""

import os
import signal
from asyncio.subprocess import Process
from contextlib import suppress


def end(process: Process, number: signal.Signals = signal.SIGKILL) -> None:
    """Sends a signal to a child, and to what that has started.

    `Process.kill` looks first whether it runs: if it has just ended, that takes its exit status from the event loop,
    which says so on the terminal.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
