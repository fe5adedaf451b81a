"""paramiko's Transport and its socket with fewer round trips, which dominate the time to a distant host."""

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler

AT_ONCE = 0.5  # seconds in which a host that is there accepts a connection, however far away it is


class PromptSocket(socket.socket):
    """A TCP socket that sends and acknowledges at once.

    Otherwise small packets wait for each other: ours for an acknowledgement (Nagle), and sshd's for the one that this
    side delays by 40 ms (tcp(7), TCP_QUICKACK, which the kernel resets, so it is set again after each read). paramiko
    reads each packet in two parts, so what has arrived is buffered here.
    """

    _held = b""

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

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As socket's."""
        if not self._held:
            self._held = super().recv(65536, flags)
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


class Transport(paramiko.Transport):
    """A Transport that offers a key without waiting for the host to accept the request for a login."""

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
