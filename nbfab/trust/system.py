"""The system's store: what curl, wget, Python and Go go by. Each system has a folder for roots and an updater."""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from nbfab.records import dataclass
from nbfab.trust.machine import Machine, installing, run
from nbfab.trust.place import Action, Delete, Install, Place, Run
from nbfab.trust.root import Root, fingerprints


@dataclass(frozen=True)
class Store:
    """How a system keeps roots: the folder for those of its administrator, the updater, the bundle that comes of them.

    `fresh` is the updater after a removal. Without a folder, the updater takes the root's file itself.
    """

    anchors: Path
    updater: tuple[str, ...]
    fresh: tuple[str, ...]
    bundle: Path
    suffix: str = ".crt"


_DEBIAN = Store(
    Path("/usr/local/share/ca-certificates"),
    ("update-ca-certificates",),
    ("update-ca-certificates", "--fresh"),
    Path("/etc/ssl/certs/ca-certificates.crt"),
)
_FEDORA = Store(
    Path("/etc/pki/ca-trust/source/anchors"),
    ("update-ca-trust",),
    ("update-ca-trust",),
    Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
    ".pem",
)
_SUSE = Store(
    Path("/etc/pki/trust/anchors"),
    ("update-ca-certificates",),
    ("update-ca-certificates", "--fresh"),
    Path("/var/lib/ca-certificates/ca-bundle.pem"),
    ".pem",
)
_ARCH = Store(
    Path("/etc/ca-certificates/trust-source"),
    ("trust", "anchor", "--store"),
    ("trust", "anchor", "--remove"),
    Path("/etc/ca-certificates/extracted/tls-ca-bundle.pem"),
    ".p11-kit",
)
STORES = {
    "debian": _DEBIAN,
    "ubuntu": _DEBIAN,
    "alpine": _DEBIAN,
    "fedora": _FEDORA,
    "rhel": _FEDORA,
    "centos": _FEDORA,
    "suse": _SUSE,
    "opensuse": _SUSE,
    "arch": _ARCH,
}
MACOS = "Darwin"
UNKNOWN = "nbfab does not know how this system keeps its store"


def store(machine: Machine) -> Store | None:
    """The store of this machine's system; None for macOS, and where none is known."""
    return next((STORES[system] for system in machine.system if system in STORES), None)


def place(machine: Machine) -> Place:
    """The store, and the roots in it."""
    if machine.system == (MACOS,):
        return _keychain(machine)
    kept = store(machine)
    if kept is None:
        words = "its manual has how an administrator adds a root"
        return Place("system", "the system", Path("/etc/ssl"), exists=False, why=UNKNOWN, fix=(words,))
    held = dict.fromkeys(_certificates(kept.bundle), "")
    for file in sorted(_files(kept)):
        held |= dict.fromkeys(_certificates(file), str(file))
    path = kept.anchors
    if kept.updater[0] not in machine.programs:
        why = f"there is no {kept.updater[0]}, which updates it"
        fix = installing(machine, {"arch": "p11-kit"}, "ca-certificates")
        return Place("system", "the system", path, held, why=why, fix=fix)
    return Place("system", "the system", path, held)


def lacks(machine: Machine, found: Place, root: Root) -> bool:
    """Whether the bundle that programs read is without a root, whatever lies in the folder."""
    kept = store(machine)
    if kept is None:
        return root.fingerprint not in found.held
    return root.fingerprint not in _certificates(kept.bundle)


def adding(machine: Machine, roots: Iterable[Root]) -> Iterator[Action]:
    """What puts the roots in."""
    kept = store(machine)
    if kept is None:
        for root in roots:
            add = ("security", "add-trusted-cert", "-r", "trustRoot", "-k", str(keychain(machine)), str(root.file))
            yield Run(add)
    elif kept is _ARCH:
        yield from (Run((*kept.updater, str(root.file))) for root in roots)
    else:
        yield from (Install(root, kept.anchors / f"nbfab-{root.short}{kept.suffix}") for root in roots)
        yield Run(kept.updater)


def removing(machine: Machine, roots: Iterable[Root]) -> Iterator[Action]:
    """What takes the roots out. A file that has others, too, stays."""
    kept = store(machine)
    if kept is None:
        for root in roots:
            yield Run(("security", "remove-trusted-cert", str(root.file)))
            yield Run(("security", "delete-certificate", "-Z", root.sha1, str(keychain(machine))))
    elif kept is _ARCH:
        yield from (Run((*kept.fresh, str(root.file))) for root in roots)
    else:
        ours = [{root.fingerprint} for root in roots]
        yield from (Delete(file) for file in sorted(_files(kept)) if _certificates(file) in ours)
        yield Run(kept.fresh)


def shared(machine: Machine, root: Root) -> str:
    """The administrator's file that has a root among others; empty if there is none."""
    kept = store(machine)
    every = {str(file): _certificates(file) for file in sorted(_files(kept))} if kept else {}
    return next((file for file, found in every.items() if found > {root.fingerprint}), "")


def keychain(machine: Machine) -> Path:
    """The keychain of the user's logins, on macOS."""
    return machine.home / "Library/Keychains/login.keychain-db"


def _keychain(machine: Machine) -> Place:
    path = keychain(machine)
    shown = run((machine.programs.get("security", "security"), "find-certificate", "-a", "-p", str(path)))
    return Place("system", "the keychain", path, dict.fromkeys(fingerprints(shown.output), ""))


def _files(kept: Store) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from (file for file in kept.anchors.iterdir() if file.suffix in (".crt", ".pem", ".p11-kit"))


def _certificates(file: Path) -> frozenset[str]:
    try:
        return fingerprints(file.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return frozenset()
