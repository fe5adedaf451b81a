"""Supervisor: any number of links in one process, from Control-C to Control-C."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence

from nbfab.tunnel import claim
from nbfab.tunnel.claim import FOLDER
from nbfab.tunnel.member import Member, Show
from nbfab.tunnel.spec import Spec
from nbfab.tunnel.telling import Telling

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # blocked until they are waited for, so that none is lost
LONGEST = 40  # bytes of a folder in which the paths of sockets are short enough (unix(7))


class Supervisor:
    """Carries for all of `specs`; one that fails does not disturb the others. `ready` is called once those that can be
    opened are.
    """

    def __init__(
        self,
        specs: Sequence[Spec],
        tells: Callable[[Spec], Telling],
        show: Show,
        ready: Callable[[], object] = lambda: None,
    ) -> None:
        self._specs, self._tells, self._show, self._ready = specs, tells, show, ready
        self.members: list[Member] = []
        self._ended = False

    async def run(self) -> int:
        """Until Control-C, SIGTERM or SIGHUP, or until all have ended; the highest of their exit statuses."""
        for ends in ENDS:
            if signal.getsignal(ends) is not signal.SIG_IGN:  # as under nohup(1)
                asyncio.get_running_loop().add_signal_handler(ends, self.end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        for state in {spec.state for spec in self._specs if spec.state}:
            await asyncio.to_thread(claim.every, state)  # what was killed is removed
        with _private_folder() as folder:
            for number, spec in enumerate(self._specs):
                place = os.path.join(folder, str(number))
                self.members.append(Member(spec, self._tells(spec), place, self._show))
            if self._ended:
                self.end()
            readying = asyncio.ensure_future(self._wait())
            try:
                return max(await asyncio.gather(*(member.run() for member in self.members)), default=0)
            finally:
                readying.cancel()

    async def _wait(self) -> None:
        for member in self.members:
            await member.shown.wait()
        if any(member.link != "ended" for member in self.members):
            self._ready()

    def end(self) -> None:
        """Has all of them end."""
        self._ended = True
        for member in self.members:
            member.end()


@contextlib.contextmanager
def _private_folder() -> Iterator[str]:
    short = None if len(os.fsencode(tempfile.gettempdir())) <= LONGEST else "/tmp"  # noqa: S108 # made for us alone
    folder = tempfile.mkdtemp(prefix=FOLDER, dir=short)
    number = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(number, fcntl.LOCK_SH)  # systemd-tmpfiles(8) removes none that is locked
        yield folder
    finally:
        os.close(number)
        shutil.rmtree(folder, ignore_errors=True)
