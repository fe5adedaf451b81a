"""What is sent to a host as a tar behind the program, in the shells that hosts have."""

import os
import zipfile
from pathlib import Path

import pytest
from namespace import after
from shell_host import Shell
from shells import each_shell, stub

from nbfab.apply.wheels import check_room, send
from nbfab.errors import HostError
from nbfab.host import Host
from nbfab.wheels.parcel import Parcel
from nbfab.wheels.target import Target


@pytest.fixture
def parcel(tmp_path: Path) -> Parcel:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "a.whl").write_bytes(b"exit 9\n" * 100_000)  # what no shell is to run
    (folder / "requirements.txt").write_text("a==1\n")
    return Parcel("wheels-1", folder)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def cache(home: Path) -> dict[str, set[str]]:
    """What is in the cache on the host."""
    return {path.name: {file.name for file in path.iterdir()} for path in home.glob(".local/share/nbfab/.cache/*")}


def sent(host: Host, parcel: Parcel) -> list[str]:
    heard: list[str] = []
    send(host, parcel, heard.append)
    return heard


WHOLE = {"wheels-1": {"a.whl", "requirements.txt", "whole"}}


@each_shell
def test_it_arrives_whole(shell: tuple[str, ...], parcel: Parcel, home: Path) -> None:
    sent(Shell(shell, home), parcel)
    assert cache(home) == WHOLE
    place = home / ".local/share/nbfab/.cache/wheels-1"
    assert (place / "a.whl").read_bytes() == (parcel.folder / "a.whl").read_bytes()
    assert place.stat().st_mode & 0o777 == 0o700
    # What `remove` needs to leave the home folder as it was.
    record = (home / ".local/share/nbfab/.made").read_text().splitlines()
    assert f"folder {home}/.local" in record
    assert "absent .ipython" in record
    sent(Shell(shell, home), parcel)  # as another run that sends it at the same time
    assert cache(home) == WHOLE


@each_shell
def test_what_is_cut_leaves_nothing_and_is_said_in_a_line(shell: tuple[str, ...], parcel: Parcel, home: Path) -> None:
    with pytest.raises(HostError, match="what was sent to it was not kept: it has not arrived whole: ") as error:
        sent(Shell(shell, home, cut=True), parcel)
    assert "\n" not in str(error.value)
    assert cache(home) == {}


@each_shell
def test_a_cut_parcel_does_not_take_the_place_of_one_that_is_there(
    shell: tuple[str, ...], parcel: Parcel, home: Path
) -> None:
    sent(Shell(shell, home), parcel)
    with pytest.raises(HostError):
        sent(Shell(shell, home, cut=True), parcel)
    assert cache(home) == WHOLE


@each_shell
def test_a_full_disk_is_named(shell: tuple[str, ...], parcel: Parcel, home: Path) -> None:
    (parcel.folder / "b.whl").write_bytes(bytes(4_000_000))
    data = home / ".local/share"
    data.mkdir(parents=True)
    small = after(shell, [f"mount -t tmpfs -o size=1m small {data}"])
    with pytest.raises(HostError, match=r"No space left on device; \d+ KiB free on /") as error:
        sent(Shell(small, home), parcel)
    assert error.value.hint == "make room on that disk"
    assert "\n" not in str(error.value)


def test_a_folder_that_cannot_be_written_to_is_named(parcel: Parcel, home: Path) -> None:
    (home / ".local").write_text("a file")
    with pytest.raises(HostError, match=r"it cannot be written to: .*mkdir: .*Not a directory") as error:
        sent(Shell(["sh"], home), parcel)
    assert "\n" not in str(error.value)


def test_without_tar_python_unpacks(parcel: Parcel, home: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in (
        "sh",
        "mkdir",
        "find",
        "rm",
        "mv",
        "tail",
        "sleep",
        "du",
        "awk",
        "df",
        "id",
        "date",
        "python3",
        "wc",
        "cat",
    ):
        stub(bare, name, f'exec "$(PATH=/usr/bin:/bin command -v {name})" "$@"')
    sent(Shell(["/bin/sh"], home, path=str(bare)), parcel)
    assert cache(home) == WHOLE


def test_a_long_one_says_how_much_has_arrived(parcel: Parcel, home: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    stub(tmp_path / "bin", "tar", "cat >a.whl; sleep 3; touch whole")
    heard = sent(Shell(["/bin/sh"], home, path=f"{tmp_path}/bin:{os.environ['PATH']}"), parcel)
    assert heard
    assert set(heard) <= {"0 of 1 MB", "1 of 1 MB"}


def test_a_signal_leaves_nothing(parcel: Parcel, home: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    stub(tmp_path / "bin", "tar", "touch half; kill -HUP 0; sleep 9")
    with pytest.raises(HostError, match="it stopped midway"):
        sent(Shell(["/bin/sh"], home, path=f"{tmp_path}/bin:{os.environ['PATH']}"), parcel)
    assert cache(home) == {}


def test_room_is_looked_for_before_anything_is_sent(parcel: Parcel) -> None:
    with zipfile.ZipFile(parcel.folder / "a.whl", "w") as archive:
        archive.writestr("a.py", bytes(500_000))
    target = Target("Linux", "x86_64", "glibc", (2, 36), (3, 11), room=600_000)
    with pytest.raises(HostError, match="its disk is too full: its packages take 2 MB there, and 1 MB are free"):
        check_room(target, parcel)
