"""The page for people whose machines are to trust an authority: what to download, press and compare, on each system."""

from collections.abc import Sequence

from nbfab.display.page import rendered
from nbfab.trust.export import names, permitted
from nbfab.trust.root import Root


def page(roots: Sequence[Root], made: str) -> str:
    """The page as HTML; the files that it links to lie beside it."""
    cards = [
        {
            "file": name,
            "name": root.name,
            "fingerprint": root.fingerprint,
            "sha1": ":".join(root.sha1[at : at + 2] for at in range(0, len(root.sha1), 2)),
            "plain": root.sha1,
            "permitted": permitted(root),
            "until": root.certificate.not_valid_after_utc.strftime("%Y-%m-%d"),
        }
        for name, root in names(roots)
    ]
    return rendered("instructions.html", cards=cards, made=made)
