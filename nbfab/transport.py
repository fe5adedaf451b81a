"""paramiko's Transport, and its socket, with fewer round trips: with a host far away, they are what is waited for."""

import contextlib
import socket
import threading
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler


class PromptSocket(socket.socket):
    """A TCP socket that sends at once, and acknowledges at once what it gets.

    Otherwise small packets wait for each other: ours for an acknowledgement (Nagle), and sshd's for the one that this
    side delays by 40 ms (tcp(7), TCP_QUICKACK, which has to be set again and again). paramiko reads each packet in two
    parts, so what has come is held here for it.
    """

    _held = b""

    def connect(self, address: Any) -> None:
        """As socket's."""
        super().connect(address)
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As socket's."""
        if not self._held:
            self._held = super().recv(65536, flags)
            if hasattr(socket, "TCP_QUICKACK"):  # Linux only
                self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        data, self._held = self._held[:size], self._held[size:]
        return data


class _Eager(AuthHandler):
    """Sends the request to log in right behind the one for the service that takes it, which a host reads in order."""

    def _request_auth(self) -> None:
        super()._request_auth()  # type: ignore[misc] # no public name
        accepted = paramiko.Message()
        accepted.add_string("ssh-userauth")
        accepted.rewind()
        super()._parse_service_accept(accepted)  # type: ignore[misc] # no public name

    def _parse_service_accept(self, m: paramiko.Message) -> None:
        """What it would send now is on its way."""


class Transport(paramiko.Transport):
    """A Transport that shows a key without waiting for the host's word that somebody may log in at all."""

    def auth_publickey(self, username: str, key: paramiko.PKey, event: threading.Event | None = None) -> list[str]:
        """As paramiko's; an RSA key waits, since the host has to tell first which signatures it takes (RFC 8308)."""
        if event or "rsa" in key.get_name() or not (self.is_active() and self.initial_kex_done):
            return list(super().auth_publickey(username, key, event))
        event = threading.Event()
        self.auth_handler = _Eager(self)
        with contextlib.suppress(EOFError):  # that it has hung up is told below
            self.auth_handler.auth_publickey(username, key, event)
        return list(self.auth_handler.wait_for_response(event))
