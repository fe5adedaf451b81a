"""URLs that a host can fetch from."""

import ipaddress
import re
from urllib.parse import urlsplit

from nbfab.errors import UsageError
from nbfab.names import is_address
from nbfab.requirements.lines import check
from nbfab.requirements.place import Place

_HERE = "is a file or folder of this machine, which a host does not have"
_PATH = r"[\w./~-]{1,60}"  # which can be shown
_INSTEAD = "publish it to an index or a repository that the host can reach, and name it there"


def check_url(url: str, place: Place, what: str) -> None:
    """Raises UsageError if a host cannot, or should not, fetch `what` from there; the message shows no URL."""
    check(url, place)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # raises for one that is no number
    except ValueError:
        raise place.error(f"{what} is no URL", "write it as https://HOST/PATH") from None
    if parts.scheme in ("", "file", "git+file"):
        raise place.error(f"{what} {_HERE}", _INSTEAD)
    if not host or not url.isascii() or any(each.isspace() for each in url):
        raise place.error(f"{what} is no URL", "write it as https://HOST/PATH")
    if parts.scheme == "http" and not _loopback(host):
        raise place.error(
            f"{what} is fetched without encryption, so that anyone in between could put another package there",
            "write https:// in place of http://",
        )
    if parts.scheme not in ("https", "http"):
        raise place.error(f"{what} has a URL of a kind that pip and uv do not both take", "write it as https://")


def _loopback(host: str) -> bool:
    """Whether pip trusts such a host without encryption."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_local(text: str) -> bool:
    """Whether it is a path, which both pip and uv take for a package's."""
    first = re.split(r"[;\[\s]", text, maxsplit=1)[0]
    if "://" in first or first.lower().startswith(("file:", "git+file:")):
        return first.lower().startswith(("file:", "git+file:"))
    return first in (".", "..") or first.startswith("~") or "/" in first or "\\" in first or _is_archive(first)


def _is_archive(name: str) -> bool:
    return name.lower().endswith((".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2"))


def local(text: str, place: Place) -> UsageError:
    """That a package is a file or folder of this machine."""
    path = re.split(r"[;\[\s]", text, maxsplit=1)[0]
    return place.error(f"{path if re.fullmatch(_PATH, path) else 'it'} {_HERE}", _INSTEAD)
