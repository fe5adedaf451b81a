"""Connections over SSH, as strict as OpenSSH: Fabric's, with the route and the trust taken from OpenSSH itself."""

import contextlib
import ipaddress
import logging
import os
import re
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import fabric
import paramiko

from nbfab.errors import ConnectError, Dropped, HostKeyError, Incompatible, NbfabError, NoAnswer, NoName
from nbfab.fix import Command
from nbfab.names import HostString
from nbfab.ssh import host_keys
from nbfab.ssh.choose import lacks
from nbfab.ssh.doors import PENALTY, penalized
from nbfab.ssh.login import Login, Typist, authenticate
from nbfab.ssh.needs import needs_openssh
from nbfab.ssh.negotiation import mismatch
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route, resolve
from nbfab.ssh.sessions import Sessions
from nbfab.ssh.transport import PromptSocket, Transport, common
from nbfab.text import clean

TIMEOUT = 15.0  # seconds to connect: TCP, banner and key exchange each
LOGIN = 60.0  # seconds for an answer to a login, which the host may have to ask a directory for
KEEPALIVE = 30  # seconds; detects a connection that a sleeping laptop or a NAT has dropped
HOPS = 8  # jump hosts of jump hosts; more can only be a loop
_BANNER = "reading SSH protocol banner"  # part of paramiko's message when a host hangs up at once

# Whatever paramiko's threads log is also in the errors that end them.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False


class Connection(fabric.Connection):  # type: ignore[misc]
    """Fabric's Connection to a host, whose key is verified before anyone logs in there.

    `typist` answers SSH's prompts; without one, there are none. `hop` makes the connection to a jump host, and may
    return the same one for many hosts. `route` is that to the host, if it is known. The constructor raises
    ConnectError, `open` ConnectError and HostKeyError.
    """

    def __init__(
        self,
        typed: HostString,
        options: SshOptions,
        typist: Typist | None = None,
        *,
        depth: int = 0,
        hop: Callable[..., "Connection"] | None = None,
        route: Route | None = None,
        silence: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        route = route or resolve(typed, options.config, options.options)
        super().__init__(host=route.hostname, user=route.user, port=route.port, config=_config())
        keys = (*options.keys, *filter(None, [options.identity]))
        self._set(
            original_host=str(typed),
            route=route,
            _options=options,
            _login=Login(keys, options.password, options.passphrase, typist),
            _timeout=options.timeout or route.timeout or TIMEOUT,
            _jumps=route.jumps if options.jumps is None else options.jumps,
            _typist=typist,
            _depth=depth,
            _hop=hop or Connection,
            _silence=silence,
            _near=None,
            _proxy=None,
            _stderr=None,
            _opening=None,
            sessions=None,
        )

    def open(self) -> None:
        """Connects, verifies the host's key, and logs in, unless that has been done.

        Raises Incompatible for what paramiko cannot do, before the host is contacted if that is known by then.
        """
        if self.is_connected:
            return
        reason = needs_openssh(self.route) if self._options.transport == "paramiko" else ""
        if reason:
            raise self._failed(f"only OpenSSH itself can do what ssh_config wants: {reason}")
        entries = host_keys.on_record(self.route)
        if not self._options.transport and (lacking := lacks(self.route, self._login.identities, entries)):
            raise Incompatible(lacking)
        transport = self._verified(entries)
        if not transport.is_active() and (recorded := host_keys.on_record(self.route)) != entries:
            # To compare a new key may take longer than the host waits for a login.
            self._close_near()
            transport = self._verified(recorded)
        try:
            authenticate(transport, self.route, self._login)
        except BaseException:
            transport.close()
            self._close_near()
            raise
        transport.set_keepalive(self.route.alive or KEEPALIVE)
        self._set(sessions=Sessions(transport))
        self.transport = transport

    def _verified(self, entries: list[host_keys.Entry]) -> Transport:
        """A transport to the host, whose key is that on record, or recorded now."""
        link = self._socket()
        # What goes on through a jump host is encrypted, and would not become shorter.
        transport = Transport(link, self.route.accepted_keys, compresses=not self._depth)
        self._set(_opening=transport)
        try:
            self._negotiate(transport, entries)
            key = transport.get_remote_server_key()
            host_keys.check(
                self.route,
                entries,
                key.get_name(),
                key.asbytes(),
                accept_new=self._options.accept_new,
                trusts=self._typist.trusts if self._typist else None,
                address=_address(self.route, link),
            )
        except BaseException:
            transport.close()
            self._close_near()
            raise
        return transport

    @property
    def address(self) -> tuple[str, int]:
        """Where it connects to."""
        return self.route.hostname, self.route.port

    @property
    def punishable(self) -> bool:
        """Whether the host is known to refuse addresses after failed logins (PerSourcePenalties, OpenSSH 9.8)."""
        version = getattr(self._opening, "remote_version", "")
        openssh = re.match(r"SSH-2\.0-OpenSSH_(\d{1,4})\.(\d{1,4})", version)
        return openssh is not None and (int(openssh[1]), int(openssh[2])) >= (9, 8)

    @property
    def lost_jump(self) -> str:
        """The jump host that it goes through, if the connection to that host is lost; otherwise empty."""
        near = self._near
        gone = near is not None and near.transport is not None and not near.transport.is_active()
        return str(near.original_host) if gone else ""

    @property
    def for_ssh(self) -> str:
        """The arguments with which `ssh` takes the same route."""
        own = "" if self._depth else self._options.for_ssh
        return " ".join(filter(None, [own, self.route.typed_for_ssh]))

    def close(self) -> None:
        """Closes the connection, even while another thread is opening it, and those that it goes through."""
        if self._opening is not None:
            self._opening.close()
        self._close_near()

    def _close_near(self) -> None:
        if self._near is not None:
            self._near.close()
        if self._proxy is not None:
            self._proxy.terminate()
            self._proxy.wait()

    def _negotiate(self, transport: Transport, entries: list[host_keys.Entry]) -> None:
        options = transport.get_security_options()
        offered = host_keys.preferred(tuple(options.key_types), entries, self.route.key_algorithms)
        if not offered:
            failed = self._failed("HostKeyAlgorithms leaves no algorithm that nbfab can verify")
            raise Incompatible(str(failed), *failed.fix)
        options.key_types = offered
        options.kex = common(self.route.kex, options.kex)
        options.ciphers = common(self.route.ciphers, options.ciphers)
        options.digests = common(self.route.macs, options.digests)
        transport.banner_timeout = transport.handshake_timeout = self._timeout
        transport.auth_timeout = max(self._timeout, LOGIN)
        began = time.monotonic()
        try:
            transport.start_client(timeout=self._timeout)
        except (paramiko.SSHException, EOFError, OSError) as error:
            if time.monotonic() - began >= self._timeout:
                raise self._late() from None
            if isinstance(error, paramiko.ssh_exception.IncompatiblePeer) and (
                why := mismatch(self.route, transport.offers)
            ):
                raise type(why)(self._where(str(why)), *why.fix) from None
            said = clean(" ".join(transport.greeting)).strip()
            if said == PENALTY:
                raise penalized(self._where("")) from None
            failed = self._failed(_reason(error) + (f"; it said: {said[:200]}" if said else "") + self._proxy_reason())
            if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
                raise Incompatible(str(failed), *failed.fix) from None
            dropped = self._proxy is None and (
                isinstance(error, EOFError | ConnectionResetError) or _BANNER in str(error)
            )
            raise (Dropped(str(failed), *failed.fix) if dropped else failed) from None
        if not transport.initial_kex_done:
            raise self._late()

    def _late(self) -> ConnectError:
        return self._failed(f"it accepted the connection, but did not speak SSH within {self._timeout:.0f} seconds")

    def _failed(self, why: str, kind: type[ConnectError] = ConnectError) -> ConnectError:
        return kind(self._where(why), Command(f"ssh -v {self.for_ssh} true"))

    def _where(self, why: str) -> str:
        return f"{self.route.hostname} port {self.route.port}: {why}"

    def knock(self) -> None:
        """Sees whether anyone answers, where that takes no jump host and no ProxyCommand. Raises ConnectError."""
        if not self._jumps and not self.route.proxy_command:
            self._socket().close()

    def _socket(self) -> Any:
        if self._jumps:
            return self._through(self._jumps)
        if self.route.proxy_command:
            return self._command(self.route.proxy_command)
        try:
            return _dial(self.route, self._timeout, self._silence)
        except socket.gaierror as error:
            raise self._failed(f"the name does not resolve ({error.strerror})", NoName) from None
        except UnicodeError:
            raise self._failed("the name does not resolve (it is not a valid DNS name)", NoName) from None
        except TimeoutError:
            raise self._failed(f"no answer within {self._timeout:.0f} seconds", NoAnswer) from None
        except OSError as error:
            raise self._failed(error.strerror.lower() if error.strerror else str(error), NoAnswer) from None

    def _through(self, jumps: tuple[HostString, ...]) -> Any:
        """A channel through the last jump host, which is reached through those before it, as in OpenSSH."""
        *before, last = jumps
        if self._depth >= HOPS:
            raise self._failed("its jump hosts form a loop")
        options = replace(self._options, identity="", jumps=tuple(before) or None, options=())
        try:
            self._near = self._hop(last, options, self._typist, depth=self._depth + 1, hop=self._hop)
            self._near.open()
            return self._near.transport.open_channel(
                "direct-tcpip", (self.route.hostname, self.route.port), ("", 0), timeout=self._timeout
            )
        except NbfabError as error:
            kind = next((kind for kind in (HostKeyError, Incompatible) if isinstance(error, kind)), ConnectError)
            self._close_near()
            raise kind(f"jump host {last}: {error}", *error.fix, jump=str(last)) from None
        except paramiko.SSHException as error:
            self._close_near()
            raise self._failed(f"jump host {last} cannot reach it ({_reason(error)})") from None

    def _command(self, command: str) -> socket.socket:
        """One end of a socket pair; ProxyCommand reads and writes the other."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 # as long as the command runs
            self._proxy = subprocess.Popen(
                ["/bin/sh", "-c", f"exec {command}"], stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=self._stderr
            )
        return self._passed(ours) if self.route.fdpass else ours

    def _passed(self, ours: socket.socket) -> socket.socket:
        """The connection that ProxyCommand makes and hands over, instead of carrying it (ProxyUseFdpass)."""
        with ours:
            ours.settimeout(self._timeout)
            try:
                _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
            except TimeoutError:
                descriptors = []
            if not descriptors:
                reason = self._failed(f"ProxyCommand passed no connection (ProxyUseFdpass){self._proxy_reason()}")
                self._close_near()
                raise reason
        return PromptSocket(fileno=descriptors[0])

    def _proxy_reason(self) -> str:
        if self._proxy is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._proxy.wait(1)
        self._stderr.seek(0)
        lines = self._stderr.read(2000).decode(errors="replace").strip().splitlines()
        try:
            program = shlex.split(self.route.proxy_command)[0]
        except ValueError:  # an unbalanced quote; the shell's own message says so
            program = "ProxyCommand"
        return f"; {program} says: {lines[-1]}" if lines else "; ProxyCommand exited"


def _dial(
    route: Route, timeout: float, silence: Callable[[], contextlib.AbstractContextManager[None]]
) -> socket.socket:
    """A connection to the first address that accepts one, limited to AddressFamily, from BindAddress.

    One that does not answer at once is waited for inside of `silence`.
    """
    family = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(route.family, socket.AF_UNSPEC)
    failed = OSError("the name has no address")
    for kind, *how, _, address in socket.getaddrinfo(route.hostname, route.port, family, socket.SOCK_STREAM):
        connected = None
        try:
            connected = PromptSocket(kind, *how)
            if route.bind_address:
                _bind(connected, route.bind_address)
            connected.dial(address, timeout, silence)
            return connected
        except OSError as error:  # the next address may be of a family that works here
            if connected:
                connected.close()
            failed = error
    raise failed


def _address(route: Route, link: Any) -> str:
    """The host's address if it has to agree with its key (CheckHostIP); OpenSSH asks that of no loopback address."""
    if not route.check_address or route.proxy_command or not isinstance(link, PromptSocket):
        return ""
    address = socket.getnameinfo(link.getpeername(), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]
    own = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    return "" if own or address == route.hostname else address


def _bind(connected: socket.socket, address: str) -> None:
    try:
        connected.bind(socket.getaddrinfo(address, 0, connected.family, socket.SOCK_STREAM)[0][4])
    except OSError as error:
        # Without an errno, so that it is not taken for the host's answer.
        raise OSError(f"BindAddress {address}: {error.strerror}") from None


def _reason(error: BaseException) -> str:
    """A readable reason for an error of the network or of paramiko."""
    if isinstance(error, EOFError) or _BANNER in str(error):
        return "it hung up before speaking SSH"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


@cache
def _config() -> fabric.Config:
    """An empty configuration for Fabric: everything that counts is in the SshOptions."""
    return fabric.Config(lazy=True)
