"""The hosts of an inventory, and how to select some of them."""

import fnmatch
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Self

from nbfab.errors import UsageError
from nbfab.inventory.keys import PASSWORDS
from nbfab.inventory.place import Place
from nbfab.inventory.ranges import expand
from nbfab.names import EVERY_ADDRESS, HostString, did_you_mean
from nbfab.records import dataclass
from nbfab.settings import BY_KEY


@dataclass(frozen=True)
class InventoryHost:
    """A host of the inventory: its name, its groups, and the nearest value of each key.

    `unread` says why it is uncertain which machine is meant; such a host must not be contacted. `listed` is the mark of
    the inventory that it is in; empty for a host that was only typed.
    """

    name: str
    place: Place
    groups: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unread: UsageError | None = None
    listed: str = ""

    @classmethod
    def of(cls, typed: HostString) -> Self:
        """A host that is in no inventory, from a host string."""
        parts = {"user": typed.user, "address": typed.host, "ssh_port": typed.port}
        return cls(str(typed), Place("-H"), values={key: part for key, part in parts.items() if part is not None})

    @property
    def typed(self) -> HostString:
        """The host string to connect to."""
        user, port = self.values.get("user"), self.values.get("ssh_port")
        return HostString(user, self.values.get("address", self.name), port)

    @property
    def options(self) -> dict[str, Any]:
        """The values that are settings of a task."""
        return {key: value for key, value in self.values.items() if key in BY_KEY}

    @property
    def jumps(self) -> tuple[HostString, ...] | None:
        """Its jump hosts, in order; None to leave them to ssh_config."""
        return self.values.get("jump")

    @property
    def identity(self) -> str:
        """The path of the key to log in with; empty to leave it to ssh_config."""
        return str(self.values.get("identity", ""))

    @property
    def ssh_config(self) -> str:
        """The file that it wants instead of ssh_config; empty if none."""
        return str(self.values.get("ssh_config", ""))

    @property
    def ssh_options(self) -> tuple[str, ...]:
        """Further arguments for `ssh` that count for it."""
        return tuple(self.values.get("ssh_options", ()))

    @property
    def doubt(self) -> str:
        """What to know if there is no way to the host: it may be at what was given as its `ip`. Empty if not."""
        ip = str(self.values.get("ip", "*"))
        if "address" in self.values or ip in EVERY_ADDRESS or ip.startswith("127.") or ip in ("::1", "localhost"):
            return ""
        return f"ip: {ip} is what the server listens on; if that is where {self.name} is, write address: {ip}"

    @property
    def password(self) -> tuple[str, str]:
        """Where its password comes from: a key of PASSWORDS and its value; both empty if not given."""
        return next(((key, self.values[key]) for key in PASSWORDS if key in self.values), ("", ""))

    @property
    def types_password(self) -> bool:
        """Whether its password is typed, once for all such hosts."""
        return self.password == ("password", "prompt")


@dataclass(frozen=True)
class Inventory:
    """The hosts of a file, in its order; `notes` say what was not understood and is ignored."""

    path: Path
    hosts: tuple[InventoryHost, ...]
    notes: tuple[str, ...] = ()

    def find(self, name: str) -> InventoryHost | None:
        """The host of that name, if there is one."""
        return next((host for host in self.hosts if host.name == name), None)

    def select(self, pattern: str) -> tuple[InventoryHost, ...]:
        """The hosts that match a comma-separated list of names, groups and globs; `!` excludes.

        Raises UsageError for an item that matches no host.
        """
        parts = [part.strip() for part in pattern.split(",") if part.strip()]
        if not parts:
            raise UsageError("--limit names no host", "name hosts, groups or globs, such as gpu* or !gpu07")
        wanted = set() if any(not part.startswith("!") for part in parts) else {host.name for host in self.hosts}
        for part in sorted(parts, key=lambda part: part.startswith("!")):
            patterns = list(expand(part.removeprefix("!"), Place("--limit")))
            found = {host.name for host in self.hosts if any(_matches(pattern, host) for pattern in patterns)}
            if not found:
                known = [host.name for host in self.hosts] + [group for host in self.hosts for group in host.groups]
                name = part.removeprefix("!")
                raise UsageError(f"--limit: no host or group is called {name!r}", did_you_mean(name, known))
            wanted = wanted - found if part.startswith("!") else wanted | found
        return tuple(host for host in self.hosts if host.name in wanted)


def _matches(part: str, host: InventoryHost) -> bool:
    return part == "all" or any(fnmatch.fnmatchcase(name, part) for name in (host.name, *host.groups))
