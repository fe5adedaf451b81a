"""The far end as a program: where its socket is, whom it lets in, and when it ends."""

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from machine import ROOT
from sshd import wait_until

from nbfab.relay import VERSION
from nbfab.relay.greeting import probe
from nbfab.relay.serve import NAME, address, place, port

CODE = "import sys; sys.path.insert(0, sys.argv[1]); from nbfab_relay.serve import main; main(sys.argv[1])"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """A profile's folder with the relay in it, as on a host."""
    folder = tmp_path / "p"
    shutil.copytree(ROOT / "nbfab/relay", folder / "nbfab_relay", ignore=shutil.ignore_patterns("__pycache__"))
    folder.chmod(0o700)
    return folder


@contextmanager
def relay(profile: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-I", "-S", "-B", "-c", CODE, profile]) as process:
        try:
            wait_until(lambda: Path(place(str(profile))).exists(), "the relay's socket")
            yield process
        finally:
            process.kill()


def answers(path: str) -> bool:
    async def ask() -> None:
        loop = asyncio.get_running_loop()
        await probe(lambda factory: loop.create_unix_connection(factory, path))

    try:
        asyncio.run(ask())
    except OSError:
        return False
    return True


def test_it_serves_its_owner_alone_and_leaves_nothing(profile: Path) -> None:
    before = sorted(path.name for path in profile.rglob("*"))
    with relay(profile) as process:
        path = profile / f"relay-{VERSION}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert answers(str(path))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert sorted(path.name for path in profile.rglob("*")) == before


def test_it_takes_the_place_of_one_that_was_killed(profile: Path) -> None:
    with relay(profile) as process:
        process.kill()
        process.wait(10)
    assert (profile / NAME).exists()
    assert not answers(str(profile / NAME))
    with relay(profile):
        wait_until(lambda: answers(str(profile / NAME)), "the next one")


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    profile = tmp_path / ("long" * 25)
    profile.mkdir()
    path = Path(place(str(profile)))
    try:
        assert path.parent.parent == Path("/var/tmp")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert (profile / "relay").read_text() == f"{path.parent}/\n"
        assert place(str(profile)) == str(path)
        path.parent.chmod(0o755)
        another = Path(place(str(profile)))
        assert another != path
        another.parent.rmdir()
    finally:
        path.parent.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root: another user")
def test_a_folder_that_another_user_has_made_is_not_used(tmp_path: Path) -> None:
    profile = tmp_path / ("long" * 25)
    profile.mkdir()
    planted = Path(tempfile.mkdtemp(prefix="nbfab.", dir="/var/tmp"))
    os.chown(planted, 65534, 65534)
    (profile / "relay").write_text(f"{planted}/\n")
    own = Path(place(str(profile))).parent
    try:
        assert own != planted
        assert own.stat().st_uid == 0
        assert (profile / "relay").read_text() == f"{own}/\n"
    finally:
        planted.rmdir()
        own.rmdir()


@pytest.mark.parametrize(
    ("noted", "reached"),
    [("", "127.0.0.1"), ("*", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("10.0.0.5", "10.0.0.5"), ("::1", "::1")],
)
def test_the_address_that_the_server_listens_at(profile: Path, noted: str, reached: str) -> None:
    (profile / "started").write_text("10 11 5 digest 1\n")
    (profile / "runtime").mkdir()
    (profile / "runtime/jpserver-11.json").write_text(json.dumps({"port": 9999, "hostname": noted}))
    assert address(str(profile)) == reached


@pytest.mark.parametrize("kind", ["jpserver", "nbserver"])
def test_the_port_of_the_server_that_was_started_last(profile: Path, kind: str) -> None:
    with pytest.raises(OSError, match="started"):
        port(str(profile))
    (profile / "started").write_text("10 11 5 digest 1\n")
    (profile / "runtime").mkdir()
    with pytest.raises(OSError, match="no server runs"):
        port(str(profile))
    (profile / f"runtime/{kind}-10.json").write_text(json.dumps({"port": 1}))
    (profile / f"runtime/{kind}-11.json").write_text(json.dumps({"port": 9999, "token": "x"}))
    assert port(str(profile)) == 9999
    (profile / f"runtime/{kind}-11.json").write_text("{")
    with pytest.raises(OSError, match="no server runs"):
        port(str(profile))


def test_it_ends_by_itself_once_it_is_no_longer_used(tmp_path: Path) -> None:
    from nbfab.relay.far import Far
    from nbfab.relay.serve import serve

    path = tmp_path / "s"
    asyncio.run(asyncio.wait_for(serve(str(path), Far(lambda: 1), sweep=0.01, keep=0.05), 10))
    assert not path.exists()
    assert os.listdir(tmp_path) == []
