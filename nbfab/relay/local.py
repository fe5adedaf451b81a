"""The local connection of a stream: of a browser, or to the server."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

from .sides import Carried, Side


class Local(Side):
    """A browser's connection, or one to the server."""

    def __init__(self, stream: Carried) -> None:
        super().__init__()
        self._stream = stream

    def write_end(self) -> None:
        """Says that nothing more comes."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def drop(self) -> None:
        # A reset, since a clean end would say that this was all.
        if self._transport is not None and (connection := self._transport.get_extra_info("socket")) is not None:
            with suppress(OSError):  # it is closed
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().drop()

    def data_received(self, data: bytes) -> None:
        self._stream.take(data)

    def eof_received(self) -> bool:
        self._stream.finish()
        return True  # the other direction stays open

    def connection_lost(self, exc: Exception | None) -> None:
        self._stream.abandon()

    def pause_writing(self) -> None:
        self.full = True
        self._stream.hold(True)

    def resume_writing(self) -> None:
        self.full = False
        self._stream.hold(False)
