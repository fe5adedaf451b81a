"""A host over SSH."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

import paramiko

from nbfab.errors import CannotLend, ConnectError, Incompatible, NbfabError, NoShell
from nbfab.fix import Command
from nbfab.names import HostString
from nbfab.prompts import ASKS, MARKS
from nbfab.ssh import master, published
from nbfab.ssh.arguments import by_itself
from nbfab.ssh.askpass import version
from nbfab.ssh.connection import Connection
from nbfab.ssh.doors import Address, Doors, Visitor
from nbfab.ssh.early import Early
from nbfab.ssh.forward import Accept, over_paramiko, over_socket
from nbfab.ssh.jumps import Jumps
from nbfab.ssh.links import Links
from nbfab.ssh.login import Typist
from nbfab.ssh.mux import Mux, Unanswered
from nbfab.ssh.openssh import Link
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route, resolve
from nbfab.ssh.typed import Typed, given

SHELL = 120.0  # seconds until a login shell has run its startup files, which may load modules from a slow disk


class There:
    """A host over SSH, connected to on first use.

    `label` is what users call it. `typist`, if any, answers SSH's prompts. `jumps` shares connections to jump hosts
    with other hosts; with it, a connection that sshd drops is tried again, and `sees` gets a line for each retry.
    `route` is the one to the host, or why there is none, if that is known. Inside of `silence`, a host that does not
    answer at once is waited for. `early` is what has been begun before, for this host or another.

    Of three ways to it, the first that will do is taken: a live ControlMaster, the user's or that of an `open`,
    paramiko, OpenSSH itself.
    `remarks` tell which, if that is not the usual one.
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
        early: Early | None = None,
    ) -> None:
        self.label = label
        self.remarks: tuple[str, ...] = ()
        self._typed, self._options, self._sees = typed, options, sees
        self._typist = Typed(typist) if typist else None
        self._jumps = jumps
        self._known_route, self._silence = route, silence
        self._own_links = None if jumps else Links(Doors())
        self._links = jumps.links if jumps else self._own_links
        self._early = early
        self._master: Mux | None = None
        self._link: Link | None = None
        self._failed: NbfabError | None = None
        self._chosen = self._answered = False

    @cached_property
    def _route(self) -> Route:
        if isinstance(self._known_route, ConnectError):
            raise self._known_route
        return self._known_route or resolve(self._typed, self._options.config, self._options.options)

    @cached_property
    def _connection(self) -> Connection:
        return Connection(
            self._typed, self._options, self._typist, hop=self._jumps, route=self._route, silence=self._silence
        )

    def by_itself(self) -> list[str]:
        """The command line of an `ssh` to this host that needs no one. Raises ConnectError."""
        return by_itself(self._typed, self._options)

    def asking(self) -> list[str]:
        """As `by_itself`, for an `ssh` whose prompts are answered; empty if it has none. Raises ConnectError."""
        if version() < ASKS or self._route.batch:
            return []
        return by_itself(self._typed, self._options, asks=True)

    def with_terminal(self) -> list[str]:
        """The command line of an `ssh` to this host that someone sits at; over a ControlMaster, if one is live."""
        words = by_itself(self._typed, self._options, asks=not self._route.batch)
        socket = self._master.socket if self._master else ""
        return [words[0], *(("-o", "ControlMaster=no", "-o", f"ControlPath={socket or 'none'}")), *words[1:]]

    @property
    def marks(self) -> bool:
        """Whether `ssh` marks the prompts of servers, so that what was typed at another can be given again."""
        return version() >= MARKS

    @property
    def typed(self) -> dict[str, str]:
        """What was typed to log in, by the prompts of `ssh`, if that can be given again. Raises ConnectError."""
        if not self.marks:
            return {}
        return given(self._typed, self._options) | (self._typist.answered if self._typist else {})

    @property
    def published(self) -> str:
        """Where an `open` publishes its connection to this host. Raises ConnectError."""
        return str(published.place(self._route, self._options))

    @property
    def route(self) -> Route:
        """The route to it. Raises ConnectError."""
        return self._route

    @property
    def is_direct(self) -> bool:
        """Whether it is reached without a jump host, a ProxyCommand, or a connection that was open already."""
        jumps = self._route.jumps if self._options.jumps is None else self._options.jumps
        return not (jumps or self._route.proxy_command or self._master)

    @property
    def names(self) -> tuple[str, ...]:
        """The HostName that OpenSSH resolves, and the names that users call it by."""
        label = () if self.label == str(self._typed) else (self.label,)
        return tuple(dict.fromkeys((self._route.hostname, self._typed.host, *label)))

    @property
    def ssh(self) -> str:
        """The arguments with which `ssh` reaches the host, with whatever is not in ssh_config."""
        return " ".join(filter(None, [self._options.for_ssh, self._route.typed_for_ssh]))

    def _open(self, visitor: Visitor, connect: Callable[[], None]) -> None:
        if self._jumps is None:
            connect()
        else:
            self._jumps.doors.enter(visitor, connect, self._sees)

    def begin(self) -> None:
        """Does what can be done before there is a program to run, if that takes no login."""
        with contextlib.suppress(NbfabError):  # which comes again
            self._choose()
            if self._master:
                self._master.begin()

    def talk(self, program: bytes, silence: float, more: Iterable[bytes] = ()) -> Iterator[bytes]:
        """As `Fed.talk`. The first program of a host only looks: if a ControlMaster hangs, it is sent again."""
        self._choose()
        if self._master:
            within = None if self._answered else master.ANSWER
            try:
                for data in self._master.talk(program, silence, within, more):
                    if not self._answered:
                        self._answered = True
                        self._remark(f"over the ControlMaster at {self._master.socket}, without a login")
                    yield data
                return
            except Unanswered as error:
                if self._answered:
                    raise ConnectError(f"ControlMaster {self._master.socket}: {error}", "run it again") from None
                self._remark(f"the ControlMaster at {self._master.socket} is not used: {error}")
                self._master = None
        self._connect()
        yield from self._link.talk(program, silence, more) if self._link else self._by_paramiko(program, silence, more)

    def connect(self) -> None:
        """Connects to it before there is a program to run; why that fails, the first `talk` raises."""
        try:
            self._choose()
            if self._master is None:
                self._connect()
        except NbfabError as error:
            self._failed = error

    def _connect(self) -> None:
        """Connects, unless that has been done, over paramiko or, if that will not do, OpenSSH."""
        if failed := self._failed:
            self._failed = None
            raise failed
        if self._link is None:
            try:
                with self._cut():
                    self._open(self._connection, self._connection.open)
                return
            except Incompatible as error:
                if self._options.transport:
                    raise
                self._remark(f"over OpenSSH, not paramiko: {error}")
                self._link = self._links_to()
        if self._jumps and self._options.transport and self._silence is not nullcontext:
            self._jumps.knock(self._connection)  # so that no `ssh` waits for a host that does not answer
        self._open(Address((self._route.hostname, self._route.port)), self._link.open)

    def _choose(self) -> None:
        """Takes the user's ControlMaster, if there is one, and OpenSSH, if that was asked for."""
        if self._chosen:
            return
        if self._early and self._known_route is None:
            self._known_route, self._master = self._early.take(self._typed, self._options)
        if self._options.transport == "openssh":
            self._link = self._links_to()
        allowed = self._master is None and self._options.transport != "paramiko"
        if allowed and (
            socket := master.live(self._route, self._options) or published.live(self._route, self._options)
        ):
            self._master = Mux(socket, self._route.hostname)
        self._chosen = True

    def _links_to(self) -> Link:
        assert self._links
        return self._links.to(self._typed, self._options, self._typist)

    def _remark(self, line: str) -> None:
        self.remarks = (*self.remarks, line)

    def _by_paramiko(self, program: bytes, silence: float, more: Iterable[bytes]) -> Iterator[bytes]:
        """As `talk`. The program fits into the channel's window, so sending it never blocks; `more` may not."""
        with self._cut():
            transport = self._connection.transport
            sessions = self._connection.sessions
            channel = sessions.take(silence)
            try:
                channel.set_combine_stderr(True)
                channel.settimeout(silence)  # OpenSSH takes no input before it has answered
                _ask(channel, "exec /bin/sh")
                _send(channel, program, more)
                channel.settimeout(max(silence, SHELL))
                data = self._first(channel)
                sessions.begin(silence)
                channel.settimeout(silence)
                while data:
                    yield data
                    data = channel.recv(65536)
                if not transport.is_active():
                    raise EOFError
                sessions.end(channel)
            except GeneratorExit:  # who has read the last line reads no further
                sessions.end(channel)
                raise
            finally:
                channel.close()

    @contextlib.contextmanager
    def _cut(self) -> Iterator[None]:
        """Turns whatever cuts the connection into a ConnectError."""
        try:
            yield
        except (NbfabError, TimeoutError):
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            lost = self._connection.lost_jump
            where = f"jump host {lost}: " if lost else ""
            what = f"the connection was cut{f': {error}' if str(error) else ''}"
            raise ConnectError(f"{where}{what}", "run it again; it continues from there", jump=lost) from None

    def _first(self, channel: paramiko.Channel) -> bytes:
        """The first output, which the login shell prints or lets the program print; the answer to `_ask` is first."""
        try:
            data = bytes(channel.recv(65536))
            if not channel.event_ready:
                broken = channel.get_transport().get_exception()
                raise broken or ConnectError("it refused to run a program", Command(f"ssh {self.ssh} true"))
            return data
        except TimeoutError:
            if not channel.event_ready:
                raise EOFError from None
            raise NoShell(
                f"its login shell ran no program within {channel.gettimeout():.0f} seconds",
                "see which of its startup files (.bashrc, .profile, config.fish, ...) takes so long",
                Command(f"time ssh {self.ssh} true"),
            ) from None

    def forwarded(self, accept: Accept) -> AbstractContextManager[int]:
        """A port on the host's loopback whose connections `accept` gets, over the connection that programs go over.

        Raises CannotLend. `accept` must not wait.
        """
        if socket := self._master.socket if self._master else self._link.socket if self._link else "":
            return over_socket(socket, self._route.hostname, accept)
        if "_connection" not in self.__dict__ or self._connection.transport is None:
            raise CannotLend("there is no connection to it")
        return over_paramiko(self._connection.transport, accept)

    def close(self) -> None:
        """As `Host.close`."""
        if "_connection" in self.__dict__:
            with contextlib.suppress(Exception):  # closing a broken connection may fail in many ways
                self._connection.close()
        if self._master:
            self._master.close()
        if self._link:
            self._link.end()
        if self._own_links:
            self._own_links.close()

    def renew(self) -> None:
        """As `Host.renew`. From then on it shares nothing with other hosts: their jump hosts may be gone as well."""
        self.close()
        self.__dict__.pop("_connection", None)
        self._jumps = self._early = self._master = self._link = self._failed = None
        self._links = self._own_links = Links(Doors())
        self._chosen = self._answered = False
        self.remarks = ()


def _ask(channel: paramiko.Channel, command: str) -> None:
    """Asks for a command and, as OpenSSH does, goes on without the answer: to wait for it takes a round trip more.

    paramiko waits, and for ever; it has no public name for that.
    """
    channel._wait_for_event = lambda: None  # type: ignore[attr-defined]
    channel.exec_command(command)


def _send(channel: paramiko.Channel, program: bytes, more: Iterable[bytes]) -> None:
    """Sends a program. A login shell that ends before it reads it, such as nologin(8), has printed why."""
    try:
        channel.sendall(program)
        if more != ():
            threading.Thread(target=_send_more, args=(channel, more), daemon=True).start()
        else:
            channel.shutdown_write()
    except TimeoutError:
        raise
    except OSError:
        return


def _send_more(channel: paramiko.Channel, more: Iterable[bytes]) -> None:
    """Sends what follows a program; if that stops, so does the program."""
    try:
        for chunk in more:
            channel.sendall(chunk)
        channel.shutdown_write()
    except (OSError, EOFError, paramiko.SSHException):
        channel.close()
