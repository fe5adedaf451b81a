"""Report: how a run ends, as text or as one JSON document, and with which exit status."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from invoke import Exit

from nbfab.errors import Interrupted, NbfabError, fault, stopper
from nbfab.fix import settled

if TYPE_CHECKING:
    from nbfab.fleet.handout import Handout
    from nbfab.inventory.hosts import InventoryHost
    from nbfab.outcome import Outcome


def doubted(outcome: "Outcome", host: "InventoryHost") -> "Outcome":
    """The outcome on a host, with a note if it was not reached and may be elsewhere."""
    if outcome.verdict != "not reached" or not host.doubt:
        return outcome
    return replace(outcome, notes=(*outcome.notes, host.doubt))


class Report:
    """Prints what a run has to tell. As JSON that is one document, the first: nothing is printed after it.

    A `quiet` one leaves out hosts of which there is no news; a document has them all.
    """

    def __init__(self, task: str, json: bool, quiet: bool = False) -> None:
        self.json = json
        self._quiet = quiet
        self._task = task
        self._printed = False

    def one(self, outcome: "Outcome", *, bundle: str = "") -> None:
        """The outcome on one host, and the path of its bundle, for a document."""
        from nbfab.display.findings import wrong
        from nbfab.display.host import report
        from nbfab.display.output import complain, show

        if self.json:
            self.document([outcome], outcome.status, bundle=bundle)
        elif self._quiet and not outcome.is_news:
            return
        elif self._quiet and outcome.findings:
            show(report(replace(outcome, findings=tuple(wrong(outcome)))))
        elif outcome.error and not outcome.findings:
            complain(report(outcome))
        else:
            show(report(outcome))

    def many(self, outcomes: "Sequence[Outcome]", written: "Callable[[Sequence[Outcome]], str]") -> None:
        """The outcomes on many hosts, as `written` puts them."""
        from nbfab.display.output import show

        told = [outcome for outcome in outcomes if outcome.is_news or not self._quiet]
        if told or not self._quiet:
            show(written(told))

    def document(
        self,
        outcomes: "Sequence[Outcome]",
        status: int,
        *,
        error: NbfabError | None = None,
        lists: "Mapping[str, Sequence[Mapping[str, Any]]] | None" = None,
        **files: str,
    ) -> None:
        """The document, unless it has been printed."""
        from nbfab.display.document import document
        from nbfab.display.output import show

        if not self._printed:
            self._printed = True
            show(document(self._task, outcomes, status, error=error, lists=lists, **files))

    def corrected(self, handout: "Handout") -> None:
        """The sheets of passwords on which something else has changed."""
        from nbfab.display.output import complain

        for sheet in sorted(handout.corrected):
            complain(f"the notes in {sheet} were corrected: they say which passwords are in place")
        for sheet in sorted(handout.updated):
            complain(f"{sheet} was updated: a URL, address or fingerprint has changed")

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
            self.document([], error.status, error=error)
            return Exit(code=error.status)
        from nbfab.display.host import refusal
        from nbfab.display.output import complain

        complain(refusal(error))
        return Exit(code=error.status)
