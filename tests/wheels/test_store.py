"""The store of wheelhouses on this machine."""

import os
import threading
from pathlib import Path

import pytest

from nbfab.errors import HostError
from nbfab.wheels import store


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "nbfab/wheels"


def fill(folder: Path) -> None:
    (folder / "x.whl").write_bytes(bytes(1000))


def test_it_is_made_once_for_threads_and_runs(top: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        fill(folder)

    def use() -> None:
        with store.kept("a", make) as folder:
            assert (folder / "x.whl").exists()

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 1
    assert {path.name for path in top.iterdir()} == {"a", "a.lock"}
    assert top.stat().st_mode & 0o777 == 0o700


def test_half_a_wheelhouse_is_never_used(top: Path) -> None:
    def fail(folder: Path) -> None:
        fill(folder)
        raise HostError("cut")

    with pytest.raises(HostError, match="cut"), store.kept("a", fail):
        pass
    (top / "a.new.killed").mkdir()  # of a run that had no time to clean up
    with store.kept("a", fill):
        assert {path.name for path in top.iterdir()} == {"a", "a.lock"}


def test_what_was_used_least_goes_first_and_what_is_in_use_stays(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MOST", 2500)
    for name in ("old", "older"):
        with store.kept(name, fill):
            pass
    os.utime(top / "older", (1, 1))
    os.utime(top / "old", (2, 2))
    with store.kept("older", fill):  # it is in use, but was not used for long
        os.utime(top / "older", (1, 1))
        with store.kept("third", fill):
            assert {path.name for path in top.iterdir() if path.is_dir()} == {"old", "older", "third"}
    os.utime(top / "older", (1, 1))
    with store.kept("fourth", fill):
        assert {path.name for path in top.iterdir() if path.is_dir()} == {"third", "fourth"}


@pytest.mark.parametrize("file", ["x.whl", store.SUMS])
@pytest.mark.parametrize("damage", [b"", bytes(999), bytes(999) + b"x", None])
def test_a_damaged_one_is_made_again(top: Path, file: str, damage: bytes | None) -> None:
    with store.kept("a", fill) as folder:
        pass
    if file == store.SUMS:
        (folder / "x.whl").write_bytes(b"")  # as after a loss of power, which takes more than one
    if damage is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(damage)
    with store.kept("a", fill):
        assert (folder / "x.whl").read_bytes() == bytes(1000)
        assert {path.name for path in top.iterdir()} == {"a", "a.lock"}


def test_a_store_that_cannot_be_written_to(top: Path) -> None:
    top.parent.parent.joinpath("nbfab").write_text("a file")
    with pytest.raises(HostError, match="cannot be written to here: "), store.kept("a", fill):
        pass
