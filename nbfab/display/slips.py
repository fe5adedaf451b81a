"""Slips to print, one per host: URL, password, fingerprint; one file that loads nothing else."""

from collections.abc import Sequence

import segno

from nbfab.display.page import rendered
from nbfab.fleet.slips import Slip

_LONGEST = 400  # characters of a URL; a code of more would be too fine to print


def page(slips: Sequence[Slip]) -> str:
    """The slips as HTML. The codes hold the URLs alone: a photo of one gives no password away."""
    return rendered("slips.html", slips=[(slip, _link(slip.url), _code(slip.url)) for slip in slips])


def _link(url: str) -> str:
    """The URL, if it is one to follow: people may have edited the handout."""
    return url if url.startswith("https://") and url.isprintable() and len(url) <= _LONGEST else ""


def _code(url: str) -> str:
    """The QR code of a URL, as SVG."""
    return segno.make(url, error="m", micro=False).svg_inline(omitsize=True) if _link(url) else ""
