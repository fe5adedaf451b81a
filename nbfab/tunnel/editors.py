"""What editors ask for to use the server, and what each is known not to support."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from nbfab.tunnel import state
from nbfab.tunnel.spec import Spec


def lines(spec: Spec, origin: str, *, secret: bool) -> Iterator[str]:
    """Lines for people. The token stands in them only if it is shown to one person and no file: `secret`."""
    if not spec.token:
        yield "for an editor: the server's token could not be read"
        return
    if not secret:
        yield "for an editor: run this on a terminal, since the URL that it needs has a secret in it"
        return
    yield "VS Code: Select Kernel > Existing Jupyter Server; PyCharm and its kin: Jupyter Servers > Configured Server"
    yield f"  URL: {origin}/?token={spec.token}"
    yield "  a secret: with it, anyone can run code as you until the server restarts; then run this again for a new one"
    if spec.foreign:  # whose certificate nbfab does not know, if it has one
        return
    try:
        file = shlex.quote(str(_saved(spec)))
    except OSError as error:
        yield f"  the certificate could not be saved: {error}"
    else:
        yield f"  trust the certificate, {file}:"
        yield f"    VS Code: quit it, then start it with  NODE_EXTRA_CA_CERTS={file} code"
        yield "    PyCharm and its kin: Settings > Tools > Server Certificates > +"
    yield "  known: VS Code's jupyter.allowUnauthorizedRemoteConnection is reported not to help (vscode-jupyter #16522)"
    yield "  known: PyCharm keeps the token as text in .idea/jupyter-settings.xml: leave that file out of git"
    yield "  known: Google Colab cannot use the server, which lets no other website run code in it"


def _saved(spec: Spec) -> Path:
    """The file with the certificate, for programs that take one. Raises OSError."""
    name = re.sub("[^A-Za-z0-9.-]+", "-", f"{spec.host}-{spec.profile}")
    file = state.folder(spec.state).parent / f"{name.lstrip('-.')}.pem"
    file.write_text(spec.certificate, "ascii")
    return file
