"""Which certificates clients accept from an authority, as docs/which-clients.md has it: all of them agree."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from certificates import leaf, load, root
from firefox import profile_of
from machine import BIN, ROOT
from system import System, environment

from nbfab.authority.authority import Authority
from nbfab.authority.constraints import parse
from nbfab.authority.keyring import signer
from nbfab.authority.make import alone, make
from nbfab.plan import pem

NOW = time.time()

PAGE = ROOT / "docs/which-clients.md"
CLIENTS = ROOT / "tests/tls_clients.py"
ADDRESSES = ("10.3.0.1/32", "10.4.0.1/32")
NAMES = ("gpu1.lab.test", "gpu1.other.test", "gpu1.localhost")
INSIDE = "for a name inside the constraints"
BEFORE, AFTER = "the same, before the authority is trusted", "the same, after it was removed"
ACCEPTED = {
    INSIDE,
    "for an address inside",
    "for 127.0.0.1",
    "for ::1",
    "for localhost",
    "for a name below localhost",
    "for a name inside those of a second authority",
}


class Trusting:
    """Someone on a machine of their own who trusts authorities, and stops."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir()
        self.system = System(folder / "system", NAMES)
        self.env = environment(self.home, PATH=f"{BIN}:{os.environ['PATH']}")
        profile_of(self.home)

    def nbfab(self, *args: str) -> None:
        """Runs a task that ends well."""
        command = self.system.within(["nbfab", *args])
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def table(self, cases: dict[str, tuple[str, bytes]]) -> dict[str, dict[str, bool | str]]:
        """What each client makes of those servers, each a host and its PEM."""
        listed = []
        for number, (case, (host, text)) in enumerate(cases.items()):
            file = self.folder / f"{number}.pem"
            file.write_bytes(text)
            listed.append({"case": case, "host": host, "pem": str(file)})
        (self.folder / "cases.json").write_text(json.dumps(listed))
        command = self.system.alone([sys.executable, str(CLIENTS), str(self.folder)], ADDRESSES)
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trusting:
    trusting = Trusting(tmp_path)
    monkeypatch.setenv("HOME", str(trusting.home))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    return trusting


def _authority(*allowed: str) -> Authority:
    """An authority for those domains and networks."""
    with alone():
        return make([parse(one) for one in allowed], NOW)


def _issued(authority: Authority, *names: str) -> bytes:
    """A certificate as nbfab has it for a host."""
    return pem.make(names, 365, NOW, NOW, signer=signer(authority)).encode()


def _cases(first: Authority, second: Authority) -> dict[str, tuple[str, bytes]]:
    """The certificates of hosts; `first` may sign for lab.test and 10.3.0.0/16, `second` for other.test."""
    name, stolen = "gpu1.lab.test", load(first.folder)
    host = leaf(stolen, [name])
    return {
        INSIDE: (name, _issued(first, name)),
        "for a name outside": ("gpu1.other.test", leaf(stolen, ["gpu1.other.test"]).pem),
        "for an address inside": ("10.3.0.1", _issued(first, "10.3.0.1", "localhost")),
        "for an address outside": ("10.4.0.1", leaf(stolen, ["localhost", "10.4.0.1"]).pem),
        "for 127.0.0.1": ("127.0.0.1", _issued(first, "127.0.0.1", "localhost")),
        "for ::1": ("::1", _issued(first, "::1", "localhost")),
        "for localhost": ("localhost", _issued(first, "localhost")),
        "for a name below localhost": ("gpu1.localhost", _issued(first, "gpu1.localhost")),
        "for a name inside those of a second authority": ("gpu1.other.test", _issued(second, "gpu1.other.test")),
        "for another host": (name, _issued(first, "gpu2.lab.test")),
        "expired": (name, leaf(stolen, [name], start=-10, days=9).pem),
        "not valid yet": (name, leaf(stolen, [name], start=2).pem),
        "signed by itself": (name, pem.make((name,), 365, NOW, NOW).encode()),
        "signed by an authority that is not trusted": (name, leaf(root("nbfab authority"), [name]).pem),
        "signed with a host's key": (name, leaf(host, [name]).pem + host.public),
    }


def _text(table: dict[str, dict[str, bool | str]]) -> str:
    """The table as docs/which-clients.md has it."""
    clients = list(table[INSIDE])
    rows = [["A certificate", *clients], ["---"] * (len(clients) + 1)]
    rows += [[case, *("yes" if made[client] else "no" for client in clients)] for case, made in table.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_clients_agree_as_the_page_says(trusting: Trusting) -> None:
    cases = _cases(_authority("lab.test", "10.3.0.0/16"), _authority("other.test"))
    inside = cases.pop(INSIDE)
    before = trusting.table({BEFORE: inside})
    trusting.nbfab("trust", "--yes")
    trusted, others = trusting.table({INSIDE: inside}), trusting.table(cases)
    trusting.nbfab("trust", "--remove", "--yes")
    table = trusted | before | trusting.table({AFTER: inside}) | others
    for case, made in table.items():
        assert made == dict.fromkeys(made, case in ACCEPTED), case
    assert _text(table) in PAGE.read_text(), _text(table)
