"""The proof of `trust`: each authority issues a certificate for localhost, and what is installed opens it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbfab.cli.call import Call
from nbfab.errors import NbfabError, UsageError

if TYPE_CHECKING:
    from nbfab.authority.signer import Signer
    from nbfab.trust.do import Done
    from nbfab.trust.machine import Machine
    from nbfab.trust.root import Root


def proven(call: Call, here: "Machine", roots: "Sequence[Root]", *, asks: bool) -> "tuple[Done, ...]":
    """Each authority's certificate for localhost, opened by what is installed."""
    from nbfab.trust import plan, proof
    from nbfab.trust.do import Done

    seen = plan.look(here, roots)
    found: tuple[Done, ...] = ()
    for root in roots:
        try:
            signer = _signer(call, root, asks=asks and not call.json)
        except NbfabError as error:
            found += (Done("the proof", str(root.file.parent), "not tried", str(error), error.fix),)
            continue
        if signer is None:
            why = f"the key of {root.name} has a passphrase, which was not given"
            found += (Done("the proof", str(root.file.parent), "not tried", why),)
        else:
            leaf = proof.leaf_for_localhost(signer)
            found += proof.prove(here, leaf, in_system=plan.is_in_system(seen, [root]))
    return tuple(dict.fromkeys(found))


def _signer(call: Call, root: "Root", *, asks: bool) -> "Signer | None":
    """The authority with its key, by the passphrase that is given, or, if it `asks`, typed; None without one.

    Raises NbfabError.
    """
    from nbfab.authority import keyring
    from nbfab.authority.authority import Authority
    from nbfab.display.questions import answers, someone_is_there

    authority, file = Authority(root.file.parent, root.certificate), call.given["passphrase_file"]
    try:
        return keyring.signer(authority)
    except keyring.Locked:
        if file:
            return keyring.Keyring(Path(file)).signer(authority, lambda question: None)
    if not (asks and someone_is_there()):
        return None
    typed = answers(f"Passphrase of {root.name}, to prove it by a page here (empty: not now): ")
    try:
        return keyring.signer(authority, typed) if typed else None
    except keyring.Locked:
        raise UsageError(f"that is not the passphrase of {root.name}") from None
