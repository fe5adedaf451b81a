"""The user at the other end of a task: someone at a terminal, the operator of a fleet, or no one."""

from collections.abc import Sequence
from typing import Protocol

from nbfab.outcome import Logged, Outcome
from nbfab.passwords import Password, generate
from nbfab.settings import Settings
from nbfab.tunnel.spec import Spec


class Console(Protocol):
    """Where questions are answered. If no one is there, each has its safe answer."""

    def types_password(self, question: str) -> Password | None:
        """A password that is typed twice, unseen; None for an empty answer."""
        ...

    def confirms(self, question: str) -> bool:
        """Whether the answer is yes."""
        ...

    def allows(self, question: str) -> bool:
        """Whether the answer is yes, to a question that is put once, however often it comes up."""
        ...

    def answers(self, prompt: str, *, echo: bool = False) -> str | None:
        """What is typed at a prompt of SSH, such as a passphrase; None if no one answers."""
        ...

    def unlocks(self, question: str) -> str | None:
        """A passphrase, typed unseen; None if no one is there to type it."""
        ...

    def reads(self, line: str) -> None:
        """Shows a line that stays."""

    def shows(self, outcome: Outcome) -> None:
        """Shows what would be done, before a question about it."""

    def prints(self, host: str, lines: Sequence[Logged]) -> None:
        """As `User.prints`."""


class User(Protocol):
    """Sees progress, answers questions, confirms, and gets reports. An answer may take as long as a person takes."""

    def sees(self, line: str) -> None:
        """Shows a line of progress; an empty one makes room for other output."""

    def prints(self, host: str, lines: Sequence[Logged]) -> None:
        """Prints lines of a host's log as they come."""

    def hears(self, line: str) -> None:
        """Told what a program prints while a step takes long."""

    def gets(self, outcome: Outcome) -> None:
        """Reports on a task that goes on."""

    def shows(self, outcome: Outcome) -> None:
        """Shows what a task would do, before it asks whether it may."""

    def chooses_password(self, settings: Settings) -> Password:
        """A password for a host that has none."""
        ...

    def changes_password(self) -> Password | None:
        """A password to replace the one a host has; None to keep that."""
        ...

    def makes_password(self, settings: Settings) -> Password:
        """A password that is generated, whatever the host has; this user gets to know it once it is set."""
        ...

    def password_is_set(self, *, certain: bool) -> None:
        """Told once the host has the hash of a password that was chosen, or, if not `certain`, may have it."""

    def sees_hash(self, known: str) -> None:
        """Told which hash the host has; empty if it has none."""

    def confirms(self, question: str) -> bool:
        """Whether the answer is yes."""
        ...

    def allows(self, question: str, of_all: str) -> bool:
        """Whether the answer is yes, to a question about this host, or, of many hosts, once, `of_all` of them."""
        ...

    def unlocks(self, question: str) -> str | None:
        """A passphrase, typed unseen; None if no one is there to type it."""
        ...

    def opens(self, spec: "Spec") -> None:
        """Told what a page can be opened with, once the task has ended."""

    def attaches(self, words: tuple[str, ...]) -> None:
        """Told the command that attaches to the server's session, on its host."""

    def command(self, task: str, *options: str) -> str:
        """The command line for `task` on the same host, as this user would type it, with more options."""
        ...


class NoUser:
    """No one is there: nothing is shown, and every question gets its safe answer."""

    def sees(self, line: str) -> None:
        """As `User.sees`."""

    def prints(self, host: str, lines: Sequence[Logged]) -> None:
        """As `User.prints`."""

    def hears(self, line: str) -> None:
        """As `User.hears`."""

    def gets(self, outcome: Outcome) -> None:
        """As `User.gets`."""

    def shows(self, outcome: Outcome) -> None:
        """As `User.shows`."""

    def chooses_password(self, settings: Settings) -> Password:
        """As `User.chooses_password`: a generated one."""
        return generate()

    def changes_password(self) -> Password | None:
        """As `User.changes_password`."""
        return None

    def makes_password(self, settings: Settings) -> Password:
        """As `User.makes_password`."""
        return generate()

    def password_is_set(self, *, certain: bool) -> None:
        """As `User.password_is_set`."""

    def sees_hash(self, known: str) -> None:
        """As `User.sees_hash`."""

    def confirms(self, question: str) -> bool:
        """As `User.confirms`."""
        return False

    def allows(self, question: str, of_all: str) -> bool:
        """As `User.allows`."""
        return False

    def unlocks(self, question: str) -> str | None:
        """As `User.unlocks`."""
        return None

    def opens(self, spec: "Spec") -> None:
        """As `User.opens`."""

    def attaches(self, words: tuple[str, ...]) -> None:
        """As `User.attaches`."""

    def command(self, task: str, *options: str) -> str:
        """As `User.command`."""
        return " ".join(("nbfab", task, *options))
