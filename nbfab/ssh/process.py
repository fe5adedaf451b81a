"""Processes of `ssh`, each in a session of its own: without a terminal, and ended with all that they have started."""

import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

GRACE = 2.0  # seconds to end in order


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for `ssh`: without nbfab's own secret, and without the locale, which SendEnv would send along."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NBFAB_", "LC_", "LANG"))}
    return {**kept, **(more or {})}


def start(command: Sequence[str], **how: Any) -> "subprocess.Popen[bytes]":
    """Starts a command; Control-C reaches nbfab alone, which then ends it in order."""
    return subprocess.Popen(command, start_new_session=True, **{"env": environment(), **how})


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process and its whole group."""
    with suppress(ProcessLookupError, PermissionError):  # it has ended; macOS has the latter for that
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def talk(
    process: "subprocess.Popen[bytes]", program: bytes, silence: float, first: float, more: Iterable[bytes] = ()
) -> Iterator[bytes]:
    """Feeds a program, and `more`, to a process, and yields what it prints.

    That comes `first` seconds and then `silence` seconds at most apart.

    Raises TimeoutError. The process is ended in any case.
    """
    assert process.stdin
    assert process.stdout
    try:
        threading.Thread(target=_feed, args=(process.stdin, program, more), daemon=True).start()
        output, wait = process.stdout.fileno(), first
        poll = select.poll()  # a fleet has more files open than select takes
        poll.register(output, select.POLLIN)
        while True:
            if not poll.poll(wait * 1000):
                raise TimeoutError
            data = os.read(output, 65536)
            if not data:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
                return
            wait = silence
            yield data
    finally:
        if process.poll() is None:
            end(process)
        process.stdout.close()


def _feed(pipe: Any, program: bytes, more: Iterable[bytes]) -> None:
    with suppress(OSError, ValueError), pipe:
        pipe.write(program)
        for chunk in more:
            pipe.write(chunk)
