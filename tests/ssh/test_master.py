"""The user's live ControlMaster: used if it is safe and the same login, never made."""

import contextlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from processes import command_of, descendants
from sshd import Sshd, keygen, wait_until

from nbfab.names import parse_host
from nbfab.ssh import master, process
from nbfab.ssh.early import Early
from nbfab.ssh.host import There
from nbfab.ssh.options import SshOptions
from nbfab.ssh.route import Route, resolve

PATH = "cm-%C"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for sockets, whose paths have to be short."""
    made = Path(tempfile.mkdtemp(prefix="nb", dir="/tmp"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def box(tmp_path: Path, folder: Path) -> Iterator[Sshd]:
    with Sshd(tmp_path / "sshd") as made:
        made.write_config(f"ControlPath {folder}/{PATH}\nControlMaster auto\n")
        yield made


@contextlib.contextmanager
def live(box: Sshd, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A ControlMaster as the user's own `ssh` makes it; after that, sshd lets no one in any more."""
    command = ["ssh", "-F", str(box.config), "-M", "-N", "-n", "box"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until(lambda: sockets(folder), "the ControlMaster")
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(10)


def sockets(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_socket() and not re.search(r"\.\w{16}$", path.name)]


def visit(box: Sshd, name: str = "box", **options: Any) -> tuple[str, tuple[str, ...]]:
    """What two programs print one after the other, and the remarks on the way there."""
    host = There(name, parse_host(name), SshOptions(config=str(box.config), **options))
    try:
        said = [b"".join(host.talk(b"echo reached\n", 20)).decode() for _ in range(2)]
    finally:
        host.close()
    assert all("reached\n" in text for text in said)
    return "".join(said), host.remarks


def logins(box: Sshd) -> int:
    return box.log.count("Accepted publickey")


@pytest.mark.parametrize("transport", ["", "openssh"])
@pytest.mark.parametrize("path", ["cm-%C", "%r@%h:%p"])
def test_a_live_master_takes_no_login(box: Sshd, folder: Path, transport: str, path: str) -> None:
    box.write_config(f"ControlPath {folder}/{path}\n")
    with live(box, folder):
        (box.folder / "authorized_keys").write_text("")
        _, remarks = visit(box, transport=transport)
        assert remarks == (f"over the ControlMaster at {sockets(folder)[0]}, without a login",)
        assert sockets(folder)
    assert (logins(box), box.connections) == (1, 1)


def early_for(box: Sshd, name: str = "box") -> Early:
    return Early(parse_host(name), SshOptions(config=str(box.config)))


def test_a_session_opened_early_is_the_one_that_is_used(
    box: Sshd, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = record_sessions(monkeypatch)
    with live(box, folder):
        (box.folder / "authorized_keys").write_text("")
        early = early_for(box)
        options = SshOptions(config=str(box.config))
        host = There("box", parse_host("box"), options, early=early)
        host.begin()
        assert b"reached\n" in b"".join(host.talk(b"echo reached\n", 20))
        host.close()
        early.close()
        assert len(begun) == 1


@pytest.mark.parametrize("options", [{"transport": "paramiko"}, {"keys": ("key",)}, {"accept_new": True}])
def test_a_session_opened_early_is_ended_if_other_options_count(
    box: Sshd, folder: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    begun = record_sessions(monkeypatch)
    with live(box, folder):
        early = early_for(box)
        assert early.take(parse_host("box"), SshOptions(config=str(box.config), **options)) == (None, None)
        early.close()
        assert [process.poll() is None for process in begun] == [False]


def test_nothing_is_opened_early_without_a_master(box: Sshd) -> None:
    early = early_for(box)
    route, session = early.take(parse_host("box"), SshOptions(config=str(box.config)))
    assert (route.port if route else None, session) == (box.port, None)
    assert box.connections == 0


def record_sessions(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that the sessions through a ControlMaster are, from now on."""
    begun: list[subprocess.Popen[bytes]] = []
    start = process.start

    def started(command: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
        begun.append(start(command, **how))
        return begun[-1]

    monkeypatch.setattr(process, "start", started)
    return begun


def test_control_master_auto_makes_none(box: Sshd, folder: Path) -> None:
    for transport in ("", "openssh"):
        _, remarks = visit(box, transport=transport)
        assert remarks == ()
        assert list(folder.iterdir()) == []
    assert logins(box) == 2


def test_a_socket_that_is_left_over_is_not_spoken_of(box: Sshd, folder: Path) -> None:
    with live(box, folder) as process:
        process.kill()
        process.wait(10)
        assert sockets(folder)
        assert visit(box)[1] == ()
    assert logins(box) == 2


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def of_session(box: Sshd) -> int:
    """The process of a connection, once that which lets in has ended (sshd(8))."""
    all_of_it = partial(descendants, box.process.pid, "sshd")
    wait_until(lambda: not any(b"[net]" in command_of(pid) for pid in all_of_it()), "the login to end", 10)
    return max(all_of_it())


@pytest.mark.parametrize("what", ["the master", "the host"])
def test_a_master_that_hangs_is_left_within_two_seconds(box: Sshd, folder: Path, what: str) -> None:
    with live(box, folder) as process:
        session = of_session(box)
        began = time.monotonic()
        with stopped(process.pid if what == "the master" else session):
            _, remarks = visit(box)
        assert time.monotonic() - began < 2 + 6  # and the usual way, on a machine with other things to do
        (remark,) = remarks
        assert remark == f"the ControlMaster at {sockets(folder)[0]} is not used: no answer within 2 seconds"
    assert logins(box) == 2


def test_a_master_that_opens_no_session_is_left(box: Sshd, folder: Path) -> None:
    box.stop()
    box._lines = "MaxSessions 0\n"
    box.log_file.unlink()
    box.start()
    with live(box, folder):
        config = box.folder / "sshd_config"
        config.write_text(config.read_text().replace("MaxSessions 0\n", ""))
        os.kill(box.process.pid, signal.SIGHUP)  # sshd reads it anew; its sessions stay as they are
        wait_until(lambda: box.log.count("Server listening") == 2, "sshd to listen again")
        (remark,) = visit(box)[1]
        assert remark.endswith("is not used: it opens no session")
    assert logins(box) == 2


@pytest.mark.parametrize("spoil", ["folder", "sticky folder", "folder above", "owner", "link"])
def test_a_socket_that_others_could_have_put_there_is_not_used(
    box: Sshd, folder: Path, spoil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = folder / "inner"
    inner.mkdir(mode=0o700)
    box.write_config(f"ControlPath {inner}/{PATH}\n")
    with live(box, inner):
        path = sockets(inner)[0]
        assert visit(box)[1] != ()
        if spoil == "folder":
            inner.chmod(0o777)
        elif spoil == "sticky folder":
            inner.chmod(0o1777)
        elif spoil == "folder above":
            folder.chmod(0o777)
        elif spoil == "link":
            path.rename(folder / "elsewhere")
            path.symlink_to(folder / "elsewhere")
        elif os.geteuid() == 0:
            os.chown(path, 65534, 65534)
        else:  # the same from the other side
            monkeypatch.setattr(master.os, "geteuid", lambda: 65534)
        assert visit(box)[1] == ()
        folder.chmod(0o700)
    assert logins(box) == 2


def test_a_socket_that_another_user_has_planted_gets_nothing(box: Sshd, folder: Path) -> None:
    route = resolve(parse_host("box"), str(box.config))
    (path,) = route.values["controlpath"]
    folder.chmod(0o777)
    with socket.socket(socket.AF_UNIX) as planted:
        planted.bind(path)
        planted.listen()
        planted.settimeout(0.2)
        assert visit(box)[1] == ()
        with pytest.raises(TimeoutError):
            planted.accept()


@pytest.mark.parametrize("other", ["user", "key", "identity", "jump", "no jump", "paramiko"])
def test_another_login_does_not_ride(box: Sshd, folder: Path, tmp_path: Path, other: str) -> None:
    key = keygen(tmp_path / "other")
    (box.folder / "authorized_keys").write_text(
        "".join(path.with_suffix(".pub").read_text() for path in (box.identity, key))
    )
    given: dict[str, dict[str, Any]] = {
        "key": {"keys": (str(key),)},
        "identity": {"identity": str(key)},
        "no jump": {"jumps": ()},
        "jump": {"jumps": (parse_host("127.0.0.1"),)},
        "paramiko": {"transport": "paramiko"},
    }
    options = given.get(other, {})
    with live(box, folder):
        if other in ("user", "jump"):
            typed = parse_host("carl@box" if other == "user" else "box")
            route = resolve(typed, str(box.config))
            assert master.live(resolve(parse_host("box"), str(box.config)), SshOptions(config=str(box.config)))
            assert not master.live(route, SshOptions(config=str(box.config), **options))
        else:
            assert visit(box, **options)[1] == ()
            assert logins(box) == 2


@pytest.mark.parametrize("path", ["cm", "cm-%h-%p", "cm-%r@%h", "cm-%n", "%r/cm-%h:%p"])
def test_a_path_that_does_not_say_whose_login_it_is_is_not_used(box: Sshd, folder: Path, path: str) -> None:
    place = Path(f"{folder}/{path}".replace("%r", pwd.getpwuid(os.geteuid()).pw_name)).parent
    place.mkdir(exist_ok=True)
    box.write_config(f"ControlPath {folder}/{path}\n")
    with live(box, place):
        assert visit(box)[1] == ()
    assert logins(box) == 2


def test_a_path_that_ssh_config_names_too_may_be_another_login(
    box: Sshd, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = SshOptions(config=str(box.config))
    route = resolve(parse_host("box"), options.config)
    ways: dict[str, Route] = {
        "the same": route,
        "another path": replace(route, values={"controlpath": ["/elsewhere"]}, proxy_command="nc %h %p"),
        "another jump host": replace(route, jumps=(parse_host("bastion"),)),
        "another key": replace(route, identities=("/another/key",)),
        "another command": replace(route, proxy_command="nc %h %p"),
    }
    used = {}
    with live(box, folder):
        for name, of_ssh_config in ways.items():
            monkeypatch.setattr(master, "resolve", lambda typed, way=of_ssh_config: way)
            used[name] = bool(master.live(route, options))
    assert used == {name: name in ("the same", "another path") for name in ways}


def test_nothing_is_forwarded_over_a_master(box: Sshd, folder: Path) -> None:
    with live(box, folder):
        host = There("box", parse_host("box"), SshOptions(config=str(box.config)))
        said = b"".join(host.talk(b"tty >/dev/null || echo no terminal\necho ${SSH_AUTH_SOCK-no agent}\n", 20))
        assert b"no terminal\nno agent\n" in said
        host.close()


def test_a_program_over_a_master_has_its_time_limit(box: Sshd, folder: Path) -> None:
    with live(box, folder):
        host = There("box", parse_host("box"), SshOptions(config=str(box.config)))
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            list(host.talk(b"echo begun; sleep 60\n", 1))
        host.close()
        assert time.monotonic() - began < 10
    assert logins(box) == 1


def test_a_master_that_ends_midway_is_an_error(box: Sshd, folder: Path) -> None:
    with live(box, folder) as process:
        host = There("box", parse_host("box"), SshOptions(config=str(box.config)))
        output = host.talk(b"echo begun; sleep 60\n", 20)
        assert b"begun" in next(data for data in output if b"begun" in data)
        process.terminate()
        with pytest.raises(master.ConnectError, match="the connection was cut"):
            list(output)
        host.close()
