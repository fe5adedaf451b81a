"""Fetching wheels from an index, several at a time, each compared with the hash that the index has promised."""

import hashlib
import http.client
import netrc
import threading
import urllib.error
import urllib.request
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from nbfab.errors import HostError
from nbfab.lend.config import configured
from nbfab.lend.dial import opener
from nbfab.wheels.lock import Wheel

AT_ONCE = 6
TRIES = 3  # of a file
SECONDS = 30.0  # without a byte
CHUNK = 1 << 18


class Fetch:
    """Wheels on their way into a folder; `received` counts the bytes."""

    def __init__(self, folder: Path) -> None:
        self.received = 0
        self._folder = folder
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._opener = opener()

    def all(self, wheels: Sequence[Wheel], hears: Callable[[str], None]) -> None:
        """Fetches them; `hears` gets how far that is. Raises HostError at the first that fails, and ends the others."""
        total = sum(wheel.size for wheel in wheels)
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            todo = {pool.submit(self._one, wheel) for wheel in wheels}
            while todo:
                done, todo = wait(todo, timeout=1, return_when=FIRST_COMPLETED)
                for of in done:
                    of.result()
                hears(f"{self.received / 1e6:.0f} of {max(total, self.received) / 1e6:.0f} MB")
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)

    def _one(self, wheel: Wheel) -> None:
        host = _host(wheel.url)
        for left in reversed(range(TRIES)):
            try:
                digest = self._receive(wheel)
                break
            except urllib.error.HTTPError as error:
                why = f"{host} answers {error.code} {error.reason}"
                raise HostError(f"{wheel.file} could not be fetched here: {why}", "run it again") from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                if left == 0 or self._stop.is_set():
                    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
                    raise HostError(
                        f"{wheel.file} could not be fetched here from {host}: {reason}", "run it again"
                    ) from None
        if self._stop.is_set():
            return
        if digest != wheel.sha256:
            raise HostError(
                f"{wheel.file} from {host} is not the file that the index has promised: its SHA-256 is another",
                "ask who runs the index",
            )
        try:
            zipfile.ZipFile(self._folder / wheel.file).close()
        except (zipfile.BadZipFile, OSError):
            broken = f"{wheel.file} from {host} is broken: it is no zip archive"
            raise HostError(broken, "ask who runs the index") from None

    def _receive(self, wheel: Wheel) -> str:
        """The SHA-256 of what has come. Raises OSError and HTTPException."""
        digest, count = hashlib.sha256(), 0
        with open(self._folder / wheel.file, "wb") as out:
            for chunk in self._chunks(wheel.url):
                if self._stop.is_set():
                    break
                digest.update(chunk)
                out.write(chunk)
                count += len(chunk)
                self._count(len(chunk))
            else:
                if count < wheel.size:  # or it would pass for another file
                    self._count(-count)
                    raise OSError(f"the connection was cut after {count} of {wheel.size} bytes")
        return digest.hexdigest()

    def _count(self, more: int) -> None:
        with self._lock:
            self.received += more

    def _chunks(self, url: str) -> Iterator[bytes]:
        """What is there, which is a file of this machine if it has no host."""
        parts = urlsplit(url)
        if parts.scheme in ("", "file"):
            with open(unquote(parts.path), "rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
            return
        if parts.scheme not in ("https", "http"):
            raise OSError(f"its URL is {parts.scheme}://")
        bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        request = urllib.request.Request(bare)  # noqa: S310 # as above
        if login := _login(url):
            request.add_unredirected_header("Authorization", f"Basic {b64encode(login.encode()).decode()}")
        with self._opener.open(request, timeout=SECONDS) as answer:
            while chunk := answer.read(CHUNK):
                yield chunk


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "this machine"
    except ValueError:
        return url


def _login(url: str) -> str:
    """`USER:PASSWORD` for a URL, from itself, from an index at the same host and port, or from .netrc; or nothing."""
    parts = urlsplit(url)
    indexes = (named for index in map(configured, ("uv", "pip")) for named in (index.url, *index.more))
    for index in map(urlsplit, (url, *indexes)):
        near = (index.scheme, index.hostname, index.port) == (parts.scheme, parts.hostname, parts.port)
        if near and index.username is not None:
            return f"{unquote(index.username)}:{unquote(index.password or '')}"
    with suppress(OSError, netrc.NetrcParseError):
        if parts.scheme == "https" and (found := netrc.netrc().authenticators(parts.hostname or "")):
            return f"{found[0]}:{found[2]}"
    return ""
