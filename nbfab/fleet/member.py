"""A host among many, and the user that its task sees."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace

from nbfab.authority.keyring import Keyring
from nbfab.fleet.handout import Handout
from nbfab.host import Host
from nbfab.outcome import Logged, Outcome
from nbfab.own.own import Own
from nbfab.passwords import Password
from nbfab.records import dataclass
from nbfab.run.job import Body, attempt
from nbfab.run.requirements import Files
from nbfab.settings import Settings
from nbfab.tunnel.spec import Spec
from nbfab.user import Console


@dataclass
class Member:
    """A host on which a task is to run, as one of many. It is the user of its own task, too.

    What is typed, is typed once for all, at the `console`; passwords come from the `handout`. `command` gives the
    command line of a task for this host alone. `inventory` is the mark of the one it is in. `own` is a certificate for
    it. Unless it `asks`, every question is answered with no. The `keyring` and the `files`
    are those of all hosts.
    """

    host: Host
    settings: Settings
    password: Password | None
    task: str
    body: Body
    flags: frozenset[str]
    lists: Mapping[str, tuple[str, ...]]
    days_left: int | None
    inventory: str
    handout: Handout
    console: Console
    command: Callable[..., str]
    asks: bool = True
    own: Own | None = None
    keyring: Keyring = field(default_factory=Keyring)
    files: Files = field(default_factory=Files)
    opened: Spec | None = None
    tell: Callable[[str], None] = lambda line: None
    pass_on: Callable[[str], None] = lambda line: None

    @property
    def name(self) -> str:
        """As `fleet.run.Member.name`."""
        return self.host.label

    def work(self, sees: Callable[[str], None], hears: Callable[[str], None]) -> Outcome:
        """As `fleet.run.Member.work`."""
        self.tell, self.pass_on = sees, hears
        outcome = attempt(
            self.task,
            self.body,
            self.host,
            self.settings,
            password=self.password,
            user=self,
            flags=self.flags,
            lists=self.lists,
            days_left=self.days_left,
            inventory=self.inventory,
            own=self.own,
            keyring=self.keyring,
            files=self.files,
        )
        self.handout.tells(self.host, self.settings, outcome)
        if not (unwritten := self.handout.ends(self.name)):
            return outcome
        error, fix = outcome.error or unwritten, outcome.fix or self.handout.fix
        notes = (*outcome.notes, unwritten) if outcome.error else outcome.notes
        return replace(outcome, error=error, fix=fix, notes=notes, status=outcome.status or 1)

    def cut(self) -> None:
        """As `fleet.run.Member.cut`: closes the connection, which ends whatever waits for it."""
        self.host.close()

    def sees(self, line: str) -> None:
        """As `User.sees`."""
        if line:
            self.tell(line)

    def prints(self, host: str, lines: Sequence[Logged]) -> None:
        """As `User.prints`: all hosts print to one console."""
        self.console.prints(host, lines)

    def hears(self, line: str) -> None:
        """As `User.hears`."""
        self.pass_on(line)

    def gets(self, outcome: Outcome) -> None:
        """As `User.gets`: nothing, since one table tells of all hosts."""

    def shows(self, outcome: Outcome) -> None:
        """As `User.shows`."""
        if self.asks:
            self.console.shows(outcome)

    def chooses_password(self, settings: Settings) -> Password:
        """As `User.chooses_password`."""
        return self.handout.password(self.host, settings)

    def changes_password(self) -> Password | None:
        """As `User.changes_password`."""
        return self.handout.new_password(self.host)

    def makes_password(self, settings: Settings) -> Password:
        """As `User.makes_password`."""
        return self.handout.make(self.host, settings)

    def password_is_set(self, *, certain: bool) -> None:
        """As `User.password_is_set`."""
        self.handout.is_set(self.name, certain=certain)

    def sees_hash(self, known: str) -> None:
        """As `User.sees_hash`."""
        self.handout.sees(self.host, self.settings, known)

    def attaches(self, words: tuple[str, ...]) -> None:
        """As `User.attaches`: one terminal shows one session."""

    def opens(self, spec: Spec) -> None:
        """As `User.opens`: opened for all hosts at once, in the end."""
        self.opened = spec

    def confirms(self, question: str) -> bool:
        """As `User.confirms`."""
        return self.asks and self.console.confirms(question)

    def allows(self, question: str, of_all: str) -> bool:
        """As `User.allows`."""
        return self.asks and self.console.allows(of_all)

    def unlocks(self, question: str) -> str | None:
        """As `User.unlocks`: asked once for all hosts."""
        return self.console.unlocks(question)
