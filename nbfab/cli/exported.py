"""What `trust --export` writes for other machines, and how a fleet's page finds it."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbfab.cli.call import Call
from nbfab.cli.init import plain
from nbfab.cli.report import Report
from nbfab.errors import UsageError

if TYPE_CHECKING:
    from nbfab.trust.root import Root


def instructions_beside(call: Call, page: Path) -> tuple[str, str]:
    """The link from a fleet's page to the instructions beside it, and what to print where there are none to link to."""
    from nbfab.trust.export import FOLDER, PAGE, has

    folder = page.parent / FOLDER
    link = f"{FOLDER}/{PAGE}" if (folder / PAGE).is_file() else ""
    if all(has(folder, root) for root in for_others()):
        return link, ""
    where = "--export" if folder == Path(FOLDER).absolute() else f"--export={folder}"
    line = plain(call)("trust", where)
    what = (
        "the page on trust that it links to leaves out an authority"
        if link
        else "to link to a page on how to trust the hosts"
    )
    return link, f"\n  note         {what}\n               {line}"


def for_others() -> "tuple[Root, ...]":
    """The roots that other machines need: none that is for this one alone, unless all are."""
    from nbfab.authority.store import authorities
    from nbfab.trust.root import of

    every = authorities()
    return tuple(of(one) for one in every if one.permitted) or tuple(map(of, every))


def export(report: Report, roots: "Sequence[Root]", given: str | bool) -> None:
    """Writes the files for other machines."""
    from nbfab.display.instructions import page
    from nbfab.display.output import show
    from nbfab.trust.export import FOLDER, PAGE, files
    from nbfab.trust.records import write_public

    folder = Path(FOLDER if given is True else str(given)).absolute()
    made = page(roots, time.strftime("%Y-%m-%d"))
    try:
        for name, data in {**files(roots), PAGE: made.encode()}.items():
            write_public(folder / name, data.decode())
    except OSError as error:
        raise UsageError(f"{folder} could not be written: {error.strerror}") from None
    if report.json:
        report.document([], 0, export=str(folder / PAGE))
        return
    count = len(roots)
    show(f"{folder / PAGE}: how other machines trust {'your authority' if count == 1 else f'your {count} authorities'}")
    show("  next         give people that folder, and read the fingerprint out to them")
    for root in roots:
        show(f"  SHA-256      {root.fingerprint}")
