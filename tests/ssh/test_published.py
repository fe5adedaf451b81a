"""The connection that an `open` holds: other tasks find it if it is the login that they would make."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sshd import Sshd, keygen, wait_until

from nbfab.names import parse_host
from nbfab.ssh import published
from nbfab.ssh.arguments import by_itself
from nbfab.ssh.host import There
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route, resolve


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "state/nbfab/open"
    folder.mkdir(mode=0o700, parents=True)
    return folder


def way(box: Sshd, **more: Any) -> tuple[Route, SshOptions]:
    options = SshOptions(config=str(box.config), **more)
    return resolve(parse_host("box"), options.config, options.options), options


@contextlib.contextmanager
def carrier(box: Sshd, state: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """What an `open` has: a ControlMaster, and a link to it; after that, sshd lets no one in any more."""
    folder.mkdir(0o700)
    control = folder / "m"
    ssh, *words = by_itself(parse_host("box"), SshOptions(config=str(box.config)))
    command = [ssh, "-N", "-o", "ControlMaster=yes", "-o", f"ControlPath={control}", *words]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until(control.exists, "the carrier")
        os.symlink(control, f"{published.place(*way(box))}-1")
        (box.folder / "authorized_keys").write_text("")
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(10)


def visit(box: Sshd, **more: Any) -> tuple[str, tuple[str, ...]]:
    host = There("box", parse_host("box"), SshOptions(config=str(box.config), **more))
    try:
        said = b"".join(host.talk(b"echo reached\n", 20)).decode()
    finally:
        host.close()
    return said, host.remarks


@pytest.fixture
def short() -> Iterator[Path]:
    """A place for a folder of sockets, whose paths have to be short."""
    made = Path(tempfile.mkdtemp(prefix="nb", dir="/tmp"))
    yield made / "o"
    shutil.rmtree(made)


@pytest.mark.parametrize("transport", ["", "openssh"])
def test_a_task_goes_over_it_without_a_login(box: Sshd, state: Path, short: Path, transport: str) -> None:
    with carrier(box, state, short):
        said, remarks = visit(box, transport=transport)
        assert "reached" in said
        assert remarks == (f"over the ControlMaster at {short}/m, without a login",)
    assert box.connections == 1


def test_what_is_asked_for_counts(box: Sshd, state: Path, short: Path, tmp_path: Path) -> None:
    key = keygen(tmp_path / "key")
    with carrier(box, state, short):
        (box.folder / "authorized_keys").write_text(
            Path(f"{key}.pub").read_text() + Path(f"{box.identity}.pub").read_text()
        )
        for more in ({"transport": "paramiko"}, {"keys": (str(key),)}, {"identity": str(key)}):
            before = box.connections
            assert "reached" in visit(box, **more)[0]
            assert box.connections == before + 1, more


@pytest.mark.parametrize(
    "more",
    [
        {"keys": ("/key",)},
        {"identity": "/key"},
        {"options": ("-o", "Compression=yes")},
        {"jumps": (parse_host("gate"),)},
    ],
)
def test_another_login_is_another_place(box: Sshd, more: dict[str, Any]) -> None:
    assert published.place(*way(box, **more)) != published.place(*way(box))
    assert published.place(*way(box, timeout=3.0, accept_new=True)) == published.place(*way(box))


@pytest.mark.parametrize("lines", ["Port 1", "User other", "HostName ::1", "IdentityFile /k", "UserKnownHostsFile /k"])
def test_so_is_another_configuration_of_that_name(box: Sshd, lines: str) -> None:
    before = published.place(*way(box))
    box.write_config(lines)
    assert published.place(*way(box)) != before


def test_one_that_others_could_have_made_is_not_used(box: Sshd, state: Path, short: Path) -> None:
    with carrier(box, state, short):
        assert published.live(*way(box)) == f"{short}/m"
        short.chmod(0o777)
        assert published.live(*way(box)) == ""


def test_one_that_has_ended_is_not_used(box: Sshd, state: Path, short: Path) -> None:
    with carrier(box, state, short) as process:
        process.kill()
        process.wait()
        assert published.live(*way(box)) == ""


def test_one_that_hangs_delays_a_task_for_a_moment(box: Sshd, state: Path, short: Path) -> None:
    keys = (box.folder / "authorized_keys").read_text()
    with carrier(box, state, short) as process:
        (box.folder / "authorized_keys").write_text(keys)
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        said, remarks = visit(box)
        assert "reached" in said
        assert time.monotonic() - began < 20
        assert remarks == (f"the ControlMaster at {short}/m is not used: no answer within 2 seconds",)
