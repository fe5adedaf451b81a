"""The certificate of a real profile: its names, its key and its pin over many runs, and a key that is no good."""

import json
import logging
import re
import ssl
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from machine import PASSWORD, Machine
from processes import lives

from nbfab.host import Here
from nbfab.keys import Key
from nbfab.outcome import Outcome
from nbfab.plan.certificate import STEP
from nbfab.plan.pem import make
from nbfab.run.converge import converge, preview
from nbfab.run.job import Body, attempt
from nbfab.settings import Settings
from nbfab.user import NoUser

GARBAGE = "canary-of-a-key"


class Odd(Here):
    """This machine under other names, which answers with `answer` when it is asked for a key; `asked` counts that."""

    def __init__(self, *names: str, answer: list[bytes] | None = None) -> None:
        self.names = names or ("gpu1",)  # type: ignore[assignment]
        self.answer = answer
        self.asked = 0

    def talk(self, program: bytes, silence: float, more: Iterable[bytes] = ()) -> Iterator[bytes]:
        if b"\ntell_key\n" not in program:
            yield from super().talk(program, silence, more)
            return
        self.asked += 1
        begin, end = re.findall(rb"nbfab-(?:begins|ends)-[0-9a-f]+", program)
        if self.answer is None:
            yield from super().talk(program, silence, more)
        else:
            yield begin + b"\n"
            yield from self.answer
            yield b"\n" + end + b"\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profile's folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path / "nbfab/nbserver"


def do(
    host: Here, body: Body = lambda job: converge(job, (STEP,)), names: tuple[str, ...] = (), **more: object
) -> Outcome:
    """How a run of the step ends; `names` are those of --name."""
    settings = Settings.parse({"names": names, "python": "/nowhere"})
    return attempt("certificate", body, host, settings, user=NoUser(), **more)  # type: ignore[arg-type]


def told(*records: object) -> list[bytes]:
    return [json.dumps(record).encode() + b"\n" for record in records]


def test_a_renewal_fetches_the_key_and_no_other_run_does(folder: Path) -> None:
    host = Odd("gpu1")
    first = do(host)
    assert (first.verdict, host.asked) == ("changed", 0)
    assert (do(host).verdict, host.asked) == ("unchanged", 0)
    plan = do(host, lambda job: preview(job, (STEP,)), ("lab",))
    assert [change.kind for change in plan.changes] == ["renew certificate", "write"]
    assert ", with the same key: it lacks lab" in plan.changes[0].summary
    assert host.asked == 0
    again = do(host, names=("lab",))
    assert host.asked == 1
    assert [(change.kind, change.what) for change in again.changes] == [
        ("write", "renew the certificate"),
        ("write", "add the name lab"),
    ]
    assert ", with the same key: it lacks lab" in again.changes[0].summary
    assert again.state["pin"] == first.state["pin"]
    assert again.state["fingerprint"] != first.state["fingerprint"]
    assert (do(host, names=("lab",)).verdict, host.asked) == ("unchanged", 1)


def test_names_of_which_only_the_host_knows_are_told_with_the_option_that_asks_for_them(folder: Path) -> None:
    do(Odd("gpu1", "lab"))
    note = "kept from the host's own record: gpu1, lab (to ask here: --name gpu1 --name lab)"
    assert note in do(Odd("gpu2"), lambda job: preview(job, (STEP,))).notes
    outcome = do(Odd("gpu2"))
    assert note in outcome.notes
    assert {"gpu1", "gpu2", "lab"} <= set(outcome.state["names"])
    assert not [note for note in do(Odd("gpu2")).notes if "--name" in note]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([], "the host sent none that can be read"),
        ([b"\xff\xfe\n", GARBAGE.encode() + b"\n"], "the host sent none that can be read"),
        (told({"key": GARBAGE}), "the host sent none that can be read"),
        (told({"key": GARBAGE * 40_000}), "the host sent none that can be read"),
        (told({"key": [GARBAGE]}, {"key": 7}), "the host sent none that can be read"),
        ("another", "the one that the host sent is another's"),
    ],
    ids=["nothing", "noise", "garbage", "600 kB", "types", "another"],
)
def test_a_key_that_is_no_good_is_replaced_and_the_report_says_why(
    folder: Path, answer: list[bytes] | str, why: str
) -> None:
    first = do(Odd("gpu1"))
    if isinstance(answer, str):
        answer = told({"key": make(("x",), 1, 1e9, 1e9)})
    outcome = do(Odd("gpu1", answer=answer), names=("lab",))
    assert (outcome.verdict, outcome.status) == ("changed", 0)
    assert f"the certificate gets a new key, and so a new pin: {why}" in outcome.notes
    assert ", with a new key: it lacks lab" in outcome.changes[0].summary
    assert outcome.state["pin"] != first.state["pin"]
    assert GARBAGE not in repr(outcome) + json.dumps(outcome.document())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "nbserver.pem")
    assert do(Odd("gpu1"), names=("lab",)).verdict == "unchanged"


@pytest.mark.parametrize("answer", [[b'{"key": "' + GARBAGE.encode(), b"A" * 1_000_000], [b"A" * 10] * 900_000])
def test_a_host_that_answers_without_end_keeps_its_certificate(folder: Path, answer: list[bytes]) -> None:
    do(Odd("gpu1"))
    before = (folder / "nbserver.pem").read_bytes()
    outcome = do(Odd("gpu1", answer=answer), names=("lab",))
    assert (outcome.verdict, outcome.error) == (
        "failed",
        "the key of its certificate could not be fetched, so nothing was changed",
    )
    assert GARBAGE not in repr(outcome)
    assert (folder / "nbserver.pem").read_bytes() == before


def test_a_new_key_is_made_only_where_it_is_asked_for(folder: Path) -> None:
    pin = do(Odd()).state["pin"]
    host = Odd()
    outcome = do(host, flags=frozenset({"new_key"}))
    assert outcome.changes[0].reason == "a new key is wanted"
    assert outcome.state["pin"] != pin
    assert host.asked == 0
    assert do(Odd()).verdict == "unchanged"


def test_names_are_dropped(folder: Path) -> None:
    pin = do(Odd("gpu1", "old")).state["pin"]
    refused = do(Odd("gpu1", "old"), lists={"drop_name": ("old",)})
    assert refused.status == 2
    assert "old cannot be dropped, because the next run would add it again" in refused.error
    dropped = do(Odd("gpu1"), lists={"drop_name": ("OLD",)})
    assert ", with the same key: it still has old" in dropped.changes[0].summary
    assert "nothing to drop" not in " ".join(dropped.notes)
    assert "old" not in dropped.state["names"]
    assert dropped.state["pin"] == pin
    again = do(Odd("gpu1"), lists={"drop_name": ("old",)})
    assert (again.verdict, again.status) == ("unchanged", 0)
    assert "old is none of the certificate's names, so there is nothing to drop" in again.notes


def test_the_key_that_was_fetched_is_in_no_log_and_no_repr(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    loaded: list[Key] = []
    load = Key.load

    def watched(pem: str) -> Key | None:
        seen.append(pem)
        key = load(pem)
        loaded.extend([key] if key else [])
        return key

    monkeypatch.setattr(Key, "load", watched)
    do(Odd("gpu1"))
    outcome = do(Odd("gpu1"), names=("lab",))
    (text,) = seen
    canary = text.splitlines()[1]
    assert canary in (folder / "nbserver.pem").read_text()
    assert repr(loaded) == "[Key(...)]"
    for place in (caplog.text, repr(outcome), json.dumps(outcome.document())):
        assert canary not in place


def test_the_typed_commands(here: Machine) -> None:
    first = here.json("certificate", "--name", "old.example.org", "--name", "lab")
    assert {"old.example.org", "lab", "localhost"} <= set(first["state"]["names"])
    said = here.fails("certificate", "--name", "lab", "--drop-name", "lab", status=2)
    assert "lab cannot be dropped, because the next run would add it again: it is from --name" in said
    said = here.ok("certificate", "--drop-name", "old.example.org", "--drop-name", "lab")
    assert "with the same key: it still has old.example.org, lab" in said
    assert "nothing to drop" in here.ok("certificate", "--drop-name", "lab")
    assert here.json("certificate")["state"]["pin"] == first["state"]["pin"]
    assert "a new key is wanted" in here.ok("certificate", "--new-key")
    assert here.json("certificate")["state"]["pin"] != first["state"]["pin"]
    assert "drop-name must be DNS names or IP addresses" in here.fails("certificate", "--drop-name", "a b", status=2)


def test_a_running_server_takes_up_a_renewed_certificate_and_curl_s_pin_still_fits(here: Machine) -> None:
    here.ok("setup")
    pid = here.server
    status = here.json("status")["state"]
    shown = here.ok("status")
    assert f"\n  pin          {status['pin']}\n" in shown
    assert f"\n  names        {' '.join(status['names'])}\n" in shown
    here.ok("setup", "--name", "lab.example.org")
    again = here.json("status")["state"]
    assert "lab.example.org" in again["names"]
    assert (again["pin"], again["fingerprint"] == status["fingerprint"]) == (status["pin"], False)
    assert here.server == pid
    assert lives(pid)
    curl = ["curl", "-sS", "--cacert", str(here.folder / "nbserver.pem"), "--pinnedpubkey"]
    url = f"https://localhost:{here.port}/api"
    assert "version" in subprocess.run([*curl, status["pin"], url], capture_output=True, text=True, check=True).stdout
    wrong = "sha256//" + "A" * 43 + "="
    assert subprocess.run([*curl, wrong, url], capture_output=True, check=False).returncode == 90


def test_two_operators_with_two_names_for_one_host(there: Machine) -> None:
    assert there.sshd
    there.sshd.write_config(name="gpu1 gpu1.example.org")

    def setup(name: str) -> str:
        command = ["nbfab", *there.command("setup")[1:]]
        command[command.index("box")] = name
        env = there.env | {"NBFAB_PASSWORD": PASSWORD}
        done = subprocess.run(command, env=env, cwd=there.work, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    said, keys, certificates = [], [], []
    for name in ("gpu1", "gpu1.example.org") * 3:
        said.append(setup(name))
        key, _, certificate = (there.folder / "nbserver.pem").read_text().partition("-----BEGIN CERT")
        keys.append(key)
        certificates.append(certificate)
    assert len(set(keys)) == 1
    assert len(set(certificates)) == 2
    assert certificates[0] not in certificates[1:]
    assert "with the same key: it lacks gpu1.example.org" in said[1]
    assert "(to ask here: --name gpu1)\n" in said[1]
    assert [": nothing changed" in words for words in said] == [False, False, True, True, True, True]


def test_a_name_that_is_gone_from_an_inventory_stays_until_it_is_dropped(there: Machine) -> None:
    assert there.sshd
    there.sshd.write_config(name="gpu1")
    inventory = there.work / "hosts.yaml"
    program = ["nbfab", "-S", str(there.sshd.config)]

    def certificate(*flags: str) -> dict[str, Any]:
        command = [*program, "fleet.certificate", "--yes", "--json", *flags]
        done = subprocess.run(command, env=there.env, cwd=there.work, capture_output=True, text=True, check=False)
        (host,) = json.loads(done.stdout)["hosts"]
        return dict(host)

    inventory.write_text("hosts:\n  gpu1:\n    names: [lab]\n")
    first = certificate()
    assert {"gpu1", "lab"} <= set(first["state"]["names"])
    refused = certificate("--drop-name", "lab")
    assert (
        "lab cannot be dropped, because the next run would add it again: it is from the inventory" in refused["error"]
    )
    inventory.write_text("hosts:\n  gpu1:\n    days: 100\n")
    assert "lab" in certificate()["state"]["names"]
    dropped = certificate("--drop-name", "lab")["state"]
    assert "lab" not in dropped["names"]
    assert dropped["pin"] == first["state"]["pin"]
    assert certificate()["verdict"] == "unchanged"
