"""The server's open websockets: which to close, and how long to wait for those that are silent."""

from __future__ import annotations

from typing import Any, Callable
from weakref import WeakKeyDictionary

from tornado.ioloop import PeriodicCallback
from tornado.websocket import WebSocketHandler

WATCH = 2000  # ms between two looks at whether the password is still the same
PATIENCE = 48  # times the limit of silence, which is 90 s: 72 minutes


class Sockets:
    """All open websockets, with the password's hash at the time that they were let in."""

    def __init__(self) -> None:
        self._open: WeakKeyDictionary[WebSocketHandler, str] = WeakKeyDictionary()
        self._watch: PeriodicCallback | None = None

    def admit(self, socket: WebSocketHandler, hashed: str, patient: bool, look: Callable[[], Any]) -> None:
        """Takes note of a websocket that may open. As long as the server runs, `look` is called from now on."""
        self._open[socket] = hashed
        socket.nbfab_patient = patient  # type: ignore[attr-defined]
        if self._watch is None:
            self._watch = PeriodicCallback(look, WATCH)
            self._watch.start()

    def close_others(self, hashed: str) -> None:
        """Closes those that were let in by another password. One that is not open yet is closed the next time."""
        for socket, was in list(self._open.items()):
            if was != hashed:
                WebSocketHandler.close(socket, 1008, "password changed")  # a subclass may have another close()


def be_patient(mixin: Any) -> None:
    """Makes a server's websockets that were admitted as `patient` wait `PATIENCE` times as long for a pong.

    `mixin` is the class that all of the server's websockets share which send pings.
    """
    stock = mixin.ping_timeout.fget

    def ping_timeout(self: Any) -> Any:
        return stock(self) * (PATIENCE if getattr(self, "nbfab_patient", False) else 1)

    mixin.ping_timeout = property(ping_timeout)
