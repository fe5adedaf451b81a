"""Report: how a run ends, as text or as one JSON document, and with which exit status."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from invoke import Exit

from nbfab.errors import Interrupted, NbfabError, fault, stopper
from nbfab.fix import settled

if TYPE_CHECKING:
    from nbfab.outcome import Outcome


class Report:
    """Prints what a run has to tell. As JSON that is one document, the first: nothing is printed after it."""

    def __init__(self, task: str, json: bool) -> None:
        self.json = json
        self._task = task
        self._printed = False

    def one(self, outcome: "Outcome") -> None:
        """The outcome on one host."""
        from nbfab.display.host import report
        from nbfab.display.output import complain, show

        if self.json:
            self.document([outcome])
        elif outcome.error:
            complain(report(outcome))
        else:
            show(report(outcome))

    def document(self, outcomes: "Sequence[Outcome]", *, error: NbfabError | None = None, **files: str) -> None:
        """The document, unless it has been printed."""
        from nbfab.display.document import document
        from nbfab.display.output import show

        if not self._printed:
            self._printed = True
            show(document(self._task, outcomes, error=error, **files))

    def corrected(self, sheets: Iterable[str]) -> None:
        """The sheets of passwords on which notes have changed."""
        from nbfab.display.output import complain

        for sheet in sorted(sheets):
            complain(f"the notes in {sheet} were corrected: they say which passwords are in place")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """An error inside ends the program, with its message and fix, as text or JSON, and with its exit status."""
        try:
            yield
            self._check()
        except NbfabError as error:
            raise self.exit(error) from None
        except KeyboardInterrupt as error:
            raise self.exit(Interrupted(f"stopped by {stopper(error)}", "run it again", by=error)) from None
        except (Exit, BrokenPipeError):
            raise
        except Exception as error:
            raise self.exit(fault(error)) from None

    def _check(self) -> None:
        """Raises Exit if something could not be printed: what was done is done, and recorded."""
        from nbfab.display.output import complain, show, unwritten

        if not unwritten:
            return
        line = "; ".join(f"{stream} could not be written: {why}" for stream, why in unwritten.items())
        if "standard error" not in unwritten:
            complain(f"nbfab: {line}")
        elif not self.json:
            show(f"nbfab: {line}")
        raise Exit(code=1)

    def exit(self, error: NbfabError) -> Exit:
        """The end of the program with that error: a document, if that was asked for and none has been printed."""
        from nbfab.cli.called import typed

        error.fix = settled(error.fix, lambda part: typed(part, self._task))
        if self.json and not self._printed:
            self.document([], error=error)
            return Exit(code=error.status)
        from nbfab.display.host import refusal
        from nbfab.display.output import complain

        complain(refusal(error))
        return Exit(code=error.status)
