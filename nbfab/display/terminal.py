"""The terminal that nbfab was started from, as the user of a task on one host and as the console of many."""

import contextlib
import threading
from collections.abc import Callable, Sequence

from nbfab.display import questions
from nbfab.display.host import report
from nbfab.display.logs import as_json
from nbfab.display.output import complain, show, unwritten
from nbfab.display.progress import Progress, Silent
from nbfab.fix import Command
from nbfab.outcome import Logged, Outcome
from nbfab.passwords import SHORTEST, Password, generate
from nbfab.settings import Settings
from nbfab.text import one_line
from nbfab.tunnel.spec import Spec


class Terminal:
    """Shows progress on standard error, unless it is `quiet`, and asks there.

    `report` prints an outcome, `command` gives a command line. `written` is called with the hash that a host has, if
    its password may have been written down.
    """

    def __init__(
        self,
        label: str,
        report: Callable[[Outcome], None],
        command: Callable[..., str],
        written: Callable[[str], None] = lambda known: None,
        *,
        quiet: bool = False,
        json: bool = False,
    ) -> None:
        self.progress: Progress = Silent() if quiet else Progress()
        self.command = command
        self._written = written
        self.opened: Spec | None = None
        self.attached: tuple[str, ...] = ()
        self._label = label
        self._report = report
        self._json = json
        self._printing = threading.Lock()

    def sees(self, line: str) -> None:
        """As `User.sees`."""
        if line:
            with contextlib.suppress(BrokenPipeError):  # the report is another thing, and the work is to be done
                self.progress(self._label, line)
        else:
            self.progress.end()

    def hears(self, line: str) -> None:
        """As `User.hears`."""
        self.progress.hears(self._label, line)

    def prints(self, host: str, lines: Sequence[Logged]) -> None:
        """As `User.prints`, and as `Console.prints`, from any thread: those of several hosts have a name in front.

        Raises BrokenPipeError, also if a disk is full: what is printed without end ends then.
        """
        self.progress.end()
        with self._printing:
            if self._json:
                show("\n".join(as_json(line, host) for line in lines))
            else:
                texts = [one_line(line.text) for line in lines]
                show("\n".join(text if self._label else f"{host}: {text}" for text in texts))
        if "standard output" in unwritten:
            raise BrokenPipeError

    def gets(self, outcome: Outcome) -> None:
        """As `User.gets`."""
        self.progress.end()
        self._report(outcome)

    def shows(self, outcome: Outcome) -> None:
        """As `User.shows`, and as `Console.shows`: only to someone who can answer, so not on standard output."""
        self.progress.end()
        if questions.someone_is_there():
            complain(report(outcome))

    def chooses_password(self, settings: Settings) -> Password:
        """As `User.chooses_password`: typed, or generated if nothing is typed."""
        question = f"Password for the notebook (at least {SHORTEST} characters; empty: one is generated): "
        return self.types_password(question) or generate()

    def changes_password(self) -> Password | None:
        """As `User.changes_password`."""
        question = f"New password (at least {SHORTEST} characters; empty: keep the one it has): "
        return self.types_password(question)

    def makes_password(self, settings: Settings) -> Password:
        """As `User.makes_password`: the report shows it, last."""
        return generate()

    def password_is_set(self, *, certain: bool) -> None:
        """As `User.password_is_set`: the report shows it."""

    def sees_hash(self, known: str) -> None:
        """As `User.sees_hash`: what an earlier run over a fleet has written down may no longer be right."""
        self._written(known)

    def types_password(self, question: str) -> Password | None:
        """As `Console.types_password`."""
        self.progress.end()
        return questions.types_password(question)

    def opens(self, spec: Spec) -> None:
        """As `User.opens`."""
        self.opened = spec

    def attaches(self, words: tuple[str, ...]) -> None:
        """As `User.attaches`."""
        self.attached = words

    def confirms(self, question: str) -> bool:
        """As `User.confirms`."""
        self.progress.end()
        return questions.confirms(question)

    def allows(self, question: str, of_all: str = "") -> bool:
        """As `User.allows`, and as `Console.allows`."""
        return self.confirms(question)

    def unlocks(self, question: str) -> str | None:
        """As `User.unlocks`, and as `Console.unlocks`."""
        self.progress.end()
        return questions.answers(question) if questions.someone_is_there() else None

    def answers(self, prompt: str, *, echo: bool = False) -> str | None:
        """As `Typist.answers`."""
        self.progress.end()
        return questions.answers(prompt, echo=echo)

    def reads(self, line: str) -> None:
        """As `Typist.reads`."""
        self.progress.end()
        complain(line)

    def trusts(self, host: str, key: str, command: str) -> bool:
        """As `Typist.trusts`."""
        if not questions.someone_is_there():
            return False
        self.reads(f"{one_line(host)}: its host key is not known: {key}")
        self.reads("compare it with what the host's administrator gets from")
        self.reads(str(Command(command, one_line(host))))
        return self.confirms("Is this the host's key?")
