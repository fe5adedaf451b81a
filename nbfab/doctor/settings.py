"""The layer `settings`: whether anything overrides what was set, on the host or here."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.doctor.layer import Case, Layer, failed, unknown
from nbfab.errors import NbfabError
from nbfab.fix import called, task, there
from nbfab.plan import config, install, module, password, profile
from nbfab.plan.files import check
from nbfab.plan.steps import managed
from nbfab.settings import BY_KEY, origin, written

if TYPE_CHECKING:
    from nbfab.finding import Finding

_STEPS = (password.STEP, module.STEP, profile.STEP, config.STEP)  # others have a layer
_HERE = ("environment", "configuration", "inventory")  # where a value may be chosen that no one has typed


def _check(case: Case) -> Iterator[Finding]:
    if case.near.unread:
        yield failed(str(case.near.unread), *called(case.near.unread.fix, "setup"))
    if not case.has_profile:
        yield unknown(f"there is no profile {case.wanted.settings.profile}")
        return
    yield from _files(case)
    yield from _read(case)
    yield from _here(case)


def _files(case: Case) -> Iterator[Finding]:
    """Files of nbfab's that are not as it writes them."""
    if not case.facts.files.writable:
        return  # of which the home's layer tells
    try:
        check(managed(case.wanted.settings), case.facts)
    except NbfabError as error:
        yield failed(str(error), *called(error.fix, "setup"))
        return
    try:
        if list(install.plan(case.wanted, case.facts)):
            return  # with another environment, they would be others
    except NbfabError:
        return
    for step in _STEPS:
        try:
            for change in step.plan(case.wanted, case.facts):
                file = f"{case.facts.files.folder}/{change.args['file']}" if change.args.get("file") else "a file"
                yield failed(f"{file} is not as nbfab writes it: setup would {change.summary}", task("setup"))
        except NbfabError as error:
            yield failed(str(error), *called(error.fix, "setup"))


def _read(case: Case) -> Iterator[Finding]:
    """What the server reads besides."""
    found = case.facts.interpreter
    for variable in found.variables:
        yield failed(
            f"{variable} is set on the host, and changes which packages the server and its kernels import",
            "take it out of the startup file that sets it, then start the server anew; this finds it",
            there(f"grep -n {variable} ~/.profile ~/.bash_profile ~/.bashrc ~/.zshenv ~/.zprofile 2>/dev/null"),
            task("restart"),
        )
    for name, file in found.probe.strangers:
        yield failed(
            f"{name} is imported from {file}, which hides the environment's own",
            "remove that one",
            there(f"mv {shlex.quote(file.rpartition('/')[0])} {shlex.quote(file.rpartition('/')[0])}.hidden"),
        )
    for file in found.probe.configs:
        yield failed(
            f"{file} counts for the server as well, besides what nbfab has written",
            "move it away, then start the server anew",
            there(f"mv {shlex.quote(file)} {shlex.quote(file)}.old"),
            task("restart"),
        )


def _here(case: Case) -> Iterator[Finding]:
    """What is chosen here without being typed, and is not what the profile has."""
    given, counts = case.wanted.given, case.wanted.settings
    for key in BY_KEY if given else ():
        source = given.sources.get(key, "default") if given else "default"
        if source in _HERE and key in case.wanted.kept and getattr(given, key) != getattr(counts, key):
            words = f"{origin(key, source)} says {key} {written(getattr(given, key))} here, and the profile has "
            words += f"{written(getattr(counts, key)) or 'the default'}, until it is set up anew"
            yield failed(words, "take it out there, or set the profile up with it", task("setup"))


LAYER = Layer("settings", _check, lambda case: "nothing overrides them")
