"""The servers that this machine remembers: what a file of any content comes to, and what is forgotten."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbfab.cli.remembered import of_host, remember
from nbfab.display.known import Row, table
from nbfab.fleet import known
from nbfab.fleet.known import Known, Reach
from nbfab.names import HostString, parse_host
from nbfab.outcome import Outcome, Verdict
from nbfab.ssh.options import SshOptions

RUNS: dict[str, Any] = {"running": True, "fingerprint": "AA"}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's state is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "state"


def host(name: str, *, inventory: str = "", profile: str = "nbserver", **options: Any) -> Known:
    """A server on a host of that name."""
    return of_host(name, profile, parse_host(name), SshOptions(**options), inventory=inventory)


def ended(server: Known, task: str = "setup", verdict: Verdict = "changed", **state: Any) -> tuple[Known, Outcome]:
    """A task that has ended there."""
    status = int(verdict in ("not running", "not reached", "failed"))
    url = f"https://{server.host}:9999/" if "fingerprint" in state else ""
    return server, Outcome(server.host, task, verdict, status=status, state=state, url=url)


def test_a_server_is_what_was_seen_of_it_last(state: Path) -> None:
    gpu = host("ann@gpu1:2222")
    remember([ended(gpu, **RUNS)])
    (one,) = known.every()
    assert (one.host, one.url, one.port, one.seen, one.runs) == (
        "ann@gpu1:2222", "https://ann@gpu1:2222:9999/", 0, "running", True,
    )  # fmt: skip
    remember([ended(gpu, "status", "not reached")])
    (one,) = known.every()
    assert (one.seen, one.runs) == ("not reached", True)
    remember([ended(gpu, "status", "not running", running=False)])
    assert known.every()[0].runs
    remember([ended(gpu, "stop", running=False)])
    assert (known.every()[0].seen, known.every()[0].runs) == ("not running", False)
    remember([ended(gpu, "start", **RUNS), ended(gpu, "password", "failed")])
    assert (known.every()[0].seen, known.every()[0].runs) == ("running", True)
    file = state / "nbfab/servers.json"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_one_that_is_opened_through_a_link_has_a_port_and_no_url() -> None:
    gpu = host("gpu1")
    remember([ended(gpu, "open", "running", running=True, settings={"port": {"value": 8123}})])
    assert [(one.url, one.port, one.seen) for one in known.every()] == [("", 8123, "running")]


@pytest.mark.parametrize(
    "seen",
    [
        ended(host("a"), "status", "not running", running=False),
        ended(host("a"), "plan", "would change", running=False),
        ended(host("a"), "status", "not reached"),
        ended(host("a"), "stop", "unchanged", running=False),
        ended(host("a"), "remove", "unchanged"),
    ],
)
def test_where_there_is_no_server_none_is_remembered(state: Path, seen: tuple[Known, Outcome]) -> None:
    remember([seen])
    assert known.every() == []
    assert not state.exists()


def test_remove_forgets_it_by_whatever_name_and_takes_its_traces_along(state: Path) -> None:
    direct, listed = host("gpu1"), replace(host("gpu1", inventory="/x/hosts.yaml"), host="first")
    other = host("gpu1", profile="two")
    remember([ended(direct, **RUNS), ended(listed, **RUNS), ended(other, **RUNS)])
    assert len(known.every()) == 3
    remember([ended(direct, "remove", "failed")])
    assert len(known.every()) == 3
    remember([ended(direct, "remove")])
    assert [one.profile for one in known.every()] == ["two"]
    remember([ended(other, "remove", "unchanged")])
    assert not state.exists()


def test_no_password_is_remembered_and_paths_stand_by_themselves(state: Path) -> None:
    options = SshOptions("my_config", ("id",), "hunter2", "letmein", identity="~/.ssh/k", jumps=(parse_host("b@gate"),))
    remember([ended(of_host("a", "nbserver", HostString("ann", "a", 22), options), **RUNS)])
    written = (state / "nbfab/servers.json").read_text()
    assert "hunter2" not in written
    assert "letmein" not in written
    (one,) = known.every()
    assert one.reach.config == str(Path("my_config").absolute())
    again = one.reach.given(SshOptions(password="other", timeout=3))
    assert (again.keys, again.identity) == ((str(Path("id").absolute()),), str(Path("~/.ssh/k").expanduser()))
    assert (again.jumps, again.password, again.timeout) == ((parse_host("b@gate"),), "other", 3)
    assert one.reach.host == HostString("ann", "a", 22)


def test_their_order_is_that_of_people() -> None:
    names = ["gpu10", "gpu2", "ann@gpu1", "gpu1"]
    remember(
        [ended(host(name), **RUNS) for name in names]
        + [ended(of_host("this machine", "nbserver", None, None), **RUNS), ended(host("a", inventory="/b"), **RUNS)]
    )
    assert [one.host for one in known.every()] == ["this machine", "ann@gpu1", "gpu1", "gpu2", "gpu10", "a"]


def test_it_is_bounded_and_those_seen_last_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "MOST", 3)
    for number in range(6):
        monkeypatch.setattr("time.time", lambda number=number: 1000 + number)
        remember([ended(host(f"s{number}"), **RUNS)])
    assert [one.host for one in known.every()] == ["s3", "s4", "s5"]


def test_runs_at_the_same_time_lose_nothing() -> None:
    threads = [
        threading.Thread(target=remember, args=([ended(host(f"s{number:02}"), **RUNS)],)) for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(known.every()) == 20


def test_without_a_place_for_it_a_task_goes_on(state: Path) -> None:
    state.write_text("a file")
    remember([ended(host("a"), **RUNS)])
    assert known.every() == []


GOOD: dict[str, Any] = {
    "host": "a", "profile": "nbserver", "inventory": "", "url": "https://a:9999/", "port": 9999, "seen": "running",
    "time": 1795718570, "runs": True,
    "reach": {"typed": "a", "config": "", "keys": [], "identity": "", "jumps": None, "options": [], "transport": ""},
}  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*GOOD, *GOOD["reach"]]), JSON, max_size=3))
def test_a_file_of_any_content_is_read(tmp_path_factory: pytest.TempPathFactory, other: dict[str, Any]) -> None:
    reach = {**GOOD["reach"], **{key: value for key, value in other.items() if key in GOOD["reach"]}}
    bad = GOOD | {"reach": reach} | {key: value for key, value in other.items() if key in GOOD}
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("state")
        patch.setenv("XDG_STATE_HOME", str(folder))
        (folder / "nbfab").mkdir()
        (folder / "nbfab/servers.json").write_text(json.dumps({"made": other, "servers": [bad, GOOD, 7]}))
        found = known.every()
    assert len(found) in (1, 2)
    assert "a" in table([Row(server, "", "nbfab status") for server in found])


def test_a_reach_is_of_this_machine_or_of_a_host() -> None:
    assert of_host("this machine", "nbserver", None, None).is_here
    assert of_host("this machine", "nbserver", None, None).reach == Reach()
    assert not host("a").is_here


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        json.dumps({"servers": [{**GOOD, "profile": "-x; y"}]}),
        json.dumps({"servers": [{**GOOD, "port": float("inf")}]}),
        json.dumps({"servers": [{**GOOD, "reach": {**GOOD["reach"], "config": "a\0b"}}]}),
    ],
    ids=["nested without end", "a profile that no look would take", "a port without end", "a path that is none"],
)
def test_what_makes_no_sense_is_left_out(state: Path, text: str) -> None:
    (state / "nbfab").mkdir(parents=True)
    (state / "nbfab/servers.json").write_text(text)
    assert known.every() == []
    remember([ended(host("a"), **RUNS)])
    assert [one.host for one in known.every()] == ["a"]


def test_a_name_may_have_digits_that_are_no_number(state: Path) -> None:
    (state / "nbfab").mkdir(parents=True)
    servers = [{**GOOD, "host": name} for name in ("a10", "a²", "a9")]
    (state / "nbfab/servers.json").write_text(json.dumps({"servers": servers}))
    assert [one.host for one in known.every()] == ["a9", "a10", "a²"]
