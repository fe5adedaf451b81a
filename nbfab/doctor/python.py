"""The layer `python`: whether there is an environment that can serve, and whether it works."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed
from nbfab.fix import Fix, task, there
from nbfab.plan import install
from nbfab.plan.environment import choose, own_python

if TYPE_CHECKING:
    from nbfab.finding import Finding


def _check(case: Case) -> Iterator[Finding]:
    facts, path = case.facts, case.facts.interpreter.path
    if facts.interpreter.fails:
        last = facts.interpreter.fails.strip().splitlines() or ["it prints nothing"]
        yield failed(f"{path}, on which the server runs, does not work: {last[-1]}", *_again(case))
        return
    changes = list(install.plan(case.wanted, facts))
    if not case.has_profile:
        return  # setup makes what is not there yet, or says why it cannot
    for change in changes:
        was = f"{path}, on which the server ran, is gone or has changed" if path else "the one it had is gone"
        yield failed(f"{was}; setup would {change.summary}", task("setup"))


def _again(case: Case) -> Fix:
    if case.facts.interpreter.path == own_python(case.facts):
        remove = f"rm -r {shlex.quote(f'{case.facts.files.base}/.venv')}"
        return "it is nbfab's own: remove it, and have it made again", there(remove), task("setup")
    return "repair it, or have nbfab make one of its own", task("setup", "--python=new")


def _passes(case: Case) -> str:
    chosen, versions = choose(case.wanted, case.facts), case.facts.interpreter.probe.versions
    if chosen.environment is None:
        return "setup would make an environment"
    return f"{chosen.python}: {', '.join(f'{name} {version}'.strip() for name, version in versions.items())}".rstrip(
        ": "
    )


LAYER = Layer("python", _check, _passes)
