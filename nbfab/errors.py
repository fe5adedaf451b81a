"""What can go wrong, worded for the person who reads it."""

import traceback
from enum import IntEnum

from nbfab.fix import Command, Task, text


class NbfabError(Exception):
    """Something failed: what, on which host, why (in the host's own words), and how to fix it.

    `str()` is the message, one line or more. `fix` is what to do, its words without a full stop, and `hint` that as
    text; `status` is the exit status that a task ends with; `jump` is the jump host that failed, if one did.
    """

    status = 1

    def __init__(self, message: str, *fix: str | Command | Task, jump: str = "") -> None:
        super().__init__(message)
        self.fix = tuple(part for part in fix if part)
        self.jump = jump

    @property
    def hint(self) -> str:
        """The fix as text."""
        return text(self.fix)


class UsageError(NbfabError, ValueError):
    """The request makes no sense; found before any host is contacted."""

    status = 2


class HostStringError(UsageError):
    """A host string that is not `[user@]host[:port]`."""


class HostKeyError(NbfabError, PermissionError):
    """The host's key is unknown, revoked, or not the one on record."""


class ConnectError(NbfabError, ConnectionError):
    """No connection to the host: its name, the network, a timeout, or a login that was refused."""


class NoName(ConnectError):
    """The host's name has no address."""


class NoAnswer(ConnectError):
    """No one accepts a connection at the host's address and port."""


class NoLogin(ConnectError):
    """The host did not say in time whether it lets the user in."""


class Dropped(ConnectError):
    """The host accepted the connection and hung up without a word, as sshd does above its MaxStartups."""


class Incompatible(ConnectError):
    """The host and paramiko have no algorithm in common; OpenSSH's own client and the host have one."""


class Denied(ConnectError):
    """The host let the user in by no method; `offered` are those that it has, `tried` what it was shown."""

    def __init__(
        self, message: str, *fix: str | Command | Task, offered: str = "", tried: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, *fix)
        self.offered, self.tried = offered, tried


class Penalized(ConnectError):
    """The host refuses our address for a while, after failed logins from it."""


class HostError(NbfabError, RuntimeError):
    """The host was reached, but what was to be done there failed."""


class NoShell(HostError):
    """The user's login shell ran no program."""


class Refused(NbfabError, RuntimeError):
    """It could be done, but would destroy something, so it is not done unasked."""


class CannotLend(Refused):
    """The host is not lent this machine's access to an index of packages; the message is the reason alone."""


class Undecided(CannotLend):
    """Whether packages may get to the host at all is for the user to say.

    Once it is that of a change that was declined, `words` are the host's own, with the reason.
    """

    def __init__(self, message: str, *fix: str | Command | Task, words: str = "") -> None:
        super().__init__(message, *fix)
        self.words = words


class Interrupted(NbfabError, InterruptedError):
    """Stopped by Control-C, or by a signal that counts as it; the message says how far it got."""

    status = 130

    def __init__(self, message: str, *fix: str | Command | Task, by: KeyboardInterrupt | None = None) -> None:
        super().__init__(message, *fix)
        self.status = by.status if isinstance(by, Ended) else self.status


class Ended(KeyboardInterrupt):
    """A signal that ends a program, as Control-C does; `status` is the exit status that a shell reports for it."""

    def __init__(self, number: IntEnum) -> None:
        super().__init__(number.name)
        self.status = 128 + number


def stopper(error: KeyboardInterrupt) -> str:
    """What has stopped the program: Control-C, or the name of the signal that counts as it."""
    return str(error) if isinstance(error, Ended) else "Control-C"


def fault(error: Exception) -> NbfabError:
    """A bug, for people: what went wrong and where, without a traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return NbfabError(f"a fault in nbfab: {error!r}{where}", "please report it")
