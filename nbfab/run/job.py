"""Job: a task on one host."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import field, replace
from types import MappingProxyType

from nbfab.authority import issued, store
from nbfab.authority.keyring import Keyring
from nbfab.errors import NbfabError
from nbfab.fix import Task
from nbfab.host import Host
from nbfab.keys import Key
from nbfab.outcome import Outcome, failure
from nbfab.own.own import Own
from nbfab.passwords import Password
from nbfab.plan import drops
from nbfab.records import dataclass
from nbfab.run.requirements import Files
from nbfab.settings import Settings
from nbfab.user import NoUser, User
from nbfab.wanted import Wanted

AGAIN = (
    *(
        "accept_new_host_key",
        "check",
        "exact",
        "follow",
        "foreground",
        "force",
        "legacy",
        "linger_off",
        "list",
        "new",
        "new_key",
    ),
    *("now", "plan", "previous", "reissue", "replace", "restart", "rollback", "yes"),
)
"""Flags with which a task is called again."""


@dataclass(frozen=True)
class Job:
    """A task on one host: what is wanted there, the task's own flags that were given, and the user at the other end.

    `lists` are the values of flags that may be repeated, or name files; `days_left` is how many days a
    certificate should be valid for at least. `keyring` unlocks the keys of authorities, once for all hosts of a run,
    and `files` are the requirements files that these read.
    """

    task: str
    host: Host
    wanted: Wanted
    user: User = field(default_factory=NoUser)
    flags: frozenset[str] = frozenset()
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    days_left: int | None = None
    keyring: Keyring = field(default_factory=Keyring)
    files: Files = field(default_factory=Files)

    def settled(self, outcome: Outcome) -> Outcome:
        """The outcome with fixes that can be typed."""
        return _settled(outcome, self.host, self.user, self.flags, self.lists)


Body = Callable[[Job], Outcome]
"""What a task does on a host. Raises NbfabError."""


def attempt(
    task: str,
    body: Body,
    host: Host,
    settings: Settings,
    *,
    password: Password | None = None,
    user: User,
    flags: frozenset[str] = frozenset(),
    lists: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    days_left: int | None = None,
    inventory: str = "",
    own: Own | None = None,
    keyring: Keyring | None = None,
    files: Files | None = None,
) -> Outcome:
    """What `body` does on a host; `lists` are the values of flags that may be repeated, or name files.

    A failure becomes an outcome too, also a bug; the connection is closed.
    """
    try:
        authorities = store.authorities()
        wanted = Wanted(
            settings,
            host.names,
            time.time(),
            password,
            restart="restart" in flags,
            resets=lists.get("reset", ()),
            inventory=inventory,
            key=Key.new() if "new_key" in flags else None,
            drops=drops.parse(lists.get("drop_name", ()), host.names, settings),
            own=own,
            reissue="reissue" in flags,
            authorities=authorities,
            issued=issued.names(authorities, host.label, settings.profile),
            exact="exact" in flags,
        )
        outcome = body(Job(task, host, wanted, user, flags, lists, days_left, keyring or Keyring(), files or Files()))
    except (NbfabError, KeyboardInterrupt) as error:
        outcome = failure(task, host.label, error)
    except Exception as error:  # a bug must not cost this host its verdict, nor other hosts theirs
        outcome = failure(task, host.label, error)
    finally:
        host.close()
    outcome = _settled(outcome, host, user, flags, lists)
    return replace(outcome, notes=(*outcome.notes, *host.remarks))


def _settled(
    outcome: Outcome, host: Host, user: User, flags: Collection[str], lists: Mapping[str, tuple[str, ...]]
) -> Outcome:
    """The outcome with fixes that can be typed: the same task again comes with the flags that it had."""
    had = [f"--{flag.replace('_', '-')}" for flag in AGAIN if flag in flags]
    had += [f"--{flag.replace('_', '-')}={value}" for flag, values in lists.items() for value in values]

    def command(part: Task) -> str:
        if part.name:
            return user.command(part.name, *part.options)
        return user.command(outcome.task, *dict.fromkeys((*had, *part.options)))

    return outcome.settled(command, local=host.local)
