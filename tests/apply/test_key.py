"""The key of a certificate on its way here: from a file of the user's own, and into nothing but a Key."""

import json
import os
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shells import each_shell, records, run, stub
from test_keys import P256, pem

from nbfab.apply.key import FILES, fetch
from nbfab.errors import ConnectError, HostError
from nbfab.keys import LONGEST, Key
from nbfab.plan.pem import make
from nbfab.program import call, functions

PEM = make(("box",), 1, 1e9, 1e9)
CANARY = PEM.splitlines()[1]


class Scripted:
    """A host that answers each program with those lines, and may break off then."""

    label, local, names, ssh, remarks = "box", False, ("box",), "box", ()

    def __init__(self, *lines: str | bytes, error: Exception | None = None, ends: bool = True) -> None:
        self.lines, self.error, self.ends = lines, error, ends

    def talk(self, program: bytes, silence: float) -> Iterator[bytes]:
        begin, end = re.findall(rb"nbfab-(?:begins|ends)-[0-9a-f]+", program)
        yield begin + b"\n"
        for line in self.lines:
            yield line if isinstance(line, bytes) else line.encode() + b"\n"
        if self.error:
            raise self.error
        if self.ends:
            yield b"\n" + end + b"\n"

    def close(self) -> None:
        pass

    def renew(self) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profile's folder, with a PEM in it."""
    monkeypatch.setenv("XDG_DATA_HOME", f"{tmp_path}/data")
    folder = tmp_path / "data/nbfab/GPU2"
    folder.mkdir(parents=True)
    (folder / "pem").write_text(PEM)
    return folder


def told(shell: tuple[str, ...], before: str = "") -> list[dict[str, Any]]:
    """The records that a shell prints."""
    return records(run(shell, before + functions(*FILES) + call("tell_key", profile="GPU2", certificate="pem")))


@each_shell
def test_the_key_is_told_and_nothing_else_of_the_pem(shell: tuple[str, ...], folder: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (record,) = told(shell)
    assert record["key"] == PEM.partition("-----BEGIN CERT")[0]
    key, same = Key.load(record["key"]), Key.load(PEM)
    assert key
    assert same
    assert key.public == same.public
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@each_shell
@pytest.mark.parametrize(
    "text",
    [PEM.split("-----END PRIVATE KEY-----\n")[1] + pem(P256), pem(P256) * 3, "a\n" + pem(P256) + "b\n"],
    ids=["last", "three", "inside"],
)
def test_the_first_key_is_told(shell: tuple[str, ...], text: str, folder: Path) -> None:
    (folder / "pem").write_text(text)
    assert told(shell) == [{"key": pem(P256)}]


@each_shell
@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_pem_without_a_key_tells_an_empty_one(shell: tuple[str, ...], text: str, folder: Path) -> None:
    (folder / "pem").write_text(text)
    assert told(shell) == [{"key": ""}]


@each_shell
def test_a_file_without_an_end_is_not_read_to_it(shell: tuple[str, ...], folder: Path) -> None:
    (folder / "pem").write_text("-----BEGIN PRIVATE KEY-----\n" + 'A"\\\n' * 500_000)
    (record,) = told(shell)
    assert len(record["key"]) <= LONGEST
    assert Key.load(record["key"]) is None


@each_shell
@pytest.mark.parametrize("kind", ["absent", "link", "folder", "fifo", "link to the folder", "no folder"])
def test_nothing_is_told_unless_it_is_a_regular_file(shell: tuple[str, ...], kind: str, folder: Path) -> None:
    target = folder / "pem"
    other = folder.parent / "other"
    target.rename(other)
    if kind == "link":
        target.symlink_to(other)
    elif kind == "folder":
        target.mkdir()
    elif kind == "fifo":
        os.mkfifo(target)
    elif kind == "link to the folder":
        other.rename(target)
        folder.rename(other)
        folder.symlink_to(other)
    elif kind == "no folder":
        folder.rmdir()
    assert told(shell) == []


@each_shell
def test_nothing_is_told_of_another_user_s_file(shell: tuple[str, ...], folder: Path, tmp_path: Path) -> None:
    stub(tmp_path, "id", f"echo {os.getuid() + 1}")
    assert told(shell, f"PATH={tmp_path}:$PATH\n") == []


@each_shell
def test_the_key_is_in_no_argument_and_no_environment(shell: tuple[str, ...], folder: Path, tmp_path: Path) -> None:
    for name in ("ls", "awk", "id", "printf"):
        real = next(path for path in ("/usr/bin", "/bin") if Path(path, name).exists())
        stub(
            tmp_path, name, f'env >>{tmp_path}/log; for a; do echo "$a"; done >>{tmp_path}/log; exec {real}/{name} "$@"'
        )
    assert CANARY in json.dumps(told(shell, f"PATH={tmp_path}:$PATH\n"))
    log = (tmp_path / "log").read_text()
    assert "PRIVATE KEY-----/) inside" in log
    assert CANARY not in log


def test_a_key_is_fetched() -> None:
    key = fetch(Scripted(json.dumps({"key": PEM})), "GPU2", "pem")
    same = Key.load(PEM)
    assert key
    assert same
    assert key.public == same.public


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("",),
        ("no JSON", "{"),
        ('{"key": 7}', '{"key": null}', '{"key": ["-----BEGIN"]}'),
        (json.dumps({"key": "garbage"}),),
        (json.dumps({"key": CANARY}), json.dumps({"key": PEM})),
        (json.dumps({"key": "A" * 900_000}),),
        (json.dumps({"key": PEM + "\ud800"}),),
        (b'{"key": "\xff\xfe"}\n',),
    ],
)
def test_what_is_no_key_is_none(lines: tuple[str | bytes, ...]) -> None:
    assert fetch(Scripted(*lines), "GPU2", "pem") is None


@pytest.mark.parametrize(
    "host",
    [
        Scripted(f'{{"key": "{CANARY}', ends=False),
        Scripted(f'{{"key": "{CANARY}'.encode(), ends=False),
        Scripted(CANARY, error=TimeoutError()),
        Scripted(f'{{"key": "{CANARY}'.encode(), b"A" * 1_000_000),
        Scripted(*[json.dumps({"key": CANARY + "A" * 900_000})] * 10),
    ],
    ids=["cut", "cut line", "silent", "long", "endless"],
)
def test_an_error_says_nothing_of_what_the_host_has_told(host: Scripted) -> None:
    with pytest.raises(HostError, match="could not be fetched, so nothing was changed") as error:
        fetch(host, "GPU2", "pem")
    assert error.value.__context__ is None
    assert error.value.__cause__ is None
    assert CANARY not in "".join(traceback.format_exception(error.value)) + repr(error.value)


def test_a_lost_connection_is_said_to_be_one() -> None:
    with pytest.raises(ConnectError, match="the network is gone"):
        fetch(Scripted(error=ConnectError("the network is gone")), "GPU2", "pem")
