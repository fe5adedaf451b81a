"""All connections that the server has open, so that they can end at once, whatever they carry."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet


class Streams:
    """Those of pages, websockets to kernels and terminals, downloads: one stream each, also while it is idle."""

    def __init__(self) -> None:
        self._all: WeakSet[Any] = WeakSet()

    @property
    def open(self) -> list[Any]:
        """Those that are open now."""
        return [stream for stream in self._all if not stream.closed()]

    def add(self, stream: Any) -> None:
        """Takes note of one."""
        self._all.add(stream)

    def watch(self, web_app: Any) -> None:
        """Takes note of each from now on."""
        stock = web_app.start_request

        def start_request(server: Any, connection: Any) -> Any:
            self.add(connection.stream)
            return stock(server, connection)

        web_app.start_request = start_request

    def close_others(self, own: Any) -> int:
        """Closes all but `own`, as if the network had cut them: no one is waited for. Returns how many there were.

        A websocket's own close asks the other end, and goes on reading for 5 s meanwhile.
        """
        others = [stream for stream in self.open if stream is not own]
        for stream in others:
            stream.close()
        return len(others)
