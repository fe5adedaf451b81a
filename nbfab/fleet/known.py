"""Known: the servers that this machine remembers, and how each was reached, for `list`.

One file for this user, 0600, with nothing in it that is secret. What was seen last of a server replaces what was seen
before; `remove` forgets it. The last one forgotten takes the file along, and the folders that were made for it.
"""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, field
from pathlib import Path
from typing import Any, Literal, Self, get_args

from nbfab.errors import HostStringError
from nbfab.fleet import state
from nbfab.names import HostString, parse_host
from nbfab.records import dataclass
from nbfab.settings import data_home, state_home
from nbfab.ssh.options import SshOptions
from nbfab.whole import write_whole

MOST = 1000  # servers; those not seen for the longest time are forgotten first
LONGEST = 4096  # characters of a text

Seen = Literal["running", "not running", "not reached"]


@dataclass(frozen=True)
class Reach:
    """How a host was reached: what was typed, empty for this machine, and the options of `SshOptions` by their names;
    no password and no passphrase.
    """

    typed: str = ""
    config: str = ""
    keys: tuple[str, ...] = ()
    identity: str = ""
    jumps: tuple[str, ...] | None = None
    options: tuple[str, ...] = ()
    transport: str = ""

    @classmethod
    def of(cls, typed: HostString, options: SshOptions) -> Self:
        """That of a host over SSH; paths stand by themselves, wherever the next run begins."""
        return cls(
            str(typed),
            _absolute(options.config),
            tuple(map(_absolute, options.keys)),
            _absolute(options.identity),
            None if options.jumps is None else tuple(map(str, options.jumps)),
            options.options,
            options.transport,
        )

    @property
    def host(self) -> HostString:
        """What to connect to; not for this machine."""
        return parse_host(self.typed)

    def given(self, options: SshOptions) -> SshOptions:
        """The options of a run, with those that the host needs."""
        return SshOptions(
            self.config or options.config,
            (*self.keys, *options.keys),
            options.password,
            options.passphrase,
            options.timeout,
            options.accept_new,
            self.identity,
            None if self.jumps is None else tuple(map(parse_host, self.jumps)),
            options.transport or self.transport,
            self.options,
        )


@dataclass(frozen=True)
class Known:
    """A server: the name of its host, its profile, and the inventory that has the host, if any.

    `seen` is how it was at the `time`, in seconds since 1970, and `runs` whether it should: it did when it was seen
    last, and no `stop` came after that. `url` and `port` are empty and 0 as long as they are not known.
    """

    host: str
    profile: str
    inventory: str = ""
    reach: Reach = field(default_factory=Reach)
    url: str = ""
    port: int = 0
    seen: Seen = "not running"
    time: int = 0
    runs: bool = False

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        return not self.reach.typed

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from others. The entry of an inventory may change; hosts of the same name may be two."""
        return self.inventory, self.host, self.profile, None if self.inventory else self.reach

    @property
    def order(self) -> tuple[Any, ...]:
        """By inventory, this machine first, and by name, in which numbers count as such."""
        parts = re.split(r"([0-9]{1,18})", self.host)
        name = [(int(part), "") if at % 2 else (-1, part) for at, part in enumerate(parts)]
        return self.inventory, not self.is_here, name, self.profile, str(self.reach)


def every() -> list[Known]:
    """All that are remembered, in their order."""
    return sorted(_parsed(state.read(_file())), key=lambda known: known.order)


def change(changes: Callable[[dict[tuple[Any, ...], Known]], None]) -> None:
    """Changes what is remembered, while other runs wait; `changes` gets it by its keys. Without a place for it,
    nothing is remembered.
    """
    for _ in range(2):  # another run may have removed the folder meanwhile
        with suppress(OSError), _changed() as servers:
            changes(servers)
            return


def forget(servers: dict[tuple[Any, ...], Known], gone: Iterable[Known]) -> None:
    """Forgets those servers, by whatever name and from whichever inventory they were reached in the same manner."""
    for known in list(servers.values()):
        if any(known.key == one.key or (known.profile, known.reach) == (one.profile, one.reach) for one in gone):
            del servers[known.key]


@contextmanager
def _changed() -> Iterator[dict[tuple[Any, ...], Known]]:
    file = _file()
    made = [str(folder) for folder in file.parents if not folder.exists()] + _made_above(file)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # of a file system without locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        read = state.read(file)
        before = {known.key: known for known in _parsed(read)}
        servers = dict(before)
        yield servers
        made = [*_texts(read["made"])] if before and "made" in read else made
        if servers:
            kept = sorted(servers.values(), key=lambda known: known.time)[-MOST:]
            write_whole(file, json.dumps({"made": made, "servers": list(map(asdict, kept))}))
        else:
            file.unlink(missing_ok=True)
            for path in made:
                with suppress(OSError):  # it holds something else
                    os.rmdir(path)
    finally:
        os.close(folder)


def _file() -> Path:
    return Path(state_home(), "nbfab", "servers.json")


def _made_above(file: Path) -> list[str]:
    """The folders above a file that `setup` has made on this machine; `remove` leaves them because of it."""
    record = Path(data_home(), "nbfab", ".made")
    with suppress(OSError, UnicodeError):
        lines = record.read_text(encoding="utf-8").splitlines()
        found = [line.removeprefix("folder ") for line in lines if line.startswith("folder ")]
        return sorted((path for path in found if Path(path) in file.parents), key=len, reverse=True)
    return []


def _absolute(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path)) if path else ""


def _parsed(read: Mapping[str, Any]) -> Iterator[Known]:
    """Those that make sense."""
    servers = read.get("servers")
    for value in servers[: 2 * MOST] if isinstance(servers, list) else ():
        with suppress(TypeError, ValueError, LookupError, OverflowError, HostStringError):
            yield _known(value)


def _known(value: Any) -> Known:
    """A server as it was written; raises one of what `_parsed` leaves out."""
    given = value["reach"]
    reach = Reach(
        _text(given["typed"]),
        _text(given["config"]),
        _texts(given["keys"]),
        _text(given["identity"]),
        None if given["jumps"] is None else _texts(given["jumps"]),
        _texts(given["options"]),
        _text(given["transport"]),
    )
    for host in (*filter(None, [reach.typed]), *(reach.jumps or ())):
        parse_host(host)
    texts = {name: _text(value[name]) for name in ("host", "profile", "inventory", "url")}
    if value["seen"] not in get_args(Seen) or not (
        texts["host"] and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", texts["profile"])
    ):
        raise ValueError(value)
    port, time = (int(value[name]) for name in ("port", "time"))
    if not (0 <= port < 65536 and 0 <= time < 2**40):
        raise ValueError(value)
    return Known(**texts, reach=reach, port=port, seen=value["seen"], time=time, runs=value["runs"] is True)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or "\0" in value:
        raise ValueError(value)
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, value)) if isinstance(value, list) else ()
