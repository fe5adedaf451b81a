"""A host over SSH."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial

import paramiko

from nbfab.errors import ConnectError, NbfabError
from nbfab.names import HostString
from nbfab.ssh.connection import Connection, SshOptions
from nbfab.ssh.doors import Doors
from nbfab.ssh.jumps import Jumps
from nbfab.ssh.login import Typist
from nbfab.ssh.route import Route


class There:
    """A host over SSH, connected to on first use.

    `label` is what users call it. `typist`, if any, answers SSH's prompts. `jumps` shares connections to jump hosts
    with other hosts; with it, a connection that sshd drops is tried again, and `sees` gets a line for each retry.
    `route` is the one to the host, or why there is none, if that is known. Inside of `silence`, a host that does not
    answer at once is waited for.
    """

    local = False

    def __init__(
        self,
        label: str,
        typed: HostString,
        options: SshOptions,
        typist: Typist | None = None,
        *,
        jumps: Jumps | None = None,
        sees: Callable[[str], None] = lambda line: None,
        route: Route | ConnectError | None = None,
        silence: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.label = label
        self._typed, self._sees = typed, sees
        self._doors: Doors | None = jumps.doors if jumps else None
        self._route = route
        self._connect = partial(Connection, typed, options, typist, hop=jumps, silence=silence)

    @cached_property
    def _connection(self) -> Connection:
        if isinstance(self._route, ConnectError):
            raise self._route
        return self._connect(route=self._route)

    @property
    def names(self) -> tuple[str, ...]:
        """The HostName that OpenSSH resolves, and the names that users call it by."""
        label = () if self.label == str(self._typed) else (self.label,)
        return tuple(dict.fromkeys((str(self._connection.host), self._typed.host, *label)))

    @property
    def ssh(self) -> str:
        """The arguments with which `ssh` reaches the host, with whatever is not in ssh_config."""
        return self._connection.for_ssh

    def _open(self) -> None:
        if self._doors is None:
            self._connection.open()
        else:
            self._doors.enter((self._typed.host, self._typed.port or 22), self._connection.open, self._sees)

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        """As `Host.talk`. The program fits into the channel's window, so sending it never blocks."""
        try:
            self._open()
            transport = self._connection.transport
            channel = transport.open_session(timeout=silence)
            try:
                channel.set_combine_stderr(True)
                channel.settimeout(silence)
                # paramiko waits forever for the answer to this.
                late = threading.Timer(silence, transport.close)
                late.daemon = True
                late.start()
                try:
                    channel.exec_command("exec /bin/sh")
                finally:
                    late.cancel()
                _send(channel, program)
                while data := channel.recv(65536):
                    yield data
                if not transport.is_active():
                    raise EOFError
            finally:
                channel.close()
        except (NbfabError, TimeoutError):
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            lost = self._connection.lost_jump
            where = f"jump host {lost}: " if lost else ""
            what = f"the connection was cut{f': {error}' if str(error) else ''}"
            raise ConnectError(f"{where}{what}", "run it again; it continues from there", jump=lost) from None

    def close(self) -> None:
        """As `Host.close`."""
        if "_connection" in self.__dict__:
            with contextlib.suppress(Exception):  # closing a broken connection may fail in many ways
                self._connection.close()


def _send(channel: paramiko.Channel, program: bytes) -> None:
    """Sends a program. A login shell that ends before it reads it, such as nologin(8), has printed why."""
    try:
        channel.sendall(program)
        channel.shutdown_write()
    except TimeoutError:
        raise
    except OSError:
        return
