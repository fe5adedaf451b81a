"""Which index of packages this machine uses, by the configuration of pip or of uv. Pure: `config.py` reads."""

import configparser
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from nbfab.errors import CannotLend
from nbfab.records import dataclass

_SECTIONS = ("global", "download", "install")  # of pip.conf; the later one counts


@dataclass(frozen=True)
class Index:
    """An index, and `more` that are asked as well. Without a URL it is the default of pip and uv."""

    url: str = ""
    more: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Whether any was named."""
        return bool(self.url or self.more)


def of_pip(files: Iterable[str], environment: Mapping[str, str]) -> Index:
    """The index of pip: the texts of its configuration files, those that count more behind the others."""
    values: dict[str, str] = {}
    for text in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(text)
        except configparser.Error:
            continue
        for section in _SECTIONS:
            if parser.has_section(section):
                values |= {key.replace("_", "-"): value for key, value in parser.items(section) if value}
    for key in ("index-url", "extra-index-url"):
        if given := environment.get(f"PIP_{key.replace('-', '_').upper()}"):
            values[key] = given
    return Index(values.get("index-url", "").strip(), tuple(values.get("extra-index-url", "").split()))


def of_uv(files: Iterable[str], environment: Mapping[str, str]) -> Index:
    """The index of uv, likewise."""
    url, more = "", ()  # type: tuple[str, tuple[str, ...]]
    for text in files:
        try:
            whole = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            continue
        pip = whole.get("pip")
        for table in (whole, pip if isinstance(pip, dict) else {}):
            listed = tuple(_indexes(table))
            url = next((of["url"] for of in listed if of.get("default") is True), _text(table, "index-url") or url)
            extra = table.get("extra-index-url")
            extras = [of for of in extra if isinstance(of, str)] if isinstance(extra, list) else []
            more = (*(of["url"] for of in listed if not (of.get("default") or of.get("explicit"))), *extras, *more)
    url = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL") or url
    given = f"{environment.get('UV_INDEX', '')} {environment.get('UV_EXTRA_INDEX_URL', '')}".split()
    more = (*given, *more)
    return Index(_unnamed(url), tuple(dict.fromkeys(map(_unnamed, more))))


def _indexes(table: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = table.get("index")
    for of in listed if isinstance(listed, list) else []:
        if isinstance(of, dict) and isinstance(of.get("url"), str):
            yield of


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""


def _unnamed(url: str) -> str:
    """Without the name that uv lets one put in front: NAME=URL."""
    name, equals, rest = url.strip().partition("=")
    return rest if equals and ":" not in name and "/" not in name else url.strip()


def host_of(url: str) -> str:
    """The host of an index. Raises CannotLend if it is not one at port 443 that takes no credentials."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip(".").encode("idna").decode().lower(), parts.port
    except ValueError:
        raise CannotLend("the index of this machine has a URL that makes no sense") from None
    if parts.username is not None or parts.password is not None:
        raise CannotLend(f"the index at {host} takes credentials, which never leave this machine")
    if parts.scheme == "file" or not parts.scheme:
        raise CannotLend("an index of this machine is a folder, which no host can reach")
    if parts.scheme != "https":
        raise CannotLend(f"the index at {host} is {parts.scheme}://, so it would not be protected in between")
    if not host or port not in (None, 443):
        raise CannotLend(f"the index at {host or 'no host'} is at port {port}, and only port 443 is lent")
    if parts.query or parts.fragment or not url.isascii() or not url.isprintable() or " " in url:
        raise CannotLend(f"the index at {host} has a URL that makes no sense")
    return host
