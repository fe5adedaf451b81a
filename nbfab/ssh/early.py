"""Early: a session through the user's ControlMaster, opened while the rest of nbfab is being imported.

Its round trips take as long as that; so a task through a ControlMaster takes hardly more than what it does.
"""

import contextlib
import threading

from nbfab.names import HostString
from nbfab.ssh import master, published
from nbfab.ssh.mux import Mux
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route, resolve


class Early:
    """A session to one host, if a ControlMaster of it is live; in a thread of its own until it is taken."""

    def __init__(self, typed: HostString, options: SshOptions) -> None:
        self._for = typed, options
        self._route: Route | None = None
        self._mux: Mux | None = None
        self._thread = threading.Thread(target=self._open, daemon=True)
        self._thread.start()

    def _open(self) -> None:
        with contextlib.suppress(Exception):  # which comes again, where it is reported
            route = resolve(self._for[0], self._for[1].config)
            if socket := master.live(route, self._for[1]) or published.live(route, self._for[1]):
                mux = Mux(socket, route.hostname)
                mux.begin()
                self._mux = mux
            self._route = route

    def take(self, typed: HostString, options: SshOptions) -> tuple[Route | None, Mux | None]:
        """The route, and the session, if this is what they are for; once."""
        self._thread.join()
        if (typed, options) != self._for or self._route is None:
            return None, None
        taken, self._mux = self._mux, None
        return self._route, taken

    def close(self) -> None:
        """Ends the session unless it was taken. One that is only now being opened ends with this process."""
        if self._mux:
            self._mux.close()
