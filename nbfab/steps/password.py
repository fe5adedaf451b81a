"""Step 1: the hashed password, in the form that `jupyter server password` writes."""

import json
from collections.abc import Iterator

from nbfab.change import Change
from nbfab.facts import Facts
from nbfab.passwords import is_hash
from nbfab.steps.files import in_file
from nbfab.steps.install import choose
from nbfab.wanted import Wanted

FILE = "jupyter_server_config.json"
_TRAITS = {False: ("IdentityProvider", "hashed_password"), True: ("NotebookApp", "password")}


def known(facts: Facts) -> str:
    """The hash that the host has; empty if it has none that the server could verify."""
    try:
        said = json.loads(facts.password_file)
        hashes = [said[section][trait] for section, trait in _TRAITS.values() if section in said]
    except (ValueError, KeyError, TypeError):
        return ""
    return hashes[0] if len(hashes) == 1 and isinstance(hashes[0], str) and is_hash(hashes[0]) else ""


def missing(wanted: Wanted, facts: Facts) -> bool:
    """Whether a password has to be asked for: none is given, and the host has none to keep."""
    return wanted.password is None and not known(facts)


def text(wanted: Wanted, facts: Facts) -> str:
    """The file as it shall be, in the names of the server that is used; empty if there is no password yet."""
    have = known(facts)
    if wanted.password and not (have and wanted.password.fits(have)):
        have = wanted.password.hash
    if not have:
        return ""
    section, trait = _TRAITS[choose(wanted, facts).classic]
    return json.dumps({section: {trait: have}}, indent=2) + "\n"


def password(wanted: Wanted, facts: Facts) -> Iterator[Change]:
    """The hash is written where there is none, where another password is given, or in the other server's names."""
    want = text(wanted, facts)
    if not want:
        yield Change("password", "set a password: there is none", "", needs_restart=True)
        return
    what = "the password's hash" if wanted.password is None or known(facts) in want else "the new password's hash"
    yield from in_file("password", what, FILE, facts.password_file, want, facts, secret=True, needs_restart=True)
