"""Where kernels have their sockets."""

import os
import shutil
import socket
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbfab.server import folders, kernels

KERNEL = f"kernel-{uuid.UUID(int=0)}-ipc"


@pytest.fixture
def short() -> Iterator[Path]:
    """A profile's folder with a short path."""
    folder = Path(f"/tmp/nb{os.getpid()}")
    folder.mkdir(0o700)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def long(tmp_path: Path) -> Iterator[Path]:
    """A profile's folder with a path that is too long for a socket."""
    folder = tmp_path / ("x" * folders.LONGEST)
    folder.mkdir(0o700)
    yield folder
    if (folder / folders.RECORD).exists():
        shutil.rmtree((folder / folders.RECORD).read_text().strip(), ignore_errors=True)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_the_profile_s_own_if_that_will_do(short: Path) -> None:
    assert folders.find(str(short)) == f"{short}/runtime"
    assert mode(short / "runtime") == 0o700
    assert os.listdir(short / "runtime") == []
    assert not (short / folders.RECORD).exists()


def test_the_longest_path_holds_all_sockets_of_a_kernel(short: Path) -> None:
    folder = short / ("x" * (folders.LONGEST - len(str(short)) - 1))
    folder.mkdir(0o700)
    assert folders.why_not(str(folder)) == ""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{folder}/{KERNEL}-6")
    longer = Path(f"{folder}x")
    longer.mkdir(0o700)
    assert "longer" in folders.why_not(str(longer))


def test_else_it_is_one_in_var_tmp_and_stays_the_same(long: Path) -> None:
    found = folders.find(str(long))
    assert found.startswith("/var/tmp/nbfab.")
    assert mode(Path(found)) == 0o700
    assert mode(long / folders.RECORD) == 0o600
    assert folders.find(str(long)) == found


@pytest.mark.parametrize("why", ["gone", "open", "link", "other"])
def test_one_that_is_gone_or_not_ours_is_made_anew(long: Path, why: str, tmp_path: Path) -> None:
    old = Path(folders.find(str(long)))
    if why == "open":
        old.chmod(0o755)
    elif why == "other":
        if os.geteuid():
            pytest.skip("takes root, to give a folder to another user")
        os.chown(old, 65534, 65534)
    else:
        old.rmdir()
    if why == "link":
        (tmp_path / "mine").mkdir(0o700)
        old.symlink_to(tmp_path / "mine")
    try:
        found = folders.find(str(long))
        assert found != str(old)
        assert folders.why_not(found) == ""
    finally:
        if why == "link":
            old.unlink()
        else:
            shutil.rmtree(old, ignore_errors=True)


def test_one_on_another_machine_will_not_do(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (short / "runtime").mkdir(0o700)
    monkeypatch.setattr(folders, "file_system", lambda folder: "nfs4")
    assert folders.why_not(f"{short}/runtime") == "it is on another machine (nfs4)"


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/home/ann/x", "nfs4"), ("/home/bob", "ext4"), ("/homes", "ext4"), ("/home/a b", "fuse.sshfs"), ("/s", "tmpfs")],
)
def test_the_file_system_is_that_of_the_nearest_mount(folder: str, kind: str, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "/dev/sda / ext4 rw 0 0\nauto /home/ann autofs rw 0 0\nserver:/x /home/ann nfs4 rw 0 0\n"
        "box: /home/a\\040b fuse.sshfs rw 0 0\nnone /s tmpfs rw 0 0\n"
    )
    assert folders.file_system(folder, str(mounts)) == kind


def test_without_any_the_server_is_not_started(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "OTHERWISE", str(long / "none"))
    with pytest.raises(SystemExit) as ends:
        kernels.set_up(None, str(long), object)
    said = str(ends.value)
    assert "the server is not started" in said
    assert "longer than 57 bytes" in said
    assert f"ls -ld {long}/none" in said


def test_sockets_that_no_one_listens_at_are_swept_away(short: Path) -> None:
    (short / "kernel.json").touch()
    with socket.socket(socket.AF_UNIX) as alive:
        alive.bind(f"{short}/{KERNEL}-1")
        alive.listen()
        for name in (f"{KERNEL}-2", "other"):
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(f"{short}/{name}")
        folders.sweep(str(short))
    assert sorted(os.listdir(short)) == [f"{KERNEL}-1", "kernel.json", "other"]
