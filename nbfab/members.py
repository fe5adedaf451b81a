"""The hosts of a fleet, each with its settings, its password and the way to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from invoke import Context

from nbfab import asking
from nbfab.fleet import Doors
from nbfab.handout import Handout
from nbfab.host import There
from nbfab.inventory import InventoryHost
from nbfab.jumps import Jumps
from nbfab.on_host import Asked, Body, again, attempt, section
from nbfab.outcome import Outcome
from nbfab.passwords import Password
from nbfab.settings import OPTIONS, Settings
from nbfab.ssh import Connection, fabric_config


@dataclass
class Member:
    """A host of the inventory, on which a body is to be run."""

    host: There
    settings: Settings
    password: Password | None
    body: Body
    given: Mapping[str, Any]
    handout: Handout
    doors: Doors
    again: Callable[[str], str]

    @property
    def name(self) -> str:
        return self.host.label

    def work(self, say: Callable[[str], None]) -> Outcome:
        """As `fleet.Member.work`: connects, with patience, and does what the body does."""
        self.host.patient = lambda connect: self.doors.enter(self.host.address, connect, say)
        asked = Asked(
            heard=say,
            ask=lambda: self.handout.password(self.host, self.settings),
            ask_new=lambda: self.handout.new_password(self.host),
            again=self.again,
            confirm=lambda question: not self.given.get("yes") and self.handout.confirm(question),
        )
        return attempt(self.body, self.host, self.settings, self.password, self.given, asked)

    def cut(self) -> None:
        """Closes the connection, which ends whatever waits for it."""
        self.host.close()


def members_of(
    c: Context,
    hosts: Sequence[InventoryHost],
    body: Body,
    given: Mapping[str, Any],
    handout: Handout,
    jumps: Jumps,
    everybody: Password | None = None,
) -> list[Member]:
    """All hosts with their settings, every one checked before any is contacted; `everybody` is a password for all.

    Raises UsageError.
    """
    flags, configuration = {o.key: given[o.flag] for o in OPTIONS}, section(c)
    doors, config = jumps.doors, fabric_config(c.config)
    prepared = []
    for entry in hosts:
        settings = Settings.gather(flags, configuration, entry.options)
        password = everybody or (asking.password_of(entry) if "password_stdin" in given else None)
        prepared.append((entry, settings, password))
    members = []
    for entry, settings, password in prepared:

        def connect(entry: InventoryHost = entry) -> Connection:
            return Connection(
                entry.typed,
                config,
                accept_new=given["accept_new_host_key"],
                interactive=False,
                hop=jumps,
                **entry.way,
            )

        host = There(entry.name, connect, (entry.values.get("address", entry.name), entry.values.get("ssh_port", 22)))
        inventory = ("--inventory", given["inventory"]) if given["inventory"] else ()
        typed = again(c, given, (), (*inventory, "--limit", entry.name), "fleet.")
        members.append(Member(host, settings, password, body, given, handout, doors, typed))
    return members
