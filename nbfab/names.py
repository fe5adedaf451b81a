"""Names: what a host, its certificate and a kernel may be called."""

import ipaddress
import re
from collections.abc import Sequence
from typing import NamedTuple

from nbfab.errors import HostStringError

# Patterns, compiled when they are first used, so that `--list` need not wait for that.
# A label of a DNS name. RFC 1123 forbids the underscore in a host's name, but people do type such aliases.
_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_ACCOUNT = r"[A-Za-z0-9_][A-Za-z0-9._+\\-]*"
_USER = rf"{_ACCOUNT}(@{_ACCOUNT})*"  # ann@corp.example, where a company's directory has such accounts
_IPV6 = r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9._-]+)?"  # one colon alone comes before a port
_HOST = rf"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?|{_IPV6}"
_FORM = "write it as [user@]host[:port]"

EVERY_ADDRESS = ("*", "0.0.0.0", "::")  # values of `ip` that listen on more than one


class HostString(NamedTuple):
    """A host as it was typed, `[user@]host[:port]`; None for a part that is left to ssh_config."""

    user: str | None
    host: str
    port: int | None

    def __str__(self) -> str:
        user = "" if self.user is None else f"{self.user}@"
        if self.port is None:
            return f"{user}{self.host}"
        return f"{user}{in_url(self.host)}:{self.port}"


def parse_host(text: str) -> HostString:
    """The parts of `[user@]host[:port]`; an IPv6 address stands bare, or in brackets before a port. The last @ counts.

    As in OpenSSH, `ssh://` may stand before it. Nothing that ssh could take for an option, or a shell for more than
    one word, gets through. Raises HostStringError.
    """
    if text.startswith("ssh://"):
        text = text.removeprefix("ssh://").removesuffix("/")
    user, at, rest = text.rpartition("@")
    if at and ":" in user:
        raise HostStringError(
            "a password does not belong in a host string", "leave it out, and it is asked for; or better, use a key"
        )
    if at and not re.fullmatch(_USER, user):
        raise HostStringError(f"{user[:60]!r} is not a user name that ssh accepts", _FORM)
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", rest)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    else:
        host, port = rest, None
    if not re.fullmatch(_HOST, host) or len(host) > 253:
        raise HostStringError(f"{host[:60]!r} is not a host name", _FORM)
    if port is not None and not (re.fullmatch(r"[1-9][0-9]{0,4}", port) and int(port) < 65536):
        raise HostStringError(f"{port[:60]!r} is not a port of {host}", "a port is a whole number from 1 to 65535")
    return HostString(user if at else None, host, None if port is None else int(port))


def split_hosts(text: str) -> list[HostString]:
    """The hosts of `-H a,b`, each once. Raises HostStringError, also if there is none at all."""
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise HostStringError(
            "-H names no host" if not any(parts) else f"-H {text!r} names an empty host", "is a variable empty?"
        )
    return list(dict.fromkeys(parse_host(part) for part in parts))


def parse_jump(text: str) -> HostString:
    """A hop of ProxyJump. Raises HostStringError."""
    return parse_host(text)


def is_name(text: str) -> bool:
    """Whether a certificate can carry `text`: an IP address, a DNS name (RFC 1123), or `*.` and such a name."""
    if is_address(text):
        return "%" not in text
    labels = text.removeprefix("*.").split(".")
    return len(text) <= 253 and not labels[-1].isdigit() and all(re.fullmatch(_LABEL, label) for label in labels)


def is_address(text: str) -> bool:
    """Whether `text` is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def canonical(name: str) -> str:
    """A name or address as a certificate writes it."""
    return str(ipaddress.ip_address(name)) if is_address(name) else name.lower()


def kernel_name(profile: str) -> str:
    """The name of a profile's kernel, which Jupyter wants in lower case (jupyter_client/kernelspec.py)."""
    return profile.lower()


def in_url(host: str) -> str:
    """A host as a URL wants it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def nearest(name: str, known: Sequence[str]) -> str:
    """The known name that is most similar to one that is not known; empty if none is."""
    import difflib  # not by every run

    plain = {each.lower().replace("-", "_"): each for each in reversed(known)}
    near = difflib.get_close_matches(name[:60].lower().replace("-", "_"), plain, 1, 0.5)
    return plain[near[0]] if near else ""


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A hint for a name that is not known: the most similar known one, or all of them."""
    near = nearest(name, known)
    return f"did you mean {near}?" if near else f"choose from {', '.join(dict.fromkeys(known))}"[:300]


def shortest(ids: Sequence[str], least: int = 8) -> int:
    """How many characters tell those ids apart; at least so many."""
    longest = max((len(one) for one in ids), default=0)
    return next((n for n in range(least, longest) if len({one[:n] for one in ids}) == len(ids)), max(longest, least))
