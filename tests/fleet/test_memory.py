"""What --failed knows, however a run ends."""

import threading
from pathlib import Path

import pytest

from nbfab.errors import UsageError
from nbfab.fleet.memory import Memory, failed
from nbfab.outcome import DUE, Outcome


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "hosts.yaml"


def done(name: str) -> Outcome:
    return Outcome(name, "setup", "changed")


def not_done(name: str) -> Outcome:
    return Outcome(name, "setup", "failed", status=1)


def test_a_run_that_never_was_is_told(inventory: Path) -> None:
    with pytest.raises(UsageError, match="has not been run"):
        failed(inventory, "setup")


def test_all_count_as_not_done_until_they_have_ended(inventory: Path) -> None:
    memory = Memory(inventory, "setup")
    memory.begins(["one", "two", "three"], whole=True)
    assert failed(inventory, "setup") == {"one", "two", "three"}
    memory.ends(done("one"))
    memory.ends(not_done("two"))
    assert failed(inventory, "setup") == {"two", "three"}
    memory.ends(done("two"), done("three"))
    assert failed(inventory, "setup") == set()
    with pytest.raises(UsageError, match="has not been run"):
        failed(inventory, "status")


def test_a_host_that_would_change_has_not_failed(inventory: Path) -> None:
    memory = Memory(inventory, "plan")
    memory.begins(["one"], whole=True)
    memory.ends(Outcome("one", "plan", "would change", status=DUE))
    assert failed(inventory, "plan") == set()


def test_a_run_over_some_leaves_the_others_as_they_were(inventory: Path) -> None:
    memory = Memory(inventory, "setup")
    memory.begins(["one", "two", "three"], whole=True)
    memory.ends(done("one"))
    again = Memory(inventory, "setup")
    again.begins(["one", "two"], whole=False)
    again.ends(done("two"))
    assert failed(inventory, "setup") == {"one", "three"}
    Memory(inventory, "setup").begins(["two"], whole=True)
    assert failed(inventory, "setup") == {"two"}


def test_runs_at_the_same_time_do_not_lose_each_other_s_hosts(inventory: Path) -> None:
    names = [f"h{number}" for number in range(40)]
    Memory(inventory, "setup").begins(names, whole=True)

    def work(task: str, mine: list[str]) -> None:
        memory = Memory(inventory, task)
        for name in mine:
            memory.ends(done(name))

    threads = [threading.Thread(target=work, args=("setup", names[at::4])) for at in range(4)]
    threads.append(threading.Thread(target=Memory(inventory, "status").begins, args=(names,), kwargs={"whole": True}))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed(inventory, "setup") == set()
    assert failed(inventory, "status") == set(names)


def test_a_folder_that_cannot_be_written_is_told_at_the_end(inventory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inventory.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(inventory))
    memory = Memory(inventory, "setup")
    memory.begins(["one"], whole=True)
    memory.ends(done("one"))
    with pytest.raises(UsageError, match="--failed will not know of this run"):
        memory.check()
