"""A forward made of paramiko's channels: python channels.py SSH_CONFIG HOST PORT TARGET

For the comparison: what a Python program has without the system's ssh. A connection that leaves five questions of a
second each without an answer is made again; so is one that has ended.
"""

import contextlib
import socket
import sys
import threading
import time

import paramiko


class Forward:
    """Takes connections, and gives each a channel."""

    def __init__(self, config: str, host: str, target: int) -> None:
        self.config, self.host, self.target = config, host, target
        self.transport: paramiko.Transport | None = None

    def keep(self) -> None:
        """Keeps a connection to the host, for good."""
        while True:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                self._connect()
            time.sleep(0.2)

    def _connect(self) -> None:
        known = paramiko.SSHConfig.from_path(self.config).lookup(self.host)
        client = paramiko.SSHClient()
        client.load_host_keys(known["userknownhostsfile"])
        client.connect(known["hostname"], username="root", key_filename=known["identityfile"], timeout=5)
        try:
            self.transport = client.get_transport()
            assert self.transport
            silent = 0
            while self.transport.is_active() and silent < 5:
                began = time.monotonic()
                silent = 0 if self._answers(self.transport) else silent + 1
                time.sleep(max(0.0, 1 - (time.monotonic() - began)))
        finally:
            self.transport = None
            client.close()

    def _answers(self, transport: paramiko.Transport) -> bool:
        asking = threading.Thread(target=self._ask, args=(transport,), daemon=True)
        asking.start()
        asking.join(1)
        return not asking.is_alive()

    def _ask(self, transport: paramiko.Transport) -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            transport.global_request("keepalive@openssh.com", wait=True)

    def take(self, connection: socket.socket) -> None:
        """Carries a connection, once there is one to the host."""
        while (transport := self.transport) is None:
            time.sleep(0.05)
        try:
            channel = transport.open_channel("direct-tcpip", ("127.0.0.1", self.target), ("127.0.0.1", 0), timeout=10)
        except (OSError, EOFError, paramiko.SSHException):
            connection.close()
            return
        back = threading.Thread(target=copy, args=(channel, connection), daemon=True)
        back.start()
        copy(connection, channel)
        back.join()
        channel.close()
        connection.close()


def copy(one: "socket.socket | paramiko.Channel", other: "socket.socket | paramiko.Channel") -> None:
    """Copies one direction, its end included."""
    with contextlib.suppress(OSError, EOFError):
        while data := one.recv(1 << 16):
            other.sendall(data)
        if isinstance(other, paramiko.Channel):
            other.shutdown_write()
        else:
            other.shutdown(socket.SHUT_WR)


def main(config: str, host: str, port: str, target: str) -> None:
    """Forwards until it is ended."""
    forward = Forward(config, host, int(target))
    threading.Thread(target=forward.keep, daemon=True).start()
    with socket.create_server(("127.0.0.1", int(port)), backlog=512) as listener:
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=forward.take, args=(connection,), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
