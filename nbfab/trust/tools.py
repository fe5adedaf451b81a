"""What Node and Python's requests and httpx go by: variables, in a file for shells and one for systemd's sessions.

Node adds NODE_EXTRA_CA_CERTS to what it has, so that names our roots alone. REQUESTS_CA_BUNDLE and SSL_CERT_FILE
replace what requests and httpx have, and a bundle made here would keep roots that the world has dropped. So they name
the bundle of the system: its updates keep it current, and its updater puts our roots in.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from nbfab.trust import system
from nbfab.trust.machine import Machine
from nbfab.trust.place import Action, Delete, Place, Write
from nbfab.trust.root import Root, fingerprints


def folder(machine: Machine) -> Path:
    """The folder of these files."""
    return machine.folder("XDG_DATA_HOME", ".local/share") / "nbfab-trust"


def roots_file(machine: Machine) -> Path:
    """Our roots, as PEM, for whatever takes such a file."""
    return folder(machine) / "authorities.pem"


def snippet(machine: Machine) -> Path:
    """The file for a shell to read."""
    return folder(machine) / "env.sh"


def session(machine: Machine) -> Path:
    """The file that systemd reads for what a user's session starts (environment.d(5))."""
    return machine.folder("XDG_CONFIG_HOME", ".config") / "environment.d/60-nbfab-trust.conf"


def variables(machine: Machine) -> Mapping[str, str]:
    """The variables, and what they are to be."""
    kept = system.store(machine)
    found = {"NODE_EXTRA_CA_CERTS": str(roots_file(machine))}
    if kept and kept.bundle.exists():
        found |= dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(kept.bundle))
    return found


def place(machine: Machine) -> Place:
    """The files, and the roots in them."""
    file = roots_file(machine)
    return Place("tools", "Node and Python's requests", file, dict.fromkeys(fingerprints(_text(file)), str(file)))


def adding(machine: Machine, roots: Iterable[Root]) -> Iterator[Action]:
    """What writes those files that are not right already."""
    wanted = variables(machine)
    texts = {roots_file(machine): "".join(root.pem for root in roots)}
    texts[snippet(machine)] = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in wanted.items())
    if machine.has_systemd:
        texts[session(machine)] = "".join(f'{name}="{_escaped(value)}"\n' for name, value in wanted.items())
    yield from (Write(path, text) for path, text in texts.items() if _text(path) != text)


def removing(machine: Machine) -> Iterator[Action]:
    """What deletes them."""
    files = (roots_file(machine), snippet(machine), session(machine))
    yield from (Delete(file) for file in files if file.exists())


def is_set(machine: Machine) -> bool:
    """Whether this session has the variables."""
    return all(machine.env.get(name) == value for name, value in variables(machine).items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
