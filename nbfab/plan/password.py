"""The step `password`: the hash of the password, in the form that `jupyter server password` writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nbfab.plan.change import Change
from nbfab.plan.files import Managed, in_file
from nbfab.plan.install import choose
from nbfab.plan.step import Step
from nbfab.settings import is_hash

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted

FILE = "jupyter_server_config.json"
_TRAITS = {False: ("IdentityProvider", "hashed_password"), True: ("NotebookApp", "password")}


def known(facts: Facts) -> str:
    """The hash on the host; empty if there is none that the server could verify."""
    return hash_in(facts.files.text(FILE))


def hash_in(text: str) -> str:
    """The hash in the text of the file; empty if there is none that the server could verify."""
    try:
        traits = json.loads(text)
        hashes = [traits[section][trait] for section, trait in _TRAITS.values() if section in traits]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return hashes[0] if len(hashes) == 1 and isinstance(hashes[0], str) and is_hash(hashes[0]) else ""


def missing(wanted: Wanted, facts: Facts) -> bool:
    """Whether to ask for a password: none is given, and the host has none to keep."""
    return wanted.password is None and not known(facts)


def text(wanted: Wanted, facts: Facts) -> str:
    """The file, in the traits of the server that is used; empty if there is no password yet."""
    have = known(facts)
    if wanted.password and not (have and wanted.password.fits(have)):
        have = wanted.password.hash
    if not have:
        return ""
    section, trait = _TRAITS[choose(wanted, facts).classic]
    return json.dumps({section: {trait: have}}, indent=2) + "\n"


def plan(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The hash, if there is none, if the password differs, or if the server wants it in another trait."""
    want = text(wanted, facts)
    if not want:
        reason = "there is none"
        yield Change(step="password", kind="set password", what="set a password", reason=reason, needs_restart=True)
        return
    what = (
        "the hash of the password"
        if wanted.password is None or known(facts) in want
        else "the hash of the new password"
    )
    yield from in_file("password", what, FILE, want, facts, secret=True, needs_restart=True)


STEP = Step(
    "password",
    "Set the password: NBFAB_PASSWORD, --password-stdin, typed, or generated (--new).",
    plan,
    files=lambda settings: (Managed(FILE),),
    flags=("new", "password_stdin", "handout", "restart"),
    restarts=True,
    renews=True,
)
