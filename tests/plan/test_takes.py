"""What a running server has taken up, and what a new release may not do to it unasked."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_cases import CLASSIC, KEEP, MODERN, NEW, WANTED, after, batched, file, holding, running, seen, wanting

from nbfab.look.environments import Environment
from nbfab.look.facts import Facts
from nbfab.passwords import Password
from nbfab.plan import choices, config, module, password, server, takes
from nbfab.plan.steps import STEPS, plan
from nbfab.wanted import Wanted

Text = Callable[[Wanted, Facts], str]


def reword(monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]) -> None:
    """The next release, which writes the settings with that change."""
    before = config.text
    monkeypatch.setattr(config, "text", lambda wanted, facts: change(before(wanted, facts)))


def upgraded(facts: Facts) -> tuple[Facts, list[str]]:
    """The host after the first setup by the next release, and the files that it writes."""
    changes = plan(KEEP, facts, STEPS)
    assert {change.kind for change in changes} <= {"write"}
    assert not any(change.needs_restart for change in changes)
    return after(facts, changes), [change.args["file"] for change in changes]


@pytest.mark.parametrize("environment", [MODERN, CLASSIC], ids=["notebook 7", "notebook 6"])
def test_what_a_server_was_started_with_follows_from_its_files(environment: Environment) -> None:
    new = seen(NEW, environments={"found": (environment,)})
    facts = running(WANTED, new)
    assert takes.running(facts) == takes.wanted_takes(KEEP, facts)
    assert takes.running(new) is None
    assert takes.pending(KEEP, facts) == ()


@pytest.mark.parametrize("name", [config.FILE, password.FILE, takes.RUN])
def test_files_that_were_changed_by_hand_prove_nothing(name: str) -> None:
    facts = holding(running(), file(name, running().files.text(name).replace("9999", "9998").replace("argon2id", "x")))
    assert takes.running(facts) is None or name == password.FILE
    if name == config.FILE:
        assert "stop the server: it was started with other settings" in [
            change.summary for change in server.plan(replace(KEEP, settings=wanting(port=7000).settings), facts)
        ]


def test_another_wording_is_written_once_and_nothing_is_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = running()
    reword(monkeypatch, lambda text: text.replace("# Written by nbfab", "# Made by nbfab") + "\n# the end\n")
    facts, files = upgraded(facts)
    assert files == [takes.FILE, config.FILE, takes.RUN]
    assert takes.pending(KEEP, facts) == ()
    assert plan(KEEP, facts, STEPS) == []


def test_another_run_sh_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = running()
    before = takes.digest
    monkeypatch.setattr(takes, "digest", lambda script, *rest: before(script, *rest) + "0")
    facts = seen(facts, server={"started": replace_digest(facts)})
    monkeypatch.setattr("nbfab.program.functions", lambda *files: "run_server() { other words; }\n")
    facts, files = upgraded(facts)
    assert files == [takes.FILE, takes.RUN]
    assert plan(KEEP, facts, STEPS) == []


def replace_digest(facts: Facts) -> object:
    started = facts.server.started
    assert started
    return started._replace(digest=started.digest + "0")


def test_what_a_release_brings_waits_for_the_next_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = running()
    reword(monkeypatch, lambda text: text + "c.ServerApp.allow_password_change = False\n")
    facts, _ = upgraded(facts)
    for _ in range(2):
        assert takes.pending(KEEP, facts) == ("ServerApp.allow_password_change",)
        assert plan(KEEP, facts, STEPS) == []
    # A second release, before that restart.
    reword(monkeypatch, lambda text: text + "c.ServerApp.shutdown_no_activity_timeout = 0\n")
    # It waits for a restart only once it is set up.
    assert takes.waiting(KEEP, facts) == ("ServerApp.allow_password_change",)
    facts, files = upgraded(facts)
    assert takes.waiting(KEEP, facts) == takes.pending(KEEP, facts)
    assert files == [config.FILE, takes.RUN]
    assert takes.pending(KEEP, facts) == (
        "ServerApp.allow_password_change",
        "ServerApp.shutdown_no_activity_timeout",
    )
    assert plan(KEEP, facts, STEPS) == []
    _, digest = server.launcher(KEEP, facts)
    started = facts.server.started
    assert started
    restarted = seen(facts, server={"started": started._replace(digest=digest)})
    assert takes.pending(KEEP, restarted) == ()
    assert plan(KEEP, restarted, STEPS) == []


def test_what_a_release_brings_comes_along_when_something_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = running()
    reword(monkeypatch, lambda text: text + "c.ServerApp.allow_password_change = False\n")
    changes = plan(wanting(port=8765), facts, [config.STEP])
    written = [change.args.get("file") for change in changes]
    assert written == [config.FILE, takes.RUN, None, None, choices.FILE]
    assert [change.kind for change in changes][2:4] == ["stop server", "start server"]
    assert all(change.needs_restart for change in changes)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (wanting(port=8765), "port 9999 -> 8765"),
        (wanting(ip="localhost"), "ip * -> localhost"),
    ],
)
def test_what_was_chosen_restarts_the_server(wanted: Wanted, why: str) -> None:
    changes = plan(wanted, running(), STEPS)
    assert f"stop the server: {why}" in [change.summary for change in changes]
    assert all(change.needs_restart for change in changes)


def test_a_new_password_restarts_only_a_server_without_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = replace(WANTED, password=Password("another horse battery"))
    for steps in (STEPS, [password.STEP]):
        (change,) = plan(wanted, running(), steps)
        assert (change.summary, change.needs_restart) == ("rewrite the hash of the new password", False)
    facts = after(running(), [change])
    assert takes.pending(KEEP, facts) == ()
    assert plan(KEEP, facts, STEPS) == []
    with monkeypatch.context() as release:
        release.setattr(module, "lines", lambda folder, classic: iter(()))
        facts = running()
    for steps in (STEPS, [password.STEP]):
        changes = plan(wanted, facts, steps)
        assert "stop the server: the password is new" in [change.summary for change in changes]
        assert next(change.needs_restart for change in changes if change.args.get("file") == password.FILE)


def test_an_earlier_server_takes_up_the_module_at_its_next_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as release:
        release.setattr(module, "lines", lambda folder, classic: iter(()))
        release.setattr(module, "files", lambda: {})
        facts = running()
    changes = plan(KEEP, facts, STEPS)
    assert not any(change.needs_restart for change in changes)
    facts = after(facts, changes)
    assert takes.pending(KEEP, facts) == (module.TAKES,)
    assert plan(KEEP, facts, STEPS) == []
    assert "start server" in [change.kind for change in plan(replace(KEEP, restart=True), facts, STEPS)]


def test_another_wording_of_the_module_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = running()
    files = {path: f"{text}# the end\n" for path, text in module.files().items()}
    monkeypatch.setattr(module, "files", lambda: files)
    (change,) = plan(KEEP, facts, STEPS)
    assert (change.kind, change.needs_restart) == ("write module", False)
    assert [path for path, _, _ in batched(change.words)] == list(files)
    facts = after(facts, [change])
    assert (plan(KEEP, facts, STEPS), takes.pending(KEEP, facts)) == ([], ())


def test_a_restart_that_is_asked_for_takes_up_a_module_that_was_changed_by_hand() -> None:
    facts = seen(running(), files={"sums": (("nbfab_server/limiter.py", "1 1"),)})
    reasons = [change.reason for change in plan(replace(KEEP, restart=True), facts, STEPS)]
    assert "its module is written anew" in reasons
    assert "stop server" not in [change.kind for change in plan(KEEP, facts, STEPS)]


def test_another_interpreter_restarts_it_only_if_that_was_chosen() -> None:
    other = MODERN._replace(python="/new/bin/python")
    facts = seen(running(), environments={"found": (other,)})
    changes = plan(KEEP, facts, STEPS)
    assert "stop server" not in [change.kind for change in changes]
    assert "python" in takes.pending(KEEP, after(facts, changes))
    wanted = replace(KEEP, settings=wanting(python="/new").settings)
    reasons = [change.reason for change in plan(wanted, facts, STEPS) if change.kind == "stop server"]
    assert reasons == ["it runs /env/bin/python"]


@pytest.mark.parametrize("note", ["", "{}", "[]", "x", '{"digest": 1, "takes": []}', "[" * 100_000, '{"takes": {}}'])
def test_a_note_that_makes_no_sense_is_none(note: str) -> None:
    facts = holding(running(), file(takes.FILE, note))
    assert takes.running(facts) == takes.running(running())


def test_the_note_of_an_earlier_start_does_not_count() -> None:
    note = json.dumps({"digest": "other", "takes": {"python": "/other"}})
    assert takes.running(holding(running(), file(takes.FILE, note))) == takes.running(running())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("c.ServerApp.port = 9999\n", {"ServerApp.port": "9999"}),
        ("c.ServerApp.port   = 9999\n", {}),
        ("c.ServerApp.ip = '*'\n# c.ServerApp.port = 1\n", {"ServerApp.ip": "*"}),
        ("c.X.token = secrets.token_hex(32)\n", {"X.token": "secrets.token_hex(32)"}),
        ("c.X.a = {[]: 1}\n", {"X.a": "{[]: 1}"}),
        ("c.X.a = ['/x', '/y']\n", {"X.a": "['/x', '/y']"}),
        ("c.X.a = " + "(" * 4000 + "\n", {"X.a": "(" * 4000}),
        ("c.X.a = " + "-" * 4000 + "1\n", {"X.a": "-" * 4000 + "1"}),
        ("c.X.a = " + "9" * 4900 + "\n", {"X.a": "9" * 4900}),
    ],
)
def test_traits_are_read_as_values(text: str, found: dict[str, str]) -> None:
    assert takes.traits(text) == found


@given(st.text())
def test_any_text_has_traits_or_none(text: str) -> None:
    takes.traits(f"c.X.a = {text}\n{text}")
