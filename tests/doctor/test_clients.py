"""A server that asks for clients' certificates, and an authority of the user's own: what is wrong with them."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from authorities import authority, home_of, signer
from machine import Machine
from plan_cases import DAY, NOW, WANTED, entry, file, holding, running, seen
from recorded_faults import HEALTHY, NEAR

from nbfab.authority.authority import Authority
from nbfab.doctor.layers import examine
from nbfab.finding import Finding
from nbfab.fix import task
from nbfab.keys import Key
from nbfab.look.facts import Facts
from nbfab.plan import clients, pem
from nbfab.settings import Settings
from nbfab.wanted import Wanted

OWN = entry("ann@laptop", "operator", "")
ASKING = replace(WANTED, settings=Settings.parse({"client_certificates": True}), client=OWN)
FULL = seen(
    running(ASKING),
    interpreter={"path": "/env/bin/python"},
    listening={"known": True, "addresses": ("0.0.0.0",)},
    stale={"tmux": "tmux 3.4"},
)
LIST = FULL.files.text(clients.FILE)
PLACE = f"{FULL.files.folder}/{clients.FILE}"


def failed(wanted: Wanted, facts: Facts, near: object = NEAR) -> list[Finding]:
    return [finding for finding in examine(wanted, near, facts) if finding.state == "failed"]  # type: ignore[arg-type]


def test_nothing_is_found_where_the_list_is_right() -> None:
    assert failed(ASKING, FULL) == []
    assert failed(ASKING, holding(FULL, file(clients.FILE, LIST + entry("bob", days=40)))) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            LIST + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            f"{PLACE} cannot be read, so the server admits no one",
        ),
        (LIST + "-----BEGIN CERTIFICATE-----\n", f"{PLACE} cannot be read, so the server admits no one"),
        (LIST.replace(OWN, ""), "the server does not admit nbfab on this machine"),
        (OWN, "the certificate with which nbfab on the host asks the server is not admitted"),
        (LIST + entry("bob", days=4), "the client certificate of bob has 4 days left"),
    ],
)
def test_a_list_that_was_changed_by_hand_is_found(text: str, words: str) -> None:
    (found,) = failed(ASKING, holding(FULL, file(clients.FILE, text)))
    assert (found.layer, found.words) == ("certificate", words)
    assert found.fix


def test_one_that_is_gone_or_open_to_others_is_found() -> None:
    gone = seen(FULL, files={"entries": tuple(one for one in FULL.files.entries if one.path != clients.FILE)})
    assert [found.words for found in failed(ASKING, gone)] == [
        f"{PLACE} is gone, so the server admits no one; its clients have to be added again"
    ]
    (found,) = failed(ASKING, holding(FULL, file(clients.FILE, LIST, "-rw-r--r--")))
    assert found.words == f"{PLACE}, by which the server admits clients, is -rw-r--r--, not -rw-------"
    near = replace(NEAR, exposed="/home/ann/client.pem", unreached="SSL alert")
    (found,) = failed(replace(ASKING, client=""), FULL, near)
    assert found.words == "others can read /home/ann/client.pem here, a key by which servers let you in"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Authority]:
    with home_of(tmp_path):
        yield authority("example.org")


@pytest.mark.parametrize(("left", "words"), [(400, []), (60, ["ends in 60 days"])])
def test_an_authority_that_ends_soon_is_found(own: Authority, left: int, words: list[str]) -> None:
    now = NOW + (own.days_left(NOW) - left) * DAY
    names = ("box.example.org", "localhost", "127.0.0.1", "::1")
    text = pem.make(names, 50, now, now, Key.new(), signer(own))
    facts = holding(HEALTHY, file("nbserver.pem", text))
    facts = seen(facts, host={"clock": int(now)})
    wanted = replace(WANTED, now=now, authorities=(own,), issued=names)
    found = [
        of for of in examine(wanted, replace(NEAR, asked=now - 1, answered=now + 1), facts) if of.layer == "certificate"
    ]
    if words:
        assert [of.words for of in found] == [f"{own.name}, which has issued the certificate, ends in {left} days"]
        assert found[0].fix[-1] == task("ca", "--new", "--allow=example.org")
    else:
        assert found[0].words == f"50 days left, issued by {own.name}, which has {left} days left itself"


def by_hand(machine: Machine) -> None:
    """A line that was lost in an editor."""
    file = machine.folder / "clients.pem"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:2], *lines[3:]]))


def removed(machine: Machine) -> None:
    """The file is gone."""
    (machine.folder / "clients.pem").unlink()


def unknown(machine: Machine) -> None:
    """The certificate of nbfab here is gone."""
    client(machine).unlink()


def others(machine: Machine) -> None:
    """Others can read its key."""
    client(machine).chmod(0o644)


def client(machine: Machine) -> Path:
    """The certificate of nbfab here."""
    return Path(machine.env["HOME"], ".local/state/nbfab/client.pem")


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("asking"), program="nbfab")
    machine.ok("setup", "--client-certificates")
    yield machine
    machine.close()


@pytest.mark.parametrize("plant", [by_hand, removed, unknown, others])
def test_a_fault_is_found_changes_nothing_and_its_fix_is_typed(
    asking: Machine, plant: Callable[[Machine], None]
) -> None:
    healthy = asking.json("doctor")
    assert healthy["verdict"] == "healthy", healthy["error"]
    server = asking.server
    plant(asking)
    state = {path.name: path.read_bytes() for path in client(asking).parent.iterdir() if path.is_file()}
    assert "certificate  failed: " in asking.run("doctor").stdout, "what was asked for is on standard output"
    outcome = asking.json("doctor")
    layers = {of["layer"] for of in outcome["findings"] if of["state"] == "failed"}
    assert layers in ({"certificate"}, {"certificate", "server"}), outcome["findings"]
    assert {path.name: path.read_bytes() for path in client(asking).parent.iterdir() if path.is_file()} == state
    for command in dict.fromkeys(part["command"] for part in outcome["fix"] if "command" in part):
        typed = subprocess.run(
            ["/bin/sh", "-c", command],
            env=asking.env,
            cwd=asking.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert typed.returncode == 0, (command, typed.stdout, typed.stderr)
    again = asking.json("doctor")
    assert again["verdict"] == "healthy", again["error"]
    assert asking.server == server, "no fix takes a restart"
