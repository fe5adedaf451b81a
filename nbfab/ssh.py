"""Connections over SSH, as strict as OpenSSH: Fabric's, with the way there and the trust taken from OpenSSH itself."""

import contextlib
import logging
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import fabric
import paramiko

from nbfab import host_keys
from nbfab.errors import ConnectError, Dropped, HostKeyError, NbfabError, UsageError
from nbfab.ssh_auth import Login, authenticate
from nbfab.ssh_hosts import Route, jump_text, resolve
from nbfab.transport import PromptSocket, Transport

TIMEOUT = 15.0  # seconds to connect: TCP, banner and key exchange each
LOGIN = 60.0  # seconds for an answer to a login, which the host may have to ask a directory for
_LONGEST = 1_000_000  # seconds; a system call takes no more than 2**31 milliseconds
KEEPALIVE = 30  # seconds; a connection that a sleeping laptop or a NAT lost is noticed
HOPS = 8
_BANNER = "reading SSH protocol banner"  # in what paramiko says where a host hangs up at once

# What paramiko's threads have to say is said by the errors that they end in.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class Connection(fabric.Connection):  # type: ignore[misc]
    """Fabric's Connection to a host, whose key is verified before anybody logs in there.

    `hop` makes the connection to a jump host from what ProxyJump says and what lies before it; many connections may
    share one that it gives. Raises HostStringError and ConnectError when made, ConnectError and HostKeyError by `open`.
    """

    def __init__(
        self,
        typed: str,
        config: Any,
        *,
        accept_new: bool = False,
        interactive: bool | None = None,
        jumps: tuple[str, ...] | None = None,
        depth: int = 0,
        hop: Callable[..., "Connection"] | None = None,
        identities: tuple[str, ...] = (),
    ) -> None:
        route = resolve(typed, getattr(config, "_runtime_ssh_path", None) or "")
        timeout = _timeout(config, route)  # before Fabric takes what is no number for one
        super().__init__(host=route.hostname, user=route.user, port=route.port, config=config)
        if interactive is None:
            interactive = sys.stdin is not None and sys.stdin.isatty()
        self._set(
            original_host=typed,
            route=route,
            _accept_new=accept_new,
            _login=_login(config, interactive, identities),
            _timeout=timeout,
            _jumps=route.jumps if jumps is None else jumps,
            _depth=depth,
            _hop=hop or Connection,
            _given=_given(None if depth else jumps, identities),
            _near=None,
            _proxy=None,
            _opening=None,
        )

    def open(self) -> None:
        """Connects, verifies the host's key, and logs in; nothing if that is done."""
        if self.is_connected:
            return
        transport = Transport(self._socket())
        self._set(_opening=transport)
        try:
            # Looked up while the host, which is connected by now, gets ready to speak.
            entries = host_keys.on_record(self.route)
            self._negotiate(transport, entries)
            key = transport.get_remote_server_key()
            host_keys.check(self.route, entries, key.get_name(), key.asbytes(), accept_new=self._accept_new)
            authenticate(transport, self.route, self._login)
        except BaseException:
            transport.close()
            self._close_near()
            raise
        transport.set_keepalive(self.route.alive or KEEPALIVE)
        self.client._transport = transport
        self.transport = transport

    @property
    def lost_jump(self) -> str:
        """The jump host that it goes through, if the connection to that is gone; else empty."""
        near = self._near
        gone = near is not None and near.transport is not None and not near.transport.is_active()
        return str(near.original_host) if gone else ""

    @property
    def for_ssh(self) -> str:
        """What a person gives to `ssh` to come the same way."""
        return " ".join(filter(None, [shlex.join(self._given), self.route.typed_for_ssh]))

    def close(self) -> None:
        """Closes the connection, also one that another thread is still opening, and what it went through."""
        super().close()
        if self._opening is not None and self.transport is None:
            self._opening.close()
        self._close_near()

    def _close_near(self) -> None:
        if self._near is not None:
            self._near.close()
        if self._proxy is not None:
            self._proxy.terminate()
            self._proxy.wait()

    def _negotiate(self, transport: paramiko.Transport, entries: list[host_keys.Entry]) -> None:
        options = transport.get_security_options()
        offered = host_keys.preferred(tuple(options.key_types), entries, self.route.key_algorithms)
        if not offered:
            raise self._failed("HostKeyAlgorithms leaves none that nbfab can verify")
        options.key_types = offered
        transport.banner_timeout = transport.handshake_timeout = self._timeout
        transport.auth_timeout = max(self._timeout, LOGIN)
        began = time.monotonic()
        try:
            transport.start_client(timeout=self._timeout)
        except (paramiko.SSHException, EOFError, OSError) as error:
            if time.monotonic() - began >= self._timeout:
                raise self._late() from None
            failed = self._failed(_words(error) + self._proxy_words())
            dropped = self._proxy is None and (
                isinstance(error, EOFError | ConnectionResetError) or _BANNER in str(error)
            )
            raise (Dropped(str(failed), failed.hint) if dropped else failed) from None
        if not transport.initial_kex_done:
            raise self._late()

    def _late(self) -> ConnectError:
        return self._failed(f"it is connected, but says nothing that is SSH within {self._timeout:.0f} seconds")

    def _failed(self, why: str) -> ConnectError:
        return ConnectError(f"{self.route.hostname} port {self.route.port}: {why}", f"ssh -v {self.for_ssh} true")

    def _socket(self) -> Any:
        if self._jumps:
            return self._through(self._jumps)
        if self.route.proxy_command:
            return self._command(self.route.proxy_command)
        try:
            return _dial(self.route, self._timeout)
        except socket.gaierror as error:
            raise self._failed(f"the name does not resolve ({error.strerror})") from None
        except UnicodeError:
            raise self._failed("the name does not resolve (it is none that DNS can have)") from None
        except TimeoutError:
            raise self._failed(f"no answer within {self._timeout:.0f} seconds") from None
        except OSError as error:
            raise self._failed(error.strerror.lower() if error.strerror else str(error)) from None

    def _through(self, jumps: tuple[str, ...]) -> Any:
        """A channel through the last jump host, which is reached through those before it, as OpenSSH does."""
        *before, last = jumps
        name = jump_text(last)
        if self._depth >= HOPS:
            raise self._failed("its jump hosts lead in a circle")
        try:
            self._near = self._hop(
                name,
                self.config,
                accept_new=self._accept_new,
                interactive=self._login.interactive,
                jumps=tuple(before) or None,
                depth=self._depth + 1,
                hop=self._hop,
            )
            self._near.open()
            return self._near.transport.open_channel(
                "direct-tcpip", (self.route.hostname, self.route.port), ("", 0), timeout=self._timeout
            )
        except NbfabError as error:
            kind = HostKeyError if isinstance(error, HostKeyError) else ConnectError
            self._close_near()
            raise kind(f"jump host {name}: {error}", error.hint) from None
        except paramiko.SSHException as error:
            self._close_near()
            raise self._failed(f"jump host {name} does not get through to it ({_words(error)})") from None

    def _command(self, command: str) -> socket.socket:
        """One end of a pair of sockets, the other of which ProxyCommand reads and writes."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._said = tempfile.TemporaryFile()  # noqa: SIM115 # as long as the command runs
            self._proxy = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"], stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=self._said
            )
        return ours

    def _proxy_words(self) -> str:
        if self._proxy is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._proxy.wait(1)
        self._said.seek(0)
        words = self._said.read(2000).decode(errors="replace").strip().splitlines()
        try:
            program = shlex.split(self.route.proxy_command)[0]
        except ValueError:  # an odd quote; what the shell makes of it is among its words
            program = "ProxyCommand"
        return f"; {program} says: {words[-1]}" if words else "; ProxyCommand ended"


def _dial(route: Route, timeout: float) -> socket.socket:
    """A connection to the first address of a host that takes one, of AddressFamily and from BindAddress."""
    family = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(route.family, socket.AF_UNSPEC)
    failed = OSError("the name has no address")
    for kind, *how, _, address in socket.getaddrinfo(route.hostname, route.port, family, socket.SOCK_STREAM):
        connected = None
        try:
            connected = PromptSocket(kind, *how)
            connected.settimeout(timeout)
            if route.bind_address:
                _bind(connected, route.bind_address)
            connected.connect(address)
            return connected
        except OSError as error:  # the next address may be of a family that there is here
            if connected:
                connected.close()
            failed = error
    raise failed


def _bind(connected: socket.socket, address: str) -> None:
    try:
        connected.bind(socket.getaddrinfo(address, 0, connected.family, socket.SOCK_STREAM)[0][4])
    except OSError as error:
        # Without an errno, so that it is told from what the host itself answers.
        raise OSError(f"BindAddress {address}: {error.strerror}") from None


def _given(jumps: tuple[str, ...] | None, identities: tuple[str, ...]) -> tuple[str, ...]:
    """What stands for them on the command line of ssh."""
    through = () if jumps is None else ("-J", ",".join(jumps) or "none")
    return (*through, *(word for path in identities for word in ("-i", path)))


def _words(error: BaseException) -> str:
    """An error of the network or of paramiko in words for people."""
    if isinstance(error, EOFError) or _BANNER in str(error):
        return "it hung up before it said anything that is SSH"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def _login(config: Any, interactive: bool, identities: tuple[str, ...]) -> Login:
    """What `fab -i`, --prompt-for-login-password and --prompt-for-passphrase put into Fabric's configuration."""
    given = config.get("connect_kwargs") or {}
    files = given.get("key_filename") or ()
    names = (files,) if isinstance(files, str) else tuple(str(path) for path in files)
    names = (*names, *identities)
    return Login(names, given.get("password") or "", given.get("passphrase") or "", interactive)


def _timeout(config: Any, route: Route) -> float:
    """`fab -t`, then ConnectTimeout, then nbfab's own."""
    given = (config.get("connect_kwargs") or {}).get("timeout")
    if given is None:
        given = (config.get("timeouts") or {}).get("connect")
    if given is None:
        return route.timeout or TIMEOUT
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        seconds = 0
    if not 0 < seconds < _LONGEST:
        raise UsageError(f"{given!r} is no time to connect in", "fab -t SECONDS, a number above 0")
    return seconds


def fabric_config(config: Any) -> fabric.Config:
    """Fabric's configuration, for connections: the one that is given under `fab`, an empty one under `inv`."""
    return config if isinstance(config, fabric.Config) else fabric.Config(lazy=True)
