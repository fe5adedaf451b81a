"""Rotation: which secrets of a host are replaced, and which stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbfab.fix import Note, again
from nbfab.keys import Key
from nbfab.plan import certificate, kinds

if TYPE_CHECKING:
    from nbfab.look.facts import Facts
    from nbfab.wanted import Wanted


def key(wanted: Wanted, facts: Facts) -> tuple[Key | None, str]:
    """The key of the certificate that is made in a rotation; None if the one there stays, and why it does.

    An authority's is made anew, since that costs no one anything: who trusts the authority trusts the next one. With a
    self-signed one, browsers would warn again, so that takes a key in `wanted`. Another's is for others to replace.
    """
    from nbfab.plan import pem

    text = facts.files.text(certificate.FILE)
    have = pem.load(text)
    kind = kinds.kind(have, wanted.authorities) if have else "issued"  # one that is broken is made anew, too
    if kind == "foreign" or kinds.is_strange(wanted, text):
        return None, "the certificate and its key stay: neither nbfab nor an authority of yours here has made it"
    if kind == "issued" or wanted.key:
        return wanted.key or Key.new(), ""
    return None, Note("the certificate and its key stay, since it signs itself; to replace both", again("--new-key"))
