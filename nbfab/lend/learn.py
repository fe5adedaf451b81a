"""What is lent: an index, and the hosts that its pages link files to, learnt here before the host can ask for any."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin

from nbfab.errors import CannotLend
from nbfab.lend.config import index_for
from nbfab.lend.dial import check_proxy, opener
from nbfab.lend.index import Index, host_of
from nbfab.records import dataclass

PROJECTS = ("notebook", "pip")  # an index has a page of one of them, or of neither
SECONDS = 15.0
MOST = 30_000_000  # bytes of a page
HOSTS = 16
_TYPES = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"


@dataclass(frozen=True)
class Lendable:
    """An index, and the hosts that a loan of it leads to: its own, and those of its files."""

    index: Index
    hosts: frozenset[str]


class _Learnt:
    """What was learnt, once for all hosts of a run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Lendable | CannotLend] = {}

    def __call__(self, tool: str) -> Lendable:
        with self._lock:
            if tool not in self._known:
                try:
                    self._known[tool] = _learn(index_for(tool))
                except CannotLend as error:  # which each host of a fleet would wait for
                    self._known[tool] = error
            known = self._known[tool]
        if isinstance(known, CannotLend):
            raise CannotLend(str(known), *known.fix)
        return known


learn = _Learnt()
"""What to lend to a host that installs by that tool, pip or uv. Raises CannotLend."""


def _learn(index: Index) -> Lendable:
    urls = (index.url, *index.more)
    hosts = [host_of(url) for url in urls]
    for host in hosts:
        check_proxy(host)
    for url in urls:
        hosts += _linked(url)
    return Lendable(index, frozenset(dict.fromkeys(hosts)))


def _linked(url: str) -> list[str]:
    """The hosts that a page of that index leads to. Raises CannotLend."""
    for project in PROJECTS:
        try:
            place, kind, page = _get(f"{url.rstrip('/')}/{project}/")
        except urllib.error.HTTPError as error:
            if error.code in (401, 403, 407):
                raise CannotLend(f"the index at {host_of(url)} lets no one in without credentials") from None
            continue
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = getattr(error, "reason", error)
            raise CannotLend(f"this machine does not reach the index at {host_of(url)} either: {why}") from None
        hosts = {host_of(place): None}
        hosts |= dict.fromkeys(_hosts(place, links_of(kind, page)))
        return list(hosts)[:HOSTS]
    return []


def _get(url: str) -> tuple[str, str, bytes]:
    """A page: where it is in the end, its type, and itself."""
    request = urllib.request.Request(url, headers={"Accept": _TYPES})  # noqa: S310 # `host_of` has seen to https
    with opener().open(request, timeout=SECONDS) as page:
        return page.url, page.headers.get_content_type(), page.read(MOST)


def _hosts(place: str, links: Iterator[str]) -> Iterator[str]:
    for link in links:
        try:
            yield host_of(urljoin(place, link).partition("#")[0].partition("?")[0])
        except (CannotLend, ValueError):
            continue


def links_of(kind: str, page: bytes) -> Iterator[str]:
    """What a page of a project links to, in the JSON of PEP 691 or in the HTML of PEP 503."""
    if kind.endswith("json"):
        try:
            whole = json.loads(page)
        except ValueError:
            return
        files = whole.get("files") if isinstance(whole, dict) else None
        for file in files if isinstance(files, list) else []:
            if isinstance(file, dict) and isinstance(url := file.get("url"), str):
                yield url
        return
    links = _Links()
    links.feed(page.decode(errors="replace"))
    yield from links.found


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps what an anchor leads to."""
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]
