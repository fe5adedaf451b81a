"""paramiko's Transport and its socket: fewer round trips, which dominate the time to a distant host, and none of two
races that cut a connection on which channels come and go.
"""

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler

from nbfab.ssh.compression import Compressor, Decompressor

AT_ONCE = 0.5  # seconds in which a host that is there accepts a connection, however far away it is


class PromptSocket(socket.socket):
    """A TCP socket that sends and acknowledges at once.

    Otherwise small packets wait for each other: ours for an acknowledgement (Nagle), and sshd's for the one that this
    side delays by 40 ms (tcp(7), TCP_QUICKACK, which the kernel resets, so it is set again after each read). paramiko
    reads each packet in two parts, so what has arrived is buffered here.
    """

    _held = b""
    _heard = False

    def dial(self, address: Any, timeout: float, silence: Callable[[], AbstractContextManager[None]]) -> None:
        """Connects within `timeout` seconds; where that is not done at once, waits for it inside of `silence`.

        Raises OSError, also TimeoutError.
        """
        self.settimeout(min(AT_ONCE, timeout))
        try:
            super().connect(address)
        except TimeoutError:
            with silence():
                self._wait(timeout - AT_ONCE)
        self.settimeout(timeout)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _wait(self, seconds: float) -> None:
        """Waits for the end of a connect that was begun."""
        poll = select.poll()  # select(2) takes no descriptor above 1,023
        poll.register(self, select.POLLOUT)
        if seconds <= 0 or not poll.poll(seconds * 1000):
            raise TimeoutError
        if error := self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))

    def send(self, data: Any, flags: int = 0) -> int:
        """As socket's; but to a host that has hung up already, nothing is sent, so that what it said can be read."""
        try:
            return super().send(data, flags)
        except (BrokenPipeError, ConnectionResetError):
            if self._heard:
                raise
            return len(data)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As socket's."""
        if not self._held:
            self._held = super().recv(65536, flags)
            self._heard = True
            if hasattr(socket, "TCP_QUICKACK"):  # Linux only
                self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        data, self._held = self._held[:size], self._held[size:]
        return data


class _Eager(AuthHandler):
    """Sends the login request right behind the request for the service that handles it; the host reads both in order.

    paramiko has no public names for this.
    """

    def _request_auth(self) -> None:
        super()._request_auth()  # type: ignore[misc]
        accepted = paramiko.Message()
        accepted.add_string("ssh-userauth")
        accepted.rewind()
        super()._parse_service_accept(accepted)  # type: ignore[misc]

    def _parse_service_accept(self, m: paramiko.Message) -> None:
        """The request that this would trigger has already been sent."""


def can_hurry() -> bool:
    """Whether paramiko still has the private names that `_Eager` uses."""
    return all(hasattr(AuthHandler, name) for name in ("_request_auth", "_parse_service_accept", "wait_for_response"))


# The options of ssh_config that name algorithms, by their names in a Route.
OPTIONS = {
    "kex": "KexAlgorithms",
    "ciphers": "Ciphers",
    "macs": "MACs",
    "key_algorithms": "HostKeyAlgorithms",
    "accepted_keys": "PubkeyAcceptedAlgorithms",
}
# Where a host's lists of them stand in paramiko's parsed KEXINIT (RFC 4253, 7.1).
_OFFERS = {
    "kex": "kex_algo_list",
    "key_algorithms": "server_key_algo_list",
    "ciphers": "client_encrypt_algo_list",
    "macs": "client_mac_algo_list",
}
# Messages on channels (RFC 4254, 5): from the adjustment of a window to a request.
_CONFIRMS, _ON_CHANNEL, _CLOSES = 91, range(93, 99), 97
_CURVE = "curve25519-sha256"
_FIRST_NAME = "curve25519-sha256@libssh.org"  # of the same, before RFC 8731


class Transport(paramiko.Transport):
    """A Transport that offers a key without waiting for the host to accept the request for a login.

    `greeting` is what the host has said before its banner; `offers` is what it offered to negotiate, once it has.
    """

    _kex_info = paramiko.Transport._kex_info  # type: ignore[attr-defined] # no public name
    _preferred_kex = paramiko.Transport._preferred_kex  # type: ignore[attr-defined]
    if _FIRST_NAME in _kex_info:
        _kex_info = {_CURVE: _kex_info[_FIRST_NAME]} | _kex_info
        _preferred_kex = (_CURVE, *(name for name in _preferred_kex if name != _CURVE))

    # As OpenSSH, only what follows the login; `zlib` would begin before it.
    _compression_info = paramiko.Transport._compression_info | {  # type: ignore[attr-defined] # no public name
        "zlib@openssh.com": (Compressor, Decompressor)
    }

    def __init__(self, link: Any, accepted: Sequence[str] = (), *, compresses: bool = False) -> None:
        """`accepted` are the algorithms of signatures by the user's keys; empty means all."""
        refused = [name for name in supported()["accepted_keys"] if accepted and name not in accepted]
        super().__init__(link, disabled_algorithms={"pubkeys": refused})
        if compresses:
            self._preferred_compression = ("zlib@openssh.com", "none")
        self.greeting: list[str] = []
        self.offers: dict[str, tuple[str, ...]] = {}
        self._ended: set[int] = set()  # channels, by the host's numbers, which it gives again to others
        self._held: list[paramiko.Message] = []
        self._readline, self.packetizer.readline = self.packetizer.readline, self._hear  # type: ignore[method-assign]

    def _hear(self, timeout: float) -> str:
        line = self._readline(timeout)
        if not line.startswith("SSH-"):
            self.greeting = [*self.greeting, line][:3]
        return line

    def _send_message(self, data: paramiko.Message) -> None:
        """As paramiko's, without what is for a channel after its end: sshd would end the connection for that.

        paramiko makes a message under a lock of the channel, and sends it after that, so that what another thread has
        made may come later than the end (its issue 1115).
        """
        head = bytes(data.packet.getbuffer()[:5])
        kind, channel = head[0], int.from_bytes(head[1:])
        if kind == _CONFIRMS:
            self._ended.discard(channel)
        elif kind in _ON_CHANNEL and channel in self._ended:
            return
        elif kind == _CLOSES:
            self._ended.add(channel)
        super()._send_message(data)  # type: ignore[misc]

    def _send_user_message(self, data: paramiko.Message) -> None:
        """As paramiko's; but the thread that negotiates new keys does not wait for itself, to answer the end of a
        channel.
        """
        if threading.current_thread() is not self:
            super()._send_user_message(data)  # type: ignore[misc]
            return
        with self.clear_to_send_lock:
            if self.clear_to_send.is_set():
                self._send_message(data)
            else:
                self._held.append(data)

    def _parse_newkeys(self, m: paramiko.Message) -> None:
        super()._parse_newkeys(m)  # type: ignore[misc]
        held, self._held = self._held, []
        for data in held:
            self._send_user_message(data)

    def _parse_channel_open_success(self, m: paramiko.Message) -> None:
        opened = paramiko.Message(m.asbytes())
        opened.get_int()  # our own number of it
        self._ended.discard(opened.get_int())
        super()._parse_channel_open_success(m)  # type: ignore[misc]

    def _really_parse_kex_init(self, m: paramiko.Message, ignore_first_byte: bool = False) -> Any:
        parsed = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        if not ignore_first_byte:  # otherwise it is our own
            self.offers = {name: tuple(parsed[key]) for name, key in _OFFERS.items()}
        return parsed

    def auth_publickey(self, username: str, key: paramiko.PKey, event: threading.Event | None = None) -> list[str]:
        """As paramiko's; an RSA key waits until the host has sent which signatures it accepts (RFC 8308)."""
        ready = self.is_active() and self.initial_kex_done
        if event or "rsa" in key.get_name() or not ready or not can_hurry():
            return list(super().auth_publickey(username, key, event))
        event = threading.Event()
        self.auth_handler = _Eager(self)
        with contextlib.suppress(EOFError):  # a host that hung up shows below
            self.auth_handler.auth_publickey(username, key, event)
        return list(self.auth_handler.wait_for_response(event))


def supported() -> Mapping[str, Sequence[str]]:
    """The algorithms that paramiko has, by their names in a Route."""
    ours = paramiko.SecurityOptions(Transport)  # type: ignore[arg-type] # the lists are the class's
    keys = tuple(ours.key_types)
    return {
        "kex": tuple(ours.kex),
        "ciphers": tuple(ours.ciphers),
        "macs": tuple(ours.digests),
        "key_algorithms": keys,
        "accepted_keys": keys,
    }


def common(wanted: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The algorithms of ssh_config that paramiko has, in the order of ssh_config; all that it has if none is named."""
    return tuple(name for name in wanted if name in known) if wanted else tuple(known)
