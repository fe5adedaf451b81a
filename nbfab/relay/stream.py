"""A stream: a local connection, of a browser or to the server, and the link that carries it, if there is one now."""

from __future__ import annotations

import time

from .budget import STREAM, Budget, Share
from .frames import DATA, END, GOT, RESET, BadFrame, frame
from .incoming import Incoming
from .local import Local
from .outgoing import Outgoing
from .receipts import Receipts
from .sides import Link

KEEP = 3600.0  # seconds: a laptop's lid is closed
LINGER = 60.0  # seconds: only the other end's last receipt is missing


class Stream:
    """Carries both directions, over one link after another."""

    def __init__(self, budget: Budget) -> None:
        self.local = Local(self)
        self.over = False  # nothing is left to carry
        self.known = False  # the other end has answered for it
        self.since = time.monotonic()  # without a link
        self._share = Share(budget, self.local)
        self._outgoing, self._incoming = Outgoing(), Incoming()
        self._link: Link | None = None
        self._reset = False  # the local connection is gone, and no one wants the rest
        self._receipts = Receipts(self._incoming, self._send_receipt)

    @property
    def count(self) -> int:
        """How many bytes have arrived, to be said in a greeting."""
        return self._incoming.receipt()

    @property
    def carried(self) -> bool:
        """Whether there is a link now."""
        return self._link is not None

    @property
    def held_back(self) -> bool:
        """Whether the local connection is not read for want of room, and no link makes any."""
        return self._link is None and not self.over and self._share.full

    @property
    def patience(self) -> float:
        """For how many seconds without a link it is worth keeping."""
        all_is_said = self._incoming.ended and self._outgoing.ended and not self._outgoing.kept
        return LINGER if self._reset or all_is_said else KEEP

    def carry(self, link: Link, count: int) -> None:
        """Goes on over this link, in the place of any other; the other end has `count` bytes. Raises BadFrame."""
        if self._link is not None:
            self._link.drop()
        if not self._reset:
            self._outgoing.resume(count)
            self._share.keeps(self._outgoing.kept)
        self._link = link
        self.hold(self.local.full)
        self.flush()
        if self._incoming.ended and self._outgoing.done:  # as only the greetings told
            self.drop()

    def lose(self, link: Link) -> None:
        """A link has ended."""
        if self._link is link:
            self._link, self.since = None, time.monotonic()
            self._receipts.stop()

    def take(self, data: bytes) -> None:
        """The local connection was read."""
        if not (self._reset or self.over):
            self._outgoing.take(data)
            self._share.keeps(self._outgoing.kept)
            self.flush()

    def finish(self) -> None:
        """The local connection sends no more."""
        self._outgoing.ended = True
        self.flush()

    def abandon(self) -> None:
        """The local connection is gone: what arrives for it has no taker."""
        if not (self.over or (self._outgoing.ended and self._incoming.ended)):
            self._share.end()
            self._outgoing, self._reset = Outgoing(), True
            self.flush()

    def flush(self) -> None:
        """Sends what there is to send."""
        if (link := self._link) is None:
            return
        if self._reset:
            return link.write(frame(RESET, 0))
        while not link.full and (data := self._outgoing.next()):
            link.write(frame(DATA, self._incoming.receipt(), data))
        if self._outgoing.takes_end():
            link.write(frame(END, self._incoming.receipt()))

    def receive(self, kind: int, count: int, data: memoryview) -> None:
        """A frame has arrived, or a piece of one. Raises BadFrame."""
        if kind == RESET and not self.over:
            self.abandon()  # which says so in turn
            self.local.drop()
            self.drop()
        if self._reset or self.over:
            return
        self._outgoing.acknowledge(count)
        self._share.keeps(self._outgoing.kept)
        if kind == DATA:
            if self._incoming.ended:
                raise BadFrame("data after the end")
            self._incoming.got += len(data)
            self.local.write(data)
        elif kind == END and not self._incoming.ended:
            self._incoming.ended = True
            self.local.write_end()
        if self._incoming.ended and self._outgoing.done:
            self._receipts.now()
            self.drop()
        elif self._incoming.unreceipted >= STREAM // 4 or kind == END:
            self._receipts.now()
        elif self._incoming.unreceipted:
            self._receipts.soon()

    def hold(self, full: bool) -> None:
        """The local connection takes no more for now, or does again."""
        if self._link is not None:
            (self._link.pause_reading if full else self._link.resume_reading)()

    def drop(self, *, cut: bool = False) -> None:
        """Ends it, once what was written has gone out; `cut`, since the other end does not know it (any more)."""
        if self.over:
            return
        self.over = True
        if cut and not self._incoming.ended:
            self.local.drop()
        self._receipts.stop()
        self._share.end()
        self.local.close()
        if self._link is not None:
            self._link.close()
            self._link = None

    def _send_receipt(self) -> None:
        if self._link is not None:
            self._link.write(frame(GOT, self._incoming.receipt()))
