"""The layer `kernels`: those that run, and those that cannot start."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import there
from nbfab.plan import kernel_notes
from nbfab.plan.kernelspecs import PREFIX

if TYPE_CHECKING:
    from nbfab.finding import Finding

_BROKEN = ("dead", "autorestarting")  # states of a kernel that crashes


def _check(case: Case) -> Iterator[Finding]:
    facts = case.facts
    for note in kernel_notes.notes(case.wanted, facts):
        yield failed(note.words, *note.fix)
    for kernel in facts.interpreter.probe.kernels:
        if kernel.name.startswith(PREFIX):
            continue
        file = f"{kernel.folder}/{kernel.name}/kernel.json"
        gone = "cannot be read" if kernel.program == file else "is not there"
        yield failed(
            f"the kernel {kernel.name} cannot start: {kernel.program} {gone}",
            "unless that comes back, take the kernel out of the list",
            there(f"mv {shlex.quote(file)} {shlex.quote(f'{file}.broken')}"),
        )
    for running in facts.server.answer.kernels if facts.server.answer else ():
        if running.state in _BROKEN:
            yield failed(f"{running} crashes again and again", "its notebook can start it anew: Kernel, Restart")


def _passes(case: Case) -> str:
    live = len(case.facts.server.answer.kernels) if case.facts.server.answer else 0
    return f"{live or 'none'} live"


LAYER = Layer("kernels", _check, _passes)
