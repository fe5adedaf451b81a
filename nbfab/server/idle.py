"""Ends a server that no one has used for long. A live kernel or an open terminal keeps it; it ends neither.

Both servers can end themselves, but count the requests that an open page sends every few seconds as use; jupyter_server
counts no terminal, and both look once a minute.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from typing import Any, Callable

from tornado.ioloop import PeriodicCallback

FILE = "idled"  # says, once the server has ended, that this was why
LONGEST = 60  # seconds between two looks
PATIENCE = 10  # seconds to end in order


def exit_soon() -> None:
    """Ends this process, also if a thread of anyio's that has worked for a page would keep it up for good."""
    timer = threading.Timer(PATIENCE, os._exit, (0,))
    timer.daemon = True
    timer.start()


class Idle:
    """Knows for how long nothing has run, by a clock that stands still while the machine sleeps.

    Once that is too long, it stops the server, and then calls `end`.
    """

    def __init__(
        self, folder: str, clock: Callable[[], float] = time.monotonic, end: Callable[[], None] = exit_soon
    ) -> None:
        self._file = os.path.join(folder, FILE)
        self._clock, self._end = clock, end
        self._after = self._kernels_after = 0
        self._app: Any = None
        self._uses = 0
        self._seen: Any = None
        self._since = clock()
        self._watch: PeriodicCallback | None = None

    def set_up(self, c: Any) -> None:
        """Takes the seconds from a server's configuration, `Nbfab.idle` and `Nbfab.idle_kernels`; 0 is never."""
        self._after, self._kernels_after = (int(c.Nbfab.get(key, 0)) for key in ("idle", "idle_kernels"))
        if self._kernels_after:
            c.MappingKernelManager.cull_idle_timeout = self._kernels_after
            c.MappingKernelManager.cull_interval = min(LONGEST, max(1, self._kernels_after // 4))
            c.MappingKernelManager.cull_connected = True  # a page that is left open does not count

    def start(self, app: Any) -> None:
        """Watches a server from now on."""
        self._app = app
        if self._after:
            self._watch = PeriodicCallback(self.look, min(LONGEST, self._after / 4) * 1000)
            self._watch.start()

    def note(self, request: Any) -> None:
        """Takes note of a request that was let in: a page is loaded, or something changes. Pages ask the rest alone."""
        reads = request.method in ("GET", "HEAD", "OPTIONS")
        if not reads or "text/html" in request.headers.get("Accept", ""):
            self._uses += 1

    @property
    def live(self) -> bool:
        """Whether a kernel or a terminal is."""
        terminals = getattr(self._app.web_app.settings.get("terminal_manager"), "terminals", ())
        return len(self._app.kernel_manager) > 0 or len(terminals) > 0

    def look(self) -> None:
        """Ends the server if its time has come."""
        idle = self._seconds()
        if self._after and idle >= self._after:
            self._app.log.warning("nbfab: nothing has run for %d seconds, so the server ends", idle)
            with suppress(OSError), open(self._file, "w", encoding="ascii"):  # on a full disk it ends as well
                pass
            if self._watch:
                self._watch.stop()
            self._app.stop()
            self._end()

    def report(self) -> dict[str, Any]:
        """The limits in seconds, 0 for none, and how many are left; None if there is no limit, or something is live."""
        left = max(0, int(self._after - self._seconds())) if self._after and not self.live else None
        return {"after": self._after, "kernels_after": self._kernels_after, "left": left}

    def _seconds(self) -> float:
        """For how long nothing has run, as far as can be told."""
        terminal = self._app.web_app.settings.get("terminal_last_activity")
        seen = (self._uses, terminal, getattr(self._app.kernel_manager, "last_kernel_activity", None))
        if seen != self._seen or self.live:
            self._seen, self._since = seen, self._clock()
        return self._clock() - self._since
