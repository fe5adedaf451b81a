"""Mux: programs over a connection that another process of `ssh` holds open, through its ControlMaster socket."""

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nbfab.errors import ConnectError
from nbfab.ssh import process


class Unanswered(ConnectError):
    """The process that holds the connection has not answered; whatever was sent to it has not been begun in time."""


def client(socket: str, *args: str, level: str = "QUIET") -> Sequence[str]:
    """The command line of an `ssh` that goes through the socket or fails: it makes no connection of its own.

    No configuration counts, so nothing is forwarded, and no command but ours is run.
    """
    options = {
        "ControlMaster": "no",
        "ControlPath": socket.replace("%", "%%"),
        "ProxyCommand": "false",
        "LogLevel": level,
        "BatchMode": "yes",
    }
    return ["ssh", "-F", "/dev/null", *(word for pair in options.items() for word in ("-o", "=".join(pair))), *args]


class Mux:
    """A host behind a ControlMaster socket."""

    def __init__(self, socket: str, name: str) -> None:
        self.socket = socket
        self._name = name
        self._process: Any = None
        self._waits = False

    def begin(self) -> None:
        """Opens a session for the next program, unless one waits: its round trips take place meanwhile."""
        if self._waits:
            return
        words = client(self.socket, "-T", "--", self._name, "exec /bin/sh")
        self._process = process.start(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        self._waits = True

    def talk(
        self, program: bytes, silence: float, within: float | None = None, more: Iterable[bytes] = ()
    ) -> Iterator[bytes]:
        """As `Fed.talk`. Raises Unanswered if nothing at all comes, `within` that many seconds if that is given."""
        self.begin()
        self._waits = False
        begun = False
        try:
            for data in process.talk(self._process, program, silence, silence if within is None else within, more):
                begun = True
                yield data
        except TimeoutError:
            if begun or within is None:
                raise
            raise Unanswered(f"no answer within {within:.0f} seconds") from None
        if self._process.returncode == 255:  # of ssh itself, see ssh(1), EXIT STATUS
            if not begun:
                raise Unanswered("it opens no session")
            raise ConnectError("the connection was cut", "run it again; it continues from there")

    def close(self) -> None:
        """Cuts `talk` short, from another thread."""
        if self._process is not None and self._process.poll() is None:
            process.end(self._process)
