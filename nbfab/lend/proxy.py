"""The proxy: tunnels to a few addresses, for who knows its secret. TLS goes through it from end to end."""

import contextlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Protocol

from nbfab.lend.request import END, LONGEST, USER, Request, answer, parse
from nbfab.records import dataclass

PORT = 443
PIECE = 65536
_NOTED = 20  # addresses that were asked for in vain, and are kept for the report


class Stream(Protocol):
    """A connection: a socket, or what is as good as one."""

    def recv(self, size: int, /) -> bytes: ...

    def sendall(self, data: bytes, /) -> None: ...

    def settimeout(self, seconds: float | None, /) -> None: ...

    def shutdown(self, how: int, /) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Limits:
    """What a host may take: `tunnels` at once, connections that have not shown the secret yet (`waiting`) and the time
    they have for it, how long a tunnel may be silent, and `seconds` and `size` of all together.
    """

    tunnels: int = 64
    waiting: int = 128
    head: float = 5.0
    turn: float = 30.0  # seconds until a tunnel is free
    idle: float = 120.0
    seconds: float = 3600.0
    size: int = 16_000_000_000


class Proxy:
    """Takes connections until it is closed; `dial` makes one to an allowed host, port 443.

    `size` is how many bytes went through, `refused` which targets were asked for with the secret and in vain.
    """

    def __init__(self, allowed: Collection[str], dial: Callable[[str], Stream], limits: Limits = Limits()) -> None:
        self.secret = secrets.token_urlsafe(24)
        self.size = self.tunnels = 0
        self.refused: list[str] = []
        self._allowed, self._dial, self._limits = frozenset(allowed), dial, limits
        self._slots = threading.BoundedSemaphore(limits.tunnels)
        self._lock = threading.Lock()
        self._waiting: OrderedDict[int, Stream] = OrderedDict()
        self._open: dict[int, Stream] = {}
        self._closed = False
        self._end = threading.Timer(limits.seconds, self.close)
        self._end.daemon = True
        self._end.start()

    def url(self, port: int) -> str:
        """What a client at that port takes for its proxy. It has the secret in it."""
        return f"http://{USER}:{self.secret}@127.0.0.1:{port}"

    def accept(self, stream: Stream) -> None:
        """Takes a connection, at once: whatever takes time is done by a thread of its own."""
        threading.Thread(target=self._serve, args=(stream,), daemon=True).start()

    def close(self) -> None:
        """Ends every connection, and takes no other."""
        self._end.cancel()
        with self._lock:
            self._closed = True
            streams = [*self._waiting.values(), *self._open.values()]
        for stream in streams:
            hang_up(stream)

    def _serve(self, stream: Stream) -> None:
        # Whatever ends a connection, of a socket or of SSH, has no one else to tell.
        with contextlib.suppress(Exception):
            if self._enters(stream):
                request, rest = self._listen(stream)
                if request:
                    self._do(request, rest, stream)
        with self._lock:
            self._waiting.pop(id(stream), None)
            self._open.pop(id(stream), None)
        hang_up(stream)

    def _enters(self, stream: Stream) -> bool:
        """Whether it may say what it wants. Where too many wait, the one that has waited longest makes room."""
        with self._lock:
            if self._closed:
                return False
            self._waiting[id(stream)] = stream
            late = self._waiting.popitem(last=False)[1] if len(self._waiting) > self._limits.waiting else None
        if late:
            hang_up(late)
        return True

    def _listen(self, stream: Stream) -> tuple[Request | None, bytes]:
        """The request, if it comes in time and with the secret, and what came behind it."""
        head, end = b"", time.monotonic() + self._limits.head
        while END not in head and len(head) <= LONGEST:
            left = end - time.monotonic()
            if left <= 0:
                return None, b""
            stream.settimeout(left)
            if not (part := stream.recv(4096)):
                return None, b""
            head += part
        head, _, rest = head.partition(END)
        try:
            request = parse(head) if len(head) <= LONGEST else None
        except ValueError:
            request = None
        if request is None or not request.knows(self.secret):
            stream.settimeout(self._limits.head)
            stream.sendall(answer(407 if request else 400))
            return None, b""
        with self._lock:
            if self._closed or self._waiting.pop(id(stream), None) is None:
                return None, b""
            self._open[id(stream)] = stream
        return request, rest

    def _do(self, request: Request, rest: bytes, stream: Stream) -> None:
        stream.settimeout(self._limits.idle)
        if request.method != "CONNECT" or request.host not in self._allowed or request.port != PORT:
            self._refuse(request)
            return stream.sendall(answer(403))
        if not self._slots.acquire(timeout=self._limits.turn):
            return stream.sendall(answer(503))
        try:
            try:
                out = self._dial(request.host)
            except OSError:
                return stream.sendall(answer(502))
            with self._lock:
                closed = self._closed
                self._open[id(out)] = out
                self.tunnels += 1
            try:
                if not closed:
                    stream.sendall(answer(200))
                    self._carry(stream, out, rest)
            finally:
                with self._lock:
                    del self._open[id(out)]
                hang_up(out)
        finally:
            self._slots.release()

    def _refuse(self, request: Request) -> None:
        target = f"{request.host}:{request.port}" if request.host else request.target[:100]
        with self._lock:
            if target not in self.refused and len(self.refused) < _NOTED:
                self.refused.append(target)

    def _carry(self, stream: Stream, out: Stream, rest: bytes) -> None:
        """Carries both ways, until both are at their end, or one is cut."""
        last = [time.monotonic()]
        out.settimeout(self._limits.idle)
        self._count(out, rest)
        up = threading.Thread(target=self._pump, args=(stream, out, last), daemon=True)
        up.start()
        self._pump(out, stream, last)
        up.join()

    def _pump(self, source: Stream, sink: Stream, last: list[float]) -> None:
        """Carries what comes from one end. A tunnel is silent only if both ends are."""
        try:
            while True:
                try:
                    data = source.recv(PIECE)
                except TimeoutError:
                    if time.monotonic() - last[0] < self._limits.idle:
                        continue
                    raise
                if not data:
                    return sink.shutdown(1)
                last[0] = time.monotonic()
                self._count(sink, data)
        except Exception:  # of a socket or of SSH: the other direction ends with this one
            hang_up(source)
            hang_up(sink)

    def _count(self, sink: Stream, data: bytes) -> None:
        with self._lock:
            self.size += len(data)
            over = self.size > self._limits.size
        if over:
            self.close()
        elif data:
            sink.sendall(data)


def hang_up(stream: Stream) -> None:
    """Closes a connection, also for a thread that waits for something to come of it."""
    with contextlib.suppress(Exception):
        stream.shutdown(2)
    with contextlib.suppress(Exception):
        stream.close()
