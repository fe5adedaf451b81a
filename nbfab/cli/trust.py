"""`trust`: browsers and tools here trust the user's authorities, or no more; and what other machines need for that."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from invoke import Exit

from nbfab.cli.call import Call
from nbfab.cli.exported import export, for_others
from nbfab.cli.init import plain
from nbfab.cli.options import EVERYWHERE, defaults
from nbfab.cli.proven import proven
from nbfab.cli.report import Report
from nbfab.errors import NbfabError, Refused, UsageError
from nbfab.fix import Command, again, task
from nbfab.outcome import DUE

if TYPE_CHECKING:
    from nbfab.trust.do import Done
    from nbfab.trust.machine import Machine
    from nbfab.trust.plan import Seen
    from nbfab.trust.root import Root


def trust(call: Call) -> None:
    """Does what the flags say; ends the program unless all of it is as wanted."""
    from nbfab.authority.store import authorities
    from nbfab.trust.root import of

    call = replace(call, given={**defaults(EVERYWHERE), **call.given})  # it takes no option of a server
    report = Report(call.task, call.json, call.quiet)
    with report.errors():
        call.check_dry_run()
        if getattr(call.c, "nbfab_hosts", ()):
            raise UsageError("trust is for this machine, and takes no host", Command(plain(call)("trust")))
        removes, folder = "remove" in call.flags, call.given["export"]
        if removes and folder is not None:
            raise UsageError("--remove and --export are two tasks", "give one of them")
        roots = tuple(of(authority) for authority in authorities())
        if not roots and not removes:
            raise _none()
        status = 0
        if folder is not None:
            export(report, for_others(), folder)
        else:
            status = _change(call, report, roots, adds=not removes)
    if status:
        raise Exit(code=status)


def _none() -> NbfabError:
    """That there is no authority: under sudo, it looks into the home folder of root, which may have none."""
    from nbfab.authority.store import look

    if (user := os.environ.get("SUDO_USER")) and os.geteuid() == 0:
        fix = "run it without sudo: what takes an administrator, it gives you as a command"
        return NbfabError(f"there is no authority of root's, and by sudo it does not look for those of {user}", fix)
    for folder, why in look().broken:
        return NbfabError(f"there is an authority in {folder}, but {why}", "find out more", task("ca"))
    return NbfabError("there is no authority to trust yet", task("ca"))


def _change(call: Call, report: Report, roots: "Sequence[Root]", *, adds: bool) -> int:
    """Shows, asks, does and proves; the exit status."""
    from nbfab.trust import do, machine, plan, records

    recorded = records.recorded()
    known = {root.fingerprint: root for root in (*recorded, *roots)}
    wanted = tuple(roots if adds else known.values())
    here = machine.this()
    seen = plan.look(here, tuple(known.values()))
    works = plan.adding(seen, wanted) if adds else plan.removing(seen, wanted)
    ahead = do.ahead(works, adds=adds)
    mine = [work for work in works if work.actions and not work.takes_root]
    if mine:
        _agree(call, report, wanted, ahead, here, adds=adds)
        if adds:
            _record(wanted)
    done = do.do(here, works, adds=adds)
    if adds:
        done += proven(call, here, wanted, asks=bool(mine)) + _left(call, seen, wanted)
    else:
        _forget(done, wanted)
    status = 1 if any(one.failed for one in done) else DUE if any(one.ending == "to do" for one in done) else 0
    _tell(call, report, wanted, done, here, status, changed=bool(mine), adds=adds)
    return status


def _agree(
    call: Call, report: Report, roots: "Sequence[Root]", ahead: "Sequence[Done]", here: "Machine", *, adds: bool
) -> None:
    """Shows what will be touched and asks. Raises Refused where no one can answer; Exit if the answer is no."""
    from nbfab.display.output import complain
    from nbfab.display.questions import confirms, someone_is_there
    from nbfab.display.trust import report as shown

    if "yes" in call.flags:
        return
    if call.json or not someone_is_there():
        places = ", ".join(one.path for one in ahead if one.ending == "to do")
        raise Refused(f"it would change {places}, and no one is there to ask", again("--yes"))
    yours = "your authority" if len(roots) == 1 else "your authorities"
    head = f"this puts {yours} where browsers and tools look" if adds else f"this takes {yours} out"
    complain(shown(f"{head}:", roots, ahead, str(here.home)))
    if not confirms("Go on?"):
        complain("nothing was changed")
        raise Exit(code=1)


def _record(roots: "Sequence[Root]") -> None:
    """Keeps a copy of each root before it is put anywhere, so that --remove knows it. Raises NbfabError."""
    from nbfab.trust import records

    try:
        for root in roots:
            records.record(root)
    except OSError as error:
        why = f"{records.folder()} could not be written: {error.strerror}"
        raise NbfabError(f"{why}; so no authority was put anywhere") from None


def _left(call: Call, seen: "Seen", wanted: "Sequence[Root]") -> "tuple[Done, ...]":
    """The roots that nbfab has put here and whose authority is gone: they are trusted all the same."""
    from nbfab.trust.do import Done

    fix = (Command(plain(call)("trust", "--remove")), Command(plain(call)("trust")))
    why = "it is trusted here still, though its authority is gone; take all out, and put in those that there are"
    gone = [root for root in seen.known if root not in wanted]
    return tuple(
        Done(root.name, str(root.file), "left", why, fix)
        for root in gone
        if any(root.fingerprint in place.held for place in seen.places)
    )


def _forget(done: "Sequence[Done]", roots: "Sequence[Root]") -> None:
    """Drops the records of roots, once they are in no place."""
    from nbfab.trust import records

    if not any(one.failed or one.ending == "to do" for one in done):
        with suppress(OSError):  # the next --remove drops them
            for root in roots:
                records.forget(root)


def _tell(
    call: Call,
    report: Report,
    roots: "Sequence[Root]",
    done: "Sequence[Done]",
    here: "Machine",
    status: int,
    *,
    changed: bool,
    adds: bool,
) -> None:
    from nbfab.display.output import complain, show
    from nbfab.display.trust import report as shown

    if call.json:
        return report.document([], status, lists={"trust": [one.document() for one in done]})
    if call.quiet and not changed and not status:
        return None
    if not roots:
        head = "trust: nothing to remove"
    elif status == 1:
        head = "trust: not all of it is done"
    else:
        words = "nothing to do" if not changed else "done" if adds else "removed"
        head = f"trust: {words}{', except what takes an administrator' if status else ''}"
    text = shown(head, roots, done if adds or roots else (), str(here.home))
    return complain(text) if status == 1 else show(text)
