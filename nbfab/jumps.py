"""Jump hosts: one connection to each, whatever number of hosts are behind it."""

import threading
from typing import Any

from nbfab.errors import NbfabError
from nbfab.fleet import Doors
from nbfab.ssh import Connection


class SharedConnection(Connection):
    """A connection to a jump host that many connections go through: opened once, or failed once for all of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        doors = kwargs.pop("doors")
        super().__init__(*args, **kwargs)
        self._set(_doors=doors)
        self._set(_one=threading.Lock(), _failure=None)

    def open(self) -> None:
        """As `Connection.open`, by one thread while the others wait. Raises the same error for all of them."""
        with self._one:
            if self._failure is not None:
                raise self._failure
            try:
                self._doors.enter((self.host, self.port), super().open, lambda line: None)
            except NbfabError as error:
                self._set(_failure=error)
                raise

    def close(self) -> None:
        """Stays open for the others; `end` closes it."""

    def end(self) -> None:
        """Closes it for all."""
        super().close()


class Jumps:
    """The jump hosts of one run, each with one connection, by its name and those before it.

    `doors` keeps handshakes apart, with them and with the hosts behind.
    """

    def __init__(self) -> None:
        self.doors = Doors()
        self._lock = threading.Lock()
        self._known: dict[tuple[str, tuple[str, ...] | None], SharedConnection] = {}

    def __call__(self, name: str, config: Any, **options: Any) -> SharedConnection:
        """The connection to the jump host `name`, as `Connection` asks for it."""
        with self._lock:
            key = (name, options.get("jumps"))
            if key not in self._known:
                self._known[key] = SharedConnection(name, config, doors=self.doors, **options)
            return self._known[key]

    def close(self) -> None:
        """Closes all of them, the farthest first."""
        for connection in reversed(list(self._known.values())):
            connection.end()
