"""Each layer's check, by tables of what was seen."""

from dataclasses import replace
from functools import reduce

import pytest
from other_servers import one
from plan_cases import NEW, NOW, WANTED, seen
from recorded_faults import DEAD, END, HEALTHY, NEAR, RECORDED, SEVERAL, STOPPED, Recorded

from nbfab.cli.report import Report
from nbfab.doctor.layers import NAMES, examine
from nbfab.doctor.near import Near, Stage
from nbfab.finding import Finding
from nbfab.look.ended import Ended
from nbfab.look.facts import Facts
from nbfab.look.home import Mount
from nbfab.look.server import Answer
from nbfab.outcome import Outcome
from nbfab.units import stamp


def failed(near: Near, facts: Facts | None) -> list[Finding]:
    return [finding for finding in examine(WANTED, near, facts) if finding.state == "failed"]


def test_every_layer_of_a_healthy_host_passes_once() -> None:
    found = examine(WANTED, NEAR, HEALTHY)
    assert [finding.state for finding in found] == ["ok"] * len(NAMES), found
    assert [finding.layer for finding in found] == list(NAMES)
    assert not any(finding.fix for finding in found)


@pytest.mark.parametrize("fault", RECORDED, ids=lambda fault: fault.name)
def test_a_fault_is_found_where_it_is_and_has_a_fix(fault: Recorded) -> None:
    found = failed(*fault.case)
    assert [finding.layer for finding in found] == list(fault.layers), found
    assert all(finding.fix and finding.words for finding in found)


def test_five_are_found_at_once() -> None:
    faults = [fault for fault in RECORDED if fault.name in SEVERAL]
    near = reduce(lambda near, fault: replace(near, **fault.near), faults, NEAR)
    facts = reduce(lambda facts, fault: seen(facts, **fault.facts), faults, HEALTHY)
    assert [finding.layer for finding in failed(near, facts)] == ["home", "clock", "port", "limits", "stale files"]


@pytest.mark.parametrize("ends", ["name", "tcp", "host key", "login", "login shell"])
def test_the_layers_above_one_that_failed_are_known_and_those_below_are_not(ends: Stage) -> None:
    found = examine(WANTED, replace(NEAR, ends=ends, why="because"), None)
    at = NAMES.index(ends)
    assert [finding.state for finding in found] == ["ok"] * at + ["failed"] + ["unknown"] * (len(NAMES) - at - 1)
    assert found[at].words == "because"


def test_this_machine_has_no_connection_to_check() -> None:
    found = examine(WANTED, Near(local=True, asked=NEAR.asked, answered=NEAR.answered), HEALTHY)
    assert {finding.state for finding in found} == {"ok"}
    assert found[0].layer == "home"


def test_a_login_that_failed_says_what_was_offered_and_tried() -> None:
    near = replace(NEAR, ends="login", why="ann: denied", offered="publickey,password", tried=("ssh-rsa SHA256:x",))
    (finding,) = failed(near, None)
    assert finding.words == "ann: denied; offered: publickey, password; tried: ssh-rsa SHA256:x"
    assert str(finding.fix[-1]) == "ssh-copy-id box"


@pytest.mark.parametrize(
    ("seconds", "noise", "words"),
    [
        (4.9, (), []),
        (5.6, (), ["its startup files take 6 seconds before a program runs"]),
        (0.1, ("hi",), ["its startup files print 1 line before a program runs, which breaks scp: hi"]),
    ],
)
def test_a_login_shell_may_neither_talk_nor_take_long(seconds: float, noise: tuple[str, ...], words: list[str]) -> None:
    facts = seen(HEALTHY, shell={"began": 1000, "uptime": 10 + seconds})
    assert [finding.words for finding in failed(replace(NEAR, noise=noise), facts)] == words


def test_a_host_that_was_not_set_up_lacks_the_server_alone() -> None:
    facts = seen(NEW, stale={"tmux": "tmux 3.4"}, listening={"known": True}, others={"servers": ()})
    (finding,) = failed(replace(NEAR, port="refused"), facts)
    assert (finding.layer, finding.words) == ("server", "there is no profile nbserver")
    unknown = [of.layer for of in examine(WANTED, NEAR, facts) if of.state == "unknown"]
    assert unknown == ["settings", "certificate"]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (STOPPED, "it does not run: it has not been started"),
        (seen(STOPPED, server={"log": "bye\n"}), "it does not run: it was stopped"),
        (
            seen(HEALTHY, server={"alive": False, "answer": None, "session_pids": (), "log": "Killed\n\n"}),
            "it does not run: it has ended, and its last words are: Killed",
        ),
        (
            seen(
                DEAD,
                server={"ended": Ended(5, END, "exit", 1, "given-up"), "log": "bye\nnbfab: the server has ended\n"},
            ),
            "it does not run: it crashed 6 times in 5 minutes, so it is not started again "
            f"(exit status 1, at {stamp(END)}), and its last words are: bye",
        ),
        (
            seen(DEAD, server={"boots": True}),
            "it does not run: the host was restarted, while it ran, and its last words are: bye",
        ),
        (
            seen(DEAD, server={"ended": Ended(0, END, "memory", 9, "down"), "boots": True}),
            f"it does not run: it has ended (signal 9 (SIGKILL), the host was out of memory, at {stamp(END)}), "
            "before the host was restarted, and its last words are: bye",
        ),
        (
            seen(DEAD, server={"ended": Ended(1, END, "signal", 11, "again"), "session_pids": ("10",)}),
            f"it has crashed (signal 11 (SIGSEGV), at {stamp(END)}), and is started again",
        ),
        (
            seen(DEAD, server={"ended": Ended(0, END, "idle", 0, "down")}),
            f"it does not run: it was idle, so it ended at {stamp(END)}",
        ),
        (
            seen(HEALTHY, server={"answer": Answer(False, "no")}, listening={"addresses": ()}),
            "it was started a moment ago, and does not answer yet",
        ),
        (
            seen(HEALTHY, server={"answer": Answer(False, "no")}, host={"clock": int(NOW) + 30}),
            "it runs, but does not answer on the host: no",
        ),
    ],
)
def test_why_no_server_runs(facts: Facts, words: str) -> None:
    assert [finding.words for finding in failed(replace(NEAR, port="refused"), facts) if finding.layer == "server"] == [
        words
    ]


def test_a_server_that_was_started_again_passes_and_that_is_said() -> None:
    facts = seen(HEALTHY, server={"ended": Ended(2, int(NOW), "memory", 9, "again")})
    (found,) = (finding for finding in examine(WANTED, NEAR, facts) if finding.layer == "server")
    assert (found.state, found.words) == (
        "ok",
        "it answers on the host and from here; it was started again 2 times, the last after signal 9 (SIGKILL), the "
        "host was out of memory",
    )


def test_an_unusual_mount_alone_is_no_fault() -> None:
    facts = seen(HEALTHY, home={"mount": Mount("fs:/home", "/home", "nfs4", ("rw", "hard", "local_lock=none"))})
    assert failed(NEAR, facts) == []


def test_a_server_that_asks_for_a_token_is_no_fault_and_where_none_can_be_found_it_is_not_known() -> None:
    facts = seen(HEALTHY, others={"servers": (one(),)})
    found = {of.layer: of for of in examine(WANTED, NEAR, facts)}["others"]
    assert found.state == "ok"
    assert found.words.startswith(
        "1 that nbfab did not start; it asks for a password or token\nport 8888: process 4711"
    )
    (fault,) = failed(NEAR, seen(HEALTHY, others={"servers": (one(), one(open=True, port=8889))}))
    assert (fault.layer, str(fault.fix[-1])) == ("others", "nbfab stop --port=8889")
    found = {of.layer: of for of in examine(WANTED, NEAR, seen(HEALTHY, others={"servers": None}))}["others"]
    assert found.state == "unknown"


def test_a_quiet_report_has_only_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    findings = (Finding("home", "ok", "fine"), Finding("port", "unknown", "why"), Finding("server", "failed", "down"))
    outcome = Outcome("gpu1", "doctor", "faulty", findings=findings, status=1)
    Report("doctor", json=False, quiet=True).one(outcome)
    assert capsys.readouterr().out == "gpu1: 1 found\n  server       failed: down\n"
