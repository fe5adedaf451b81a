"""What can go wrong, said for the person who reads it."""


class NbfabError(Exception):
    """Something failed: what, on which host, why (the host's own words), and the command that mends it.

    `str()` is the message, one line or more; `hint` is the mend, without a full stop at its end;
    `status` is the exit status that a task ends with.
    """

    status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(NbfabError, ValueError):
    """What was asked for makes no sense; found before anything is contacted."""

    status = 2


class HostStringError(UsageError):
    """A name given to `-H` that is no `[user@]host[:port]`."""


class HostKeyError(NbfabError, PermissionError):
    """The host's key is unknown, revoked, or not the one that is on record."""


class ConnectError(NbfabError, ConnectionError):
    """No connection to the host: name, network, time-out, or a login that was refused."""


class Dropped(ConnectError):
    """The host took the connection and hung up before it said anything, as sshd does above its MaxStartups."""


class HostError(NbfabError, RuntimeError):
    """The host was reached, and what was to be done there failed."""


class Refused(NbfabError, RuntimeError):
    """It could be done, but would destroy something, so it is not done unasked."""


class Interrupted(NbfabError, InterruptedError):
    """Stopped by Control-C; the message says how far it came."""

    status = 130
