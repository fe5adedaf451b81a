"""The layer `stale`: what ended runs and servers have left."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import there

if TYPE_CHECKING:
    from nbfab.finding import Finding


def _check(case: Case) -> Iterator[Finding]:
    stale, server = case.facts.stale, case.facts.server
    if stale.orphans:
        pids = " ".join(stale.orphans)
        yield failed(f"kernels have outlived their server: {pids}", "if they may end", there(f"kill {pids}"))
    known = server.last_end or server.boots or server.between  # the launcher's record, which goes with what it tells
    if server.started and not server.alive and not known:
        file = f"{case.facts.files.folder}/started"
        yield failed(
            f"{file} still names process {server.started.pid}, which is not the server: it was killed, and "
            "what runs it as well",
            "the next start writes it anew; to be rid of it",
            there(f"rm {shlex.quote(file)}"),
        )
    if stale.files:
        files = " ".join(map(shlex.quote, stale.files))
        yield failed(
            f"files are left of servers and runs that have ended: {', '.join(stale.files)}", there(f"rm {files}")
        )
    if stale.lock:
        words = f"{stale.lock} is left of a run that was cut"
        yield failed(words, "the next run takes it over; to be rid of it", there(f"rm -r {shlex.quote(stale.lock)}"))


LAYER = Layer("stale files", _check, lambda case: "none")
