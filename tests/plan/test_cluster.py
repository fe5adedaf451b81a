"""The step `cluster`: what makes a host a member, what is left alone, and what Dask's programs are started by."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from machine import ROOT
from plan_cases import DAY, NEW, NOW, WANTED, after, file, holding, running, seen, shown
from sshd import free_port, wait_until

from nbfab.cluster import authority
from nbfab.cluster.member import CA, CHOSEN, CONFIG, NODE, ROLES, Chosen, Member, Role, Size
from nbfab.errors import Refused
from nbfab.look.cluster import ClusterFacts, Running
from nbfab.look.facts import Facts
from nbfab.plan import cluster
from nbfab.plan.change import Change
from nbfab.plan.kernel import kernel_file
from nbfab.settings import Settings
from nbfab.wanted import Wanted

AUTHORITY, OTHER = authority.make("hosts.yaml", NOW), authority.make("hosts.yaml", NOW)
BOTH: tuple[Role, ...] = ("scheduler", "worker")
HERE = Chosen("gpu1", "192.0.2.1:10000", 10000, "192.0.2.1")
FIRST = running()  # a host that has been set up, and is in no cluster
KERNEL = kernel_file("nbserver")
PROBE = (ROOT / "nbfab/plan/starter_probe.py").read_text()


def joining(
    *, roles: tuple[Role, ...] = BOTH, by: str = AUTHORITY, now: float = NOW, restart: bool = False, **changes: Any
) -> Wanted:
    """What is wanted of a host that is to be a member, whose certificate is a new one, as at each run."""
    chosen = replace(HERE, **changes)
    member = Member("gpu1", roles, chosen, authority.root(by), *authority.sign(by, "gpu1", now))
    return replace(WANTED, cluster=member, now=now, restart=restart)


def planned(wanted: Wanted, facts: Facts) -> list[Change]:
    return list(cluster.plan(wanted, facts))


def words(changes: Iterable[Change]) -> list[str]:
    """What is shown of changes."""
    return [change.summary for change in changes]


def done(facts: Facts, changes: Iterable[Change]) -> Facts:
    """The host once those are made: facts show no key, and each member runs that was started."""
    changes = list(changes)
    facts = after(facts, changes)
    if node := facts.files.text(NODE):
        facts = holding(facts, file(NODE, node.partition("-----BEGIN PRIVATE")[0]))
    runs = {each.role: each for each in facts.cluster.runs}
    for change in changes:
        if change.kind == "start member":
            role: Role = "worker" if change.args["role"] == "worker" else "scheduler"
            runs[role] = Running(role, mark_of(facts, role), int(NOW))
        elif change.kind == "end member":
            del runs[change.words[0]]  # type: ignore[arg-type]
            if "drop" in change.words:
                gone = f"cluster/{change.words[0]}.sh"
                entries = tuple(entry for entry in facts.files.entries if entry.path != gone)
                facts = replace(facts, files=replace(facts.files, entries=entries))
    return replace(facts, cluster=ClusterFacts(runs=tuple(runs.values())))


def mark_of(facts: Facts, role: Role) -> str:
    """The mark with which the program of a member says what it was started with."""
    (mark,) = re.findall(r"^mark=(\w+)$", facts.files.text(cluster.script_file(role)), re.MULTILINE)
    return str(mark)


UP = done(FIRST, planned(joining(), FIRST))  # the scheduler's host, where all is as wanted


def test_a_host_that_is_in_no_cluster_has_nothing_to_do() -> None:
    assert planned(WANTED, FIRST) == []


def test_a_new_member_gets_its_files_before_it_is_started() -> None:
    assert words(planned(joining(), FIRST)) == [
        "write the certificate of the cluster's authority",
        "write its certificate and key for the cluster",
        "write the configuration that Client() reads",
        "write what was chosen for the cluster",
        "write the program that tmux runs for its scheduler",
        "start its scheduler at port 10000",
        "write the program that tmux runs for its worker",
        "start its worker for gpu1, at port 10001",
        "rewrite the kernel nbserver",
    ]


def test_every_file_that_it_writes_is_managed_and_private() -> None:
    managed = {of.path for of in cluster.STEP.files(Settings())}
    for change in planned(joining(), FIRST):
        if change.kind == "write":
            assert change.args["file"] in managed | {KERNEL}
            assert change.args["mode"] == "600"


def test_a_second_plan_is_empty() -> None:
    assert {each.role for each in UP.cluster.runs} == {*ROLES}
    assert planned(joining(), UP) == []
    assert planned(joining(restart=True), UP) == []


def test_a_host_of_workers_alone_starts_no_scheduler() -> None:
    changes = planned(joining(roles=("worker",), scheduler="gpu2", at="192.0.2.2:10000"), FIRST)
    assert [change.args["role"] for change in changes if change.kind == "start member"] == ["worker"]
    assert "start its worker for gpu2, at port 10001" in words(changes)


def test_members_are_started_side_by_side_and_the_last_start_waits_for_all() -> None:
    changes = planned(joining(), FIRST)
    starts = [(change.args["role"], change.args["awaited"]) for change in changes if change.kind == "start member"]
    assert starts == [("scheduler", ""), ("worker", "scheduler worker")]


def test_several_workers_have_several_ports() -> None:
    assert "start its worker for gpu1, at ports 10001 to 10003" in words(planned(joining(size=Size(3)), FIRST))


def test_the_notebooks_are_told_where_the_cluster_is() -> None:
    env = json.loads(UP.files.text(KERNEL))["env"]
    assert env["DASK_CONFIG"] == f"{NEW.files.folder}/{CONFIG}"
    assert "DASK_CONFIG" not in FIRST.files.text(KERNEL)
    config = json.loads(UP.files.text(CONFIG))
    assert config["scheduler-address"] == "tls://192.0.2.1:10000"


def test_the_key_is_written_and_never_shown() -> None:
    wanted = joining()
    assert wanted.cluster
    secret = wanted.cluster.key.splitlines()[1]
    changes = planned(wanted, FIRST)
    assert [change.args["file"] for change in changes if secret in "".join(change.args.values())] == [NODE]
    for change in changes:
        assert secret not in repr(change) + repr(change.public())
    assert secret not in repr(wanted)


@pytest.mark.parametrize("days", [0, 200, 334])
def test_a_certificate_that_lasts_is_kept(days: int) -> None:
    assert planned(joining(now=NOW + days * DAY), UP) == []


ANEW = "rewrite its certificate and key for the cluster"
BOTH_RESTART = ["restart its scheduler at port 10000", "restart its worker for gpu1, at port 10001"]


@pytest.mark.parametrize(
    ("wanted", "facts"),
    [
        (joining(now=NOW + 335 * DAY, restart=True), UP),
        (joining(now=NOW + 400 * DAY, restart=True), UP),
        (joining(by=OTHER, restart=True), UP),
        (joining(restart=True), holding(UP, file(NODE, UP.files.text(NODE), "-rw-r--r--"))),
        (joining(restart=True), holding(UP, file(NODE, "x"))),
        (joining(restart=True), holding(UP, file(NODE, shown(authority.root(AUTHORITY))[:99]))),
    ],
    ids=["30 days left", "expired", "of another authority", "others could read its key", "no certificate", "half"],
)
def test_a_certificate_that_no_longer_serves_is_made_anew_and_the_members_take_it_up(
    wanted: Wanted, facts: Facts
) -> None:
    assert wanted.cluster
    changes = planned(wanted, facts)
    assert [each for each in words(changes) if not each.startswith("rewrite the ")] == [ANEW, *BOTH_RESTART]
    (write,) = [change for change in changes if change.args.get("file") == NODE]
    assert write.args["content"] == wanted.cluster.certificate + wanted.cluster.key
    assert planned(wanted, done(facts, changes)) == []
    with pytest.raises(Refused, match="its scheduler runs, and has to be restarted for "):
        planned(replace(wanted, restart=False), facts)


@pytest.mark.parametrize(
    "wanted",
    [
        joining(size=Size(2)),
        joining(size=Size(threads=4)),
        joining(size=Size(memory="4GiB")),
        joining(first=10064, at="192.0.2.1:10064"),
        joining(scheduler="gpu2", at="192.0.2.2:10000", roles=("worker",)),
    ],
    ids=["workers", "threads", "memory", "ports", "scheduler"],
)
def test_a_member_that_may_be_computing_is_left_alone_without_restart(wanted: Wanted) -> None:
    with pytest.raises(
        Refused, match=r"its (scheduler|worker) runs, and .*; it was left alone, because it may be com"
    ) as no:
        planned(wanted, UP)
    assert no.value.hint == "once that may end\nnbfab --restart"
    changes = planned(replace(wanted, restart=True), UP)
    assert [change.summary for change in changes if change.summary.startswith("restart its worker ")]
    assert planned(wanted, done(UP, changes)) == []


def test_more_workers_are_no_reason_to_restart_the_scheduler() -> None:
    changes = words(planned(joining(size=Size(2), restart=True), UP))
    assert [each for each in changes if "restart" in each] == ["restart its worker for gpu1, at ports 10001 to 10002"]


def test_a_scheduler_that_moves_away_is_ended_before_the_worker_goes_to_the_other() -> None:
    wanted = joining(scheduler="gpu2", at="192.0.2.2:10000", roles=("worker",))
    with pytest.raises(Refused, match="its scheduler runs, and would end for this"):
        planned(wanted, UP)
    changes = words(planned(replace(wanted, restart=True), UP))
    assert changes.index("end its scheduler") < changes.index("restart its worker for gpu2, at port 10001")


@pytest.mark.parametrize("role", ROLES)
def test_a_member_that_is_down_is_started_though_nothing_has_changed(role: Role) -> None:
    others = tuple(each for each in UP.cluster.runs if each.role != role)
    changes = planned(joining(), replace(UP, cluster=ClusterFacts(runs=others)))
    assert [(change.kind, change.args["role"]) for change in changes] == [("start member", role)]
    assert changes[0].summary.startswith(f"start its {role} ")


def test_a_member_that_was_started_with_something_else_is_not_taken_for_the_one_that_is_wanted() -> None:
    strange = ClusterFacts(runs=(Running("scheduler", mark_of(UP, "scheduler"), 1), Running("worker", "-", 0)))
    with pytest.raises(Refused, match="its worker runs, and has to be restarted"):
        planned(joining(), replace(UP, cluster=strange))


def test_another_python_of_the_notebooks_takes_a_restart() -> None:
    other = seen(UP, environments={"found": (UP.environments.found[0]._replace(python="/other/bin/python"),)})
    with pytest.raises(Refused, match="its scheduler runs, and has to be restarted"):
        planned(joining(), other)


@pytest.mark.parametrize("path", [CA, CONFIG, CHOSEN, cluster.script_file("worker")])
def test_a_file_that_was_changed_or_is_not_private_is_written_again_and_no_member_restarts(path: str) -> None:
    text = UP.files.text(path)
    for entry in (file(path, "x"), file(path, text, "-rw-rw-rw-")):
        changes = planned(joining(), holding(UP, entry))
        assert [(change.kind, change.args["file"], change.args["content"]) for change in changes] == [
            ("write", path, text)
        ]


def test_the_workers_end_before_the_scheduler_and_what_is_down_is_left_alone() -> None:
    assert words(cluster.ends(UP)) == ["end its worker", "end its scheduler"]
    assert [change.words for change in cluster.ends(UP)] == [("worker",), ("scheduler",)]
    assert words(cluster.ends(FIRST)) == []


# What starts Dask's programs


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A folder with the module `fake`, whose `main` prints the words of its command line."""
    (tmp_path / "fake.py").write_text("import sys\ndef main(): print(sys.argv[1:])\nprint('imported', flush=True)\n")
    (tmp_path / "nbfab_worker.py").write_text(PROBE)
    return tmp_path


def started(module: Path, address: str, *args: str) -> "subprocess.Popen[str]":
    """The program, as `plan/cluster.sh` runs it."""
    command = [sys.executable, "-B", "nbfab_worker.py", "fake", address, *args]
    return subprocess.Popen(command, cwd=module, stdout=subprocess.PIPE, text=True)


def test_a_scheduler_starts_at_once_with_its_words(module: Path) -> None:
    with started(module, "", "--name", "it's a\n$HOME", "") as program:
        assert program.communicate(timeout=60)[0] == "imported\n" + repr(["--name", "it's a\n$HOME", ""]) + "\n"


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("[::1]", socket.AF_INET6)])
def test_a_worker_waits_for_the_scheduler_to_listen(host: str, family: socket.AddressFamily, module: Path) -> None:
    port = free_port()
    with started(module, f"{host}:{port}", "x") as program:
        try:
            assert program.stdout
            assert program.stdout.readline() == "imported\n", "all is read while it waits"
            with pytest.raises(subprocess.TimeoutExpired):
                program.wait(0.5)
            with socket.socket(family) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((host.strip("[]"), port))
                listener.listen()
                wait_until(lambda: program.poll() is not None, "it to go on")
            assert program.stdout.read() == "['x']\n"
        finally:
            program.kill()


# As a nanny starts its worker.
NANNY = """import gc, multiprocessing
print(gc.isenabled(), flush=True)
def start(target):
    process = multiprocessing.get_context("spawn").Process(target=target)
    process.start()
    process.join()
def below(): pass
def worker():
    print("worker", gc.isenabled(), flush=True)
    start(below)
def main():
    print("nanny", gc.isenabled(), flush=True)
    start(worker)
"""


def test_neither_a_nanny_nor_its_worker_looks_for_garbage_in_modules(module: Path) -> None:
    (module / "fake.py").write_text(NANNY)
    (module / "distributed").mkdir()
    (module / "distributed/nanny.py").write_text("import fake\nprint('of Dask', flush=True)\n")
    with started(module, "") as program:
        printed = program.communicate(timeout=60)[0].splitlines()
    assert printed == ["False", "nanny True", "False", "of Dask", "worker True", "True"], (
        "what it starts imports no more"
    )
