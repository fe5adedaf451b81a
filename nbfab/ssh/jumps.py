"""Jump hosts: one connection to each, no matter how many hosts are behind it."""

import threading
from typing import Any

from nbfab.errors import NbfabError
from nbfab.names import HostString
from nbfab.ssh.connection import Connection
from nbfab.ssh.doors import Doors
from nbfab.ssh.links import Links
from nbfab.ssh.options import SshOptions


class SharedConnection(Connection):
    """A connection to a jump host, shared by all hosts behind it: it opens once, or fails once for all of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        doors = kwargs.pop("doors")
        super().__init__(*args, **kwargs)
        self._set(_doors=doors)
        self._set(_one=threading.Lock(), _failure=None)

    def open(self) -> None:
        """As `Connection.open`, by one thread while the others wait. Raises the same error in each."""
        with self._one:
            if self._failure is not None:
                raise self._failure
            try:
                self._doors.enter(self, super().open, lambda line: None)
            except NbfabError as error:
                self._set(_failure=error)
                raise

    def close(self) -> None:
        """Does nothing: the others still need it, until `end`."""

    def end(self) -> None:
        """Closes it for all hosts."""
        super().close()


class Jumps:
    """The jump hosts of one run, with one connection to each.

    `doors` spaces out handshakes, with them and with the hosts behind them; `links` are those that OpenSSH makes.
    """

    def __init__(self) -> None:
        self.doors = Doors()
        self.links = Links(self.doors)
        self._lock = threading.Lock()
        self._known: dict[tuple[HostString, SshOptions], SharedConnection] = {}
        self._answering: set[tuple[str, int]] = set()

    def __call__(self, typed: HostString, options: SshOptions, *args: Any, **more: Any) -> SharedConnection:
        """The connection to a jump host; to be passed to `Connection` as `hop`."""
        with self._lock:
            if (typed, options) not in self._known:
                self._known[typed, options] = SharedConnection(typed, options, *args, doors=self.doors, **more)
            return self._known[typed, options]

    def knock(self, connection: Connection) -> None:
        """As `Connection.knock`, once for an address: sshd may punish those who leave without a login."""
        if connection.address not in self._answering:
            connection.knock()
            self._answering.add(connection.address)

    def close(self) -> None:
        """Closes them all, the farthest first."""
        for connection in reversed(list(self._known.values())):
            connection.end()
        self.links.close()
