"""Near: what is seen of a host from this machine, while and after its facts are looked at."""

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace

from nbfab.doctor.near import Near, Port, Stage
from nbfab.errors import ConnectError, Denied, HostKeyError, NbfabError, NoAnswer, NoLogin, NoName, Penalized
from nbfab.host import Host
from nbfab.look.facts import Facts
from nbfab.names import EVERY_ADDRESS
from nbfab.plan import certificate, pem
from nbfab.run import identity, reach
from nbfab.wanted import Wanted

_BEGIN = b"nbfab-begins-"  # the mark that a program prints first
_MOST = 100_000  # bytes before it that are kept
_DEBUG = ("debug1: ", "debug2: ", "debug3: ")  # of an sshd that is being debugged
SECONDS = 3.0  # for the notebook's port to take a connection: a firewall may say nothing forever


class Listener:
    """A host, and what it prints before the first program begins: the `head`. `began` is whether one has begun."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._head = bytearray()
        self.began = False

    @property
    def label(self) -> str:
        """As `Host.label`."""
        return self._host.label

    @property
    def local(self) -> bool:
        """As `Host.local`."""
        return self._host.local

    @property
    def names(self) -> tuple[str, ...]:
        """As `Host.names`."""
        return self._host.names

    @property
    def ssh(self) -> str:
        """As `Host.ssh`."""
        return self._host.ssh

    @property
    def remarks(self) -> tuple[str, ...]:
        """As `Host.remarks`."""
        return self._host.remarks

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        """As `Host.talk`."""
        for data in self._host.talk(program, silence):
            if not self.began:
                self._head += data[:_MOST]
                self.began = _BEGIN in self._head or len(self._head) > _MOST
            yield data

    def close(self) -> None:
        """As `Host.close`."""
        self._host.close()

    def renew(self) -> None:
        """As `Host.renew`."""
        self._host.renew()

    @property
    def noise(self) -> tuple[str, ...]:
        """The lines that the login shell has printed."""
        head, mark, _ = self._head.partition(_BEGIN)
        lines = head.decode("utf-8", "replace").splitlines() if mark else []
        return tuple(line.strip() for line in lines if line.strip() and not line.startswith(_DEBUG))


def of(host: Host, listener: Listener, asked: float, error: NbfabError | None) -> Near:
    """What is known of the connection to the host, which failed with `error`, if there is one."""
    near = Near(local=host.local, asked=asked, answered=time.time())
    if not host.local:
        near = _route(host, replace(near, ssh=host.ssh, noise=listener.noise))
    if error is None:
        return near
    near = replace(near, ends=_stage(error, listener), why=str(error), fix=error.fix)
    return replace(near, offered=error.offered, tried=error.tried) if isinstance(error, Denied) else near


def _stage(error: NbfabError, listener: Listener) -> Stage:
    """The layer at which a connection failed."""
    if listener.began or not isinstance(error, ConnectError | HostKeyError):
        return "login shell"
    if error.jump or isinstance(error, NoAnswer):
        return "tcp"
    if isinstance(error, NoName):
        return "name"
    return "login" if isinstance(error, Denied | Penalized | NoLogin) else "host key"


def _route(host: Host, near: Near) -> Near:
    from nbfab.ssh.host import There

    if not isinstance(host, There):
        return near
    route, direct = host.route, host.is_direct
    near = replace(near, hostname=route.hostname, ssh_port=route.port, user=route.user, direct=direct)
    return replace(near, addresses=_addresses(route.hostname)) if direct else near


def _addresses(name: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def with_port(near: Near, host: Host, wanted: Wanted, facts: Facts) -> Near:
    """The same, with how the notebook's port takes a connection from here, if it is to take any from here."""
    settings, server = wanted.settings, facts.server
    name = host.names[0]
    near = replace(near, exposed=identity.exposed() if settings.client_certificates else "")
    if settings.ip not in EVERY_ADDRESS and host.local:
        name = settings.ip
    if not near.direct or (settings.ip not in EVERY_ADDRESS and not host.local):
        return near
    port = server.answer.port if server.answer and server.ready else settings.port
    near = replace(near, name=name, port=_try_port(name, port))
    if near.port != "open" or not (server.ours and server.ready):
        return near
    text = facts.files.text(certificate.FILE)
    why = reach.reach(name, port, text, presents=settings.client_certificates)
    have = pem.load(text)
    if why or have is None or pem.is_self_signed(have):
        return replace(near, unreached=why)
    return replace(near, trusted=_is_trusted(name, port))


def _try_port(name: str, port: int) -> Port:
    try:
        socket.create_connection((name, port), timeout=SECONDS).close()
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except (OSError, UnicodeError):
        return "unreachable"
    return "open"


def _is_trusted(name: str, port: int) -> bool | None:
    """Whether this machine's store has the authority of the certificate that is served, whatever its names are."""
    context = ssl.create_default_context()
    context.check_hostname = False
    try:
        with socket.create_connection((name, port), timeout=SECONDS) as plain, context.wrap_socket(plain):
            return True
    except ssl.SSLCertVerificationError:
        return False
    except (OSError, ValueError):
        return None
