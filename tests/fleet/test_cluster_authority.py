"""What this machine keeps of a cluster: its authority, which its user alone can read, and where its scheduler is."""

import os
import shlex
import threading
from pathlib import Path

import pytest
from shells import NASTY

from nbfab.cluster import authority
from nbfab.cluster.decide import Scheduler
from nbfab.errors import Refused, UsageError
from nbfab.fleet.cluster import Kept

NOW = 1_800_000_000.0
DAY = 86400


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place where programs of this user keep state, which is not there yet; its name has a blank."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "the state"))
    return tmp_path / "the state"


def of(name: str = "hosts.yaml", profile: str = "", *, makes: bool = True, now: float = NOW) -> str:
    return Kept(Path(name), profile).authority(now, makes=makes)


def kept(state: Path) -> list[Path]:
    """The files of authorities."""
    return sorted(state.rglob("*.pem"))


def test_the_second_run_has_the_authority_of_the_first(state: Path) -> None:
    made = of()
    assert authority.is_one(made, NOW)
    (file,) = kept(state)
    assert file.read_text() == made == of() == of(makes=False)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_loose_umask_makes_it_no_less_private(state: Path) -> None:
    before = os.umask(0)
    try:
        of()
    finally:
        os.umask(before)
    assert [file.stat().st_mode & 0o777 for file in kept(state)] == [0o600]


def test_a_preview_keeps_none(state: Path) -> None:
    assert authority.is_one(of(makes=False), NOW)
    assert kept(state) == []


def test_each_inventory_and_each_profile_has_one_of_its_own(state: Path, tmp_path: Path) -> None:
    made = [of(), of(profile="lab"), of(profile="x.y"), of(str(tmp_path / "hosts.yaml"))]
    assert len({*made}) == len(kept(state)) == 4
    assert [of(), of(profile="lab")] == made[:2]


def test_an_inventory_is_the_same_by_another_path(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert of(str(tmp_path / "hosts.yaml")) == of() == of("./hosts.yaml")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_could_read_is_not_used(state: Path, mode: int) -> None:
    of()
    (file,) = kept(state)
    file.chmod(mode)
    with pytest.raises(Refused, match="others could read or change") as caught:
        of()
    assert caught.value.hint == f"chmod 600 {shlex.quote(str(file))}"


@pytest.mark.parametrize("text", [b"", b"x", b"\xff\x00", *(text.encode() for text in NASTY)])
def test_a_file_that_holds_something_else_is_refused_and_stays(state: Path, text: bytes) -> None:
    of()
    (file,) = kept(state)
    file.write_bytes(text)
    with pytest.raises(Refused, match="is not the authority of a cluster, or has expired"):
        of()
    assert file.read_bytes() == text


def test_an_authority_that_ends_within_a_year_is_refused(state: Path) -> None:
    made = of()
    assert of(now=NOW + 3284 * DAY) == made
    with pytest.raises(Refused, match=r"or has expired$"):
        of(now=NOW + 3285 * DAY)


def test_the_command_that_removes_it_can_be_typed(state: Path) -> None:
    of()
    (file,) = kept(state)
    file.write_text("x")
    with pytest.raises(Refused) as caught:
        of()
    assert shlex.split(caught.value.hint) == ["rm", str(file)]


def test_runs_at_the_same_time_have_the_same_one(state: Path) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(of())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert {*made} == {file.read_text() for file in kept(state)}


def test_an_authority_that_cannot_be_kept_is_an_error_before_any_host_gets_it(state: Path) -> None:
    state.touch()
    with pytest.raises(UsageError, match="could not be written: Not a directory"):
        of()


def test_where_the_scheduler_is_is_remembered_for_each_profile(state: Path) -> None:
    one, other = Scheduler("gpu1", "192.0.2.1:10000"), Scheduler('it\'s a "b"\n', "[2001:db8::1]:10064")
    assert Kept(Path("hosts.yaml")).scheduler is None
    Kept(Path("hosts.yaml")).remember(one)
    Kept(Path("hosts.yaml"), "lab").remember(other)
    assert Kept(Path("hosts.yaml")).scheduler == one
    assert Kept(Path("hosts.yaml"), "lab").scheduler == other
    Kept(Path("hosts.yaml")).remember(other)
    assert Kept(Path("hosts.yaml")).scheduler == other


@pytest.mark.parametrize("text", ["", "x", "7", "[]", "{}", '{"name": "gpu1"}', "[" * 100_000])
def test_a_memory_of_the_scheduler_that_makes_no_sense_is_none(state: Path, text: str) -> None:
    Kept(Path("hosts.yaml")).remember(Scheduler("gpu1", "192.0.2.1:10000"))
    (file,) = state.rglob("*.cluster.json")
    file.write_text(text)
    assert Kept(Path("hosts.yaml")).scheduler is None


def test_a_memory_that_cannot_be_kept_is_no_error(state: Path) -> None:
    state.touch()
    Kept(Path("hosts.yaml")).remember(Scheduler("gpu1", "192.0.2.1:10000"))
    assert Kept(Path("hosts.yaml")).scheduler is None
